import { assert } from "chai";
import fc from "fast-check";

import { CATEGORIES, CATEGORY, type CategoryName, decode, encodeWire, ReasonCode } from "../../../oracle/scoring";
import { makeFleet } from "../../../scripts/fleet/inventory";
import { type Refused, refusedReadings } from "../../../scripts/fleet/refused";
import { type FleetSource, openSources } from "../../../scripts/fleet/sources";
import { bytes, expectRejected, readingOrRefusal } from "./helpers";

const RUNS = 300;

describe("scoring", () => {
  let sources: FleetSource;
  let refused: Refused[];
  before(async () => {
    sources = await openSources(makeFleet({ devices: CATEGORIES.length, seed: "test" }));
    refused = await refusedReadings();
  });

  it("has the six categories, ids 1 to 6 for ever", () => {
    assert.deepEqual(CATEGORY, { lorawan: 1, gpu: 2, storage: 3, mapping: 4, mobility: 5, energy: 6 });
    assert.deepEqual(
      CATEGORIES.map(({ id, name }) => [name, id]),
      Object.entries(CATEGORY) as [CategoryName, number][],
    );
  });

  it("refuses a category that nobody scores", () => {
    expectRejected(() => decode(0, bytes("{}")), ReasonCode.UNKNOWN_CATEGORY);
    expectRejected(() => decode(7, bytes("{}")), ReasonCode.UNKNOWN_CATEGORY);
  });

  it("refuses each reading of the collection of refusals, with its reason", () => {
    assert.isAtLeast(refused.length, 13);
    for (const { category, payload, reason } of refused) expectRejected(() => decode(category, payload), reason);
  });

  for (const { id, name } of CATEGORIES) {
    describe(name, () => {
      it("refuses every other category's payload", () => {
        for (const other of CATEGORIES.filter((category) => category.id !== id)) {
          const { payload } = sources.readingFor(other.id - 1, 0, 0);
          expectRejected(() => decode(id, payload), ReasonCode.PAYLOAD_MALFORMED);
        }
      });

      it("refuses garbage bytes, and never crashes", () => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 512 }), (payload) => {
            assert.isUndefined(readingOrRefusal((p) => decode(id, p), payload));
          }),
          { numRuns: RUNS },
        );
      });

      it("refuses any other JSON, and never crashes", () => {
        fc.assert(
          fc.property(fc.json({ maxDepth: 4 }), (text) => {
            assert.isUndefined(readingOrRefusal((p) => decode(id, p), bytes(text)));
          }),
          { numRuns: RUNS },
        );
      });

      it("never crashes on a real payload with a byte changed", () => {
        const { payload } = sources.readingFor(id - 1, 1, 1);
        fc.assert(
          fc.property(fc.nat({ max: payload.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, value) => {
            const changed = Uint8Array.from(payload);
            changed[at] = value;
            const reading = readingOrRefusal((p) => decode(id, p), changed);
            assert.isTrue(reading === undefined || reading.units >= 0n);
          }),
          { numRuns: RUNS },
        );
      });

      it("never crashes on a real payload with a field of another kind", () => {
        const { payload } = sources.readingFor(id - 1, 1, 2);
        const fields = JSON.parse(new TextDecoder().decode(payload)) as Record<string, never>;
        const value = fc.oneof(fc.maxSafeInteger(), fc.string(), fc.boolean(), fc.array(fc.maxSafeInteger()));
        fc.assert(
          fc.property(fc.constantFrom(...Object.keys(fields)), value, (field, other) => {
            const reading = readingOrRefusal((p) => decode(id, p), encodeWire({ ...fields, [field]: other }));
            assert.isTrue(reading === undefined || reading.units >= 0n);
          }),
          { numRuns: RUNS },
        );
      });
    });
  }
});
