import BSON
import BackupFile
import ExtendedJSON
import Relations

/// The filters that choose the documents to export, for collections that have one.
struct ExportQueries {
    private var filters: [ExactName: Document] = [:]
    /// The filters as they were written, with their collections' names in the file.
    private(set) var texts: [CollectionQuery] = []

    /// - Parameter queries: filters in Extended JSON, by the collections' names in the file or in the database.
    /// - Throws: ``FerryError`` if a name is not that of an exported collection with documents or occurs twice, or if a
    ///   filter is not Extended JSON.
    init(_ queries: [CollectionQuery], _ catalog: Catalog) throws {
        for query in queries {
            let (name, text) = (query.name, query.query)
            let entry = try Self.entry(named: name, catalog)
            guard filters[ExactName(entry.name)] == nil else {
                throw FerryError(
                    "--query names '\(name)' twice", kind: .usage,
                    advice: ["One filter can say both: {\"$or\":[{…},{…}]}."])
            }
            do throws(JSONFault) {
                filters[ExactName(entry.name)] = try ExtendedJSONDecoder.document(text)
            } catch {
                throw FerryError("--query \(name): \(error)", kind: .usage, details: [text])
            }
            texts.append(CollectionQuery(name: entry.name, query: text))
        }
    }

    /// The filter of a collection, by its name in the file; nil if all of its documents are exported.
    subscript(name: String) -> Document? { filters[ExactName(name)] }

    /// Whether a filter has an operator that servers evaluate only with an index.
    static func needsIndex(_ filter: Document) -> Bool {
        let operators: Set<String> = ["$text", "$near", "$nearSphere"]
        return filter.elements.contains { name, value in
            operators.contains(name) || value.document.map(needsIndex) ?? false
        }
    }

    private static func entry(named name: String, _ catalog: Catalog) throws -> BackupMetadata.Collection {
        let entries = catalog.entries
        let found =
            entries.first { $0.name.hasSameBytes(as: name) }
            ?? entries.first { $0.databaseName.hasSameBytes(as: name) }
        guard let found else {
            throw FerryError(
                "--query names '\(name)', which is not among the exported collections", kind: .usage,
                advice: NearestName.nearest(to: name, among: entries.map(\.name)).map { ["Did you mean '\($0)'?"] }
                    ?? [])
        }
        guard found.kind != .view else {
            throw FerryError(
                "--query names '\(name)', which is a view: a file has its definition, not its documents", kind: .usage)
        }
        return found
    }
}
