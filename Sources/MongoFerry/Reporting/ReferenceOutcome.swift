import BSON
import BackupFile
import Relations

/// Whether the values of one reference have targets.
public struct ReferenceOutcome: Sendable {
    /// A dangling value, and the document that contains it.
    public struct Example: Sendable {
        package var value: Value
        package var documentID: Value

        /// The value as compact Extended JSON.
        public var valueJSON: String { JSONText.value(value) }
        /// The `_id` of that document as compact Extended JSON.
        public var documentIDJSON: String { JSONText.value(documentID) }
    }

    /// The referring collection, by its name in the file.
    public var collection: String
    /// The path of the reference, such as `vehicles[].drivers[].customerId`, where `[]` stands for every element of an
    /// array.
    public var path: String
    /// The target: `customers`, or `customers.email` if it is a field other than `_id`; for alternatives, `a or b`.
    public var target: String
    /// The target collections: one, or one for each alternative.
    var targetNames: [String]
    /// The value of the sibling field that selects this target; nil for an unconditional reference.
    public var condition: String?
    /// The name of that field.
    var conditionField: String?
    /// Whether a configuration states the reference, or did when the file was made, rather than discovery.
    var isConfigured = true
    /// The values at the path of a conditional reference, whether they meet its condition or not; otherwise 0.
    package var valuesAtPath = 0
    /// The number of values checked, without null and missing ones.
    public var checked = 0
    /// The number of values among ``checked`` that dangle.
    public var dangling = 0
    /// The number of values that nobody can decide: the file alone may lack their targets, or the user cannot see these.
    public var unchecked = 0
    /// Some of the dangling values, at most five, each once.
    public var examples: [Example] = []
    /// Those of ``targetNames`` of which the user cannot see whether they exist.
    private(set) var unseenTargets: [String] = []
    /// Whether the target collection does not exist.
    public var isTargetMissing = false
    /// Whether the values may dangle by intent: that is reported, but is not a problem.
    public var isOptional = false

    /// Why the values in ``unchecked`` were not checked.
    package var reasonNotChecked: String {
        unseenTargets.isEmpty
            ? "the file does not have all of \(target)" : "the user cannot see \(unseenTargets.listed("and"))"
    }

    private static let exampleLimit = 5

    /// Counts a dangling value.
    mutating func note(_ value: RawElement, in document: RawDocument) {
        dangling += 1
        if examples.count < Self.exampleLimit { addExample(value.copy, document["_id"]?.copy ?? .null) }
    }

    mutating func addExample(_ value: Value, _ documentID: Value) {
        guard examples.count < Self.exampleLimit, !examples.contains(where: { $0.value == value }) else { return }
        examples.append(Example(value: value, documentID: documentID))
    }

    /// Notes a target of which the user cannot see whether it exists. Several references may lead to it, by other fields.
    mutating func noteUnseen(_ target: String) {
        isTargetMissing = false
        if !unseenTargets.contains(where: { $0.hasSameBytes(as: target) }) { unseenTargets.append(target) }
    }

    /// Counts what dangles as unchecked if the user does not see all targets: it may be in the others.
    mutating func doubtUnseen() {
        guard !unseenTargets.isEmpty else { return }
        unchecked += dangling
        checked -= dangling
        dangling = 0
        examples = []
    }

    /// Adds what another thread found.
    mutating func merge(_ other: ReferenceOutcome) {
        checked += other.checked
        dangling += other.dangling
        unchecked += other.unchecked
        valuesAtPath += other.valuesAtPath
        for example in other.examples { addExample(example.value, example.documentID) }
    }
}

extension ReferenceOutcome {
    /// By collection, path and target, each by its bytes.
    static func precedes(_ left: ReferenceOutcome, _ right: ReferenceOutcome) -> Bool {
        left.sortKey.lexicographicallyPrecedes(right.sortKey)
    }

    private var sortKey: [ExactName] { [collection, path, target].map(ExactName.init) }
}
