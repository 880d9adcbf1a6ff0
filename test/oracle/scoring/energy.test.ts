import { assert } from "chai";
import fc from "fast-check";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { decode, type EnergyPayload } from "../../../oracle/scoring/energy";
import { INVERTERS } from "../../../scripts/fleet/models";
import { loadSolarProfile } from "../../../scripts/fleet/solar";
import { openEnergy } from "../../../scripts/fleet/sources/energy";
import { expectRejected } from "./helpers";

const meter: EnergyPayload = {
  v: 1,
  src: "test",
  slot: "2015-07-28T07:30",
  capacityW: 5_000,
  fromWh: 1_000,
  toWh: 1_311,
};
const read = (change: Partial<EnergyPayload> = {}) => decode(encodeWire({ ...meter, ...change }));
const inverter = { index: 5, category: 6, city: "x", latE7: 0, lonE7: 0, model: "Demo inverter 5 kW" };

describe("scoring/energy", () => {
  it("reads the profile: 35,040 slots, 1,205.9 kWh a year from a kilowatt", () => {
    const { slots, sumE6 } = loadSolarProfile();
    assert.equal(slots.length, 35_040);
    assert.equal(slots[slots.length - 1], "2015-12-31T23:45");
    const noon = slots.indexOf("2015-07-28T07:30");
    assert.equal((sumE6[noon + 1] ?? 0) - (sumE6[noon] ?? 0), 248_842);
    assert.equal(Math.floor((sumE6[35_040] ?? 0) / 4), 1_205_868_584);
  });

  it("counts Wh between two registers", () => {
    assert.equal(read().units, 311n);
    assert.equal(read().registerWh, 1_311n);
    assert.equal(read({ toWh: 1_000 }).units, 0n);
  });

  it("refuses one Wh more than the inverter's rating allows in a quarter of an hour", () => {
    assert.equal(read({ toWh: 2_250 }).units, 1_250n);
    expectRejected(() => read({ toWh: 2_251 }), ReasonCode.OUT_OF_RANGE);
  });

  it("refuses the hourly value that the profile repeats four times, undivided", () => {
    assert.equal(read({ capacityW: 3_600, toWh: 1_000 + 900 }).units, 900n);
    expectRejected(() => read({ capacityW: 3_600, toWh: 1_000 + 3_600 }), ReasonCode.OUT_OF_RANGE);
  });

  it("refuses a register that ran back", () => {
    expectRejected(() => read({ toWh: 999 }), ReasonCode.METER_RAN_BACK);
  });

  it("refuses ratings and slots that cannot be", () => {
    expectRejected(() => read({ capacityW: 99 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => read({ capacityW: 10_000_001 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => read({ fromWh: -1 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => read({ slot: "2015-07-28T07:31" }), ReasonCode.PAYLOAD_MALFORMED);
    expectRejected(() => read({ slot: "2015-13-28T07:30" }), ReasonCode.PAYLOAD_MALFORMED);
  });

  it("yields in a year what the profile says, and goes on in the next", () => {
    const source = openEnergy();
    let total = 0n;
    for (let step = 0; step < 35_040; step++) total += source(inverter, step).units;
    assert.equal(total, 6_029_343n);
    assert.equal(decode(source(inverter, 35_040).payload).slot, "2015-06-01T05:00");
  });

  it("is linear: readings add up to the difference of the registers", () => {
    const rise = fc.integer({ min: 0, max: 625 });
    fc.assert(
      fc.property(rise, rise, (a, b) => {
        const parts = read({ toWh: 1_000 + a }).units + read({ fromWh: 1_000 + a, toWh: 1_000 + a + b }).units;
        assert.equal(parts, read({ toWh: 1_000 + a + b }).units);
      }),
    );
  });

  it("rates every inverter of the fleet within what the decoder takes", () => {
    for (const capacityW of INVERTERS.values()) assert.equal(read({ capacityW }).capacityW, capacityW);
  });
});
