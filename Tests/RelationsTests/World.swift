import BSON

@testable import Relations

/// Collections in memory that give the answers of a server.
struct World {
    private(set) var documents: [(collection: String, document: Document)] = []
    private(set) var questions: [String: Int] = [:]
    /// The number of documents of a collection that has more than were added.
    var counts: [String: Int] = [:]

    mutating func add(_ collection: String, _ document: Document) { documents.append((collection, document)) }

    mutating func discover() throws -> Discovery {
        var discovery = ReferenceDiscovery()
        // As they are stored, by what they are compared as.
        var ids: [String: [Value: Value]] = [:]
        for (collection, document) in documents {
            try document.withRaw { try discovery.add($0, in: collection) }
            if let id = document["_id"] {
                ids[collection, default: [:]][Self.asServersCompare(id)] = id
            }
        }
        for (collection, count) in Dictionary(grouping: documents, by: \.collection).mapValues(\.count) {
            discovery.declare(collection, count: counts[collection] ?? count)
        }
        var questions: [String: Int] = [:]
        let found = try discovery.resolve { asked in
            for question in asked { questions[question.collection, default: 0] += 1 }
            return asked.map { question in
                Set(question.ids.compactMap { ids[question.collection]?[Self.asServersCompare($0)] })
            }
        }
        self.questions = questions
        return found
    }

    /// Numbers are equal whatever their types and however many zeros end them, in documents too.
    private static func asServersCompare(_ value: Value) -> Value {
        if let number = value.integer { return .int64(Int64(number)) }
        switch value {
        case .decimal128(let number): return number.integer.map(Value.int64) ?? .decimal128(number.reduced)
        case .document(let document):
            return .document(
                Document { for (key, value) in document.elements { $0.append(key, asServersCompare(value)) } })
        default: return value
        }
    }
}

extension Discovery {
    var described: [String] {
        references.map { "\($0.collection).\($0.path) → \($0.target): \($0.found.dropFirst("discovered: ".count))" }
    }
}

/// An ObjectId like those of a driver, made from 2019 on by one process for each collection.
func oid(_ kind: Int, _ number: Int) -> Value {
    .objectID(
        ObjectID(
            high: UInt64(0x5C2A_AD80 + number * 3600) << 32 | UInt64(0xE1D2_0000 + kind),
            low: UInt32(kind << 20 + number)))
}

func uuid(_ number: Int) -> Value {
    var random = SeededGenerator(seed: UInt64(number))
    return .binary(subtype: 4, (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
}

func uuidText(_ number: Int) -> String {
    guard case .binary(_, let bytes) = uuid(number) else { return "" }
    let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    return [8, 4, 4, 4, 12].reduce(into: (rest: digits[...], parts: [String]())) { state, length in
        state.parts.append(String(state.rest.prefix(length)))
        state.rest = state.rest.dropFirst(length)
    }.parts.joined(separator: "-")
}
