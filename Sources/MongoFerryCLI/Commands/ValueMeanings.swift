import ArgumentParser
import ExtendedJSON
import MongoFerry
import Relations

/// An option whose values `--help` lists with their meanings.
protocol ExplainedValue: ExpressibleByArgument, CaseIterable, RawRepresentable where RawValue == String {
    var meaning: String { get }
}

extension ExplainedValue {
    public static var allValueDescriptions: [String: String] {
        Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.meaning) })
    }
}

extension ImportOptions.Mode: ExplainedValue {
    var meaning: String {
        switch self {
        case .merge: "write what differs or is missing, by _id; keep the rest"
        case .replace: "make each collection exactly as in the file"
        case .insert: "write only what is missing"
        }
    }
}

extension ExtendedJSONMode: ExplainedValue {
    var meaning: String {
        switch self {
        case .compact: "the shortest form that keeps every type"
        case .canonical: "the specification's form that keeps every type"
        case .relaxed: "the specification's readable form; loses types of numbers"
        }
    }
}

extension ExportOptions.Consistency: ExplainedValue {
    var meaning: String {
        switch self {
        case .snapshot: "all collections as of one moment"
        case .collection: "each collection as of a moment of its own"
        case .unprotected: "as the cursors find the documents"
        }
    }
}

extension GraphDrawing.Format: ExplainedValue {
    var meaning: String {
        switch self {
        case .text: "for a terminal"
        case .json: "for programs"
        case .mermaid: "a diagram for Markdown pages"
        case .dot: "a diagram for Graphviz"
        case .svg: "a picture for browsers"
        }
    }
}

extension CommonOptions.LogLevel: ExplainedValue {
    /// Also accepts other programs' names for levels.
    init?(argument: String) {
        switch argument.lowercased() {
        case "trace": self = .debug
        case "notice": self = .info
        case "warn", "error", "critical", "fatal": self = .warning
        case let name:
            guard let level = Self(rawValue: name) else { return nil }
            self = level
        }
    }

    var meaning: String {
        switch self {
        case .debug: "also details, for finding faults"
        case .info: "the plan, messages and warnings"
        case .warning: "warnings only"
        }
    }
}
