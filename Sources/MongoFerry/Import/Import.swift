import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Imports a backup file into a database.
public struct Import: Sendable {
    public let target: Target
    public let options: ImportOptions
    /// How messages and reports call the file of an import that reads standard input.
    package static let standardInput = "standard input"

    private let open: @Sendable (OperationContext) throws -> OpenFile

    /// - Parameter file: the backup's path.
    public init(_ file: String, into target: Target, _ options: ImportOptions = ImportOptions()) {
        self.target = target
        self.options = options
        open = { operation in
            let opened = try OpenFile(reading: file, whileWaiting: operation.cancellation.check)
            // A named pipe or the shell's <(…) can be read only once.
            return try opened.isRegular ? opened : Spool.file(from: opened, operation)
        }
    }

    /// - Parameter descriptor: standard input or another stream, which is spooled into a temporary file first.
    public init(spooling descriptor: Int32, into target: Target, _ options: ImportOptions = ImportOptions()) {
        self.target = target
        self.options = options
        // Copying fails for a descriptor that is not open; otherwise the temporary file might get its number.
        open = {
            try Spool.file(from: OpenFile(copying: OpenFile(borrowing: descriptor, path: Self.standardInput)), $0)
        }
    }

    public func runBlocking(_ operation: OperationContext) throws -> Report {
        try reporting(on: target, operation) { operation in
            try options.check()
            let reader = try Self.beforeWriting {
                try BackupReader(try open(operation), check: operation.cancellation.check)
            }
            let connection = try Self.beforeWriting { try connect(reader, operation) }
            var run = try ImportRun(options: options, connection: connection, reader: reader, operation: operation)
            return try run.run()
        }
    }

    /// Adds to an error that nothing was written.
    static func beforeWriting<Result>(_ read: () throws -> Result) throws -> Result {
        do {
            return try read()
        } catch let error as BackupError where error.isAboutContent {
            throw error.noting(FerryError.nothingWritten)
        } catch let error where error is MongoError || error is FileError {
            throw FerryError(explaining: error).noting(FerryError.nothingWritten)
        } catch let error as FerryError where error.kind == .failed {
            throw error.noting(FerryError.nothingWritten)
        }
    }

    private func connect(_ reader: BackupReader, _ operation: OperationContext) throws -> Connection {
        let database =
            try options.usesDatabaseOfFile ? target.namedDatabase(else: reader.metadata) : target.namedDatabase()
        if target.database == nil {
            // Shown with --quiet as well: it says which database is changed.
            operation.warning(
                "neither --db nor the connection string names a database: importing into the file's own, \(database)")
        }
        try TargetName.check(database: database)
        return try Connection(target, database: database, operation.cancellation, forWriting: true)
    }
}
