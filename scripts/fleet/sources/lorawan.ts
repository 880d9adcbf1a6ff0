import lora from "lora-packet";

import { encodeWire } from "../../../oracle/scoring";
import type { LorawanPayload } from "../../../oracle/scoring/lorawan";
import { DEMO_DEVADDR_COUNT, DEMO_DEVADDR_FIRST, demoSession } from "../../../oracle/scoring/lorawan-keys";
import { draw } from "../draw";
import type { FleetDevice } from "../inventory";
import type { CategorySource } from "./source";

const SRC = "lora-packet frames, demo sessions";
const MAX_FRAMES_A_READING = 12;
const COUNTERS = 0x1_0000;

/** Gateways relay uplinks of sensors around them: made frames in the real format, under real session keys. */
export function openLorawan(): CategorySource {
  return (device, step) => {
    const count = 1 + draw(String(device.index), "frames", step, MAX_FRAMES_A_READING);
    const frames = Array.from({ length: count }, (_, sensor) => uplink(device, sensor, step));
    const payload: LorawanPayload = { v: 1, src: SRC, frames };
    return { payload: encodeWire(payload), units: BigInt(count), latE7: device.latE7, lonE7: device.lonE7 };
  };
}

/** Each gateway hears twelve sensors of its own; each sensor counts up by one a reading. */
function uplink(device: FleetDevice, sensor: number, step: number): string {
  const devAddr = DEMO_DEVADDR_FIRST + ((device.index * MAX_FRAMES_A_READING + sensor) % DEMO_DEVADDR_COUNT);
  const session = demoSession(devAddr);
  if (session === undefined) throw new Error(`no session for ${devAddr}`);
  const address = Buffer.alloc(4);
  address.writeUInt32BE(devAddr);
  const packet = lora.fromFields(
    {
      MType: "Unconfirmed Data Up",
      DevAddr: address,
      FCnt: step % COUNTERS,
      FPort: 1,
      payload: temperature(devAddr, step),
    },
    session.appSKey,
    session.nwkSKey,
  );
  if (packet.PHYPayload === undefined) throw new Error("lora-packet made no frame");
  return packet.PHYPayload.toString("hex");
}

/** Two bytes as a sensor sends them: hundredths of a degree, modelled. */
function temperature(devAddr: number, step: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(1_500 + draw(String(devAddr), "temperature", step, 1_000));
  return bytes;
}
