import BSON
import BackupFile
import MongoDriver
import Relations

/// Checks a file, a database, or one against the other.
public struct Verify: Sendable {
    /// The backup's path; nil to check the database alone.
    public let file: String?
    /// The database; nil to check the file alone.
    public let target: Target?
    /// Names, exclusions, references and types of legacy rows; takes precedence over the file and the data.
    public let configuration: Configuration
    /// Names in the file and what they are called in the database instead.
    public var renames: [String: String] = [:]
    /// Names or globs of collections in the file that are looked for in the database; empty for all.
    public var collections: [Glob] = []
    /// Names or globs of collections in the file that need not be in the database.
    public var exclude: [Glob] = []
    /// Whether a file without metadata may have legacy rows; false takes its rows as they are, as Extended JSON.
    public var takesLegacyRows = true
    /// Whether the types of legacy rows are inferred; false uses only the configuration, like the import to compare
    /// with.
    public var infers = true

    /// - Parameters:
    ///   - file: the backup whose seal, counts, rows, duplicate ids and references to check.
    ///   - target: the database whose references to check; with a file, the database that should contain all of it,
    ///     equal.
    public init(file: String?, target: Target?, configuration: Configuration = Configuration()) {
        self.file = file
        self.target = target
        self.configuration = configuration
    }

    public func runBlocking(_ operation: OperationContext) throws -> Report {
        try reporting(on: target, operation) { operation in
            var report: Report
            switch (file, target) {
            case (let file?, let target): report = try FileVerification.report(self, file, target, operation)
            case (nil, let target?): report = try verifyDatabase(target, operation)
            case (nil, nil): throw FerryError("nothing to verify: name a file, --db, or both", kind: .usage)
            }
            let isDifferent = report.differences.contains(where: \.kind.isProblem)
            if report.rejectionCount > 0 || report.danglingCount > 0 || isDifferent { report.status = .problems }
            report.circumstances.targetOptions = target?.options ?? []
            return report
        }
    }

    /// The options of an import with the same choices, which determines what the database should contain.
    var importOptions: ImportOptions {
        var options = ImportOptions()
        options.configuration = configuration
        options.renames = renames
        options.collections = collections
        options.exclude = exclude
        options.takesLegacyRows = takesLegacyRows
        options.infers = infers
        return options
    }

    private func verifyDatabase(_ target: Target, _ operation: OperationContext) throws -> Report {
        let database = try target.namedDatabase(orFile: true)
        let (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
        let catalog = try Catalog(database, found, configuration: configuration)
        try catalog.requireSomething(of: connection)
        try configuration.checkTargets(inDatabase: found)
        var report = Report(operation: .verify)
        report.database = database
        report.server = connection.serverText
        report.hasDiscoveredReferences = configuration.references.isEmpty
        report.excluded = catalog.excluded
        let unfinished = try UnfinishedImport.warning(found, connection)
        report.warnings += [UnseenOptions.warning(found, in: database), unfinished].compactMap(\.self)
        report.circumstances.isImportUnfinished = unfinished != nil
        operation.warnOfUnusedReferences(configuration, inDatabase: found)
        let sizes = try connection.sizes(of: catalog.entries)
        let references = try operation.timed("find references") {
            try ReferenceSource.live(connection, catalog, sizes, configuration, operation, .thorough) { candidate in
                report.warnings.append("\(candidate.collection).\(candidate): not checked as a reference".oneLine)
            }
        }
        if references.isEmpty, !configuration.references.isEmpty {
            let names = Set(configuration.references.map(\.collection)).sorted().map { "'\($0)'" }.listed("and")
            throw FerryError(
                "\(database): nothing can be verified: the configuration's references start in \(names), and no such collection is looked at",
                advice: [
                    "Is the name spelled as in the database? Without any references in it, they are found in the data."
                ])
        }
        let names = Dictionary(uniqueKeysWithValues: catalog.entries.map { ($0.name, $0.databaseName) })
        let check = ReferenceCheck(connection: connection, operation: operation) {
            names[$0] ?? configuration.databaseName(of: $0)
        }
        report.references = try operation.timed("check references") { try check.run(references) }
        operation.tellUnmetConditions(report.references)
        for entry in catalog.entries where entry.kind != .view {
            var outcome = CollectionOutcome(name: entry.name)
            outcome.read = sizes[entry.databaseName]?.count ?? 0
            report.collections.append(outcome)
        }
        report.sortCollections(by: references)
        report.graph = report.drawing(references)
        return report
    }
}

extension Report {
    /// Puts the collections into import order.
    mutating func sortCollections(by references: [Reference]) {
        let order = ReferenceGraph(collections: collections.map(\.name), references: references).order
        let places = Dictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
        collections.sort { places[$0.name] ?? 0 < places[$1.name] ?? 0 }
    }
}
