import Foundation

/// The package's own files, for tests of what stands in them.
enum ProjectFile {
    /// - Parameter name: the path from the package's folder.
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../\(name)").standardized.path
    }
}
