import BSON
import BackupFile

/// Views stand on collections and on other views.
enum ViewOrder {
    /// Views in an order in which they can be created: sources first, by name among equals.
    static func sorted(_ views: [BackupMetadata.Collection]) -> [BackupMetadata.Collection] {
        var left = views.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var result: [BackupMetadata.Collection] = []
        while !left.isEmpty {
            let waiting = Set(left.map(\.databaseName))
            let ready = left.filter { view in
                guard let source = view.options["viewOn"]?.string else { return true }
                return !waiting.contains(source) || source == view.databaseName
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
