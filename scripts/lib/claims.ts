// From the leaves of a settlement to claims that the distributor accepts. Pure: nothing served is believed, everything
// is recomputed against a root on the chain.
import { getAddress, isAddress } from "ethers";
import { z } from "zod";
import {
  type Entry,
  type Hex,
  MerkleTree,
  type Payout,
  payoutLeaf,
  potId,
  SumTree,
  entryLeaf,
  EMPTY_ENTRIES_ROOT,
} from "../../oracle/codec";
import { EnvironmentError, StateError } from "./errors";

const address = z
  .string()
  .refine((v) => isAddress(v), "is not an address")
  .transform((v) => getAddress(v));
const whole = z.union([z.string().regex(/^\d+$/), z.number().int().nonnegative()]).transform((v) => BigInt(v));
const small = z.union([z.string().regex(/^\d+$/), z.number().int().nonnegative()]).transform((v) => Number(v));
const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((v) => v as Hex);

/** What GET /settlements/{sub}/{epoch} must hold for a claim. More may be there. */
export const servedSettlement = z.object({
  settlement: z.object({ subNetwork: small, epoch: small, term: small }),
  entries: z.array(z.object({ payee: address, deviceId: whole, points: whole, proofsRoot: hash })),
  payouts: z.array(z.object({ payee: address, cumulative: whole })),
});
export type ServedSettlement = z.infer<typeof servedSettlement>;

export function parseSettlement(source: string, body: unknown): ServedSettlement {
  const parsed = servedSettlement.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EnvironmentError(
    "BAD_LEAVES",
    `${source} does not hold the leaves of a settlement: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

/** One argument of RewardDistributor.claim and claimMany. */
export interface ClaimArguments {
  readonly pot: bigint;
  readonly index: number;
  readonly payee: string;
  readonly cumulative: bigint;
  readonly proof: readonly Hex[];
}

/** The payouts tree of a served settlement, if its root is `root`. */
export function verifiedPayouts(source: string, served: ServedSettlement, root: Hex): MerkleTree {
  const { subNetwork, term, epoch } = served.settlement;
  const pot = potId(subNetwork, term);
  const tree = new MerkleTree(served.payouts.map((p: Payout) => payoutLeaf(pot, p)));
  if (tree.root !== root.toLowerCase()) {
    throw new StateError(
      "ROOT_MISMATCH",
      `${source}: the leaves of sub-network ${subNetwork}, epoch ${epoch} give the root ${tree.root}, but the pot of term ${term} holds ${root}; ask another node, or another epoch`,
      { computed: tree.root, onChain: root },
    );
  }
  return tree;
}

/** The claim of `payee` in a verified tree; null if it has no leaf. */
export function claimOf(served: ServedSettlement, tree: MerkleTree, payee: string): ClaimArguments | null {
  const wanted = payee.toLowerCase();
  const index = served.payouts.findIndex((p) => p.payee.toLowerCase() === wanted);
  const leaf = served.payouts[index];
  if (leaf === undefined) return null;
  const pot = potId(served.settlement.subNetwork, served.settlement.term);
  return { pot, index, payee: leaf.payee, cumulative: leaf.cumulative, proof: tree.proof(index) };
}

export function entriesRootOf(entries: readonly Entry[]): Hex {
  return entries.length === 0 ? EMPTY_ENTRIES_ROOT : new SumTree(entries.map(entryLeaf)).root;
}

export interface Share {
  readonly points: bigint;
  readonly total: bigint;
  readonly amount: bigint;
}

/** What one device's entry is worth of `budget`: ⌊B·b/T⌋ − ⌊B·a/T⌋; zeros if it has no entry. */
export function shareOf(entries: readonly Entry[], deviceId: bigint, budget: bigint): Share {
  const total = entries.reduce((sum, e) => sum + e.points, 0n);
  let before = 0n;
  for (const entry of entries) {
    const after = before + entry.points;
    if (entry.deviceId === deviceId) {
      return { points: entry.points, total, amount: (budget * after) / total - (budget * before) / total };
    }
    before = after;
  }
  return { points: 0n, total, amount: 0n };
}
