import BSON

/// A field whose values are keys of documents in another collection, or in the same one.
///
/// Several references may start at one path. If they have conditions, these tell which reference holds for a document;
/// otherwise a value must exist in one of the targets.
public struct Reference: Hashable, Sendable {
    /// How a reference became known.
    public enum Origin: Hashable, Sendable {
        case configuration
        /// The evidence: "1,000 of 1,000 sampled values exist, ObjectId".
        case discovered(String)
        /// Read from a file; the value is what the file says about how the reference was found.
        case metadata(String)
    }

    /// The collection in which the reference starts.
    public var collection: String
    public var path: FieldPath
    /// The collection that the reference leads to, and the field there.
    public var target: String
    public var targetPath: FieldPath
    /// Whether dangling values are intended: they are reported, but are not a problem. Missing and null values never
    /// dangle, whatever this says.
    public var isOptional: Bool
    /// The condition under which the reference holds; nil means always.
    public var condition: ReferenceCondition?
    public var origin: Origin

    public init(
        collection: String, path: FieldPath, target: String, targetPath: FieldPath = .id, isOptional: Bool = false,
        condition: ReferenceCondition? = nil, origin: Origin = .configuration
    ) {
        self.collection = collection
        self.path = path
        self.target = target
        self.targetPath = targetPath
        self.isOptional = isOptional
        self.condition = condition
        self.origin = origin
    }

    /// Whether the reference leads to its own collection.
    public var isSelfReference: Bool { collection.hasSameBytes(as: target) }

    /// Whether a document may refer to several others.
    public var isMany: Bool { path.hasArrays }

    /// The target as the configuration writes it: `customers`, `customers.email`.
    public var targetDescription: String { targetPath == .id ? target : "\(target).\(targetPath)" }

    private static let configured = "by config"
    /// Whether a configuration stated it, now or when the file was made.
    public var isConfigured: Bool { found == Self.configured }

    /// How it was found, in words: "by config", "discovered: 1,000 of 1,000 sampled values exist, ObjectId".
    public var found: String {
        switch origin {
        case .configuration: Self.configured
        case .discovered(let evidence): "discovered: \(evidence)"
        case .metadata(let found): found
        }
    }

    /// Calls `body` with each value that must exist in the target: applies the condition and skips nulls.
    ///
    /// Allocates nothing. The value is valid only inside `body`.
    /// - Throws: `BSONError` where the document is damaged, and what `body` throws.
    public func forEachValue(in document: RawDocument, _ body: (RawElement) throws -> Void) throws {
        guard let condition else {
            return try path.forEachValue(in: document) { if $0.isPresent { try body($0) } }
        }
        try path.forEachValue(in: document, where: condition.holds) { if $0.isPresent { try body($0) } }
    }

    /// The same for a document `parent` that contains the path's last field and the condition's field.
    func forEachValue(inParent parent: RawDocument, _ body: (RawElement) throws -> Void) throws {
        guard condition?.holds(in: parent) != false else { return }
        try path.visit(parent, from: path.lastFieldIndex, to: path.steps.count) { if $0.isPresent { try body($0) } }
    }

    /// The fields that ``forEachValue(in:_:)`` needs to see.
    public var neededPaths: [FieldPath] {
        guard let condition else { return [path] }
        return [path, path.sibling(condition.field)]
    }
}

extension Reference: Comparable {
    /// By collection, path and target, each by its bytes.
    public static func < (left: Reference, right: Reference) -> Bool {
        left.sortKey.lexicographicallyPrecedes(right.sortKey)
    }

    /// The sort key. To sort many references faster, compute it only once for each.
    var sortKey: [ExactName] {
        [collection, path.description, target, targetPath.description, condition?.description ?? ""].map(ExactName.init)
    }
}

extension RawElement {
    /// Whether the value must exist in a target: it is neither null nor an empty array.
    var isPresent: Bool {
        switch type {
        case .null, .undefined: false
        case .array: value.count > Self.emptyArray
        default: true
        }
    }

    /// The size in bytes of an array without elements: its length and the final zero. Source: bsonspec.org.
    private static let emptyArray = 5
}
