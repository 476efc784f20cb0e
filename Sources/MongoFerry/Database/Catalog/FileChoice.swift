import BackupFile
import Relations

/// Decides which collections of a file are taken.
struct FileChoice {
    /// Names or globs; empty for all.
    let collections: [Glob]
    let exclude: [Glob]
    let renames: [String: String]
    let configuration: Configuration
    /// The database's names of the file's collections, without this run's renames.
    private let names: FileNames

    init(
        collections: [Glob] = [], exclude: [Glob] = [], renames: [String: String] = [:], configuration: Configuration,
        metadata: BackupMetadata? = nil
    ) {
        self.collections = collections
        self.exclude = exclude
        self.renames = renames
        self.configuration = configuration
        names = FileNames(metadata: metadata, configuration: configuration, renames: [:])
    }

    /// - Parameter names: everything in the file.
    /// - Throws: ``FerryError`` for names that are not among them, or of which everything is excluded.
    func check(against names: [String]) throws {
        for name in renames.keys.sorted() where !names.contains(name) {
            throw unknown(name, "--rename names '\(name)', which is not in the file", names)
        }
        for glob in collections where !names.contains(where: glob.matches) {
            throw unknown(glob.pattern, "there is no collection '\(glob)' in the file", names)
        }
        for glob in collections {
            let reasons = names.filter(glob.matches).map(exclusion)
            if let reason = reasons.ofAll { throw Self.contradiction(glob, reason) }
        }
    }

    /// The error for a collection that was requested and excluded: otherwise it would be missing without notice.
    static func contradiction(_ glob: Glob, _ reason: ReasonToLeaveOut) -> FerryError {
        FerryError(
            "--collection '\(glob)' takes nothing: what it names is \(reason.text)", kind: .usage,
            advice: ["Leave one of the two out."])
    }

    private func unknown(_ name: String, _ text: String, _ known: [String]) -> FerryError {
        if let called = known.first(where: { names.databaseName(of: $0).hasSameBytes(as: name) }) {
            return FerryError(text, kind: .usage, advice: ["The file calls it '\(called)'."])
        }
        return FerryError(
            text, kind: .usage,
            advice: NearestName.nearest(to: name, among: known).map { ["Did you mean '\($0)'?"] } ?? [])
    }

    /// The exclusion among this run's own options that matches a collection; nil if there is none. A plan shows the
    /// database's names, so these match as well.
    func option(excluding name: String) -> Glob? {
        let databaseName = names.databaseName(of: name)
        return exclude.first { $0.matches(name) || $0.matches(databaseName) }
    }

    /// All names of the file's collections: those in the file and those in the database.
    func allNames(of names: [String]) -> [String] { names.flatMap { [$0, self.names.databaseName(of: $0)] } }

    /// What of the file is left out, and why.
    func exclusions(among names: [String]) -> [BackupMetadata.Exclusion] {
        names.compactMap { name in exclusion(of: name).map { .init(name: name, reason: $0.text) } }
    }

    /// Why a collection is left out; nil if it is not.
    func exclusion(of name: String) -> ReasonToLeaveOut? {
        if !collections.isEmpty, !collections.contains(where: { $0.matches(name) }) { return .notAskedFor }
        if let glob = option(excluding: name) { return .option(glob) }
        return configuration.exclusion(ofFileName: name, called: names.databaseName(of: name)).map {
            .configured($0, file: configuration.file)
        }
    }
}

extension OperationContext {
    /// Warns of exclusions that match nothing: a mistyped one leaves its collection in. This is no error, since scripts
    /// may exclude what need not exist. A configuration may serve many databases, so its exclusions are reported only
    /// if they look mistyped.
    /// - Parameters:
    ///   - names: all names that could have been meant.
    ///   - place: where they are, as a noun.
    func warnOfUnmatched(
        _ exclude: [Glob], _ configuration: Configuration, among names: [String], in place: String
    ) {
        for glob in exclude where !names.contains(where: glob.matches) {
            let hint = NearestName.question(glob.pattern, among: names)
            warning("--exclude '\(glob)' matches no collection in \(place)\(hint)")
        }
        for glob in configuration.exclude where !names.contains(where: glob.matches) {
            guard let meant = NearestName.mistyped(glob.pattern, among: names) else { continue }
            warning(
                "\(configuration.text(ofExclusion: glob)) matches no collection in \(place). Did you mean '\(meant)'?")
        }
    }
}

extension Configuration {
    func text(ofExclusion glob: Glob) -> String { "'\(glob)' of exclude in \(file ?? "the configuration")" }
}
