import BSON
import BackupFile
import Testing

@testable import MongoDriver
@testable import MongoFerry

/// What is said about errors that no server here can be made to return.
@Suite struct ErrorTextTests {
    private static let moment: ReadMoment? = {
        let time: Document = ["ts": .timestamp(Timestamp(seconds: 1, increment: 1))]
        let write: Document = ["opTime": .document(time), "majorityOpTime": .document(time)]
        return ReplicationState(["lastWrite": .document(write)]).map(ReadMoment.init(behind:))
    }()

    @Test func aCappedCollectionThatOverwritesItselfIsSaidAsSuch() throws {
        let moment = try #require(Self.moment)
        let lost = MongoError(domain: .server, code: 136, message: "CollectionScan died")
        let explained = try #require(ReadFault.explained(lost, moment) as? FerryError)
        #expect(explained.text.hasPrefix("a capped collection was overwritten faster than it could be read"))
        #expect(explained.advice.contains { $0.contains("--exclude") })
        let other = MongoError(domain: .server, code: 2, message: "another")
        #expect((ReadFault.explained(other, moment) as? MongoError)?.code == 2)
    }

    /// What helps a reader is no advice for a rename that the server refuses with the same code.
    @Test(
        arguments: [
            (43, .init(command: "find", on: "shop.a"), "Run the command again."),
            (11601, .init(command: "getMore", on: "shop.a"), "Run the command again."),
            (166, .init(command: "aggregate", on: "shop.a"), "Run the command again."),
            (166, .init(command: "renameCollection", on: "shop.a"), nil), (11601, "writing to shop.a", nil),
        ] as [(Int, MongoError.Context, String?)])
    func whatEndedAReadingIsSaidOfReadingsOnly(code: Int, context: MongoError.Context, end: String?) {
        let error = FerryError(
            explaining: MongoError(domain: .server, code: code, message: "ended", context: context))
        #expect(error.advice.count == (end == nil ? 0 : 1))
        if let end { #expect(error.advice.first?.hasSuffix(end) == true) }
        #expect((error.underlying as? MongoError)?.code == code)
    }

    /// What the server or the user's rights are to blame for sets no row aside: there is nothing to mend in it.
    @Test(arguments: [(13, false), (175, false), (215, false), (11600, false), (263, true), (121, true), (11000, true)])
    func onlyWhatMayBeAboutDocumentsSetsRowsAside(code: Int, mayBe: Bool) {
        #expect(MongoError(domain: .server, code: code, message: "refused", context: "").mayBeAboutDocuments == mayBe)
    }

    /// Also if the destination changes afterwards.
    @Test func theCompressionIsThatOfTheNameUnlessItIsSet() {
        func options(_ name: String) -> ExportOptions {
            ExportOptions(destination: .file(path: name, overwriting: false))
        }
        var following = options("a.csv.gz")
        #expect(following.compression == .gzip)
        following.destination = .file(path: "a.csv.zst", overwriting: false)
        #expect(following.compression == .zstd)
        var chosen = options("a.csv.gz")
        chosen.compression = .none
        #expect(chosen.compression == Compression.none)
        chosen.destination = .file(path: "a.csv.zst", overwriting: false)
        #expect(chosen.compression == Compression.none)
    }

    /// By MongoDB's manual, "Privilege Actions".
    @Test(arguments: [
        ("listCollections", "listCollections on shop"), ("listIndexes", "listIndexes on shop"),
        ("find", "find on shop"), ("aggregate", "find on shop"), ("insert", "insert on shop"),
        ("update", "insert and update on shop"), ("findAndModify", "insert and update on shop"),
        ("delete", "remove on shop"), ("create", "createCollection on shop"), ("createIndexes", "createIndex on shop"),
        ("drop", "dropCollection on shop"), ("renameCollection", "renameCollectionSameDB on shop"),
        ("collMod", "collMod on shop"),
    ])
    func aMissingRightIsNamedByItsPrivilegeAction(command: String, action: String) {
        var error = MongoError(domain: .server, code: 13, message: "not authorized on shop to execute command")
        error.context = MongoError.Context(command: command, on: "shop")
        #expect(FerryError(explaining: error).advice.contains { $0.contains("A role of your own needs \(action)") })
    }

    /// Both are final: running the import again does not help.
    @Test func twoErrorsOfAClusterSayThatItRenamesNothingThere() {
        #expect(MongoError(domain: .server, code: 13139, message: "source namespace sharded").isRefusedRenameOfShards)
        #expect(
            MongoError(domain: .server, code: 125, message: "Collection shop.a must not have associated tags")
                .isRefusedRenameOfShards)
        #expect(!MongoError(domain: .server, code: 125, message: "another failure").isRefusedRenameOfShards)
    }
}
