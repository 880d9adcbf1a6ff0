// What the leader of a round does: close the epoch, gather, propose, collect prepares and signatures, deliver.
import type { Block } from "../chain";
import { type Hex, proofSetHash, recoverReportSigner } from "../codec";
import type { Member } from "../config";
import { messageOf, Refused } from "../errors";
import {
  type CertifiedSet,
  type CommitteeMember,
  type Due,
  haveAnswer,
  type Parts,
  prepareAnswer,
  reportOf,
  signAnswer,
  type SignRequest,
} from "./member";
import type { Peers } from "./peers";
import { isCertified, leaderOf, membersSigned, prepareDigest, roundAt } from "./statements";

/** A report that was delivered, for the log and for tests. */
export interface Delivered {
  readonly subNetwork: number;
  readonly epoch: number;
  readonly settlementId: bigint;
  readonly signatures: number;
  readonly tx: string;
  readonly gasUsed: bigint;
}

export class Leader {
  /** Round in which a delivery was refused, by subject: the next try is the next round's. */
  private readonly refusedIn = new Map<number, string>();

  constructor(
    private readonly parts: Parts,
    private readonly member: CommitteeMember,
    private readonly peers: Peers,
  ) {}

  /** Does what is this node's turn in a sub-network. Resolves to what it delivered, if anything. */
  async tick(subNetwork: number, now: Block): Promise<Delivered | undefined> {
    const { config } = this.parts;
    const due = await this.member.dueOf(subNetwork, now);
    if (due === undefined) return undefined;
    const round = roundAt(now.time, due.cutoff, config.timing.roundSeconds);
    if (leaderOf(subNetwork, due.epoch, round, config.members.length) !== config.index) return undefined;
    const slot = `${due.epoch}:${due.attempt}:${round}`;
    if (this.refusedIn.get(subNetwork) === slot) return undefined;
    if (!due.closed) {
      await this.closeUpTo(due.epoch);
      return undefined; // the next tick sees what the others see
    }
    const set = (await this.gather(due)) ?? (await this.propose(due, round));
    if (set === undefined) return undefined;
    return this.report(due, set, slot);
  }

  /** Closes every open epoch up to `epoch`. Another node may be quicker: that is as good. */
  private async closeUpTo(epoch: number): Promise<void> {
    const { chain, log } = this.parts;
    const next = await chain.nextEpochToClose();
    if (next > epoch) return;
    try {
      await chain.closeEpochs(epoch - next + 1);
      log.info({ from: next, to: epoch }, "closed epochs");
    } catch (error) {
      log.debug({ error: messageOf(error) }, "closing failed");
    }
  }

  /**
   * Fetches what the others have and this node has not. Where a member has already signed a certified set, that set is
   * the one to sign: it is returned, and nothing is proposed.
   */
  private async gather(due: Due): Promise<CertifiedSet | undefined> {
    const { chain, config, store, collector, exchange, log } = this.parts;
    const { subNetwork, epoch, attempt } = due;
    const mine = await this.member.lockOf(due);
    if (mine !== undefined) return mine;
    if (exchange.blocked) return undefined;

    const answers = await this.peers.callAll(
      "/peer/have",
      { subNetwork, epoch, attempt },
      haveAnswer,
      (member, error) => log.debug({ member: member.index, error: messageOf(error) }, "have failed"),
    );
    const locks = answers
      .flatMap(({ answer }) => (answer.lock === null ? [] : [answer.lock]))
      .filter(
        ({ certificate: c, hashes }) =>
          c.subNetwork === subNetwork &&
          c.epoch === epoch &&
          c.attempt === attempt &&
          proofSetHash(hashes) === c.proofSetHash &&
          isCertified(chain.constants, config.members, config.f, c),
      )
      .sort((a, b) => a.certificate.round - b.certificate.round);
    for (const { member, answer } of answers) {
      const here = new Set(await store.proofHashes(subNetwork, epoch));
      const missing = answer.hashes.filter((h) => !here.has(h));
      try {
        if (missing.length > 0) await exchange.pull(member, missing, (proofs) => collector.take(proofs));
      } catch (error) {
        log.debug({ member: member.index, error: messageOf(error) }, "pull failed");
      }
    }
    return locks[0];
  }

  /** Proposes all proofs that are here; 2f + 1 prepares make a certificate. */
  private async propose(due: Due, round: number): Promise<CertifiedSet | undefined> {
    const { chain, config, store, log } = this.parts;
    const { subNetwork, epoch, attempt } = due;
    const reference = await this.member.referenceBlock(epoch);
    if (reference === undefined) return undefined; // not final yet
    const block = { number: reference.number, hash: reference.hash };
    const hashes = await store.proofHashes(subNetwork, epoch);
    const request = { subNetwork, epoch, attempt, round, block, hashes };
    const proposal = { subNetwork, epoch, attempt, round, block, proofSetHash: proofSetHash(hashes) };
    const digest = prepareDigest(chain.constants, proposal);

    const me = this.peers.me;
    const own = await this.member.prepare(request, me);
    const answers = await this.peers.callAll("/peer/prepare", request, prepareAnswer, (member, error) => {
      log.info({ subNetwork, epoch, round, member: member.index, error: messageOf(error) }, "no prepare");
    });
    const prepares = [own, ...answers.map(({ answer }) => answer.signature)].filter(
      (signature) => membersSigned(config.members, digest, [signature]) === 1,
    );
    const needed = 2 * config.f + 1;
    if (membersSigned(config.members, digest, prepares) < needed) {
      log.info({ subNetwork, epoch, round, prepares: prepares.length, needed }, "no certificate");
      return undefined;
    }
    return { certificate: { ...proposal, prepares }, hashes };
  }

  /** Collects f + 1 signatures over the report of a certified set, and delivers it. */
  private async report(due: Due, set: CertifiedSet, slot: string): Promise<Delivered | undefined> {
    const { chain, config, clock, log } = this.parts;
    const { subNetwork, epoch } = due;
    const now = await clock.now();
    const request: SignRequest = {
      ...set,
      timestamp: now.time,
      validUntil: now.time + config.timing.validSeconds,
    };
    const own = await this.member.sign(request, this.peers.me).catch((error: unknown) => {
      if (error instanceof Refused && error.code === "DOUBLE_SIGN") return undefined; // the others may still sign it
      throw error;
    });
    const { body } = own ?? (await this.member.recompute(due, set.certificate, set.hashes));
    const { raw, context, digest } = reportOf(config, chain, body.settlement, request);
    const signatures = own === undefined ? [] : [own.signature];
    if (signatures.length <= config.f) {
      const answers = await this.peers.callAll("/peer/sign", request, signAnswer, (member, error) => {
        log.info({ subNetwork, epoch, member: member.index, error: messageOf(error) }, "no signature");
      });
      for (const { member, answer } of answers) {
        if (signatures.length > config.f) break;
        if (isBy(member, digest, answer.signature)) signatures.push(answer.signature);
        else log.warn({ subNetwork, epoch, member: member.index }, "signature over something else");
      }
    }
    if (signatures.length <= config.f) {
      log.info({ subNetwork, epoch, signatures: signatures.length, needed: config.f + 1 }, "too few signatures");
      return undefined;
    }

    const delivery = await chain.deliver({ receiver: chain.constants.oracle, raw, context, signatures });
    if (delivery.kind === "refused") {
      const there = await chain.settlementOf(subNetwork, epoch);
      if (there.id === body.id) return undefined; // another leader was quicker
      if (this.refusedIn.size > 64) this.refusedIn.clear();
      this.refusedIn.set(subNetwork, slot);
      log.warn({ subNetwork, epoch, tx: delivery.tx, why: delivery.why }, "delivery refused");
      return undefined;
    }
    if (delivery.kind === "already") return undefined;
    const done = {
      subNetwork,
      epoch,
      settlementId: body.id,
      signatures: signatures.length,
      tx: delivery.tx,
      gasUsed: delivery.gasUsed,
    };
    log.info({ ...done, settlementId: String(body.id), gasUsed: Number(delivery.gasUsed) }, "settled");
    return done;
  }
}

function isBy(member: Member, digest: Hex, signature: Hex): boolean {
  try {
    return recoverReportSigner(digest, signature) === member.signer;
  } catch {
    return false;
  }
}
