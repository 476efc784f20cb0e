/// A JSON value to be written as text; members keep their order.
indirect enum JSONTree {
    case string(String)
    case number(Int)
    case bool(Bool)
    case array([JSONTree])
    /// Members that are nil are left out.
    case object([(String, JSONTree?)])

    /// Arrays and objects with nested arrays or objects take one line per member.
    var indented: String { text(at: "") }

    private func text(at indent: String) -> String {
        switch self {
        case .string(let text): return text.jsonString
        case .number(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .array(let items):
            let texts = items.map { $0.text(at: indent + "  ") }
            return items.contains(where: \.isCompound)
                ? Self.lines("[", texts, "]", indent) : "[\(texts.joined(separator: ", "))]"
        case .object(let members):
            let present = members.compactMap { name, value in value.map { (name, $0) } }
            let texts = present.map { "\($0.jsonString): \($1.text(at: indent + "  "))" }
            return present.contains { $0.1.isCompound }
                ? Self.lines("{", texts, "}", indent) : "{\(texts.joined(separator: ", "))}"
        }
    }

    private var isCompound: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    private static func lines(_ open: String, _ texts: [String], _ close: String, _ indent: String) -> String {
        "\(open)\n" + texts.map { "\(indent)  \($0)" }.joined(separator: ",\n") + "\n\(indent)\(close)"
    }
}

extension String {
    /// In quotes, escaped as RFC 8259 requires.
    fileprivate var jsonString: String { quoted }
}
