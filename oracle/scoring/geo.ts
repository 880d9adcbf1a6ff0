/**
 * Distance between positions in degrees × 10⁷, with integers only: every node gets the same millimetre on every machine
 * (Math.cos and Math.sin may differ between engines). Equirectangular on the mean sphere: good to 0.01 % of the sphere's
 * great circle for steps of a few kilometres outside the polar regions; the sphere itself is within 0.6 % of the ellipsoid.
 */
export interface Position {
  readonly latE7: number;
  readonly lonE7: number;
}

const COS_BITS = 30n;
/** ⌊π · 2⁶⁰⌋ */
const PI_Q60 = 3_622_009_729_038_561_421n;
const Q60 = 60n;
/** Nanometres in 10⁻⁷ degree of a great circle: mean Earth radius 6,371,008.771 m (IUGG) · π / 180 / 10⁷. */
const NANOMETRES_PER_E7 = 11_119_507n;
const NANO_PER_MICRO = 1_000n;
const MICRO_PER_MILLI = 1_000n;
const HALF_DEGREE_E7 = 5_000_000;
const FULL_CIRCLE_E7 = 3_600_000_000;

/** cos(k/2 degrees) · 2³⁰ for k = 0 … 180, by an integer Taylor series: made once, the same everywhere. */
const COS_TABLE: readonly bigint[] = Array.from({ length: 181 }, (_, k) => cosTaylor(BigInt(k)));

function cosTaylor(halfDegrees: bigint): bigint {
  const x = (PI_Q60 * halfDegrees) / 360n;
  const square = (x * x) >> Q60;
  let term = 1n << Q60;
  let sum = term;
  for (let n = 1n; term > 0n; n++) {
    term = ((term * square) >> Q60) / ((2n * n - 1n) * 2n * n);
    sum += n % 2n === 0n ? term : -term;
  }
  return sum < 0n ? 0n : sum >> (Q60 - COS_BITS);
}

/** cos(latitude) · 2³⁰, interpolated between half degrees (error below 1e-5 of the equator's). */
export function cosQ30(latE7: number): bigint {
  const angle = Math.abs(latE7);
  const index = Math.floor(angle / HALF_DEGREE_E7);
  const low = COS_TABLE[index];
  if (low === undefined) throw new RangeError(`latitude ${latE7}`);
  const high = COS_TABLE[index + 1] ?? 0n;
  return low - ((low - high) * BigInt(angle % HALF_DEGREE_E7)) / BigInt(HALF_DEGREE_E7);
}

/** Floor of the square root. */
export function isqrt(n: bigint): bigint {
  if (n < 0n) throw new RangeError(`square root of ${n}`);
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

export function distanceMm(a: Position, b: Position): bigint {
  const middle = Math.trunc((a.latE7 + b.latE7) / 2);
  const north = micrometres(b.latE7 - a.latE7);
  const east = (micrometres(shorterWay(b.lonE7 - a.lonE7)) * cosQ30(middle)) >> COS_BITS;
  return isqrt(north * north + east * east) / MICRO_PER_MILLI;
}

/**
 * Length of a track. Steps shorter than `minStepMm` are measured from the last position that counted, so the jitter of a
 * receiver at rest adds nothing.
 */
export function pathMm(track: readonly Position[], minStepMm = 0n): bigint {
  let total = 0n;
  let [last] = track;
  if (last === undefined) return 0n;
  for (const position of track) {
    const step = distanceMm(last, position);
    if (step < minStepMm) continue;
    total += step;
    last = position;
  }
  return total;
}

function micrometres(deltaE7: number): bigint {
  return (BigInt(Math.abs(deltaE7)) * NANOMETRES_PER_E7) / NANO_PER_MICRO;
}

function shorterWay(deltaLonE7: number): number {
  const delta = Math.abs(deltaLonE7);
  return delta > FULL_CIRCLE_E7 / 2 ? FULL_CIRCLE_E7 - delta : delta;
}
