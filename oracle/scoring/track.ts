import { distanceMm, type Position } from "./geo";
import { ReadingRejected, ReasonCode } from "./reasons";

export interface TimedPosition extends Position {
  readonly timeMs: number;
}

/** Time must rise, and no step may be faster than the carrier can go. */
export function checkTrack(track: readonly TimedPosition[], maxMetresPerSecond: bigint): void {
  let [last] = track;
  for (const point of track.slice(1)) {
    if (last === undefined) return;
    const elapsedMs = BigInt(point.timeMs - last.timeMs);
    if (elapsedMs <= 0n) {
      throw new ReadingRejected(ReasonCode.TIME_NOT_RISING, `${point.timeMs} ms after ${last.timeMs} ms`);
    }
    const stepMm = distanceMm(last, point);
    if (stepMm > maxMetresPerSecond * elapsedMs) {
      throw new ReadingRejected(ReasonCode.IMPOSSIBLE_SPEED, `${stepMm} mm in ${elapsedMs} ms`);
    }
    last = point;
  }
}
