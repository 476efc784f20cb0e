import MongoFerry
import Testing

@testable import MongoFerryCLI

@Suite struct RepeatedOptionsTests {
    @Test(arguments: [
        ["import", "f.csv", "--db", "x", "--db", "y"], ["import", "--mode", "merge", "f.csv", "--mode=replace"],
        ["export", "-o", "a.csv", "--output", "b.csv"], ["export", "--out", "a.csv", "-o", "b.csv"],
        ["import", "f.csv", "-d", "test", "--db", "production"],
        ["export", "--uri=mongodb://a", "--uri", "mongodb://b"],
    ]) func twoValuesAreRefusedAndNotQuoted(_ words: [String]) {
        let error = #expect(throws: FerryError.self) { try RepeatedOptions.check(["mongoferry"] + words) }
        #expect(error?.kind == .usage && error?.text.hasSuffix(" is given twice, with different values") == true)
        #expect(error?.description.contains("mongodb://") == false)
    }

    @Test(arguments: [
        ["import", "f.csv", "--db", "x", "--db=x"], ["export", "--collection", "a", "--collection", "b"],
        ["export", "-o", "a.csv", "--", "-o", "b.csv"], ["verify", "a.csv", "--db"],
    ]) func othersArePassed(_ words: [String]) throws { try RepeatedOptions.check(["mongoferry"] + words) }
}
