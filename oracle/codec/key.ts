// Device keys: P-256 and secp256k1 public keys, their hash, and the one form of a signature that the chain accepts.
import { keccak256 } from "ethers";
import { bytesOf, CodecError, Hex, hex, join, readUint, uint } from "./bytes";

export const KEY_P256 = 1;
export const KEY_SECP256K1 = 2;

export interface DeviceKey {
  keyType: number;
  x: Hex;
  y: Hex;
}

export interface DeviceSignature {
  r: Hex;
  s: Hex;
}

/** Orders of the two groups. */
export const ORDER: Record<number, bigint> = {
  [KEY_P256]: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  [KEY_SECP256K1]: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
};

/** keccak256(keyType ‖ x ‖ y). */
export function keyHash(key: DeviceKey): Hex {
  if (ORDER[key.keyType] === undefined)
    throw new CodecError("keyType", `${key.keyType} is not 1 (P-256) or 2 (secp256k1)`);
  return keccak256(join(uint("keyType", key.keyType, 1), bytesOf("x", key.x, 32), bytesOf("y", key.y, 32))) as Hex;
}

/** Splits 64 bytes r ‖ s and replaces a high s by its low twin: both are one signature, the chain takes the low one. */
export function normaliseSignature(keyType: number, signature: string): DeviceSignature {
  const order = ORDER[keyType];
  if (order === undefined) throw new CodecError("keyType", `${keyType} is not 1 (P-256) or 2 (secp256k1)`);
  const bytes = bytesOf("signature", signature, 64);
  const r = readUint(bytes, 0, 32);
  const s = readUint(bytes, 32, 32);
  if (r === 0n || r >= order || s === 0n || s >= order)
    throw new CodecError("signature", "r or s is outside 1 … order − 1");
  const low = s > order / 2n ? order - s : s;
  return { r: hex(bytes.slice(0, 32)), s: hex(uint("s", low, 32)) };
}
