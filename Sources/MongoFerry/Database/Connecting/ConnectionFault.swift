import MongoDriver

/// Explains why no server answered: host, cause, remedy.
struct ConnectionFault {
    let error: MongoError
    let connection: ConnectionString

    static func describe(_ error: MongoError, _ connection: ConnectionString) -> FerryError {
        var fault = ConnectionFault(error: error, connection: connection).described
        fault.underlying = error
        return fault
    }

    private var hosts: String { connection.hosts.joined(separator: ", ") }

    private var described: FerryError {
        if error.isAuthentication { return authentication }
        if connection.isLookedUp, error.message.contains("SRV") || error.message.contains("TXT record") {
            return FerryError(
                "cannot connect to \(hosts): \(error.message)",
                advice: [
                    "mongodb+srv:// looks the servers up by this name in DNS: is it spelled right, and is it known here? "
                        + "A server's own name goes with mongodb://."
                ])
        }
        if error.isServerSelection { return selection }
        let remedies = error.isNetworkError ? [HostCause(error.message, connection).remedy] : []
        return FerryError("\(hosts): \(error)", advice: remedies)
    }

    private var authentication: FerryError {
        let text = "\(hosts): the server refused user and password: \(error.message)"
        guard let user = connection.username else {
            return FerryError(text, advice: ["The connection string names no user."])
        }
        let place = connection.authSource.map { "the database '\($0)'" } ?? "its database"
        return FerryError(
            text,
            advice: [
                "The user '\(user)' was looked for in \(place): is that where it was created? authSource=NAME in the "
                    + "connection string says another. Special characters in a password are percent-encoded."
            ])
    }

    /// The error if no server could be used.
    private var selection: FerryError {
        let causes = error.hostCauses.map { HostCause($0, connection) }
        guard !causes.isEmpty else { return unsuited }
        // Some of a set's members may answer nevertheless.
        let silent = connection.hosts.filter { host in causes.contains { $0.host == host } }
        let others = connection.hosts.filter { !silent.contains($0) }
        if !others.isEmpty, var fault = unfit(others, causes) {
            fault.details += causes.map { "\($0.host.map { "\($0): " } ?? "")\($0.phrase)" }
            return fault
        }
        let remedies = causes.map(\.remedy).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        if causes.count == 1, let cause = causes.first {
            return FerryError("cannot connect to \(cause.host ?? hosts): \(cause.phrase)", advice: remedies)
        }
        return FerryError(
            "cannot connect to \(hosts)",
            details: causes.map { "\($0.host.map { "\($0): " } ?? "")\($0.phrase)" }, advice: remedies)
    }

    /// Servers answered, but none was suitable: libmongoc skips them without a reason, so they are asked.
    private var unsuited: FerryError {
        unfit(connection.hosts, [])
            ?? FerryError(
                "cannot connect to \(hosts): \(error.message)",
                advice: ["Check host, port, firewall, and tls and replicaSet in the connection string."])
    }

    /// The error for a replica set that has a primary but no member for the read preference.
    private func unwanted(_ name: String) -> FerryError {
        FerryError(
            "cannot connect to \(hosts): the replica set \(name) has no member that the connection string's read preference takes",
            advice: ["Say another readPreference in the connection string, or other readPreferenceTags."])
    }

    /// Asks servers why none of them was suitable. Nil if none answers, or if the only problem is that the set knows
    /// its members by other names than the connection string.
    /// - Parameter causes: why the other servers could not be used.
    private func unfit(_ candidates: [String], _ causes: [HostCause]) -> FerryError? {
        let isMisnamed = causes.contains { cause in cause.host.map { !HostCause.isNamed($0, connection) } ?? false }
        for host in candidates {
            guard let asking = try? connection.asking(host),
                let server = try? ClientPool(asking, applicationName: Connection.applicationName).withClient({
                    try $0.serverInfo()
                })
            else { continue }
            switch server.topology {
            case .replicaSet(let name):
                guard let wanted = connection.replicaSet, wanted != name else {
                    let unnamed = server.hosts.first { !HostCause.isNamed($0, connection) }
                    if error.isEndlessSearch, let unnamed {
                        let cause = HostCause("Failed to resolve '\(unnamed)'", connection)
                        return FerryError("cannot connect to \(unnamed): \(cause.phrase)", advice: [cause.remedy])
                    }
                    // If a primary has just gone, the other members do not know it yet.
                    let knowsPrimary = server.replication?.knowsPrimary == true && (isMisnamed || causes.isEmpty)
                    if server.isWritablePrimary || knowsPrimary { return isMisnamed ? nil : unwanted(name) }
                    return FerryError(
                        "cannot connect to \(hosts): the replica set \(name) has no primary",
                        details: [
                            "\(host) answers, but none of \(server.hosts.joined(separator: ", ")) takes writes now."
                        ],
                        advice: [
                            "rs.status() in mongosh says why. What only reads can do without a primary: "
                                + "readPreference=secondaryPreferred in the connection string."
                        ])
                }
                return FerryError(
                    "cannot connect to \(hosts): it belongs to the replica set '\(name)', not to '\(wanted)'",
                    advice: ["Say replicaSet=\(name) in the connection string."])
            case .standalone, .sharded:
                let kind = server.topology == .sharded ? "a mongos of a sharded cluster" : "a standalone server"
                return FerryError(
                    "cannot connect to \(hosts): it is \(kind), not a member of the replica set "
                        + "'\(connection.replicaSet ?? "")'",
                    advice: ["Leave replicaSet out of the connection string."])
            }
        }
        return nil
    }
}
