import BackupFile
import Testing

@testable import MongoFerry

/// The advice that reports give.
@Suite struct NextStepTests {
    @Test(arguments: [
        ("", "''"), ("a/b.csv", "a/b.csv"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
        // To a shell, a quote followed by a combining mark is still a quote.
        ("x'\u{301};id;'\u{301}", "'x'\\''\u{301};id;'\\''\u{301}'"),
    ])
    func aNameIsOneWordToAShell(name: String, word: String) {
        #expect(Array(name.shellWord.utf8) == Array(word.utf8))
    }

    @Test(arguments: [("-c.csv", "./-c.csv"), ("- a.csv", "'./- a.csv'"), ("a-c.csv", "a-c.csv"), ("/-c", "/-c")])
    func aFilesNameIsNoOption(name: String, word: String) { #expect(name.shellPath == word) }

    /// To a verify with the file, the rows that the server has refused are there.
    @Test func whatDanglesSinceItsTargetWasRejectedShowsInNoCheckOfTheFile() {
        var report = Report(operation: .import)
        report.file = "shop.csv"
        report.database = "shop"
        report.collections = [CollectionOutcome(name: "orders")]
        var outcome = ReferenceOutcome(
            collection: "orders", path: "by", target: "customers", targetNames: ["customers"])
        outcome.dangling = 1
        report.references = [outcome]
        #expect(report.nextSteps.first?.hasPrefix("`mongoferry verify shop.csv --db shop --report") == true)
        var customers = CollectionOutcome(name: "customers")
        customers.rejected = 1
        report.collections.append(customers)
        #expect(
            report.nextSteps == [
                "What dangles may refer to rows that were rejected: these come first."
            ])
    }

    @Test func aServerTakesNoSecondNameOfOneThatItHas() {
        var report = Report(operation: .verify)
        report.database = "Shop"
        report.circumstances.isDatabaseMissing = true
        #expect(report.nextSteps.first?.hasPrefix("Name a database that is there") == true)
        report.circumstances.sameDatabaseName = "shop"
        #expect(
            report.nextSteps == ["Use --db shop: the server takes no second name that differs in case only."])
    }

    @Test func ofStandardInputNoFileIsVerified() {
        var report = Report(operation: .import)
        report.file = Import.standardInput
        report.rejectionCount = 30
        report.differences = [.init(collection: "", kind: .file, detail: "its seal does not fit")]
        #expect(
            report.nextSteps.last == "Write it to a file first: then `mongoferry verify FILE` lists more of the rows.")
    }

    @Test func rowsOfNoKnownCollectionAreInTheTotals() {
        var report = Report(operation: .import)
        var known = CollectionOutcome(name: "beta")
        (known.read, known.inserted, known.rejected) = (2, 1, 1)
        report.collections = [known]
        report.rejectionCount = 2
        report.circumstances.namelessCount = 1
        #expect(report.totals.read == 3 && report.totals.rejected == 2)
        #expect(report.columns.first { $0.title == "rejected" }?.total == 2)
        #expect(report.columns.first { $0.title == "rejected" }?.counts == [1])
    }

    @Test func aValueIsAnExampleOnce() {
        var outcome = ReferenceOutcome(collection: "q", path: "l[]", target: "p", targetNames: ["p"])
        for value: Int32 in [7, 7, 7, 7, 7, 8] { outcome.addExample(.int32(value), 0) }
        #expect(outcome.examples.map(\.value) == [7, 8])
    }

    @Test(arguments: [
        (["users"], "There is no collection 'users': was it left out of the backup or the import?"),
        (
            ["users", "coverageTypes", "users"],
            "There are no collections 'coverageTypes' and 'users': were they left out of the backup or the import?"
        ),
    ])
    func collectionsThatReferencesMissAreNamed(targets: [String], step: String) {
        var report = Report(operation: .import)
        report.references = targets.map { target in
            var outcome = ReferenceOutcome(
                collection: "policies", path: "id", target: "\(target).email", targetNames: [target])
            outcome.dangling = 1
            outcome.isTargetMissing = true
            return outcome
        }
        // Nothing leads to this one.
        var unused = ReferenceOutcome(collection: "policies", path: "old", target: "agents", targetNames: ["agents"])
        unused.isTargetMissing = true
        report.references.append(unused)
        #expect(report.nextSteps == [step])
    }

    @Test func whatDanglesSinceAnImportWasNotEndedIsNotWrongWithTheData() {
        var report = Report(operation: .verify)
        var outcome = ReferenceOutcome(collection: "policies", path: "id", target: "users", targetNames: ["users"])
        outcome.dangling = 1
        report.references = [outcome]
        #expect(report.nextSteps.first?.hasPrefix("What dangles is dangling in the data themselves") == true)
        report.circumstances.isImportUnfinished = true
        #expect(
            report.nextSteps == ["Let the import end, or run it again, first: what dangles may come from that."])
    }

    @Test(arguments: [(nil, nil), ("all.csv", "shop"), ("bare.csv", nil)] as [(String?, String?)])
    func onlyAFileWithoutMetadataMayLackRowsAndOnlyOneWithItHasASealThatFits(file: String?, source: String?) {
        var report = Report(operation: .verify)
        report.file = file
        report.source = source
        var outcome = ReferenceOutcome(collection: "policies", path: "id", target: "users", targetNames: ["users"])
        outcome.dangling = 1
        report.references = [outcome]
        let isBare = file != nil && source == nil
        #expect(report.nextSteps.first?.contains(", or rows are missing, of which the file says nothing") == isBare)
        let seal = source == nil ? "" : " (the file itself is whole: its seal fits)"
        #expect(report.problemCounts == "1 dangling reference\(seal)")
    }

    /// An import stops looking for more once it is clear that it refuses the file.
    @Test(arguments: [1, 2]) func aCheckIsAdvisedWhereItListsMoreThanTheImport(count: Int) {
        var report = Report(operation: .import)
        report.file = "all.csv"
        report.status = .refused
        report.differences = [.init(collection: "", kind: .file, detail: "its seal does not fit")]
        report.rejections = [.init(collection: "policies", line: 2, id: nil, reason: "not a JSON document")]
        report.rejectionCount = count
        #expect(report.nextSteps.contains("`mongoferry verify all.csv` lists more of the rows.") == (count == 2))
    }

    @Test func ofADatabaseThatIsNotThereOnlyItsNameIsInQuestion() {
        var report = Report(operation: .verify)
        report.differences = [
            .init(collection: "policies", kind: .missing, detail: "the collection is not there"),
            .init(collection: "active", kind: .definition, detail: "the view is not there"),
        ]
        #expect(report.nextSteps.count == 2)
        report.circumstances.isDatabaseMissing = true
        #expect(report.nextSteps.map { $0.hasPrefix("Name a database that is there with --db.") } == [true])
    }

    @Test func whatStoppedAnOperationAndWhatToDoAboutItStandEachInItsPlace() {
        let kinds: [(FerryError.Kind, Report.Status)] = [
            (.failed, .failed), (.usage, .failed), (.data, .refused), (.interrupted, .interrupted),
        ]
        for (kind, status) in kinds {
            var report = Report(operation: .import)
            report.fail(with: FerryError("no", kind: kind, details: ["Nothing was written."], advice: ["Do it again."]))
            #expect(report.status == status)
            #expect(report.error == "no\n  Nothing was written." && report.nextSteps == ["Do it again."])
        }
    }
}
