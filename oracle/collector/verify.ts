// The checks of one proof, in their order. The first that fails names the refusal.
import { createPublicKey, verify as verifySignature } from "node:crypto";
import { sha256 } from "ethers";
import { type Block, type ChainConstants, epochAt, epochEnd, epochStart } from "../chain";
import {
  bytesOf,
  decodeMessage,
  type DeviceKey,
  type DeviceMessage,
  type Hex,
  KEY_P256,
  keyHash,
  messageHash,
  normaliseSignature,
} from "../codec";
import type { Check } from "../config";
import { messageOf, Refused } from "../errors";
import { MAX_PAYLOAD_BYTES, type Proof, type RefusalCode, signatureBytes, wireProofSchema } from "../proof";
import type { Directory } from "./directory";

/** What a payload of a category is worth; throws an error with a `code` where it is worth nothing. */
export type Decode = (category: number, payload: Uint8Array) => { readonly units: bigint };

export interface VerifyRules {
  readonly constants: ChainConstants;
  readonly directory: Directory;
  readonly decode: Decode;
  readonly graceSeconds: number;
  readonly toleranceSeconds: number;
  readonly disabled: ReadonlySet<Check>;
}

/** Refusal of a proof, with what is known of it. */
export class ProofRefused extends Refused {
  constructor(
    code: string,
    detail: string,
    readonly proof: { hash?: Hex; deviceId?: bigint; epoch?: number } = {},
  ) {
    super(code, detail, code === "REPLAYED_COUNTER" ? 409 : 422);
    this.name = "ProofRefused";
  }
}

export interface ParsedProof {
  readonly hash: Hex;
  readonly message: Uint8Array;
  readonly fields: DeviceMessage;
  readonly signature: Hex;
  readonly key: DeviceKey;
  readonly payload: Uint8Array;
}

/** Sizes and shape (MALFORMED), and the tag (WRONG_DOMAIN). */
export function parseProof(raw: unknown): ParsedProof {
  const wire = wireProofSchema.safeParse(raw);
  if (!wire.success) {
    const [issue] = wire.error.issues;
    throw new ProofRefused("MALFORMED", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "invalid"}`);
  }
  const message = bytesOf("message", wire.data.message, 111);
  const hash = messageHash(message);
  const payload = Buffer.from(wire.data.payload, "base64");
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new ProofRefused("MALFORMED", `payload: ${payload.length} bytes, at most ${MAX_PAYLOAD_BYTES}`, { hash });
  }
  const { type, x, y } = wire.data.key;
  return {
    hash,
    message,
    fields: decodeFields(message, hash),
    signature: wire.data.signature.toLowerCase() as Hex,
    key: { keyType: type, x: x.toLowerCase() as Hex, y: y.toLowerCase() as Hex },
    payload,
  };
}

function decodeFields(message: Uint8Array, hash: Hex): DeviceMessage {
  try {
    return decodeMessage(message);
  } catch (error) {
    throw new ProofRefused("WRONG_DOMAIN", messageOf(error), { hash }); // tag or schema of something else
  }
}

/**
 * All checks but the counter's, which needs the store. A proof that another node hands over was taken in time by that
 * node: then its epoch may be any that has begun.
 */
export async function verifyProof(
  rules: VerifyRules,
  p: ParsedProof,
  from: "device" | "peer",
  now: Block,
): Promise<Proof> {
  const { constants, directory, disabled } = rules;
  const { fields, hash } = p;
  const refuse = (code: RefusalCode, detail: string): ProofRefused =>
    new ProofRefused(code, detail, { hash, deviceId: fields.deviceId, epoch: fields.epoch });
  const on = (check: Check): boolean => !disabled.has(check);

  if (on("WRONG_DOMAIN")) {
    if (fields.chainId !== constants.chainId) throw refuse("WRONG_DOMAIN", `chain ${fields.chainId}`);
    if (fields.registry !== constants.registry) throw refuse("WRONG_DOMAIN", `registry ${fields.registry}`);
  }

  const hashOfKey = keyHash(p.key);
  if (on("UNKNOWN_DEVICE")) {
    const device = await directory.deviceOfKeyAt(hashOfKey, fields.epoch);
    if (device === 0n)
      throw refuse("UNKNOWN_DEVICE", `key ${hashOfKey} is live for no device in epoch ${fields.epoch}`);
    if (device !== fields.deviceId) throw refuse("UNKNOWN_DEVICE", `key is of device ${device}`);
  } else if (fields.deviceId > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw refuse("UNKNOWN_DEVICE", "no such device");
  }

  const signature = lowSignature(p, refuse);
  if (on("FORGED_SIGNATURE") && !isSignedBy(p.key, p.message, signatureBytes(signature))) {
    throw refuse("FORGED_SIGNATURE", "signature is not by this key");
  }

  checkTime(rules, fields, from, now, refuse);

  if (on("PAYLOAD_HASH_MISMATCH") && sha256(p.payload) !== fields.payloadHash) {
    throw refuse("PAYLOAD_HASH_MISMATCH", `sha256 of the payload is ${sha256(p.payload)}`);
  }

  const category = await directory.categoryOf(fields.kind);
  if (category === undefined) throw refuse("NOT_BACKED", `there is no sub-network ${fields.kind}`);
  const units = unitsOf(rules.decode, category, p.payload, { hash, deviceId: fields.deviceId, epoch: fields.epoch });

  if (on("NOT_BACKED") && !(await directory.isBackedAt(fields.deviceId, fields.kind, fields.epoch))) {
    throw refuse("NOT_BACKED", `not backed in sub-network ${fields.kind} in epoch ${fields.epoch}`);
  }

  return { hash, message: p.message, fields, signature, key: p.key, keyHash: hashOfKey, payload: p.payload, units };
}

function lowSignature(p: ParsedProof, refuse: (code: RefusalCode, detail: string) => ProofRefused) {
  try {
    return normaliseSignature(p.key.keyType, p.signature);
  } catch (error) {
    throw refuse("FORGED_SIGNATURE", messageOf(error));
  }
}

function checkTime(
  rules: VerifyRules,
  { epoch, time }: DeviceMessage,
  from: "device" | "peer",
  now: Block,
  refuse: (code: RefusalCode, detail: string) => ProofRefused,
): void {
  const { constants, disabled, graceSeconds, toleranceSeconds } = rules;
  const current = epochAt(constants, now.time);
  if (!disabled.has("STALE_EPOCH")) {
    const closesAt = epochEnd(constants, epoch) + graceSeconds;
    if (from === "device" && now.time >= closesAt) {
      throw refuse("STALE_EPOCH", `epoch ${epoch} took proofs until ${closesAt}, the chain is at ${now.time}`);
    }
    if (epoch > 0 && time < BigInt(epochStart(constants, epoch))) {
      throw refuse("STALE_EPOCH", `time ${time} is before epoch ${epoch}`);
    }
  }
  if (!disabled.has("FUTURE_EPOCH")) {
    if (epoch > current) throw refuse("FUTURE_EPOCH", `epoch ${epoch}, the chain is in ${current}`);
    if (time >= BigInt(epochEnd(constants, epoch)))
      throw refuse("FUTURE_EPOCH", `time ${time} is after epoch ${epoch}`);
    if (time > BigInt(now.time + toleranceSeconds)) {
      throw refuse("FUTURE_EPOCH", `time ${time}, the chain is at ${now.time}`);
    }
  }
}

function unitsOf(
  decode: Decode,
  category: number,
  payload: Uint8Array,
  proof: { hash: Hex; deviceId: bigint; epoch: number },
): bigint {
  try {
    return decode(category, payload).units;
  } catch (error) {
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
    if (code === undefined) throw error; // a bug in the decoder is not the device's fault
    throw new ProofRefused(code, messageOf(error), proof);
  }
}

/** Whether `signature` (r ‖ s) over sha256(message) is by `key`. A point off the curve signs nothing. */
export function isSignedBy(key: DeviceKey, message: Uint8Array, signature: Uint8Array): boolean {
  const b64 = (h: Hex): string => Buffer.from(h.slice(2), "hex").toString("base64url");
  try {
    const jwk = { kty: "EC", crv: key.keyType === KEY_P256 ? "P-256" : "secp256k1", x: b64(key.x), y: b64(key.y) };
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    return verifySignature("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false;
  }
}
