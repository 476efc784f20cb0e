import BSON
import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    mutating func write(_ prepared: Prepared, _ lock: ImportLock) throws {
        let (plan, survey) = (prepared.plan, prepared.survey)
        var loader = loader(survey, prepared.legacy, lock)
        loader.unvalidated = Set(plan.steps.filter { $0.isEncrypted || plan.bypasses($0) }.map(\.name))
        loader.limits = plan.batchLimits
        let privileges = ImportPrivileges(connection: connection, mark: lock.mark)
        try privileges.checkBypassing(of: plan.steps.filter { loader.unvalidated.contains($0.name) })
        loader.references = references(of: prepared).underWay()
        switch options.mode {
        case .replace:
            try privileges.checkDropping()
            try replace(prepared, loader, lock)
        case .merge, .insert: try merge(prepared, loader, lock)
        }
        removeRecordsOfKilled(lock)
    }

    private func removeRecordsOfKilled(_ lock: ImportLock) {
        guard lock.tookOver else { return }
        do {
            try earlierWrites.waitForEnd()
            let found = try connection.withClient {
                try $0.listCollections(in: connection.database, readPreference: .primary)
            }
            try Leftovers(connection: connection, lock: lock, operation: operation, collections: found)
                .removeRecordsOfKilled()
        } catch {
            operation.warning(
                "what an interrupted import has noted could not be removed, and is by the next import: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// - Parameter collections: all collections of the database, listed after the lock was taken.
    /// - Returns: the collections that got their names back.
    @discardableResult
    mutating func removeLitter(
        _ lock: ImportLock, among collections: [CollectionInfo], _ plan: ImportPlan
    ) throws -> [String] {
        let leftovers = Leftovers(connection: connection, lock: lock, operation: operation, collections: collections)
        let recovery = try leftovers.giveNamesBack()
        if !recovery.restored.isEmpty { stage = .tidiedUp }
        // The plan does not include collections that get their names back, and nobody was asked about them. If a
        // replace puts a view in such a place, as the earlier import did, that view is what they were displaced for.
        let isAsEarlier = options.mode == .replace && reader.metadata != nil
        let isUnasked = plan.steps.contains {
            recovery.restored.contains($0.databaseName) && !(isAsEarlier && $0.way == .view)
        }
        if isUnasked { throw FerryError(Leftovers.text(recovery), advice: ["Run the import again."]) }
        try leftovers.removeRest(after: recovery)
        return recovery.restored
    }

    mutating func countRefused(_ refused: [CollectionBuilder.RefusedIndex]) {
        report.circumstances.refusedIndexCount += refused.count
        report.circumstances.collidingIndexCount += refused.count(where: \.isForDuplicates)
    }

    /// `3 documents and 1 index`.
    var whatWasRefused: String {
        let (documents, indexes) = (rejections.count, report.circumstances.refusedIndexCount)
        return [
            documents == 0 ? nil : documents.counted("document"),
            indexes == 0 ? nil : indexes.counted("index", "indexes"),
        ].compactMap(\.self).joined(separator: " and ")
    }

    mutating func note(_ results: [RowLoader.Result], _ legacy: LegacyTypes) {
        var total: ConversionCounts?
        for counts in results.compactMap(\.conversions) {
            if total == nil { total = counts } else { total?.merge(counts) }
        }
        if let total, let resolution = legacy.resolution {
            let conversions = ConversionReport(resolution, counts: total)
            for line in conversions.lines { operation.info(line) }
            report.conversions = conversions
        }
    }

    mutating func noteRejections() {
        report.rejectionCount += rejections.count
        report.rejections += rejections.kept.prefix(max(0, ProblemList.usualLimit - report.rejections.count))
            .map(Report.Rejection.init)
        if rejections.count > 0 { report.status = .problems }
    }
}
