import Relations
import Testing

@testable import Relations

@Suite struct PictureTests {
    private static func reference(_ from: String, _ path: String, _ to: String) throws -> Reference {
        Reference(collection: from, path: try FieldPath(parsing: path), target: to)
    }

    /// Thirty collections that refer to each other, as a company has them, and one that stands alone.
    private static func company() throws -> GraphDrawing {
        var references: [Reference] = []
        let names = (0..<30).map { "collection\($0)" }
        for index in 1..<30 {
            references.append(try reference(names[index], "parentId", names[index / 3]))
            if index % 4 == 0 { references.append(try reference(names[index], "items[].otherId", names[index / 2])) }
        }
        references.append(try reference(names[1], "backId", names[5]))
        return GraphDrawing(ReferenceGraph(collections: names + ["alone"], references: references))
    }

    /// Collections that refer only to themselves, which makes a box taller but adds no column.
    private static func managers() throws -> GraphDrawing {
        let names = (0..<20).map { "employees\($0)" }
        let references = try names.enumerated().flatMap { index, name in
            try ["manager", "mentor", "buddy"].prefix(index % 4).map { try reference(name, $0, name) }
        }
        return GraphDrawing(ReferenceGraph(collections: names, references: references))
    }

    @Test(arguments: [true, false]) func boxesDoNotOverlap(isOfManagers: Bool) throws {
        let layout = GraphLayout(try isOfManagers ? Self.managers() : Self.company())
        #expect(layout.boxes.count == (isOfManagers ? 20 : 31))
        for (index, box) in layout.boxes.enumerated() {
            #expect(
                box.x >= 0 && box.y >= 0 && box.x + box.width <= layout.width && box.y + box.height <= layout.height)
            for other in layout.boxes[(index + 1)...] {
                let apart =
                    box.x + box.width <= other.x || other.x + other.width <= box.x
                    || box.y + box.height <= other.y || other.y + other.height <= box.y
                #expect(apart, "\(box.name) and \(other.name)")
            }
        }
    }

    @Test func whatIsReferredToStandsFurtherLeft() throws {
        let drawing = try Self.company()
        let layout = GraphLayout(drawing)
        for reference in drawing.graph.references
        where !drawing.graph.isInCycle(reference) && !reference.isSelfReference {
            let from = try #require(layout.box(reference.collection))
            let to = try #require(layout.box(reference.target))
            #expect(to.column < from.column, "\(reference.collection) → \(reference.target)")
        }
    }

    @Test func danglingAndMissingAreRedAndNamesAreEscaped() throws {
        let policies = try Self.reference("policies", "customerId", "customers & <co>")
        let gone = try Self.reference("policies", "agentId", "agents")
        let drawing = GraphDrawing(
            ReferenceGraph(collections: ["policies", "customers & <co>"], references: [policies, gone]),
            records: ["policies": 1200], dangling: [policies: 7])
        let svg = drawing.drawn(as: .svg)
        #expect(svg.contains("customerId: 7 dangling"))
        #expect(svg.contains("customers &amp; &lt;co&gt;"))
        #expect(svg.contains("1,200 records"))
        #expect(svg.components(separatedBy: "url(#dangling)").count == 3)
        #expect(XMLCheck.isWellFormed(svg))
    }

    /// XML allows neither U+FFFE nor U+FFFF, not even escaped.
    @Test func whatXMLCannotHaveIsMadeVisible() throws {
        let name = "a\u{FFFE}\u{FFFF}"
        let reference = Reference(collection: name, path: FieldPath(steps: [.field(name)]), target: name)
        let svg = GraphDrawing(ReferenceGraph(collections: [name], references: [reference])).drawn(as: .svg)
        #expect(svg.contains(#">a\u{FFFE}\u{FFFF}</text>"#))
        #expect(!svg.unicodeScalars.contains { $0 == "\u{FFFE}" || $0 == "\u{FFFF}" })
    }
}

/// Whether tags are nested correctly, and nothing is left unescaped.
private enum XMLCheck {
    static func isWellFormed(_ text: String) -> Bool {
        var open: [Substring] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<") {
            guard let end = rest[start...].firstIndex(of: ">") else { return false }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                guard open.popLast() == tag.dropFirst() else { return false }
            } else if !tag.hasSuffix("/") {
                open.append(tag.prefix { $0 != " " && $0 != "\n" })
            }
        }
        return open.isEmpty
    }
}
