import { encodeWire } from "../../../oracle/scoring";
import { type EnergyPayload, SLOTS_PER_HOUR } from "../../../oracle/scoring/energy";
import { INVERTERS } from "../models";
import { loadSolarProfile } from "../solar";
import type { CategorySource } from "./source";

const SRC = "@energyweb/solar-simulator 2015 profile";
/** Reading 0 of every meter: 05:00 UTC, when it is day from Africa to Japan. */
const FIRST_SLOT_UTC = "2015-06-01T05:00";
const FACTOR_SCALE = 1_000_000n;
const FULL_CIRCLE_E7 = 3_600_000_000;
const SLOTS_PER_DAY = 96;

/** Inverters walk through the profile slot by slot in local solar time; after a year it starts again, the register goes on. */
export function openEnergy(): CategorySource {
  const { slots, sumE6 } = loadSolarProfile();
  const first = slots.indexOf(FIRST_SLOT_UTC);
  const yearE6 = BigInt(sumE6.at(-1) ?? 0);
  const registerWh = (capacityW: number, slot: number): number => {
    const factorSumE6 = BigInt(Math.floor(slot / slots.length)) * yearE6 + BigInt(sumE6[slot % slots.length] ?? 0);
    return Number((BigInt(capacityW) * factorSumE6) / (SLOTS_PER_HOUR * FACTOR_SCALE));
  };
  return (device, step) => {
    const capacityW = INVERTERS.get(device.model);
    if (capacityW === undefined) throw new Error(`${device.model} has no rating`);
    const at = first + step + Math.round((device.lonE7 * SLOTS_PER_DAY) / FULL_CIRCLE_E7);
    const fromWh = registerWh(capacityW, at);
    const toWh = registerWh(capacityW, at + 1);
    const payload: EnergyPayload = { v: 1, src: SRC, slot: slots[at % slots.length] ?? "", capacityW, fromWh, toWh };
    return { payload: encodeWire(payload), units: BigInt(toWh - fromWh), latE7: device.latE7, lonE7: device.lonE7 };
  };
}
