import BSON
import Foundation
import Testing

@testable import BackupFile

@Suite struct PartialFileTests {
    /// The first export finishes between the second's opening and its locking of the partial file, which has become the
    /// backup by then.
    @Test func anExportThatEndsWhileAnotherBeginsKeepsItsBackup() throws {
        try SmallBackup.lend { backup in
            let path = backup.path("small.csv")
            var first: BackupWriter? = try BackupWriter(
                .file(path: path, overwriting: true), compression: .none, plain: false, metadata: SmallBackup.metadata)
            var finished: [UInt8]?
            let second = try PartialFile.open(for: path) {
                guard let writer = first else { return }
                try writer.finish(counts: SmallBackup.noRows)
                first = nil
                finished = try backup.bytes(of: "small.csv")
            }
            #expect(finished?.isEmpty == false)
            try Array("another's".utf8).withUnsafeBytes { try second.write($0, at: 0) }
            #expect(try backup.bytes(of: "small.csv") == finished)
            #expect(try backup.text(of: ".small.csv.partial") == "another's")
        }
    }

    /// A killed export may have left more than the next one writes.
    @Test func whatAKilledExportHasLeftIsNoPartOfTheNext() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array(repeating: UInt8(ascii: "x"), count: 100_000), ".small.csv.partial")
            try backup.write("small.csv")
            #expect(try backup.faults(of: "small.csv") == [])
        }
    }

    @Test func aLinkInItsPlaceIsNotFollowed() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("precious".utf8), "precious")
            try FileManager.default.createSymbolicLink(
                atPath: backup.path(".small.csv.partial"), withDestinationPath: backup.path("precious"))
            let error = #expect(throws: FileError.self) { try PartialFile.open(for: backup.path("small.csv")) }
            #expect(error?.advice?.hasPrefix("Remove \(backup.path(".small.csv.partial")): ") == true)
            #expect(try backup.text(of: "precious") == "precious")
        }
    }

    /// Whoever made that hard link could read the backup, or would lose the file that it links to.
    @Test func aFileThatHasAnotherNameTooIsNotWrittenTo() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("precious".utf8), "precious")
            try FileManager.default.linkItem(
                atPath: backup.path("precious"), toPath: backup.path(".small.csv.partial"))
            let file = try PartialFile.open(for: backup.path("small.csv"))
            try Array("mine".utf8).withUnsafeBytes { try file.write($0, at: 0) }
            #expect(try backup.text(of: "precious") == "precious")
            #expect(try backup.text(of: ".small.csv.partial") == "mine")
        }
    }

    @Test(.enabled("only root can give files away") { geteuid() == 0 })
    func aFileOfAnotherUserIsNotWrittenTo() throws {
        try SmallBackup.lend { backup in
            try backup.put([], ".small.csv.partial")
            let partial = backup.path(".small.csv.partial")
            try #require(chown(partial, 65534, 65534) == 0)
            let file = try PartialFile.open(for: backup.path("small.csv"))
            #expect(try file.status().st_uid == geteuid())
            #expect(try FileManager.default.attributesOfItem(atPath: partial)[.ownerAccountID] as? NSNumber == 0)
        }
    }

    /// On network drives and some mounts in containers, every file seems to belong to another user.
    @Test(.timeLimit(.minutes(1))) func whereEveryFileSeemsToBeAnothersItIsMadeAllTheSame() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("left by an export that was killed".utf8), ".small.csv.partial")
            let file = try PartialFile.open(for: backup.path("small.csv"), owner: geteuid() + 1)
            try Array("mine".utf8).withUnsafeBytes { try file.write($0, at: 0) }
            #expect(try backup.text(of: ".small.csv.partial") == "mine")
        }
    }
}
