import Relations

/// A database that holds a fixture for as long as a test needs it.
///
/// A value that any task may use. It does not drop itself: ``Fixture/withDatabase(_:_:)`` or ``drop()`` does.
public struct ThrowawayDatabase: Sendable {
    /// `mongoferry_fixture_shop_674309ab_1f2e3d4c`
    public let name: String
    /// What was written, a collection each, in the order of their references; views aside.
    public internal(set) var collections: [CollectionOutcome] = []
    /// The fixture's references: the configuration's, else the file's own.
    public internal(set) var references: [Reference] = []
    /// Names in the database by names in the file.
    var names: [String: String] = [:]
    private let fixture: Fixture

    init(name: String, fixture: Fixture) {
        self.name = name
        self.fixture = fixture
    }

    /// A connection string that names this database, for the code that is tested. With user and password, if the
    /// server's has them.
    public var uri: String { fixture.server.uri(naming: name) }

    /// The same for this library's other operations.
    /// - Throws: ``FerryError`` where the connection string is wrong, which it was not when the fixture was restored.
    public var target: Target { get throws { try fixture.server.target(name) } }

    /// Brings the database back to what the fixture's file says: a millisecond or two a small collection, as nothing
    /// has to be created.
    ///
    ///     init() async throws { try await Self.database.reset() }
    ///
    /// Collections that the fixture does not have are dropped; those whose options or indexes were changed are made
    /// anew. Nothing else may use the database meanwhile.
    /// - Throws: as ``Fixture/restore(_:)``. The database is to be reset again or dropped then.
    public func reset(_ operation: OperationContext = OperationContext()) async throws {
        _ = try await Threads.run(cancelling: operation.cancellation) {
            let load = try FixtureLoad(fixture, operation)
            return try fixture.server.withConnection(to: name, operation.cancellation) {
                try load.run(into: $0, isNew: false)
            }
        }
    }

    /// Makes sure that the values of the fixture's references lead to documents.
    ///
    ///     try await shop.withDatabase { database in
    ///         try await CustomerRemoval(uri: database.uri).run(customer: 7)
    ///         try await database.verifyReferences()
    ///     }
    ///
    /// - Throws: ``DanglingReferences`` naming each with an example; ``FerryError`` where the fixture has no references, or
    ///   none of the collections that have them is there, so that there is nothing to make sure of; ``MongoError``;
    ///   `CancellationError`.
    public func verifyReferences(_ operation: OperationContext = OperationContext()) async throws {
        guard !references.isEmpty else {
            throw FerryError(
                "\(fixture.file): neither the file nor the configuration says a reference: nothing can be verified",
                advice: ["Name the references in the configuration, or export the fixture with one that does."])
        }
        let own = references.filter { names[$0.collection] != nil }
        guard !own.isEmpty else {
            let missing = Set(references.map(\.collection)).sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw FerryError(
                "\(fixture.file): its references start in \(missing), and it has no such collection: nothing can be verified",
                advice: ["Is the name spelled as in the file?"])
        }
        let outcomes = try await Threads.run(cancelling: operation.cancellation) { [self] in
            let (names, configuration) = (names, fixture.configuration)
            return try fixture.server.withConnection(to: name, operation.cancellation) { connection in
                try requireSomething(of: own, connection)
                return try ReferenceCheck(connection: connection, operation: operation) {
                    names[$0] ?? configuration.databaseName(of: $0)
                }
                .run(own)
            }
        }
        let dangling = outcomes.filter { $0.dangling > 0 && !$0.isOptional }
        if !dangling.isEmpty { throw DanglingReferences(database: name, references: dangling) }
    }

    /// A database that was dropped has no values that lead nowhere.
    /// - Throws: ``FerryError`` where none of the collections that have references is there.
    private func requireSomething(of references: [Reference], _ connection: Connection) throws {
        let there = try connection.withClient { try $0.listCollections(in: name, readPreference: .primary) }
        let wanted = Set(references.compactMap { names[$0.collection].map(ExactName.init) })
        guard !there.contains(where: { wanted.contains(ExactName($0.name)) }) else { return }
        throw FerryError(
            "\(name): none of the collections that have references is there: nothing was verified",
            advice: ["They or the database were dropped; `reset()` brings them back."])
    }

    /// Removes the database with everything in it, also when the task is cancelled. A second time does nothing.
    /// - Throws: ``FerryError`` where the server cannot be reached; ``MongoError`` naming what it refused.
    public func drop() async throws {
        try await Threads.run(cancelling: Cancellation()) { [self] in
            try fixture.server.withConnection(to: name) { try $0.dropAllCollections() }
        }
    }
}

extension ThrowawayDatabase: CustomStringConvertible {
    public var description: String { name }
}
