import BSON

/// Base64 with padding (RFC 4648, section 4), directly between buffers.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let padding: UInt8 = 0x3D

    static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Encodes bytes as a string.
    package static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let buffer = ByteBuffer(capacity: encodedCount(bytes.count) + 8)
        var out = buffer.makeWriter()
        encode(bytes, into: &out)
        out.finish()
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// Decodes a text; nil if it is not padded base64.
    package static func bytes(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        let buffer = ByteBuffer(capacity: text.count)
        var out = buffer.makeWriter()
        guard decode(text, into: &out) else { return nil }
        out.finish()
        return Array(buffer.bytes)
    }

    // MARK: Encoding

    /// The two characters for every 12-bit value, the first in the lower byte.
    private static let pairs: [UInt16] = (0..<4096).map { bits in
        UInt16(alphabet.utf8Start[bits >> 6]) | UInt16(alphabet.utf8Start[bits & 63]) << 8
    }

    /// Encodes `bytes`; the caller has reserved ``encodedCount(_:)``.
    static func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        var next = UnsafeMutableRawPointer(out.next)
        pairs.withUnsafeBufferPointer { pairs in
            var index = 0
            // Reads eight bytes and encodes six of them as eight characters.
            while index + 8 <= bytes.count {
                let word = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let low = UInt64(pairs[Int(word >> 52)]) | UInt64(pairs[Int(word >> 40 & 0xFFF)]) << 16
                let high = UInt64(pairs[Int(word >> 28 & 0xFFF)]) | UInt64(pairs[Int(word >> 16 & 0xFFF)]) << 16
                next.storeBytes(of: (low | high << 32).littleEndian, as: UInt64.self)
                next += 8
                index += 6
            }
            while index < bytes.count {
                let count = min(bytes.count - index, 3)
                let group =
                    Int(bytes[index]) << 16 | (count > 1 ? Int(bytes[index + 1]) << 8 : 0)
                    | (count > 2 ? Int(bytes[index + 2]) : 0)
                let characters = UInt32(pairs[group >> 12]) | UInt32(pairs[group & 0xFFF]) << 16
                next.storeBytes(of: characters.littleEndian, as: UInt32.self)
                next += 4
                index += 3
                for place in 0..<3 - count { next.storeBytes(of: padding, toByteOffset: -1 - place, as: UInt8.self) }
            }
        }
        out.next = next.assumingMemoryBound(to: UInt8.self)
    }

    // MARK: Decoding

    /// For each of the four places in a group, the bits that each character stands for, where the group's three bytes
    /// have them, the first byte lowest. 256 words per place.
    private static let bits: [UInt32] = {
        var bits = [UInt32](repeating: fault, count: 4 * 256)
        for value in 0..<UInt32(64) {
            let character = Int(alphabet.utf8Start[Int(value)])
            bits[character] = value << 2
            bits[256 + character] = value >> 4 | (value & 15) << 12
            bits[512 + character] = (value >> 2) << 8 | (value & 3) << 22
            bits[768 + character] = value << 16
        }
        return bits
    }()

    /// A bit above the three bytes: the character is not in the alphabet.
    private static let fault: UInt32 = 1 << 24

    /// Decodes `text`; returns false if it is not padded base64. Reserves the room that it needs.
    static func decode(_ text: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard text.count % 4 == 0 else { return false }
        if text.isEmpty { return true }
        var padded: UInt32 = 0
        if text[text.count - 1] == padding { padded = text[text.count - 2] == padding ? 2 : 1 }
        // A group is stored as four bytes, two groups as eight, of which three and six count.
        out.reserve(text.count / 4 * 3 + 2)
        var next = UnsafeMutableRawPointer(out.next)
        defer { out.next = next.assumingMemoryBound(to: UInt8.self) }
        return bits.withUnsafeBufferPointer { bits in
            @inline(__always) func group(_ characters: UInt32) -> UInt32 {
                bits[Int(characters & 0xFF)] | bits[256 + Int(characters >> 8 & 0xFF)]
                    | bits[512 + Int(characters >> 16 & 0xFF)] | bits[768 + Int(characters >> 24)]
            }
            let whole = padded > 0 ? text.count - 4 : text.count
            var seen: UInt32 = 0
            var index = 0
            while index + 8 <= whole {
                let characters = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let first = group(UInt32(truncatingIfNeeded: characters))
                let second = group(UInt32(truncatingIfNeeded: characters >> 32))
                seen |= first | second
                next.storeBytes(of: (UInt64(first) | UInt64(second) << 24).littleEndian, as: UInt64.self)
                next += 6
                index += 8
            }
            guard seen < fault else { return false }
            while index < text.count {
                var characters = UInt32(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt32.self))
                var count: UInt32 = 3
                if index == whole {
                    count -= padded
                    // Replaces the padding by "A", which has no bits.
                    let shift = 8 * (4 - padded)
                    characters = characters & (1 << shift - 1) | 0x4141_4141 << shift
                }
                let value = group(characters)
                // A fault, or bits beyond the last byte.
                guard value >> (8 * count) == 0 else { return false }
                next.storeBytes(of: value.littleEndian, as: UInt32.self)
                next += Int(count)
                index += 4
            }
            return true
        }
    }
}
