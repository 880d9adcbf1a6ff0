// Keys and signatures in the forms that hardware gives them: points, SPKI, JWK, COSE; raw r ‖ s and DER. All become the one
// form that the chain takes.
import { bytesOf, CodecError, type Hex, hex, readUint, uint } from "./bytes";
import { type CborMap, readCborMap } from "./cbor";
import { type DeviceKey, type DeviceSignature, KEY_P256, KEY_SECP256K1, normaliseSignature } from "./key";

interface Curve {
  readonly p: bigint;
  readonly a: bigint;
  readonly b: bigint;
  /** SubjectPublicKeyInfo up to the point. */
  readonly spki: string;
  readonly jwk: string;
  /** COSE: curve, and the algorithm whose keys are on it. */
  readonly cose: bigint;
  readonly alg: bigint;
}

const CURVES: Readonly<Record<number, Curve>> = {
  [KEY_P256]: {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    a: -3n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    spki: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    jwk: "P-256",
    cose: 1n,
    alg: -7n,
  },
  [KEY_SECP256K1]: {
    p: 2n ** 256n - 2n ** 32n - 977n,
    a: 0n,
    b: 7n,
    spki: "3056301006072a8648ce3d020106052b8104000a034200",
    jwk: "secp256k1",
    cose: 8n,
    alg: -47n,
  },
};

function curveOf(keyType: number): Curve {
  const curve = CURVES[keyType];
  if (curve === undefined) throw new CodecError("keyType", `${keyType} is not 1 (P-256) or 2 (secp256k1)`);
  return curve;
}

// --------------------------------------------------------------------------------------------------------- points

/** Whether (x, y) is a point of the key's curve, as DeviceKeys.isOnCurve says. */
export function isOnCurve(key: DeviceKey): boolean {
  const { p, a, b } = curveOf(key.keyType);
  const [x, y] = [BigInt(key.x), BigInt(key.y)];
  return x < p && y < p && (y * y - (x * x + a) * x - b) % p === 0n;
}

function checked(field: string, key: DeviceKey): DeviceKey {
  if (!isOnCurve(key)) throw new CodecError(field, `is no point of ${curveOf(key.keyType).jwk}`);
  return key;
}

/** A point as SEC 1 writes it: 04 ‖ x ‖ y, or 02/03 ‖ x. */
export function keyFromPoint(keyType: number, point: Uint8Array): DeviceKey {
  const [prefix] = point;
  const x = hex(point.subarray(1, 33));
  if (prefix === 4 && point.length === 65) return checked("point", { keyType, x, y: hex(point.subarray(33)) });
  if ((prefix === 2 || prefix === 3) && point.length === 33) {
    const { p, a, b } = curveOf(keyType);
    const v = BigInt(x);
    const root = power(((((v * v + a) * v + b) % p) + p) % p, (p + 1n) / 4n, p); // both p are 3 modulo 4
    const y = (root & 1n) === BigInt(prefix & 1) ? root : p - root;
    return checked("point", { keyType, x, y: hex(uint("y", y, 32)) });
  }
  throw new CodecError("point", "is neither 04 ‖ x ‖ y nor 02/03 ‖ x");
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [base, exponent]; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if (e & 1n) result = (result * b) % modulus;
  }
  return result;
}

// ----------------------------------------------------------------------------------------------------------- keys

/** SubjectPublicKeyInfo, DER: what a certificate and `openssl pkey -pubout` hold. */
export function keyFromSpki(der: Uint8Array): DeviceKey {
  const text = Buffer.from(der).toString("hex");
  for (const keyType of [KEY_P256, KEY_SECP256K1]) {
    const { spki } = curveOf(keyType);
    if (text.startsWith(spki)) return keyFromPoint(keyType, der.subarray(spki.length / 2));
  }
  throw new CodecError("spki", "is no uncompressed key of P-256 or secp256k1");
}

/** PEM around SubjectPublicKeyInfo. */
export function keyFromPem(pem: string): DeviceKey {
  const body = /-----BEGIN PUBLIC KEY-----([\s\S]+?)-----END PUBLIC KEY-----/.exec(pem)?.[1];
  if (body === undefined) throw new CodecError("pem", "has no PUBLIC KEY");
  return keyFromSpki(Buffer.from(body, "base64"));
}

/** JSON Web Key. */
export function keyFromJwk(jwk: { kty?: string; crv?: string; x?: string; y?: string }): DeviceKey {
  if (jwk.kty !== "EC") throw new CodecError("jwk.kty", `${jwk.kty ?? "nothing"} is not EC`);
  const keyType = [KEY_P256, KEY_SECP256K1].find((k) => curveOf(k).jwk === jwk.crv);
  if (keyType === undefined) throw new CodecError("jwk.crv", `${jwk.crv ?? "nothing"} is not P-256 or secp256k1`);
  return checked("jwk", { keyType, x: coordinate("jwk.x", jwk.x), y: coordinate("jwk.y", jwk.y) });
}

function coordinate(field: string, value: string | undefined): Hex {
  return hex(bytesOf(field, `0x${Buffer.from(value ?? "", "base64url").toString("hex")}`, 32));
}

/** COSE_Key (RFC 9053) as a map, or as the bytes of one. */
export function keyFromCose(cose: Uint8Array | CborMap): DeviceKey {
  const map = cose instanceof Uint8Array ? readCborMap("cose", cose).value : cose;
  if (map.get(1n) !== 2n) throw new CodecError("cose.kty", `${String(map.get(1n))} is not 2 (EC2)`);
  const keyType = [KEY_P256, KEY_SECP256K1].find((k) => curveOf(k).cose === map.get(-1n));
  if (keyType === undefined)
    throw new CodecError("cose.crv", `${String(map.get(-1n))} is not 1 (P-256) or 8 (secp256k1)`);
  const { alg } = curveOf(keyType);
  const said = map.get(3n);
  if (said !== undefined && said !== alg) throw new CodecError("cose.alg", `${String(said)} is not ${alg}`);
  const part = (name: string, label: bigint): Hex => {
    const value = map.get(label);
    if (!(value instanceof Uint8Array) || value.length !== 32) throw new CodecError(`cose.${name}`, "is not 32 bytes");
    return hex(value);
  };
  return checked("cose", { keyType, x: part("x", -2n), y: part("y", -3n) });
}

// ----------------------------------------------------------------------------------------------------- signatures

/** r and s of an ECDSA signature in DER: the one encoding, nothing behind it. */
export function rawFromDer(der: Uint8Array): Hex {
  let at = 0;
  const fail = (problem: string): CodecError => new CodecError("signature", `DER, byte ${at}: ${problem}`);
  const expect = (tag: number): number => {
    if (der[at] !== tag) throw fail(`tag ${tag} expected`);
    const size = der[at + 1] ?? 0x80;
    if (size >= 0x80) throw fail("a length below 128 expected");
    at += 2;
    if (at + size > der.length) throw fail("ends too early");
    return size;
  };
  if (expect(0x30) !== der.length - at) throw fail("the sequence is not the whole");
  const part = (): Uint8Array => {
    const size = expect(0x02);
    const bytes = der.subarray(at, at + size);
    const [first = 0x80, second = 0] = bytes;
    if (first >= 0x80) throw fail("a negative or empty number");
    if (first === 0 && size > 1 && second < 0x80) throw fail("a needless zero");
    at += size;
    const digits = first === 0 ? bytes.subarray(1) : bytes;
    if (digits.length > 32) throw fail("a number above 32 bytes");
    return uint("number", readUint(digits, 0, digits.length), 32);
  };
  const raw = Buffer.concat([part(), part()]);
  if (at !== der.length) throw fail("something follows");
  return hex(raw);
}

/**
 * A signature of a device in the form that the chain takes, low s, from raw r ‖ s (64 bytes) or DER. Some DER has 64 bytes
 * too (one signature in 2^40), and is told by its shape, which r ‖ s has by chance once in 2^50.
 */
export function signatureFrom(keyType: number, signature: Uint8Array): DeviceSignature {
  if (signature.length === 64 && !isDer(signature)) return normaliseSignature(keyType, hex(signature));
  return normaliseSignature(keyType, rawFromDer(signature));
}

function isDer(bytes: Uint8Array): boolean {
  try {
    rawFromDer(bytes);
    return true;
  } catch {
    return false;
  }
}
