import { z } from "zod";

import { pathMm } from "./geo";
import { ReadingRejected, ReasonCode } from "./reasons";
import { checkTrack, type TimedPosition } from "./track";
import { decodeWire, type Decoder, header, latE7, lonE7, type Reading } from "./wire";

const MAX_METRES_PER_SECOND = 70n;
const MM_PER_METRE = 1_000n;
const MS_PER_SECOND = 1_000;
const DAY_S = 86_400;

/** [seconds since the first, latitude, longitude] */
const point = z.tuple([z.int().min(0).max(DAY_S), latE7, lonE7]);

const schema = z.strictObject({ ...header, points: z.array(point).min(2).max(256) });
export type MobilityPayload = z.infer<typeof schema>;

export interface MobilityReading extends Reading {
  readonly points: number;
  readonly seconds: number;
  /** Derived from the positions, not read from the vehicle. */
  readonly meanMmPerSecond: bigint;
  readonly last: TimedPosition;
}

/** A stretch of a drive. Unit: metres between consecutive points. */
export const decode: Decoder<MobilityReading> = (payload) => {
  const { points } = decodeWire(schema, payload);
  const track = points.map(([second, lat, lon]): TimedPosition => ({
    timeMs: second * MS_PER_SECOND,
    latE7: lat,
    lonE7: lon,
  }));
  checkTrack(track, MAX_METRES_PER_SECOND);
  const [first] = track;
  const last = track.at(-1);
  if (first === undefined || last === undefined) throw new ReadingRejected(ReasonCode.PAYLOAD_MALFORMED, "no points");
  const lengthMm = pathMm(track);
  const seconds = (last.timeMs - first.timeMs) / MS_PER_SECOND;
  const meanMmPerSecond = lengthMm / BigInt(seconds);
  return { units: lengthMm / MM_PER_METRE, points: points.length, seconds, meanMmPerSecond, last };
};

export function drivenMetres(track: readonly TimedPosition[]): bigint {
  return pathMm(track) / MM_PER_METRE;
}
