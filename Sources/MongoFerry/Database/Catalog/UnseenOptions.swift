import MongoDriver
import Relations

/// What users cannot see if their privileges are on single collections.
enum UnseenOptions {
    /// The error for unseen options: a validator or collation would be taken for none, in a file or in a replaced
    /// collection.
    static func error(_ collection: String, in database: String) -> FerryError {
        FerryError(
            "the options of '\(collection.oneLine)' in \(database) cannot be seen: the user may not list the database's collections",
            details: [FerryError.nothingWritten],
            advice: ["Give the user the action listCollections on \(database); the role read has it."])
    }

    /// Whether there may be more than the user can see.
    /// - Parameter found: everything that the server has listed.
    static func isPartial(_ found: [CollectionInfo]) -> Bool { found.contains { !$0.hasDetails } }

    /// Warns that there may be more than the user can see; nil if there is not.
    /// - Parameter found: everything that the server has listed.
    static func warning(_ found: [CollectionInfo], in database: String) -> String? {
        guard isPartial(found) else { return nil }
        return
            "only what the user has rights on was looked at: the user may not list the collections of \(database), and references to others were not found"
    }

    /// Warns of values whose targets the user cannot see; nil if there are none.
    static func warning(_ outcomes: [ReferenceOutcome], in database: String) -> String? {
        let names = Set(outcomes.filter { $0.unchecked > 0 }.flatMap(\.unseenTargets)).sorted().map {
            "'\($0.oneLine)'"
        }
        guard !names.isEmpty else { return nil }
        return
            "nobody can tell what refers to \(names.listed("or")) and dangles: the user may not list the collections of \(database), and sees only those that it has rights on"
    }

    /// - Throws: ``FerryError`` if the user does not see one of these collections, so that it is unknown whether it
    ///   exists.
    static func check(_ names: [String], among found: [CollectionInfo], in database: String) throws {
        guard isPartial(found) else { return }
        let seen = Set(found.map(\.name))
        guard let name = names.first(where: { !seen.contains($0) }) else { return }
        throw FerryError(
            "nobody can tell whether '\(name.oneLine)' is in \(database): the user may not list the database's collections",
            advice: [
                "Give the user the action listCollections on \(database); the role read has it. Or compare what the user may read: --collection."
            ])
    }
}
