import BSON
import BackupFile
import ExtendedJSON
import Foundation
import Testing

/// Files that other programs wrote, or that somebody took for a backup: the error says what they are.
@Suite struct WrongFileTests {
    private func error(_ bytes: some Sequence<UInt8>) throws -> String {
        var text = ""
        try SmallBackup.lend { backup in
            try backup.put(Array(bytes), "x.csv")
            let error = #expect(throws: BackupError.self) {
                let reader = try BackupReader(try OpenFile(reading: backup.path("x.csv")))
                let batch = RecordBatch()
                while try reader.nextBatch(into: batch) {}
            }
            text = "\(error?.reason ?? "") \(error?.advice ?? "")"
        }
        return text
    }

    @Test(arguments: [
        ("collection;data\na;{}\n", "The columns are separated by semicolons"),
        ("\"collection\"\t\"data\"\n", "The columns are separated by tabs"),
        ("COLLECTION,Data\n", "Write it in small letters."),
        ("data,collection\n", "in the other order"),
        ("collection,data,,\n", "Empty columns were added"),
        ("\"collection\",\"data\",\"\"\n", "Empty columns were added"),
        ("{\"_id\":1}\n", "This looks like JSON, as mongoexport writes it"),
        ("[{\"_id\":1}]\n", "This looks like JSON, as mongoexport writes it"),
        ("\"# mongoferry backup\",\" format 1\",\"\"\n", "the metadata are quoted: a spreadsheet has saved the file"),
        (
            "collection,data\na,\"{\"\"_id\"\":1}\"\n# seal {\"rows\":1}\n",
            "the seal of a backup whose first lines are gone"
        ),
        ("collection,data\n# a note\n", "delete the line, or quote the field"),
    ])
    func whatAFileIsInsteadIsSaid(content: String, text: String) throws {
        let error = try error(content.utf8)
        #expect(error.contains(text), "\(error)")
    }

    @Test func filesOfMongodumpAndSpreadsheetsAreRecognised() throws {
        let document: Document = ["_id": 1, "a": "b"]
        #expect(try error(document.bytes + document.bytes).contains("is BSON, as mongodump writes it"))
        let header: [UInt8] = [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 26)
        #expect(
            try error(header + Array("[Content_Types].xml".utf8)).contains("is a workbook of a spreadsheet program"))
        #expect(try error(header + Array("insurance.csv".utf8)).contains("is a zip archive"))
    }

    @Test(arguments: [
        (#"a,"{""_id"":1,""n"":01}""#, "a number with a leading zero at column 21"),
        (#"a,{"_id":1,"n":01}"#, "a number with a leading zero at column 16"),
        (#""é,","{""_id"":""é"",""n"":01}""#, "a number with a leading zero at column 28"),
        ("a,\"{\"\"_id\"\":1,\n\n\"\"n\"\":01}\"", "a number with a leading zero at column 7 of line 4"),
        (#"a,"{\"_id\":1}""#, "quotes have backslashes before them"),
        (#"a,{"_id":1,"s":"5\" pipe"}"#, "the second field does not begin with a quote, and has an odd number of them"),
    ])
    func aFaultInARowHasAPlaceThatAnEditorShows(row: String, text: String) throws {
        try SmallBackup.lend { backup in
            let faults = try backup.faults(in: Array("collection,data\n\(row)\n".utf8))
            #expect(faults.contains { $0.hasPrefix("line 2") && $0.contains(text) }, "\(faults)")
        }
    }
}
