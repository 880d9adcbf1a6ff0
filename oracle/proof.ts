// A proof in its three forms: as sent (JSON), as verified, and the codes with which one is refused.
import { z } from "zod";
import { bytesOf, type DeviceKey, type DeviceMessage, type DeviceSignature, type Hex, hex, join, uint } from "./codec";

export const MAX_PAYLOAD_BYTES = 16_384;

/** Why a node refuses a proof. Published and stable: add, never rename. Decoders of payloads add their own. */
export type RefusalCode =
  | "MALFORMED"
  | "BODY_TOO_LARGE"
  | "WRONG_DOMAIN"
  | "UNKNOWN_DEVICE"
  | "FORGED_SIGNATURE"
  | "STALE_EPOCH"
  | "FUTURE_EPOCH"
  | "REPLAYED_COUNTER"
  | "PAYLOAD_HASH_MISMATCH"
  | "NOT_BACKED"
  | "CLONED_KEY";

const hexOf = (bytes: number) =>
  z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`), `needs ${bytes} bytes of hex`);

/** What a device posts, and what nodes hand to each other. */
export const wireProofSchema = z.strictObject({
  message: hexOf(111),
  signature: hexOf(64),
  key: z.strictObject({ type: z.union([z.literal(1), z.literal(2)]), x: hexOf(32), y: hexOf(32) }),
  payload: z
    .string()
    .max(4 * Math.ceil(MAX_PAYLOAD_BYTES / 3))
    .regex(/^[A-Za-z0-9+/]*={0,2}$/, "is not base64"),
});
export type WireProof = z.infer<typeof wireProofSchema>;

/** A verified proof. `signature` has the low s; `hash` = sha256(message) is its name. */
export interface Proof {
  readonly hash: Hex;
  readonly message: Uint8Array;
  readonly fields: DeviceMessage;
  readonly signature: DeviceSignature;
  readonly key: DeviceKey;
  readonly keyHash: Hex;
  readonly payload: Uint8Array;
  readonly units: bigint;
}

export function toWire(proof: Pick<Proof, "message" | "signature" | "key" | "payload">): WireProof {
  return {
    message: hex(proof.message),
    signature: hex(signatureBytes(proof.signature)),
    key: { type: proof.key.keyType === 2 ? 2 : 1, x: proof.key.x, y: proof.key.y },
    payload: Buffer.from(proof.payload).toString("base64"),
  };
}

export function signatureBytes({ r, s }: DeviceSignature): Uint8Array {
  return join(bytesOf("r", r, 32), bytesOf("s", s, 32));
}

export function keyBytes(key: DeviceKey): Uint8Array {
  return join(uint("keyType", key.keyType, 1), bytesOf("x", key.x, 32), bytesOf("y", key.y, 32));
}
