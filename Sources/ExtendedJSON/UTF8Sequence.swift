/// A character of more than one byte.
enum UTF8Sequence {
    /// The length of the well-formed sequence at `pointer`, 2 to 4 bytes; 0 if it is not well-formed.
    @inline(__always) static func length(at pointer: UnsafePointer<UInt8>, available: Int) -> Int {
        let first = pointer[0]
        guard available >= 2 else { return 0 }
        let second = pointer[1]
        if first < 0xE0 {
            return first >= 0xC2 && second & 0xC0 == 0x80 ? 2 : 0
        }
        guard available >= 3, pointer[2] & 0xC0 == 0x80 else { return 0 }
        if first < 0xF0 {
            let lowest: UInt8 = first == 0xE0 ? 0xA0 : 0x80
            let highest: UInt8 = first == 0xED ? 0x9F : 0xBF
            return second >= lowest && second <= highest ? 3 : 0
        }
        guard first <= 0xF4, available >= 4, pointer[3] & 0xC0 == 0x80 else { return 0 }
        let lowest: UInt8 = first == 0xF0 ? 0x90 : 0x80
        let highest: UInt8 = first == 0xF4 ? 0x8F : 0xBF
        return second >= lowest && second <= highest ? 4 : 0
    }
}
