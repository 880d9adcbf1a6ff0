import { CATEGORIES } from "../../oracle/scoring";
import { draw } from "./draw";
import { modelOf } from "./models";
import { wrapLon } from "./move";
import { drawPlace } from "./places";

export interface FleetDevice {
  readonly index: number;
  readonly category: number;
  /** "Bengaluru, IN" */
  readonly city: string;
  readonly latE7: number;
  readonly lonE7: number;
  readonly model: string;
}

export interface FleetOptions {
  readonly devices: number;
  readonly seed: string;
}

/** About 2 km: where inside its city a device stands is modelled. */
const SPREAD_E7 = 200_000;

/** A fleet spread evenly over the categories, sited in real places by population. Same options, same fleet. */
export function makeFleet({ devices, seed }: FleetOptions): FleetDevice[] {
  return Array.from({ length: devices }, (_, index) => {
    const place = drawPlace(seed, index);
    const category = CATEGORIES[index % CATEGORIES.length];
    if (category === undefined) throw new Error("no categories");
    return {
      index,
      category: category.id,
      city: `${place.name}, ${place.country}`,
      latE7: place.latE7 + spread(seed, "latitude", index),
      lonE7: wrapLon(place.lonE7 + spread(seed, "longitude", index)),
      model: modelOf(category.name, draw(seed, "model", index, 2 ** 32)),
    };
  });
}

function spread(seed: string, label: string, index: number): number {
  return draw(seed, label, index, 2 * SPREAD_E7 + 1) - SPREAD_E7;
}
