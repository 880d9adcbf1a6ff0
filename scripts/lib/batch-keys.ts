// Keys of a batch made from a seed: what a maker's secure elements would make, for trials and tests. Key i is the same
// whatever the size of the batch.
import { createECDH, createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { type DeviceKey, hex, type Hex, KEY_P256, ORDER, uint } from "../../oracle/codec";
import { HEADER } from "./batch-file";

const FLUSH = 4_096;
const PKCS8 = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

const ecdh = createECDH("prime256v1");

export interface MadeDevice {
  readonly serial: string;
  readonly privateKey: Uint8Array;
  readonly key: DeviceKey;
}

/** Device `index` of the seed: serial, private key, public key. */
export function deviceOfSeed(seed: string, index: number): MadeDevice {
  // 64 bytes reduced: no value is likelier than another by more than 2^-256.
  const wide = createHash("sha512")
    .update(`groundwork batch ${JSON.stringify(seed)} ${index}`)
    .digest("hex");
  const order = ORDER[KEY_P256] ?? 0n;
  const privateKey = uint("privateKey", (BigInt(`0x${wide}`) % (order - 1n)) + 1n, 32);
  ecdh.setPrivateKey(privateKey);
  const point = ecdh.getPublicKey();
  const tag = createHash("sha256").update(seed).digest("hex").slice(0, 8).toUpperCase();
  return {
    serial: `GW-${tag}-${String(index + 1).padStart(7, "0")}`,
    privateKey,
    key: { keyType: KEY_P256, x: hex(point.subarray(1, 33)), y: hex(point.subarray(33)) },
  };
}

/** A private key that node:crypto signs with. */
export function signingKey(privateKey: Hex): KeyObject {
  const der = Buffer.from(PKCS8 + privateKey.slice(2), "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** Writes the batch file, and the private keys, one a line, where they are asked for (readable by the owner only). */
export function writeBatch(
  path: string,
  keysPath: string | undefined,
  rows: number,
  seed: string,
  tick?: (rows: number) => void,
): void {
  const csv = openSync(path, "w");
  const keys = keysPath === undefined ? undefined : openSync(keysPath, "w", 0o600);
  try {
    let lines = [HEADER];
    let secrets: string[] = [];
    const flush = (): void => {
      writeSync(csv, lines.join("\n") + "\n");
      if (keys !== undefined && secrets.length > 0) writeSync(keys, secrets.join("\n") + "\n");
      [lines, secrets] = [[], []];
    };
    for (let i = 0; i < rows; i++) {
      const { serial, privateKey, key } = deviceOfSeed(seed, i);
      lines.push(`${serial},${key.keyType},${key.x},${key.y}`);
      if (keys !== undefined) secrets.push(hex(privateKey));
      if (lines.length >= FLUSH) {
        flush();
        tick?.(i + 1);
      }
    }
    if (lines.length > 0) flush();
    tick?.(rows);
  } finally {
    closeSync(csv);
    if (keys !== undefined) closeSync(keys);
  }
}
