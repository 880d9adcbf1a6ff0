// From a set of proofs and the chain's facts to entries, payouts and a settlement. Pure: same input, same roots.
import {
  dataHash,
  EMPTY_ENTRIES_ROOT,
  type Entry,
  entryLeaf,
  type Hex,
  MerkleTree,
  type Payout,
  payoutLeaf,
  potId,
  proofLeaf,
  type Settlement,
  SETTLEMENT_SCHEMA,
  settlementId,
  SumTree,
} from "../codec";

/** What scoring needs of a proof; it was verified when it came in. */
export interface ScoredProof {
  readonly hash: Hex;
  readonly deviceId: bigint;
  readonly counter: bigint;
  readonly keyHash: Hex;
  readonly units: bigint;
}

/** A device as the chain sees it in the epoch. */
export interface DeviceFacts {
  readonly active: boolean;
  readonly backed: boolean;
  readonly payee: string;
  readonly cap: bigint;
}

export type Dropped = "CLONED_KEY" | "UNKNOWN_DEVICE" | "NOT_ACTIVE" | "NOT_BACKED" | "NO_POINTS";

/** What became of a proof: counted (null), or why not. */
export interface Outcome {
  readonly hash: Hex;
  readonly reason: Dropped | null;
}

/** What became of a device: its entry, or why it has none. `capped` = units × weight was above the cap. */
export interface DeviceScore {
  readonly deviceId: bigint;
  readonly payee: string | null;
  readonly units: bigint;
  readonly points: bigint;
  readonly capped: boolean;
  readonly reason: Dropped | null;
}

export interface Scores {
  readonly entries: readonly Entry[];
  readonly outcomes: readonly Outcome[];
  readonly devices: readonly DeviceScore[];
}

export interface ScoringInput {
  readonly proofs: readonly ScoredProof[];
  readonly devices: ReadonlyMap<bigint, DeviceFacts>;
  readonly keys: ReadonlyMap<Hex, bigint>;
  readonly weight: bigint;
  /** Checks that a test has turned off. */
  readonly disabled?: ReadonlySet<string>;
}

/** Hashes of the proofs that share device and counter with another proof of the set: two boxes have one key. */
export function clonedProofs(proofs: readonly ScoredProof[]): ReadonlySet<Hex> {
  const first = new Map<string, Hex>();
  const cloned = new Set<Hex>();
  for (const { hash, deviceId, counter } of proofs) {
    const slot = `${deviceId}:${counter}`;
    const other = first.get(slot);
    if (other === undefined) first.set(slot, hash);
    else if (other !== hash) cloned.add(other).add(hash);
  }
  return cloned;
}

/** points = min(cap, Σ units × weight) of every eligible device; entries rising by (payee, device). */
export function score({ proofs, devices, keys, weight, disabled = new Set() }: ScoringInput): Scores {
  const cloned = disabled.has("CLONED_KEY") ? new Set<Hex>() : clonedProofs(proofs);
  const outcomes: Outcome[] = [];
  const byDevice = new Map<bigint, { kept: ScoredProof[]; lost: Dropped | null }>();
  for (const proof of [...proofs].sort((a, b) => compareText(a.hash, b.hash))) {
    const device = byDevice.get(proof.deviceId) ?? { kept: [], lost: null };
    byDevice.set(proof.deviceId, device);
    const lost = cloned.has(proof.hash)
      ? "CLONED_KEY"
      : !disabled.has("UNKNOWN_DEVICE") && keys.get(proof.keyHash) !== proof.deviceId
        ? "UNKNOWN_DEVICE"
        : null;
    if (lost === null) device.kept.push(proof);
    else {
      device.lost = lost;
      outcomes.push({ hash: proof.hash, reason: lost });
    }
  }

  const entries: Entry[] = [];
  const scores: DeviceScore[] = [];
  for (const [deviceId, { kept, lost }] of byDevice) {
    const facts = devices.get(deviceId);
    const units = kept.reduce((sum, p) => sum + p.units, 0n);
    const earned = units * weight;
    const points = facts === undefined || earned < facts.cap ? earned : facts.cap;
    const reason = kept.length === 0 ? lost : (ineligible(facts, disabled) ?? (points === 0n ? "NO_POINTS" : null));
    for (const { hash } of kept) outcomes.push({ hash, reason });
    scores.push({
      deviceId,
      payee: facts?.payee ?? null,
      units,
      points: reason === null ? points : 0n,
      capped: reason === null && points < earned,
      reason,
    });
    if (reason === null && facts !== undefined) {
      entries.push({ payee: facts.payee, deviceId, points, proofsRoot: proofsRootOf(kept) });
    }
  }

  entries.sort(
    (a, b) => compareText(a.payee.toLowerCase(), b.payee.toLowerCase()) || compareBig(a.deviceId, b.deviceId),
  );
  scores.sort((a, b) => compareBig(a.deviceId, b.deviceId));
  outcomes.sort((a, b) => compareText(a.hash, b.hash));
  return { entries, outcomes, devices: scores };
}

function ineligible(facts: DeviceFacts | undefined, disabled: ReadonlySet<string>): Dropped | null {
  if (facts === undefined || !facts.active) return "NOT_ACTIVE";
  if (!facts.backed && !disabled.has("NOT_BACKED")) return "NOT_BACKED";
  return null;
}

/** Root of the proofs of one device, rising by counter. */
export function proofsRootOf(proofs: readonly ScoredProof[]): Hex {
  const rising = [...proofs].sort((a, b) => compareBig(a.counter, b.counter) || compareText(a.hash, b.hash));
  return new MerkleTree(rising.map((p) => proofLeaf(p.hash))).root;
}

/**
 * Payouts after an epoch: the parent's, plus ⌊B·b/T⌋ − ⌊B·a/T⌋ for every payee whose entries take [a, b) of the T
 * points. Rising by payee; the additions are exactly B, or nothing where there are no points.
 */
export function payoutsAfter(parent: readonly Payout[], entries: readonly Entry[], budget: bigint): Payout[] {
  const total = entries.reduce((sum, e) => sum + e.points, 0n);
  const cumulative = new Map(parent.map((p) => [p.payee.toLowerCase(), p]));
  let upTo = 0n;
  for (const { payee, points } of entries) {
    const gain = (budget * (upTo + points)) / total - (budget * upTo) / total;
    upTo += points;
    const key = payee.toLowerCase();
    const before = cumulative.get(key);
    cumulative.set(key, { payee: before?.payee ?? payee, cumulative: (before?.cumulative ?? 0n) + gain });
  }
  return [...cumulative.entries()].sort(([a], [b]) => compareText(a, b)).map(([, payout]) => payout);
}

export function entriesRoot(entries: readonly Entry[]): Hex {
  return entries.length === 0 ? EMPTY_ENTRIES_ROOT : new SumTree(entries.map(entryLeaf)).root;
}

export function payoutsTree(subNetwork: number, term: number, payouts: readonly Payout[]): MerkleTree {
  const pot = potId(subNetwork, term);
  return new MerkleTree(payouts.map((p) => payoutLeaf(pot, p)));
}

export interface SettlementInput {
  readonly chainId: bigint;
  readonly oracle: string;
  readonly subNetwork: number;
  readonly term: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly parent: bigint;
  readonly block: { readonly hash: Hex; readonly number: number };
  readonly proofSetHash: Hex;
  readonly entries: readonly Entry[];
  readonly payouts: readonly Payout[];
}

/** The settlement (validUntil 0) and its id. */
export function settle(s: SettlementInput): { settlement: Settlement; id: bigint } {
  const settlement: Settlement = {
    schema: SETTLEMENT_SCHEMA,
    chainId: s.chainId,
    receiver: s.oracle,
    subNetwork: s.subNetwork,
    term: s.term,
    epoch: s.epoch,
    attempt: s.attempt,
    parent: s.parent,
    validUntil: 0n,
    entriesRoot: entriesRoot(s.entries),
    payoutsRoot: payoutsTree(s.subNetwork, s.term, s.payouts).root,
    dataHash: dataHash(s.block.hash, s.block.number, s.proofSetHash),
  };
  return { settlement, id: settlementId(settlement) };
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
