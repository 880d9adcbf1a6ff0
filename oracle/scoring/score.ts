export interface ScoreInput {
  /** What the decoder counted, in the category's unit. */
  readonly units: bigint;
  /** Points a unit, a parameter of the sub-network. */
  readonly weight: bigint;
  /** The most points a device of this model can earn, a parameter of the model. */
  readonly cap: bigint;
}

/**
 * Points = min(cap, units × weight). One formula for every category, for now: linear in units, so that cutting one
 * reading into many never gains; the cap is per device, never per wallet, so that splitting a fleet never gains.
 * Sum the units of an epoch first, then score once.
 */
export function scoreUnits({ units, weight, cap }: ScoreInput): bigint {
  if (units < 0n || weight < 0n || cap < 0n) throw new RangeError(`negative score input: ${units}, ${weight}, ${cap}`);
  const points = units * weight;
  return points < cap ? points : cap;
}
