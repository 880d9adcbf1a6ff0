// After the window: makes settlements final, oldest first. And keeps, of every settlement on the chain, the lists behind
// its roots, from another node if this one was not there when it was made.
import type { Block, Chain } from "../chain";
import { type Hex, proofSetHash, type Settlement } from "../codec";
import type { NodeConfig } from "../config";
import { messageOf } from "../errors";
import type { Log } from "../log";
import { bodySchema, bodyToJson, isConsistent, type SettlementBody } from "../settlement/body";
import { clonedProofs } from "../settlement/compute";
import { type Rejection, type Store, storedBody, type StoredOutcome, type StoredScore } from "../store/store";
import type { Peers } from "./peers";
import { leaderOf, roundAt } from "./statements";

/** Settlements that may be pending in one chain. */
const MAX_PENDING = 64;
const MAX_REMEMBERED = 4_096;

export class Finaliser {
  /** Settlements that were seen final, by sub-network: nothing older needs a look. */
  private readonly finalUpTo = new Map<number, number>();
  /** Parents of settlements whose lists are stored, so that a look at the chain reads no lists. */
  private readonly parents = new Map<bigint, { id: bigint; epoch: number }>();

  constructor(
    private readonly config: NodeConfig,
    private readonly chain: Chain,
    private readonly store: Store,
    private readonly peers: Peers,
    private readonly log: Log,
  ) {}

  /** The lists behind a settlement: from this node's store, else from the first member whose lists fit the id. */
  async findBody(subNetwork: number, epoch: number, id: bigint): Promise<SettlementBody | undefined> {
    const stored = await storedBody(this.store, id);
    if (stored !== undefined) return stored;
    for (const member of this.peers.others) {
      try {
        const body = await this.peers.read(member, `/settlements/${subNetwork}/${epoch}`, bodySchema);
        if (body.id !== id || !isConsistent(body)) continue;
        await this.adopt(body);
        return body;
      } catch (error) {
        this.log.debug({ member: member.index, subNetwork, epoch, error: messageOf(error) }, "no settlement from it");
      }
    }
    return undefined;
  }

  /** Keeps a settlement that others made, and what became of the proofs if this node has the same set. */
  private async adopt(body: SettlementBody): Promise<void> {
    const { subNetwork, epoch } = body.settlement;
    const here = await this.store.scoredProofs(subNetwork, epoch);
    const isSameSet = proofSetHash(here.map((p) => p.hash)) === body.proofSetHash;
    const proofs = isSameSet ? here : [];
    const cloned = clonedProofs(proofs);
    const paid = new Set(body.entries.map((e) => e.deviceId));
    // Why a device is not eligible, only the signers have read.
    const outcomes = proofs.map(({ hash, deviceId }): StoredOutcome => {
      const reason = cloned.has(hash) ? "CLONED_KEY" : paid.has(deviceId) ? null : "NOT_ELIGIBLE";
      return { hash, device: deviceId, reason };
    });
    const json = bodyToJson(body);
    await this.store.saveSettlement({ id: body.id, subNetwork, epoch, body: json }, outcomes);
    const { time } = await this.chain.latest();
    await this.store.rejectOnce(clonedRejections(proofs, cloned, epoch, time));
  }

  /** Fetches what this node lacks of a sub-network's chain, and finalises the oldest pending one if it is our turn. */
  async tick(subNetwork: number, now: Block): Promise<void> {
    const pending = await this.pendingOf(subNetwork);
    const oldest = pending[pending.length - 1];
    if (oldest === undefined || now.time < oldest.deadline) return;
    const round = roundAt(now.time, oldest.deadline, this.config.timing.roundSeconds);
    if (leaderOf(subNetwork, oldest.epoch, round, this.config.members.length) !== this.config.index) return;
    const settlement = await this.payloadOf(subNetwork, oldest.epoch, oldest.id);
    if (settlement === undefined) return;
    await this.chain.finalise(settlement, oldest.parentEpoch);
    this.finalUpTo.set(subNetwork, oldest.epoch);
    this.log.info({ subNetwork, epoch: oldest.epoch }, "finalised");
  }

  /** Pending settlements of the chain, from the head back. */
  private async pendingOf(
    subNetwork: number,
  ): Promise<{ epoch: number; id: bigint; deadline: number; parentEpoch: number }[]> {
    const pending: { epoch: number; id: bigint; deadline: number; parentEpoch: number }[] = [];
    const known = this.finalUpTo.get(subNetwork) ?? 0;
    let { id, epoch } = await this.chain.headOf(subNetwork);
    while (id !== 0n && epoch > known && pending.length < MAX_PENDING) {
      const found = await this.chain.settlementOf(subNetwork, epoch);
      if (!this.parents.has(id)) await this.findBody(subNetwork, epoch, id);
      if (found.id !== id || found.state !== "pending") {
        if (found.state === "final") this.finalUpTo.set(subNetwork, epoch);
        break;
      }
      const parent = await this.parentOf(subNetwork, epoch, id);
      if (parent === undefined) break;
      pending.push({ epoch, id, deadline: found.deadline, parentEpoch: parent.epoch });
      ({ id, epoch } = parent);
    }
    return pending;
  }

  private async parentOf(
    subNetwork: number,
    epoch: number,
    id: bigint,
  ): Promise<{ id: bigint; epoch: number } | undefined> {
    const known = this.parents.get(id);
    if (known !== undefined) return known;
    const stored = await storedBody(this.store, id);
    const settlement = stored?.settlement ?? (await this.chain.reported(subNetwork, epoch, id));
    if (settlement === undefined) return undefined;
    const parent = await this.epochOf(subNetwork, settlement.parent, epoch);
    if (parent !== undefined && stored !== undefined) {
      if (this.parents.size >= MAX_REMEMBERED) this.parents.clear();
      this.parents.set(id, parent);
    }
    return parent;
  }

  /** The epoch of a settlement of the chain, somewhere before `before`. */
  private async epochOf(
    subNetwork: number,
    id: bigint,
    before: number,
  ): Promise<{ id: bigint; epoch: number } | undefined> {
    if (id === 0n) return { id, epoch: 0 };
    for (let at = before - 1; at > 0 && at >= before - 2 * MAX_PENDING; at--) {
      if ((await this.chain.settlementOf(subNetwork, at)).id === id) return { id, epoch: at };
    }
    return undefined;
  }

  private async payloadOf(subNetwork: number, epoch: number, id: bigint): Promise<Settlement | undefined> {
    return (await storedBody(this.store, id))?.settlement ?? this.chain.reported(subNetwork, epoch, id);
  }
}

/** Rows for the cloned proofs that devices handed in here: a row a message, in one node. */
export function clonedRejections(
  proofs: readonly StoredScore[],
  cloned: ReadonlySet<Hex>,
  epoch: number,
  chainTime: number,
): Rejection[] {
  return proofs
    .filter((p) => p.origin === "device" && cloned.has(p.hash))
    .map(({ hash, deviceId, counter }) => ({
      reason: "CLONED_KEY",
      device: deviceId,
      messageHash: hash,
      epoch,
      origin: "device",
      detail: `another message has counter ${counter}`,
      chainTime,
    }));
}
