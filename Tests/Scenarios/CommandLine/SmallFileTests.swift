import BSON
import Foundation
import MongoFerry
import Testing

/// Configurations and connection strings, in files as editors write them, and without a file.
@Suite struct SmallFileTests {
    @Test func aHyphenIsStandardOutputForDiscoverToo() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1]], into: "policies")
            let script = "cd '\(folder.path)' && \"$MONGOFERRY\" discover --db \(database.name) -o -"
            let outcome = try Program(
                ["-c", script], executable: "/bin/sh",
                environment: ["MONGODB_URI": try testURI(), "MONGOFERRY": try Program.path()]
            ).wait()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(outcome.output.contains("collections:\n"), "\(outcome.text)")
            #expect(try folder.names() == [])
        }
    }

    @Test func namesOfWhatIsLeftOutAreTold() throws {
        try withTestDatabase { database, folder in
            for name in ["a", "b, c", " d"] { try database.insert([["_id": 1]], into: name) }
            let outcome = try Program.run([
                "export", "--uri", try testURI(), "--db", database.name, "--collection", "a", "-o",
                folder.file("a.csv"),
            ])
            #expect(
                outcome.output.contains(#"left out: " d" (not asked for), "b, c" (not asked for)"#), "\(outcome.text)")
        }
    }

    @Test func aByteOrderMarkInASmallFileIsPassedOver() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1]], into: "policies")
            try folder.write("\u{FEFF}\(try testURI())\r\n", to: "uri.txt")
            try folder.write("\u{FEFF}exclude: [customers]\n", to: "c.yaml")
            let outcome = try Program.run([
                "export", "--uri-file", folder.file("uri.txt"), "--db", database.name, "--config",
                folder.file("c.yaml"), "-o", folder.file("all.csv"),
            ])
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(outcome.output.contains("left out: customers "), "\(outcome.text)")
        }
    }
}
