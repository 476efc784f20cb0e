import BSON
import CLibMongoC

extension BulkWrite {
    // libmongoc's own checks would refuse documents that servers from 5.0 on store.
    private static let plain: Document = ["validate": false]
    private static let updating: Document = ["validate": false, "upsert": false]
    private static let upserting: Document = ["validate": false, "upsert": true]

    /// The bytes that `q`, `u`, `upsert` and `multi` add to an update; a deletion needs fewer.
    private static let operationOverhead = 28

    /// Adds an insertion; the bytes are copied.
    /// - Throws: ``MongoError`` if the C library rejects it.
    public func insert(_ document: RawDocument) throws {
        try add(.insert, size: document.bytes.count, allowance: 0) { bulk, error in
            try document.withC { document in
                try Self.plain.withC { options in
                    mongoc_bulk_operation_insert_with_opts(bulk, document, options, &error)
                }
            }
        }
    }

    /// Adds the insertion of a document that an ordinary insertion would change; see
    /// ``BSON/RawDocument/needsPipelineToInsert``.
    /// - Throws: ``MongoError`` if the C library rejects it.
    public func insertByUpdate(_ document: RawDocument) throws {
        let statement = Self.insertion(byUpdate: document)
        guard let filter = statement["q"]?.document, let stages = statement["u"]?.array?.compactMap(\.document) else {
            throw MongoError(driver: "an insertion by update was made without its parts", context: context)
        }
        try updateOne(filter: filter, pipeline: stages, upsert: true)
    }

    /// The equivalent statement of an `update` command: an upsert whose filter matches nothing, so that an existing
    /// document with that `_id` is an error and is never changed.
    public static func insertion(byUpdate document: RawDocument) -> Document {
        let literal = Document { $0.append("$literal", copying: document) }
        // The _id tells a sharded cluster where the document belongs.
        let id = document["_id"].map { ["_id": ["$eq": $0.copy]] as Document } ?? [:]
        return [
            "q": .document(id.appending("$nor", [[:]])), "u": [["$replaceWith": .document(literal)]], "upsert": true,
        ]
    }

    /// Adds the replacement of the one document that the filter matches, by exactly these bytes.
    ///
    /// Sent as an ordinary replacement if the server takes the document unchanged, otherwise as an update pipeline: in
    /// a replacement, the server would overwrite a top-level `Timestamp(0, 0)` with its own time and refuse a top-level
    /// name that begins with `$`. A document that needs the pipeline and has repeated names is refused here. Callers
    /// must not replace a stored document that has repeated names by one that needs the pipeline: the server would
    /// abort, see ``BSON/RawDocument/hasRepeatedNames``.
    /// - Throws: ``MongoError`` if the C library rejects it.
    public func replaceOne(filter: RawDocument, with document: RawDocument, upsert: Bool) throws {
        guard !document.needsPipelineToReplace else {
            if document.hasRepeatedNames {
                return refuse(
                    "it has repeated names, and also a zero timestamp or a name that begins with $: servers take no "
                        + "replacement by such a document")
            }
            let stage: Document = ["$replaceWith": ["$literal": .document(Document(copying: document))]]
            return try updateOne(filter: filter, pipeline: [stage], upsert: upsert)
        }
        let size = filter.bytes.count + document.bytes.count + Self.operationOverhead
        try add(.update, size: size) { bulk, error in
            try Self.withC(filter, document, upsert ? Self.upserting : Self.updating) { filter, document, options in
                mongoc_bulk_operation_replace_one_with_opts(bulk, filter, document, options, &error)
            }
        }
    }

    public func replaceOne(filter: Document, with document: RawDocument, upsert: Bool) throws {
        try filter.withRaw { try replaceOne(filter: $0, with: document, upsert: upsert) }
    }

    /// Adds an update of the one document that the filter matches, by an aggregation pipeline.
    ///
    /// `[{$replaceWith: {$literal: document}}]` with `upsert` inserts a document with a top-level `Timestamp(0, 0)`
    /// unchanged. If a matching document exists, neither it nor the new one may have repeated names: see
    /// ``BSON/RawDocument/hasRepeatedNames``.
    /// - Throws: ``MongoError`` if there is no stage, which the server would take for an empty replacement, or if a
    ///   stage does not begin with `$`.
    public func updateOne(filter: RawDocument, pipeline: [Document], upsert: Bool) throws {
        let isPipeline = pipeline.allSatisfy { $0.withRaw { $0.first?.key.first == UInt8(ascii: "$") } }
        guard !pipeline.isEmpty, isPipeline else {
            throw MongoError(driver: "an update pipeline needs stages that begin with $", context: context)
        }
        let stages = Document { builder in
            for (index, stage) in pipeline.enumerated() { builder.append(String(index), .document(stage)) }
        }
        let size = filter.bytes.count + stages.bytes.count + Self.operationOverhead
        try stages.withRaw { stages in
            try add(.update, size: size) { bulk, error in
                try Self.withC(filter, stages, upsert ? Self.upserting : Self.updating) { filter, stages, options in
                    mongoc_bulk_operation_update_one_with_opts(bulk, filter, stages, options, &error)
                }
            }
        }
    }

    public func updateOne(filter: Document, pipeline: [Document], upsert: Bool) throws {
        try filter.withRaw { try updateOne(filter: $0, pipeline: pipeline, upsert: upsert) }
    }

    /// Adds the deletion of the one document that the filter matches.
    /// - Throws: ``MongoError`` if the C library rejects it.
    public func deleteOne(filter: RawDocument) throws {
        try add(.delete, size: filter.bytes.count + Self.operationOverhead) { bulk, error in
            try filter.withC { filter in
                mongoc_bulk_operation_remove_one_with_opts(bulk, filter, nil, &error)
            }
        }
    }

    public func deleteOne(filter: Document) throws {
        try filter.withRaw { try deleteOne(filter: $0) }
    }

    private static func withC(
        _ filter: RawDocument, _ document: RawDocument, _ options: Document,
        _ body: (CDocument, CDocument, CDocument) throws -> Bool
    ) throws -> Bool {
        try filter.withC { filter in
            try document.withC { document in
                try options.withC { options in try body(filter, document, options) }
            }
        }
    }
}
