import BSON
import BackupFile

/// Whether the values of one reference lead anywhere.
public struct ReferenceOutcome: Sendable {
    /// A value that leads nowhere, and a document that holds it.
    public struct Example: Sendable {
        package var value: Value
        package var documentID: Value

        /// The value as compact Extended JSON.
        public var valueJSON: String { JSONText.value(value) }
        /// The `_id` of that document as compact Extended JSON.
        public var documentIDJSON: String { JSONText.value(documentID) }
    }

    /// Where it starts, by its name in the file.
    public var collection: String
    /// As `vehicles[].drivers[].customerId`, where `[]` is every element of an array.
    public var path: String
    /// Where it leads: `customers`, with a field other than `_id` `customers.email`; of alternatives, `a or b`.
    public var target: String
    /// The collections of these: one, or several alternatives.
    var targetNames: [String]
    /// The value of the sibling field that selects this target; nil of an unconditional reference.
    public var condition: String?
    /// Values looked at, null and missing ones aside.
    public var checked = 0
    /// Values among ``checked`` that lead nowhere.
    public var dangling = 0
    /// Values about which a file alone cannot say anything: what they lead to was left out of it.
    public var unchecked = 0
    /// Some of the values that lead nowhere, five at most.
    public var examples: [Example] = []
    /// The target is not there at all.
    public var isTargetMissing = false
    /// Its values may lead nowhere by intent: they are told, and are no problem.
    public var isOptional = false

    private static let exampleLimit = 5

    /// Counts a value that leads nowhere.
    mutating func note(_ value: RawElement, in document: RawDocument) {
        dangling += 1
        if examples.count < Self.exampleLimit { addExample(value.copy, document["_id"]?.copy ?? .null) }
    }

    mutating func addExample(_ value: Value, _ documentID: Value) {
        if examples.count < Self.exampleLimit { examples.append(Example(value: value, documentID: documentID)) }
    }

    /// Adds what another thread has found.
    mutating func merge(_ other: ReferenceOutcome) {
        checked += other.checked
        dangling += other.dangling
        unchecked += other.unchecked
        for example in other.examples { addExample(example.value, example.documentID) }
    }
}
