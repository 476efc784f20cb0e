import BackupFile
import MongoDriver
import Relations

/// Why a collection or view is not taken.
enum ReasonToLeaveOut {
    case notAskedFor
    /// One of this run's `--exclude`.
    case option(Glob)
    /// The configuration's `exclude`.
    /// - Parameter file: the configuration's path; nil for one without a file.
    case configured(Glob, file: String?)
    /// No file has it: what servers and imports keep for themselves, and make and remove as they need it.
    case internalStorage(String)
    /// No file has it, although it is the user's.
    case notSupported(String)

    /// Whether the user's choice leaves it out.
    var isChosen: Bool {
        switch self {
        case .notAskedFor, .option, .configured: true
        case .internalStorage, .notSupported: false
        }
    }

    var text: String {
        switch self {
        case .notAskedFor: "not asked for"
        case .option(let glob): "excluded by --exclude \(glob)"
        case .configured(let glob, let file): "excluded by '\(glob)' in \(file ?? "the configuration")"
        case .internalStorage(let text), .notSupported(let text): text
        }
    }

    /// What a reproducible file says, where equal data must give equal text; nil where it says nothing. A
    /// configuration may have another path elsewhere.
    var reproducibleText: String? {
        switch self {
        case .internalStorage: nil
        case .configured(let glob, _): Self.configured(glob, file: nil).text
        case .notAskedFor, .option, .notSupported: text
        }
    }

    /// Why no file has a collection; nil if files may have it.
    init?(ofNoFile info: CollectionInfo) {
        if ServerNames.series(ofBuckets: info.name) != nil {
            self = .internalStorage("the server's own storage of a time series")
        } else if info.name == ServerNames.functions {
            self = .notSupported("server-side functions; copy them by hand if you use them")
        } else if ServerNames.contains(info.name) || info.name.contains("__mdb_internal") {
            self = .internalStorage("the server's own")
        } else if info.options["temp"]?.isOn == true {
            self = .internalStorage("a temporary collection of the server's")
        } else if info.name.hasScalarPrefix(OwnNames.displacedPrefix) {
            self = .internalStorage(
                "displaced by an import that was running or was interrupted; the next import gives it its name back, unless something else has it"
            )
        } else if OwnNames.contains(info.name) {
            self = .internalStorage("of an import that was running or was interrupted")
        } else {
            return nil
        }
    }
}

extension [ReasonToLeaveOut?] {
    /// The first reason, if there is one for each; nil if something is taken, or nothing was named.
    var ofAll: ReasonToLeaveOut? { allSatisfy { $0 != nil } ? first ?? nil : nil }
}
