import BackupFile

extension ImportPlan.Step {
    /// How merge and insert write a collection; a dry run of a replace counts as a merge does.
    func writeWay(by key: DocumentKey, isDryRun: Bool = false) -> DocumentWriter.Way {
        if entry.kind == .timeseries {
            let isNew = (liveCount ?? 0) == 0
            // Measurements must match the live collection's fields, whatever the file says; the file's are used if the
            // user may not see the live ones.
            let fields = MeasurementFields(live: liveOptions) ?? MeasurementFields(file: entry.options)
            return .measurements(isNew ? nil : fields)
        }
        if wasEmpty, key.isID, !isDryRun { return way == .insert ? .insertIntoEmpty : .mergeIntoEmpty }
        return way == .insert ? .insert : .merge(key)
    }
}
