import { createHash } from "node:crypto";
import lora from "lora-packet";

/** What the network server knows of an end device's session: the key that checks the MIC. */
export type NwkSKeyOf = (devAddr: number) => Uint8Array | undefined;

export interface Session {
  readonly nwkSKey: Buffer;
  readonly appSKey: Buffer;
}

/** DevAddr block of NetID 000000, reserved for private networks: the end devices of the demo. */
export const DEMO_DEVADDR_FIRST = 0x0100_0000;
export const DEMO_DEVADDR_COUNT = 0x1_0000;

/** The published keys of the recorded frames in lora-packet's documentation (MIT). Never use them for anything real. */
const PUBLISHED: ReadonlyMap<number, Session> = new Map([
  [
    0x49be7df1,
    {
      nwkSKey: Buffer.from("44024241ed4ce9a68c6a8bc055233fd3", "hex"),
      appSKey: Buffer.from("ec925802ae430ca77fd3dd73cb2cc588", "hex"),
    },
  ],
]);

const derived = new Map<number, Session>();

/** Session keys of the demo network: LoRaWAN 1.0 derivation from an AppKey that anyone can recompute. DEMO ONLY. */
export function demoSession(devAddr: number): Session | undefined {
  const published = PUBLISHED.get(devAddr);
  if (published !== undefined) return published;
  if (devAddr < DEMO_DEVADDR_FIRST || devAddr >= DEMO_DEVADDR_FIRST + DEMO_DEVADDR_COUNT) return undefined;
  const known = derived.get(devAddr);
  if (known !== undefined) return known;
  const address = Buffer.alloc(4);
  address.writeUInt32BE(devAddr);
  const appKey = createHash("sha256").update("groundwork demo end device").update(address).digest().subarray(0, 16);
  const keys = lora.generateSessionKeys10(appKey, Buffer.alloc(3), address.subarray(1), Buffer.from([0, 1]));
  const session = { nwkSKey: keys.NwkSKey, appSKey: keys.AppSKey };
  derived.set(devAddr, session);
  return session;
}

export const demoNwkSKeyOf: NwkSKeyOf = (devAddr) => demoSession(devAddr)?.nwkSKey;
