import { z } from "zod";

import { ReadingRejected, ReasonCode } from "./reasons";
import { decodeWire, type Decoder, header, type Reading } from "./wire";

export const SLOTS_PER_HOUR = 4n;
const MAX_REGISTER_WH = 1_000_000_000_000_000;

const schema = z.strictObject({
  ...header,
  /** Start of the quarter of an hour, in the meter's local time. */
  slot: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):(00|15|30|45)$/),
  /** Rated power of the inverter. */
  capacityW: z.int().min(100).max(10_000_000),
  /** The meter's register, which only rises, at the slot's start and end. */
  fromWh: z.int().min(0).max(MAX_REGISTER_WH),
  toWh: z.int().min(0).max(MAX_REGISTER_WH),
});
export type EnergyPayload = z.infer<typeof schema>;

export interface EnergyReading extends Reading {
  readonly slot: string;
  readonly capacityW: number;
  readonly registerWh: bigint;
}

/** A quarter of an hour of a production meter. Unit: Wh. No inverter yields more than its rating allows. */
export const decode: Decoder<EnergyReading> = (payload) => {
  const { slot, capacityW, fromWh, toWh } = decodeWire(schema, payload);
  const units = BigInt(toWh) - BigInt(fromWh);
  if (units < 0n) throw new ReadingRejected(ReasonCode.METER_RAN_BACK, `from ${fromWh} to ${toWh} Wh`);
  if (units > slotLimitWh(BigInt(capacityW))) {
    throw new ReadingRejected(ReasonCode.OUT_OF_RANGE, `${units} Wh in 15 minutes from ${capacityW} W`);
  }
  return { units, slot, capacityW, registerWh: BigInt(toWh) };
};

/** Full power for a slot, rounded up: a register shows whole Wh. */
function slotLimitWh(capacityW: bigint): bigint {
  return (capacityW + SLOTS_PER_HOUR - 1n) / SLOTS_PER_HOUR;
}
