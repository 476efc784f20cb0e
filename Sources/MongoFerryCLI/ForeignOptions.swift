/// Options that users know from mongodump, mongorestore, mongoexport and mongoimport, and their names here.
enum ForeignOptions {
    private static let hints = [
        "--drop": "What --drop does there, --mode replace does here.",
        "--file": "The file is an argument without a name: mongoferry import FILE.",
        "--archive": "The file is named with -o on export, and without an option on import.",
        "--dir": "The file is an argument without a name: mongoferry import FILE.",
        "--gzip": "A file named NAME.csv.gz or NAME.csv.zst is compressed; a reader goes by the content.",
        "--excludeCollection": "Here it is --exclude NAME.",
        "--excludeCollectionsWithPrefix": "Here it is --exclude 'PREFIX*'.",
        "--nsExclude": "Here it is --exclude NAME.",
        "--nsInclude": "Here it is --collection NAME.",
        "--nsFrom": "Here it is --rename A=B.",
        "--nsTo": "Here it is --rename A=B.",
        "--upsertFields": "Here it is --upsert-keys a,b.",
        "--upsert": "Here it is --mode merge, which is what happens without --mode.",
        "--dryRun": "Here it is --dry-run.",
        "--numParallelCollections": "Here it is --jobs N.",
        "--numInsertionWorkers": "Here it is --jobs N.",
        "--numInsertionWorkersPerCollection": "Here it is --jobs N.",
        "--verbose": "Here it is --log-level debug.",
        "-v": "Here it is --log-level debug.",
        "--jsonFormat": "Here it is --json canonical, or relaxed.",
        "--queryFile": "Here it is --query 'NAME={…}'; a shell puts a file in with \"NAME=$(cat FILE)\".",
    ].merging(
        ["--host", "--port", "--username", "-u", "--password", "-p", "--authenticationDatabase", "--tls", "--ssl"].map {
            ($0, "Host, user and options stand in the connection string: --uri, or --uri-file, or $MONGODB_URI.")
        }
    ) { first, _ in first }

    /// The hint for an error message of the parser; nil if it does not name such an option.
    static func hint(for complaint: String) -> String? {
        guard let match = complaint.firstMatch(of: /Unknown option '(-[^']*)'/) else { return nil }
        return hints[String(match.1)]
    }
}
