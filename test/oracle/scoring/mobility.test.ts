import { assert } from "chai";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { decode, type MobilityPayload } from "../../../oracle/scoring/mobility";
import { moveTrack } from "../../../scripts/fleet/move";
import { loadRide } from "../../../scripts/fleet/ride";
import { mobilityPayload } from "../../../scripts/fleet/sources/mobility";
import { expectRejected } from "./helpers";

const ride = loadRide();
const stretch = (from: number, to: number): MobilityPayload => mobilityPayload(ride.slice(from, to), "as recorded");
const drive = (payload: MobilityPayload) => decode(encodeWire(payload));
type Point = MobilityPayload["points"][number];

describe("scoring/mobility", () => {
  it("reads the recorded ride: 850 points from 16:58:58 on, in whole 1e-7 degrees", () => {
    assert.equal(ride.length, 850);
    assert.deepEqual(ride[0], { timeMs: 0, latE7: 340_328_220, lonE7: -1_184_400_230 });
    assert.deepEqual(ride[1], { timeMs: 6_000, latE7: 340_328_630, lonE7: -1_184_400_080 });
  });

  it("measures the ride: 7.6 km", () => {
    const parts = [stretch(0, 256), stretch(255, 511), stretch(510, 766), stretch(765, 850)];
    const metres = parts.map((part) => drive(part).units);
    assert.equal(
      metres.reduce((a, b) => a + b),
      7_593n,
    );
  });

  it("derives the speed", () => {
    const { meanMmPerSecond, seconds, units, last } = drive(stretch(100, 201));
    assert.equal(meanMmPerSecond / 1_000n, units / BigInt(seconds));
    assert.equal(last.latE7, ride[200]?.latE7);
  });

  const changed = (change: (point: Point) => Point): MobilityPayload => {
    const payload = stretch(100, 120);
    return { ...payload, points: payload.points.map((point, i) => (i === 10 ? change(point) : point)) };
  };

  it("refuses teleports", () => {
    expectRejected(() => drive(changed(([t, lat, lon]) => [t, lat + 20_000, lon])), ReasonCode.IMPOSSIBLE_SPEED);
    expectRejected(() => drive(changed(([t, lat]) => [t, lat, 1_184_400_230])), ReasonCode.IMPOSSIBLE_SPEED);
  });

  it("refuses a clock that stands or runs back", () => {
    const [t9 = 0] = stretch(100, 120).points[9] ?? [];
    expectRejected(() => drive(changed(([, lat, lon]) => [t9, lat, lon])), ReasonCode.TIME_NOT_RISING);
    expectRejected(() => drive(changed(([, lat, lon]) => [0, lat, lon])), ReasonCode.TIME_NOT_RISING);
  });

  it("refuses positions off the globe and tracks of one point", () => {
    expectRejected(() => drive(changed(([t, , lon]) => [t, -900_000_001, lon])), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => drive(stretch(0, 1)), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => drive({ ...stretch(0, 2), points: [[0.5, 0, 0]] }), ReasonCode.PAYLOAD_MALFORMED);
  });

  it("measures the same wherever the ride is set down", () => {
    const part = ride.slice(300, 400);
    const [origin] = part;
    assert.isDefined(origin);
    const here = Number(drive(mobilityPayload(part, "as recorded")).units);
    for (const [latE7, lonE7] of [
      [0, 0],
      [129_719_400, 775_936_900],
      [-170_000_000, 1_799_999_900],
      [690_000_000, -180_000_000],
    ] as const) {
      const there = drive(mobilityPayload(moveTrack(part, origin, { latE7, lonE7 }), "moved")).units;
      assert.approximately(Number(there), here, here / 500);
    }
  });
});
