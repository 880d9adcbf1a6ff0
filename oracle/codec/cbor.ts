// CBOR (RFC 8949) as authenticators write it: definite lengths, whole numbers, no tags.
import { CodecError } from "./bytes";

export type Cbor = bigint | string | boolean | null | Uint8Array | Cbor[] | CborMap;
export type CborMap = Map<bigint | string, Cbor>;

const MAX_DEPTH = 8;

/** The item at the start of `bytes`, and how many bytes it takes. */
export function readCbor(field: string, bytes: Uint8Array): { value: Cbor; size: number } {
  let at = 0;
  const fail = (problem: string): CodecError => new CodecError(field, `CBOR, byte ${at}: ${problem}`);
  const take = (size: number): Uint8Array => {
    if (size > bytes.length - at) throw fail("ends too early");
    at += size;
    return bytes.subarray(at - size, at);
  };
  const argument = (info: number): bigint => {
    if (info < 24) return BigInt(info);
    if (info > 27) throw fail("a length that is not definite");
    return take(1 << (info - 24)).reduce((v, b) => (v << 8n) | BigInt(b), 0n);
  };
  const count = (info: number): number => {
    const n = argument(info);
    // An item takes a byte at least, so no count above what is left can be honest.
    if (n > BigInt(bytes.length - at)) throw fail("ends too early");
    return Number(n);
  };
  const item = (depth: number): Cbor => {
    if (depth > MAX_DEPTH) throw fail("nested too deep");
    const [head = 0] = take(1);
    const info = head & 31;
    switch (head >> 5) {
      case 0:
        return argument(info);
      case 1:
        return -1n - argument(info);
      case 2:
        return take(count(info));
      case 3:
        return new TextDecoder("utf-8", { fatal: false }).decode(take(count(info)));
      case 4:
        return Array.from({ length: count(info) }, () => item(depth + 1));
      case 5: {
        const map: CborMap = new Map();
        for (let n = count(info); n > 0; n--) {
          const key = item(depth + 1);
          if (typeof key !== "bigint" && typeof key !== "string") throw fail("a key that is no number and no text");
          if (map.has(key)) throw fail(`the key ${key} twice`);
          map.set(key, item(depth + 1));
        }
        return map;
      }
      case 7:
        if (info === 20 || info === 21) return info === 21;
        if (info === 22) return null;
    }
    throw fail(`an item of type ${head >> 5} is not expected`);
  };
  return { value: item(0), size: at };
}

/** The same where a map is expected. */
export function readCborMap(field: string, bytes: Uint8Array): { value: CborMap; size: number } {
  const { value, size } = readCbor(field, bytes);
  if (!(value instanceof Map)) throw new CodecError(field, "CBOR: is no map");
  return { value, size };
}
