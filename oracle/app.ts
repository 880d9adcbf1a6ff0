// A node: its parts put together, and the loops that drive them. Nothing here reads a clock but the loops' timers.
import { basename } from "node:path";
import pino from "pino";
import { type Chain, epochAt } from "./chain";
import { Clock } from "./clock";
import { Collector } from "./collector/collector";
import { Directory } from "./collector/directory";
import type { Decode } from "./collector/verify";
import { Exchange } from "./committee/exchange";
import { Finaliser } from "./committee/finaliser";
import { type Delivered, Leader } from "./committee/leader";
import { CommitteeMember, type Parts } from "./committee/member";
import { Peers } from "./committee/peers";
import type { NodeConfig } from "./config";
import { messageOf, NodeError, Refused } from "./errors";
import { makeServer } from "./http";
import type { Log } from "./log";
import { PriceReporter } from "./price/price";
import { Store } from "./store/store";

/** How long a push waits for a batch to gather. */
const BATCH_MS = 50;

export class OracleNode {
  private readonly loops: Loop[] = [];
  private readonly busy = new Set<number>();

  private constructor(
    readonly config: NodeConfig,
    readonly chain: Chain,
    readonly clock: Clock,
    readonly store: Store,
    readonly collector: Collector,
    readonly member: CommitteeMember,
    private readonly exchange: Exchange,
    private readonly directory: Directory,
    private readonly leader: Leader,
    private readonly finaliser: Finaliser,
    private readonly price: PriceReporter,
    private readonly server: ReturnType<typeof makeServer>,
    private readonly log: Log,
  ) {}

  /** Opens the store and puts the parts together. Nothing runs yet. */
  static async make(config: NodeConfig, chain: Chain, decode: Decode, log?: Log): Promise<OracleNode> {
    const store = await Store.open(config.db);
    const clock = new Clock(chain);
    const logger = log ?? makeLog(config, clock);
    const me = config.members[config.index];
    if (me === undefined) throw new NodeError("config", "node.index", `${config.index} is not a member`);

    const directory = new Directory(chain);
    const peers = new Peers(config.members, me, config.signerKey, chain.constants, clock, config.timing.peerTimeoutMs);
    const exchange = new Exchange(peers, store, logger, BATCH_MS, config.blockExchange);
    const rules = {
      constants: chain.constants,
      directory,
      decode,
      graceSeconds: config.timing.graceSeconds,
      toleranceSeconds: config.timing.toleranceSeconds,
      disabled: config.disabledChecks,
    };
    const collector = new Collector(rules, store, clock, (proof) => exchange.push(proof.hash));
    const finaliser = new Finaliser(config, chain, store, peers, logger);
    const parts: Parts = {
      config,
      chain,
      clock,
      store,
      collector,
      directory,
      exchange,
      log: logger,
      findBody: (subNetwork, epoch, id) => finaliser.findBody(subNetwork, epoch, id),
    };
    const member = new CommitteeMember(parts);
    const leader = new Leader(parts, member, peers);
    const price = new PriceReporter(config, chain, clock, store, peers, logger);
    const status = async (): Promise<Record<string, unknown>> => {
      const now = clock.lastSeen ?? (await clock.now());
      const subNetworks = await directory.refresh();
      const heads = await Promise.all(subNetworks.map((s) => chain.headOf(s.id)));
      return {
        node: config.index,
        signer: me.signer,
        pid: process.pid,
        db: basename(config.db),
        block: now.number,
        time: now.time,
        epoch: epochAt(chain.constants, now.time),
        heads: heads.map((h, i) => ({
          subNetwork: subNetworks[i]?.id,
          epoch: h.epoch,
          attempt: h.attempt,
          id: String(h.id),
        })),
        peers: peers.others.map((p, i) => ({ node: p.index, url: p.url, waiting: exchange.waiting[i] ?? 0 })),
        proofs: await store.countProofs(),
        rejections: await store.rejectionCounts(),
      };
    };
    const server = makeServer({ config, chain, clock, store, collector, exchange, member, price, log: logger, status });
    return new OracleNode(
      config,
      chain,
      clock,
      store,
      collector,
      member,
      exchange,
      directory,
      leader,
      finaliser,
      price,
      server,
      logger,
    );
  }

  /** Listens. Resolves to the port. */
  async listen(): Promise<number> {
    const { host, port } = this.config.listen;
    try {
      await this.server.listen({ host, port });
    } catch (error) {
      throw new NodeError("listen", "node.listen", messageOf(error));
    }
    const address = this.server.server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Starts the loops. */
  run(): void {
    const { pollMs, windowPollMs } = this.config.timing;
    this.loops.push(
      new Loop(
        pollMs,
        () => this.settleTick(),
        (e) => this.failed("settle", e),
      ),
      new Loop(
        windowPollMs,
        () => this.finaliseTick(),
        (e) => this.failed("finalise", e),
      ),
      new Loop(
        pollMs,
        () => this.priceTick(),
        (e) => this.failed("price", e),
      ),
    );
  }

  /** One look at every sub-network: leads where it is this node's turn. */
  async settleTick(): Promise<Delivered[]> {
    const now = await this.clock.now();
    const subNetworks = await this.directory.refresh();
    const results = await Promise.all(
      subNetworks.map(async ({ id }) => {
        if (this.busy.has(id)) return undefined;
        this.busy.add(id);
        try {
          return await this.leader.tick(id, now);
        } catch (error) {
          this.failed(`settle sub-network ${id}`, error);
          return undefined;
        } finally {
          this.busy.delete(id);
        }
      }),
    );
    return results.filter((r) => r !== undefined);
  }

  async finaliseTick(): Promise<void> {
    const now = await this.clock.now();
    for (const { id } of await this.directory.refresh()) {
      await this.finaliser.tick(id, now).catch((error: unknown) => this.failed(`finalise sub-network ${id}`, error));
    }
  }

  priceTick(): Promise<boolean> {
    return this.price.tick();
  }

  /** Stops loops, server and store, in this order. What was promised is on disk already. */
  async stop(): Promise<void> {
    this.exchange.stop();
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await this.server.close();
    await this.store.close();
  }

  private failed(what: string, error: unknown): void {
    if (error instanceof Refused) this.log.info({ code: error.code, detail: error.detail }, `${what}: not now`);
    else this.log.warn({ error: messageOf(error) }, `${what} failed`);
  }
}

/** Runs `work` again `ms` after it has ended, until stopped. */
class Loop {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly ms: number,
    private readonly work: () => Promise<unknown>,
    private readonly failed: (error: unknown) => void,
  ) {
    this.next(0);
  }

  private next(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.work()
        .catch(this.failed)
        .finally(() => this.next(this.ms));
    }, ms);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }
}

/** JSON lines, with the chain's time. */
function makeLog(config: NodeConfig, clock: Clock): Log {
  return pino({
    level: config.logLevel,
    base: { node: config.index },
    timestamp: false,
    mixin: () => ({ chainTime: clock.lastSeen?.time }),
  });
}
