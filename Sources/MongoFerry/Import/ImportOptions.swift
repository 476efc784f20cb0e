import BackupFile
import Relations

/// What to import, and how.
public struct ImportOptions: Sendable {
    /// What becomes of documents that the database has already, and of those that only it has.
    public enum Mode: String, Sendable, CaseIterable {
        /// Upsert by `_id`; documents only in the database stay.
        case merge
        /// Each collection ends up exactly as in the file.
        case replace
        /// Only what is missing.
        case insert
    }

    public var mode = Mode.merge
    /// Replace without staging, for disks that cannot hold both; with another mode it is an error.
    public var inPlace = false
    /// Names or globs of collections in the file; empty for all.
    public var collections: [Glob] = []
    /// Names or globs of collections in the file that are left out, beside what the configuration excludes.
    public var exclude: [Glob] = []
    /// Names in the file and what they are called in the database instead.
    public var renames: [String: String] = [:]
    /// Say what would happen, count it against the database, and write nothing.
    public var isDryRun = false
    /// Infer the types of legacy rows, and the references of a file without metadata; false uses only the configuration.
    public var infers = true
    /// Whether a file without metadata may have legacy rows; false takes its rows as they are, as Extended JSON.
    public var takesLegacyRows = true
    /// Rows that may be set aside instead of refusing the file.
    public var maximumRejects = 0
    /// Names in the database, exclusions, references and types of legacy rows; takes precedence over the file.
    public var configuration = Configuration()
    /// Fields by which `merge` finds a document; `_id` by default, and others are an error with another mode.
    public var upsertKeys: [String] = ["_id"]
    /// References that lead nowhere make the outcome a problem; a replace is then not swapped in.
    public var failsOnDangling = false
    /// Whether documents that a collection's validator refuses are written all the same: data may be older than it. Takes
    /// the right `bypassDocumentValidation`, which `dbAdmin` and `restore` have and `readWrite` has not.
    ///
    /// Source: MongoDB manual, `bypassDocumentValidation`.
    public var bypassesValidation = false
    /// Threads that decode and write; nil takes the machine's cores, 2 to 4. More than 256 are not used.
    public var jobs: Int?
    /// Asked before anything is written, with the plan in words; false stops the import.
    public var confirm: @Sendable (ImportPlan) throws -> Bool = { _ in true }

    public init() {}

    /// - Throws: ``FerryError`` where one of them would be passed over.
    func check() throws {
        if inPlace, mode != .replace { throw FerryError("--in-place goes with --mode replace", kind: .usage) }
        if mode != .merge, upsertKeys != ["_id"] {
            throw FerryError("--upsert-keys goes with --mode merge", kind: .usage)
        }
    }

    func choice(of metadata: BackupMetadata?) -> FileChoice {
        FileChoice(
            collections: collections, exclude: exclude, renames: renames, configuration: configuration,
            metadata: metadata)
    }
}
