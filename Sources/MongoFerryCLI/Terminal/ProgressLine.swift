import MongoFerry
import Relations

/// The progress of an operation as one line that fits.
///
///     load  policies  [########------]  57%  34,200 of 60,000  12.1 MB  12,400/s  2 s left
struct ProgressLine {
    private let reading: ProgressMeter.Reading
    private let name: String

    init(_ reading: ProgressMeter.Reading) {
        self.reading = reading
        name = reading.collection?.oneLine ?? ""
    }

    /// For files and pipes, where each line stays.
    var plain: String {
        let title = name.isEmpty ? reading.phase : "\(reading.phase) \(name)"
        var parts: [String] = []
        if reading.records > 0 {
            parts.append(counts(isPadded: false) + (reading.fraction.map { " (\(Self.percent($0)))" } ?? ""))
        } else if let fraction = reading.fraction, reading.bytes > 0 {
            parts.append(Self.percent(fraction))
        }
        if reading.bytes > 0 { parts.append(ByteText.text(reading.bytes)) }
        if let rate { parts.append(rate) }
        parts.append(time)
        return "\(title): \(parts.joined(separator: ", "))"
    }

    /// For a terminal: the richest form that fits, so that the line never wraps.
    func text(columns: Int) -> StyledText {
        for form in Form.all {
            let text = text(form)
            if text.columns <= columns { return text }
        }
        // Too narrow for the full name.
        let rest = [reading.fraction.map(Self.percent), time].compactMap(\.self)
        let space = columns - rest.reduce(reading.phase.count) { $0 + $1.count + 2 } - 2
        if space >= 4, !name.isEmpty { return joined([TextWidth.cut(name, to: space)] + rest) }
        let short = StyledText(([reading.phase] + rest).joined(separator: " "))
        return short.columns <= columns ? short : StyledText(TextWidth.cut(reading.phase, to: columns))
    }

    /// Which parts are shown. `all` has the forms in the order in which they are tried.
    private struct Form {
        var bar = 0
        var hasTotal = true
        var hasCounts = true
        var hasBytes = true
        var hasRate = true

        static let all = [
            Form(bar: 24), Form(bar: 12), Form(), Form(hasBytes: false), Form(hasTotal: false, hasBytes: false),
            Form(hasCounts: false, hasBytes: false), Form(hasCounts: false, hasBytes: false, hasRate: false),
        ]
    }

    private func text(_ form: Form) -> StyledText {
        var text = StyledText(reading.phase, .bold)
        func add(_ piece: String, _ style: StyledText.Style = .plain) {
            guard !piece.isEmpty else { return }
            text.append("  ")
            text.append(piece, style)
        }
        add(name)
        if let fraction = reading.fraction {
            if form.bar > 0 { add(Self.bar(fraction, form.bar), .bar) }
            // As wide as it will become, so that what follows does not jump.
            add(TextWidth.padded(Self.percent(fraction), to: 4, atStart: true))
        }
        if form.hasCounts, reading.records > 0 { add(form.hasTotal ? counts(isPadded: true) : reading.records.grouped) }
        if form.hasBytes, reading.bytes > 0 {
            add(TextWidth.padded(ByteText.text(reading.bytes), to: 8, atStart: true))
        }
        if form.hasRate, let rate { add(TextWidth.padded(rate, to: 9, atStart: true)) }
        add(time)
        return text
    }

    private func joined(_ parts: [String]) -> StyledText {
        var text = StyledText(reading.phase, .bold)
        text.append("  " + parts.joined(separator: "  "))
        return text
    }

    private func counts(isPadded: Bool) -> String {
        guard let known = reading.total else { return reading.records.grouped }
        let total = max(known, reading.records).grouped
        let done = reading.records.grouped
        return TextWidth.padded(done, to: isPadded ? total.count : 0, atStart: true) + " of \(total)"
    }

    private var rate: String? { reading.rate.map { "\(Int($0.rounded()).grouped)/s" } }

    private var time: String {
        if let waiting = reading.secondsWaiting { return "waiting for \(Self.time(waiting))" }
        if let left = reading.secondsLeft { return "\(Self.time(left)) left" }
        return Self.time(reading.seconds)
    }

    private static func bar(_ fraction: Double, _ width: Int) -> String {
        let done = Int(fraction * Double(width))
        return "[" + String(repeating: "#", count: done) + String(repeating: "-", count: width - done) + "]"
    }

    /// Rounded down: 100% only when everything is done.
    private static func percent(_ fraction: Double) -> String { "\(Int(fraction * 100))%" }

    /// `5 s`, `3:05`, `1:02:05`.
    static func time(_ seconds: Double) -> String {
        let seconds = Int(min(seconds, 1e9).rounded())
        guard seconds >= 60 else { return "\(seconds) s" }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(minutes):\(two(seconds % 60))"
    }
}
