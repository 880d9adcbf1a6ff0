// What a member does when another asks: say what it has, prepare, sign. And the recomputation that it signs.
import { z } from "zod";
import { type Block, type Chain, epochAt, epochEnd, type Head, lastBlockBefore } from "../chain";
import type { Clock } from "../clock";
import {
  encodeSettlement,
  type Hex,
  hex,
  type Payout,
  proofSetHash,
  rawReport,
  reportContext,
  reportDigest,
  type Settlement,
  settlementId,
  signReport,
  uint,
} from "../codec";
import type { Collector } from "../collector/collector";
import type { Directory } from "../collector/directory";
import { type Member, type NodeConfig } from "../config";
import { Refused } from "../errors";
import type { Log } from "../log";
import { bodyToJson, type SettlementBody } from "../settlement/body";
import { payoutsAfter, score, type Scores, settle } from "../settlement/compute";
import type { Store } from "../store/store";
import type { Exchange } from "./exchange";
import { clonedRejections } from "./finaliser";
import { configDigestOf, reportHeader } from "./report";
import {
  type Certificate,
  certificateSchema,
  executionIdOf,
  isCertified,
  leaderOf,
  prepareDigest,
  type Proposal,
  proofSetSchema,
  roundAt,
  sameBlock,
  signatureHex,
  type Subject,
  subjectSchema,
  blockRefSchema,
} from "./statements";

/** How far a leader's view of the round may be from ours. */
const ROUND_SKEW = 1;
/** Most missing hashes that a refusal names. */
const MAX_NAMED = 1_000;
/** Epochs that a node looks ahead for one with a budget. */
const MAX_SKIPPED = 64;

export const haveRequest = subjectSchema;
export const lockSchema = z.strictObject({ certificate: certificateSchema, hashes: proofSetSchema });
export const haveAnswer = z.object({ hashes: proofSetSchema, lock: lockSchema.nullable() });
export type CertifiedSet = z.infer<typeof lockSchema>;

export const prepareRequest = z.strictObject({
  ...subjectSchema.shape,
  round: z.int().min(0),
  block: blockRefSchema,
  hashes: proofSetSchema,
});
export const prepareAnswer = z.object({ signature: signatureHex });

export const signRequest = z.strictObject({
  certificate: certificateSchema,
  hashes: proofSetSchema,
  timestamp: z.int().min(0),
  validUntil: z.int().min(0),
});
export const signAnswer = z.object({ settlementId: z.string().regex(/^\d+$/), signature: signatureHex });
export type SignRequest = z.infer<typeof signRequest>;

export interface Parts {
  readonly config: NodeConfig;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly store: Store;
  readonly collector: Collector;
  readonly directory: Directory;
  readonly exchange: Exchange;
  readonly log: Log;
  /** The settlement with this id, from this node or from another one that shows it. */
  readonly findBody: (subNetwork: number, epoch: number, id: bigint) => Promise<SettlementBody | undefined>;
}

/** What a sub-network has to settle next. */
export interface Due extends Subject {
  readonly head: Head;
  /** Whether EmissionController has closed the epoch. */
  readonly closed: boolean;
  /** Rounds are counted from here: end of the epoch + grace. */
  readonly cutoff: number;
}

export interface Recomputed {
  readonly body: SettlementBody;
  readonly scores: Scores;
}

export class CommitteeMember {
  /** The last reference block that was looked for: sub-networks of one epoch share it. */
  private reference: { epoch: number; block: Block } | undefined;

  constructor(private readonly parts: Parts) {}

  /** The next epoch that this sub-network settles, or undefined where none is over its grace. In order: an epoch is
   * passed over only when the chain takes it no more, or when its budget is zero. */
  async dueOf(subNetwork: number, now: Block): Promise<Due | undefined> {
    const { chain, config } = this.parts;
    const last = epochAt(chain.constants, now.time) - 1;
    const head = await chain.headOf(subNetwork);
    let epoch = head.epoch + 1;
    if (epoch > last) return undefined;
    const nextToClose = await chain.nextEpochToClose();
    epoch = await this.firstSettleable(subNetwork, epoch, last);
    for (let skipped = 0; epoch <= last && skipped < MAX_SKIPPED; skipped++, epoch++) {
      const cutoff = epochEnd(chain.constants, epoch) + config.timing.graceSeconds;
      if (now.time < cutoff) return undefined;
      const closed = epoch < nextToClose;
      if (closed && (await chain.budgetOf(subNetwork, epoch)) === 0n) continue;
      return { subNetwork, epoch, attempt: head.attempt, head, closed, cutoff };
    }
    return undefined;
  }

  /** Epochs become unsettleable in their order: find the first that is not. */
  private async firstSettleable(subNetwork: number, first: number, last: number): Promise<number> {
    const { chain } = this.parts;
    if (await chain.isSettleable(subNetwork, first)) return first;
    let low = first; // not settleable
    let high = last + 1;
    while (low + 1 < high) {
      const middle = Math.floor((low + high) / 2);
      if (await chain.isSettleable(subNetwork, middle)) high = middle;
      else low = middle;
    }
    return high;
  }

  // Answers

  async have(subject: Subject): Promise<z.infer<typeof haveAnswer>> {
    const { store, exchange } = this.parts;
    if (exchange.blocked) throw new Refused("EXCHANGE_BLOCKED", "this node exchanges nothing", 403);
    const lock = await this.lockOf(subject);
    return { hashes: await store.proofHashes(subject.subNetwork, subject.epoch), lock: lock ?? null };
  }

  /** What this node has signed for a subject, with the certificate that let it. */
  async lockOf({ subNetwork, epoch, attempt }: Subject): Promise<CertifiedSet | undefined> {
    const lock = await this.parts.store.lockOf(subNetwork, epoch, attempt);
    return lock && lockSchema.parse({ certificate: JSON.parse(lock.certificate), hashes: JSON.parse(lock.hashes) });
  }

  /** Prepares a proposal of `leader`, or refuses it. */
  async prepare(request: z.infer<typeof prepareRequest>, leader: Member): Promise<Hex> {
    const { chain, config, store } = this.parts;
    const { subNetwork, epoch, round, block, hashes } = request;
    const now = await this.parts.clock.now();
    const due = await this.mustBeDue(request, now);
    const myRound = roundAt(now.time, due.cutoff, config.timing.roundSeconds);
    if (Math.abs(round - myRound) > ROUND_SKEW)
      throw new Refused("WRONG_ROUND", `round ${round}, here it is ${myRound}`, 409);
    if (leaderOf(subNetwork, epoch, round, config.members.length) !== leader.index) {
      throw new Refused("NOT_LEADER", `member ${leader.index} does not lead round ${round}`, 403);
    }
    mustRise(hashes);
    const proposal: Proposal = { ...subjectOf(request), round, block, proofSetHash: proofSetHash(hashes) };

    const lock = await this.lockOf(request);
    if (lock !== undefined && !sameContent(lock.certificate, proposal)) {
      throw new Refused("LOCKED", "this node has signed another set", 409);
    }
    await this.mustBeReference(epoch, block);
    await this.pullMissing(hashes, subNetwork, epoch, leader);
    const mine = await store.proofHashes(subNetwork, epoch);
    const proposed = new Set(hashes);
    const missing = mine.filter((h) => !proposed.has(h));
    if (missing.length > 0) {
      throw new Refused("SET_LACKS", `the set lacks ${missing.length} proofs that are here`, 409, {
        hashes: missing.slice(0, MAX_NAMED),
      });
    }
    const first = await store.prepareOnce({
      sub_network: subNetwork,
      epoch,
      attempt: request.attempt,
      round,
      proof_set: proposal.proofSetHash,
      block_hash: block.hash,
    });
    if (!first) throw new Refused("PREPARED_OTHER", `this node has prepared another set in round ${round}`, 409);
    return signReport(config.signerKey, prepareDigest(chain.constants, proposal));
  }

  /** Signs the report of a certified set, after recomputing it; never two contents for one subject. */
  async sign(
    request: SignRequest,
    from: Member,
  ): Promise<{ settlementId: bigint; signature: Hex; body: SettlementBody }> {
    const { chain, config, store, clock } = this.parts;
    const { certificate, hashes } = request;
    const now = await clock.now();
    if (!isCertified(chain.constants, config.members, config.f, certificate)) {
      throw new Refused("NOT_CERTIFIED", `fewer than ${2 * config.f + 1} members have prepared this`, 403);
    }
    const due = await this.mustBeDue(certificate, now);
    mustRise(hashes);
    if (proofSetHash(hashes) !== certificate.proofSetHash)
      throw new Refused("WRONG_SET", "hashes are not the certified set", 422);
    const latest = now.time + config.timing.validSeconds + config.timing.toleranceSeconds;
    if (request.validUntil <= now.time || request.validUntil > latest) {
      throw new Refused("BAD_VALIDITY", `validUntil ${request.validUntil}, the chain is at ${now.time}`, 422);
    }
    if (request.timestamp > now.time + config.timing.toleranceSeconds) {
      throw new Refused("BAD_VALIDITY", `timestamp ${request.timestamp}, the chain is at ${now.time}`, 422);
    }
    await this.mustBeReference(certificate.epoch, certificate.block);
    await this.pullMissing(hashes, certificate.subNetwork, certificate.epoch, from);

    const { body, scores } = await this.recompute(due, certificate, hashes);
    const locked = await store.lock({
      ...subjectOf(certificate),
      settlementId: body.id,
      certificate: JSON.stringify(certificate),
      hashes: JSON.stringify(hashes),
    });
    if (locked !== body.id) {
      throw new Refused("DOUBLE_SIGN", `this node has signed ${locked}, this is ${body.id}`, 409);
    }
    await this.keep(body, scores, now);
    const { digest } = reportOf(config, chain, body.settlement, request);
    return { settlementId: body.id, signature: signReport(config.signerKey, digest), body };
  }

  /** The settlement of a set of proofs, from this node's own store and its own reads of the chain. */
  async recompute(due: Due, p: Pick<Proposal, "block" | "proofSetHash">, hashes: readonly Hex[]): Promise<Recomputed> {
    const { chain, config, store, directory } = this.parts;
    const { subNetwork, epoch, attempt, head } = due;
    const set = new Set(hashes);
    const scored = (await store.scoredProofs(subNetwork, epoch)).filter((x) => set.has(x.hash));
    if (scored.length !== hashes.length) throw new Refused("SET_UNKNOWN", "proofs of the set are not here", 409);
    const devices = [...new Set(scored.map((x) => x.deviceId))];
    const keys = [...new Set(scored.map((x) => x.keyHash))];
    const block = { ...p.block, time: 0 };
    const [facts, budget, category, parentPayouts] = await Promise.all([
      chain.facts(subNetwork, epoch, devices, keys, block),
      chain.budgetOf(subNetwork, epoch),
      directory.categoryOf(subNetwork),
      this.parentPayouts(due),
    ]);
    const weight = BigInt(config.weights[String(category)] ?? 1);
    const scores = score({ proofs: scored, ...facts, weight, disabled: config.disabledChecks });
    const payouts = payoutsAfter(parentPayouts, scores.entries, budget);
    const { settlement, id } = settle({
      chainId: chain.constants.chainId,
      oracle: chain.constants.oracle,
      subNetwork,
      term: termOf(chain, epoch),
      epoch,
      attempt,
      parent: head.id,
      block: p.block,
      proofSetHash: p.proofSetHash,
      entries: scores.entries,
      payouts,
    });
    const body = {
      id,
      settlement,
      block: p.block,
      proofSetHash: p.proofSetHash,
      budget,
      entries: scores.entries,
      payouts,
    };
    return { body, scores };
  }

  /** The block whose state decides an epoch: the same for every node that sees the same chain. */
  async referenceBlock(epoch: number): Promise<Block | undefined> {
    const { chain } = this.parts;
    const known = this.reference;
    if (known?.epoch === epoch) {
      const now = await chain.block(known.block.number);
      if (now !== undefined && sameBlock(now, known.block)) return known.block;
    }
    const block = await lastBlockBefore(chain, epochEnd(chain.constants, epoch));
    this.reference = block && { epoch, block };
    return block;
  }

  private async parentPayouts({ head, subNetwork, epoch }: Due): Promise<readonly Payout[]> {
    const { chain, findBody } = this.parts;
    if (head.id === 0n || termOf(chain, head.epoch) !== termOf(chain, epoch)) return [];
    const body = await findBody(subNetwork, head.epoch, head.id);
    if (body === undefined) throw new Refused("PARENT_UNKNOWN", `nobody shows settlement ${head.id}`, 409);
    return body.payouts;
  }

  private async mustBeDue(subject: Subject, now: Block): Promise<Due> {
    const due = await this.dueOf(subject.subNetwork, now);
    if (due === undefined || due.epoch !== subject.epoch || due.attempt !== subject.attempt || !due.closed) {
      const here = due === undefined ? "nothing" : `epoch ${due.epoch}, attempt ${due.attempt}, closed ${due.closed}`;
      throw new Refused("NOT_DUE", `epoch ${subject.epoch}, attempt ${subject.attempt}: due here is ${here}`, 409);
    }
    return due;
  }

  private async mustBeReference(epoch: number, block: { number: number; hash: Hex }): Promise<void> {
    const reference = await this.referenceBlock(epoch);
    if (reference === undefined || !sameBlock(reference, block)) {
      throw new Refused("WRONG_BLOCK", `block ${block.number}, here it is ${reference?.number ?? "not final"}`, 409);
    }
  }

  private async pullMissing(hashes: readonly Hex[], subNetwork: number, epoch: number, from: Member): Promise<void> {
    const { store, exchange, collector, config } = this.parts;
    const here = new Set(await store.proofHashes(subNetwork, epoch));
    const missing = hashes.filter((h) => !here.has(h));
    if (missing.length === 0) return;
    if (from.index !== config.index) await exchange.pull(from, missing, (proofs) => collector.take(proofs));
    const now = new Set(await store.proofHashes(subNetwork, epoch));
    const still = missing.filter((h) => !now.has(h));
    if (still.length > 0)
      throw new Refused("SET_UNKNOWN", `${still.length} proofs of the set are invalid or not to be had`, 409);
  }

  /** Stores what was settled, and a row of rejection for each cloned proof that a device handed in here. */
  private async keep(body: SettlementBody, scores: Scores, now: Block): Promise<void> {
    const { store } = this.parts;
    const { subNetwork, epoch } = body.settlement;
    const proofs = await store.scoredProofs(subNetwork, epoch);
    const byHash = new Map(proofs.map((p) => [p.hash, p]));
    await store.saveSettlement(
      { id: body.id, subNetwork, epoch, body: bodyToJson(body) },
      scores.outcomes.map((o) => ({ ...o, device: byHash.get(o.hash)?.deviceId ?? 0n })),
    );
    const cloned = new Set(scores.outcomes.filter((o) => o.reason === "CLONED_KEY").map((o) => o.hash));
    await store.rejectOnce(clonedRejections(proofs, cloned, epoch, now.time));
  }
}

export function termOf(chain: Chain, epoch: number): number {
  return Math.floor(epoch / chain.constants.termLength);
}

/** Bytes and digest of the report of a settlement. */
export function reportOf(
  config: NodeConfig,
  chain: Chain,
  settlement: Settlement,
  { timestamp, validUntil }: { timestamp: number; validUntil: number },
): { raw: Hex; context: Hex; digest: Hex } {
  const payload = encodeSettlement({ ...settlement, validUntil: BigInt(validUntil) });
  const content = hex(uint("settlementId", settlementId(settlement), 32));
  const executionId = executionIdOf(chain.constants, settlement.receiver, content, validUntil);
  const raw = rawReport(reportHeader(config, executionId, timestamp), payload);
  const context = reportContext(configDigestOf(config), BigInt(settlement.epoch));
  return { raw, context, digest: reportDigest(raw, context) };
}

function subjectOf({ subNetwork, epoch, attempt }: Subject): Subject {
  return { subNetwork, epoch, attempt };
}

export function sameContent(
  a: Pick<Certificate, "proofSetHash" | "block">,
  b: Pick<Proposal, "proofSetHash" | "block">,
): boolean {
  return a.proofSetHash === b.proofSetHash && sameBlock(a.block, b.block);
}

function mustRise(hashes: readonly Hex[]): void {
  for (let i = 1; i < hashes.length; i++) {
    if ((hashes[i - 1] ?? "") >= (hashes[i] ?? "")) throw new Refused("MALFORMED", "hashes do not rise", 422);
  }
}
