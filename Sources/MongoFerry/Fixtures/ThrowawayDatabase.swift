import Relations
import Synchronization

/// A database that holds a fixture for as long as a test needs it.
///
/// A value that any task may use. It does not drop the database by itself: ``Fixture/withDatabase(_:_:)`` or ``drop()``
/// does.
public struct ThrowawayDatabase: Sendable {
    /// `mongoferry_fixture_shop_674309ab_1f2e3d4c`
    public let name: String
    private let fixture: Fixture
    private let state: State

    /// What was loaded last, for all copies of the value: the file may have changed before a reset.
    private final class State: Sendable {
        let loaded: Mutex<FixtureLoad.Outcome>

        init(_ loaded: FixtureLoad.Outcome) { self.loaded = Mutex(loaded) }
    }

    init(name: String, fixture: Fixture, _ loaded: FixtureLoad.Outcome) {
        self.name = name
        self.fixture = fixture
        state = State(loaded)
    }

    private var loaded: FixtureLoad.Outcome { state.loaded.withLock { $0 } }

    /// The outcome of each collection that was written, in the order of their references; without views.
    public var collections: [CollectionOutcome] { loaded.outcomes }

    /// The fixture's references: those of the configuration, otherwise of the file.
    public var references: [Reference] { loaded.references }

    /// The database's names, by the names in the file.
    private var names: [String: String] { loaded.names }

    /// A connection string that names this database, for the code under test. Contains the user and password of the
    /// server's connection string, if it has them.
    public var uri: String { fixture.server.uri(naming: name) }

    /// The target for this library's other operations.
    /// - Throws: ``FerryError`` if the connection string is invalid, which it was not when the fixture was restored.
    public var target: Target { get throws { try fixture.server.target(name) } }

    /// Restores the database to the content of the fixture's file: takes a millisecond or two per small collection, as
    /// nothing has to be created.
    ///
    ///     init() async throws { try await Self.database.reset() }
    ///
    /// Collections that are not in the fixture are dropped; those whose options or indexes were changed are recreated.
    /// Nothing else may use the database at the same time.
    /// - Throws: the same errors as ``Fixture/restore(_:)``. The database must then be reset again or dropped.
    public func reset(_ operation: OperationContext = OperationContext()) async throws {
        let loaded = try await Threads.run(cancelling: operation.cancellation) {
            let load = try FixtureLoad(fixture, operation)
            return try fixture.server.withConnection(to: name, operation.cancellation) {
                try load.run(into: $0, isNew: false)
            }
        }
        state.loaded.withLock { $0 = loaded }
    }

    /// Checks that the values of the fixture's references have targets.
    ///
    ///     try await shop.withDatabase { database in
    ///         try await CustomerRemoval(uri: database.uri).run(customer: 7)
    ///         try await database.verifyReferences()
    ///     }
    ///
    /// - Throws: ``DanglingReferences`` naming each with an example; ``FerryError`` if the fixture has no references,
    ///   or if no collection that has them exists, so that there is nothing to check; ``MongoError``;
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

    /// Rejects a dropped database, which would have no dangling values.
    /// - Throws: ``FerryError`` if none of the collections that have references exists.
    private func requireSomething(of references: [Reference], _ connection: Connection) throws {
        let there = try connection.withClient { try $0.listCollections(in: name, readPreference: .primary) }
        let wanted = Set(references.compactMap { names[$0.collection].map(ExactName.init) })
        guard !there.contains(where: { wanted.contains(ExactName($0.name)) }) else { return }
        throw FerryError(
            "\(name): none of the collections that have references is there: nothing was verified",
            advice: ["They or the database were dropped; `reset()` brings them back."])
    }

    /// Removes the database and everything in it, even if the task is cancelled. Calling it again does nothing.
    /// - Throws: ``FerryError`` if the server cannot be reached; ``MongoError`` naming what it refused.
    public func drop() async throws {
        try await Threads.run(cancelling: Cancellation()) { [self] in
            try fixture.server.withConnection(to: name) { try $0.dropAllCollections() }
        }
    }
}

extension ThrowawayDatabase: CustomStringConvertible {
    public var description: String { name }
}
