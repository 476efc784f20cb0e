// swift-tools-version: 6.2
import PackageDescription

// CI sets MONGOFERRY_STRICT, which makes warnings errors. Without it, people who build from source with a newer
// compiler are not stopped by its new warnings.
let strict: [SwiftSetting] =
    Context.environment["MONGOFERRY_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

// Scripts/test sets MONGOFERRY_OPTIMIZED: code that processes every byte takes ten times as long in a debug build, so
// it is compiled with -O. The index of the system's own modules, which only editors read, takes a tenth of the build
// time, and so does debug information; both are left out. Not by default, since a package with such flags cannot be a
// dependency.
let forTests = Context.environment["MONGOFERRY_OPTIMIZED"] != nil
// People read the address sanitizer's reports, which need line numbers.
let withoutLines = Context.environment["MONGOFERRY_OPTIMIZED"] == "lines" ? [] : ["-gnone"]
let everywhere: [SwiftSetting] =
    strict
    + (forTests ? [.unsafeFlags(withoutLines + ["-index-ignore-system-modules", "-index-ignore-clang-modules"])] : [])
let perByte: [SwiftSetting] = everywhere + (forTests ? [.unsafeFlags(["-O"])] : [])

// A document's path is server, driver, codec, file. Targets depend only on targets above them in this list.
let package = Package(
    name: "MongoFerry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "mongoferry", targets: ["MongoFerryCLI"]),
        .library(name: "MongoFerry", targets: ["MongoFerry"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibMongoC", pkgConfig: "libmongoc-1.0",
            providers: [.apt(["libmongoc-dev", "libbson-dev"]), .brew(["mongo-c-driver@1"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(name: "CGlibc"),
        // It comes with libmongoc; swift-crypto would compile its own copy, which takes longer than the whole program.
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .target(name: "BSON", dependencies: ["CGlibc"], swiftSettings: perByte),
        .target(name: "ExtendedJSON", dependencies: ["BSON"], swiftSettings: perByte),
        .target(name: "MongoDriver", dependencies: ["BSON", "CLibMongoC"], swiftSettings: everywhere),
        .target(
            name: "BackupFile",
            dependencies: [
                "BSON", "CGlibc", "ExtendedJSON", "CZlib", "CZstd",
                // macOS has CryptoKit.
                .target(name: "CLibCrypto", condition: .when(platforms: [.linux])),
            ],
            swiftSettings: perByte),
        .target(
            name: "Relations",
            dependencies: ["BSON", "ExtendedJSON", .product(name: "Yams", package: "Yams")],
            swiftSettings: everywhere),
        .target(
            name: "MongoFerry",
            dependencies: ["BSON", "ExtendedJSON", "MongoDriver", "BackupFile", "Relations"],
            swiftSettings: everywhere),
        .executableTarget(
            name: "MongoFerryCLI",
            dependencies: [
                "MongoFerry", "BSON", "BackupFile", "CGlibc", "ExtendedJSON", "MongoDriver", "Relations",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: everywhere),

        .target(
            name: "TestServer", dependencies: ["BSON", "MongoDriver"], path: "Tests/TestServer",
            swiftSettings: everywhere),
        .testTarget(
            name: "MongoDriverTests", dependencies: ["MongoDriver", "BSON", "TestServer"], swiftSettings: everywhere),
        .testTarget(name: "RelationsTests", dependencies: ["Relations", "BSON"], swiftSettings: everywhere),
        .testTarget(
            name: "MongoFerryTests",
            dependencies: ["MongoFerry", "MongoDriver", "BackupFile", "Relations", "ExtendedJSON", "BSON"],
            swiftSettings: everywhere),
        .testTarget(
            name: "MongoFerryCLITests", dependencies: ["MongoFerryCLI", "MongoFerry", "Relations"],
            swiftSettings: everywhere),
        .testTarget(name: "BSONTests", dependencies: ["BSON"], swiftSettings: everywhere),
        .target(
            name: "RandomDocuments", dependencies: ["BSON"], path: "Tests/RandomDocuments", swiftSettings: perByte),
        .target(
            name: "IndependentReader", dependencies: ["BSON", "CLibMongoC"], path: "Tests/IndependentReader",
            swiftSettings: everywhere),
        .target(
            name: "InsuranceLedger", dependencies: ["BSON", "ExtendedJSON"], path: "Tests/InsuranceLedger",
            exclude: ["mongoferry.yaml"], swiftSettings: perByte),
        .executableTarget(
            name: "ferry-ledger",
            dependencies: [
                "BSON", "InsuranceLedger", "MongoDriver",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/LedgerTool", swiftSettings: everywhere),
        .executableTarget(
            name: "ferry-bench",
            dependencies: [
                "BSON", "CLibMongoC", "ExtendedJSON", "InsuranceLedger",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/BenchTool", swiftSettings: everywhere),
        .testTarget(
            name: "ExtendedJSONTests", dependencies: ["ExtendedJSON", "RandomDocuments", "IndependentReader"],
            swiftSettings: everywhere),
        .testTarget(
            name: "BackupFileTests",
            dependencies: ["BackupFile", "MongoFerry", "BSON", "RandomDocuments", "CZlib", "CZstd"],
            swiftSettings: everywhere),
        .testTarget(
            name: "ScenarioTests",
            dependencies: [
                "MongoFerry", "MongoDriver", "BackupFile", "Relations", "ExtendedJSON", "BSON", "RandomDocuments",
                "InsuranceLedger", "IndependentReader", "TestServer",
            ],
            path: "Tests/Scenarios", swiftSettings: everywhere),
    ],
    swiftLanguageModes: [.v6]
)
