import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Listens on a port without being a MongoDB server.
// @unchecked: the descriptor never changes.
final class FakeServer: @unchecked Sendable {
    enum Manner {
        /// Answers like a web server.
        case web
        /// Accepts connections and says nothing.
        case silent
        /// Closes connections at once.
        case closing
    }

    let port: Int
    private let connections = Taken()
    /// The number of connections that it has made to itself.
    private let own = Atomic<Int>(0)
    private let listener: Int32

    /// - Parameter port: 0 for a free one.
    /// - Throws: `POSIXError` if the port is taken.
    init(_ manner: Manner, port: Int = 0) throws {
        listener = OwnDescriptors.newSocket()
        var address = Self.address(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listener, connections) = (listener, connections)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                // Unless it is bound, `listen` would choose a port on all of the machine's addresses.
                bind(listener, generic, length) == 0 && getsockname(listener, generic, &length) == 0
                    && listen(listener, 16) == 0
            }
        }
        guard isListening else {
            let code = POSIXErrorCode(rawValue: errno) ?? .EADDRINUSE
            close(listener)
            throw POSIXError(code)
        }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        Thread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                // A child process that inherited the connection would keep it open.
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                connections.count.add(1, ordering: .relaxed)
                Thread { Self.serve(connection, manner) }.start()
            }
        }.start()
    }

    private static func serve(_ connection: Int32, _ manner: Manner) {
        defer { close(connection) }
        guard manner != .closing else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(connection, &buffer, buffer.count) > 0 {
            guard manner == .web else { continue }
            let answer = Array("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nBad Request".utf8)
            _ = write(connection, answer, answer.count)
            return
        }
    }

    /// The number of connections accepted so far.
    private final class Taken: Sendable {
        let count = Atomic<Int>(0)
    }

    var wasReached: Bool { connections.count.load(ordering: .relaxed) > 0 }

    /// Returns the number of connections that others have made, for a server that closes them.
    ///
    /// It makes one itself: connections are accepted in their order, so that all before it have been counted.
    func countConnections() throws -> Int {
        let connection = OwnDescriptors.newSocket()
        defer { close(connection) }
        var address = Self.address(port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw POSIXError(.ECONNREFUSED) }
        var byte: UInt8 = 0
        _ = read(connection, &byte, 1)
        return connections.count.load(ordering: .relaxed) - own.wrappingAdd(1, ordering: .relaxed).newValue
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
