// A settlement with everything behind its hashes: what a node stores, and what GET /settlements/{sub}/{epoch} serves.
import { getAddress } from "ethers";
import { z } from "zod";
import { dataHash, type Entry, type Hex, type Payout, type Settlement, settlementId } from "../codec";
import { entriesRoot, payoutsTree } from "./compute";

const decimal = z
  .string()
  .regex(/^\d{1,80}$/)
  .transform((v) => BigInt(v));
const hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((v) => v as Hex);
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((v) => getAddress(v.toLowerCase()));
const number = z.int().min(0);

/** The JSON form: big integers are decimal strings. */
export const bodySchema = z.object({
  id: decimal,
  settlement: z.object({
    schema: number,
    chainId: decimal,
    receiver: address,
    subNetwork: number,
    term: number,
    epoch: number,
    attempt: number,
    parent: decimal,
    validUntil: decimal,
    entriesRoot: hash,
    payoutsRoot: hash,
    dataHash: hash,
  }),
  block: z.object({ number, hash }),
  proofSetHash: hash,
  budget: decimal,
  entries: z.array(z.object({ payee: address, deviceId: decimal, points: decimal, proofsRoot: hash })),
  payouts: z.array(z.object({ payee: address, cumulative: decimal })),
});

export interface SettlementBody {
  readonly id: bigint;
  readonly settlement: Settlement;
  readonly block: { readonly number: number; readonly hash: Hex };
  readonly proofSetHash: Hex;
  /** Wei that this epoch adds to the payouts, if there are points. */
  readonly budget: bigint;
  readonly entries: readonly Entry[];
  readonly payouts: readonly Payout[];
}

export function bodyToJson(body: SettlementBody): string {
  return JSON.stringify(body, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

export function bodyFromJson(json: string): SettlementBody {
  return bodySchema.parse(JSON.parse(json));
}

/** Whether every root of a body is the root of what it lists, and its id that of its settlement. */
export function isConsistent(b: SettlementBody): boolean {
  const { settlement: s } = b;
  return (
    settlementId(s) === b.id &&
    entriesRoot(b.entries) === s.entriesRoot &&
    payoutsTree(s.subNetwork, s.term, b.payouts).root === s.payoutsRoot &&
    dataHash(b.block.hash, b.block.number, b.proofSetHash) === s.dataHash
  );
}
