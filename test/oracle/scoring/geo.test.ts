import { createHash } from "node:crypto";

import { assert } from "chai";
import fc from "fast-check";

import { cosQ30, distanceMm, isqrt, pathMm, type Position } from "../../../oracle/scoring/geo";

const RADIUS_M = 6_371_008.771;
const radians = (e7: number): number => (e7 / 1e7) * (Math.PI / 180);
const at = (lat: number, lon: number): Position => ({ latE7: Math.round(lat * 1e7), lonE7: Math.round(lon * 1e7) });

/** The textbook formula in floating point: the measure, not the implementation. */
function haversineMm(a: Position, b: Position): number {
  const north = Math.sin(radians(b.latE7 - a.latE7) / 2) ** 2;
  const east = Math.sin(radians(b.lonE7 - a.lonE7) / 2) ** 2;
  const h = north + Math.cos(radians(a.latE7)) * Math.cos(radians(b.latE7)) * east;
  return 2_000 * RADIUS_M * Math.asin(Math.sqrt(h));
}

describe("scoring/geo", () => {
  it("has the cosine of every half degree to 30 bits", () => {
    for (let half = 0; half <= 180; half++) {
      const exact = Math.cos((half / 360) * Math.PI) * 2 ** 30;
      assert.approximately(Number(cosQ30(half * 5_000_000)), exact, 1);
    }
  });

  it("interpolates to 1e-5, on both sides of the equator", () => {
    fc.assert(
      fc.property(fc.integer({ min: -900_000_000, max: 900_000_000 }), (latE7) => {
        assert.approximately(Number(cosQ30(latE7)) / 2 ** 30, Math.cos(radians(latE7)), 1e-5);
      }),
    );
    assert.throws(() => cosQ30(905_000_000), RangeError);
  });

  it("is the same table on every machine", () => {
    const table = Array.from({ length: 181 }, (_, half) => cosQ30(half * 5_000_000)).join();
    const hash = createHash("sha256").update(table).digest("hex");
    assert.equal(hash, "593bb2eca2ec9423298a32a8a3e6f9e82d54d9f634e1a28c76864266502c64cb");
  });

  it("takes whole square roots", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 120n }), (n) => {
        const root = isqrt(n);
        assert.isTrue(root * root <= n && n < (root + 1n) * (root + 1n));
      }),
    );
    assert.throws(() => isqrt(-1n), RangeError);
  });

  it("measures golden distances to the millimetre", () => {
    assert.equal(distanceMm(at(0, 0), at(1, 0)), 111_195_070n);
    assert.equal(distanceMm(at(0, 0), at(0, 1)), 111_195_070n);
    assert.equal(distanceMm(at(60, 10), at(60, 10.01)), 555_975n);
    assert.equal(distanceMm(at(34.032822, -118.440023), at(34.032863, -118.440008)), 4_763n);
  });

  it("goes the short way over the antimeridian", () => {
    assert.equal(distanceMm(at(0, 179.995), at(0, -179.995)), distanceMm(at(0, 0), at(0, 0.01)));
  });

  it("agrees with the great circle to 0.1 % for steps up to a kilometre below 75 degrees", () => {
    const step = fc.integer({ min: -60_000, max: 60_000 });
    const lat = fc.integer({ min: -750_000_000, max: 750_000_000 });
    const lon = fc.integer({ min: -1_790_000_000, max: 1_790_000_000 });
    fc.assert(
      fc.property(lat, lon, step, step, (latE7, lonE7, north, east) => {
        const a = { latE7, lonE7 };
        const b = { latE7: latE7 + north, lonE7: lonE7 + east };
        const great = haversineMm(a, b);
        assert.approximately(Number(distanceMm(a, b)), great, great / 1_000 + 2);
        assert.equal(distanceMm(a, b), distanceMm(b, a));
      }),
      { numRuns: 1_000 },
    );
  });

  it("adds up a path, and leaves out steps below the threshold", () => {
    const track = [at(0, 0), at(0, 0.001), at(0, 0.001001), at(0, 0.002)];
    assert.equal(pathMm(track), 111_195n + 111n + 111_083n);
    assert.equal(pathMm(track, 1_000n), 111_195n + 111_195n);
    assert.equal(pathMm([]), 0n);
    assert.equal(pathMm([at(0, 0)]), 0n);
  });
});
