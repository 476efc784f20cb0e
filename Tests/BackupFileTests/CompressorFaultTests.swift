import CZlib
import CZstd
import MongoFerry
import Testing

@testable import BackupFile

/// What a compression library cannot do is distinguished from what is wrong with a file.
@Suite struct CompressorFaultTests {
    private static let damaged: [BackupError] = [
        GzipSource.fault(Z_DATA_ERROR, "invalid distance code", "x.gz"), GzipSource.fault(Z_NEED_DICT, nil, "x.gz"),
        ZstdSource.fault(ZSTD_error_corruption_detected, "x.zst"), ZstdSource.fault(ZSTD_error_checksum_wrong, "x.zst"),
    ]

    private static let unavailable: [BackupError] = [
        GzipSource.fault(Z_MEM_ERROR, nil, "x.gz"), GzipSource.fault(Z_STREAM_ERROR, nil, "x.gz"),
        ZstdSource.fault(ZSTD_error_memory_allocation, "x.zst"), .unavailable("x.gz", "zlib cannot be started"),
    ]

    @Test func damageIsAFaultOfTheData() {
        for error in Self.damaged {
            #expect(error.kind == .damaged && error.isAboutContent && error.advice == BackupError.otherCopy)
            #expect(FerryError(explaining: error).kind == .data)
        }
    }

    /// Another copy of the backup would not help.
    @Test func wantOfMemoryIsNot() {
        for error in Self.unavailable {
            #expect(error.kind == .unavailable && !error.isAboutContent)
            #expect(error.advice == "Free some memory and try again.")
            #expect(FerryError(explaining: error).kind == .failed)
        }
    }

    /// A frame like those of `zstd --long=27`.
    @Test func aZstdWindowThatIsTooLargeIsNoDamage() throws {
        try SmallBackup.lend { backup in
            // The magic number, a frame without its content size, and a window of 2^27 bytes: see RFC 8878, section
            // 3.1.1.
            try backup.put([0x28, 0xB5, 0x2F, 0xFD, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00], "long.csv.zst")
            let error = #expect(throws: BackupError.self) {
                try BackupReader(try OpenFile(reading: backup.path("long.csv.zst")))
            }
            #expect(error?.kind == .tooLarge)
            #expect(error?.reason == "it takes more memory to decompress than is allowed, for a window of over 32 MB")
            #expect(error?.advice == "`zstd -dc --long=31 < FILE | zstd > NEW` makes one that can be read.")
        }
    }
}
