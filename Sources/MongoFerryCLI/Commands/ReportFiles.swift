import BackupFile
import Foundation
import MongoFerry

/// The files to which the outcome is written: reports in the form that each name's extension selects, and a picture of
/// the references.
struct ReportFiles {
    private enum Form: String {
        case json, html, picture

        /// The form's name in messages.
        var name: String { self == .picture ? "picture" : "report" }
    }

    private var files: [(path: String, form: Form)] = []

    /// Checks the paths before the operation starts, since that may take long.
    /// - Parameters:
    ///   - backup: the file that is read or written, which no report may replace.
    ///   - common: the options whose files must not be replaced either.
    /// - Throws: ``FerryError`` if an extension is not that of a report, if two files have the same path, if a file
    ///   would replace one that must stay, or if nothing can be written there.
    init(_ paths: [String], picture: String? = nil, backup: String? = nil, _ common: CommonOptions) throws {
        let all = paths + [picture].compactMap(\.self)
        for path in all {
            let isBackup = backup.map { WholeFile.isSame(path, $0) } ?? false
            if let name = isBackup ? "the backup" : common.nameOfFile(at: path) ?? Self.stream(behind: path) {
                throw FerryError(
                    "\(path): a report would be written over \(name)", kind: .usage, advice: ["Give it another name."])
            }
        }
        for (index, path) in all.enumerated() where all[..<index].contains(where: { WholeFile.isSame($0, path) }) {
            throw FerryError(
                "\(path): two reports, or a report and a picture, would be written there", kind: .usage,
                advice: ["Give each a name of its own."])
        }
        for path in paths {
            let ending = FilePath.ending(of: path).lowercased()
            guard let form = Form(rawValue: ending), form != .picture else {
                throw FerryError(
                    "\(path): a report's name ends in .json or .html", kind: .usage,
                    advice: [".json is for programs, .html for people. --report may be repeated."])
            }
            try add(path, form)
        }
        guard let picture else { return }
        guard picture.lowercased().hasSuffix(".svg") else {
            throw FerryError(
                "\(picture): a picture's name ends in .svg", kind: .usage,
                advice: ["Browsers show it. `mongoferry plan` draws in other formats, without what dangles."])
        }
        try add(picture, .picture)
    }

    /// The standard stream that the shell has redirected to the file, as messages call it; nil if there is none.
    private static func stream(behind path: String) -> String? {
        var (mine, other) = (stat(), stat())
        guard stat(path, &mine) == 0, mine.st_mode & S_IFMT == S_IFREG else { return nil }
        return [(STDIN_FILENO, "standard input's file"), (STDOUT_FILENO, "standard output's file")].first {
            fstat($0.0, &other) == 0 && mine.st_dev == other.st_dev && mine.st_ino == other.st_ino
        }?.1
    }

    private mutating func add(_ path: String, _ form: Form) throws {
        let folder = FilePath.folder(of: path)
        guard FilePath.isFolder(folder) else {
            throw FerryError(
                "\(path): there is no folder \(folder) for the \(form.name)",
                advice: ["`mkdir -p \(folder.shellPath)` makes it."])
        }
        var status = stat()
        let exists = stat(path, &status) == 0
        if FilePath.isFolder(path) {
            throw FerryError("\(path): cannot write the \(form.name) there: it is a folder")
        }
        guard access(exists ? path : folder, W_OK) == 0 else {
            throw FerryError("\(path): cannot write the \(form.name) there")
        }
        // A regular file is replaced by one that is written beside it.
        let place = FilePath.folder(of: FilePath.behindLinks(path) ?? path)
        if exists, status.st_mode & S_IFMT == S_IFREG, access(place, W_OK) != 0 {
            throw FerryError("\(path): cannot write the \(form.name) there: nothing can be added to \(place)")
        }
        files.append((path, form))
    }

    /// Writes all files that can be written.
    /// - Returns: an error that names each file that could not be written; nil if there is none.
    func write(_ report: Report) -> FerryError? {
        var faults: [String] = []
        for (path, form) in files {
            guard let text = text(of: report, form) else { continue }
            do {
                try WholeFile.write(Secrets.hidden(in: text), to: path)
            } catch { faults.append("\(path): cannot write the \(form.name): \(WholeFile.reason(error))") }
        }
        return faults.first.map { FerryError($0, details: Array(faults.dropFirst())) }
    }

    /// Nil for a picture if no references were examined, so that there is nothing to draw.
    private func text(of report: Report, _ form: Form) -> String? {
        switch form {
        case .json: report.json
        case .html: report.html
        case .picture: report.graph?.drawn(as: .svg)
        }
    }
}
