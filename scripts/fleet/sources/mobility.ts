import { encodeWire } from "../../../oracle/scoring";
import { drivenMetres, type MobilityPayload } from "../../../oracle/scoring/mobility";
import type { TimedPosition } from "../../../oracle/scoring/track";
import { draw } from "../draw";
import { moveTrack, reverseTrack, thereAndBack } from "../move";
import { loadRide } from "../ride";
import type { CategorySource } from "./source";

/** 49 stretches of about 155 m and half a minute; neighbours share a point. */
const STEPS_A_READING = 17;

/** Trackers replay the ride stretch by stretch in their own city, there and back, each from a place of its own. */
export function openMobility(): CategorySource {
  const ride = loadRide();
  const [origin] = ride;
  if (origin === undefined) throw new Error("the recorded ride holds no points");
  const stretches = Math.floor((ride.length - 1) / STEPS_A_READING);
  return (device, step) => {
    const start = draw(String(device.index), "ride", 0, 2 * stretches);
    const { stretch, back } = thereAndBack(start + step, stretches);
    const points = ride.slice(stretch * STEPS_A_READING, (stretch + 1) * STEPS_A_READING + 1);
    const moved = moveTrack(points, origin, device);
    const track = back ? reverseTrack(moved) : moved;
    const last = track.at(-1) ?? device;
    const payload = mobilityPayload(track, back ? "moved, reversed" : "moved");
    return { payload: encodeWire(payload), units: drivenMetres(track), latE7: last.latE7, lonE7: last.lonE7 };
  };
}

export function mobilityPayload(track: readonly TimedPosition[], note: string): MobilityPayload {
  const start = track[0]?.timeMs ?? 0;
  return {
    v: 1,
    src: `stoplight sample-ride.gpx, ${note}`,
    points: track.map(({ timeMs, latE7, lonE7 }) => [(timeMs - start) / 1_000, latE7, lonE7]),
  };
}
