import BackupFile
import Foundation
import Relations
import Testing

@testable import MongoFerry

/// Which references are found in the typed rows of a file without metadata.
@Suite struct FileDiscoveryTests {
    private static func row(_ collection: String, _ json: String) -> String {
        "\(collection),\"\(json.replacingOccurrences(of: "\"", with: "\"\""))\""
    }

    /// 24 hexadecimal digits.
    private static func digits(_ kind: Int, _ number: Int) -> String {
        let parts = [kind, number].map { part in
            let text = String(part, radix: 16)
            return String(repeating: "0", count: 8 - text.count) + text
        }
        return "5c2aad80" + parts.joined()
    }

    private static func id(_ kind: Int, _ number: Int) -> String { #"{"$oid":"\#(digits(kind, number))"}"# }

    private static func read(
        _ rows: [String], jobs: Int = 2, _ configure: (inout ImportOptions) throws -> Void = { _ in }
    ) throws -> LegacyTypes {
        let path = NSTemporaryDirectory() + "discovery_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = (["collection,data"] + rows).map { $0 + "\n" }.joined()
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        var options = ImportOptions()
        try configure(&options)
        let reader = try BackupReader(try OpenFile(reading: path))
        return try Preflight(reader: reader, options: options, jobs: jobs, operation: OperationContext()).run().legacy
    }

    private static func described(_ references: [Reference]) -> [String] {
        references.map { "\($0.collection).\($0.path) → \($0.target)" }
    }

    /// More rows than are looked at, with those of three collections mixed, and a field that only the last payments
    /// have.
    private static let mixture: [String] = {
        var rows = (0..<10).map { row("users", #"{"_id":\#(id(0, $0))}"#) }
        for number in 0..<12_000 {
            let agent = number < 11_970 ? "" : #","agent":\#(id(0, number % 10))"#
            rows.append(
                row("payments", #"{"_id":\#(id(3, number)),"policyId":\#(id(2, number * 7 % 9000))\#(agent)}"#))
            if number < 9000 {
                rows.append(
                    row("policies", #"{"_id":\#(id(2, number)),"customerId":\#(id(1, number * 11 % 4000))}"#))
            }
            if number < 4000 { rows.append(row("customers", #"{"_id":\#(id(1, number))}"#)) }
        }
        return rows
    }()

    @Test(arguments: [1, 2, 5]) func howManyThreadsReadTheFileMakesNoDifference(jobs: Int) throws {
        let found = try Self.read(Self.mixture, jobs: jobs).references
        #expect(
            Self.described(found) == [
                "payments.agent → users", "payments.policyId → policies", "policies.customerId → customers",
            ])
        // Including the evidence for each.
        #expect(try Self.read(Self.mixture, jobs: 3).references == found)
    }

    /// Orders that refer to customers whose `_id`s are doubles.
    private static func numbers(wrapping isWrapped: Bool) -> [String] {
        let orders = (1...400).map { number in
            let id = isWrapped && number == 1 ? #"{"$numberInt":"1"}"# : "\(number)"
            return row("orders", #"{"_id":\#(id),"customerId":\#(number * 7 % 500 + 1),"status":\#(number % 5 + 1)}"#)
        }
        return orders + (1...500).map { row("customers", #"{"_id":\#($0).0,"name":"c\#($0)"}"#) }
    }

    @Test func wholeNumbersAreFoundWhateverTheirType() throws {
        let expected = ["orders.customerId → customers"]
        #expect(Self.described(try Self.read(Self.numbers(wrapping: true)).references) == expected)
        let bare = try Self.read(Self.numbers(wrapping: false)) { $0.takesLegacyRows = false }
        #expect(Self.described(bare.references) == expected)
        // These are taken for rows of the old application.
        #expect(Self.described(try Self.read(Self.numbers(wrapping: false)).references) == expected)
    }

    /// Whatever the keys of old rows are, the collections are written in the order of their references.
    @Test func oldRowsReferToTextsAndNumbersToo() throws {
        let orders = (1...60).map { number in
            let (customer, depot) = (number * 7 % 40 + 1, number * 3 % 20 + 1)
            return Self.row(
                "orders",
                #"{"_id":"\#(Self.digits(2, number))","customerId":"customer-\#(customer)","depotId":\#(depot),"note":"n"}"#
            )
        }
        let customers = (1...40).map { Self.row("xcustomers", #"{"_id":"customer-\#($0)"}"#) }
        let depots = (1...20).map { Self.row("ydepots", #"{"_id":\#($0)}"#) }
        let types = try Self.read(orders + customers + depots)
        #expect(Self.described(types.references) == ["orders.customerId → xcustomers", "orders.depotId → ydepots"])
        #expect(try Self.read(orders + customers + depots) { $0.infers = false }.references.isEmpty)
    }

    /// Huge rows are left out only if most rows are smaller. A row takes more bytes than its document.
    @Test func largeDocumentsAreLookedAtToo() throws {
        let photo = String(repeating: "QUJD", count: 300_000)
        let photos = (0..<12).map { number in
            Self.row(
                "photos",
                #"{"_id":\#(Self.id(2, number)),"ownerId":\#(Self.id(1, number)),"data":{"$binary":{"base64":"\#(photo)","subType":"00"}}}"#
            )
        }
        let owners = (0..<12).map { Self.row("owners", #"{"_id":\#(Self.id(1, $0))}"#) }
        #expect(Self.described(try Self.read(photos + owners).references) == ["photos.ownerId → owners"])
    }

    @Test func whereTheConfigurationSaysAllReferencesNoneAreLookedFor() throws {
        let types = try Self.read(Self.numbers(wrapping: true)) {
            $0.configuration = try Configuration.parse(
                yaml: "collections: {orders: {references: {}}, customers: {references: {}}}", file: "c.yaml")
        }
        #expect(types.references.isEmpty)
    }

    @Test func withoutInferenceOnlyTheConfigurationSaysReferences() throws {
        #expect(try Self.read(Self.numbers(wrapping: true)) { $0.infers = false }.references.isEmpty)
    }

    @Test func anOldFileIsNotLookedAtForTypes() throws {
        let rows = (0..<20).flatMap { number in
            [
                Self.row("customers", #"{"_id":"\#(Self.digits(1, number))"}"#),
                Self.row(
                    "policies",
                    #"{"_id":"\#(Self.digits(2, number))","customerId":"\#(Self.digits(1, number))","n":1}"#),
            ]
        }
        let types = try Self.read(rows)
        #expect(types.discoveredReferences.isEmpty)
        #expect(Self.described(types.references) == ["policies.customerId → customers"])
    }

    /// How legacy rows are converted is decided without the typed rows.
    @Test func rowsWithTypesReferToOldOnesAndSayNothingOfTheirTypes() throws {
        let customers = (0..<40).map { Self.row("customers", #"{"_id":"\#(Self.digits(1, $0))"}"#) }
        // Where the typed rows have a customer, the legacy rows have a text that only looks like one.
        let old = (0..<20).map { number in
            let (id, customer, code) = (Self.digits(2, number), Self.digits(1, number), Self.digits(9, number))
            return Self.row("policies", #"{"_id":"\#(id)","customerId":"\#(customer)","code":"\#(code)"}"#)
        }
        let typed = (20..<40).map { number in
            let (id, customer) = (Self.id(2, number), Self.id(1, number))
            return Self.row("policies", #"{"_id":\#(id),"customerId":\#(customer),"code":\#(customer)}"#)
        }
        let types = try Self.read(customers + old + typed)
        #expect(Self.described(types.resolution?.references ?? []) == ["policies.customerId → customers"])
        #expect(
            Self.described(types.references) == ["policies.code → customers", "policies.customerId → customers"])
        let rules = types.rules?.rules.map { "\($0.collection).\($0.path)" } ?? []
        #expect(Set(rules) == ["customers._id", "policies._id", "policies.customerId"], "\(rules)")
    }
}
