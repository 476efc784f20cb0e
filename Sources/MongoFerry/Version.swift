/// The version of this program and library.
public let mongoFerryVersion = "0.1.0"
