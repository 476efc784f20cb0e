/// The name that an array's next element must have: "0", "1" and so on, as the bytes of a word.
struct ArrayIndex {
    private var digits: UInt64 = 0x30
    private(set) var length = 1
    private(set) var isPastFirst = false

    /// Whether the name at `pointer` is this index, including its terminator. Indexes of eight digits or more do not
    /// match: 16 MB cannot hold that many elements.
    @inline(__always) func matches(_ pointer: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard end - pointer > length, length < 8 else { return false }
        var rest = digits
        for index in 0..<length {
            if pointer[index] != UInt8(truncatingIfNeeded: rest) { return false }
            rest >>= 8
        }
        return pointer[length] == 0
    }

    @inline(__always) mutating func advance() {
        isPastFirst = true
        let last = UInt64(8 * (length - 1))
        digits &+= 1 << last
        if digits >> last == 0x3A { carry() }
    }

    @inline(never) private mutating func carry() {
        var position = length - 1
        while position >= 0, digits >> UInt64(8 * position) & 0xFF == 0x3A {
            digits &-= 10 << UInt64(8 * position)
            position -= 1
            if position >= 0 { digits &+= 1 << UInt64(8 * position) }
        }
        if position < 0 {
            digits = digits << 8 | 0x31
            length += 1
        }
    }
}
