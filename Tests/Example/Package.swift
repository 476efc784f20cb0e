// swift-tools-version: 6.2
import PackageDescription

// A package to copy: an application, and tests that start from a fixture. The tests need only MongoFerry's library.
let package = Package(
    name: "Shop",
    platforms: [.macOS(.v15)],
    dependencies: [
        // In a package of your own: .package(url: "https://github.com/…/MongoFerry", from: "0.1.0")
        .package(name: "MongoFerry", path: "../..")
    ],
    targets: [
        .systemLibrary(
            name: "CMongoC", pkgConfig: "libmongoc-1.0",
            providers: [.apt(["libmongoc-dev", "libbson-dev"]), .brew(["mongo-c-driver@1"])]),
        .target(name: "Shop", dependencies: ["CMongoC"]),
        .testTarget(
            name: "ShopTests", dependencies: ["Shop", .product(name: "MongoFerry", package: "MongoFerry")],
            exclude: ["shop.csv"]),
    ],
    swiftLanguageModes: [.v6]
)
