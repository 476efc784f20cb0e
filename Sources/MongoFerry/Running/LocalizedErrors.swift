import BackupFile
import Foundation
import MongoDriver
import Relations

// What `localizedDescription` says of them: else Foundation puts a sentence without content in its place, and what
// became of the data is lost.

extension FerryError: LocalizedError {
    public var errorDescription: String? { description }
}

extension DanglingReferences: LocalizedError {
    public var errorDescription: String? { description }
}

extension FileError: LocalizedError {
    public var errorDescription: String? { description }
}

extension BackupError: LocalizedError {
    public var errorDescription: String? { description }
}

extension ConfigurationError: LocalizedError {
    public var errorDescription: String? { description }
}

extension MongoError: LocalizedError {
    public var errorDescription: String? { description }
}
