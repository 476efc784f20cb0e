import Foundation
import Testing

@testable import BSON

struct HugeBlocksTests {
    private static let size = 5 << 20

    private func block(_ size: Int = size) -> HugeBlocks.Block {
        HugeBlocks.Block(start: malloc(size).assumingMemoryBound(to: UInt8.self), size: size)
    }

    @Test func whatIsKeptIsTakenOnceAndOnlyWhereItIsLargeEnough() {
        let blocks = HugeBlocks()
        let first = block()
        defer { free(first.start) }
        blocks.keeping(1) {
            #expect(blocks.keep(first))
            #expect(blocks.take(Self.size + 1) == nil)
            #expect(blocks.take(Self.size)?.start == first.start)
            #expect(blocks.take(Self.size) == nil)
        }
    }

    @Test func noMoreAreKeptThanAskedForAndNoneAfterwards() {
        let blocks = HugeBlocks()
        let others = [block(), block(), block(1 << 20)]
        defer { others.forEach { free($0.start) } }
        #expect(!blocks.keep(others[0]))
        blocks.keeping(1) {
            #expect(!blocks.keep(others[2]), "no huge document's")
            #expect(blocks.keep(block()))
            #expect(!blocks.keep(others[0]))
            blocks.keeping(1) {
                #expect(blocks.keep(block()))
                #expect(!blocks.keep(others[1]))
            }
            #expect(!blocks.keep(others[1]), "one is kept still")
        }
        #expect(blocks.take(Self.size) == nil)
    }

    @Test func aBufferThatTakesAKeptBlockHasItsContentStill() {
        HugeBlocks.documents.keeping(1) {
            for round in 0..<4 {
                let buffer = ByteBuffer(blocks: .documents)
                buffer.append("round \(round)")
                buffer.reserve(Self.size)
                #expect(buffer.storage.count >= buffer.count + Self.size)
                #expect(String(decoding: buffer.bytes, as: UTF8.self) == "round \(round)")
                buffer.append(UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: buffer.count))
                buffer.reset(keeping: 1 << 20)
                buffer.append("again")
                #expect(String(decoding: buffer.bytes, as: UTF8.self) == "again")
            }
        }
    }
}
