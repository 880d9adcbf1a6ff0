// After the window: makes settlements final, oldest first. And keeps, of every settlement on the chain, the lists behind
// its roots, from another node if this one was not there when it was made.
import { type Block, type Chain } from "../chain";
import type { NodeConfig } from "../config";
import { messageOf } from "../errors";
import type { Log } from "../log";
import { bodySchema, bodyToJson, isConsistent, type SettlementBody } from "../settlement/body";
import type { Store } from "../store/store";
import { storedBody } from "./member";
import type { Peers } from "./peers";
import { leaderOf, roundAt } from "./statements";

/** Settlements that may be pending in one chain. */
const MAX_PENDING = 64;

export class Finaliser {
  /** Settlements that were seen final, by sub-network: nothing older needs a look. */
  private readonly finalUpTo = new Map<number, number>();

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
        await this.store.saveSettlement({ id, subNetwork, epoch, body: bodyToJson(body) }, []);
        return body;
      } catch (error) {
        this.log.debug({ member: member.index, subNetwork, epoch, error: messageOf(error) }, "no settlement from it");
      }
    }
    return undefined;
  }

  /** Fetches what this node lacks of a sub-network's chain, and finalises the oldest pending one if it is our turn. */
  async tick(subNetwork: number, now: Block): Promise<void> {
    const pending = await this.pendingOf(subNetwork);
    const oldest = pending[pending.length - 1];
    if (oldest === undefined || now.time < oldest.deadline) return;
    const round = roundAt(now.time, oldest.deadline, this.config.timing.roundSeconds);
    if (leaderOf(subNetwork, oldest.epoch, round, this.config.members.length) !== this.config.index) return;
    const settlement = (await storedBody(this.store, oldest.id))?.settlement;
    const payload = settlement ?? (await this.chain.reported(subNetwork, oldest.epoch, oldest.id));
    if (payload === undefined) return;
    await this.chain.finalise(payload, oldest.parentEpoch);
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
      await this.findBody(subNetwork, epoch, id);
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
    const stored = await storedBody(this.store, id);
    const settlement = stored?.settlement ?? (await this.chain.reported(subNetwork, epoch, id));
    if (settlement === undefined) return undefined;
    const { parent } = settlement;
    if (parent === 0n) return { id: 0n, epoch: 0 };
    for (let at = epoch - 1; at > 0 && at >= epoch - 2 * MAX_PENDING; at--) {
      if ((await this.chain.settlementOf(subNetwork, at)).id === parent) return { id: parent, epoch: at };
    }
    return undefined;
  }
}
