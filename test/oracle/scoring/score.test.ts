import { assert } from "chai";
import fc from "fast-check";

import { scoreUnits } from "../../../oracle/scoring";

const amount = fc.bigInt({ min: 0n, max: 1n << 64n });

describe("scoring/score", () => {
  it("is units × weight, up to the cap", () => {
    assert.equal(scoreUnits({ units: 7n, weight: 3n, cap: 100n }), 21n);
    assert.equal(scoreUnits({ units: 7n, weight: 3n, cap: 21n }), 21n);
    assert.equal(scoreUnits({ units: 7n, weight: 3n, cap: 20n }), 20n);
    assert.equal(scoreUnits({ units: 0n, weight: 3n, cap: 20n }), 0n);
  });

  it("is linear below the cap: parts earn what the whole earns", () => {
    fc.assert(
      fc.property(amount, amount, amount, (a, b, weight) => {
        const cap = (a + b) * weight;
        const whole = scoreUnits({ units: a + b, weight, cap });
        assert.equal(scoreUnits({ units: a, weight, cap }) + scoreUnits({ units: b, weight, cap }), whole);
      }),
    );
  });

  it("never exceeds the cap and never falls as units rise", () => {
    fc.assert(
      fc.property(amount, amount, amount, amount, (units, more, weight, cap) => {
        const points = scoreUnits({ units, weight, cap });
        assert.isTrue(points <= cap);
        assert.isTrue(scoreUnits({ units: units + more, weight, cap }) >= points);
      }),
    );
  });

  it("refuses negative input", () => {
    assert.throws(() => scoreUnits({ units: -1n, weight: 1n, cap: 1n }), RangeError);
    assert.throws(() => scoreUnits({ units: 1n, weight: -1n, cap: 1n }), RangeError);
    assert.throws(() => scoreUnits({ units: 1n, weight: 1n, cap: -1n }), RangeError);
  });
});
