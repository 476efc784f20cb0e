import Foundation

/// The server that is asked where nobody names one.
package enum StandardAddress {
    package static let text = "mongodb://localhost:27017"

    /// What the environment names; nil if its variable is not set. Empty if that is: `export MONGODB_URI="$(…)"` leaves
    /// this if the command has failed, and the standard address is no substitute, since it may be the user's own server.
    package static var ofEnvironment: String? { ProcessInfo.processInfo.environment["MONGODB_URI"] }

    package static let adviceWhereEmpty = "give it an address, or unset it: then \(text) is asked."
}
