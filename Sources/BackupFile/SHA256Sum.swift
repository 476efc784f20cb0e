import BSON

#if canImport(CryptoKit)
    import CryptoKit
#else
    import CLibCrypto

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif
#endif

/// Computes the SHA-256 of consecutive bytes (FIPS 180-4) with the system's implementation; on Linux, with OpenSSL's,
/// which libmongoc needs for TLS. Belongs to one thread.
final class SHA256Sum {
    private let path: String
    #if canImport(CryptoKit)
        private var state = SHA256()

        /// - Parameter path: the file that the bytes belong to, for errors.
        init(of path: String) throws(FileError) { self.path = path }

        func update(_ bytes: UnsafeRawBufferPointer) throws(FileError) { state.update(bufferPointer: bytes) }

        /// Returns the digest in hexadecimal. Nothing can be added afterwards.
        func finish() throws(FileError) -> String { Self.hexadecimal(state.finalize()) }
    #else
        private let state: OpaquePointer
        private static let byteCount = 32

        /// - Parameter path: the file that the bytes belong to, for errors.
        /// - Throws: ``FileError`` if memory is short, or the system's OpenSSL policy forbids SHA-256.
        init(of path: String) throws(FileError) {
            self.path = path
            guard let state = EVP_MD_CTX_new() else { throw FileError(Self.operation, path, code: ENOMEM) }
            self.state = state
            try check(EVP_DigestInit_ex(state, EVP_sha256(), nil))
        }

        deinit { EVP_MD_CTX_free(state) }

        func update(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
            try check(EVP_DigestUpdate(state, bytes.baseAddress, bytes.count))
        }

        /// Returns the digest in hexadecimal. Nothing can be added afterwards.
        func finish() throws(FileError) -> String {
            var sum = [UInt8](repeating: 0, count: Self.byteCount)
            try check(EVP_DigestFinal_ex(state, &sum, nil))
            return Self.hexadecimal(sum)
        }

        private static let operation = "compute the SHA-256"

        private func check(_ result: Int32) throws(FileError) {
            guard result == 1 else { throw FileError(Self.operation, path, code: ENOTSUP) }
        }
    #endif

    /// Adds what a source gives.
    /// - Parameters:
    ///   - limit: the most bytes to take.
    ///   - check: called before each piece; an error that it throws stops the reading.
    /// - Returns: the number of bytes that were added.
    /// - Throws: ``FileError``, ``BackupError``; whatever `check` throws.
    func update(from source: any ByteSource, upTo limit: Int = .max, _ check: () throws -> Void) throws -> Int {
        let buffer = ByteBuffer(capacity: 1 << 20)
        var count = 0
        while count < limit {
            try check()
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer.storage.prefix(limit - count))
            let read = try source.read(into: room)
            guard read > 0 else { break }
            try update(UnsafeRawBufferPointer(rebasing: room[..<read]))
            count += read
        }
        return count
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.reduce(into: "") { $0 += String($1 >> 4, radix: 16) + String($1 & 15, radix: 16) }
    }
}
