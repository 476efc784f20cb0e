import BSON
import BackupFile
import Relations

/// Views stand on collections and on other views.
enum ViewOrder {
    /// Views in an order in which they can be created: sources first, those of their stages too, by name among equals.
    static func sorted(_ views: [BackupMetadata.Collection]) -> [BackupMetadata.Collection] {
        var left = views.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var result: [BackupMetadata.Collection] = []
        while !left.isEmpty {
            let waiting = Set(left.map { ExactName($0.databaseName) })
            let ready = left.filter { view in
                ViewSources.sources(of: view.options).allSatisfy {
                    !waiting.contains($0) || $0 == ExactName(view.databaseName)
                }
            }
            // Servers refuse circles of views; should there be one, the order is by name.
            let next = ready.isEmpty ? left : ready
            result += next
            let done = Set(next.map(\.databaseName))
            left.removeAll { done.contains($0.databaseName) }
        }
        return result
    }
}
