import Foundation
import MongoFerry

/// Where the outcome is written, in the form that each name's ending says.
struct ReportFiles {
    private enum Form: String {
        case json, html
    }

    private var files: [(path: String, form: Form)] = []

    /// Looks before the operation starts: that may take long.
    /// - Throws: ``FerryError`` for an ending that is no report's, or a place where nothing can be written.
    init(_ paths: [String]) throws {
        for path in paths {
            let url = URL(fileURLWithPath: path)
            guard let form = Form(rawValue: url.pathExtension.lowercased()) else {
                throw FerryError(
                    "\(path): a report's name ends in .json or .html", kind: .usage,
                    details: [".json is for programs, .html for people. --report may be given once for each."])
            }
            let manager = FileManager.default
            let folder = url.deletingLastPathComponent().path
            var isFolder: ObjCBool = false
            guard manager.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
                throw FerryError("\(path): there is no folder \(folder) for the report")
            }
            guard manager.isWritableFile(atPath: manager.fileExists(atPath: path) ? path : folder) else {
                throw FerryError("\(path): cannot write the report there")
            }
            files.append((path, form))
        }
    }

    func write(_ report: Report) throws {
        for (path, form) in files {
            let text = form == .json ? report.json : report.html
            do {
                try Data(Secrets.hidden(in: text).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch { throw FerryError("\(path): cannot write the report: \(error.localizedDescription)") }
        }
    }
}
