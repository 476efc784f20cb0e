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

    private struct Course {
        var sent: [Int] = []
        /// The errors that remain, as index and code.
        var left: [[Int]] = []
        var written = 0
    }

    /// What becomes of the statements 2 and 5.
    /// - Parameter course: what was done, also if this throws.
    private static func run(
        patience: Duration = .seconds(60), _ course: inout Course,
        _ answer: (_ statement: Int, _ attempt: Int) throws -> BulkWriteResult
    ) throws {
        let wait = CacheWait(cancellation: Cancellation(), patience: patience, pause: 0)
        var (sent, left, written) = ([Int](), [[Int]](), 0)
        defer { course = Course(sent: sent, left: left, written: written) }
        try wait.run([error(2), error(5)]) { statement in
            sent.append(statement)
            return try answer(statement, sent.count { $0 == statement })
        } settled: { error in
            if let error { left.append([error.index, error.code]) } else { written += 1 }
        }
    }

    private static func run(
        patience: Duration = .seconds(60), _ answer: (_ statement: Int, _ attempt: Int) throws -> BulkWriteResult
    ) throws -> Course {
        var course = Course()
        try run(patience: patience, &course, answer)
        return course
    }

    /// Each is sent in a command of its own, where its index is 0.
    private static func refusal(_ code: Int = lackOfCache) -> BulkWriteResult {
        var result = BulkWriteResult()
        result.writeErrors = [error(0, code)]
        return result
    }

    @Test func whatFindsRoomLaterIsNoError() throws {
        let course = try Self.run { statement, attempt in
            statement == 5 && attempt == 1 ? Self.refusal() : BulkWriteResult()
        }
        #expect(course.sent == [2, 5, 5] && course.left == [] && course.written == 2)
    }

    @Test func whatNeverFindsRoomStaysAnError() throws {
        let course = try Self.run(patience: .milliseconds(200)) { statement, _ in
            statement == 5 ? Self.refusal() : BulkWriteResult()
        }
        #expect(course.sent.starts(with: [2, 5]))
        #expect(course.left == [[5, Self.lackOfCache]] && course.written == 1)
    }

    @Test func whatIsRefusedForSomethingElseThenIsAnErrorAndNotSentAgain() throws {
        let course = try Self.run { statement, _ in
            statement == 5 ? Self.refusal(121) : BulkWriteResult()
        }
        #expect(course.sent == [2, 5] && course.left == [[5, 121]] && course.written == 1)
    }

    /// The server has them, whatever comes after.
    @Test func whatIsWrittenBeforeAnErrorIsTold() {
        struct Broken: Error {}
        var course = Course()
        #expect(throws: Broken.self) {
            try Self.run(&course) { statement, _ in
                if statement == 5 { throw Broken() }
                return BulkWriteResult()
            }
        }
        #expect(course.sent == [2, 5] && course.written == 1)
    }

    @Test func whatNoMajorityConfirmsStopsTheImport() throws {
        let error = try #require(throws: MongoError.self) {
            try Self.run { _, _ in
                var result = BulkWriteResult()
                let concern: Document = ["code": 64, "errmsg": "waiting for replication timed out"]
                result.writeConcernErrors = [concern.withRaw { WriteConcernError($0) }]
                return result
            }
        }
        #expect(error.isWriteConcernFailure && FerryError(explaining: error).text.contains("could not confirm it"))
    }

    @Test func nothingIsSentWhereNothingWaits() throws {
        try CacheWait(cancellation: Cancellation()).run([]) { _ in
            Issue.record("it is sent")
            return BulkWriteResult()
        } settled: { _ in
            Issue.record("it is settled")
        }
    }
}
