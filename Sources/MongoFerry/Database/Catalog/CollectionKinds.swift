import BackupFile
import MongoDriver

extension BackupMetadata.Collection.Kind {
    /// Nil for a kind that no file can have.
    init?(_ kind: CollectionInfo.Kind) {
        switch kind {
        case .collection: self = .collection
        case .view: self = .view
        case .timeseries: self = .timeseries
        case .other: return nil
        }
    }

    /// What users call it.
    var text: String {
        switch self {
        case .collection: "collection"
        case .view: "view"
        case .timeseries: "time series"
        }
    }
}

extension CollectionInfo.Kind {
    /// What users call it.
    var text: String {
        if case .other(let name) = self { return name }
        return BackupMetadata.Collection.Kind(self)?.text ?? ""
    }
}
