import BackupFile
import MongoDriver
import Relations

// What this library's callers have to name, of the modules that it is made of: `import MongoFerry` is enough. Not all
// of those modules: their `Document` and `Value` would clash with those of the caller's own driver.

/// What a `mongoferry.yaml` says.
public typealias Configuration = Relations.Configuration

/// What is wrong with a `mongoferry.yaml`, and where.
public typealias ConfigurationError = Relations.ConfigurationError

/// A name with wildcards: `*` stands for any characters, `?` for one.
public typealias Glob = Relations.Glob

/// A reference from one collection to another.
public typealias Reference = Relations.Reference

/// What a server or the driver refused.
public typealias MongoError = MongoDriver.MongoError

/// What the system refused to do with a file.
public typealias FileError = BackupFile.FileError

/// What is wrong with a backup file as a whole.
public typealias BackupError = BackupFile.BackupError
