import BSON
import ExtendedJSON
import Foundation
import RandomDocuments
import Testing

/// Damaged text must yield an error or a document, never a crash or a hang.
///
/// Most useful under the address sanitizer, with more rounds:
/// `Scripts/test --fuzz 1000000`
@Suite struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["FUZZ_ROUNDS"].flatMap(Int.init) ?? 20_000

    @Test(arguments: [ExtendedJSONEncoder.Quotes.plain, .doubled])
    func damagedTextIsAnErrorOrADocument(quotes: ExtendedJSONEncoder.Quotes) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var documents = RandomDocument(seed: seed)
        var mutation = Mutation(seed: seed)
        var accepted = 0
        for round in 0..<Self.rounds {
            let mode: ExtendedJSONMode = round % 3 == 0 ? .canonical : .compact
            let text = Array(Codec.encode(documents.next(), mode, quotes: quotes).text.utf8)
            let damaged = mutation.damage(text)
            let document: Document
            // If the decoder made invalid BSON, that would be another error, and the test would fail.
            do { document = try Codec.decode(damaged, quotes: quotes) } catch is JSONFault { continue }
            accepted += 1
            // What was accepted is a document like any other: it survives a round trip.
            let again = Codec.encode(document, mode, quotes: quotes).text
            try #require(try Codec.decode(again, quotes: quotes) == document, "seed \(seed), round \(round)")
        }
        #expect(accepted > 0)
    }

    /// Documents from a server are encoded without being validated first: whatever is wrong with one, its text decodes
    /// to the same bytes or is refused.
    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func damagedBSONIsCarriedAsItIsOrRefused(mode: ExtendedJSONMode) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var documents = RandomDocument(seed: seed)
        var mutation = Mutation(seed: seed)
        var refused = 0
        for round in 0..<Self.rounds {
            var bytes = mutation.damage(documents.next().bytes)
            while bytes.count < 5 { bytes.append(0) }
            // The length and the last byte are checked before anything else, so they have to be right.
            withUnsafeBytes(of: Int32(bytes.count).littleEndian) { for index in 0..<4 { bytes[index] = $0[index] } }
            bytes[bytes.count - 1] = 0
            let buffer = ByteBuffer()
            let outcome = try bytes.withUnsafeBytes { raw in
                ExtendedJSONEncoder(mode: mode, quotes: .doubled).encode(try RawDocument(raw), into: buffer)
            }
            do {
                let back = try Codec.decode([UInt8](buffer.bytes), quotes: .doubled)
                try #require(back.bytes == bytes, "seed \(seed), round \(round)")
            } catch let fault as JSONFault {
                try #require(outcome == .escaped, "seed \(seed), round \(round): \(fault)")
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test func nestingWithoutEndIsAnError() {
        for opening in [
            "{\"a\":", "[", "{\"a\":[", "{\"$code\":\"\",\"$scope\":", "{\"$scope\":", "{\"$scope\":{\"a\":",
            "{\"$ref\":\"a\",\"$id\":",
        ] {
            let text = "{\"a\":" + String(repeating: opening, count: 200_000)
            #expect(throws: JSONFault.self) { try Codec.decode(text) }
        }
    }
}

/// Damages bytes: flips bits, and replaces, removes, duplicates, swaps and inserts bytes, also such that parsers trip
/// over.
struct Mutation {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private static let pieces = [
        "\"", "\"\"", "{", "}", "[", "]", ",", ":", "\\", "\\u", "\\uD800", "\\uDC00", "$oid", "{\"$date\":",
        "{\"$numberLong\":\"", "{\"$binary\":{\"base64\":\"", "{\"$rawBSON\":\"", "1e999999", "\\u0024", "\\/",
        "{\"$scope\":{},\"$code\":\"", "-", "0.0000000001",
        "\u{0}", "\u{FEFF}", "\n", "null", "NaN", "Infinity", "9223372036854775808",
    ].map { Array($0.utf8) }

    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0...random.below(4) {
            guard !result.isEmpty else { return result }
            let place = random.below(result.count)
            switch random.below(7) {
            case 0: result[place] ^= 1 << UInt8(random.below(8))
            case 1: result[place] = UInt8(random.below(256))
            case 2: result.removeSubrange(place..<min(result.count, place + 1 + random.below(8)))
            case 3: result.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: place)
            case 4: result.insert(contentsOf: result[place..<min(result.count, place + random.below(40))], at: place)
            case 5: result.removeSubrange(place...)
            default: result.swapAt(place, random.below(result.count))
            }
        }
        return result
    }
}
