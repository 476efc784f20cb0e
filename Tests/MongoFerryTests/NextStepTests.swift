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
