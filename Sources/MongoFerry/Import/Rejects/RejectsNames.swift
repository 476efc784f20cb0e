import BackupFile
import Relations

/// What collections are called in a file of rows that were set aside.
///
/// As in the file that the rows come from, since the configuration and `--rename` go by these names. Where only that
/// file's metadata said what the database calls a collection, as the database does: a file of rows has no metadata.
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

    /// Where rows of the file belong.
    func databaseName(of name: String) -> String { names.databaseName(of: name) }
}
