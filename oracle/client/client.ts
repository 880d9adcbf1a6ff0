// The device's side: what a firmware author copies. A key, a counter, a message of fixed bytes, a POST that tries the
// next node when one does not answer. No chain access: the settings come from any node's GET /config.
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { sha256 } from "ethers";
import { z } from "zod";
import { type DeviceKey, encodeMessage, type Hex, hex, KEY_P256, messageHash } from "../codec";
import type { WireProof } from "../proof";

/** Where a device belongs. `chainId` and `registry` are the same for all devices of a network. */
export interface DeviceIdentity {
  readonly chainId: bigint;
  readonly registry: string;
  readonly deviceId: bigint;
  readonly key: KeyObject;
}

/** One measurement, with the chain's epoch and time. */
export interface Measurement {
  readonly subNetwork: number;
  readonly epoch: number;
  readonly counter: bigint;
  readonly time: bigint;
  readonly latE7: number;
  readonly lonE7: number;
  /** Running total of delivered units. */
  readonly meter: bigint;
  readonly payload: Uint8Array;
}

const answerSchema = z.object({
  hash: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
});

export type SendResult =
  | { readonly accepted: true; readonly hash: Hex; readonly node: string }
  | { readonly accepted: false; readonly code: string; readonly detail: string; readonly node: string | null };

const settingsSchema = z.object({
  chainId: z.number(),
  registry: z.string(),
  epochGenesis: z.number(),
  epochLength: z.number(),
  graceSeconds: z.number(),
  nodes: z.array(z.string()),
  time: z.number(),
  epoch: z.number(),
});
/** What a device has to know of its network; `time` and `epoch` are the chain's of now. */
export type Settings = z.infer<typeof settingsSchema>;

/** Settings from the first node that answers. */
export async function loadSettings(nodes: readonly string[], timeoutMs = 5_000): Promise<Settings | undefined> {
  for (const node of nodes) {
    try {
      const response = await fetch(`${node}/config`, { signal: AbortSignal.timeout(timeoutMs) });
      if (response.ok) return settingsSchema.parse(await response.json());
    } catch {
      continue; // the next one
    }
  }
  return undefined;
}

/** A new P-256 key, as a secure element makes one. */
export function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

export function keyFromPem(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** The public half, as the chain and the nodes know it. */
export function publicKeyOf(key: KeyObject): DeviceKey {
  const { x, y } = key.export({ format: "jwk" });
  const coordinate = (b64: string | undefined): Hex => hex(Buffer.from(b64 ?? "", "base64url"));
  return { keyType: KEY_P256, x: coordinate(x), y: coordinate(y) };
}

/** r ‖ s over sha256(message). */
export function signMessage(key: KeyObject, message: Uint8Array): Hex {
  return hex(signBytes("sha256", message, { key, dsaEncoding: "ieee-p1363" }));
}

/** The signed form of a measurement, ready to be sent. */
export function makeProof(device: DeviceIdentity, m: Measurement): WireProof {
  const message = encodeMessage({
    chainId: device.chainId,
    registry: device.registry,
    deviceId: device.deviceId,
    kind: m.subNetwork,
    epoch: m.epoch,
    counter: m.counter,
    time: m.time,
    latE7: m.latE7,
    lonE7: m.lonE7,
    meter: m.meter,
    payloadHash: sha256(m.payload) as Hex,
  });
  const { x, y } = publicKeyOf(device.key);
  return {
    message: hex(message),
    signature: signMessage(device.key, message),
    key: { type: KEY_P256, x, y },
    payload: Buffer.from(m.payload).toString("base64"),
  };
}

/**
 * Sends a proof to the first node that answers. A node that does not answer or is busy is passed over; a node's refusal
 * is final, except that after a silence "stored already" means that the silent node had passed the proof on.
 */
export async function sendProof(nodes: readonly string[], proof: WireProof, timeoutMs = 5_000): Promise<SendResult> {
  let last: SendResult = { accepted: false, code: "UNREACHABLE", detail: "no node answered", node: null };
  let silent = false;
  for (const node of nodes) {
    try {
      const response = await fetch(`${node}/proofs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(proof),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = answerSchema.parse(await response.json());
      if (response.ok && body.hash !== undefined) return { accepted: true, hash: body.hash as Hex, node };
      const { code = "BAD_ANSWER", detail = `status ${response.status}` } = body;
      if (silent && code === "REPLAYED_COUNTER" && detail === "this message is stored already") {
        return { accepted: true, hash: messageHash(Buffer.from(proof.message.slice(2), "hex")), node };
      }
      last = { accepted: false, code, detail, node };
      if (response.status < 500) return last;
    } catch {
      silent = true; // it may have stored the proof before it fell silent
    }
  }
  return last;
}
