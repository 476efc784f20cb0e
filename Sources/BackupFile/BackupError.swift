/// A file that is not what it should be.
public struct BackupError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// Not a CSV of the two columns `collection,data`.
        case notABackup
        /// It claims to be format 1 and is not whole.
        case damaged
        /// Written by a newer program.
        case newerFormat
        /// The output exists already.
        case exists
        /// It is too large for the memory that this program allows itself.
        case tooLarge
    }

    public let kind: Kind
    public let path: String
    /// The line where it was found, counted from 1; nil where it concerns the whole file.
    public let line: Int?
    /// What is wrong, as a phrase.
    public let reason: String
    /// What to do about it.
    public let advice: String?

    init(_ kind: Kind, _ path: String, line: Int? = nil, _ reason: String, advice: String? = nil) {
        self.kind = kind
        self.path = path
        self.line = line
        self.reason = reason
        self.advice = advice
    }

    /// What was read is not a sound backup, as opposed to one that this program cannot read or write.
    public var isAboutContent: Bool {
        switch kind {
        case .damaged, .notABackup, .tooLarge: true
        case .newerFormat, .exists: false
        }
    }

    /// More collections than the metadata of a file may list.
    public static func tooManyCollections(_ path: String, limit: Int) -> BackupError {
        BackupError(
            .tooLarge, path, "rows of over \(limit) collections",
            advice: "The first column is the collection's name. A file of so many has to be taken apart.")
    }

    static func damaged(_ path: String, line: Int? = nil, _ reason: String) -> BackupError {
        BackupError(
            .damaged, path, line: line, reason, advice: "The file is damaged. Take another copy of the backup.")
    }

    /// Where, and what is wrong: ``description`` without ``advice``.
    public var text: String {
        let place = line.map { "\(path), line \($0)" } ?? path
        return "\(place): \(reason)"
    }

    public var description: String { advice.map { "\(text)\n  \($0)" } ?? text }
}
