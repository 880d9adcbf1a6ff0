// Pushes what devices handed in to the other members, in small batches. A member that does not answer loses nothing:
// what it lacks it pulls before it prepares.
import { z } from "zod";
import type { Hex } from "../codec";
import type { Member } from "../config";
import { messageOf, Refused } from "../errors";
import { toWire, type WireProof } from "../proof";
import type { TakenFromPeer } from "../collector/collector";
import type { Store } from "../store/store";
import type { Log } from "../log";
import type { Peers } from "./peers";

export const PUSH_PATH = "/peer/proofs";
export const PULL_PATH = "/peer/pull";
export const MAX_PROOFS_A_CALL = 100;
const MAX_QUEUE = 10_000;
const MAX_PAUSE_MS = 10_000;

export const pushAnswer = z.object({ stored: z.number() });
export const pullAnswer = z.object({ proofs: z.array(z.unknown()).max(MAX_PROOFS_A_CALL) });

interface Outbox {
  readonly member: Member;
  queue: Hex[];
  busy: boolean;
  pauseMs: number;
}

export class Exchange {
  private readonly outboxes: readonly Outbox[];
  private stopped = false;

  constructor(
    private readonly peers: Peers,
    private readonly store: Store,
    private readonly log: Log,
    private readonly batchMs: number,
    readonly blocked: boolean,
  ) {
    this.outboxes = peers.others.map((member) => ({ member, queue: [], busy: false, pauseMs: 0 }));
  }

  /** Queues a stored proof for every other member. */
  push(hash: Hex): void {
    if (this.blocked) return;
    for (const box of this.outboxes) {
      box.queue.push(hash);
      if (box.queue.length > MAX_QUEUE) box.queue.splice(0, box.queue.length - MAX_QUEUE); // they will pull
      if (!box.busy) void this.drain(box);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Proofs that wait, by member. */
  get waiting(): readonly number[] {
    return this.outboxes.map((b) => b.queue.length);
  }

  /** Fetches the named proofs from a member, and hands each batch to `take`. */
  async pull(
    from: Member,
    hashes: readonly Hex[],
    take: (proofs: readonly unknown[]) => Promise<TakenFromPeer>,
  ): Promise<void> {
    if (this.blocked) throw new Refused("EXCHANGE_BLOCKED", "this node exchanges nothing", 403);
    for (let i = 0; i < hashes.length; i += MAX_PROOFS_A_CALL) {
      const wanted = hashes.slice(i, i + MAX_PROOFS_A_CALL);
      const { proofs } = await this.peers.call(from, PULL_PATH, { hashes: wanted }, pullAnswer);
      const { refused } = await take(proofs);
      // A member that names what it has not, or hands over what does not hold, is asked for no more.
      if (proofs.length < wanted.length || refused.length > 0) return;
    }
  }

  /** The named proofs that are here, as they are handed over. */
  async answerPull(hashes: readonly Hex[]): Promise<WireProof[]> {
    if (this.blocked) throw new Refused("EXCHANGE_BLOCKED", "this node exchanges nothing", 403);
    return (await this.store.proofs(hashes)).map(toWire);
  }

  private async drain(box: Outbox): Promise<void> {
    box.busy = true;
    await pause(this.batchMs); // lets a batch gather
    while (box.queue.length > 0 && !this.stopped) {
      const batch = box.queue.slice(0, MAX_PROOFS_A_CALL);
      try {
        const proofs = (await this.store.proofs(batch)).map(toWire);
        await this.peers.call(box.member, PUSH_PATH, { proofs }, pushAnswer);
        const sent = new Set(batch);
        box.queue = box.queue.filter((h) => !sent.has(h));
        box.pauseMs = 0;
      } catch (error) {
        this.log.debug({ member: box.member.index, error: messageOf(error) }, "push failed");
        box.pauseMs = Math.min(MAX_PAUSE_MS, Math.max(250, 2 * box.pauseMs));
        await pause(box.pauseMs);
      }
    }
    box.busy = false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}
