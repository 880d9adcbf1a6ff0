import { CATEGORY } from "../../oracle/scoring";
import type { FleetDevice } from "./inventory";
import { openEnergy } from "./sources/energy";
import { openGpu } from "./sources/gpu";
import { openLorawan } from "./sources/lorawan";
import { openMapping } from "./sources/mapping";
import { openMobility } from "./sources/mobility";
import type { CategorySource, Sourced } from "./sources/source";
import { openStorage } from "./sources/storage";

export type { CategorySource, Sourced } from "./sources/source";

export interface FleetSource {
  /** Reading `n` (from 0) of a device in an epoch: endless, and the same for the same arguments. */
  readingFor(deviceIndex: number, epoch: number, n: number): Sourced;
}

export interface SourceOptions {
  /** How many readings the caller takes from each device in an epoch: so the next epoch goes on where this one ended. */
  readonly readingsPerEpoch: number;
}

const OPEN: ReadonlyMap<number, () => CategorySource | Promise<CategorySource>> = new Map<
  number,
  () => CategorySource | Promise<CategorySource>
>([
  [CATEGORY.lorawan, openLorawan],
  [CATEGORY.gpu, openGpu],
  [CATEGORY.storage, openStorage],
  [CATEGORY.mapping, openMapping],
  [CATEGORY.mobility, openMobility],
  [CATEGORY.energy, openEnergy],
]);

/** The input of one category; its package is read here, at first need. */
export async function openCategory(category: number): Promise<CategorySource> {
  const open = OPEN.get(category);
  if (open === undefined) throw new Error(`no source for category ${category}`);
  return open();
}

/** The input of a whole fleet. Only the categories that the fleet holds are read. */
export async function openSources(
  fleet: readonly FleetDevice[],
  { readingsPerEpoch }: SourceOptions = { readingsPerEpoch: 4 },
): Promise<FleetSource> {
  const devices = new Map(fleet.map((device) => [device.index, device]));
  const sources = new Map<number, CategorySource>();
  for (const { category } of fleet) {
    if (!sources.has(category)) sources.set(category, await openCategory(category));
  }
  return {
    readingFor(deviceIndex, epoch, n) {
      const device = devices.get(deviceIndex);
      const source = device && sources.get(device.category);
      if (device === undefined || source === undefined) throw new RangeError(`no device ${deviceIndex} in this fleet`);
      return source(device, epoch * readingsPerEpoch + n);
    },
  };
}
