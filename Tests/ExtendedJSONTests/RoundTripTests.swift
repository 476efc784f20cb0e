import BSON
import ExtendedJSON
import IndependentReader
import RandomDocuments
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: ExtendedJSONMode.allCases.filter { $0 != .relaxed }, [ExtendedJSONEncoder.Quotes.plain, .doubled])
    func everyDocumentComesBackByteForByte(_ mode: ExtendedJSONMode, _ quotes: ExtendedJSONEncoder.Quotes) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var documents = RandomDocument(seed: seed)
        for index in 0..<FuzzTests.rounds {
            let document = documents.next()
            let text = Codec.encode(document, mode, quotes: quotes).text
            let back = try Codec.decode(text, quotes: quotes)
            try #require(back == document, "seed \(seed), document \(index): \(text)")
        }
    }

    @Test func whatPlainExtendedJSONCanCarryIsNeverEscaped() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var documents = RandomDocument(seed: seed, plainOnly: true)
        for index in 0..<FuzzTests.rounds {
            let (text, outcome) = Codec.encode(documents.next())
            try #require(outcome == .plain, "seed \(seed), document \(index): \(text)")
        }
    }

    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func libbsonReadsEveryPlainDocumentTheSame(_ mode: ExtendedJSONMode) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var documents = RandomDocument(seed: seed)
        for index in 0..<FuzzTests.rounds {
            let document = documents.next()
            let (text, outcome) = Codec.encode(document, mode)
            // libbson 1.23 gives code and DBPointers in an array garbage as their name.
            if outcome == .escaped || text.contains("$code") || text.contains("$dbPointer") { continue }
            try #require(LibBSON.read(text) == document, "seed \(seed), document \(index): \(text)")
        }
    }

    @Test func readsWhatLibbsonWrites() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var documents = RandomDocument(seed: seed, plainOnly: true)
        for index in 0..<FuzzTests.rounds {
            let document = documents.next()
            let text = try #require(LibBSON.canonical(document))
            // libbson has its own ways to write an invalid NaN and U+0000; only what it can read back itself counts.
            guard LibBSON.read(text) == document else { continue }
            try #require(try Codec.decode(text) == document, "seed \(seed), document \(index): \(text)")
        }
    }
}
