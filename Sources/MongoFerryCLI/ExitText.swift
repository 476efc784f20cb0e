import ArgumentParser
import BackupFile
import Foundation
import MongoDriver
import MongoFerry

/// How errors end the program: with one searchable line, details below it, and the exit status.
enum ExitText {
    static func exit(_ error: any Error) -> Never {
        switch error {
        case is CancellationError:
            Terminal.standardError.line("mongoferry: interrupted; nothing was changed")
            leave(130)
        case let code as ExitCode: leave(code.rawValue)
        case is FerryError, is BackupError, is FileError, is MongoError, is ConfigurationError:
            let error = FerryError(explaining: error)
            write("\(error)")
            leave(status(error.kind))
        default:
            let status = MongoFerryCommand.exitCode(for: error)
            // Help and version are not errors.
            if status.isSuccess { MongoFerryCommand.exit(withError: error) }
            if status == .validationFailure {
                // The message quotes arguments, which may include a connection string with its password.
                let text = Secrets.hidden(in: MongoFerryCommand.fullMessage(for: error))
                var lines = (text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                if let hint = ForeignOptions.hint(for: text) {
                    // The parser's suggestion of a similar spelling is then far off.
                    lines[0] = lines[0].replacing(/\. Did you mean .*/, with: "")
                    lines.insert("  " + hint, at: 1)
                }
                write(lines.joined(separator: "\n"))
            } else {
                write("\(error)")
            }
            leave(status.rawValue)
        }
    }

    /// Ends the program without the libraries' exit handlers. libmongoc's threads run until the last moment, and their
    /// connections use what OpenSSL frees at the end: the program would crash after everything was done.
    static func leave(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }

    private static func status(_ kind: FerryError.Kind) -> Int32 {
        switch kind {
        case .usage: 64
        case .failed: 1
        case .data: 2
        case .interrupted: 130
        }
    }

    static func write(_ text: String) {
        var line = StyledText("mongoferry:", .red)
        line.append(" " + text)
        Terminal.standardError.line(line)
    }
}
