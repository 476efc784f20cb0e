import Synchronization
import Testing

@testable import MongoFerry

@Suite struct BoundedQueueTests {
    /// Several threads wait for room and several for elements; whoever was forgotten would wait for ever.
    @Test(arguments: [1, 2, 5]) func everyElementComesOutOnce(capacity: Int) throws {
        let (producers, consumers, perProducer) = (4, 3, 5000)
        let queue = BoundedQueue<Int>(capacity: capacity)
        let open = Tally()
        open.add(producers)
        let produce = (0..<producers).map { producer in
            { @Sendable in
                for number in 0..<perProducer { #expect(queue.push(producer * perProducer + number)) }
                if open.add(-1) == 0 { queue.close() }
            }
        }
        let came = Mutex<[Int]>([])
        let consume: @Sendable () throws -> Void = {
            var own: [Int] = []
            while let element = queue.pop() { own.append(element) }
            // Each takes one producer's elements in their order.
            for producer in 0..<producers {
                let numbers = own.filter { $0 / perProducer == producer }
                #expect(numbers == numbers.sorted())
            }
            came.withLock { $0 += own }
        }
        let work = produce + Array(repeating: consume, count: consumers)
        let stop: @Sendable () -> Void = { queue.close() }
        try #require(try Waiting.ends(stop) { try Threads.runAll(work, onFailure: stop) })
        #expect(came.withLock { $0 }.sorted() == Array(0..<producers * perProducer))
    }

    @Test func aClosedQueueGivesWhatItHasAndTakesNothing() {
        let queue = BoundedQueue<Int>(capacity: 2)
        #expect(queue.push(1))
        queue.close()
        #expect(!queue.push(2))
        #expect(queue.pop() == 1)
        #expect(queue.pop() == nil)
    }
}
