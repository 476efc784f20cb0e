import BackupFile
import ExtendedJSON
import MongoDriver
import Relations

// The types of other modules that callers of this library need to name, so that `import MongoFerry` is enough. The
// modules are not re-exported whole: their `Document` and `Value` would clash with those of the caller's own driver.

/// The content of a `mongoferry.yaml`.
public typealias Configuration = Relations.Configuration

/// What is wrong with a `mongoferry.yaml`, and where.
public typealias ConfigurationError = Relations.ConfigurationError

/// A name pattern with wildcards: `*` stands for any characters, `?` for one.
public typealias Glob = Relations.Glob

/// A reference from one collection to another.
public typealias Reference = Relations.Reference

/// A path to values inside a document, such as `vehicles[].drivers[].customerId`.
public typealias FieldPath = Relations.FieldPath

/// Why a text is not a path.
public typealias FieldPathError = Relations.FieldPathError

/// The condition under which a reference holds: what the field beside it must contain.
public typealias ReferenceCondition = Relations.ReferenceCondition

/// A type that a configuration gives to a path, for files without metadata.
public typealias FieldType = Relations.FieldType

/// An error from a server or from the driver.
public typealias MongoError = MongoDriver.MongoError

/// An operation on a file that the system refused.
public typealias FileError = BackupFile.FileError

/// What is wrong with a backup file as a whole.
public typealias BackupError = BackupFile.BackupError

/// What was converted in the rows of a file that has no metadata, by path, with the reasons.
public typealias ConversionReport = Relations.ConversionReport

/// A reference that discovery found and is not sure of.
public typealias ReferenceCandidate = Relations.ReferenceCandidate

/// The reference graph as text, Mermaid, Graphviz or SVG.
public typealias GraphDrawing = Relations.GraphDrawing

/// A connection string that was looked at: its hosts, its database, and its text without the password.
public typealias ConnectionString = MongoDriver.ConnectionString

/// What a file says about itself.
public typealias BackupMetadata = BackupFile.BackupMetadata

/// The last line of a file: its row counts, and the SHA-256 of all before it.
public typealias Seal = BackupFile.Seal

/// A filter that selects the documents of a collection.
public typealias CollectionQuery = BackupFile.CollectionQuery

/// How a file is compressed.
public typealias Compression = BackupFile.Compression

/// How documents are written: compact, canonical or relaxed Extended JSON.
public typealias ExtendedJSONMode = ExtendedJSON.ExtendedJSONMode

/// An open file or descriptor.
public typealias OpenFile = BackupFile.OpenFile

/// What takes the bytes of an export: a stream of the caller's own.
public typealias ByteSink = BackupFile.ByteSink

extension ExportOptions {
    /// Where an export goes.
    public typealias Destination = BackupWriter.Destination
}

extension Report {
    /// A collection that was left out, and why.
    public typealias Exclusion = BackupMetadata.Exclusion
}
