/// What is known of the field with the time of a time series' measurements.
enum TimeField: Sendable {
    /// The measurements go into a time series that has been there, and may have another.
    case unchecked
    case checked(String)

    /// What is wrong with a measurement that has no date there.
    static func textOfMissing(_ field: String) -> String {
        "servers take no measurement without a date in its time field, \(field)"
    }
}
