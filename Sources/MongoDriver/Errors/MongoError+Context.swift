extension MongoError {
    /// What was being done, and on what: `find on insurance.customers`.
    public struct Context: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringInterpolation {
        public let description: String
        /// The command's name; nil for what is no single command of the server.
        public let command: String?
        /// The collection or database that the command concerns; nil without a command.
        public let target: String?

        public init(command: String, on target: String) {
            description = "\(command) on \(target)"
            self.command = command
            self.target = target
        }

        public init(stringLiteral value: String) {
            description = value
            command = nil
            target = nil
        }
    }
}
