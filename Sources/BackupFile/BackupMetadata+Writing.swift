import BSON

extension BackupMetadata {
    static let firstLine = "# mongoferry backup, format 1"
    static let metadataPrefix = "# metadata "
    static let columns = "collection,data"

    /// Everything above the rows, including the column header.
    ///
    /// Counts are known only after the rows, so the text has the same length for all counts: blanks at the end of the
    /// metadata line make up for missing digits.
    var header: String {
        let text = headerText(padding: 0)
        var widest = self
        for index in widest.collections.indices { widest.collections[index].records = Self.counts.upperBound }
        let padding = widest.headerText(padding: 0).utf8.count - text.utf8.count
        return headerText(padding: max(padding, 0))
    }

    private func headerText(padding: Int) -> String {
        var lines = [Self.firstLine]
        lines.append(created.map { "# created \($0) by \(program)" } ?? "# created by \(program)")
        lines.append("# source \(sourceText)")
        let counts = collections.filter { $0.kind != .view }.map { "\(Self.shown($0.name)) \($0.records)" }
        let about = countsAreExact ? "" : "about "
        lines.append("# records \(about)\(records)" + (counts.isEmpty ? "" : ": " + counts.joined(separator: ", ")))
        lines.append(Self.metadataPrefix + json(padding: padding))
        lines.append(Self.columns)
        return lines.joined(separator: "\n") + "\n"
    }

    /// For example `insurance on MongoDB 6.0.5, replica set rs0, snapshot 2026-11-23T20:04:44Z`.
    public var sourceText: String {
        var text = Self.shown(database)
        if let serverVersion { text += " on MongoDB \(serverVersion)" }
        if let topology { text += ", \(Self.shownTopology(topology))" }
        if let snapshot { text += ", snapshot \(snapshot)" }
        return text
    }

    /// A warning that documents do not come back as they were; nil if they do.
    public var textOfLostTypes: String? {
        json == "relaxed"
            ? "the file was written with --json relaxed, which loses a type of numbers: 64-bit integers come back as 32-bit ones where they fit into these"
            : nil
    }

    /// A name for a comment line: unchanged if it is unambiguous there, otherwise as a JSON string.
    public static func shown(_ name: String) -> String {
        let isClear =
            !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x2C && $0 != 0x3A && $0 != 0x7F }
        return isClear ? name : JSONText.string(name)
    }

    /// Like ``shown(_:)``, but leaves `replica set rs0` as it is, which is clear despite its blanks.
    private static func shownTopology(_ topology: String) -> String {
        let isClear = topology.hasPrefix("replica set ") && !topology.utf8.contains { $0 < 0x20 }
        return isClear ? topology : shown(topology)
    }

    private func json(padding: Int) -> String {
        var fields: [String] = ["\"format\":\(Self.format)"]
        func add(_ key: String, _ text: String?) {
            if let text { fields.append("\"\(key)\":\(JSONText.string(text))") }
        }
        func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
        add("created", created)
        add("program", program)
        add("database", database)
        add("serverVersion", serverVersion)
        add("topology", topology)
        if !hosts.isEmpty { fields.append("\"hosts\":" + list(hosts.map(JSONText.string))) }
        add("consistency", consistency)
        add("snapshot", snapshot)
        add("json", json)
        fields.append("\"countsAreExact\":\(countsAreExact)")
        fields.append("\"records\":\(records)")
        fields.append("\"collections\":" + list(collections.map(\.json)))
        fields.append("\"references\":" + list(references.map(JSONText.document)))
        fields.append(
            "\"excluded\":"
                + list(
                    excluded.map { "{\"name\":\(JSONText.string($0.name)),\"reason\":\(JSONText.string($0.reason))}" }))
        if !queries.isEmpty {
            fields.append(
                "\"queries\":"
                    + list(
                        queries.map { "{\"name\":\(JSONText.string($0.name)),\"query\":\(JSONText.string($0.query))}" })
            )
        }
        return "{" + fields.joined(separator: ",") + "}" + String(repeating: " ", count: padding)
    }
}

extension BackupMetadata.Collection {
    fileprivate var json: String {
        var fields = ["\"name\":\(JSONText.string(name))"]
        if !databaseName.utf8.elementsEqual(name.utf8) {
            fields.append("\"collection\":\(JSONText.string(databaseName))")
        }
        fields.append("\"type\":\"\(kind.rawValue)\"")
        if kind != .view { fields.append("\"records\":\(records)") }
        fields.append("\"options\":\(JSONText.document(options))")
        fields.append("\"indexes\":[" + indexes.map(JSONText.document).joined(separator: ",") + "]")
        return "{" + fields.joined(separator: ",") + "}"
    }
}
