import type { FleetDevice } from "../inventory";

/** One reading as a device would sign it, what it is worth, and where the device was at its end. */
export interface Sourced {
  readonly payload: Uint8Array;
  readonly units: bigint;
  readonly latE7: number;
  readonly lonE7: number;
}

/** The endless input of a category: the device's reading number `step`, always the same for the same arguments. */
export type CategorySource = (device: FleetDevice, step: number) => Sourced;
