import BackupFile
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

/// An error from a server or from the driver.
public typealias MongoError = MongoDriver.MongoError

/// An operation on a file that the system refused.
public typealias FileError = BackupFile.FileError

/// What is wrong with a backup file as a whole.
public typealias BackupError = BackupFile.BackupError
