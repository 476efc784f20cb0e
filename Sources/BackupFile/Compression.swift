import BSON

/// How a file is compressed. Writers go by the file's name, readers by its content.
public enum Compression: String, Sendable {
    case none, gzip, zstd

    public init(fileName: String) {
        let fileName = fileName.lowercased()
        if fileName.hasScalarSuffix(".gz") {
            self = .gzip
        } else if fileName.hasScalarSuffix(".zst") {
            self = .zstd
        } else {
            self = .none
        }
    }

    /// Detects the compression from a file's first four bytes: RFC 1952, RFC 8878.
    init(magic: some Collection<UInt8>) {
        if magic.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if magic.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) || Self.isSkippableFrame(magic) {
            self = .zstd
        } else {
            self = .none
        }
    }

    /// Whether it is one of zstd's skippable frames, which some writers put in front: 0x184D2A50 to 0x184D2A5F.
    private static func isSkippableFrame(_ magic: some Collection<UInt8>) -> Bool {
        magic.first.map { 0x50...0x5F ~= $0 } == true && magic.dropFirst().starts(with: [0x2A, 0x4D, 0x18])
    }
}
