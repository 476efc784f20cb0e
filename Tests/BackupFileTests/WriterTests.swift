import BSON
import Foundation
import Testing

@testable import BackupFile

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct WriterTests {
    @Test func aFileIsForItsOwnerAloneWhateverTheUmask() throws {
        try SmallBackup.lend { backup in
            for name in ["small.csv", "small.csv.gz"] {
                try backup.write(name)
                let mode = try FileManager.default.attributesOfItem(atPath: backup.path(name))[.posixPermissions]
                #expect(mode as? Int == 0o600)
            }
        }
    }

    @Test func theSealIsWhatSha256sumSaysOfTheOtherLines() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let start = try #require(bytes.dropLast().lastIndex(of: 0x0A)) + 1
            try backup.put(Array(bytes[..<start]), "rest")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["sha256sum", backup.path("rest")]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            // The end of the output is the end of the process, too; Foundation can wait for that forever.
            let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64)
            let seal = try #require(try SealFinder.find(in: try OpenFile(reading: backup.path("small.csv"))))
            #expect(seal.sha256 == said)
        }
    }

    @Test func metadataThatNoReaderTakesAreNotWritten() throws {
        try SmallBackup.lend { backup in
            var metadata = SmallBackup.metadata
            metadata.collections[0].options = ["validator": ["text": .string(String(repeating: "x", count: 32 << 20))]]
            let error = #expect(throws: BackupError.self) { try backup.write("small.csv.zst", metadata: metadata) }
            #expect(error?.kind == .tooLarge && error?.reason.contains("the metadata take") == true)
            let left = try FileManager.default.contentsOfDirectory(atPath: backup.folder)
            #expect(left == [])
        }
    }

    /// A seal that says none would make the loss of all of its rows pass for sound.
    @Test func aCollectionWhoseRowsWereNotCountedHasNoSeal() throws {
        try SmallBackup.lend { backup in
            let writer = try BackupWriter(
                .file(path: backup.path("small.csv"), overwriting: false), compression: .none, plain: false,
                metadata: SmallBackup.metadata)
            for row in SmallBackup.customers + SmallBackup.policies {
                try Array((row + "\n").utf8).withUnsafeBytes { try writer.write(rows: $0) }
            }
            let error = #expect(throws: BackupError.self) {
                try writer.finish(counts: ["customers": 2, "receipts": 0])
            }
            #expect(error?.reason.hasSuffix("how many rows of policies it has") == true, "\(error?.reason ?? "")")
            writer.abandon()
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == [])
        }
    }

    /// The header is corrected in place: it has room for every count that a reader takes.
    @Test func theLargestCountHasRoomInTheHeader() throws {
        try SmallBackup.lend { backup in
            for count in [99_999_999_999, 100_000_000_000, 999_999_999_999] {
                let writer = try BackupWriter(
                    .file(path: backup.path("small.csv"), overwriting: true), compression: .none, plain: false,
                    metadata: SmallBackup.metadata)
                try writer.finish(counts: ["customers": count, "policies": count, "receipts": count])
                let text = try backup.text(of: "small.csv")
                #expect(
                    text.contains("# records \(3 * count): customers \(count), policies \(count), receipts \(count)\n"))
            }
        }
    }

    @Test func nothingStandsUnderTheNameBeforeTheEndOrAfterGivingUp() throws {
        try SmallBackup.lend { backup in
            let path = backup.path("small.csv")
            let writer = try BackupWriter(
                .file(path: path, overwriting: false), compression: .none, plain: false,
                metadata: SmallBackup.metadata)
            #expect(!FileManager.default.fileExists(atPath: path))
            writer.abandon()
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == [])
        }
    }

    /// The file has its final name by then.
    @Test func aFolderThatCannotBeFlushedIsToldOfAWholeFile() throws {
        struct DiskIsGone: Error {}
        try SmallBackup.lend { backup in
            let path = backup.path("small.csv")
            var flushed: [String] = []
            let writer = try BackupWriter(
                .file(path: path, overwriting: false), .none, plain: false, SmallBackup.metadata
            ) { file in
                flushed.append(file.path)
                if file.path.hasSuffix("/") { throw DiskIsGone() }
            }
            for row in SmallBackup.customers + SmallBackup.policies {
                try Array((row + "\n").utf8).withUnsafeBytes { try writer.write(rows: $0) }
            }
            try writer.finish(counts: ["customers": 2, "policies": 2, "receipts": 0])
            #expect(writer.folderFault is DiskIsGone)
            #expect(flushed.count == 2 && flushed.last == backup.folder + "/")
            #expect(try backup.faults(of: "small.csv") == [])
            let sound = try BackupWriter(
                .file(path: path, overwriting: true), compression: .none, plain: false, metadata: SmallBackup.metadata)
            try sound.finish(counts: SmallBackup.noRows)
            #expect(sound.folderFault == nil)
        }
    }

    @Test func anExistingFileStaysWhenAnotherIsGivenUp() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("precious".utf8), "small.csv")
            let path = backup.path("small.csv")
            let error = #expect(throws: BackupError.self) {
                try BackupWriter(
                    .file(path: path, overwriting: false), compression: .none, plain: false,
                    metadata: SmallBackup.metadata)
            }
            #expect(error?.kind == .exists)
            let writer = try BackupWriter(
                .file(path: path, overwriting: true), compression: .none, plain: false, metadata: SmallBackup.metadata)
            writer.abandon()
            #expect(try backup.text(of: "small.csv") == "precious")
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == ["small.csv"])
        }
    }

    /// Otherwise, after a power failure, the name would lead to a file that is not on the disk.
    @Test(arguments: [false, true]) func whatTheDiskHasNotTakenGetsNoName(overwriting: Bool) throws {
        struct NoRoom: Error {}
        try SmallBackup.lend { backup in
            if overwriting { try backup.put(Array("precious".utf8), "small.csv") }
            let writer = try BackupWriter(
                .file(path: backup.path("small.csv"), overwriting: overwriting), .none, plain: false,
                SmallBackup.metadata
            ) { _ in throw NoRoom() }
            #expect(throws: NoRoom.self) { try writer.finish(counts: SmallBackup.noRows) }
            writer.abandon()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: backup.folder)
                    == (overwriting ? ["small.csv"] : []))
            if overwriting { #expect(try backup.text(of: "small.csv") == "precious") }
        }
    }

    /// Somebody may have made the link to keep the file on another disk.
    @Test func whatASymbolicLinkLeadsToIsOverwrittenAndNotTheLink() throws {
        try SmallBackup.lend { backup in
            let manager = FileManager.default
            try manager.createDirectory(atPath: backup.path("disk"), withIntermediateDirectories: true)
            try backup.put(Array("old".utf8), "disk/real.csv")
            try manager.createSymbolicLink(atPath: backup.path("small.csv"), withDestinationPath: "disk/real.csv")
            let written = try backup.write("small.csv")
            #expect(try manager.destinationOfSymbolicLink(atPath: backup.path("small.csv")) == "disk/real.csv")
            #expect(try backup.bytes(of: "disk/real.csv") == written)
            #expect(try manager.contentsOfDirectory(atPath: backup.path("disk")) == ["real.csv"])
            // A dangling link is replaced.
            try manager.removeItem(atPath: backup.path("disk/real.csv"))
            try backup.write("small.csv")
            #expect(
                try manager.attributesOfItem(atPath: backup.path("small.csv"))[.type] as? FileAttributeType
                    == .typeRegular)
        }
    }

    @Test func aFileThatTakesTheNameMeanwhileIsNotReplaced() throws {
        try SmallBackup.lend { backup in
            let writer = try BackupWriter(
                .file(path: backup.path("small.csv"), overwriting: false), compression: .none, plain: false,
                metadata: SmallBackup.metadata)
            try backup.put(Array("precious".utf8), "small.csv")
            let error = #expect(throws: BackupError.self) { try writer.finish(counts: SmallBackup.noRows) }
            #expect(error?.kind == .exists)
            writer.abandon()
            #expect(try backup.text(of: "small.csv") == "precious")
        }
    }

    /// Somebody may have taken the unfinished file for a leftover. What is in its place then belongs to another export.
    @Test(arguments: [false, true]) func whatHasTakenTheUnfinishedFilesPlaceIsNotPublished(overwriting: Bool) throws {
        try SmallBackup.lend { backup in
            func begin() throws -> BackupWriter {
                try BackupWriter(
                    .file(path: backup.path("small.csv"), overwriting: overwriting), compression: .none, plain: false,
                    metadata: SmallBackup.metadata)
            }
            let first = try begin()
            let partial = ".small.csv.partial"
            try FileManager.default.removeItem(atPath: backup.path(partial))
            let second = try begin()
            let error = #expect(throws: BackupError.self) { try first.finish(counts: SmallBackup.noRows) }
            #expect(
                error?.reason.hasSuffix("has removed or replaced \(backup.path(partial)) while it was written") == true)
            first.abandon()
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == [partial])
            try second.finish(counts: SmallBackup.noRows)
            #expect(try backup.faults(of: "small.csv") == [])
            // Also if nothing is in its place.
            let third = try BackupWriter(
                .file(path: backup.path("third.csv"), overwriting: overwriting), compression: .none, plain: false,
                metadata: SmallBackup.metadata)
            try FileManager.default.removeItem(atPath: backup.path(".third.csv.partial"))
            #expect(throws: BackupError.self) { try third.finish(counts: SmallBackup.noRows) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == ["small.csv"])
        }
    }

    /// To the system, a zero byte ends a path.
    @Test(arguments: ["small.csv\u{0}x", ""]) func aPathThatTheSystemWouldReadOtherwiseIsAnError(name: String) throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let path = name.isEmpty ? "" : backup.path(name)
            #expect(throws: FileError.self) { try OpenFile(reading: path) }
            #expect(throws: FileError.self) {
                try BackupWriter(
                    .file(path: path, overwriting: true), compression: .none, plain: false,
                    metadata: SmallBackup.metadata)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == ["small.csv"])
        }
    }

    @Test func twoExportsToOneNameDoNotMix() throws {
        try SmallBackup.lend { backup in
            let destination = BackupWriter.Destination.file(path: backup.path("small.csv"), overwriting: true)
            let first = try BackupWriter(
                destination, compression: .none, plain: false, metadata: SmallBackup.metadata)
            let error = #expect(throws: BackupError.self) {
                try BackupWriter(destination, compression: .none, plain: false, metadata: SmallBackup.metadata)
            }
            #expect(error?.kind == .busy && error?.reason == "another export is writing this file now")
            #expect(error?.advice == "Wait until it has ended, or choose another name.")
            try first.finish(counts: SmallBackup.noRows)
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == ["small.csv"])
        }
    }

    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst"])
    func countsThatWereForetoldWronglyAreMendedAtTheTop(name: String) throws {
        try SmallBackup.lend { backup in
            var metadata = SmallBackup.metadata
            metadata.collections[0].records = 12_345
            metadata.collections[2].records = 1
            try backup.write(name, metadata: metadata)
            #expect(try backup.faults(of: name) == [])
            let reader = try BackupReader(try OpenFile(reading: backup.path(name)))
            #expect(reader.metadata?.collections.map(\.records) == [2, 2, 0])
        }
    }

    @Test(arguments: ["small.csv", "small.csv.zst"])
    func countsThatHaveNoRoomAtTheTopAreAnErrorAndLeaveNoFile(name: String) throws {
        try SmallBackup.lend { backup in
            let writer = try BackupWriter(
                .file(path: backup.path(name), overwriting: false), compression: Compression(fileName: name),
                plain: false, metadata: SmallBackup.metadata)
            let counts = Dictionary(
                uniqueKeysWithValues: SmallBackup.metadata.collections.map { ($0.name, 1_000_000_000_000) })
            let error = #expect(throws: BackupError.self) { try writer.finish(counts: counts) }
            #expect(error?.kind == .unavailable)
            #expect(error?.advice == "Export the collections in several files, with --collection.")
            #expect(error?.reason == "the counts need more digits than the header has room for")
            writer.abandon()
            #expect(try FileManager.default.contentsOfDirectory(atPath: backup.folder) == [])
        }
    }

    @Test func aFullDiskIsAnErrorThatSaysSo() throws {
        let full = try OpenFile(path: "/dev/full", flags: O_WRONLY)
        let error = #expect(throws: FileError.self) {
            try BackupWriter(
                .descriptor(full), compression: .none, plain: false, metadata: SmallBackup.metadata)
        }
        #expect(
            error?.description
                == "/dev/full: cannot write: No space left on device\n  The disk is full: free some room or write elsewhere."
        )
    }

    @Test func aFolderAndAMissingFileAreErrorsWithTheirNames() throws {
        try SmallBackup.lend { backup in
            #expect(throws: FileError.self) { try OpenFile(reading: backup.folder) }
            let error = #expect(throws: FileError.self) { try OpenFile(reading: backup.path("missing.csv")) }
            #expect(error?.description == "\(backup.path("missing.csv")): cannot open: No such file or directory")
        }
    }
}
