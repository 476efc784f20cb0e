/// What is known about the time field of a time series.
enum TimeField: Sendable {
    /// The measurements may go into an existing time series, which may have another time field.
    case unchecked
    case checked(String)
}
