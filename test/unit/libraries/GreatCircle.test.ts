import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";

/** Mean radius of the earth, and the library's, which is below every radius of curvature of WGS 84. */
const MEAN = 6_371_008.8;
const LEAST = 6_335_000;
const HALF = 1_800_000_000;
const QUARTER = 900_000_000;

interface Place {
  lat: number;
  lon: number;
}

async function fixture() {
  return ethers.deployContract("DeviceMessages__Harness");
}

/** Haversine in double precision; beyond a quarter of the circle by the cosine of the rest, where haversine is blunt. */
function angle(a: Place, b: Place): number {
  const rad = (e7: number): number => (e7 / 1e7) * (Math.PI / 180);
  const hav =
    Math.sin(rad(a.lat - b.lat) / 2) ** 2 +
    Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(rad(a.lon - b.lon) / 2) ** 2;
  return 2 * Math.atan2(Math.sqrt(hav), Math.sqrt(Math.max(0, 1 - hav)));
}

/** Geodesic on WGS 84 (Vincenty's inverse), for pairs that are not nearly antipodal. */
function geodesic(p: Place, q: Place): number {
  const [a, f] = [6_378_137, 1 / 298.257223563];
  const b = a * (1 - f);
  const rad = (e7: number): number => (e7 / 1e7) * (Math.PI / 180);
  const L = rad(q.lon - p.lon);
  const [U1, U2] = [Math.atan((1 - f) * Math.tan(rad(p.lat))), Math.atan((1 - f) * Math.tan(rad(q.lat)))];
  const [s1, c1, s2, c2] = [Math.sin(U1), Math.cos(U1), Math.sin(U2), Math.cos(U2)];
  let lambda = L;
  for (let i = 0; i < 1_000; i++) {
    const [sl, cl] = [Math.sin(lambda), Math.cos(lambda)];
    const sinSigma = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
    if (sinSigma === 0) return 0;
    const cosSigma = s1 * s2 + c1 * c2 * cl;
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (c1 * c2 * sl) / sinSigma;
    const cos2Alpha = 1 - sinAlpha ** 2;
    const cos2m = cos2Alpha === 0 ? 0 : cosSigma - (2 * s1 * s2) / cos2Alpha;
    const C = (f / 16) * cos2Alpha * (4 + f * (4 - 3 * cos2Alpha));
    const before = lambda;
    lambda = L + (1 - C) * f * sinAlpha * (sigma + C * sinSigma * (cos2m + C * cosSigma * (2 * cos2m ** 2 - 1)));
    if (Math.abs(lambda - before) > 1e-12) continue;
    const u2 = (cos2Alpha * (a ** 2 - b ** 2)) / b ** 2;
    const A = 1 + (u2 / 16_384) * (4_096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const B = (u2 / 1_024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const d =
      B *
      sinSigma *
      (cos2m +
        (B / 4) * (cosSigma * (2 * cos2m ** 2 - 1) - (B / 6) * cos2m * (4 * sinSigma ** 2 - 3) * (4 * cos2m ** 2 - 3)));
    return b * A * (sigma - d);
  }
  throw new Error("nearly antipodal");
}

const place: fc.Arbitrary<Place> = fc.record({
  lat: fc.integer({ min: -QUARTER, max: QUARTER }),
  lon: fc.integer({ min: -HALF, max: HALF }),
});
/** Two places anywhere; near each other; on both sides of the antimeridian; near a pole; nearly antipodal. */
const pairs: fc.Arbitrary<[Place, Place]> = fc.oneof(
  fc.tuple(place, place),
  fc
    .tuple(place, fc.integer({ min: -50_000, max: 50_000 }), fc.integer({ min: -50_000, max: 50_000 }))
    .map(([p, dLat, dLon]): [Place, Place] => [
      p,
      {
        lat: Math.max(-QUARTER, Math.min(QUARTER, p.lat + dLat)),
        lon: Math.max(-HALF, Math.min(HALF, p.lon + dLon)),
      },
    ]),
  fc.tuple(place, place, fc.nat(10_000_000), fc.nat(10_000_000)).map(([p, q, west, east]): [Place, Place] => [
    { lat: p.lat, lon: HALF - west },
    { lat: q.lat, lon: -HALF + east },
  ]),
  fc.tuple(place, place, fc.nat(1_000_000), fc.nat(1_000_000)).map(([p, q, a, b]): [Place, Place] => [
    { lat: QUARTER - a, lon: p.lon },
    { lat: QUARTER - b, lon: q.lon },
  ]),
  fc
    .tuple(place, fc.integer({ min: -1_000, max: 1_000 }))
    .map(([p, d]): [Place, Place] => [
      p,
      { lat: -p.lat, lon: p.lon > 0 ? p.lon - HALF + Math.abs(d) : p.lon + HALF - Math.abs(d) },
    ]),
);

describe("GreatCircle", () => {
  const measure = async ([a, b]: readonly [Place, Place]): Promise<number> => {
    const harness = await loadFixture(fixture);
    return Number(await harness.distance(a.lat, a.lon, b.lat, b.lon));
  };

  it("never tells more than the sphere below the earth's, nor much less", async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async (pair) => {
        const metres = await measure(pair);
        const arc = angle(...pair);
        // The margin is the double's own error, for angles of some 10⁻⁸.
        expect(metres).to.be.at.most(LEAST * arc * (1 + 1e-9) + 1e-3);
        expect(metres).to.be.at.most(MEAN * arc + 1e-3);
        const least = arc < 1.1 ? 0.9939 : 0.84;
        expect(metres).to.be.at.least(Math.floor(least * MEAN * arc) - 1);
      }),
      { numRuns: 600, seed: 11 },
    );
  });

  it("never tells more than the geodesic of WGS 84", async () => {
    await fc.assert(
      fc.asyncProperty(
        pairs.filter((p) => angle(...p) < 3),
        async (pair) => {
          expect(await measure(pair)).to.be.at.most(geodesic(...pair) + 1e-3);
        },
      ),
      { numRuns: 300, seed: 12 },
    );
  });

  it("is symmetric, zero for one place, and the same seen in a mirror", async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ([a, b]) => {
        const metres = await measure([a, b]);
        expect(await measure([b, a])).to.equal(metres);
        expect(await measure([a, a])).to.equal(0);
        const flip = ({ lat, lon }: Place): Place => ({ lat: -lat, lon: -lon });
        expect(await measure([flip(a), flip(b)])).to.equal(metres);
      }),
      { numRuns: 50, seed: 13 },
    );
  });

  it("goes the short way over the antimeridian", async () => {
    const metres = await measure([
      { lat: 0, lon: HALF },
      { lat: 0, lon: -HALF },
    ]);
    expect(metres).to.equal(0);
    const fiji = await measure([
      { lat: -180_000_000, lon: 1_799_000_000 },
      { lat: -180_000_000, lon: -1_799_000_000 },
    ]);
    expect(fiji).to.be.within(21_000, 21_200); // 0.2° of 40,075 km · cos 18° ÷ 360°, less 0.7 %
  });

  it("knows no longitude at a pole", async () => {
    const pole = { lat: QUARTER, lon: 0 };
    expect(await measure([pole, { lat: QUARTER, lon: 1_234_567_890 }])).to.equal(0);
    const toEquator = await measure([pole, { lat: 0, lon: -999_999_999 }]);
    expect(toEquator).to.be.within(9_850_000, 9_951_000); // a quarter of the small sphere, within 1 %
  });

  it("refuses a place beyond the bounds, by one", async () => {
    const harness = await loadFixture(fixture);
    for (const [lat, lon] of [
      [QUARTER + 1, 0],
      [-QUARTER - 1, 0],
      [0, HALF + 1],
      [0, -HALF - 1],
      [-(2 ** 31), 0],
      [0, -(2 ** 31)],
    ] as const) {
      for (const args of [
        [lat, lon, 0, 0],
        [0, 0, lat, lon],
      ] as const) {
        await expect(harness.distance(...args))
          .to.be.revertedWithCustomError(harness, "GreatCircleBadPosition")
          .withArgs(lat, lon);
      }
    }
    expect(Number(await harness.distance(QUARTER, HALF, -QUARTER, -HALF))).to.be.at.least(16_800_000);
  });
});
