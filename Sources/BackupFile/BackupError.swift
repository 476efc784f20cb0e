/// Why a file cannot be read or written as a backup.
public struct BackupError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// Not a CSV of the two columns `collection,data`.
        case notABackup
        /// It claims to be format 1 but is incomplete or contradicts itself.
        case damaged
        /// Written by a newer program.
        case newerFormat
        /// The output exists already.
        case exists
        /// Another program is writing it.
        case busy
        /// Something needed to read or write it is not available here: memory, or room in its header.
        case unavailable
        /// It needs more memory than this program allows itself.
        case tooLarge
    }

    public let kind: Kind
    public let path: String
    /// The line of the fault, counted from 1; nil if the fault concerns the whole file.
    public let line: Int?
    /// What is wrong, as a phrase.
    public let reason: String
    /// What to do about it.
    public let advice: String?
    /// What became of the data, if that can be said.
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

    /// Whether the content is not a sound backup, as opposed to a file that this program cannot read or write.
    public var isAboutContent: Bool {
        switch kind {
        case .damaged, .notABackup, .tooLarge: true
        case .newerFormat, .exists, .busy, .unavailable: false
        }
    }

    /// The error for rows of more collections than a file's metadata may list.
    public static func tooManyCollections(_ path: String, limit: Int) -> BackupError {
        BackupError(
            .tooLarge, path, "rows of over \(limit) collections",
            advice: "The first column is the collection's name. A file of so many has to be taken apart.")
    }

    static func damaged(_ path: String, line: Int? = nil, _ reason: String, advice: String? = nil) -> BackupError {
        BackupError(.damaged, path, line: line, reason, advice: advice ?? otherCopy)
    }

    /// The advice for a damaged file. Even from the only copy, the rows that are left can be recovered.
    public static let otherCopy =
        "The file is damaged. Take another copy of the backup. Where there is none, decompress a .gz (gzip -dc) or .zst (zstd -dc), "
        + "delete all above the line collection,data and the last line, unless that is a whole row, and import the rest with "
        + "--mode merge --no-legacy, first with --dry-run: what it calls new may need --rename FILE_NAME=DATABASE_NAME."

    /// The error for a compressor that cannot start, or cannot go on for a reason of its own: the file may be sound.
    static func unavailable(_ path: String, _ reason: String) -> BackupError {
        BackupError(.unavailable, path, reason, advice: "Free some memory and try again.")
    }

    /// The error for a fault that leaves all rows intact. The seal tells whether it is the only fault.
    /// - Parameter filter: the command that removes the fault.
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

    /// The same error, stating what became of the data.
    public func noting(_ outcome: String) -> BackupError {
        BackupError(kind, path, line: line, reason, advice: advice, outcome: outcome)
    }

    /// The place and the fault: ``description`` without ``outcome`` and ``advice``.
    public var text: String {
        let place = line.map { "\(path), line \($0)" } ?? path
        return "\(place): \(reason)"
    }

    public var description: String { [text, outcome, advice].compactMap(\.self).joined(separator: "\n  ") }
}
