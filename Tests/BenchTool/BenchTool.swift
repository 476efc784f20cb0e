import ArgumentParser

/// Measures the codec against libbson's own functions on the same documents, one thread, in one run.
@main
struct BenchTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry-bench", abstract: "Measurements of the codec.", subcommands: [CodecBench.self])
}
