import BackupFile
import MongoDriver

/// Reads, encodes, compresses and writes at the same time, each on threads of its own.
struct ExportPipeline {
    let reader: PartReader
    /// The number of threads that read, each with a connection.
    var readers = 1
    let encoder: ChunkEncoder
    /// The number of threads that encode.
    var encoders = 1
    let sink: RowSink
    /// The number of threads that compress, beside the one that writes.
    var compressors = 0

    /// Carries all documents into the file.
    func run(over connection: Connection) throws {
        let (reader, encoder, sink) = (reader, encoder, sink)
        let open = Tally()
        open.add(readers)
        let reading = (0..<readers).map { index in
            { @Sendable in
                try connection.withClient {
                    try reader.run(with: $0, takesLarge: index < Connection.readersOfLarge)
                }
                if open.add(-1) == 0 { reader.encoders.close() }
            }
        }
        let encoding: @Sendable () throws -> Void = { try encoder.run() }
        let writing: @Sendable () throws -> Void = { try sink.run() }
        let compressing = Threads.help(compressors) { sink.helpToCompress() }
        defer {
            sink.dismissHelpers()
            compressing.wait()
        }
        try Threads.runAll(reading + Array(repeating: encoding, count: encoders) + [writing]) { reader.stop() }
    }

    /// Runs `body`, which writes and checks the rows, while a thread flushes them, and waits for the flush.
    /// - Parameter body: is stopped if a flush fails.
    /// - Throws: ``FileError`` if a flush fails; what `body` throws; `CancellationError`.
    func flushing<Result>(_ cancellation: Cancellation, _ body: () throws -> Result) throws -> Result {
        let (sink, reader) = (sink, reader)
        let flush = try ThreadAnswer {
            do { try sink.flushEarly() } catch {
                reader.stop()
                throw error
            }
        }
        do {
            let result = try body()
            while true {
                if let flushed = flush.wait(seconds: 0.1) {
                    try flushed.get()
                    return result
                }
                try cancellation.check()
            }
        } catch {
            sink.stopFlushing()
            // A flush's error takes precedence: it is why the others have stopped.
            try flush.wait().get()
            throw error
        }
    }
}
