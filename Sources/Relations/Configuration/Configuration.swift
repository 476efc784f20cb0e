/// The content of a `mongoferry.yaml`: collections with their references and types, and what is excluded.
public struct Configuration: Hashable, Sendable {
    /// One entry under `collections`.
    public struct Collection: Hashable, Sendable {
        /// The name in files.
        public let name: String
        /// The name in the database.
        public let databaseName: String
        /// Whether ``databaseName`` was given. If not, the name that a file itself gives counts.
        public let saysDatabaseName: Bool
        /// In the order written.
        public let references: [Reference]
        public let types: [FieldPath: FieldType]
        /// Whether ``references`` are all that the collection has, even if there are none. If not, those of a file or
        /// of its rows count.
        public let saysReferences: Bool

        /// - Parameter saysReferences: nil means true if there are any references.
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

    /// A reference's target that is not among the configuration's collections.
    struct UndeclaredTarget: Hashable, Sendable {
        let name: String
        /// The error if neither a database nor a file has the target, without a suggestion.
        let error: ConfigurationError
    }

    /// The name of the file that commands look for in their folder.
    package static let usualFile = "mongoferry.yaml"

    /// The file's name, for messages; nil for a configuration made in code.
    public let file: String?
    /// In the order written.
    public let collections: [Collection]
    public let exclude: [Glob]
    private let undeclared: [UndeclaredTarget]

    private let byName: [ExactName: Int]
    private let byDatabaseName: [ExactName: Int]

    /// Creates a configuration from its parts. Names must be distinct.
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

    /// Parses the text of a configuration file. An empty one is valid and configures nothing.
    /// - Parameter file: its name, for messages.
    /// - Throws: ``ConfigurationError`` with the line, the key, what was expected and the nearest valid name.
    public static func parse(yaml: String, file: String) throws(ConfigurationError) -> Configuration {
        try ConfigurationParser(file: file, yaml: yaml).parse()
    }

    /// All references, by collection in the order written.
    public var references: [Reference] { collections.flatMap(\.references) }

    /// Checks that all targets of references are named in the configuration or exist.
    /// - Parameter names: returns the names of the collections in files and in the database; called only if a target
    ///   must be looked up.
    /// - Throws: ``ConfigurationError`` with the line of a target that exists nowhere; what `names` throws.
    public func checkTargets(among names: () throws -> [String]) throws {
        guard !undeclared.isEmpty else { return }
        let names = try names()
        let known = Set(names.map(ExactName.init))
        guard let target = undeclared.first(where: { !known.contains(ExactName($0.name)) }) else { return }
        throw target.error.suggesting(
            NearestName.nearest(to: target.name, among: collections.map(\.name))
                ?? NearestName.nearest(to: target.name, among: names))
    }

    /// The entry of a collection, by its name in files.
    public func collection(_ name: String) -> Collection? {
        byName[ExactName(name)].map { collections[$0] }
    }

    /// The references that start in a collection.
    public func references(from collection: String) -> [Reference] { self.collection(collection)?.references ?? [] }

    /// The type given to a path; nil if there is none.
    public func type(of path: FieldPath, in collection: String) -> FieldType? {
        self.collection(collection)?.types[path]
    }

    /// The database's name for a collection of a file.
    public func databaseName(of name: String) -> String { collection(name)?.databaseName ?? name }

    /// The file's name for a collection of the database.
    public func fileName(of databaseName: String) -> String {
        byDatabaseName[ExactName(databaseName)].map { collections[$0].name } ?? databaseName
    }

    /// The pattern that excludes a collection of the database, by either of its names; nil if there is none.
    public func exclusion(ofDatabaseName name: String) -> Glob? { exclusion(fileName(of: name), name) }

    /// The pattern that excludes a collection of a file, by either of its names; nil if there is none.
    /// - Parameter databaseName: its name in the database; nil if only this configuration can tell.
    public func exclusion(ofFileName name: String, called databaseName: String? = nil) -> Glob? {
        exclusion(name, databaseName ?? self.databaseName(of: name))
    }

    private func exclusion(_ fileName: String, _ databaseName: String) -> Glob? {
        exclude.first { $0.matches(fileName) || $0.matches(databaseName) }
    }

    /// The names that several collections of the database would get in a file, each with these collections: for example
    /// if the configuration names `coveragetypes` "coverageTypes", and there is also a collection of that name.
    public func clashes(among databaseNames: [String]) -> [(name: String, databaseNames: [String])] {
        Dictionary(grouping: databaseNames) { ExactName(fileName(of: $0)) }
            .filter { $0.value.count > 1 }
            .sorted { $0.key < $1.key }
            .map { ($0.key.text, $0.value.sorted { $0.precedes($1) }) }
    }
}
