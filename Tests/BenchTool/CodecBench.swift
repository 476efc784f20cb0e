import ArgumentParser
import BSON
import CLibMongoC
import ExtendedJSON
import InsuranceLedger

struct CodecBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Encode and decode the ledger, against bson_as_canonical_extended_json and bson_new_from_json.")

    @Option(help: "1 is about 33,000 documents.") var scale = 0.5
    @Option(help: "Rounds; medians are printed.") var rounds = 5

    func run() throws {
        let documents = Ledger(scale: scale).collections.flatMap { collection in
            (0..<collection.count).map { collection.document($0) }
        }
        let bytes = documents.reduce(0) { $0 + $1.bytes.count }
        print("\(documents.count) documents, \(bytes) bytes of BSON")
        try report("encode, compact", bytes, { try encode(documents, .compact) }, { try libbsonEncode(documents) })
        try report("encode, canonical", bytes, { try encode(documents, .canonical) }, { try libbsonEncode(documents) })
        let compact = texts(documents, .compact)
        let canonical = texts(documents, .canonical)
        let plain = canonical.map { Array(String(decoding: $0, as: UTF8.self).replacing("\"\"", with: "\"").utf8) }
        try report("decode, compact", bytes, { try decode(compact) }, { try libbsonDecode(plain) })
        try report("decode, canonical", bytes, { try decode(canonical) }, { try libbsonDecode(plain) })
    }

    private func report(_ name: String, _ bytes: Int, _ ours: () throws -> Void, _ theirs: () throws -> Void) throws {
        var mine: [Double] = []
        var libbson: [Double] = []
        for _ in 0..<rounds {
            mine.append(try time(ours))
            libbson.append(try time(theirs))
        }
        let ratios = zip(mine, libbson).map { $1 / $0 }
        let rate = Double(bytes) / 1e6
        print(
            "\(name): \(Int(rate / median(mine))) MB/s of BSON, libbson \(Int(rate / median(libbson))) MB/s, ratio \((median(ratios) * 10).rounded() / 10)"
        )
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private func time(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        let elapsed = start.duration(to: .now).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    private func encode(_ documents: [Document], _ mode: ExtendedJSONMode) throws {
        let encoder = ExtendedJSONEncoder(mode: mode, quotes: .doubled)
        let buffer = ByteBuffer(capacity: 2 << 20)
        for document in documents {
            if buffer.count > 1 << 20 { buffer.reset() }
            document.withRaw { _ = encoder.encode($0, into: buffer) }
        }
    }

    private func texts(_ documents: [Document], _ mode: ExtendedJSONMode) -> [[UInt8]] {
        documents.map { document in
            let buffer = ByteBuffer()
            _ = document.withRaw { ExtendedJSONEncoder(mode: mode, quotes: .doubled).encode($0, into: buffer) }
            return [UInt8](buffer.bytes)
        }
    }

    private func decode(_ texts: [[UInt8]]) throws {
        let decoder = ExtendedJSONDecoder(quotes: .doubled)
        let buffer = ByteBuffer(capacity: 2 << 20)
        for text in texts {
            if buffer.count > 1 << 20 { buffer.reset() }
            try text.withUnsafeBytes { _ = try decoder.decode($0, into: buffer) }
        }
    }

    private func libbsonEncode(_ documents: [Document]) throws {
        for document in documents {
            document.bytes.withUnsafeBufferPointer { bytes in
                var bson = bson_t()
                guard
                    withUnsafeMutablePointer(
                        to: &bson, { bson_init_static(OpaquePointer($0), bytes.baseAddress, bytes.count) })
                else { return }
                var length = 0
                withUnsafePointer(to: &bson) { bson_free(bson_as_canonical_extended_json(OpaquePointer($0), &length)) }
            }
        }
    }

    private func libbsonDecode(_ texts: [[UInt8]]) throws {
        for text in texts {
            var error = bson_error_t()
            text.withUnsafeBufferPointer { bson_destroy(bson_new_from_json($0.baseAddress, text.count, &error)) }
        }
    }
}
