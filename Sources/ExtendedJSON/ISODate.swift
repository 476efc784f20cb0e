import BSON

/// Dates in the form of relaxed Extended JSON: `2026-11-23T20:04:45.123Z`.
public enum ISODate {
    /// The milliseconds of the years 1970 to 9999, for which the form is defined.
    public static let range: Range<Int64> = 0..<253_402_300_800_000

    /// `2026-11-23T20:04:45.123Z` for milliseconds since 1970; the bare number outside ``range``.
    public static func text(milliseconds: Int64) -> String {
        guard range.contains(milliseconds) else { return String(milliseconds) }
        let buffer = ByteBuffer(capacity: 64)
        var writer = buffer.makeWriter()
        writer.putDate(milliseconds)
        writer.finish()
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// The number of days from 1 January 1970 to a date of the proleptic Gregorian calendar.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date that is `days` after 1 January 1970; not for earlier dates.
    @inline(__always) static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }

    package static func daysInMonth(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The milliseconds since 1970 of `YYYY-MM-DDTHH:mm:ss[.fff…][Z|±HH[:]mm]`, where the year may also be `±YYYYYY`;
    /// nil for anything else.
    ///
    /// Fractions finer than a millisecond are refused unless they are zero: a date cannot hold them.
    public static func parse(_ text: UnsafeRawBufferPointer) -> Int64? { parseUsual(text) ?? parseAny(text) }

    /// Parses only the two forms that are usually written: `YYYY-MM-DDTHH:mm:ssZ` and `YYYY-MM-DDTHH:mm:ss.fffZ`.
    @inline(__always) static func parseUsual(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 20 || text.count == 24,
            let date = digits(of: text, at: 0, .date), let time = digits(of: text, at: 8, .time)
        else { return nil }
        let second: Int
        var milliseconds = 0
        if text.count == 20 {
            guard let end = digits(of: text, at: 12, .seconds) else { return nil }
            second = pair(end, 5)
        } else {
            guard let end = digits(of: text, at: 16, .milliseconds) else { return nil }
            second = pair(end, 1)
            milliseconds = pair(end, 4) * 10 + Int(truncatingIfNeeded: end >> 48 & 15)
        }
        return milliseconds1970(
            year: pair(date, 0) * 100 + pair(date, 2), month: pair(date, 5), day: pair(time, 0), hour: pair(time, 3),
            minute: pair(time, 6), second: second, milliseconds: milliseconds)
    }

    /// The pattern of eight characters of a date: digits and separators.
    private struct Form {
        /// The characters, the first in the lowest byte, with `0` for any digit.
        let characters: UInt64
        /// For each character, the summand that keeps its byte below 0x80 if the text matches. By then a digit's byte
        /// is its value, 0 to 9, and any other character's is 0 if it is the expected one.
        let margins: UInt64

        /// `0000-00-`
        static let date = Form(characters: 0x2D30_302D_3030_3030, margins: 0x7F76_767F_7676_7676)
        /// `00T00:00`
        static let time = Form(characters: 0x3030_3A30_3054_3030, margins: 0x7676_7F76_767F_7676)
        /// `0:00:00Z`
        static let seconds = Form(characters: 0x5A30_303A_3030_3A30, margins: 0x7F76_767F_7676_7F76)
        /// `:00.000Z`
        static let milliseconds = Form(characters: 0x5A30_3030_2E30_303A, margins: 0x7F76_7676_7F76_767F)
    }

    /// Eight characters at once, with each digit as its value; nil if they do not match the pattern.
    @inline(__always) private static func digits(
        of text: UnsafeRawBufferPointer, at offset: Int, _ form: Form
    ) -> UInt64? {
        let word = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian ^ form.characters
        return ((word &+ form.margins) | word) & WordScan.tops == 0 ? word : nil
    }

    /// The value of two digits, the first of which is at `place`.
    @inline(__always) private static func pair(_ digits: UInt64, _ place: Int) -> Int {
        Int(truncatingIfNeeded: (digits >> (8 * place) & 15) &* 10 &+ (digits >> (8 * place + 8) & 15))
    }

    /// Nil if there is no such time.
    @inline(__always) private static func milliseconds1970(
        year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, milliseconds: Int, offset: Int = 0
    ) -> Int64? {
        guard (1...12).contains(month), day >= 1, day <= daysInMonth(month, of: year), hour < 24, minute < 60,
            second < 60
        else { return nil }
        let minutes = (days(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offset
        return Int64(minutes) * 60_000 + Int64(second) * 1000 + Int64(milliseconds)
    }

    /// Parses every form.
    @inline(never) static func parseAny(_ text: UnsafeRawBufferPointer) -> Int64? {
        var reader = ISOReader(text)
        guard let year = reader.year(), reader.take(0x2D), let month = reader.digits(2), reader.take(0x2D),
            let day = reader.digits(2), reader.take(0x54), let hour = reader.digits(2), reader.take(0x3A),
            let minute = reader.digits(2), reader.take(0x3A), let second = reader.digits(2),
            let milliseconds = reader.take(0x2E) ? reader.fraction() : 0,
            let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        return milliseconds1970(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, milliseconds: milliseconds,
            offset: offset)
    }
}

extension ByteWriter {
    /// Writes a date in ``ISODate/range``, with milliseconds only if they are not zero. The caller has reserved 32
    /// bytes.
    @inline(__always) mutating func putDate(_ milliseconds: Int64) {
        let total = Int(milliseconds)
        let days = total / 86_400_000
        let ofDay = total - days * 86_400_000
        let (year, month, day) = ISODate.civil(days: days)
        put(twoDigits: year / 100)
        put(twoDigits: year % 100)
        put(0x2D)
        put(twoDigits: month)
        put(0x2D)
        put(twoDigits: day)
        put(0x54)
        let seconds = ofDay / 1000
        put(twoDigits: seconds / 3600)
        put(0x3A)
        put(twoDigits: seconds / 60 % 60)
        put(0x3A)
        put(twoDigits: seconds % 60)
        let fraction = ofDay % 1000
        if fraction != 0 {
            put(0x2E)
            put(0x30 &+ UInt8(truncatingIfNeeded: fraction / 100))
            put(twoDigits: fraction % 100)
        }
        put(0x5A)
    }

    @inline(__always) mutating func put(twoDigits number: Int) {
        put(0x30 &+ UInt8(truncatingIfNeeded: number / 10))
        put(0x30 &+ UInt8(truncatingIfNeeded: number % 10))
    }
}
