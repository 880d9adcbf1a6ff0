// The boxes of the demonstration: real P-256 keys, placed by the fleet's inventory, and a few that cheat.
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { id } from "ethers";
import {
  bytesOf,
  type DeviceKey,
  type DeviceSignature,
  type Hex,
  hex,
  KEY_P256,
  keyHash,
  normaliseSignature,
} from "../../oracle/codec";
import { type FleetDevice, makeFleet } from "../fleet/inventory";

/** What a box does wrong. Nodes never see this label. */
export type Cheat = "forgedSignature" | "replayedCounter" | "unregisteredDevice" | "clonedKey";
export const CHEATS: readonly Cheat[] = ["forgedSignature", "replayedCounter", "unregisteredDevice", "clonedKey"];

export interface Box {
  readonly place: FleetDevice;
  readonly serialHash: Hex;
  readonly privateKey: KeyObject;
  readonly key: DeviceKey;
  readonly keyHash: Hex;
  readonly cheat?: Cheat;
}

/** `devices` honest boxes, then one box a cheat (placed and modelled like the others). */
export function makeBoxes(devices: number, seed: string): Box[] {
  const fleet = makeFleet({ devices: devices + CHEATS.length, seed });
  return fleet.map((place, i) => {
    const cheat = CHEATS[i - devices];
    const { privateKey, key } = newKey();
    const serialHash = id(`${seed}/serial/${i}`) as Hex;
    return { place, serialHash, privateKey, key, keyHash: keyHash(key), ...(cheat && { cheat }) };
  });
}

/** A fresh P-256 key, as a secure element makes one. */
export function newKey(): { privateKey: KeyObject; key: DeviceKey } {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y } = pair.publicKey.export({ format: "jwk" });
  if (x === undefined || y === undefined) throw new Error("the key has no coordinates");
  const coordinate = (value: string): Hex => hex(Buffer.from(value, "base64url"));
  const privateKey = createPrivateKey(pair.privateKey.export({ format: "pem", type: "pkcs8" }));
  return { privateKey, key: { keyType: KEY_P256, x: coordinate(x), y: coordinate(y) } };
}

/** r ‖ s, 64 bytes, over sha256(message); s may be high, as secure elements make it. */
export function signRaw(privateKey: KeyObject, message: Uint8Array): Hex {
  return hex(sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" }));
}

/** The same in the form the chain takes: low s. */
export function signForChain(privateKey: KeyObject, message: Uint8Array): DeviceSignature {
  return normaliseSignature(KEY_P256, hex(bytesOf("signature", signRaw(privateKey, message), 64)));
}
