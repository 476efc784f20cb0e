import Foundation
import Testing

@testable import MongoFerryCLI

@Suite struct WholeFileTests {
    /// Otherwise a report would overwrite the backup.
    @Test func pathsThatWillLeadToOneFileAreKnownBeforeItIsThere() throws {
        let folder = NSTemporaryDirectory() + "mongoferry_same_\(UInt64.random(in: 0 ... .max))"
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder + "/real/deep", withIntermediateDirectories: true)
        defer { try? manager.removeItem(atPath: folder) }
        try manager.createSymbolicLink(atPath: folder + "/other", withDestinationPath: "real")
        try manager.createSymbolicLink(atPath: folder + "/real/link.json", withDestinationPath: "b.csv")
        try manager.createSymbolicLink(atPath: folder + "/far.json", withDestinationPath: folder + "/other/link.json")
        try manager.createSymbolicLink(atPath: folder + "/round", withDestinationPath: "round")
        let backup = folder + "/real/b.csv"
        let paths = ["/other/b.csv", "/real/link.json", "/other/link.json", "/far.json", "/real/deep/../b.csv"]
        for path in paths {
            #expect(WholeFile.isSame(folder + path, backup) && WholeFile.isSame(backup, folder + path), "\(path)")
        }
        for path in ["/real/c.csv", "/b.csv", "/real/deep/b.csv", "/round", "/none/b.csv", "/real"] {
            #expect(!WholeFile.isSame(folder + path, backup), "\(path)")
        }
        #expect(!WholeFile.isSame("", backup) && WholeFile.isSame("new.csv", "./new.csv"))
        try Data().write(to: URL(fileURLWithPath: backup))
        for path in paths { #expect(WholeFile.isSame(folder + path, backup), "\(path)") }
    }

    /// It may have been created while a database was examined for a configuration.
    @Test func aFileThatHasComeMeanwhileIsNotOverwritten() throws {
        let folder = NSTemporaryDirectory() + "mongoferry_whole_\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/mongoferry.yaml"
        try WholeFile.write("mine", to: path, overwriting: false)
        let error = #expect(throws: POSIXError.self) { try WholeFile.write("other", to: path, overwriting: false) }
        #expect(error?.code == .EEXIST)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        try WholeFile.write("new", to: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["mongoferry.yaml"])
    }
}
