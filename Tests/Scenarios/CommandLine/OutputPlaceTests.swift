import Foundation
import MongoFerry
import Testing

/// What already exists where a command is to write.
@Suite struct OutputPlaceTests {
    /// A configuration is written to where its path leads: to a link's target, which keeps its mode, and into a pipe.
    @Test func aConfigurationIsWrittenThroughALinkAndIntoAPipe() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let uri = try testURI()
            let discover = ["discover", "--uri", uri, "--db", database.name, "--force", "-o"]
            let (place, link, pipe) = (folder.file("place.yaml"), folder.file("link.yaml"), folder.file("pipe"))
            try "old".write(toFile: place, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: place)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: place)
            let linked = try Program.run(discover + [link])
            #expect(linked.status == 0, "\(linked.text)")
            #expect(try folder.text("place.yaml").contains("  customers:"))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == place)
            let mode = try FileManager.default.attributesOfItem(atPath: place)[.posixPermissions] as? Int
            #expect(mode == 0o640)
            try #require(mkfifo(pipe, 0o600) == 0)
            let program = try Program(discover + [pipe])
            let reader = try #require(FileHandle(forReadingAtPath: pipe))
            let read = String(decoding: try reader.readToEnd() ?? Data(), as: UTF8.self)
            #expect(try program.wait(seconds: 30).status == 0)
            #expect(read.contains("  customers:"))
        }
    }

    @Test func noCommandWritesOverItsOwnFiles() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let configuration = folder.file("ferry.yaml")
            let address = folder.file("uri.txt")
            try "collections: {}\n".write(toFile: configuration, atomically: true, encoding: .utf8)
            try testURI().write(toFile: address, atomically: true, encoding: .utf8)
            let own = ["--uri-file", address, "--db", database.name, "--config", configuration, "--force", "-o"]
            for (command, path, name) in [
                ("export", configuration, "the configuration"), ("export", address, "the connection string's file"),
                ("discover", address, "the connection string's file"),
            ] {
                let outcome = try Program.run([command] + own + [path])
                #expect(outcome.status == 64)
                #expect(
                    outcome.errors
                        == "mongoferry: \(path): this is \(name), which would be overwritten\n  Choose another name.\n")
            }
            #expect(try folder.text("ferry.yaml") == "collections: {}\n")
            #expect(try folder.text("uri.txt") == testURI())
            // A newly discovered configuration may replace the current one.
            let anew = try Program.run(["discover"] + own + [configuration])
            #expect(anew.status == 0, "\(anew.text)")
            #expect(try folder.text("ferry.yaml").contains("  customers:"))
        }
    }

    @Test func aPipesContentIsCountedAsItIs() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let pipe = folder.file("pipe")
            try #require(mkfifo(pipe, 0o600) == 0)
            let program = try Program(["export", "--uri", testURI(), "--db", database.name, "-o", pipe])
            let reader = try #require(FileHandle(forReadingAtPath: pipe))
            let bytes = try #require(try reader.readToEnd()).count
            let outcome = try program.wait(seconds: 30)
            #expect(outcome.output.contains("\(pipe): 1 record, \(ByteText.text(bytes)), from "), "\(outcome.text)")
        }
    }

    /// Lines broken for a narrow terminal would be invalid YAML when copied from it.
    @Test func whatATerminalShowsOfAConfigurationIsOne() throws {
        try withTestDatabase { database, _ in
            let name = String(repeating: "long", count: 20)
            try database.insert([["_id": 1, "at": .date(0)]], into: name)
            let terminal = try PseudoTerminal(
                ["discover", "--db", database.name], environment: ["MONGODB_URI": try testURI()], columns: 40)
            #expect(try terminal.wait() == 0)
            #expect(terminal.text.contains("  \(name):  # 1 document\r\n"), "\(terminal.text)")
            #expect(terminal.text.contains("      at: date  # 1 sampled value\r\n"), "\(terminal.text)")
        }
    }
}
