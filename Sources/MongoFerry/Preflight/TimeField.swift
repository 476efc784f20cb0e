import BackupFile
import Relations

/// What is known about the time field of a time series.
enum TimeField: Sendable {
    /// The measurements may go into an existing time series, which may have another time field.
    case unchecked
    case checked(String)

    /// What is wrong with a measurement that has no date there.
    static func textOfMissing(_ field: String) -> String {
        "servers take no measurement without a date in its time field, \(BackupMetadata.shown(field).excerpt(60))"
    }
}
