import BSON

/// A realistic database of an insurance company, always the same for the same scale.
///
/// Collections have their names in the database, some of which the application's mapper has lower-cased.
public struct Ledger: Sendable {
    public struct Collection: Sendable {
        public let name: String
        /// The name in the application's own backup files.
        public let fileName: String
        public let count: Int
        public let indexes: [Document]
        public let options: Document
        let make: @Sendable (Int) -> Document

        public func document(_ index: Int) -> Document { make(index) }
    }

    /// 1 stands for about 33,000 documents.
    public let scale: Double

    public init(scale: Double = 1) { self.scale = scale }

    private func count(_ base: Int) -> Int { max(1, Int(Double(base) * scale)) }

    private enum Tag: UInt64 {
        case customers = 1, policies, payments, receipts, users, rolePermissions, coverageTypes, statementRecipients,
            auditLogs
    }

    /// 2024-01-01T00:00:00Z, in seconds since 1970.
    private static let epoch: Int64 = 1_704_067_200

    private static func id(_ tag: Tag, _ index: Int) -> Value {
        let seconds = UInt64(epoch) + UInt64(index)
        return .objectID(ObjectID(high: seconds << 32 | tag.rawValue << 24 | 0xC0FFEE, low: UInt32(index)))
    }

    private static func date(_ index: Int, offset: Int64 = 0) -> Value {
        .date((epoch + Int64(index % 50_000) * 1_800 + offset) * 1000 + Int64(index % 1000))
    }

    private static func decimal(_ cents: Int) -> Value {
        let digits = cents % 100 < 10 ? "0\(cents % 100)" : "\(cents % 100)"
        return Decimal128("\(cents / 100).\(digits)").map { .decimal128($0) } ?? .null
    }

    /// A pseudo-random number that depends only on the index and the salt.
    private static func mix(_ index: Int, _ salt: Int) -> Int {
        var value = UInt64(bitPattern: Int64(index &* 2_654_435_761 &+ salt &* 40_503))
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int(truncatingIfNeeded: (value ^ value >> 31) >> 1)
    }

    private static let firstNames = [
        "Amara", "Jonas", "Mei", "Zoë", "Kwame", "Łucja", "Óscar", "Priya", "Søren", "Nadia", "Tomás", "Yuki",
    ]
    private static let lastNames = [
        "Okafor", "Müller", "Chen", "Dubois", "Mensah", "Nowak", "García", "Sharma", "Jensen", "Haddad", "O'Brien",
        "Tanaka",
    ]
    private static let cities = ["Accra", "Berlin", "Cádiz", "Dublin", "Espoo", "Fès", "Graz", "Haarlem"]

    public var customerCount: Int { count(4000) }
    public var policyCount: Int { count(6000) }
    public var paymentCount: Int { count(12_000) }
    public var receiptCount: Int { count(10_000) }

    public var collections: [Collection] {
        [
            coverageTypes, rolePermissions, users, customers, policies, payments, receipts, statementRecipients,
            auditLogs,
        ]
    }

    public func collection(_ fileName: String) -> Collection? { collections.first { $0.fileName == fileName } }

    private var coverageTypes: Collection {
        Collection(
            name: "coveragetypes", fileName: "coverageTypes", count: 4,
            indexes: [["key": ["code": 1], "name": "code_1", "unique": true]], options: [:]
        ) { index in
            [
                "_id": Self.id(.coverageTypes, index), "code": .string(["MTPL", "CASCO", "HOME", "TRAVEL"][index % 4]),
                "title": .string(["Motor liability", "Casco", "Home", "Travel"][index % 4]),
                "isActive": .bool(index != 3),
                "limits": ["perEvent": .int64(5_000_000_000), "perYear": .int64(20_000_000_000 + Int64(index))],
            ]
        }
    }

    private var rolePermissions: Collection {
        Collection(name: "rolepermissions", fileName: "rolePermissions", count: 5, indexes: [], options: [:]) { index in
            [
                "_id": Self.id(.rolePermissions, index),
                "role": .string(["admin", "agent", "clerk", "auditor", "guest"][index % 5]),
                "permissions": .array(
                    (0..<(index + 1)).map {
                        .string("policies:\(["read", "write", "delete", "approve", "export"][$0 % 5])")
                    }),
            ]
        }
    }

    private var users: Collection {
        Collection(
            name: "users", fileName: "users", count: 50,
            indexes: [["key": ["email": 1], "name": "email_1", "unique": true]], options: [:]
        ) { index in
            [
                "_id": Self.id(.users, index),
                "name": .string("\(Self.firstNames[index % 12]) \(Self.lastNames[index / 12 % 12])"),
                "email": .string("user\(index)@example.org"), "roleId": Self.id(.rolePermissions, index % 5),
                "passwordHash": .binary(subtype: 0, (0..<24).map { UInt8(Self.mix(index, $0) & 255) }),
                "lastLogin": Self.date(index * 7),
            ]
        }
    }

    private var customers: Collection {
        Collection(
            name: "customers", fileName: "customers", count: customerCount,
            indexes: [
                ["key": ["email": 1], "name": "email_1", "unique": true],
                ["key": ["address.city": 1, "name": 1], "name": "city_name"],
            ], options: [:]
        ) { index in
            let name = "\(Self.firstNames[Self.mix(index, 1) % 12]) \(Self.lastNames[Self.mix(index, 2) % 12])"
            return Document {
                $0.append("_id", Self.id(.customers, index))
                $0.append("name", .string(name))
                $0.append("email", .string("customer\(index)@example.org"))
                $0.append("birthDate", .date(-Int64(Self.mix(index, 3) % 1_500_000_000) * 1000))
                $0.append(
                    "address",
                    [
                        "street": .string("\(index % 200) \"Long\" Road, 2nd floor"),
                        "city": .string(Self.cities[Self.mix(index, 4) % 8]),
                        "zip": .string("0\(10_000 + index % 80_000)"),
                    ])
                $0.append("loyaltyPoints", .int64(Int64(Self.mix(index, 5) % 9_000_000_000)))
                $0.append("score", .double(Double(Self.mix(index, 6) % 10_000) / 100))
                $0.append("agent", Self.id(.users, Self.mix(index, 7) % 50))
                if index > 0, index % 3 == 0 { $0.append("referredBy", Self.id(.customers, index / 3)) }
                $0.append("createdAt", Self.date(index))
                $0.append(
                    "tags", .array((0..<(index % 4)).map { .string(["vip", "fleet", "online", "paperless"][$0]) }))
            }
        }
    }

    private var policies: Collection {
        let customers = customerCount
        return Collection(
            name: "policies", fileName: "policies", count: policyCount,
            indexes: [
                ["key": ["number": 1], "name": "number_1", "unique": true],
                ["key": ["customerId": 1], "name": "customerId_1"],
                ["key": ["end": 1], "name": "active_end", "partialFilterExpression": ["status": "active"]],
            ], options: [:]
        ) { index in
            let vehicles = (0..<(index % 3)).map { vehicle in
                Value.document([
                    "plate": .string("AB-\(100_000 + Self.mix(index, vehicle) % 900_000)"),
                    "year": .int32(Int32(1995 + Self.mix(index, vehicle + 3) % 30)),
                    "value": Self.decimal(Self.mix(index, vehicle + 9) % 9_000_000),
                    "drivers": .array(
                        (0...(vehicle % 2)).map { driver in
                            [
                                "customerId": Self.id(.customers, Self.mix(index, driver + 20) % customers),
                                "since": Self.date(index + driver), "isMain": .bool(driver == 0),
                            ]
                        }),
                ])
            }
            return Document {
                $0.append("_id", Self.id(.policies, index))
                $0.append("number", .string("P-\(2024_000_000 + index)"))
                $0.append("customerId", Self.id(.customers, Self.mix(index, 8) % customers))
                $0.append("coverageTypeId", Self.id(.coverageTypes, index % 4))
                $0.append("status", .string(["active", "active", "lapsed", "cancelled"][Self.mix(index, 10) % 4]))
                $0.append("start", Self.date(index))
                $0.append("end", Self.date(index, offset: 31_536_000))
                $0.append("premium", Self.decimal(5000 + Self.mix(index, 11) % 500_000))
                $0.append("discount", .double([0, 0.05, 0.1, 0.125, 1.0 / 3][index % 5]))
                // 24 hexadecimal digits that are no document's `_id`.
                $0.append("code", .string(Self.lookAlike(index)))
                $0.append("vehicles", .array(vehicles))
                $0.append(
                    "beneficiaries",
                    .array((0..<(index % 4)).map { Self.id(.customers, Self.mix(index, $0 + 30) % customers) }))
                $0.append("notes", index % 10 == 0 ? .string("Called, \"will think\";\nsecond line\twith tab") : .null)
            }
        }
    }

    private static func lookAlike(_ index: Int) -> String {
        ObjectID(high: 0xABAD_1DEA_0000_0000 | UInt64(index), low: UInt32(truncatingIfNeeded: mix(index, 99)))
            .description
    }

    private var payments: Collection {
        let policies = policyCount
        return Collection(
            name: "payments", fileName: "payments", count: paymentCount,
            indexes: [
                ["key": ["policyId": 1, "paidAt": -1], "name": "policy_paid"],
                ["key": ["transaction": 1], "name": "transaction_1", "unique": true, "sparse": true],
            ],
            options: ["validator": ["amount": ["$exists": true]]]
        ) { index in
            [
                "_id": Self.id(.payments, index), "policyId": Self.id(.policies, Self.mix(index, 12) % policies),
                "amount": Self.decimal(1000 + Self.mix(index, 13) % 80_000), "currency": "EUR",
                "transaction": .int64(7_000_000_000_000 + Int64(index)),
                "installment": .int32(Int32(index % 12 + 1)), "paidAt": Self.date(index, offset: 86_400),
                "method": .string(["card", "transfer", "cash"][index % 3]), "isRefunded": .bool(index % 97 == 0),
            ]
        }
    }

    private var receipts: Collection {
        let payments = paymentCount
        return Collection(
            name: "receipts", fileName: "receipts", count: receiptCount,
            indexes: [["key": ["paymentId": 1], "name": "paymentId_1"]], options: [:]
        ) { index in
            [
                "_id": Self.id(.receipts, index), "paymentId": Self.id(.payments, index % payments),
                "number": .int32(Int32(index + 1)),
                "issuedAt": Self.date(index, offset: 90_000),
                "digest": .binary(subtype: 5, (0..<16).map { UInt8(Self.mix(index, $0) & 255) }),
                "lines": [
                    ["text": "Premium", "amount": Self.decimal(Self.mix(index, 14) % 80_000)],
                    ["text": "Fee", "amount": Self.decimal(150)],
                ],
            ]
        }
    }

    private var statementRecipients: Collection {
        let customers = customerCount
        return Collection(
            name: "statementrecipients", fileName: "statementRecipients", count: count(600), indexes: [], options: [:]
        ) { index in
            [
                "_id": Self.id(.statementRecipients, index),
                "customerId": Self.id(.customers, Self.mix(index, 15) % customers),
                "email": .string("statements\(index)@example.org"), "sendOn": .int32(Int32(index % 28 + 1)),
                "addedAt": Self.date(index),
            ]
        }
    }

    private var auditLogs: Collection {
        Collection(name: "auditlogs", fileName: "auditlogs", count: count(500), indexes: [], options: [:]) { index in
            [
                "_id": Self.id(.auditLogs, index), "at": Self.date(index),
                "text": .string("user\(index % 50) opened a policy"),
            ]
        }
    }
}
