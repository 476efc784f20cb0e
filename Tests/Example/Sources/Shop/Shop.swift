internal import CMongoC

/// The application: customers and their orders.
///
/// It uses libmongoc, so that the example needs nothing else; any other driver works as well. Belongs to one thread.
public final class Shop {
    private let client: OpaquePointer

    /// - Parameter uri: the connection string, which must also name the database.
    public init(uri: String) throws {
        mongoc_init()
        guard let client = mongoc_client_new(uri) else { throw ShopError(text: "the connection string is wrong") }
        self.client = client
    }

    public func orderCount(ofCustomer id: String) throws -> Int {
        try withCollection("orders") { orders in
            try withDocument(#"{"customer":{"$oid":"\#(id)"}}"#) { filter in
                var error = bson_error_t()
                let count = mongoc_collection_count_documents(orders, filter, nil, nil, nil, &error)
                guard count >= 0 else { throw ShopError(error) }
                return Int(count)
            }
        }
    }

    public func rename(customer id: String, to name: String) throws {
        try update(#"{"_id":{"$oid":"\#(id)"}}"#, #"{"$set":{"name":"\#(name)"}}"#, in: "customers")
    }

    /// Removes a customer, and the customer's orders unless they are to stay.
    public func removeCustomer(_ id: String, keepingOrders: Bool = false) throws {
        if !keepingOrders { try remove(#"{"customer":{"$oid":"\#(id)"}}"#, from: "orders") }
        // This line was missing at first; verifyReferences found that.
        try update(#"{"referredBy":{"$oid":"\#(id)"}}"#, #"{"$unset":{"referredBy":1}}"#, in: "customers")
        try remove(#"{"_id":{"$oid":"\#(id)"}}"#, from: "customers")
    }

    private func update(_ filter: String, _ update: String, in name: String) throws {
        try withCollection(name) { collection in
            try withDocument(filter) { filter in
                try withDocument(update) { update in
                    var error = bson_error_t()
                    guard mongoc_collection_update_many(collection, filter, update, nil, nil, &error) else {
                        throw ShopError(error)
                    }
                }
            }
        }
    }

    private func remove(_ filter: String, from name: String) throws {
        try withCollection(name) { collection in
            try withDocument(filter) { filter in
                var error = bson_error_t()
                guard mongoc_collection_delete_many(collection, filter, nil, nil, &error) else {
                    throw ShopError(error)
                }
            }
        }
    }

    private func withCollection<Result>(_ name: String, _ body: (OpaquePointer) throws -> Result) throws -> Result {
        guard let database = mongoc_client_get_default_database(client) else {
            throw ShopError(text: "the connection string names no database")
        }
        defer { mongoc_database_destroy(database) }
        guard let collection = mongoc_database_get_collection(database, name) else {
            throw ShopError(text: "there is no collection \(name)")
        }
        defer { mongoc_collection_destroy(collection) }
        return try body(collection)
    }

    private func withDocument<Result>(
        _ json: String, _ body: (OpaquePointer) throws -> Result
    ) throws -> Result {
        var error = bson_error_t()
        guard let document = bson_new_from_json(json, -1, &error) else { throw ShopError(error) }
        defer { bson_destroy(document) }
        return try body(document)
    }

    deinit { mongoc_client_destroy(client) }
}

/// Why the shop could not do something.
public struct ShopError: Error, CustomStringConvertible {
    public let description: String

    init(text: String) { description = text }

    init(_ error: bson_error_t) {
        description = withUnsafeBytes(of: error.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
