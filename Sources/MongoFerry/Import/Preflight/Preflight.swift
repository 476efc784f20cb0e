import BackupFile
import MongoDriver
import Relations

/// Reads a whole file before anything is made of it: what is in it, what is wrong with it, and what the strings of
/// legacy rows become.
struct Preflight {
    let reader: BackupReader
    /// Configuration, names, and whether types are inferred.
    var options = ImportOptions()
    /// The server that the rows are for; nil where there is none.
    var server: ServerInfo?
    /// The database whose documents say types, too; nil where the file has to say them alone.
    var connection: Connection?
    var jobs = Threads.defaultJobs
    /// Problems that are kept with their texts.
    var problemLimit = ProblemList.usualLimit
    /// Problems up to which their lines are kept: so many may be set aside.
    var lineLimit = 0
    /// Hashes the documents too; nil where nobody wants to know.
    var contents: ContentHash?
    let operation: OperationContext

    /// - Throws: ``BackupError`` where reading cannot go on; ``FileError``, ``MongoError``; `CancellationError`.
    func run() throws -> (survey: FileSurvey, legacy: LegacyTypes) {
        var survey = try survey()
        let legacy = try types(of: &survey)
        return (survey, legacy)
    }

    /// The first part: reads the rows as they are.
    func survey() throws -> FileSurvey {
        try Surveyor(
            reader: reader, jobs: jobs, maximumDocument: server?.maximumStoredDocument ?? Self.usualMaximum,
            problemLimit: problemLimit, lineLimit: lineLimit, contents: contents, checksTimes: options.mode == .replace,
            takesLegacyRows: options.takesLegacyRows, operation: operation
        ).run()
    }

    /// The second: decides what the strings of legacy rows become, notes the rows where that cannot be done, and finds the
    /// references of a file that does not say them.
    func types(of survey: inout FileSurvey) throws -> LegacyTypes {
        guard !survey.isCutShort else { return LegacyTypes(problems: ProblemList()) }
        var legacy = try LegacyTypes.resolve(&survey, reader, connection, options, operation, jobs: jobs)
        survey.problems.merge(legacy.problems)
        // It has done its work, and takes memory.
        survey.inference = LegacyInference()
        if options.infers {
            legacy.typedReferences = try FileDiscovery(
                reader: reader, survey: survey, rules: legacy.rules, configuration: options.configuration,
                operation: operation
            ).run()
        }
        return legacy
    }

    /// Bytes, where no server says how much it takes: all so far say the same.
    private static let usualMaximum = 16 << 20 + ServerInfo.documentAllowance
}
