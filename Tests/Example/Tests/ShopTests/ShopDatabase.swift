import MongoFerry
import Testing

/// One database for all tests of a suite, dropped when the last one has ended.
///
///     @Suite(.serialized, .shopDatabase) struct RenamingTests { … }
struct ShopDatabase: SuiteTrait, TestScoping {
    @TaskLocal static var current: ThrowawayDatabase?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await ShopTests.fixture.withDatabase { database in
            try await Self.$current.withValue(database) { try await function() }
        }
    }
}

extension Trait where Self == ShopDatabase {
    static var shopDatabase: Self { Self() }
}
