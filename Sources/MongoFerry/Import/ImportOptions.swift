import BackupFile
import Relations

/// What to import, and how.
public struct ImportOptions: Sendable {
    /// What happens to documents that the database already has, and to those that only it has.
    public enum Mode: String, Sendable, CaseIterable {
        /// Upsert by `_id`; documents only in the database stay.
        case merge
        /// Each collection ends up exactly as in the file.
        case replace
        /// Inserts only what is missing.
        case insert
    }

    public var mode = Mode.merge
    /// Replaces without staging, for disks that cannot hold both copies; an error with another mode.
    public var inPlace = false
    /// Names or globs of collections in the file; empty for all.
    public var collections: [Glob] = []
    /// Names or globs of collections in the file to leave out, in addition to the configuration's exclusions.
    public var exclude: [Glob] = []
    /// The names in the database, by names in the file.
    public var renames: [String: String] = [:]
    /// Reports and counts what would happen, and writes nothing.
    public var isDryRun = false
    /// Whether to infer the types of legacy rows, and the references of a file without metadata; false uses only the
    /// configuration.
    public var infers = true
    /// Whether a file without metadata may have legacy rows; false reads all its rows as Extended JSON.
    public var takesLegacyRows = true
    /// The most rows that may be set aside; with more bad rows, the file is refused.
    public var maximumRejects = 0
    /// Names in the database, exclusions, references and types of legacy rows; takes precedence over the file.
    public var configuration = Configuration()
    /// The fields by which `merge` finds a document, `_id` by default; others are an error with another mode.
    public var upsertKeys: [String] = ["_id"]
    /// Whether dangling references make the outcome a problem; a replace is then not swapped in.
    public var failsOnDangling = false
    /// Whether to write documents that a collection's validator rejects: data may be older than the validator. Requires
    /// the privilege `bypassDocumentValidation`, which the roles `dbAdmin` and `restore` have and `readWrite` lacks.
    ///
    /// Source: MongoDB manual, `bypassDocumentValidation`.
    public var bypassesValidation = false
    /// The number of threads that decode and write; nil for one per core, at least 2 and at most 4. More than 256 are
    /// not used.
    public var jobs: Int?
    /// Whether a target that names no database means the one from which the file was exported; otherwise that is an
    /// error.
    public var usesDatabaseOfFile = false
    /// Called with the plan before anything is written, on the thread that imports; false stops the import with a
    /// ``FerryError``, and what it throws is thrown as it is.
    public var confirm: @Sendable (ImportPlan) throws -> Bool = { _ in true }

    public init() {}

    /// - Throws: ``FerryError`` if ``inPlace`` or ``upsertKeys`` does not go with the mode.
    func check() throws {
        if inPlace, mode != .replace { throw FerryError("inPlace goes with mode .replace", kind: .usage) }
        if mode != .merge, upsertKeys != ["_id"] {
            throw FerryError("upsertKeys go with mode .merge", kind: .usage)
        }
    }

    func choice(of metadata: BackupMetadata?) -> FileChoice {
        FileChoice(
            collections: collections, exclude: exclude, renames: renames, configuration: configuration,
            metadata: metadata)
    }
}
