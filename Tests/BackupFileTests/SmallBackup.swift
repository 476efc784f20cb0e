import BSON
import BackupFile
import Foundation
import MongoFerry
import Testing

/// A folder for backups of a few rows, whole or damaged, and what reading them yields.
struct SmallBackup {
    let folder: String

    /// Lends a new folder, and removes it afterwards.
    static func lend(_ body: (SmallBackup) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "mongoferry_file_\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(SmallBackup(folder: folder))
    }

    func path(_ name: String) -> String { folder + "/" + name }

    static let customers = [
        #"customers,"{""_id"":1,""name"":""Amara""}""#, #"customers,"{""_id"":2,""name"":""Bo, \""B\""""}""#,
    ]
    static let policies = [
        #"policies,"{""_id"":10,""customerId"":1}""#, #"policies,"{""_id"":11,""customerId"":2}""#,
    ]

    static let noRows = ["customers": 0, "policies": 0, "receipts": 0]

    static var metadata: BackupMetadata {
        BackupMetadata(
            created: "2026-11-23T20:04:45.123Z", program: "mongoferry 0.1.0", database: "insurance",
            serverVersion: "6.0.5", topology: "replica set rs0", hosts: ["localhost:27017"], consistency: "snapshot",
            snapshot: "2026-11-23T20:04:44Z",
            collections: [
                BackupMetadata.Collection(
                    name: "customers", indexes: [["v": 2, "key": ["_id": 1], "name": "_id_"]], records: 2),
                BackupMetadata.Collection(name: "policies", records: 2), BackupMetadata.Collection(name: "receipts"),
            ])
    }

    @discardableResult
    func write(
        _ name: String, rows: [String] = customers + policies, metadata: BackupMetadata = SmallBackup.metadata,
        plain: Bool = false
    ) throws -> [UInt8] {
        let writer = try BackupWriter(
            .file(path: path(name), overwriting: true), compression: Compression(fileName: name), plain: plain,
            metadata: metadata)
        for row in rows {
            let bytes = Array((row + "\n").utf8)
            try bytes.withUnsafeBytes { try writer.write(rows: $0) }
        }
        let counts = metadata.collections.map { collection in
            (collection.name, rows.count { $0.hasPrefix("\(collection.name),") })
        }
        try writer.finish(counts: Dictionary(counts) { $1 })
        return try bytes(of: name)
    }

    func bytes(of name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

    func text(of name: String) throws -> String { String(decoding: try bytes(of: name), as: UTF8.self) }

    func put(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    }

    /// What `verify` finds wrong with a file of these bytes; empty if it is sound.
    func faults(in bytes: [UInt8], _ name: String = "damaged.csv") throws -> [String] {
        try put(bytes, name)
        return try faults(of: name)
    }

    func faults(of name: String) throws -> [String] {
        let report: Report
        do {
            report = try Verify(file: path(name), target: nil).runBlocking(OperationContext())
        } catch let error as BackupError where error.kind == .newerFormat {
            return [error.reason]
        }
        let faults =
            report.rejections.map { rejection in
                (rejection.line.map { "line \($0): " } ?? "") + rejection.reason
            } + report.differences.map(\.detail)
            + report.references.filter { $0.dangling > 0 }.map {
                "\($0.collection).\($0.path): \($0.dangling) dangling"
            }
        #expect((report.status == .done) == faults.isEmpty)
        return faults
    }

    /// The metadata line and all rows of a sound file, decompressed.
    func content(of name: String) throws -> [UInt8] {
        let reader = try BackupReader(try OpenFile(reading: path(name)))
        let batch = RecordBatch()
        var content = Array((reader.metadata?.sourceText ?? "").utf8)
        while try reader.nextBatch(into: batch) {
            batch.forEachRow { content += Array($0.bytes) + [0x0A] }
        }
        return content
    }
}
