/// What a `mongoferry.yaml` says: collections with their references and types, and what is left out.
public struct Configuration: Hashable, Sendable {
    /// One entry under `collections`.
    public struct Collection: Hashable, Sendable {
        /// The name in files.
        public let name: String
        /// The name in the database.
        public let databaseName: String
        /// Whether ``databaseName`` was said; else what a file says of itself counts.
        public let saysDatabaseName: Bool
        /// In the order written.
        public let references: [Reference]
        public let types: [FieldPath: FieldType]
        /// Whether ``references`` are all that the collection has, be it none; else those of a file or of its rows count.
        public let saysReferences: Bool

        /// - Parameter saysReferences: nil where it is enough that there are any.
        public init(
            name: String, databaseName: String? = nil, references: [Reference] = [],
            types: [FieldPath: FieldType] = [:], saysReferences: Bool? = nil
        ) {
            self.name = name
            self.databaseName = databaseName ?? name
            saysDatabaseName = databaseName != nil
            self.references = references
            self.types = types
            self.saysReferences = saysReferences ?? !references.isEmpty
        }
    }

    /// A target of a reference that is not named among the collections.
    struct UndeclaredTarget: Hashable, Sendable {
        let name: String
        /// Where neither a database nor a file has it.
        let error: ConfigurationError
    }

    /// The file's name, for messages; nil for a configuration made in code.
    public let file: String?
    /// In the order written.
    public let collections: [Collection]
    public let exclude: [Glob]
    private let undeclared: [UndeclaredTarget]

    private let byName: [ExactName: Int]
    private let byDatabaseName: [ExactName: Int]

    /// Makes a configuration of its parts. Names are taken to be different from each other.
    public init(file: String? = nil, collections: [Collection] = [], exclude: [Glob] = []) {
        self.init(file: file, collections: collections, exclude: exclude, undeclared: [])
    }

    init(file: String?, collections: [Collection], exclude: [Glob], undeclared: [UndeclaredTarget]) {
        self.undeclared = undeclared
        self.file = file
        self.collections = collections
        self.exclude = exclude
        func index(_ key: (Collection) -> String) -> [ExactName: Int] {
            Dictionary(collections.enumerated().map { (ExactName(key($1)), $0) }) { first, _ in first }
        }
        byName = index(\.name)
        byDatabaseName = index(\.databaseName)
    }

    /// Reads the text of a configuration file. An empty one is valid and says nothing.
    /// - Parameter file: its name, for messages.
    /// - Throws: ``ConfigurationError`` naming the line and the key, what was expected and the nearest right name.
    public static func parse(yaml: String, file: String) throws(ConfigurationError) -> Configuration {
        try ConfigurationParser(file: file, yaml: yaml).parse()
    }

    /// All references, by collection in the order written.
    public var references: [Reference] { collections.flatMap(\.references) }

    /// Makes sure that what references lead to is named in the configuration, or is there.
    /// - Parameter names: of what is there, in files and in the database; asked for only where there is something to be looked
    ///   up.
    /// - Throws: ``ConfigurationError`` naming the line of a target that is nowhere; what `names` throws.
    public func checkTargets(among names: () throws -> [String]) throws {
        guard !undeclared.isEmpty else { return }
        let names = try names()
        let known = Set(names.map(ExactName.init))
        guard let target = undeclared.first(where: { !known.contains(ExactName($0.name)) }) else { return }
        throw target.error.suggesting(
            target.error.suggestion ?? NearestName.nearest(to: target.name, among: names))
    }

    /// The entry of a collection, by its name in files.
    public func collection(_ name: String) -> Collection? {
        byName[ExactName(name)].map { collections[$0] }
    }

    /// The references that start in a collection.
    public func references(from collection: String) -> [Reference] { self.collection(collection)?.references ?? [] }

    /// The type given to a path; nil where none is.
    public func type(of path: FieldPath, in collection: String) -> FieldType? {
        self.collection(collection)?.types[path]
    }

    /// The database's name for a collection of a file.
    public func databaseName(of name: String) -> String { collection(name)?.databaseName ?? name }

    /// The file's name for a collection of the database.
    public func fileName(of databaseName: String) -> String {
        byDatabaseName[ExactName(databaseName)].map { collections[$0].name } ?? databaseName
    }

    /// The pattern that leaves a collection of the database out, by either of its names; nil where none does.
    public func exclusion(ofDatabaseName name: String) -> Glob? { exclusion(fileName(of: name), name) }

    /// The pattern that leaves a collection of a file out, by either of its names; nil where none does.
    /// - Parameter databaseName: its name in the database; nil where only this configuration can say it.
    public func exclusion(ofFileName name: String, called databaseName: String? = nil) -> Glob? {
        exclusion(name, databaseName ?? self.databaseName(of: name))
    }

    private func exclusion(_ fileName: String, _ databaseName: String) -> Glob? {
        exclude.first { $0.matches(fileName) || $0.matches(databaseName) }
    }

    /// Collections of the database that would get one name in a file, where there are any: each such name, and whose
    /// it would be. The configuration names `coveragetypes` "coverageTypes", and there is one of that name too.
    public func clashes(among databaseNames: [String]) -> [(name: String, databaseNames: [String])] {
        Dictionary(grouping: databaseNames) { ExactName(fileName(of: $0)) }
            .filter { $0.value.count > 1 }
            .sorted { $0.key < $1.key }
            .map { ($0.key.text, $0.value.sorted { $0.precedes($1) }) }
    }
}
