import Foundation
import Testing

/// Runs `body` with an import that has read 16 bytes of its standard input and waits for more, which never comes.
func withWaitingImport(
    into database: TestDatabase, _ folder: TemporaryFolder, _ more: [String] = [], environment: [String: String],
    fileSizeLimit: Int? = nil, _ body: (Program) throws -> Void
) throws {
    try withOpenPipe(in: folder) { pipe in
        let program = try Program(
            ["import", "-", "--db", database.name] + more, environment: environment, input: pipe,
            fileSizeLimit: fileSizeLimit)
        try poll("a plain line", seconds: 20) { program.errorsSoFar.contains("read standard input: 16 bytes, ") }
        try body(program)
    }
}

/// Runs `body` with a pipe that holds the first line of a bare file, and stays open: whoever reads it waits for more.
func withOpenPipe(in folder: TemporaryFolder, _ body: (String) throws -> Void) throws {
    let pipe = folder.file("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    // Also opened for writing: as long as it is open, the other end waits.
    let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data("collection,data\n".utf8))
    try body(pipe)
}
