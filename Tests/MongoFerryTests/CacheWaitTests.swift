import BSON
import Testing

@testable import MongoDriver
@testable import MongoFerry

/// No server that is at hand lacks room for a single document.
@Suite struct CacheWaitTests {
    private static let lackOfCache = 388

    private static func error(_ index: Int, _ code: Int = lackOfCache) -> WriteError {
        WriteError(index: index, code: code, message: "")
    }

    /// What is sent again, and what remains of the errors of statements 2, 3 and 5; 3 does not wait.
    private static func run(
        patience: Duration = .seconds(60), _ answer: (_ statement: Int, _ attempt: Int) -> BulkWriteResult
    ) throws -> (sent: [Int], left: [[Int]]) {
        var sent: [Int] = []
        let wait = CacheWait(cancellation: Cancellation(), patience: patience, pause: 0)
        let left = try wait.run([error(2), error(3, 11000), error(5)]) { statement in
            sent.append(statement)
            return answer(statement, sent.count { $0 == statement })
        }
        return (sent, left.map { [$0.index, $0.code] })
    }

    /// Each is sent in a command of its own, where its index is 0.
    private static func refusal(_ code: Int = lackOfCache) -> BulkWriteResult {
        var result = BulkWriteResult()
        result.writeErrors = [error(0, code)]
        return result
    }

    @Test func whatFindsRoomLaterIsNoError() throws {
        let (sent, left) = try Self.run { statement, attempt in
            statement == 5 && attempt == 1 ? Self.refusal() : BulkWriteResult()
        }
        #expect(sent == [2, 5, 5] && left == [[3, 11000]])
    }

    @Test func whatNeverFindsRoomStaysAnError() throws {
        let (sent, left) = try Self.run(patience: .milliseconds(200)) { statement, _ in
            statement == 5 ? Self.refusal() : BulkWriteResult()
        }
        #expect(sent.starts(with: [2, 5]) && left == [[3, 11000], [5, Self.lackOfCache]])
    }

    @Test func whatIsRefusedForSomethingElseThenIsAnErrorAndNotSentAgain() throws {
        let (sent, left) = try Self.run { statement, _ in
            statement == 5 ? Self.refusal(121) : BulkWriteResult()
        }
        #expect(sent == [2, 5] && left == [[3, 11000], [5, 121]])
    }

    @Test func whatNoMajorityConfirmsStopsTheImport() throws {
        let error = try #require(throws: FerryError.self) {
            try Self.run { _, _ in
                var result = BulkWriteResult()
                let concern: Document = ["code": 64, "errmsg": "waiting for replication timed out"]
                result.writeConcernErrors = [concern.withRaw { WriteConcernError($0) }]
                return result
            }
        }
        #expect(error.text.contains("could not confirm it"))
    }

    @Test func nothingIsSentAgainThatDoesNotWait() throws {
        let wait = CacheWait(cancellation: Cancellation())
        let left = try wait.run([Self.error(1, 11000)]) { _ in
            Issue.record("it is sent again")
            return BulkWriteResult()
        }
        #expect(left.map(\.index) == [1])
    }
}
