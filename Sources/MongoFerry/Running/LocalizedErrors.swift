import BackupFile
import Foundation
import MongoDriver
import Relations

// Gives these errors a `localizedDescription`: otherwise Foundation substitutes a meaningless sentence, and what became
// of the data is lost.

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
