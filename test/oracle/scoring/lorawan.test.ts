import { assert } from "chai";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { decode, lorawanDecoder, MAX_FRAMES } from "../../../oracle/scoring/lorawan";
import { demoNwkSKeyOf } from "../../../oracle/scoring/lorawan-keys";
import { BODGED_MIC, DOWNLINK, JOIN_REQUEST, RECORDED_UPLINKS } from "../../../scripts/fleet/recorded-frames";
import { openLorawan } from "../../../scripts/fleet/sources/lorawan";
import { expectRejected, readingOrRefusal } from "./helpers";

const relay = (...frames: string[]) => encodeWire({ v: 1, src: "test", frames });
const [second, third, fourth] = RECORDED_UPLINKS;
const gateway = { index: 3, category: 1, city: "x", latE7: 1, lonE7: 2, model: "Demo LoRaWAN gateway" };

describe("scoring/lorawan", () => {
  it("counts the recorded frames under their published session key", () => {
    const reading = decode(relay(...RECORDED_UPLINKS));
    assert.equal(reading.units, 3n);
    assert.deepEqual(reading.frames, [
      { devAddr: 0x49be7df1, fCnt: 2, fPort: 1 },
      { devAddr: 0x49be7df1, fCnt: 3, fPort: 1 },
      { devAddr: 0x49be7df1, fCnt: 4, fPort: 1 },
    ]);
  });

  it("refuses the recorded frame whose MIC was bodged", () => {
    expectRejected(() => decode(relay(BODGED_MIC)), ReasonCode.MIC_INVALID);
  });

  it("refuses a whole payload for one bad frame", () => {
    expectRejected(() => decode(relay(second, BODGED_MIC)), ReasonCode.MIC_INVALID);
  });

  it("refuses any changed bit of a recorded frame", () => {
    const frame = Buffer.from(fourth, "hex");
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const changed = Buffer.from(frame);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.isUndefined(readingOrRefusal(decode, relay(changed.toString("hex"))), `bit ${bit}`);
    }
  });

  it("refuses the recorded downlink and join request", () => {
    expectRejected(() => decode(relay(DOWNLINK)), ReasonCode.FRAME_NOT_UPLINK);
    expectRejected(() => decode(relay(JOIN_REQUEST)), ReasonCode.FRAME_NOT_UPLINK);
  });

  it("refuses the same frame twice", () => {
    expectRejected(() => decode(relay(third, second, third)), ReasonCode.FRAME_REPEATED);
  });

  it("refuses an end device that the network does not know", () => {
    const strangers = lorawanDecoder(() => undefined);
    expectRejected(() => strangers(relay(second)), ReasonCode.UNKNOWN_DEVADDR);
    const made = openLorawan()(gateway, 0).payload;
    assert.isTrue(decode(made).units > 0n);
    expectRejected(
      () => lorawanDecoder((a) => (a === 0x49be7df1 ? demoNwkSKeyOf(a) : undefined))(made),
      ReasonCode.UNKNOWN_DEVADDR,
    );
  });

  it("refuses a made frame under another session's key", () => {
    const wrong = lorawanDecoder((devAddr) => demoNwkSKeyOf(devAddr ^ 1));
    expectRejected(() => wrong(openLorawan()(gateway, 0).payload), ReasonCode.MIC_INVALID);
  });

  it("refuses no frames, too many, and bytes that are no frame", () => {
    expectRejected(() => decode(relay()), ReasonCode.OUT_OF_RANGE);
    expectRejected(
      () => decode(relay(...Array.from({ length: MAX_FRAMES + 1 }, () => second))),
      ReasonCode.OUT_OF_RANGE,
    );
    expectRejected(() => decode(relay("00".repeat(11))), ReasonCode.PAYLOAD_MALFORMED);
    expectRejected(() => decode(relay("00".repeat(12))), ReasonCode.FRAME_MALFORMED);
    expectRejected(() => decode(relay("zz".repeat(12))), ReasonCode.PAYLOAD_MALFORMED);
  });
});
