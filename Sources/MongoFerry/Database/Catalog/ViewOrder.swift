import BSON
import BackupFile
import Relations

/// Orders views, which are based on collections and on other views.
enum ViewOrder {
    /// Returns views in an order in which they can be created: sources first, including those of pipeline stages; by
    /// name where either order works.
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
            // Servers refuse cycles of views; if there is one, the order is by name.
            let next = ready.isEmpty ? left : ready
            result += next
            let done = Set(next.map(\.databaseName))
            left.removeAll { done.contains($0.databaseName) }
        }
        return result
    }
}
