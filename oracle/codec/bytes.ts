// Big-endian byte helpers. Every layout of the codec is built from these and nothing else.
import { getBytes, hexlify } from "ethers";

export type Hex = `0x${string}`;

/** A value that does not fit the layout: says which field and why. */
export class CodecError extends Error {
  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
    this.name = "CodecError";
  }
}

export function hex(bytes: Uint8Array): Hex {
  return hexlify(bytes) as Hex;
}

/** Bytes of a hex string, of exactly `size` bytes if given. */
export function bytesOf(field: string, value: string, size?: number): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(value)) throw new CodecError(field, "not a hex string of whole bytes");
  const bytes = getBytes(value);
  if (size !== undefined && bytes.length !== size) {
    throw new CodecError(field, `has ${bytes.length} bytes, needs ${size}`);
  }
  return bytes;
}

/** Unsigned integer, big endian, in `size` bytes. */
export function uint(field: string, value: bigint | number, size: number): Uint8Array {
  const v = BigInt(value);
  if (v < 0n || v >> BigInt(8 * size) !== 0n) throw new CodecError(field, `${v} does not fit ${size} unsigned bytes`);
  const out = new Uint8Array(size);
  let rest = v;
  for (let i = size - 1; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}

/** Two's complement integer, big endian, in `size` bytes. */
export function int(field: string, value: bigint | number, size: number): Uint8Array {
  const v = BigInt(value);
  const half = 1n << BigInt(8 * size - 1);
  if (v < -half || v >= half) throw new CodecError(field, `${v} does not fit ${size} signed bytes`);
  return uint(field, v < 0n ? v + 2n * half : v, size);
}

export function readUint(bytes: Uint8Array, offset: number, size: number): bigint {
  let v = 0n;
  for (let i = offset; i < offset + size; i++) v = (v << 8n) | BigInt(bytes[i] ?? 0);
  return v;
}

export function readInt(bytes: Uint8Array, offset: number, size: number): bigint {
  return BigInt.asIntN(8 * size, readUint(bytes, offset, size));
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Order of bytes of equal length: negative, zero, positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}
