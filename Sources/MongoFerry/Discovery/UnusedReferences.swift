import BackupFile
import MongoDriver
import Relations

extension OperationContext {
    /// Warns of references in the configuration whose collection does not exist: they are not checked, and since the
    /// configuration has references, none are discovered in their place.
    /// - Parameters:
    ///   - found: everything in the database; if the user does not see all, nothing is known to be missing.
    ///   - isLeftOut: whether the user left out a collection, by its name in files.
    func warnOfUnusedReferences(
        _ configuration: Configuration, inDatabase found: [CollectionInfo],
        except isLeftOut: (_ name: String) -> Bool = { _ in false }
    ) {
        if UnseenOptions.isPartial(found) { return }
        let names = found.map(\.name)
        let known = Set(names)
        let hints = NameHints(names)
        for collection in configuration.withReferences
        where !known.contains(collection.databaseName) && !isLeftOut(collection.name) {
            let hint = hints.hint(collection.databaseName).map { "; \($0)" }
            warn(
                collection, configuration, "the database",
                hint ?? NearestName.question(collection.databaseName, among: names))
        }
    }

    /// Gives the same warning for a file.
    /// - Parameter names: the collections that have rows in the file; used if it has no metadata.
    func warnOfUnusedReferences(
        _ configuration: Configuration, in metadata: BackupMetadata?, rows names: [String],
        except isLeftOut: (_ name: String) -> Bool = { _ in false }
    ) {
        let names = metadata?.collections.map(\.name) ?? names
        let known = Set(names)
        let excluded = Set(metadata?.excluded.map(\.name) ?? [])
        for collection in configuration.withReferences
        where !known.contains(collection.name) && !isLeftOut(collection.name) {
            // What was left out when the file was made was reported then.
            guard excluded.isDisjoint(with: [collection.name, collection.databaseName]) else { continue }
            warn(
                collection, configuration, "the file",
                NearestName.question(collection.name, among: names))
        }
    }

    private func warn(
        _ collection: Configuration.Collection, _ configuration: Configuration, _ place: String, _ hint: String
    ) {
        warning(
            "\(configuration.file ?? "the configuration") has references of '\(collection.name)', which is not in \(place): they are not looked at\(hint)"
        )
    }

}

extension Configuration {
    /// Ensures that every target of a reference is named in the configuration, or exists in the file or in the
    /// database.
    /// - Parameters:
    ///   - rows: the collections that have rows in the file.
    ///   - connection: nil if there is no database to look at.
    /// - Throws: ``ConfigurationError`` naming the line; ``MongoError``.
    func checkTargets(in metadata: BackupMetadata?, rows: [String] = [], _ connection: Connection? = nil) throws {
        try checkTargets {
            let collections = metadata?.collections ?? []
            let file = collections.map(\.name) + (metadata?.excluded ?? []).map(\.name)
            // A database name does not count if the file has another name for its collection.
            let others = Set(collections.filter { $0.databaseName != $0.name }.map { ExactName($0.databaseName) })
            let live = try connection.map { connection in
                try connection.withClient { try $0.listCollections(in: connection.database) }
            }
            // What the user does not see may be there.
            let unseen = live.map(UnseenOptions.isPartial) ?? false ? references.map(\.target) : []
            return file + rows + unseen + (live ?? []).map(\.name).filter { !others.contains(ExactName($0)) }
        }
    }

    /// Ensures the same for a database, unless the user does not see all that is in it.
    /// - Parameter found: everything that the server has listed.
    /// - Throws: ``ConfigurationError`` naming the line.
    func checkTargets(inDatabase found: [CollectionInfo]) throws {
        if !UnseenOptions.isPartial(found) { try checkTargets { found.map(\.name) } }
    }

    /// The collections that refer to others and are not excluded.
    fileprivate var withReferences: [Collection] {
        collections.filter { !$0.references.isEmpty && exclusion(ofFileName: $0.name) == nil }
    }
}
