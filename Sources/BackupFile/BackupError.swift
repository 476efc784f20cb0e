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
        /// Another program is writing it.
        case busy
        /// What reading or writing it takes is not to be had here: memory, or room in its header.
        case unavailable
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
    /// What became of the data, where that can be said.
    public let outcome: String?

    init(
        _ kind: Kind, _ path: String, line: Int? = nil, _ reason: String, advice: String? = nil, outcome: String? = nil
    ) {
        self.kind = kind
        self.path = path
        self.line = line
        self.reason = reason
        self.advice = advice
        self.outcome = outcome
    }

    /// What was read is not a sound backup, as opposed to one that this program cannot read or write.
    public var isAboutContent: Bool {
        switch kind {
        case .damaged, .notABackup, .tooLarge: true
        case .newerFormat, .exists, .busy, .unavailable: false
        }
    }

    /// More collections than the metadata of a file may list.
    public static func tooManyCollections(_ path: String, limit: Int) -> BackupError {
        BackupError(
            .tooLarge, path, "rows of over \(limit) collections",
            advice: "The first column is the collection's name. A file of so many has to be taken apart.")
    }

    static func damaged(_ path: String, line: Int? = nil, _ reason: String, advice: String? = nil) -> BackupError {
        BackupError(.damaged, path, line: line, reason, advice: advice ?? otherCopy)
    }

    /// What to do about a damaged file. The rows that are there can be had from the only copy, too.
    public static let otherCopy =
        "The file is damaged. Take another copy of the backup. Where there is none, decompress a .gz (gzip -dc) or .zst (zstd -dc), "
        + "delete all above the line collection,data and the last line, unless that is a whole row, and import the rest with "
        + "--mode merge --no-legacy, first with --dry-run: what it calls new may need --rename FILE_NAME=DATABASE_NAME."

    /// A compressor that cannot begin, or cannot go on for a reason of its own: the file may be sound.
    static func unavailable(_ path: String, _ reason: String) -> BackupError {
        BackupError(.unavailable, path, reason, advice: "Free some memory and try again.")
    }

    /// A fault that leaves all rows as they were. Whether it is the only one, the seal says.
    /// - Parameter filter: the command that takes it away.
    static func mendable(
        _ path: String, line: Int? = nil, _ reason: String, by filter: String, _ compression: Compression
    ) -> BackupError {
        let command = MendingCommand(filter, of: path, compression)
        return damaged(
            path, line: line, reason,
            advice:
                "`\(command.text)`, then `mongoferry verify \(command.result)`: where its seal fits, nothing was lost.")
    }

    static func cut(_ path: String) -> BackupError {
        damaged(path, "the compressed data end too early: it was cut")
    }

    static func changed(_ path: String, _ reason: String) -> BackupError {
        damaged(path, reason, advice: "Start again once nobody writes to it.")
    }

    /// The same, saying first what became of the data.
    public func noting(_ outcome: String) -> BackupError {
        BackupError(kind, path, line: line, reason, advice: advice, outcome: outcome)
    }

    /// Where, and what is wrong: ``description`` without ``outcome`` and ``advice``.
    public var text: String {
        let place = line.map { "\(path), line \($0)" } ?? path
        return "\(place): \(reason)"
    }

    public var description: String { [text, outcome, advice].compactMap(\.self).joined(separator: "\n  ") }
}
