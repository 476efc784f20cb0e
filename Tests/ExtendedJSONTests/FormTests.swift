import BSON
import ExtendedJSON
import IndependentReader
import Testing

@Suite struct FormTests {
    /// An empty regular expression takes 5 bytes in BSON and 61 characters as text. Readers limit the length of a text,
    /// so the encoder does, too.
    @Test func aDocumentWhoseTextWouldBeLongerThanAnyReaderTakesIsCarriedWhole() throws {
        func framed(_ content: [UInt8]) -> [UInt8] {
            withUnsafeBytes(of: Int32(content.count + 5).littleEndian, Array.init) + content + [0]
        }
        let ten = framed((0..<10).flatMap { [0x0B, 0x30 + UInt8($0), 0, 0, 0] })
        var outer: [UInt8] = []
        for index in 0..<180_000 { outer += [0x04] + Array("\(index)".utf8) + [0] + ten }
        let document = try Document(validating: framed([0x04, 0x61, 0] + framed(outer)))
        let buffer = ByteBuffer()
        let outcome = document.withRaw { ExtendedJSONEncoder(quotes: .doubled).encode($0, into: buffer) }
        #expect(outcome == .escaped)
        #expect(buffer.count < document.bytes.count * 3 / 2)
    }

    /// Each U+0001 takes six bytes of text.
    @Test func muchTextThatMustBeEscapedIsCarriedWholeToo() throws {
        for (count, expected) in [(5_000_000, false), (8_000_000, true)] {
            let document: Document = ["_id": 1, "text": .string(String(repeating: "\u{1}", count: count))]
            let buffer = ByteBuffer()
            let outcome = document.withRaw { ExtendedJSONEncoder(quotes: .doubled).encode($0, into: buffer) }
            #expect((outcome == .escaped) == expected)
            #expect(buffer.count < ExtendedJSONEncoder.maximumText)
            #expect(buffer.storage.count <= ExtendedJSONEncoder.maximumText, "room for what is not written")
            let read = ByteBuffer()
            _ = try ExtendedJSONDecoder(quotes: .doubled).decode(buffer.bytes, into: read)
            #expect(document.withRaw { raw in raw.bytes.elementsEqual(read.bytes) })
        }
    }

    private static let forms: [(Value, compact: String, canonical: String)] = [
        (.int32(5), "5", #"{"$numberInt":"5"}"#),
        (.int32(.min), "-2147483648", #"{"$numberInt":"-2147483648"}"#),
        (.int64(5), #"{"$numberLong":"5"}"#, #"{"$numberLong":"5"}"#),
        (.int64(2_147_483_648), "2147483648", #"{"$numberLong":"2147483648"}"#),
        (.int64(1 << 53), "9007199254740992", #"{"$numberLong":"9007199254740992"}"#),
        (.int64(1 << 53 + 1), #"{"$numberLong":"9007199254740993"}"#, #"{"$numberLong":"9007199254740993"}"#),
        (.double(5), "5.0", #"{"$numberDouble":"5.0"}"#),
        (.double(-0.0), "-0.0", #"{"$numberDouble":"-0.0"}"#),
        (.double(19.99), "19.99", #"{"$numberDouble":"19.99"}"#),
        (.double(0.1), "0.1", #"{"$numberDouble":"0.1"}"#),
        (.double(1e300), "1e+300", #"{"$numberDouble":"1e+300"}"#),
        (.double(.nan), #"{"$numberDouble":"NaN"}"#, #"{"$numberDouble":"NaN"}"#),
        (.double(-.infinity), #"{"$numberDouble":"-Infinity"}"#, #"{"$numberDouble":"-Infinity"}"#),
        (.date(0), #"{"$date":"1970-01-01T00:00:00Z"}"#, #"{"$date":{"$numberLong":"0"}}"#),
        (
            .date(1_795_464_285_123), #"{"$date":"2026-11-23T20:04:45.123Z"}"#,
            #"{"$date":{"$numberLong":"1795464285123"}}"#
        ),
        (.date(-1), #"{"$date":{"$numberLong":"-1"}}"#, #"{"$date":{"$numberLong":"-1"}}"#),
        (
            .date(253_402_300_799_999), #"{"$date":"9999-12-31T23:59:59.999Z"}"#,
            #"{"$date":{"$numberLong":"253402300799999"}}"#
        ),
        (
            .date(253_402_300_800_000), #"{"$date":{"$numberLong":"253402300800000"}}"#,
            #"{"$date":{"$numberLong":"253402300800000"}}"#
        ),
        (.bool(true), "true", "true"), (.null, "null", "null"),
        (.string("a\"b\\\n\u{1}é\u{2028}"), #""a\"b\\\n\u0001é"# + "\u{2028}\"", #""a\"b\\\n\u0001é"# + "\u{2028}\""),
        (
            .objectID(ObjectID(hex: "5c2aad80ffffffffffff00a1")!), #"{"$oid":"5c2aad80ffffffffffff00a1"}"#,
            #"{"$oid":"5c2aad80ffffffffffff00a1"}"#
        ),
        (
            .binary(subtype: 0, [1, 2, 3]), #"{"$binary":{"base64":"AQID","subType":"00"}}"#,
            #"{"$binary":{"base64":"AQID","subType":"00"}}"#
        ),
        (
            .binary(subtype: 0x80, []), #"{"$binary":{"base64":"","subType":"80"}}"#,
            #"{"$binary":{"base64":"","subType":"80"}}"#
        ),
        (.decimal128(Decimal128("120.50")!), #"{"$numberDecimal":"120.50"}"#, #"{"$numberDecimal":"120.50"}"#),
        (
            .timestamp(Timestamp(seconds: 4_294_967_295, increment: 7)), #"{"$timestamp":{"t":4294967295,"i":7}}"#,
            #"{"$timestamp":{"t":4294967295,"i":7}}"#
        ),
        (.minKey, #"{"$minKey":1}"#, #"{"$minKey":1}"#), (.maxKey, #"{"$maxKey":1}"#, #"{"$maxKey":1}"#),
        (.other(.undefined, []), #"{"$undefined":true}"#, #"{"$undefined":true}"#),
        (.other(.code, [2, 0, 0, 0, 0x66, 0]), #"{"$code":"f"}"#, #"{"$code":"f"}"#),
        (.other(.symbol, [2, 0, 0, 0, 0x66, 0]), #"{"$symbol":"f"}"#, #"{"$symbol":"f"}"#),
        (
            .other(.codeWithScope, [15, 0, 0, 0, 2, 0, 0, 0, 0x66, 0, 5, 0, 0, 0, 0]),
            #"{"$code":"f","$scope":{}}"#, #"{"$code":"f","$scope":{}}"#
        ),
        (
            .other(.dbPointer, [2, 0, 0, 0, 0x63, 0] + [UInt8](repeating: 0xAB, count: 12)),
            #"{"$dbPointer":{"$ref":"c","$id":{"$oid":"abababababababababababab"}}}"#,
            #"{"$dbPointer":{"$ref":"c","$id":{"$oid":"abababababababababababab"}}}"#
        ),
        (
            .other(.regularExpression, [0x5E, 0x61, 0, 0x69, 0]),
            #"{"$regularExpression":{"pattern":"^a","options":"i"}}"#,
            #"{"$regularExpression":{"pattern":"^a","options":"i"}}"#
        ),
        (["a", ["b": 1]], #"["a",{"b":1}]"#, #"["a",{"b":{"$numberInt":"1"}}]"#),
        ([:], "{}", "{}"), ([], "[]", "[]"),
    ]

    @Test func eachTypeHasItsForm() {
        for (value, compact, canonical) in Self.forms {
            let document: Document = ["v": value]
            #expect(Codec.encode(document).text == "{\"v\":\(compact)}")
            #expect(Codec.encode(document, .canonical).text == "{\"v\":\(canonical)}")
            for text in [compact, canonical] { #expect(LibBSON.read("{\"v\":\(text)}") == document) }
        }
    }

    @Test func aQuotedFieldDoublesItsQuotes() {
        let document: Document = ["a\"b": "c\"d", "n": 1]
        #expect(Codec.encode(document, quotes: .doubled).text == #"{""a\""b"":""c\""d"",""n"":1}"#)
    }

    /// Some readers would take a document with such a name for a type wrapper, so it is escaped.
    @Test(arguments: [
        "$oid", "$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$binary", "$code",
        "$symbol", "$timestamp", "$regularExpression", "$dbPointer", "$minKey", "$maxKey", "$undefined", "$uuid",
        "$rawBSON",
    ])
    func lookalikesOfWrappersAreEscaped(_ name: String) throws {
        for document in [
            ["_id": 1, "v": .document(Document { $0.append(name, "x") })] as Document,
            [
                "_id": 1,
                "v": .document(
                    Document {
                        $0.append("a", 1); $0.append(name, 2)
                    }),
            ] as Document,
        ] {
            let (text, outcome) = Codec.encode(document)
            #expect(outcome == .escaped)
            #expect(text.hasPrefix("{\"$rawBSON\":\""))
            #expect(try Codec.decode(text) == document)
        }
    }

    /// PyMongo makes a DBRef of these, which has its fields in another order or lacks one, or fails.
    @Test(
        arguments: [
            ["$id": 1, "$ref": "c"], ["$ref": "c", "$db": "d", "$id": 1], ["$ref": "c", "n": 1, "$id": 1],
            ["n": 1, "$ref": "c", "$id": 1], ["$ref": "c", "$id": 1, "n": 1, "$db": "d"],
            ["$ref": "c", "$id": 1, "$db": .null], ["$ref": "c", "$id": 1, "collection": 5],
        ] as [Document])
    func referencesThatAReaderWouldChangeAreEscaped(_ reference: Document) throws {
        let document: Document = ["_id": 1, "v": .document(reference)]
        let (text, outcome) = Codec.encode(document)
        #expect(outcome == .escaped)
        #expect(try Codec.decode(text) == document)
    }

    /// Each of them must not cost a look at the whole document.
    @Test func manyRepeatedReferencesAreFoundAtOnce() {
        let document = Document {
            for number in 0..<100 { $0.append("n\(number)", 1) }
            for _ in 0..<200_000 { $0.append("$ref", .null) }
        }
        #expect(Codec.encode(document).outcome == .escaped)
    }

    /// libbson cuts them off at that character.
    @Test func codeWithAZeroCharacterIsEscaped() throws {
        let text: [UInt8] = [4, 0, 0, 0, 0x66, 0, 0x67, 0]
        let empty: [UInt8] = [5, 0, 0, 0, 0]
        let values: [Value] = [
            .other(.code, text), .other(.codeWithScope, [17, 0, 0, 0] + text + empty),
            .other(.dbPointer, text + [UInt8](repeating: 7, count: 12)),
        ]
        for value in values {
            let document: Document = ["_id": 1, "v": value]
            let (text, outcome) = Codec.encode(document)
            #expect(outcome == .escaped, "\(value)")
            #expect(try Codec.decode(text) == document)
        }
    }

    /// Names that mean nothing by themselves are not escaped.
    @Test(
        arguments: [
            ["_id": 1, "v": ["$type": "string"]], ["_id": 1, "v": ["$ref": "c", "$id": 5, "$db": "d"]],
            ["_id": 1, "v": ["$ref": "x"]], ["_id": 1, "v": ["$set": ["a": 1]]], ["_id": 1, "v": ["$": 5]],
            ["_id": 1, "v": ["$type": ["a": 5]]], ["_id": 1, "v": ["$type": 5]],
            ["_id": 1, "v": ["a": 1, "$options": 5, "$scope": 1, "$regex": 1, "$type": 2]],
            ["_id": 1, "v": ["$id": "x"]], ["_id": 1, "v": ["$id": "x", "$refs": "y"]],
            ["_id": 1, "v": ["$ref": "c", "$id": 5, "n": 1]], ["_id": 1, "v": ["": 1, "a.b": 2, "$oids": 3]],
        ] as [Document])
    func otherDollarNamesStayPlain(_ document: Document) throws {
        let (text, outcome) = Codec.encode(document)
        #expect(outcome == .plain, "\(text)")
        #expect(try Codec.decode(text) == document)
        #expect(LibBSON.read(text) == document, "\(text)")
    }

    /// `$type` and `$regex` are query operators, too. This covers the documents with which the specification tests
    /// every writer, and what libbson and PyMongo make of each type.
    @Test func aQueryOperatorIsEscapedOnlyWhereAReaderWouldFailOnIt() throws {
        let number: [(Value, String)] = [
            (2, #"{"$numberInt":"2"}"#), (.int64(2), #"{"$numberLong":"2"}"#),
            (.double(2), #"{"$numberDouble":"2.0"}"#),
            (.double(.infinity), #"{"$numberDouble":"Infinity"}"#),
        ]
        for (value, text) in number {
            let document: Document = ["x": ["$type": value, "n": 1]]
            #expect(Codec.encode(document).text == "{\"x\":{\"$type\":\(text),\"n\":1}}")
            #expect(Codec.encode(document, quotes: .doubled).outcome == .plain)
        }
        let values: [Value] =
            number.map(\.0) + [
                "string", ["a": 5], [:], .objectID(ObjectID(high: 1, low: 2)), .date(0), .date(-1), .minKey, .maxKey,
                .timestamp(Timestamp(rawValue: 7)), .decimal128(Decimal128("1.0")!), .binary(subtype: 5, [1]),
                .other(.regularExpression, [0x61, 0, 0x69, 0]), .other(.undefined, []), [1], true, .null, ["$type": 2],
                ["$type": "number"], .array([["$type": 2]]), "array", "date", "", " 5", "-\tb", "+f", "\u{0}", "=1",
                "é", "0xg",
                "g", "\u{B}A",
            ]
        for name in ["$type", "$regex", "$options", "$scope"] {
            for value in values {
                for first in [nil, "z"] as [String?] {
                    let inner = Document {
                        if let first { $0.append(first, 1) }
                        $0.append(name, value)
                    }
                    for mode in [ExtendedJSONMode.compact, .canonical] {
                        for document in [["v": .document(inner)], ["v": [.document(inner)]]] as [Document] {
                            let (text, outcome) = Codec.encode(document, mode)
                            #expect(try Codec.decode(text) == document, "\(text)")
                            let isRead = LibBSON.read(LibBSON.canonical(document) ?? "") == document
                            // PyMongo takes binary data, too, for the text of a regular expression.
                            let isText = name == "$regex" && first != nil && Self.isTextToPython(value)
                            if outcome == .plain {
                                #expect(LibBSON.read(text) == document, "\(text)")
                            } else {
                                #expect(!isRead || isText, "\(inner.elements)")
                            }
                        }
                    }
                }
            }
        }
    }

    private static func isTextToPython(_ value: Value) -> Bool {
        switch value {
        case .string, .binary: true
        default: false
        }
    }

    /// Readers keep only one of two equal names. The encoder finds these by sorting if there are many names, and by
    /// comparing one by one if there are few.
    @Test(arguments: [2, 48, 49, 50, 300], [true, false])
    func aNameThatComesTwiceIsEscapedHoweverManyThereAre(count: Int, isEmbedded: Bool) throws {
        let names = (0..<count).map { "n\($0)" }
        for (names, expected) in [(names, ExtendedJSONEncoder.Outcome.plain), (names + ["n0"], .escaped)] {
            let many = Document { for name in names { $0.append(name, 1) } }
            let document: Document = isEmbedded ? ["_id": 1, "v": [.document(many)], "w": 1] : many
            let (text, outcome) = Codec.encode(document)
            #expect(outcome == expected)
            #expect(try Codec.decode(text) == document)
        }
    }

    /// Readers sort a regular expression's options and drop letters that are no options.
    @Test(arguments: ["mi", "ii", "z", "iz", "I", "é"]) func optionsThatReadersWouldChangeAreEscaped(_ options: String)
        throws
    {
        let document: Document = ["r": .other(.regularExpression, [0x61, 0] + Array(options.utf8) + [0])]
        let (text, outcome) = Codec.encode(document)
        #expect(outcome == .escaped)
        #expect(try Codec.decode(text) == document)
        #expect(LibBSON.read(LibBSON.canonical(document) ?? "") != document)
    }

    @Test func allOptionsThatMeanSomethingStayPlain() throws {
        let document: Document = ["r": .other(.regularExpression, [0x61, 0] + Array("ilmsux".utf8) + [0])]
        let (text, outcome) = Codec.encode(document)
        #expect(outcome == .plain)
        #expect(LibBSON.read(text) == document)
    }

    @Test(
        arguments: [
            (#"{"a":{"$date":1500000000000}}"#, ["a": .date(1_500_000_000_000)]),
            (#"{"a":{"$date":"2017-07-14T02:40:00+02:00"}}"#, ["a": .date(1_499_992_800_000)]),
            (#"{"a":{"$date":"+010000-01-01T04:59:59Z"}}"#, ["a": .date(253_402_318_799_000)]),
            (#"{"a":{"$date":"+275760-09-13T00:00:00.000Z"}}"#, ["a": .date(8_640_000_000_000_000)]),
            (#"{"a":{"$date":"-000001-01-01T00:00:00.000Z"}}"#, ["a": .date(-62_198_755_200_000)]),
            (#"{"a":{"$binary":"AQID","$type":"05"}}"#, ["a": .binary(subtype: 5, [1, 2, 3])]),
            (#"{"a":{"$type":"05","$binary":"AQID"}}"#, ["a": .binary(subtype: 5, [1, 2, 3])]),
            (#"{"a":{"$regex":"x","$options":"i"}}"#, ["a": .other(.regularExpression, [0x78, 0, 0x69, 0])]),
            (#"{"a":{"$options":"i","$regex":"x"}}"#, ["a": .other(.regularExpression, [0x78, 0, 0x69, 0])]),
            (#"{"a":{"$timestamp":"4294967297"}}"#, ["a": .timestamp(Timestamp(seconds: 1, increment: 1))]),
            (#"{"a":{"$uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"}}"#, ["a": .binary(subtype: 4, Array(0...15))]),
            (#" { "a" : [ 1 , 2.5 , "\u00e9\ud83d\ude00" ] } "#, ["a": [1, 2.5, "é😀"]]),
            (#"{"a":123456789012345678901234567890}"#, ["a": .double(1.2345678901234568e29)]),
            (#"{"a":9223372036854775807,"b":-9223372036854775808}"#, ["a": .int64(.max), "b": .int64(.min)]),
            (#"{"a":{"$binary":{"subType":"2","base64":"AQID"}}}"#, ["a": .binary(subtype: 2, [3, 0, 0, 0, 1, 2, 3])]),
        ] as [(String, Document)])
    func readsTheFormsOfOtherWriters(_ text: String, _ expected: Document) throws {
        #expect(try Codec.decode(text) == expected)
    }

    private static let pointer = Value.other(
        .dbPointer, [2, 0, 0, 0, 0x63, 0] + [UInt8](repeating: 0xAB, count: 12))
    private static let codeWithScope = Value.other(
        .codeWithScope,
        [27, 0, 0, 0, 2, 0, 0, 0, 0x66, 0, 17, 0, 0, 0, 2, 0x61, 0, 5, 0, 0, 0]
            + Array("abcd".utf8) + [0, 0])

    /// In JSON, the order of names has no meaning.
    @Test(
        arguments: [
            (#"{"$code":"f","$scope":{"a":"abcd"}}"#, #"{"$scope":{"a":"abcd"},"$code":"f"}"#, codeWithScope),
            (
                #"{"$dbPointer":{"$ref":"c","$id":{"$oid":"abababababababababababab"}}}"#,
                #"{"$dbPointer":{"$id":{"$oid":"abababababababababababab"},"$ref":"c"}}"#, pointer
            ),
            (
                #"{"$binary":{"base64":"AQID","subType":"05"}}"#, #"{"$binary":{"subType":"05","base64":"AQID"}}"#,
                .binary(subtype: 5, [1, 2, 3])
            ),
            (
                #"{"$timestamp":{"t":1,"i":2}}"#, #"{"$timestamp":{"i":2,"t":1}}"#,
                .timestamp(Timestamp(seconds: 1, increment: 2))
            ),
            (
                #"{"$regularExpression":{"pattern":"x","options":"i"}}"#,
                #"{"$regularExpression":{"options":"i","pattern":"x"}}"#,
                .other(.regularExpression, [0x78, 0, 0x69, 0])
            ),
            (
                #"{"$regex":"x","$options":"i"}"#, #"{"$options":"i","$regex":"x"}"#,
                .other(.regularExpression, [0x78, 0, 0x69, 0])
            ),
            (
                #"{"$binary":"AQID","$type":"02"}"#, #"{"$type":"02","$binary":"AQID"}"#,
                .binary(subtype: 2, [3, 0, 0, 0, 1, 2, 3])
            ),
        ] as [(String, String, Value)])
    func theNamesOfAWrapperMayStandInEitherOrder(_ one: String, _ other: String, _ value: Value) throws {
        for text in [one, other] {
            for spaced in [text, text.replacing(",", with: " , ").replacing(":", with: "\n: ")] {
                #expect(try Codec.decode("{\"a\":\(spaced),\"z\":1}") == ["a": value, "z": 1], "\(spaced)")
                let doubled = "{\"a\":\(spaced)}".replacing("\"", with: "\"\"")
                #expect(try Codec.decode(doubled, quotes: .doubled) == ["a": value], "\(doubled)")
            }
        }
    }

    /// `"\u0024oid"` and `"$oid"` are the same name.
    @Test func escapesDoNotChangeTheNamesOfWrappers() throws {
        func escaped(_ text: String, every step: Int) -> String {
            var names = 0
            return text.replacing(/"([$a-zA-Z0-9]+)"(?=:)/) { match in
                names += 1
                let name = match.1.utf8.enumerated().map { index, byte in
                    (index + names) % step == 0 ? "\\u00" + String(byte, radix: 16) : String(Unicode.Scalar(byte))
                }
                return "\"" + name.joined() + "\""
            }
        }
        for (value, compact, canonical) in Self.forms {
            for text in [compact, canonical] {
                for step in 1...4 {
                    let json = "{\"v\":\(escaped(text, every: step)),\"z\":null}"
                    #expect(try Codec.decode(json) == ["v": value, "z": .null], "\(json)")
                    let doubled = json.replacing("\"", with: "\"\"")
                    #expect(try Codec.decode(doubled, quotes: .doubled) == ["v": value, "z": .null], "\(doubled)")
                }
            }
        }
        let raw = Codec.encode(["v": ["$oid": "no id"]]).text
        #expect(raw.hasPrefix("{\"$rawBSON\""))
        #expect(try Codec.decode(raw.replacing("$", with: #"\u0024"#)) == ["v": ["$oid": "no id"]])
        // This is another name: it contains a backslash.
        let document: Document = ["v": [#"\u0024oid"#: "5c2aad80ffffffffffff00a1"]]
        #expect(try Codec.decode(Codec.encode(document).text) == document)
    }

    @Test(
        arguments: [
            (#"{"a":{"$binary":{"base64":"\/\/\/\/","subType":"00"}}}"#, ["a": .binary(subtype: 0, [255, 255, 255])]),
            (#"{"a":{"$binary":"\/\u002f8=","$type":"00"}}"#, ["a": .binary(subtype: 0, [255, 255])]),
            (
                #"{"a":{"$oid":"\u0035c2aad80ffffffffffff00a1"}}"#,
                ["a": .objectID(ObjectID(hex: "5c2aad80ffffffffffff00a1")!)]
            ),
            (#"{"a":{"$numberLong":"\u0035"}}"#, ["a": .int64(5)]),
        ] as [(String, Document)])
    func escapesInsideWrappersAreRead(_ text: String, _ expected: Document) throws {
        #expect(try Codec.decode(text) == expected)
        #expect(try Codec.decode(text.replacing("\"", with: "\"\""), quotes: .doubled) == expected)
    }

    /// Documents that begin like a wrapper of two names but are none.
    @Test(
        arguments: [
            ["v": ["$scope": ["a": 1]]], ["v": ["$scope": ["a": 1], "x": 2]], ["v": ["$scope": [:]]],
            ["v": ["$scope": 1, "x": ["$scope": ["$scope": [:]]]]], ["v": ["$options": "i", "x": 1]],
            ["v": ["$regex": "x", "$ne": "y"]], ["v": ["$regex": "x", "$options": 1]],
            ["v": ["$regex": "x", "$options": "i", "z": 1]], ["v": ["$type": "string", "x": 1]],
        ] as [Document])
    func whatOnlyBeginsLikeAWrapperIsADocument(_ document: Document) throws {
        let (text, outcome) = Codec.encode(document)
        #expect(try Codec.decode(text) == document, "\(text)")
        // Other writers may have written it without escaping.
        if outcome == .escaped { #expect(try Codec.decode(Self.plain(document)) == document) }
    }

    /// Returns the document as JSON, whatever its names mean.
    private static func plain(_ document: Document) -> String {
        let members = document.elements.map { name, value in
            switch value {
            case .document(let inner): "\"\(name)\":\(plain(inner))"
            case .string(let text): "\"\(name)\":\"\(text)\""
            case .int32(let number): "\"\(name)\":\(number)"
            default: "\"\(name)\":null"
            }
        }
        return "{\(members.joined(separator: ","))}"
    }

    @Test func realDocumentsWithTheNamesOfAWrapperComeBackInEitherOrder() throws {
        let pairs = [
            ("$code", "$scope"), ("$ref", "$id"), ("base64", "subType"), ("t", "i"), ("pattern", "options"),
            ("$regex", "$options"), ("$binary", "$type"),
        ]
        let values: [Value] = ["f", [:], ["a": 1], 1, .null, .objectID(ObjectID(high: 1, low: 2)), ["$scope": [:]]]
        for (one, other) in pairs {
            for (first, second) in [(one, other), (other, one)] {
                for left in values {
                    for right in values {
                        let document: Document = ["v": ["w": [.document([first: left, second: right])]]]
                        let text = Codec.encode(document, quotes: .doubled).text
                        #expect(try Codec.decode(text, quotes: .doubled) == document, "\(text)")
                    }
                }
            }
        }
    }

    @Test func aDocumentBeyondTheBoundIsNotBuilt() throws {
        let text = Array(("{\"a\":[" + String(repeating: "0,", count: 1_000_000) + "1]}").utf8)
        let buffer = ByteBuffer()
        for (maximum, isTooLarge) in [(1_000_000, true), (13_888_911, false)] {
            let decoder = ExtendedJSONDecoder(quotes: .plain, maximumDocument: maximum)
            let fault = text.withUnsafeBytes { text -> JSONFault? in
                do throws(JSONFault) {
                    try decoder.decode(text, into: buffer)
                    return nil
                } catch { return error }
            }
            #expect((fault?.isTooLarge ?? false) == isTooLarge)
            if isTooLarge { #expect(buffer.count == 0 && buffer.storage.count < 2_500_000) }
        }
        #expect(buffer.count <= 13_888_911)
        // Deeply nested documents are not large.
        let deep = String(repeating: "{\"a\":", count: 190) + "1" + String(repeating: "}", count: 190)
        #expect(try Codec.decode(deep).bytes.count < 2000)
    }

    @Test(arguments: [
        ("", "it is empty", 1), ("[]", "'{' expected", 1), ("{", "'\"' expected", 2), ("{\"a\"", "':' expected", 5),
        ("{\"a\":}", "a value expected", 6), ("{\"a\":1", "'}' expected", 7), ("{\"a\":1,}", "'\"' expected", 8),
        ("{\"a\":01}", "a number with a leading zero", 6),
        ("{\"a\":1}x", "something follows the document's closing '}'", 8),
        ("{\"a\":\"x", "'\"' expected", 8), ("{\"a\":\"\\x\"}", "an unknown escape", 7),
        ("{\"a\":\"\\ud800\"}", "half of a surrogate pair, which is no character", 7),
        ("{\"a\":\"\n\"}", "a control character inside a string", 7), ("{\"a\":tru}", "a value expected", 6),
        ("{\"\\u0000\":1}", "a zero character inside a name, which BSON can't hold", 3),
        ("{\"a\":1e400}", "a number beyond what a double holds", 11),
        ("{\"a\":-1e400}", "a number beyond what a double holds", 12),
        ("{\"a\":{\"$numberDouble\":\"1e999\"}}", "a number beyond what a double holds", 30),
        ("{\"a\":{\"$scope\":1,\"$code\":\"f\"}}", "$scope must be a document", 18),
        ("{\"a\":{\"$dbPointer\":{\"$id\":{\"$oid\":\"abababababababababababab\"}}}}", "',' expected", 62),
        ("{\"a\":[1,2}", "',' or ']' expected", 10), ("{\"a\":1.}", "a digit expected after the point", 8),
        ("{\"a\":{\"$oid\":\"5c2aad80\"}}", "$oid must be 24 hexadecimal digits", 14),
        ("{\"a\":{\"$oid\":\"5c2aad8012345678901234ag\"}}", "$oid must be 24 hexadecimal digits", 14),
        ("{\"a\":{\"$date\":\"yesterday\"}}", "$date is not a date like 2026-11-23T20:04:45.123Z", 26),
        ("{\"a\":{\"$numberInt\":\"2147483648\"}}", "$numberInt is out of range", 32),
        ("{\"$rawBSON\":\"AAAA\"}", "$rawBSON is not a BSON document: shorter than an empty document, at byte 0", 19),
    ])
    func aFaultSaysWhatAndWhere(_ text: String, _ reason: String, _ column: Int) throws {
        let fault = #expect(throws: JSONFault.self) { try Codec.decode(text) }
        #expect(fault?.reason == reason)
        #expect(fault.map { $0.offset + 1 } == column)
    }

    @Test func depthIsLimitedAndNothingOverflows() {
        let deep = String(repeating: "{\"a\":", count: 100_000)
        #expect(throws: JSONFault.self) { try Codec.decode(deep) }
        #expect(throws: JSONFault.self) { try Codec.decode("{\"a\":" + String(repeating: "[", count: 100_000)) }
    }
}
