import BSON
import BackupFile
import MongoDriver
import Relations

/// What is exported.
struct ExportChoice {
    /// Everything that the database holds.
    var found: [CollectionInfo]
    var catalog: Catalog
    let queries: ExportQueries

    /// Whether the same collections and views are chosen, none of them was dropped and created again, and each has the
    /// same options as before.
    func isSame(as other: ExportChoice) -> Bool {
        let (mine, theirs) = (CollectionIdentities(found), CollectionIdentities(other.found))
        let others = Dictionary(other.catalog.entries.map { (ExactName($0.databaseName), $0) }) { first, _ in first }
        return catalog.entries.count == others.count
            && catalog.entries.allSatisfy { entry in
                guard let other = others[ExactName(entry.databaseName)] else { return false }
                return entry.kind == other.kind && entry.options == other.options
                    && mine[entry.databaseName] == theirs[entry.databaseName]
            }
    }
}

/// What is known of the export when reading begins.
struct PreparedExport {
    let sizes: CollectionSizes
    let references: [Reference]
    var moment: ReadMoment
}

extension Export {
    /// Examines the database and settles on the moment at which it is read.
    ///
    /// Finding the references takes long, and others may create, drop or replace collections meanwhile: the file would
    /// hold the documents of one with the options of another, and miss some altogether. So the collections are listed
    /// once more when the moment is settled, and if they have changed, everything is examined again.
    /// - Throws: ``FerryError`` if they change again and again.
    func prepared(
        _ first: ExportChoice, _ connection: Connection, _ operation: OperationContext
    ) throws -> (ExportChoice, PreparedExport) {
        var choice = first
        var references: [Reference]?
        for attempt in 1...Self.preparations {
            let began = ContinuousClock.now
            // After two discoveries the references are kept: otherwise the export would never begin if collections come
            // and go all the time.
            let known = attempt > Self.discoveries ? references : nil
            var prepared: PreparedExport
            do {
                prepared = try prepare(&choice.catalog, known, connection, operation)
            } catch let error as MongoError where error.isTakenAwayFromReader && attempt < Self.preparations {
                try operation.cancellation.check()
                choice = try self.choice(from: try list(connection), connection)
                continue
            }
            references = prepared.references
            let (found, moment) = try listAgain(prepared.moment, connection, operation.cancellation)
            prepared.moment = moment
            var now = try self.choice(from: found, connection)
            if now.isSame(as: choice), ContinuousClock.now - began > Self.freshness {
                // The indexes may have changed, too. Those read now may belong to a collection that was replaced since
                // the last listing, so there is another one.
                prepared = PreparedExport(
                    sizes: try choice.catalog.readIndexesAndSizes(connection, sortsIndexes: options.reproducible),
                    references: prepared.references,
                    moment: prepared.moment)
                now = try self.choice(from: try list(connection), connection)
            }
            if now.isSame(as: choice) {
                choice.found = now.found
                choice.catalog.leftOut = now.catalog.leftOut
                return (choice, prepared)
            }
            try operation.cancellation.check()
            choice = now
        }
        throw FerryError(
            "collections of \(connection.database) are created, dropped or changed again and again while the export begins",
            details: ["No file was written."],
            advice: ["Leave out those that come and go with --exclude, or run the export when nothing else does that."])
    }

    /// Lists the collections once more. Meanwhile waits until a majority has reached the moment, unless it is known to
    /// have.
    private func listAgain(
        _ moment: ReadMoment, _ connection: Connection, _ cancellation: Cancellation
    ) throws -> ([CollectionInfo], ReadMoment) {
        guard moment.isAhead(of: connection.server) else { return (try list(connection), moment) }
        guard connection.hasRoomForQueries else {
            return (try list(connection), try moment.reached(connection, cancellation))
        }
        return try Threads.run(
            { try list(connection) }, beside: { try moment.reached(connection, cancellation) })
    }

    func list(_ connection: Connection) throws -> [CollectionInfo] {
        try connection.withClient { try $0.listCollections(in: connection.database) }
    }

    private static let (preparations, discoveries) = (8, 2)
    /// The greatest age of what is known of indexes and sizes.
    private static let freshness = Duration.seconds(1)

    private func prepare(
        _ catalog: inout Catalog, _ known: [Reference]?, _ connection: Connection, _ operation: OperationContext
    ) throws -> PreparedExport {
        let sizes = try catalog.readIndexesAndSizes(connection, sortsIndexes: options.reproducible)
        let names = Set(catalog.entries.map { ExactName($0.name) })
        let references =
            try known?.filter { names.contains(ExactName($0.collection)) }
            ?? operation.timed("find references") {
                try ReferenceSource.live(
                    connection, catalog, sizes, options.configuration, operation,
                    options.reproducible ? .repeatable : .quick)
            }
        let graph = ReferenceGraph(
            collections: catalog.entries.map(\.name), references: catalog.entries.thatCount(of: references))
        catalog.entries = Self.ordered(catalog.entries, graph.order)
        let moment = try ReadMoment(connection, after: sizes, wanted: options.consistency)
        return PreparedExport(sizes: sizes, references: references, moment: moment)
    }
}
