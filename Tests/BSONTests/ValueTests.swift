import BSON
import Testing

@Suite struct ValueTests {
    @Test func valuesAreEqualWhereTheirTypesAndBytesAre() {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        let values: [Value] = [
            .string(composed), .string(decomposed), .double(0), .double(-0.0), .double(.nan), .int32(0), .int64(0),
            .date(0), .null, .minKey, .maxKey, .bool(false), .bool(true), .document([:]), .array([:]),
            .binary(subtype: 0, [1]), .binary(subtype: 4, [1]), .other(.code, [1]), .other(.symbol, [1]),
            .document(["a": .double(0)]), .document(["a": .double(-0.0)]),
        ]
        #expect(Set(values).count == values.count)
        for (place, value) in values.enumerated() {
            #expect(values.firstIndex(of: value) == place)
            #expect(Set(values + [value]).count == values.count)
        }
    }

    @Test(
        arguments: [
            (true, true), (1, true), (.int64(2), true), (0.5, true), (.double(.nan), true), (false, false), (0, false),
            (.int64(0), false), (0.0, false), (.double(-0.0), false), ("true", false), (.null, false),
        ] as [(Value, Bool)])
    func aFlagIsOnWhereServersReadItSo(value: Value, isOn: Bool) {
        #expect(value.isOn == isOn)
    }
}
