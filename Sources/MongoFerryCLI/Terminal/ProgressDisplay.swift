import Foundation
import MongoFerry

/// Shows how far an operation is: a steady line on a terminal, a plain line every few seconds elsewhere.
// @unchecked: the lock guards the state.
final class ProgressDisplay: @unchecked Sendable {
    private let lock = NSLock()
    private let isQuiet: Bool
    private var lastShown = Terminal.standardError.isTerminal ? Date.distantPast : Date()
    private var key = ""
    private var started = Date()

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func update(_ progress: OperationProgress) {
        guard !isQuiet else { return }
        lock.lock()
        defer { lock.unlock() }
        let now = Date()
        let newKey = "\(progress.phase.rawValue) \(progress.collection ?? "")"
        if newKey != key {
            key = newKey
            started = now
        }
        let isTerminal = Terminal.standardError.isTerminal
        guard now.timeIntervalSince(lastShown) >= (isTerminal ? 0.1 : 5) else { return }
        lastShown = now
        let text = text(progress, now)
        if isTerminal { Terminal.standardError.show(status: text) } else { Terminal.standardError.line(text) }
    }

    func end() { Terminal.standardError.show(status: "") }

    private func text(_ progress: OperationProgress, _ now: Date) -> String {
        var parts = [progress.phase.rawValue]
        if let collection = progress.collection { parts.append(collection) }
        if progress.records > 0 {
            parts.append(progress.total.map { "\(progress.records) of \($0)" } ?? "\(progress.records)")
            let seconds = now.timeIntervalSince(started)
            if seconds > 0.5 {
                let rate = Double(progress.records) / seconds
                parts.append("\(Int(rate))/s")
                if let total = progress.total, total > progress.records, rate > 0 {
                    parts.append("\(Int(Double(total - progress.records) / rate)) s left")
                }
            }
        }
        return parts.joined(separator: "  ")
    }
}
