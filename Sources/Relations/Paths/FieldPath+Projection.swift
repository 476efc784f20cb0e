import BSON

extension FieldPath {
    /// A projection for which the server sends the values at the path and `_id`, and little else.
    public var projection: Document { Self.projection(of: [self]) }

    /// The same for several paths: `{"vehicles.drivers.customerId": 1, "_id": 1}`.
    ///
    /// A name that the server would misread (with a dot, with a leading `$`, or empty) is replaced by the field that
    /// contains it; at the top level, by an empty projection, which returns the whole document.
    public static func projection(of paths: some Sequence<FieldPath>) -> Document {
        var asked: [[String]] = []
        for path in paths {
            var names: [String] = []
            for case .field(let name) in path.steps {
                if name.isEmpty || name.hasScalarPrefix("$") || name.utf8.contains(0x2E) { break }
                names.append(name)
            }
            guard !names.isEmpty else { return Document() }
            asked.append(names)
        }
        asked.append(["_id"])
        asked.sort { $0.lexicographicallyPrecedes($1) { $0.precedes($1) } }
        // The server rejects a field together with one inside it ("path collision"): the outer one covers both.
        var kept: [[String]] = []
        for names in asked
        where kept.last.map({ !names.starts(with: $0) { $0.hasSameBytes(as: $1) } }) ?? true {
            kept.append(names)
        }
        return Document { for names in kept { $0.append(names.joined(separator: "."), 1) } }
    }
}
