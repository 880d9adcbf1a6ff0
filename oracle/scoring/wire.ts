import { z } from "zod";

import { ReadingRejected, ReasonCode } from "./reasons";

/** What a decoder hands back: `units` of the category, plus fields worth showing. */
export interface Reading {
  readonly units: bigint;
}

/** A decoder throws nothing but ReadingRejected, whatever the bytes. */
export type Decoder<R extends Reading = Reading> = (payload: Uint8Array) => R;

/**
 * The wire form of every payload: canonical JSON in UTF-8. Keys sorted, no white space, integers only, at most 16 KiB.
 * A payload has one byte string, so the sha256 that the device signs is the sha256 of its meaning.
 */
export type Wire = string | number | boolean | readonly Wire[] | { readonly [key: string]: Wire };

export const MAX_PAYLOAD_BYTES = 16_384;

/** Fields of every payload. `src` says where the figures come from: firmware, or a recording that is replayed. */
export const header = { v: z.literal(1), src: z.string().min(1).max(96) };

/** Lower-case hex of `min` to `max` bytes. */
export const hexBytes = (min: number, max: number = min) =>
  z.string().regex(new RegExp(`^([0-9a-f]{2}){${min},${max}}$`));

export const latE7 = z.int().min(-900_000_000).max(900_000_000);
export const lonE7 = z.int().min(-1_800_000_000).max(1_800_000_000);

export function encodeWire(value: Wire): Uint8Array {
  const bytes = new TextEncoder().encode(canonical(value));
  if (bytes.length > MAX_PAYLOAD_BYTES) {
    throw new ReadingRejected(ReasonCode.PAYLOAD_TOO_LARGE, `${bytes.length} bytes`);
  }
  return bytes;
}

export function decodeWire<T extends Wire>(schema: z.ZodType<T>, payload: Uint8Array): T {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new ReadingRejected(ReasonCode.PAYLOAD_TOO_LARGE, `${payload.length} bytes`);
  }
  const parsed = schema.safeParse(parseJson(payload));
  if (!parsed.success) throw refusal(parsed.error);
  if (!Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).equals(encodeWire(parsed.data))) {
    throw new ReadingRejected(
      ReasonCode.PAYLOAD_NOT_CANONICAL,
      "keys not sorted, white space, or a number in another form",
    );
  }
  return parsed.data;
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
  } catch (error) {
    throw new ReadingRejected(ReasonCode.PAYLOAD_MALFORMED, error instanceof Error ? error.message : "not JSON");
  }
}

function refusal(error: z.ZodError): ReadingRejected {
  const onlyRanges = error.issues.every((issue) => issue.code === "too_big" || issue.code === "too_small");
  const [first] = error.issues;
  const detail = first === undefined ? "invalid" : `${first.path.join(".") || "payload"}: ${first.message}`;
  return new ReadingRejected(onlyRanges ? ReasonCode.OUT_OF_RANGE : ReasonCode.PAYLOAD_MALFORMED, detail);
}

function canonical(value: Wire): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
