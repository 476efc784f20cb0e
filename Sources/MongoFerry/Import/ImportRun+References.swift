import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    func references(of prepared: Prepared) -> ImportReferences {
        ImportReferences(
            references: prepared.references, plan: prepared.plan, survey: prepared.survey,
            otherNames: FileNames(
                metadata: reader.metadata, configuration: options.configuration, renames: options.renames),
            knowsIDs: reader.metadata != nil && key.isID, isReplace: options.mode == .replace,
            connection: connection, operation: operation)
    }

    mutating func verify(_ prepared: Prepared) throws {
        guard report.status == .done || report.status == .problems else { return }
        let references = references(of: prepared)
        // The check only reads, so it is repeated after an election.
        report.references = try Repeating.run { _ in
            try references.check(tallied, areAllTaken: rejections.count == 0)
        }
        operation.tellUnmetConditions(report.references)
        if let text = UnseenOptions.warning(report.references, in: connection.database) { operation.warning(text) }
    }

    /// Finds documents that a server removed while others were written: the oldest of a full capped collection.
    /// - Returns: a warning for each such collection.
    func lostFromCapped(_ plan: ImportPlan) throws -> [String] {
        guard report.status == .done || report.status == .problems else { return [] }
        return try plan.steps.compactMap { step in
            let isSure = step.isReplaced || !step.hidesOptions
            // Documents that expire are removed as well.
            let expires = step.entry.indexes.contains { $0["expireAfterSeconds"] != nil }
            guard step.mayBeCapped, isSure || !expires,
                let outcome = report.collections.first(where: { $0.name == step.name }), outcome.inserted > 0
            else { return nil }
            let written = outcome.inserted + (step.isReplaced ? 0 : step.liveCount ?? 0)
            let count = try connection.withClient {
                try $0.countDocuments(connection.namespace(step.databaseName))
            }
            guard count < written else { return nil }
            let name = BackupMetadata.shown(step.databaseName)
            let kept = "of \(written.counted("document")) the server has kept \(count.grouped)"
            guard isSure else {
                // Or another program has removed some meanwhile, or they have expired.
                operation.warning("\(name) may be capped and full: \(kept)")
                return nil
            }
            return "\(name) is capped and full: \(kept)"
        }
    }
}
