import BackupFile
import Relations

/// The names of collections in a rejects file.
///
/// These are the names in the file from which the rows come, since the configuration and `--rename` use them. If only
/// that file's metadata gave a collection's name in the database, it is that name: a rejects file has no metadata.
struct RejectsNames {
    private let names: FileNames

    init(_ names: FileNames) { self.names = names }

    func name(of name: String) -> String {
        let target = databaseName(of: name)
        let withoutMetadata = FileNames(metadata: nil, configuration: names.configuration, renames: names.renames)
        let fitting = [name, target].first {
            withoutMetadata.databaseName(of: $0).hasSameBytes(as: target)
                && names.configuration.exclusion(ofFileName: $0) == nil
        }
        return fitting ?? name
    }

    /// The name in the database of the collection to which rows belong.
    func databaseName(of name: String) -> String { names.databaseName(of: name) }
}
