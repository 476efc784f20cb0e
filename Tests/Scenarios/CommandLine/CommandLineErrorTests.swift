import BSON
import Foundation
import MongoFerry
import Testing

/// What users see after a mistake: one clear message, the exit status that scripts rely on, and nothing half-written.
@Suite(.onThreadOfItsOwn("mistakes")) struct CommandLineErrorTests {
    /// `{db}` is a database with 20 customers, `{dir}` a folder with the files of ``files``.
    struct Mistake: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let arguments: [String]
        let status: Int32
        /// All of standard error, or only its beginning if the text ends with `…`.
        let text: String

        init(_ description: String, _ arguments: String, _ status: Int32, _ text: String) {
            testDescription = description
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.status = status
            self.text = text
        }
    }

    static let files = [
        "empty.csv": "",
        "header.csv": "collection,data\n",
        "crlf.csv": "# mongoferry backup, format 1\r\n",
        "sheet.csv": "# mongoferry backup, format 1\n\"# metadata {\"\"format\"\":1\",2\ncollection,data\n",
        "letter.txt": "Dear Sir or Madam,\nplease find enclosed\n",
        "customers.csv": "collection,data\ncustomers,\"{\"\"_id\"\":1}\"\n",
        "damaged.csv": "collection,data\ncustomers,\"{\"\"_id\"\":1}\"\ncustomers,\"{\"\"_id\"\":\"\n",
        "key.yaml": "collections:\n  customers:\n    refrences: {agent: users}\n",
        "target.yaml": "collections:\n  customers:\n    references: {agent: user}\n  users: {}\n",
        "syntax.yaml": "collections: [\n",
    ]

    private static let longName = String(repeating: "x", count: 247)

    static let mistakes = [
        Mistake(
            "an unknown command", "exprt --db {db}", 64,
            "mongoferry: there is no command 'exprt'\n  Did you mean 'export'?\n"),
        Mistake(
            "help for an unknown command", "help exprt", 64,
            "mongoferry: there is no command 'exprt'\n  Did you mean 'export'?\n"),
        Mistake(
            "an unknown option", "export --db {db} --outptu x", 64,
            """
            mongoferry: Unknown option '--outptu'. Did you mean '--output'?
            Usage: mongoferry export <options>
              See 'mongoferry export --help' for more information.

            """),
        Mistake(
            "an unknown mode", "import {dir}/customers.csv --db {db} --mode upsert", 64,
            "mongoferry: The value 'upsert' is invalid for '--mode <mode>'. Please provide one of 'merge', 'replace' or 'insert'…"
        ),
        Mistake(
            "flags that do not go together", "import {dir}/customers.csv --db {db} --in-place", 64,
            "mongoferry: --in-place goes with --mode replace\n…"),
        Mistake(
            "no database", "export", 64,
            "mongoferry: which database? Neither --db nor the connection string names one\n  Use --db NAME.\n"),
        Mistake(
            "no database for a file that names none", "import {dir}/customers.csv", 64,
            """
            mongoferry: which database? Neither --db nor the connection string nor the file names one
              Use --db NAME.

            """),
        Mistake(
            "a name that no database can have", "export --db a.b", 64,
            """
            mongoferry: 'a.b' cannot be a database's name
              A name has 1 to 63 bytes and none of / \\ . " $, blanks or control characters.

            """),
        Mistake(
            "the server's own database", "import {dir}/customers.csv --db admin", 64,
            "mongoferry: cannot import into the database 'admin': it is the server's own\n"),
        Mistake(
            "no URI", "export --db {db} --uri localhost:27017", 64,
            "mongoferry: the connection string: Invalid URI Schema, expecting 'mongodb://' or 'mongodb+srv://'\n"),
        Mistake(
            "a password with an @", "verify --db {db} --uri mongodb://amara:P@ssw0rd@127.0.0.1/", 64,
            "mongoferry: the connection string: the user name or the password has a character that must be "
                + "percent-encoded: % : / ? # [ ] @\n"),
        Mistake(
            "two URIs", "export --db {db} --uri mongodb://a --uri-file {dir}/letter.txt", 64,
            "mongoferry: use --uri or --uri-file, not both\n"),
        Mistake(
            "no such file with a URI", "export --db {db} --uri-file {dir}/uri.txt", 64,
            "mongoferry: {dir}/uri.txt: cannot open: No such file or directory\n"),
        Mistake(
            "a file without a URI", "export --db {db} --uri-file {dir}/empty.csv", 64,
            "mongoferry: {dir}/empty.csv: there is no connection string on the first line\n"),
        Mistake(
            "a file of something else than a URI", "export --db {db} --uri-file {dir}/letter.txt", 64,
            """
            mongoferry: {dir}/letter.txt: the first line is no connection string
              It begins with mongodb:// or mongodb+srv://, without quotes or the name of a variable.

            """),
        Mistake(
            "an unknown key in the configuration", "export --db {db} --config {dir}/key.yaml", 64,
            """
            mongoferry: {dir}/key.yaml, line 3: unknown key 'refrences' in collection 'customers'; expected references, \
            types or collection. Did you mean 'references'?

            """),
        Mistake(
            "an unknown target in the configuration", "import {dir}/customers.csv --db {db} --config {dir}/target.yaml",
            64, "mongoferry: {dir}/target.yaml, line 3: …"),
        Mistake(
            "a configuration that is no YAML", "export --db {db} --config {dir}/syntax.yaml", 64,
            "mongoferry: {dir}/syntax.yaml, line 2: not YAML: …"),
        Mistake(
            "no such configuration", "export --db {db} --config {dir}/nosuch.yaml", 64,
            "mongoferry: {dir}/nosuch.yaml: cannot open: No such file or directory\n"),
        Mistake(
            "a folder as configuration", "plan --db {db} --config {dir}", 64,
            "mongoferry: {dir}: cannot read: Is a directory\n"),
        Mistake(
            "a configuration without an end", "plan --db {db} --config /dev/zero", 64,
            "mongoferry: /dev/zero: the file has more than 16 MB: is it the right one?\n"),
        Mistake(
            "a file with a URI without an end", "plan --db {db} --uri-file /dev/zero", 64,
            "mongoferry: /dev/zero: the file has more than 1 MB: is it the right one?\n"),
        Mistake(
            "no such file", "import {dir}/nosuch.csv --db {db}", 1,
            "mongoferry: {dir}/nosuch.csv: cannot open: No such file or directory\n  Nothing was written.\n"),
        Mistake(
            "no CSV", "import {dir}/letter.txt --db {db}", 1,
            """
            mongoferry: {dir}/letter.txt, line 1: not a backup: 'Dear Sir or Madam,' is not the column header 'collection,data'
              Nothing was written.
              A backup is a CSV of two columns whose first row says collection,data.

            """),
        Mistake(
            "a backup for a configuration", "plan --db {db} --config {dir}/header.csv", 64,
            "mongoferry: {dir}/header.csv is a backup, and no configuration\n  A backup is named without --config.\n"),
        Mistake(
            "two databases", "import {dir}/letter.txt --db {db} --db other", 64,
            "mongoferry: --db is given twice, with different values\n  Leave one of them out.\n"),
        Mistake(
            "an empty file", "import {dir}/empty.csv --db {db}", 1,
            "mongoferry: {dir}/empty.csv: not a backup: the file is empty\n  Nothing was written.\n"),
        Mistake(
            "a file without rows", "import {dir}/header.csv --db {db}", 1,
            "mongoferry: {dir}/header.csv: nothing to import: the file has no rows\n  Nothing was written.\n"),
        Mistake(
            "inspecting no CSV", "inspect {dir}/letter.txt", 1,
            "mongoferry: {dir}/letter.txt, line 1: not a backup: …"),
        Mistake(
            "a damaged row", "import {dir}/damaged.csv --db {db}", 2,
            "line 3, customers: not a JSON document: …"),
        Mistake(
            "a file that is there already", "export --db {db} -o {dir}/letter.txt", 1,
            """
            mongoferry: {dir}/letter.txt: the file exists already
              Choose another name, or use --force to overwrite it.

            """),
        Mistake(
            "a folder that is not there", "export --db {db} -o {dir}/nosuch/all.csv", 1,
            "mongoferry: {dir}/nosuch/all.csv: there is no folder {dir}/nosuch\n  `mkdir -p {dir}/nosuch` makes it.\n"),
        Mistake(
            "a folder in the place of a file", "export --db {db} --force -o {dir}", 64,
            "mongoferry: {dir}: this is a folder, and a file is to be written\n  Add the file's name.\n"),
        Mistake(
            "a folder that is not there in the place of a file", "export --db {db} -o {dir}/all.csv/", 64,
            "mongoferry: {dir}/all.csv/: this is a folder, and a file is to be written\n  Add the file's name.\n"),
        Mistake(
            "the current folder in the place of a file", "export --db {db} -o .", 64,
            "mongoferry: .: this is a folder, and a file is to be written\n  Add the file's name.\n"),
        Mistake(
            "a name that is too long until the file is complete", "export --db {db} -o {dir}/\(longName)", 64,
            """
            mongoferry: {dir}/\(longName): the name has 247 bytes, and a backup's may have 246 there
              Choose a shorter one: until the file is complete, its name is .NAME.partial.

            """),
        Mistake(
            "replace with nobody to ask", "import {dir}/customers.csv --db {db} --mode replace", 64,
            """
            mongoferry: --mode replace asks for confirmation, but standard input is not a terminal: pass --yes
              Nothing was written. --dry-run shows what would happen.

            """),
        Mistake(
            "a report of no known kind", "export --db {db} -o {dir}/all.csv --report {dir}/report.txt", 64,
            """
            mongoferry: {dir}/report.txt: a report's name ends in .json or .html
              .json is for programs, .html for people. --report may be repeated.

            """),
        Mistake(
            "a report in a folder that is not there",
            "import {dir}/customers.csv --db {db} --report {dir}/nosuch/report.html", 1,
            "mongoferry: {dir}/nosuch/report.html: there is no folder {dir}/nosuch for the report\n  `mkdir -p {dir}/nosuch` makes it.\n"
        ),
        Mistake(
            "mongorestore's --drop", "import {dir}/customers.csv --db {db} --drop", 64,
            """
            mongoferry: Unknown option '--drop'
              What --drop does there, --mode replace does here.
            Usage: mongoferry import…
            """),
        Mistake(
            "mongodump's --host", "export --host localhost --db {db}", 64,
            """
            mongoferry: Unknown option '--host'
              Host, user and options stand in the connection string: --uri, or --uri-file, or $MONGODB_URI.
            Usage: mongoferry export…
            """),
        Mistake(
            "half a rename", "import {dir}/customers.csv --db {db} --rename customers", 64,
            "mongoferry: --rename must look like A=B: customers\n"),
        Mistake(
            "a rename that can be meant in two ways", "import {dir}/customers.csv --db {db} --rename a=b=c", 64,
            """
            mongoferry: --rename has more than one '=', and a name may have it, too: a=b=c
              The configuration can say it: collections: {NAME: {collection: NAME}}.

            """),
        Mistake(
            "two renames of one collection",
            "import {dir}/customers.csv --db {db} --rename customers=a --rename customers=b", 64,
            "mongoferry: --rename names 'customers' twice\n"),
        Mistake(
            "two names for one collection in a check",
            "verify {dir}/customers.csv --db {db} --rename customers=a --rename customers=b", 64,
            "mongoferry: --rename names 'customers' twice\n"),
        Mistake(
            "a report and a picture in one file", "verify --db {db} --report {dir}/q.json --graph {dir}/q.json", 64,
            """
            mongoferry: {dir}/q.json: two reports, or a report and a picture, would be written there
              Give each a name of its own.

            """),
        Mistake(
            "a rename of what is not in the file", "import {dir}/customers.csv --db {db} --rename customer=clients", 64,
            "mongoferry: --rename names 'customer', which is not in the file\n  Did you mean 'customers'?\n"),
        Mistake(
            "a collection that is not in the file", "import {dir}/customers.csv --db {db} --collection customer", 64,
            "mongoferry: there is no collection 'customer' in the file\n  Did you mean 'customers'?\n"),
        Mistake(
            "a collection that is not in the database", "export --db {db} -o {dir}/all.csv --collection customer", 64,
            "mongoferry: there is no collection 'customer' in {db}\n  Did you mean 'customers'?\n"),
        Mistake(
            "a query for what is not in the database", "export --db {db} -o {dir}/all.csv --query customer={}", 64,
            """
            mongoferry: --query names 'customer', which is not among the exported collections
              Did you mean 'customers'?

            """),
        Mistake(
            "another compression", "export --db {db} -o {dir}/all.csv.bz2", 64,
            """
            mongoferry: {dir}/all.csv.bz2: unsupported compression .bz2: use .gz or .zst
              Names that end in .gz and .zst are compressed, others are not. For more: -o - and a pipe.

            """),
        Mistake(
            "an archive", "export --db {db} -o {dir}/all.ZIP", 64,
            "mongoferry: {dir}/all.ZIP: unsupported compression .ZIP: use .gz or .zst\n…"),
        Mistake(
            "a picture of another kind", "verify --db {db} --graph {dir}/x.png", 64,
            "mongoferry: {dir}/x.png: a picture's name ends in .svg\n…"),
        Mistake(
            "a plan of a file and a database", "plan {dir}/customers.csv --db {db}", 64,
            "mongoferry: plan looks at a file or at a database: leave out the file, or --db\n…"),
        Mistake(
            "verifying standard input", "verify -", 64,
            """
            mongoferry: verify reads a file, not standard input
              Write it to a file first. `mongoferry import` reads from a pipe.

            """),
        Mistake(
            "inspecting standard input", "inspect -", 64, "mongoferry: inspect reads a file, not standard input\n…"),
        Mistake("a plan of standard input", "plan -", 64, "mongoferry: plan reads a file, not standard input\n…"),
        Mistake(
            "verifying what can be read only once", "verify /dev/null", 64,
            "mongoferry: /dev/null: verify reads a file, not a pipe or a device\n…"),
        Mistake(
            "nothing to verify", "verify", 64,
            "mongoferry: which database? Neither --db nor the connection string names one\n  Use --db NAME, or a FILE.\n"
        ),
        Mistake(
            "nothing to plan", "plan", 64,
            "mongoferry: which database? Neither --db nor the connection string names one\n  Use --db NAME, or a FILE.\n"
        ),
        Mistake(
            "a file with other line ends", "import {dir}/crlf.csv --db {db}", 2,
            """
            mongoferry: {dir}/crlf.csv, line 1: the line ends were changed to \\r\\n, as some transfers do; the seal cannot fit
              Nothing was written.
              `tr -d '\\r' < {dir}/crlf.csv > {dir}/crlf.mended.csv`, then `mongoferry verify {dir}/crlf.mended.csv`: where its seal fits, nothing was lost.

            """),
        Mistake(
            "a file that a spreadsheet saved", "import {dir}/sheet.csv --db {db}", 2,
            """
            mongoferry: {dir}/sheet.csv, line 2: the metadata are quoted: a spreadsheet has saved the file
              Nothing was written.
              The file is damaged. Take another copy of the backup. Where there is none, decompress a .gz (gzip -dc) or .zst (zstd -dc), delete all above \
            the line collection,data and the last line, unless that is a whole row, and import the rest with \
            --mode merge --no-legacy, first with --dry-run: what it calls new may need --rename FILE_NAME=DATABASE_NAME.

            """),
        Mistake(
            "a query without a collection", "export --db {db} -o {dir}/all.csv --query {}", 64,
            "mongoferry: --query must look like name={…}: {}\n"),
        Mistake(
            "a query that is no JSON", "export --db {db} -o {dir}/all.csv --query customers={", 64,
            "mongoferry: --query customers: not a JSON document: …"),
        Mistake(
            "a query that the server refuses",
            "export --db {db} -o {dir}/all.csv --query customers={\"a\":{\"$nosuch\":1}}", 1,
            "mongoferry: find on {db}.customers: unknown operator: $nosuch (BadValue, code 2)\n…"),
        Mistake(
            "two queries for one collection",
            "export --db {db} -o {dir}/all.csv --query customers={\"a\":1} --query customers={\"a\":2}", 64,
            "mongoferry: --query names 'customers' twice\n  One filter can say both: {\"$or\":[{…},{…}]}.\n"),
        Mistake(
            "a choice without a file", "verify --db {db} --collection nosuch", 64,
            "mongoferry: --collection, --exclude and --rename choose from a file, and none is named\n…"),
        Mistake(
            "an exclusion without a file", "verify --db {db} --exclude customers", 64,
            "mongoferry: --collection, --exclude and --rename choose from a file, and none is named\n…"),
        Mistake(
            "a rename without a file", "verify --db {db} --rename customers=clients", 64,
            "mongoferry: --collection, --exclude and --rename choose from a file, and none is named\n…"),
        Mistake(
            "a choice without a database", "verify {dir}/customers.csv --collection customers", 64,
            "mongoferry: --collection, --exclude and --rename choose what is held against a database, and none is named: use --db\n…"
        ),
        Mistake(
            "more threads than a machine can have", "export --db {db} -o {dir}/all.csv --jobs 4611686018427387904", 64,
            "mongoferry: --jobs must be from 1 to 256\n…"),
        Mistake(
            "more threads than are of use", "import {dir}/customers.csv --db {db} --jobs 257", 64,
            "mongoferry: --jobs must be from 1 to 256\n…"),
        Mistake(
            "no threads", "import {dir}/customers.csv --db {db} --jobs 0", 64,
            "mongoferry: --jobs must be from 1 to 256\n…"),
    ]

    @Test(arguments: mistakes)
    func aMistakeGivesOneClearMessageAndItsStatusAndChangesNothing(_ mistake: Mistake) throws {
        try withTestDatabase { database, folder in
            let customers: [Document] = (1...20).map { ["_id": .int32($0), "name": "Amara"] }
            try database.insert(customers, into: "customers")
            for (name, text) in Self.files { try folder.write(text, to: name) }
            func filled(_ text: String) -> String {
                text.replacing("{db}", with: database.name).replacing("{dir}", with: folder.path)
            }

            let outcome = try Program.run(
                mistake.arguments.map(filled), environment: ["MONGODB_URI": try testURI()])

            let expected = filled(mistake.text)
            if expected.hasSuffix("…") {
                #expect(outcome.errors.hasPrefix(expected.dropLast()), "\(outcome.errors)")
            } else {
                #expect(outcome.errors == expected)
            }
            #expect(outcome.status == mistake.status)
            #expect(try database.documents(in: "customers") == customers)
            #expect(try database.names() == ["customers"])
            #expect(try folder.names() == Self.files.keys.sorted(), "hidden files too")
            for (name, text) in Self.files { #expect(try folder.text(name) == text) }
        }
    }

    @Test func anEmptyNameIsNoFilesName() throws {
        let outcome = try Program.run(["export", "--db", "x", "-o", ""], environment: ["MONGODB_URI": try testURI()])
        #expect(outcome.status == 64)
        #expect(outcome.errors == "mongoferry: -o is empty: it takes a file's name\n  - is standard output.\n")
    }

    @Test func aLinkToNothingHasTheNameAlready() throws {
        try withTestDatabase { database, folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("all.csv"), withDestinationPath: folder.file("nosuch.csv"))
            // The database is not accessed: it does not even exist.
            let outcome = try Program.run(
                ["export", "--db", database.name, "-o", folder.file("all.csv")],
                environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.hasPrefix("mongoferry: \(folder.file("all.csv")): the file exists already\n"),
                "\(outcome.errors)")
            #expect(try folder.names() == ["all.csv"])
        }
    }

    @Test func aDatabaseThatIsNotThereIsNamedWithTheNearestOne() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let wrong = database.name + "x"
            for command in [["export", "-o", folder.file("all.csv")], ["verify"], ["plan"], ["discover"]] {
                let outcome = try Program.run(
                    command + ["--db", wrong], environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.hasPrefix(
                        "mongoferry: there is no database '\(wrong)' on the server, or it is empty"))
                #expect(outcome.errors.contains("Did you mean '\(database.name)'?"))
            }
            #expect(try folder.names() == [])
        }
    }

    @Test func aFileIsNotSentIntoADatabaseThatIsNotThere() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("all.csv"))
            let wrong = database.name + "x"
            let outcome = try Program.run(
                ["verify", folder.file("all.csv"), "--db", wrong], environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("warning: there is no database '\(wrong)' on the server, or it is empty. "))
            #expect(outcome.errors.contains(" Did you mean '\(database.name)'?\n"), "\(outcome.errors)")
            #expect(
                outcome.errors.hasSuffix(
                    "\n  Name a database that is there with --db. If \(wrong) is meant and is to be filled, `mongoferry import \(folder.file("all.csv")) --db \(wrong) --dry-run` counts what would be written.\n"
                ), "\(outcome.errors)")
        }
    }

    /// A copy of the file's own database may be wanted: whoever restores beside it must not be led to overwrite it.
    @Test func aPlanSaysThatTheDatabaseWillBeCreatedAndWhichIsSimilarUnlessTheFileIsOfThatOne() throws {
        try withTwoTestDatabases { database, other, folder in
            for database in [database, other] { try database.insert([["_id": 1]], into: "customers") }
            try database.export(to: folder.file("all.csv"))
            func plan(_ name: String) throws -> String {
                try Program.run(
                    ["import", folder.file("all.csv"), "--db", name, "--dry-run"],
                    environment: ["MONGODB_URI": try testURI()]
                ).errors
            }
            func created(_ name: String) -> String { "\n  there is no database \(name) yet: it will be created" }
            let (copy, wrong) = (database.name + "x", other.name + "x")
            let texts = (try plan(copy), try plan(wrong))
            #expect(texts.0.contains(created(copy) + "\n"), "\(texts.0)")
            #expect(texts.1.contains(created(wrong) + ". Did you mean '\(other.name)'?\n"), "\(texts.1)")
            #expect(try !plan(database.name).contains("there is no database"))
        }
    }

    @Test(arguments: [["--dry-run"], []]) func aNameThatDiffersInCaseOnlyIsRefusedBeforeTheServerDoes(more: [String])
        throws
    {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("all.csv"))
            let outcome = try Program.run(
                ["import", folder.file("all.csv"), "--db", database.name.uppercased()] + more,
                environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.hasSuffix(
                    "mongoferry: the server has '\(database.name)', and takes no second name that differs in case only\n  Nothing was written.\n  Use --db \(database.name).\n"
                ), "\(outcome.errors)")
        }
    }

    @Test func aConfigurationThatIsALinkToNothingIsNotTakenForNone() throws {
        try withTestDatabase { _, folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("mongoferry.yaml"), withDestinationPath: folder.file("nothing"))
            let script = "cd '\(folder.path)' && exec '\(try Program.path())' plan --db x"
            let outcome = try Program(["-c", script], executable: "/bin/sh").wait()
            #expect(outcome.status == 64 && outcome.errors.contains("mongoferry.yaml: cannot open"), "\(outcome.text)")
        }
    }
}
