import ArgumentParser
import BSON
import Foundation
import InsuranceLedger
import MongoDriver

/// Fills, damages and fingerprints a database without MongoFerry's export and import: the demo's independent witness.
@main
struct LedgerTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry-ledger", abstract: "A believable insurance ledger for demonstrations and measurements.",
        subcommands: [Fill.self, Small.self, Huge.self, Touch.self, Damage.self, Digest.self, Legacy.self, Drop.self])
}

struct Place: ParsableArguments {
    @Option(help: "Connection string. Default: $MONGODB_URI.") var uri: String?
    @Option(help: "The database.") var db: String

    func withClient<Result>(_ body: (Client) throws -> Result) throws -> Result {
        let text = uri ?? ProcessInfo.processInfo.environment["MONGODB_URI"] ?? "mongodb://localhost:27017"
        return try ClientPool(try ConnectionString(text), applicationName: "ferry-ledger").withClient(body)
    }
}

/// A database to fill. It may hold somebody's data, which are dropped only with `--force`.
struct NewPlace: ParsableArguments {
    @OptionGroup var place: Place
    @Flag(help: "Drop what the database holds.") var force = false

    func withClient(_ body: (Client, _ db: String) throws -> Void) throws {
        try place.withClient { client in
            let names = try client.listCollections(in: place.db).map(\.name)
            if !force, let first = names.first {
                throw ValidationError(
                    "\(place.db) holds \(first)\(names.count > 1 ? " and \(names.count - 1) more" : "") already: --force drops all of it"
                )
            }
            try client.runWrite(["dropDatabase": 1], on: place.db)
            try body(client, place.db)
        }
    }
}

struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fill an empty database.")
    @OptionGroup var place: NewPlace
    @Option(help: "1 is about 33,000 documents.") var scale = 1.0

    func run() throws {
        try place.withClient { client, db in
            for collection in Ledger(scale: scale).collections {
                try client.runWrite(
                    ["create": .string(collection.name)] as Document, on: db, options: collection.options)
                for start in stride(from: 0, to: collection.count, by: 20_000) {
                    let bulk = try client.bulkWrite(to: Namespace(db, collection.name))
                    for index in start..<min(start + 20_000, collection.count) {
                        try collection.document(index).withRaw { try bulk.insert($0) }
                    }
                    let result = try bulk.execute()
                    if let error = result.writeErrors.first {
                        throw ValidationError("\(collection.name): \(error.message)")
                    }
                }
                if !collection.indexes.isEmpty {
                    try client.runWrite(
                        [
                            "createIndexes": .string(collection.name),
                            "indexes": .array(collection.indexes.map { .document($0) }),
                        ], on: db)
                }
                print("\(collection.name): \(collection.count)")
            }
        }
    }
}

struct Small: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill one collection with small documents.")
    @OptionGroup var place: NewPlace
    @Option(help: "How many documents of some 100 bytes.") var count = 2_000_000

    func run() throws {
        try place.withClient { client, db in
            for start in stride(from: 0, to: count, by: 20_000) {
                let bulk = try client.bulkWrite(to: Namespace(db, "readings"))
                for index in start..<min(start + 20_000, count) {
                    let document: Document = [
                        "_id": .int64(Int64(index)), "meter": .int32(Int32(index % 977)),
                        "at": .date(1_704_067_200_000 + Int64(index) * 1000),
                        "value": .double(Double((index &* 7919) % 100_003) / 16), "unit": "kWh",
                        "isEstimated": .bool(index % 13 == 0),
                    ]
                    try document.withRaw { try bulk.insert($0) }
                }
                _ = try bulk.execute()
            }
            print("readings: \(count)")
        }
    }
}

struct Huge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill one collection with documents of almost 16 MiB.")
    @OptionGroup var place: NewPlace
    @Option(help: "How many documents.") var count = 20

    func run() throws {
        // Half text, half binary: a row is a fifth longer than its document.
        let text = String(repeating: "Twelve monkeys, and a \"quote\" now and then.\n", count: (8 << 20) / 46)
        let bytes = (0..<(16 << 20) - text.utf8.count - 4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try place.withClient { client, db in
            for index in 0..<count {
                let document: Document = [
                    "_id": .int32(Int32(index)), "text": .string(text),
                    "bytes": .binary(subtype: 0, bytes),
                ]
                let bulk = try client.bulkWrite(to: Namespace(db, "scans"))
                try document.withRaw { try bulk.insert($0) }
                if let error = try bulk.execute().writeErrors.first { throw ValidationError(error.message) }
            }
            print("scans: \(count)")
        }
    }
}

struct Touch: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Change one document in a hundred, by chance.")
    @OptionGroup var place: Place

    func run() throws {
        try place.withClient { client in
            for info in try client.listCollections(in: place.db) where info.kind == .collection {
                try client.runWrite(
                    [
                        "update": .string(info.name),
                        "updates": [
                            ["q": ["$sampleRate": 0.01], "u": ["$set": ["touched": true]], "multi": true]
                        ],
                    ], on: place.db)
            }
        }
    }
}

extension Client {
    fileprivate func runWrite(_ command: Document, on database: String, options: Document) throws {
        var whole = command
        for (key, value) in options.elements { whole = whole.appending(key, value) }
        try runWrite(whole, on: database)
    }
}

struct Damage: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change a customer, delete policies, turn ids into strings, drop an index and a collection.")
    @OptionGroup var place: Place

    func run() throws {
        try place.withClient { client in
            let ledger = Ledger()
            func command(_ command: Document) throws { try client.runWrite(command, on: place.db) }
            guard let customers = ledger.collection("customers"), let policies = ledger.collection("policies") else {
                return
            }
            let customer = customers.document(0)["_id"] ?? .null
            try command([
                "update": "customers", "updates": [["q": ["_id": customer], "u": ["$set": ["name": "Mallory"]]]],
            ])
            let ids = (0..<100).map { policies.document($0)["_id"] ?? .null }
            try command(["delete": "policies", "deletes": [["q": ["_id": ["$in": .array(ids)]], "limit": 0]]])
            try command([
                "update": "payments",
                "updates": [
                    ["q": ["installment": 1], "u": [["$set": ["policyId": ["$toString": "$policyId"]]]], "multi": true]
                ],
            ])
            // It may be there from an earlier run.
            try command([
                "update": "receipts",
                "updates": [["q": ["_id": "stranger"], "u": ["note": "not in the backup"], "upsert": true]],
            ])
            try command(["dropIndexes": "policies", "index": "customerId_1"])
            try command(["drop": "statementrecipients"])
            print(
                "a customer renamed, 100 policies deleted, ids in payments turned into strings, a stranger among the receipts, an index and a collection dropped"
            )
        }
    }
}

struct Digest: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a fingerprint of each collection and its indexes.")
    @OptionGroup var place: Place
    @Option(help: "Not this collection; may be repeated.") var exclude: [String] = []

    func run() throws {
        try place.withClient { client in
            let infos = try client.listCollections(in: place.db).filter { !$0.name.hasPrefix("system.") }
            for info in infos.sorted(by: { $0.name < $1.name }) where !exclude.contains(info.name) {
                var count = 0
                // A sum does not depend on the order of the documents.
                var sum: UInt64 = 0
                try client.find(Namespace(place.db, info.name), [:]).forEach { document in
                    count += 1
                    sum &+= Fingerprint.of(document.bytes)
                }
                var indexes: UInt64 = 0
                if info.kind == .collection {
                    for index in try client.listIndexes(of: Namespace(place.db, info.name)) {
                        indexes &+= index.withRaw { Fingerprint.of($0.bytes) }
                    }
                }
                let options = info.options.withRaw { Fingerprint.of($0.bytes) }
                print(
                    "\(info.name) \(count) documents \(String(sum, radix: 16)) indexes \(String(indexes, radix: 16)) options \(String(options, radix: 16))"
                )
            }
        }
    }
}

/// 64-bit FNV-1a of BSON bytes, so that types count, too.
enum Fingerprint {
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}

struct Legacy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the ledger as the old application's backup, rows in any order.")
    @Option(help: "1 is about 33,000 documents.") var scale = 0.01

    func run() throws {
        var rows: [String] = []
        for collection in Ledger(scale: scale).collections where collection.fileName != "auditlogs" {
            for index in 0..<collection.count {
                let json = LegacyText.json(collection.document(index)).replacing("\"", with: "\"\"")
                rows.append("\(collection.fileName),\"\(json)\"")
            }
        }
        var state: UInt64 = 42
        for index in rows.indices.reversed() {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            rows.swapAt(index, Int(state >> 33) % (index + 1))
        }
        print("collection,data")
        for row in rows { print(row) }
    }
}

struct Drop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Drop the database.")
    @OptionGroup var place: Place

    func run() throws {
        try place.withClient { _ = try $0.runWrite(["dropDatabase": 1], on: place.db) }
    }
}
