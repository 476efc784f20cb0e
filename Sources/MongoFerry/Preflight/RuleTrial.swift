import BSON
import BackupFile
import Relations

/// Tries the rules on every row of a file without writing any; one thread's part.
final class RuleTrial: BatchWorker {
    private let rules: TypeRules
    private let rekeyed: Set<String>
    private let converter: LegacyConverter
    private let maximumDocument: Int
    /// Lines of rows that repeat an `_id`: they are no longer imported, and were noted already.
    private let linesSetAside: LineSet
    /// Whether to look at all rows, not only at those that a rule may convert.
    private let looksAtAll: Bool
    private var decoder: RowDecoder
    private(set) var problems: ProblemList
    /// Hashes of the `_id`s in a batch, for the collections in `rekeyed`.
    private var ids: [String: RecordHashes] = [:]
    private let hashes: SharedHashes<String>

    init(
        rules: TypeRules, rekeyed: Set<String>, survey: FileSurvey, limit: Int, hashes: SharedHashes<String>
    ) {
        self.hashes = hashes
        self.rules = rules
        self.rekeyed = rekeyed
        converter = LegacyConverter(survey, rules)
        maximumDocument = survey.maximumDocument
        linesSetAside = survey.linesSetAside
        looksAtAll = survey.hasLargeLegacyRows
        // The survey has noted rows that are too large to be read.
        decoder = RowDecoder(survey)
        problems = ProblemList(limit: limit, lineLimit: survey.problems.lineLimit)
    }

    func look(at batch: RecordBatch) {
        defer { hashes.move(&ids) }
        batch.forEachRow { row in
            if !linesSetAside.isEmpty, linesSetAside.contains(row.line) { return }
            // The survey has noted rows that cannot be read.
            guard let (name, fields) = try? decoder.fields(of: row), looksAtAll || rules.rules(for: name) != nil else {
                return
            }
            let line = row.line
            let problem = try? decoder.withDocument(fields, line: line, collection: name) {
                document, traits -> RowProblem? in
                do {
                    let isLegacy = converter.includes(document, traits)
                    let result = try isLegacy ? converter.converted(document, in: name) : document
                    try RowDecoder.checkSize(result, maximumDocument, line: line, collection: name)
                    noteID(of: result, in: name)
                    return nil
                } catch let problem as RowProblem {
                    return problem
                } catch {
                    return RowProblem(
                        line: line, collection: name, id: document.first.map(IDText.text), reason: "\(error)")
                }
            }
            if let problem = problem ?? nil { problems.add(problem) }
        }
    }

    private func noteID(of document: RawDocument, in name: String) {
        guard rekeyed.contains(name), let id = document.first else { return }
        ids[name, default: RecordHashes()].append(IDHash.hash(id), document: nil)
    }
}
