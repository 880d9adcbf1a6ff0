import { assert } from "chai";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { decode, type MappingPayload } from "../../../oracle/scoring/mapping";
import { type Clip, CLIPS, loadClip } from "../../../scripts/fleet/gopro";
import { moveTrack, reverseTrack } from "../../../scripts/fleet/move";
import { CLIPS_WITHOUT_FIX } from "../../../scripts/fleet/refused";
import { mappingPayload, thinned } from "../../../scripts/fleet/sources/mapping";
import { expectRejected } from "./helpers";

const asRecorded = (clip: Clip): MappingPayload => mappingPayload(clip, clip.samples, "as recorded");
const map = (payload: MappingPayload) => decode(encodeWire(payload));
type Sample = MappingPayload["samples"][number];

describe("scoring/mapping", () => {
  let walk: Clip;
  before(async () => {
    walk = thinned(await loadClip("hero7"));
  });

  for (const [name, camera, metres, dopE2] of [
    ["hero7", "Hero7 Black", 30n, 187],
    ["hero11", "HERO11 Black", 2n, 264],
    ["hero5", "Camera", 0n, 606],
    ["Fusion", "Fusion", 0n, 674],
  ] as const) {
    it(`measures the recording ${name}.raw: ${metres} m`, async () => {
      const reading = map(asRecorded(thinned(await loadClip(name))));
      assert.equal(reading.units, metres);
      assert.equal(reading.camera, camera);
      assert.equal(reading.worstDopE2, dopE2);
    });
  }

  for (const name of CLIPS_WITHOUT_FIX) {
    it(`refuses ${name}.raw: the camera had no fix`, async () => {
      const clip = await loadClip(name);
      const refusal = expectRejected(() => map(asRecorded(clip)), ReasonCode.NO_GNSS_FIX);
      assert.equal(refusal.detail, "fix 0 at 0 ms");
    });
  }

  const changed = (change: (sample: Sample) => Sample): MappingPayload => {
    const payload = asRecorded(walk);
    return { ...payload, samples: payload.samples.map((sample, i) => (i === 20 ? change(sample) : sample)) };
  };

  it("refuses a track for one sample with a two-dimensional or weak fix", () => {
    expectRejected(() => map(changed(([t, lat, lon, , dop]) => [t, lat, lon, 2, dop])), ReasonCode.NO_GNSS_FIX);
    expectRejected(() => map(changed(([t, lat, lon, fix]) => [t, lat, lon, fix, 1_001])), ReasonCode.WEAK_GNSS_FIX);
    assert.equal(map(changed(([t, lat, lon, fix]) => [t, lat, lon, fix, 1_000])).worstDopE2, 1_000);
  });

  it("refuses a leap and a clock that does not rise", () => {
    expectRejected(
      () => map(changed(([t, lat, lon, fix, d]) => [t, lat + 10_000, lon, fix, d])),
      ReasonCode.IMPOSSIBLE_SPEED,
    );
    expectRejected(() => map(changed(([, ...rest]) => [0, ...rest])), ReasonCode.TIME_NOT_RISING);
  });

  it("refuses positions off the globe", () => {
    expectRejected(() => map(changed(([t, , lon, fix, d]) => [t, 900_000_001, lon, fix, d])), ReasonCode.OUT_OF_RANGE);
    expectRejected(
      () => map(changed(([t, lat, , fix, d]) => [t, lat, -1_800_000_001, fix, d])),
      ReasonCode.OUT_OF_RANGE,
    );
  });

  it("pays nothing for standing still", () => {
    const payload = asRecorded(walk);
    const [, lat = 0, lon = 0] = payload.samples[0] ?? [];
    const still = payload.samples.map(([t, , , fix, dop], i): Sample => [t, lat + (i % 3) * 20, lon, fix, dop]);
    assert.equal(map({ ...payload, samples: still }).units, 0n);
  });

  it("measures the same wherever the recording is set down", () => {
    const [origin] = walk.samples;
    assert.isDefined(origin);
    for (const [latE7, lonE7] of [
      [0, 0],
      [129_719_400, 775_936_900],
      [-339_000_000, 1_799_999_900],
      [690_000_000, -180_000_000],
    ] as const) {
      const moved = moveTrack(walk.samples, origin, { latE7, lonE7 });
      assert.approximately(Number(map(mappingPayload(walk, moved, "moved")).units), 30, 1);
      const back = reverseTrack(moved);
      assert.approximately(Number(map(mappingPayload(walk, back, "moved, reversed")).units), 30, 1);
    }
  });

  it("names the cameras of the fleet as the recordings do", async () => {
    for (const { name, camera } of CLIPS) assert.equal((await loadClip(name)).camera, camera);
  });
});
