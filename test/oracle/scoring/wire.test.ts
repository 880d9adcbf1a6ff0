import { assert } from "chai";
import fc from "fast-check";
import { z } from "zod";

import { encodeWire, MAX_PAYLOAD_BYTES, ReasonCode } from "../../../oracle/scoring";
import { decodeWire, type Wire } from "../../../oracle/scoring/wire";
import { bytes, expectRejected } from "./helpers";

const schema = z.strictObject({ a: z.int().min(-5).max(5), b: z.string() });
const decode = (text: string) => decodeWire(schema, bytes(text));

describe("scoring/wire", () => {
  it("writes keys sorted and without white space", () => {
    assert.deepEqual(
      encodeWire({ b: "ü", a: [1, true, { d: 2, c: -3 }] }),
      bytes('{"a":[1,true,{"c":-3,"d":2}],"b":"ü"}'),
    );
  });

  it("reads back what it wrote", () => {
    assert.deepEqual(decode('{"a":5,"b":"x"}'), { a: 5, b: "x" });
  });

  for (const [what, text] of [
    ["white space", '{"a": 5,"b":"x"}'],
    ["keys out of order", '{"b":"x","a":5}'],
    ["a key twice", '{"a":4,"a":5,"b":"x"}'],
    ["an exponent", '{"a":5e0,"b":"x"}'],
    ["a trailing zero", '{"a":5.0,"b":"x"}'],
    ["minus zero", '{"a":-0,"b":"x"}'],
    ["an escape that is not needed", '{"a":5,"b":"\\u0078"}'],
  ] as const) {
    it(`refuses a second form of the same meaning: ${what}`, () => {
      expectRejected(() => decode(text), ReasonCode.PAYLOAD_NOT_CANONICAL);
    });
  }

  for (const [what, text] of [
    ["nothing", ""],
    ["no JSON", "{"],
    ["another type", '"a"'],
    ["a missing field", '{"a":5}'],
    ["an unknown field", '{"a":5,"b":"x","c":1}'],
    ["a fraction", '{"a":0.5,"b":"x"}'],
    ["a fault beside a range", '{"a":6,"b":1}'],
    ["__proto__", '{"__proto__":{"a":5},"a":5,"b":"x"}'],
    ["a byte order mark", '\ufeff{"a":5,"b":"x"}'],
    ["deep nesting", "[".repeat(8_000) + "]".repeat(8_000)],
  ] as const) {
    it(`refuses as malformed: ${what}`, () => {
      expectRejected(() => decode(text), ReasonCode.PAYLOAD_MALFORMED);
    });
  }

  it("refuses bytes that are not UTF-8", () => {
    expectRejected(() => decodeWire(schema, Uint8Array.of(0x22, 0xff, 0x22)), ReasonCode.PAYLOAD_MALFORMED);
  });

  it("tells a figure out of range from a malformed payload", () => {
    assert.equal(decode('{"a":-5,"b":"x"}').a, -5);
    expectRejected(() => decode('{"a":-6,"b":"x"}'), ReasonCode.OUT_OF_RANGE);
  });

  it("takes 16 KiB and not a byte more, reading and writing", () => {
    const fill = (length: number) => bytes(`{"a":1,"b":"${"x".repeat(length - '{"a":1,"b":""}'.length)}"}`);
    assert.equal(decodeWire(schema, fill(MAX_PAYLOAD_BYTES)).a, 1);
    expectRejected(() => decodeWire(schema, fill(MAX_PAYLOAD_BYTES + 1)), ReasonCode.PAYLOAD_TOO_LARGE);
    expectRejected(() => encodeWire({ b: "x".repeat(MAX_PAYLOAD_BYTES) }), ReasonCode.PAYLOAD_TOO_LARGE);
  });

  it("does not care where in a buffer the payload lies", () => {
    const padded = bytes('xx{"a":5,"b":"x"}yy');
    assert.deepEqual(decodeWire(schema, padded.subarray(2, -2)), { a: 5, b: "x" });
  });

  it("is a function of meaning: the order in which fields were set does not show", () => {
    const leaf = fc.oneof(fc.maxSafeInteger(), fc.string(), fc.boolean());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), leaf, { maxKeys: 8 }), (fields) => {
        const turned: Wire = Object.fromEntries(Object.entries(fields).reverse());
        assert.deepEqual(encodeWire(fields), encodeWire(turned));
      }),
    );
  });
});
