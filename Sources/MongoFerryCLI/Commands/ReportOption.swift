import ArgumentParser

/// Where the outcome of a command is written to.
struct ReportOption: ParsableArguments {
    @Option(
        name: .customLong("report"),
        help: ArgumentHelp(
            "Write the outcome, for programs (.json) or for people (.html); may be repeated.", valueName: "file"))
    var files: [String] = []
}
