import lora from "lora-packet";
import { z } from "zod";

import { demoNwkSKeyOf, type NwkSKeyOf } from "./lorawan-keys";
import { ReadingRejected, ReasonCode } from "./reasons";
import { decodeWire, type Decoder, header, hexBytes, type Reading } from "./wire";

/** MHDR 1 + FHDR 7 + MIC 4. */
const MIN_FRAME_BYTES = 12;
const MAX_FRAME_BYTES = 255;
export const MAX_FRAMES = 24;

const schema = z.strictObject({
  ...header,
  frames: z.array(hexBytes(MIN_FRAME_BYTES, MAX_FRAME_BYTES)).min(1).max(MAX_FRAMES),
});
export type LorawanPayload = z.infer<typeof schema>;

export interface RelayedFrame {
  readonly devAddr: number;
  readonly fCnt: number;
  readonly fPort: number | null;
}

export interface LorawanReading extends Reading {
  readonly frames: readonly RelayedFrame[];
}

/**
 * A gateway's relayed uplinks, as PHYPayloads. Unit: frames whose MIC holds under the session key that the network server
 * has for the DevAddr (LoRaWAN 1.0, 16-bit counters). A frame counts once in a payload; who heard it first among several
 * gateways is not decided here.
 */
export function lorawanDecoder(nwkSKeyOf: NwkSKeyOf): Decoder<LorawanReading> {
  return (payload) => {
    const frames = decodeWire(schema, payload).frames.map((hex) => checkFrame(hex, nwkSKeyOf));
    const seen = new Set<string>();
    for (const { devAddr, fCnt } of frames) {
      const id = `${hexAddr(devAddr)}:${fCnt}`;
      if (seen.has(id)) throw new ReadingRejected(ReasonCode.FRAME_REPEATED, id);
      seen.add(id);
    }
    return { units: BigInt(frames.length), frames };
  };
}

export const decode = lorawanDecoder(demoNwkSKeyOf);

function checkFrame(hex: string, nwkSKeyOf: NwkSKeyOf): RelayedFrame {
  const packet = parseFrame(hex);
  if (!packet.isDataMessage() || packet.getDir() !== "up") {
    throw new ReadingRejected(ReasonCode.FRAME_NOT_UPLINK, packet.getMType());
  }
  const fCnt = packet.getFCnt();
  if (packet.DevAddr === undefined || fCnt === null) throw new ReadingRejected(ReasonCode.FRAME_MALFORMED, hex);
  const devAddr = packet.DevAddr.readUInt32BE(0);
  const key = nwkSKeyOf(devAddr);
  if (key === undefined) throw new ReadingRejected(ReasonCode.UNKNOWN_DEVADDR, hexAddr(devAddr));
  if (!lora.verifyMIC(packet, Buffer.from(key))) {
    throw new ReadingRejected(ReasonCode.MIC_INVALID, `${hexAddr(devAddr)} frame ${fCnt}`);
  }
  return { devAddr, fCnt, fPort: packet.getFPort() };
}

function parseFrame(hex: string): ReturnType<typeof lora.fromWire> {
  try {
    return lora.fromWire(Buffer.from(hex, "hex"));
  } catch (error) {
    throw new ReadingRejected(ReasonCode.FRAME_MALFORMED, error instanceof Error ? error.message : hex);
  }
}

function hexAddr(devAddr: number): string {
  return devAddr.toString(16).padStart(8, "0");
}
