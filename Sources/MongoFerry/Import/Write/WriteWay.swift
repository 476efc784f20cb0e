import BackupFile

/// How a collection's documents are written, or counted as if they were.
enum WriteWay: Sendable {
    /// Inserts into a collection to which nobody else writes.
    case load
    /// Upserts: looks documents up first, and writes those that are missing or different.
    case merge(DocumentKey)
    /// Inserts only what is missing.
    case insert
    /// Like merge and insert, into a collection that was empty: documents that exist after all are replaced, or kept.
    case mergeIntoEmpty, insertIntoEmpty
    /// Inserts into a time series; existing measurements are found by the time field. Nil for an empty collection.
    case measurements(MeasurementFields?)

    /// The fields by which measurements are looked up.
    var measurementFields: MeasurementFields? { if case .measurements(let fields) = self { fields } else { nil } }

    /// Whether documents are sent without looking at existing ones. Huge ones may then be in transit while the next row
    /// is read, see ``BatchPass``; otherwise, live documents come back in addition to those that are looked up.
    var onlyInserts: Bool {
        switch self {
        case .load, .insertIntoEmpty, .mergeIntoEmpty: true
        case .merge, .insert, .measurements: false
        }
    }
}

extension ImportPlan.Step {
    /// How merge and insert write a collection; a dry run of a replace counts as a merge does.
    /// - Parameter database: for the error.
    /// - Throws: ``FerryError`` if nothing tells which field of an existing time series has the time.
    func writeWay(by key: DocumentKey, in database: String, isDryRun: Bool = false) throws -> WriteWay {
        if entry.kind == .timeseries {
            guard let live = live.collection, live.count > 0 else { return .measurements(nil) }
            // Measurements must match the live collection's fields, whatever the file says; the file's are used if the
            // user may not see the live ones.
            guard let fields = MeasurementFields(live: live.options) ?? MeasurementFields(file: entry.options) else {
                throw UnseenOptions.error(databaseName, in: database)
            }
            return .measurements(fields)
        }
        if wasEmpty, key.isID, !isDryRun { return way == .insert ? .insertIntoEmpty : .mergeIntoEmpty }
        return way == .insert ? .insert : .merge(key)
    }
}
