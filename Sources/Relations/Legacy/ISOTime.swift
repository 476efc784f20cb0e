import ExtendedJSON

/// Parses points in time. Months, days and hours are checked: `2023-02-29` is not a date.
enum ISOTime {
    /// Milliseconds since 1970 of exactly `YYYY-MM-DDTHH:mm:ss.sssZ`, as JSON.stringify writes a date; nil for
    /// anything else.
    static func exactly(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 24, text[10] == 0x54, text[19] == 0x2E, text[23] == 0x5A else { return nil }
        return lenient(text)
    }

    /// The same for years that do not fit in four digits: `+YYYYYY-MM-DDTHH:mm:ss.sssZ` and `-YYYYYY-…`.
    ///
    /// Source: ECMAScript, "Expanded Years".
    static func exactlyExpanded(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 27, text[0] == 0x2B || text[0] == 0x2D, text[13] == 0x54, text[22] == 0x2E, text[26] == 0x5A
        else { return nil }
        return lenient(text)
    }

    /// Milliseconds since 1970 of the ISO 8601 forms that define a point in time; nil for anything else.
    ///
    /// A date alone is midnight in UTC. A date with a time needs `Z` or an offset; seconds and fractions are optional.
    /// A six-digit year needs a sign. Fractions finer than a millisecond give nil, since they would be lost.
    static func lenient(_ text: UnsafeRawBufferPointer) -> Int64? {
        var reader = ISOReader(text)
        guard let year = reader.year(), reader.take(0x2D), let month = reader.digits(2), reader.take(0x2D),
            let day = reader.digits(2), (1...12).contains(month), day >= 1, day <= ISODate.daysInMonth(month, of: year)
        else { return nil }
        let midnight = ISODate.days(year: year, month: month, day: day) * 86_400_000
        if reader.isAtEnd { return Int64(midnight) }
        guard reader.take(0x54) || reader.take(0x74) || reader.take(0x20), let hour = reader.digits(2),
            reader.take(0x3A), let minute = reader.digits(2), hour < 24, minute < 60
        else { return nil }
        var milliseconds = (hour * 60 + minute) * 60_000
        if reader.take(0x3A) {
            guard let second = reader.digits(2), second < 60 else { return nil }
            milliseconds += second * 1000
            if reader.take(0x2E) || reader.take(0x2C) {
                guard let fraction = reader.fraction() else { return nil }
                milliseconds += fraction
            }
        }
        guard let offset = reader.offset(isBrief: true), reader.isAtEnd else { return nil }
        return Int64(midnight + milliseconds - offset * 60_000)
    }
}
