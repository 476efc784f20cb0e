import BackupFile
import MongoDriver
import Relations

/// Reads a whole file before anything is written: what it contains, what is wrong with it, and what the strings of
/// legacy rows become.
struct Preflight {
    let reader: BackupReader
    /// Configuration, names, and whether types are inferred.
    var options = ImportOptions()
    /// The server for which the rows are meant; nil if there is none.
    var server: ServerInfo?
    /// The database whose documents show types as well; nil to use the file alone.
    var connection: Connection?
    var jobs = Threads.defaultJobs
    /// The number of problems that are kept with their texts.
    var problemLimit = ProblemList.usualLimit
    /// The number of problems up to which all lines are kept: that many may be set aside.
    var lineLimit = 0
    /// Hashes the documents as well; nil if no hashes are needed.
    var contents: ContentHash?
    /// Whether measurements will be in a time series as the file describes it; nil if that is so in a replace.
    var checksTimes: Bool?
    let operation: OperationContext

    /// - Throws: ``BackupError`` if reading cannot go on; ``FileError``, ``MongoError``; `CancellationError`.
    func run() throws -> (survey: FileSurvey, legacy: LegacyTypes) {
        var survey = try survey()
        let legacy = try types(of: &survey)
        return (survey, legacy)
    }

    /// The first part: reads the rows as they are.
    func survey() throws -> FileSurvey {
        try Surveyor(
            reader: reader, jobs: jobs,
            maximumDocument: server?.maximumStoredDocument ?? ServerInfo.usualMaximumStoredDocument,
            problemLimit: problemLimit, lineLimit: lineLimit, contents: contents,
            checksTimes: checksTimes ?? (options.mode == .replace), takesLegacyRows: options.takesLegacyRows,
            operation: operation
        ).run()
    }

    /// The second part: decides what the strings of legacy rows become, notes the rows that cannot be converted, and
    /// finds the references of a file that does not state them.
    func types(of survey: inout FileSurvey) throws -> LegacyTypes {
        guard !survey.isCutShort else { return LegacyTypes(problems: ProblemList()) }
        var legacy = try LegacyDecision(
            reader: reader, connection: connection, options: options, jobs: jobs, operation: operation
        ).types(of: &survey)
        survey.problems.merge(legacy.problems)
        // No longer needed, and takes memory.
        survey.inference = LegacyInference()
        if options.infers {
            legacy.discoveredReferences = try FileDiscovery(
                reader: reader, survey: survey, rules: legacy.rules, configuration: options.configuration,
                operation: operation
            ).run()
        }
        return legacy
    }
}
