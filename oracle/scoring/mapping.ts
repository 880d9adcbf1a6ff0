import { z } from "zod";

import { pathMm } from "./geo";
import { ReadingRejected, ReasonCode } from "./reasons";
import { checkTrack, type TimedPosition } from "./track";
import { decodeWire, type Decoder, header, latE7, lonE7, type Reading } from "./wire";

/** GPMF's GPSF: 0 none, 2 two-dimensional, 3 three-dimensional. */
const FULL_FIX = 3;
/** Dilution of precision × 100; above 10 a position is worth little. */
const MAX_DOP_E2 = 1_000;
const MAX_METRES_PER_SECOND = 70n;
/** A camera at rest jitters by centimetres at 18 Hz: only steps of a metre count. */
const MIN_STEP_MM = 1_000n;
const MM_PER_METRE = 1_000n;
const HOUR_MS = 3_600_000;

/** [milliseconds since the first, latitude, longitude, fix, dilution of precision × 100] */
const sample = z.tuple([z.int().min(0).max(HOUR_MS), latE7, lonE7, z.int().min(0).max(3), z.int().min(0).max(9_999)]);

const schema = z.strictObject({
  ...header,
  camera: z.string().min(1).max(32),
  samples: z.array(sample).min(2).max(256),
});
export type MappingPayload = z.infer<typeof schema>;

export interface MappingReading extends Reading {
  readonly camera: string;
  readonly samples: number;
  readonly worstDopE2: number;
  readonly last: TimedPosition;
}

/** A stretch of imagery with the camera's own GNSS fixes. Unit: metres of track. One sample without a full fix spoils it. */
export const decode: Decoder<MappingReading> = (payload) => {
  const { camera, samples } = decodeWire(schema, payload);
  let worstDopE2 = 0;
  for (const [timeMs, , , fix, dopE2] of samples) {
    if (fix < FULL_FIX) throw new ReadingRejected(ReasonCode.NO_GNSS_FIX, `fix ${fix} at ${timeMs} ms`);
    if (dopE2 > MAX_DOP_E2)
      throw new ReadingRejected(ReasonCode.WEAK_GNSS_FIX, `DOP × 100 is ${dopE2} at ${timeMs} ms`);
    worstDopE2 = Math.max(worstDopE2, dopE2);
  }
  const track = samples.map(([timeMs, lat, lon]): TimedPosition => ({ timeMs, latE7: lat, lonE7: lon }));
  checkTrack(track, MAX_METRES_PER_SECOND);
  const last = track.at(-1);
  if (last === undefined) throw new ReadingRejected(ReasonCode.PAYLOAD_MALFORMED, "no samples");
  return { units: mappedMetres(track), camera, samples: samples.length, worstDopE2, last };
};

export function mappedMetres(track: readonly TimedPosition[]): bigint {
  return pathMm(track, MIN_STEP_MM) / MM_PER_METRE;
}
