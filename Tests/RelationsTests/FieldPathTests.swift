import BSON
import Relations
import Testing

@Suite struct FieldPathTests {
    /// Walking a path takes one stack frame for each step.
    @Test func aPathThatNoDocumentHasIsRefused() throws {
        func text(_ steps: Int) -> String { Array(repeating: "a", count: steps).joined(separator: ".") }
        #expect(try FieldPath(parsing: text(500)).steps.count == 500)
        let error = #expect(throws: FieldPathError.self) { try FieldPath(parsing: text(100_000)) }
        #expect(error?.reason == .tooDeep && (error?.description.count ?? 0) < 200)
    }

    @Test(arguments: [
        "customerId", "vehicles[].drivers[].customerId", "tags[]", "a.b.c", "matrix[][]", "_id", "_id.part", "a.0.b",
        #"a\.b"#, #"\e"#, #"a.\e.b"#, #"x\[\].y"#, #"back\\slash"#, "name with spaces", "größe", "$ref",
    ])
    func textLeadsToTheSameText(_ text: String) throws {
        #expect(try FieldPath(parsing: text).description == text)
    }

    @Test(arguments: [
        ("", "bad path '': it is empty"),
        ("a..b", "bad path 'a..b': a name is missing (column 3)"),
        (".a", "bad path '.a': a name is missing (column 1)"),
        ("a.", "bad path 'a.': a name is missing (column 3)"),
        ("[]", "bad path '[]': a name is missing (column 1)"),
        ("a[0].b", "bad path 'a[0].b': [] takes no index, it means every element (column 3)"),
        ("a[", "bad path 'a[': '[' has no ']' (column 3)"),
        ("a]", "bad path 'a]': ']' has no '[' (column 2)"),
        ("a[]b", "bad path 'a[]b': after [] comes a dot, another [] or the end (column 4)"),
        (#"a\b"#, #"bad path 'a\b': a backslash stands before '.', '[', ']' or a backslash only (column 3)"#),
    ])
    func refusesWhatIsNoPath(_ text: String, _ message: String) {
        let error = #expect(throws: FieldPathError.self) { try FieldPath(parsing: text) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        ("customerId", ["7"]),
        ("vehicles[].drivers[].customerId", ["1", "2", "3"]),
        ("tags[]", ["10", "11"]),
        ("a.b.c", ["5"]),
        ("matrix[][]", ["20", "21", "22"]),
        ("a.0", ["6"]),
        // A path without [] does not enter arrays, and an index is not a name.
        ("vehicles.drivers.customerId", []),
        ("vehicles[].drivers.customerId", []),
        ("tags.0", []),
        ("customerId[]", []),
        ("a[]", []),
        ("missing", []),
        ("custo", []),
    ])
    func findsTheValuesAtAPath(_ text: String, _ values: [String]) throws {
        let document: Document = [
            "customerId": 7,
            "vehicles": [
                ["drivers": [["customerId": 1], ["customerId": 2], ["name": "x"]]], ["drivers": [["customerId": 3]]], 4,
            ],
            "tags": [10, 11],
            "a": ["b": ["c": 5], "0": 6],
            "matrix": [[20, 21], [22], 23],
        ]
        var found: [String] = []
        try document.withRaw { raw in
            try path(text).forEachValue(in: raw) { found.append($0.int32.map { String($0) } ?? "?") }
        }
        #expect(found == values)
    }

    /// For each name of a path, a query on the server looks into one level of arrays.
    @Test(arguments: ["m[][].x", "t[][]", "a.b[][]"]) func noTargetIsInAnArrayInAnArray(_ text: String) throws {
        _ = try FieldPath(parsing: text)
        let error = #expect(throws: FieldPathError.self) { try FieldPath(parsingTarget: text) }
        #expect(error?.reason == .nestedArrays)
        _ = try FieldPath(parsingTarget: "a[].b[].c")
    }

    @Test func repeatedNamesCountEach() throws {
        let document: Document = ["a": 1, "b": 2, "a": 3]
        var found: [Int32] = []
        try document.withRaw { raw in try path("a").forEachValue(in: raw) { found += $0.int32.map { [$0] } ?? [] } }
        #expect(found == [1, 3])
    }

    @Test func pathsAreEqualWhereTheirBytesAre() throws {
        let composed = try FieldPath(parsing: "caf\u{E9}")
        let decomposed = try FieldPath(parsing: "cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(
            [composed, decomposed, path("b"), path("B")].sorted().map(\.description) == [
                "B", "b", "cafe\u{301}", "caf\u{E9}",
            ])
    }

    @Test func projectionsAskForNoMoreThanIsNeeded() {
        // To a server, the name begins with a dollar sign even if a combining mark follows.
        #expect(FieldPath(steps: [.field("a"), .field("$\u{301}x")]).projection == ["_id": 1, "a": 1])
        #expect(path("vehicles[].drivers[].customerId").projection == ["_id": 1, "vehicles.drivers.customerId": 1])
        #expect(
            FieldPath.projection(of: [path("a.b"), path("a"), path("ab"), path("a.c")]) == ["_id": 1, "a": 1, "ab": 1])
        #expect(path("_id.x").projection == ["_id": 1])
        // If the server would misread a name, the field that contains it is projected as a whole.
        #expect(path(#"a.b\.c.d"#).projection == ["_id": 1, "a": 1])
        #expect(path("$a").projection == Document())
    }

    @Test func theWalkerNumbersPathsAndKeepsTheNumbers() throws {
        var walker = PathWalker()
        func leaves(_ document: Document) throws -> [String] {
            try document.withRaw { raw in
                var found: [(Int, String)] = []
                try walker.forEachValue(in: raw) { path, element in
                    guard element.type != .document, element.type != .array else { return }
                    found.append((path, "\(element.copy.integer ?? -1)"))
                }
                return found.map { "\(walker.path($0.0)?.description ?? "?")#\($0.0)=\($0.1)" }
            }
        }
        #expect(
            try leaves(["a": 1, "b": [["c": 2], ["c": 3, "d": 4]], "e": []]) == [
                "a#1=1", "b[].c#4=2", "b[].c#4=3", "b[].d#5=4",
            ])
        #expect(try leaves(["e": 9, "b": [[5]], "a": 8]) == ["e#6=9", "b[][]#7=5", "a#1=8"])
        #expect(walker.count == 8)
    }

    @Test func documentsNestedPastAllMeasureDoNotExhaustTheStack() throws {
        var document: Document = ["end": 1]
        for _ in 0..<3_000 { document = Document { $0.append("a", .document(document)) } }
        var walker = PathWalker()
        var values = 0
        try document.withRaw { try walker.forEachValue(in: $0) { _, _ in values += 1 } }
        #expect(values == BSONValidator.maximumDepth)
    }

    @Test func dataUsedAsNamesHideNothingElse() throws {
        var walker = PathWalker(maximumPaths: 100, maximumNames: 3)
        func add(_ document: Document) throws {
            try document.withRaw { try walker.forEachValue(in: $0) { _, _ in } }
        }
        // The document itself may have many names.
        try add(["a": 1, "b": 1, "c": 1, "d": 1, "e": ["x": 1, "y": 1, "z": 1]])
        #expect(walker.crowdedPaths == [])
        for number in 0..<50 { try add(["lists": [["by": .document([("key\(number)"): ["at": 1]])]]]) }
        try add(["late": 1])
        #expect(walker.crowdedPaths == [path("lists[].by")])
        #expect(!walker.isFull)
        let paths = (0..<walker.count).compactMap(walker.path).map(\.description)
        #expect(
            Set(paths) == ["a", "b", "c", "d", "e", "e.x", "e.y", "e.z", "lists", "lists[]", "lists[].by", "late"])
    }

    /// For example days, each with many users.
    @Test func namesOfWhatHasDataAsNamesAreDataTooWhereThereAreMany() throws {
        var walker = PathWalker(maximumPaths: 1000, maximumNames: 30)
        for day in 0..<30 {
            for user in 0..<40 {
                let document: Document = ["days": .document(["d\(day)": .document(["u\(user)": 1])])]
                try document.withRaw { try walker.forEachValue(in: $0) { _, _ in } }
            }
        }
        #expect(walker.crowdedPaths == [path("days")])
        #expect(!walker.isFull)
    }

    @Test func dataUsedAsNamesDoesNotFillTheMemory() throws {
        var walker = PathWalker(maximumPaths: 10)
        for number in 0..<100 {
            try Document { $0.append("key\(number)", 1) }.withRaw { try walker.forEachValue(in: $0) { _, _ in } }
        }
        #expect(walker.isFull)
        #expect(walker.count == 11)
    }

    @Test(arguments: [
        ("chat*", "chat", true), ("chat*", "chatMessages", true), ("chat*", "oldchat", false), ("*", "", true),
        ("*.bucket?", "fs.bucket1", true), ("*.bucket?", "fs.bucket", false), ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*a*b*c", "xxaxxbxxbxxc", true), ("*a*b*c", "acb", false), ("auditlogs", "auditlogs", true),
        ("auditlogs", "auditlogs2", false), ("AuditLogs", "auditlogs", false), (#"a\*"#, "a*", true),
        (#"a\*"#, "ab", false), (#"a\b"#, #"a\b"#, true), (#"a\b"#, "ab", false), (#"a\\b"#, #"a\b"#, true),
        (#"a\"#, #"a\"#, true), (#"\?"#, "?", true), (#"\?"#, "a", false),
        ("?", "é", true), ("", "", true), ("", "a", false), ("a**b", "ab", true), ("[ab]", "a", false),
    ])
    func globsMatchWholeNames(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(Glob(pattern).matches(name) == matches)
    }

    @Test(
        arguments: [
            ("costumers", ["customers", "coverageTypes"], "customers"),
            ("refs", ["references", "types"], "references"),
            ("Customers", ["customers"], "customers"), ("boolean", ["bool", "double"], "bool"),
            ("cust", ["customers"], "customers"),
            ("int32", ["int", "date"], "int"), ("xyz", ["customers", "policies"], nil), ("tpyes", ["types"], "types"),
            ("policy", ["policies", "payments"], "policies"), ("ab", ["ba", "ac"], "ac"), ("", ["a"], nil),
            ("a", [], nil),
        ] as [(String, [String], String?)])
    func nearestNameFindsWhatWasMeant(_ name: String, _ candidates: [String], _ nearest: String?) {
        #expect(NearestName.nearest(to: name, among: candidates) == nearest)
    }

    @Test(arguments: [
        ("custmers", ["customers"], "customers"), ("Customer", ["customers", "custom"], "customers"),
        ("cust*", ["customers"], nil), ("logs_2025", ["logs_2024"], nil), ("log_2025", ["logs_2024"], "logs_2024"),
        ("policy", ["policies"], nil), ("a", ["b"], nil),
    ])
    func aMistypedNameIsNotAShortOneAndNotTheNextOfARow(_ name: String, _ candidates: [String], _ meant: String?) {
        #expect(NearestName.mistyped(name, among: candidates) == meant)
    }
}
