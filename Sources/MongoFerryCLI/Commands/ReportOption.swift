import ArgumentParser

/// Where to write a command's outcome.
struct ReportOption: ParsableArguments {
    @Option(
        name: .customLong("report"),
        help: ArgumentHelp(
            "Write the outcome, for programs (.json) or for people (.html); may be repeated.", valueName: "file"))
    var files: [String] = []
}
