import BackupFile

extension OpenFile {
    /// Opens a file that is read more than once or from its end, which a pipe cannot be.
    /// - Parameter command: the command that reads it.
    /// - Throws: ``FerryError`` of kind `usage` for standard input, a pipe or a device; ``FileError``.
    convenience init(rereading path: String, for command: String) throws {
        let advice = ["Write it to a file first. `mongoferry import` reads from a pipe."]
        guard path != "-" else {
            throw FerryError("\(command) reads a file, not standard input", kind: .usage, advice: advice)
        }
        // Checked before opening: opening a pipe would wait for its writer, or take data from another reader.
        guard !OpenFile.isPipeOrDevice(path) else {
            throw FerryError("\(path): \(command) reads a file, not a pipe or a device", kind: .usage, advice: advice)
        }
        try self.init(reading: path)
    }
}
