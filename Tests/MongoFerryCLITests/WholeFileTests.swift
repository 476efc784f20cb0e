import Foundation
import Testing

@testable import MongoFerryCLI

@Suite struct WholeFileTests {
    /// As while a database was looked at for a configuration.
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
