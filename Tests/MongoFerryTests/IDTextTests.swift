import BackupFile
import Testing

@testable import MongoFerry

/// The `_id` by which an unreadable row is reported.
@Suite struct IDTextTests {
    private func found(_ data: String, isQuoted: Bool = false) -> String? {
        Array(data.utf8).withUnsafeBytes { IDText.found(in: $0, isQuoted: isQuoted) }
    }

    @Test(
        arguments: [
            (#"{"_id":7,"x":"#, "7"), (#"{"_id":-7}"#, "-7"), (#" { "_id" : "a b" , x}"#, #""a b""#),
            (#"{"_id":{"$oid":"5c2aad8000000000000000ff"},"x":"#, #"{"$oid":"5c2aad8000000000000000ff"}"#),
            (#"{"_id": {"$oid" : "5c2aad8000000000000000ff"}"#, #"{"$oid" : "5c2aad8000000000000000ff"}"#),
            (#"{"_id":"""#, #""""#), (#"{"_id":7.5}"#, "7"),
        ])
    func isWhatTheTextBeginsWith(data: String, id: String) { #expect(found(data) == id) }

    @Test func quotesThatAreDoubledAreRead() { #expect(found(#"{""_id"":""a"",""x"":"#, isQuoted: true) == #""a""#) }

    @Test(
        arguments: [
            "", "{", "x", #"{"_id":"#, #"{"_id":"never closed"#, #"{"_id":-}"#, #"{"_id":{"$oid":"short"}}"#,
            #"{"_id":{"$oid":"5c2aad8000000000000000ff""#, #"{"_id":true}"#, #"{"x":1,"_id":7}"#, #"["_id":7]"#,
        ])
    func isNotGuessed(data: String) { #expect(found(data) == nil) }
}
