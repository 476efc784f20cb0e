import BSON
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
        error.context = "\(command) on shop"
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
