import BSON
import Relations
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct GraphDrawingTests {
    @Test func textShowsTheOrderTheReferencesAndTheCycles() {
        #expect(
            drawing.drawn(as: .text) == """
                1. coverageTypes         4 records
                2. customers        40,000 records
                     referredBy → customers (itself)
                3. policies         60,000 records
                     coverageTypeId → coverageTypes
                     customerId → customers
                     vehicles[].drivers[].customerId → customers (many)
                4. notes                 1 record
                     agentId → agents (optional, missing)
                     ownerId → customers (where ownerType = "customer")
                     ownerId → policies.number (where ownerType = "policy")
                5. cycle of 2: imported as one group, its references are verified afterwards
                     teams
                       leadId → users (in the cycle)
                     users              50 records
                       teamIds[] → teams (many, in the cycle)
                Missing:
                  agents, which notes.agentId refers to

                """)
    }

    @Test func jsonSaysTheSameToPrograms() {
        let graph = ReferenceGraph(
            collections: ["a", "b"],
            references: [
                Reference(collection: "b", path: path("x[]"), target: "a", isOptional: true),
                Reference(
                    collection: "a", path: path("y"), target: "gone", targetPath: path("no"),
                    condition: ReferenceCondition(field: "k", equals: 2), origin: .discovered("1 of 1")),
            ])
        #expect(
            GraphDrawing(graph, records: ["a": 1000]).drawn(as: .json) == """
                {
                  "collections": [
                    {"name": "a", "records": 1000, "group": 0},
                    {"name": "b", "group": 1}
                  ],
                  "references": [
                    {
                      "collection": "a",
                      "path": "y",
                      "target": "gone",
                      "targetPath": "no",
                      "cardinality": "one",
                      "when": {"field": "k", "equals": 2},
                      "missing": true,
                      "found": "discovered: 1 of 1"
                    },
                    {"collection": "b", "path": "x[]", "target": "a", "cardinality": "many", "optional": true, "found": "by config"}
                  ],
                  "importOrder": [
                    ["a"],
                    ["b"]
                  ],
                  "cycles": [],
                  "missingTargets": ["gone"],
                  "leftOutTargets": []
                }

                """)
    }

    @Test func whatIsLeftOutIsNotMissing() {
        let references = [
            Reference(collection: "a", path: path("x"), target: "gone"),
            Reference(collection: "a", path: path("y"), target: "agents"),
        ]
        let drawing = GraphDrawing(
            ReferenceGraph(collections: ["a"], references: references), leftOut: ["agents", "others"])
        #expect(
            drawing.drawn(as: .text) == """
                1. a
                     x → gone (missing)
                     y → agents (left out)
                Missing:
                  gone, which a.x refers to
                Left out:
                  agents, which a.y refers to

                """)
        #expect(
            drawing.drawn(as: .mermaid) == """
                flowchart LR
                    c0["a"]
                    c1["agents<br/>left out"]:::leftOut
                    c2["gone<br/>missing"]:::missing
                    c0 -->|"x"| c2
                    c0 -->|"y"| c1
                    classDef missing stroke:#c00,stroke-dasharray:4 4
                    classDef leftOut stroke:#888,stroke-dasharray:4 4

                """)
        #expect(
            drawing.drawn(as: .dot) == #"""
                digraph references {
                    rankdir=LR;
                    node [shape=box];
                    "a" [label="a"];
                    "agents" [label="agents\nleft out", color=gray, style=dashed];
                    "gone" [label="gone\nmissing", color=red, style=dashed];
                    "a" -> "gone" [label="x", color=red];
                    "a" -> "agents" [label="y"];
                }

                """#)
        let json = drawing.drawn(as: .json)
        #expect(json.contains(#""target": "agents", "cardinality": "one", "leftOut": true, "found""#))
        #expect(json.contains(#""missingTargets": ["gone"]"#))
        #expect(json.contains(#""leftOutTargets": ["agents"]"#))
        let svg = GraphDrawing(
            ReferenceGraph(collections: ["a"], references: [references[1]]), leftOut: ["agents"]
        ).drawn(as: .svg)
        #expect(svg.contains(">left out</text>"))
        #expect(!svg.contains("dangling</text>"))
    }

    @Test func mermaidMarksCyclesAndWhatIsMissing() {
        #expect(
            drawing.drawn(as: .mermaid) == """
                flowchart LR
                    c0["coverageTypes<br/>4 records"]
                    c1["customers<br/>40,000 records"]
                    c3["policies<br/>60,000 records"]
                    c2["notes<br/>1 record"]
                    subgraph c4_cycle["cycle"]
                        c4["teams"]
                        c5["users<br/>50 records"]
                    end
                    c6["agents<br/>missing"]:::missing
                    c1 -->|"referredBy"| c1
                    c2 -.->|"agentId (optional)"| c6
                    c2 -->|"ownerId (where ownerType = #quot;customer#quot;)"| c1
                    c2 -->|"ownerId = number (where ownerType = #quot;policy#quot;)"| c3
                    c3 -->|"coverageTypeId"| c0
                    c3 -->|"customerId"| c1
                    c3 -->|"vehicles[].drivers[].customerId (many)"| c1
                    c4 ==>|"leadId"| c5
                    c5 ==>|"teamIds[] (many)"| c4
                    classDef missing stroke:#c00,stroke-dasharray:4 4

                """)
    }

    @Test func dotMarksCyclesAndWhatIsMissing() {
        #expect(
            drawing.drawn(as: .dot) == #"""
                digraph references {
                    rankdir=LR;
                    node [shape=box];
                    "coverageTypes" [label="coverageTypes\n4 records"];
                    "customers" [label="customers\n40,000 records"];
                    "policies" [label="policies\n60,000 records"];
                    "notes" [label="notes\n1 record"];
                    subgraph cluster_5 {
                        label="cycle"; color=orange;
                        "teams" [label="teams"];
                        "users" [label="users\n50 records"];
                    }
                    "agents" [label="agents\nmissing", color=red, style=dashed];
                    "customers" -> "customers" [label="referredBy"];
                    "notes" -> "agents" [label="agentId (optional)", style=dashed, color=red];
                    "notes" -> "customers" [label="ownerId (where ownerType = \"customer\")"];
                    "notes" -> "policies" [label="ownerId = number (where ownerType = \"policy\")"];
                    "policies" -> "coverageTypes" [label="coverageTypeId"];
                    "policies" -> "customers" [label="customerId"];
                    "policies" -> "customers" [label="vehicles[].drivers[].customerId (many)"];
                    "teams" -> "users" [label="leadId", color=orange];
                    "users" -> "teams" [label="teamIds[] (many)", color=orange];
                }

                """#)
    }

    /// The calling thread's processor time, in seconds.
    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test(arguments: GraphDrawing.Format.allCases)
    func fiveThousandCollectionsAreDrawnInAMoment(_ format: GraphDrawing.Format) {
        var random = SeededGenerator(seed: 2)
        let names = (0..<5_000).map { "collection\($0)" }
        let references = (1..<10_000).map { number in
            Reference(
                collection: names[number / 2], path: path("field\(number)"),
                target: names[Int.random(in: 0...number / 2, using: &random)])
        }
        let drawing = GraphDrawing(
            ReferenceGraph(collections: names, references: references),
            records: Dictionary(uniqueKeysWithValues: names.map { ($0, 7) }))
        // Only this thread's time, since the machine may be busy with other things.
        let start = Self.processorTime()
        let text = drawing.drawn(as: format)
        let seconds = Self.processorTime() - start
        #expect(text.contains("collection4999"))
        // Enough without optimization; an algorithm of quadratic complexity takes minutes.
        #expect(seconds < 20)
    }

    @Test func namesThatMeanSomethingInASyntaxAreEscaped() {
        let name = "a \"b\" --> c\n|x|]#;\\n<i>"
        let graph = ReferenceGraph(
            collections: [name],
            references: [Reference(collection: name, path: FieldPath(steps: [.field(name)]), target: name)])
        let drawing = GraphDrawing(graph)
        #expect(
            drawing.drawn(as: .text) == #"""
                1. a "b" --> c\n|x|]#;\n<i>
                     a "b" --> c\n|x|\]#;\\n<i> → a "b" --> c\n|x|]#;\n<i> (itself)

                """#)
        #expect(
            drawing.drawn(as: .mermaid) == """
                flowchart LR
                    c0["a #quot;b#quot; --#gt; c#92;n|x|]#35;;#92;n#lt;i#gt;"]
                    c0 -->|"a #quot;b#quot; --#gt; c#92;n|x|#92;]#35;;#92;#92;n#lt;i#gt;"| c0

                """)
        #expect(
            drawing.drawn(as: .dot) == #"""
                digraph references {
                    rankdir=LR;
                    node [shape=box];
                    "a \"b\" --> c\\n|x|]#;\\n<i>" [label="a \"b\" --> c\\n|x|]#;\\n<i>"];
                    "a \"b\" --> c\\n|x|]#;\\n<i>" -> "a \"b\" --> c\\n|x|]#;\\n<i>" [label="a \"b\" --> c\\n|x|\\]#;\\\\n<i>"];
                }

                """#)
        #expect(drawing.drawn(as: .json).contains(#""name": "a \"b\" --> c\n|x|]#;\\n<i>""#))
    }

    @Test(arguments: GraphDrawing.Format.allCases)
    func theSameGraphGivesTheSameText(_ format: GraphDrawing.Format) {
        let shuffled = GraphDrawing(
            ReferenceGraph(collections: names.shuffled(), references: references.shuffled()), records: records)
        #expect(shuffled.drawn(as: format) == drawing.drawn(as: format))
    }

    private var drawing: GraphDrawing {
        GraphDrawing(ReferenceGraph(collections: names, references: references), records: records)
    }

    private let names = ["customers", "policies", "coverageTypes", "users", "teams", "notes"]
    private let records = ["customers": 40_000, "policies": 60_000, "coverageTypes": 4, "users": 50, "notes": 1]
    private let references = [
        Reference(collection: "customers", path: path("referredBy"), target: "customers"),
        Reference(collection: "policies", path: path("customerId"), target: "customers"),
        Reference(collection: "policies", path: path("coverageTypeId"), target: "coverageTypes"),
        Reference(collection: "policies", path: path("vehicles[].drivers[].customerId"), target: "customers"),
        Reference(collection: "users", path: path("teamIds[]"), target: "teams"),
        Reference(collection: "teams", path: path("leadId"), target: "users"),
        Reference(collection: "notes", path: path("agentId"), target: "agents", isOptional: true),
        Reference(
            collection: "notes", path: path("ownerId"), target: "customers",
            condition: ReferenceCondition(field: "ownerType", equals: "customer")),
        Reference(
            collection: "notes", path: path("ownerId"), target: "policies", targetPath: path("number"),
            condition: ReferenceCondition(field: "ownerType", equals: "policy")),
    ]
}
