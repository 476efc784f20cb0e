import BSON
import Relations
import Testing

@Suite struct ReferenceGraphTests {
    @Test func targetsComeFirstAndTheSmallestNameThatIsReady() throws {
        let configuration = try Insurance.configuration()
        let graph = ReferenceGraph(
            collections: configuration.collections.map(\.name), references: configuration.references)
        #expect(
            graph.order == [
                "coverageTypes", "customers", "policies", "payments", "receipts", "rolePermissions",
                "statementRecipients", "users",
            ])
        #expect(graph.cycles.isEmpty)
        #expect(graph.missingTargets.isEmpty)
    }

    @Test func selfReferencesDoNotCount() {
        let graph = graph(["a", "b"], ["b>b", "a>b"])
        #expect(graph.importOrder.map(\.collections) == [["b"], ["a"]])
        #expect(graph.importOrder.allSatisfy { !$0.isCycle })
    }

    @Test func aCycleIsOneGroupInNameOrder() {
        let graph = graph(["z", "y", "x", "a", "q"], ["z>y", "y>x", "x>z", "a>x", "y>q"])
        #expect(graph.importOrder.map(\.collections) == [["q"], ["x", "y", "z"], ["a"]])
        #expect(graph.cycles == [["x", "y", "z"]])
        #expect(graph.references.filter(graph.isInCycle).map(\.collection) == ["x", "y", "z"])
        #expect(graph.group(of: "y") == 1)
        #expect(graph.group(of: "nowhere") == nil)
    }

    @Test func referencesToNowhereAreListedAndDoNotCount() {
        let graph = graph(["a", "b"], ["a>gone", "b>a"])
        #expect(graph.order == ["a", "b"])
        #expect(graph.missingTargets.map(\.target) == ["gone"])
    }

    @Test(arguments: [
        Value.int32(1), .int64(1), .double(1), .decimal128(Decimal128(low: 1, high: 0x3040_0000_0000_0000)),
        .decimal128(Decimal128(low: 10, high: 0x303E_0000_0000_0000)),
    ])
    func aConditionTakesWholeNumbersOfAnyType(_ number: Value) {
        let document: Document = ["kind": number]
        func holds(_ value: Int64) -> Bool {
            document.withRaw(ReferenceCondition(field: "kind", equals: .int64(value)).holds)
        }
        #expect(holds(1) && !holds(2))
    }

    @Test func namesAreOrderedByTheirBytes() {
        #expect(graph(["b", "a", "B", "é", "z", "_"], []).order == ["B", "_", "a", "b", "z", "é"])
        // A name in its composed and its decomposed form: two collections.
        #expect(
            graph(["caf\u{E9}", "cafe\u{301}"], ["cafe\u{301}>caf\u{E9}"]).order.map { Array($0.utf8) } == [
                Array("caf\u{E9}".utf8), Array("cafe\u{301}".utf8),
            ])
    }

    @Test func orderDoesNotDependOnTheOrderOfWhatItIsGiven() {
        let names = ["d", "c", "b", "a"]
        let references = ["a>b", "c>b", "d>a", "b>a"]
        #expect(graph(names, references).importOrder == graph(names.reversed(), references.reversed()).importOrder)
    }

    /// Compared with the definition by brute force: of the groups whose targets have all been written, the one with the
    /// smallest name is next.
    @Test func randomGraphsFollowTheDefinition() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let count = Int.random(in: 1...12, using: &random)
            let names = (0..<count).map { "c\($0)" }.shuffled(using: &random)
            let references = (0..<Int.random(in: 0...(count * 2), using: &random)).map { _ in
                "c\(Int.random(in: 0..<count, using: &random))>c\(Int.random(in: 0..<count, using: &random))"
            }
            let graph = graph(names, references)
            #expect(graph.importOrder.map(\.collections) == expectedOrder(names, references), "seed \(seed)")
        }
    }

    @Test func theTimeGrowsWithTheCollectionsAndNotWithTheirSquare() {
        let clock = ContinuousClock()
        /// The shortest of several times, of a mixture and of a chain alone: other load makes them longer, and nothing
        /// makes them shorter.
        func shortest(_ count: Int) -> (mixed: Duration, straight: Duration) {
            var random = SeededGenerator(seed: 1)
            let names = (0..<count).map { "collection\($0)" }
            let references = (0..<4 * count).map { _ in
                Reference(
                    collection: names.randomElement(using: &random) ?? "", path: .id,
                    target: names.randomElement(using: &random) ?? "")
            }
            // A chain through all collections, so that the walk is as deep as possible.
            let chain = (1..<count).map { Reference(collection: names[$0], path: .id, target: names[$0 - 1]) }
            func time(_ references: [Reference], _ isRight: ([String]) -> Bool) -> Duration {
                let times = (0..<3).map { _ in
                    clock.measure {
                        #expect(isRight(ReferenceGraph(collections: names, references: references).order))
                    }
                }
                return times.min() ?? .zero
            }
            return (time(references + chain) { $0.count == count }, time(chain) { $0 == names })
        }
        let (few, many) = (shortest(1_000), shortest(8_000))
        // Eight times as many; the square would be 64.
        #expect(many.mixed < few.mixed * 25, "\(few) \(many)")
        #expect(many.straight < few.straight * 25, "\(few) \(many)")
    }

    @Test func metadataBringsReferencesBack() throws {
        let reference = Reference(
            collection: "notes", path: path("owners[].id"), target: "customers", targetPath: path("email"),
            isOptional: true,
            condition: ReferenceCondition(field: "kind", equals: "customer"),
            origin: .discovered("10 of 10 sampled values exist, ObjectId"))
        let document = reference.document
        #expect(document.keys == ["collection", "path", "target", "targetPath", "optional", "when", "found"])
        #expect(document["found"] == "discovered: 10 of 10 sampled values exist, ObjectId")
        var back = try Reference(document: document)
        #expect(back.origin == .metadata("discovered: 10 of 10 sampled values exist, ObjectId"))
        #expect(back.found == reference.found)
        back.origin = reference.origin
        #expect(back == reference)

        let plain = Reference(collection: "policies", path: path("customerId"), target: "customers")
        #expect(
            plain.document == [
                "collection": "policies", "path": "customerId", "target": "customers", "found": "by config",
            ])
        let error = #expect(throws: ReferenceError.self) {
            try Reference(document: ["collection": "a", "path": "x..y", "target": "b"])
        }
        #expect(error?.description == "not a reference: 'path': bad path 'x..y': a name is missing (column 3)")
    }

    /// Such names would get into commands, as additional elements or as an operator with values from the file.
    @Test(
        arguments: [
            ("when", .document(["field": "z\0\u{1}x", "equals": 1])), ("targetPath", "$expr"), ("targetPath", "a\0b"),
            ("path", "a\0b"),
        ] as [(String, Value)])
    func namesThatWouldSteerACommandAreNoReference(key: String, value: Value) {
        let document: Document = ["collection": "a", "target": "b"]
        let fields = key == "path" ? document : document.appending("path", "p")
        let error = #expect(throws: ReferenceError.self) { try Reference(document: fields.appending(key, value)) }
        #expect(error?.key == key)
    }

    @Test func conditionsAreLookedAtInTheDocumentThatHoldsTheValue() throws {
        let reference = Reference(
            collection: "a", path: path("links[].id"), target: "b",
            condition: ReferenceCondition(field: "kind", equals: "b"))
        let document: Document = [
            "kind": "b",
            "links": [
                ["kind": "b", "id": 1], ["id": 2, "kind": "c"], ["id": 3], ["id": 4, "kind": "b"],
                ["id": .null, "kind": "b"],
            ],
        ]
        var found: [Int32?] = []
        try document.withRaw { raw in try reference.forEachValue(in: raw) { found.append($0.int32) } }
        #expect(found == [1, 4])
        #expect(reference.neededPaths == [path("links[].id"), path("links[].kind")])
    }

    private func graph(_ names: [String], _ references: [String]) -> ReferenceGraph {
        ReferenceGraph(
            collections: names,
            references: references.map { text in
                let ends = text.split(separator: ">").map(String.init)
                return Reference(collection: ends[0], path: .id, target: ends[1])
            })
    }

    private func expectedOrder(_ names: [String], _ references: [String]) -> [[String]] {
        let edges = Set(references.map { $0.split(separator: ">").map(String.init) })
        var reaches: [String: Set<String>] = [:]
        for name in names {
            var known: Set<String> = [name]
            while true {
                let more = Set(edges.filter { known.contains($0[0]) }.map { $0[1] }).subtracting(known)
                if more.isEmpty { break }
                known.formUnion(more)
            }
            reaches[name] = known
        }
        func reach(_ name: String) -> Set<String> { reaches[name] ?? [] }
        let groups = Set(names.map { name in reach(name).filter { reach($0).contains(name) }.sorted() })
        var done: Set<String> = []
        var order: [[String]] = []
        while order.count < groups.count {
            let ready = groups.filter { group in
                !order.contains(group) && group.allSatisfy { reach($0).subtracting(group).isSubset(of: done) }
            }
            guard let next = ready.min(by: { $0[0] < $1[0] }) else { break }
            order.append(next)
            done.formUnion(next)
        }
        return order
    }
}

/// SplitMix64, so that a failed seed can be tried again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}
