import ArgumentParser

/// Compares the codec with libbson's own functions: the same documents, on one thread, in one run.
@main
struct BenchTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry-bench", abstract: "Measurements of the codec.", subcommands: [CodecBench.self])
}
