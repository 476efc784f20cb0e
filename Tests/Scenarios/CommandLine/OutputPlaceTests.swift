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

    /// No string has its whole path, so that only relative ones lead there.
    @Test func filesAreWrittenInAWorkingFolderWhoseNameIsNotUTF8() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let program = try Program.path()
            func run(_ script: String) throws -> Program.Outcome {
                let words = ["-c", "cd \"$1/$(printf 'd\\377')\" && shift && " + script, "sh", folder.path, program]
                return try Program(
                    words + [database.name], executable: "/bin/sh", environment: ["MONGODB_URI": try testURI()]
                ).wait()
            }
            let made = try Program(
                ["-c", "mkdir -p \"$0/$(printf 'd\\377')/in\"", folder.path], executable: "/bin/sh"
            ).wait()
            #expect(made.status == 0, "\(made.text)")
            for command in [
                "export --db $2 -o z.csv", "export --db $2 -o in/z.csv", "export --db $2 -o ./z.csv.gz",
                "export --db $2", "discover --db $2 -o c.yaml", "discover --db $2 -o in/c.yaml",
                "verify z.csv --report r.json --report in/r.html",
                "verify --db $2 --report r.json --report ./r.html --graph g.svg", "verify --db $2 --graph in/g.svg",
            ] {
                let outcome = try run("exec \"$1\" \(command)")
                #expect(outcome.status == 0, "\(command): \(outcome.text)")
            }
            let usual = "\(database.name).csv"
            let files = [
                usual, "c.yaml", "g.svg", "in/c.yaml", "in/g.svg", "in/r.html", "in/z.csv", "r.html", "r.json", "z.csv",
                "z.csv.gz",
            ]
            #expect(
                try Set(run("find . -type f").output.split(separator: "\n").map { String($0.dropFirst(2)) })
                    == Set(files))
            // The advice is for the working folder, too.
            let advice = [
                ("export --db $2 -o none/z.csv", "none/z.csv: there is no folder none"),
                ("discover --db $2 -o none/z.yaml", "none/z.yaml: there is no folder none"),
                ("verify z.csv --report none/r.json", "none/r.json: there is no folder none for the report"),
            ]
            for (command, text) in advice {
                let outcome = try run("exec \"$1\" \(command)")
                #expect(
                    outcome.status == 1
                        && outcome.errors.contains("mongoferry: \(text)\n  `mkdir -p none` makes it.\n"),
                    "\(outcome.text)")
            }
            let link = try run(
                "ln -s in/z.yaml l && \"$1\" discover --db $2 --force -o l && test -h l && test -f in/z.yaml")
            #expect(link.status == 0, "\(link.text)")
            // Foundation cannot remove what no string names.
            _ = try run("cd .. && rm -r \"$(printf 'd\\377')\"")
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
