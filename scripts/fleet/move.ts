import { cosQ30, type Position } from "../../oracle/scoring/geo";

const HALF_CIRCLE_E7 = 1_800_000_000;

/** A recorded track set down elsewhere: `from` comes to `to`; shape and lengths stay. */
export function moveTrack<P extends Position>(track: readonly P[], from: Position, to: Position): P[] {
  const here = cosQ30(from.latE7);
  const there = cosQ30(to.latE7);
  return track.map((point) => ({
    ...point,
    latE7: to.latE7 + point.latE7 - from.latE7,
    lonE7: wrapLon(to.lonE7 + Number((BigInt(point.lonE7 - from.lonE7) * here) / there)),
  }));
}

/** A track run backwards, at the same pace. */
export function reverseTrack<P extends { readonly timeMs: number }>(track: readonly P[]): P[] {
  const end = track.at(-1)?.timeMs ?? 0;
  return track.map((point) => ({ ...point, timeMs: end - point.timeMs })).reverse();
}

/** There and back over `count` stretches, for ever: 0 … count-1, count-1 … 0, 0 … */
export function thereAndBack(step: number, count: number): { readonly stretch: number; readonly back: boolean } {
  const at = step % (2 * count);
  return at < count ? { stretch: at, back: false } : { stretch: 2 * count - 1 - at, back: true };
}

/** Back into ±180 degrees. */
export function wrapLon(lonE7: number): number {
  if (lonE7 > HALF_CIRCLE_E7) return lonE7 - 2 * HALF_CIRCLE_E7;
  return lonE7 < -HALF_CIRCLE_E7 ? lonE7 + 2 * HALF_CIRCLE_E7 : lonE7;
}
