// Requests between members: signed by the sender for one receiver, answered within a timeout, bounded in size.
import { keccak256 } from "ethers";
import { z } from "zod";
import type { ChainConstants } from "../chain";
import type { Clock } from "../clock";
import { type Hex, signReport } from "../codec";
import type { Member } from "../config";
import { messageOf, Refused } from "../errors";
import { envelopeDigest, memberOf, signatureHex, hex32 } from "./statements";

export const HEADER = {
  time: "x-groundwork-time",
  body: "x-groundwork-body",
  signature: "x-groundwork-signature",
} as const;
/** Largest request or answer between members. */
export const MAX_PEER_BYTES = 16 * 1024 * 1024;
/** How far two members' views of the chain's time may be apart. */
export const ENVELOPE_TOLERANCE_SECONDS = 120;

const refusalSchema = z.object({
  code: z.string(),
  detail: z.string(),
  data: z.record(z.string(), z.unknown()).optional(),
});

export class Peers {
  readonly others: readonly Member[];

  constructor(
    readonly members: readonly Member[],
    readonly me: Member,
    private readonly signerKey: string,
    private readonly constants: ChainConstants,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {
    this.others = members.filter((m) => m.index !== me.index);
  }

  /** Posts to a member. Throws Refused with the member's code, or UNREACHABLE. */
  async call<T>(to: Member, path: string, body: unknown, answer: z.ZodType<T>): Promise<T> {
    const text = JSON.stringify(body);
    const bodyHash = keccak256(new TextEncoder().encode(text)) as Hex;
    const { time } = await this.clock.now();
    const signature = signReport(this.signerKey, envelopeDigest(this.constants, to.signer, path, time, bodyHash));
    const headers = {
      "content-type": "application/json",
      [HEADER.time]: String(time),
      [HEADER.body]: bodyHash,
      [HEADER.signature]: signature,
    };
    return parseAnswer(to, answer, await this.request(to, path, { method: "POST", headers, body: text }));
  }

  /** Reads a public page of a member. */
  async read<T>(from: Member, path: string, answer: z.ZodType<T>): Promise<T> {
    return parseAnswer(from, answer, await this.request(from, path, { method: "GET" }));
  }

  /** Calls all others at once; who fails is left out, and `failed` is told. */
  async callAll<T>(
    path: string,
    body: unknown,
    answer: z.ZodType<T>,
    failed: (member: Member, error: unknown) => void,
  ): Promise<{ member: Member; answer: T }[]> {
    const results = await Promise.all(
      this.others.map(async (member) => {
        try {
          return [{ member, answer: await this.call(member, path, body, answer) }];
        } catch (error) {
          failed(member, error);
          return [];
        }
      }),
    );
    return results.flat();
  }

  private async request(to: Member, path: string, init: RequestInit): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(to.url + path, {
        ...init,
        redirect: "error",
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      text = await readBounded(response);
    } catch (error) {
      throw new Refused("UNREACHABLE", `member ${to.index}: ${messageOf(error)}`, 502);
    }
    const json = parseJson(text);
    if (response.ok) return json;
    const refusal = refusalSchema.safeParse(json);
    if (!refusal.success) throw new Refused("BAD_ANSWER", `member ${to.index} answered ${response.status}`, 502);
    throw new Refused(refusal.data.code, refusal.data.detail, response.status, refusal.data.data);
  }
}

/** The member that sent a request, from its headers alone: the body is not read before that. */
export function senderOf(
  headers: Readonly<Record<string, unknown>>,
  path: string,
  now: number,
  me: Member,
  members: readonly Member[],
  constants: ChainConstants,
): { member: Member; bodyHash: Hex } {
  const parsed = z
    .object({
      [HEADER.time]: z.string().regex(/^\d{1,12}$/),
      [HEADER.body]: hex32,
      [HEADER.signature]: signatureHex,
    })
    .safeParse(headers);
  if (!parsed.success) throw new Refused("NOT_A_MEMBER", "the envelope is missing or malformed", 401);
  const time = Number(parsed.data[HEADER.time]);
  const bodyHash = parsed.data[HEADER.body];
  const digest = envelopeDigest(constants, me.signer, path, time, bodyHash);
  const member = memberOf(members, digest, parsed.data[HEADER.signature]);
  if (member === undefined || member.index === me.index) {
    throw new Refused("NOT_A_MEMBER", "the envelope is signed by no other member", 401);
  }
  if (Math.abs(now - time) > ENVELOPE_TOLERANCE_SECONDS) {
    throw new Refused("ENVELOPE_STALE", `sent at ${time}, the chain is at ${now}`, 401);
  }
  return { member, bodyHash };
}

async function readBounded(response: Response): Promise<string> {
  if (response.body === null) return "";
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_PEER_BYTES) throw new Error(`answer is longer than ${MAX_PEER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseAnswer<T>(member: Member, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new Refused("BAD_ANSWER", `member ${member.index}: ${parsed.error.issues[0]?.message}`, 502);
  return parsed.data;
}
