// Four nodes in one process on a chain that lives in memory: time, blocks and devices are set by hand.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyObject } from "node:crypto";
import { AbiCoder, getAddress, id, keccak256, Wallet } from "ethers";
import { OracleNode } from "../../oracle/app";
import {
  type Block,
  type Chain,
  type ChainConstants,
  type Delivery,
  epochEnd,
  epochStart,
  type Facts,
  type Head,
  type SignedReport,
  type StoredSettlement,
  type SubNetwork,
} from "../../oracle/chain";
import { type Measurement, makeProof, newKey, publicKeyOf } from "../../oracle/client/client";
import {
  type Hex,
  keyHash,
  recoverReportSigner,
  reportDigest,
  type Settlement,
  SETTLEMENT_TYPES,
  settlementId,
} from "../../oracle/codec";
import type { NodeConfig } from "../../oracle/config";
import type { WireProof } from "../../oracle/proof";

export const GENESIS = 1_000_000;
export const LENGTH = 1_000;
export const ORACLE = getAddress(`0x${"0a".repeat(20)}`);
export const REGISTRY = getAddress(`0x${"0b".repeat(20)}`);
export const FEED = getAddress(`0x${"0c".repeat(20)}`);
const FORWARDER = getAddress(`0x${"0d".repeat(20)}`);

export interface FakeDevice {
  readonly id: bigint;
  readonly key: KeyObject;
  payee: string;
  active: boolean;
  backedIn: Set<number>;
  cap: bigint;
}

/** What SettlementOracle, DeviceRegistry and the rest answer, by the same rules; reports need f + 1 members. */
export class FakeChain implements Chain {
  readonly constants: ChainConstants = {
    chainId: 31337n,
    oracle: ORACLE,
    registry: REGISTRY,
    priceFeed: FEED,
    epochGenesis: GENESIS,
    epochLength: LENGTH,
    termLength: 3,
  };
  readonly blocks: Block[] = [];
  readonly devices = new Map<bigint, FakeDevice>();
  readonly owners = new Map<Hex, bigint>();
  readonly heads = new Map<number, Head>();
  readonly records = new Map<string, { settlement: Settlement; deadline: number; final: boolean }>();
  readonly budgets = new Map<string, bigint>();
  readonly deliveries: SignedReport[] = [];
  readonly prices: { round: number; observations: bigint[] }[] = [];
  subs: SubNetwork[] = [{ id: 1, category: 1 }];
  closed = 0;
  window = 100;
  /** Answer of the next deliveries instead of taking them. */
  refuse: string | null = null;

  constructor(private readonly signers: readonly string[]) {
    this.mine(GENESIS);
  }

  mine(time: number): Block {
    const number = this.blocks.length;
    const block = { number, time, hash: id(`block ${number} ${time}`) as Hex };
    this.blocks.push(block);
    return block;
  }

  /** Mines the last block of `epoch` and one `after` seconds behind its end. */
  endEpoch(epoch: number, after: number): void {
    const end = epochEnd(this.constants, epoch);
    this.mine(end - 1);
    this.mine(end + after);
  }

  get time(): number {
    return this.tip.time;
  }

  private get tip(): Block {
    const tip = this.blocks[this.blocks.length - 1];
    if (tip === undefined) throw new Error("no blocks");
    return tip;
  }

  addDevice(device: Partial<FakeDevice> & { id: bigint }): FakeDevice {
    const made: FakeDevice = {
      key: newKey(),
      payee: getAddress(`0x${device.id.toString(16).padStart(40, "0")}`),
      active: true,
      backedIn: new Set([1]),
      cap: 1_000n,
      ...device,
    };
    this.devices.set(made.id, made);
    this.owners.set(keyHash(publicKeyOf(made.key)), made.id);
    return made;
  }

  cancel(subNetwork: number): void {
    const head = this.heads.get(subNetwork);
    const record = this.records.get(`${subNetwork}:${head?.epoch}`);
    if (head === undefined || record === undefined) throw new Error("nothing to cancel");
    this.records.delete(`${subNetwork}:${head.epoch}`);
    const parent = [...this.records.values()].find((r) => settlementId(r.settlement) === record.settlement.parent);
    this.heads.set(subNetwork, {
      id: record.settlement.parent,
      epoch: parent?.settlement.epoch ?? 0,
      attempt: head.attempt + 1,
    });
  }

  async latest(): Promise<Block> {
    return this.tip;
  }
  async finalised(): Promise<Block> {
    return this.tip;
  }
  async block(number: number): Promise<Block | undefined> {
    return this.blocks[number];
  }
  async subNetworks(): Promise<readonly SubNetwork[]> {
    return this.subs;
  }
  async deviceOfKeyAt(hash: Hex): Promise<bigint> {
    return this.owners.get(hash) ?? 0n;
  }
  async isBackedAt(device: bigint, subNetwork: number): Promise<boolean> {
    return this.devices.get(device)?.backedIn.has(subNetwork) ?? false;
  }
  async facts(subNetwork: number, _epoch: number, devices: readonly bigint[], keys: readonly Hex[]): Promise<Facts> {
    return {
      devices: new Map(
        devices.flatMap((d) => {
          const device = this.devices.get(d);
          return device === undefined ? [] : [[d, { ...device, backed: device.backedIn.has(subNetwork) }] as const];
        }),
      ),
      keys: new Map(keys.map((k) => [k, this.owners.get(k) ?? 0n])),
    };
  }
  async headOf(subNetwork: number): Promise<Head> {
    return this.heads.get(subNetwork) ?? { id: 0n, epoch: 0, attempt: 0 };
  }
  async settlementOf(subNetwork: number, epoch: number): Promise<StoredSettlement> {
    const record = this.records.get(`${subNetwork}:${epoch}`);
    if (record === undefined) return { id: 0n, deadline: 0, state: "none" };
    return {
      id: settlementId(record.settlement),
      deadline: record.deadline,
      state: record.final ? "final" : "pending",
    };
  }
  async isSettleable(subNetwork: number, epoch: number): Promise<boolean> {
    return (
      !(this.records.get(`${subNetwork}:${epoch}`)?.final ?? false) &&
      this.time <= epochEnd(this.constants, epoch) + 10_000
    );
  }
  async reported(subNetwork: number, epoch: number): Promise<Settlement | undefined> {
    return this.records.get(`${subNetwork}:${epoch}`)?.settlement;
  }
  async nextEpochToClose(): Promise<number> {
    return this.closed;
  }
  async budgetOf(subNetwork: number, epoch: number): Promise<bigint> {
    return epoch < this.closed ? (this.budgets.get(`${subNetwork}:${epoch}`) ?? 1_000_003n) : 0n;
  }
  async lastPriceRound(): Promise<number> {
    return this.prices[this.prices.length - 1]?.round ?? 0;
  }
  async closeEpochs(n: number): Promise<void> {
    if (this.time < epochStart(this.constants, this.closed + n)) throw new Error("EmissionEpochNotEnded");
    this.closed += n;
  }

  async deliver(report: SignedReport): Promise<Delivery> {
    const digest = reportDigest(report.raw, report.context);
    const signed = new Set(report.signatures.map((s) => recoverReportSigner(digest, s)));
    if (report.signatures.length !== 2 || signed.size !== 2)
      return { kind: "refused", tx: null, why: "InvalidSignatureCount" };
    if ([...signed].some((s) => !this.signers.includes(s))) return { kind: "refused", tx: null, why: "InvalidSigner" };
    if (this.refuse !== null) return { kind: "refused", tx: "0x", why: this.refuse };
    const payload = `0x${report.raw.slice(2 + 2 * 109)}`;
    if (report.receiver === FEED) {
      const [p] = AbiCoder.defaultAbiCoder().decode(
        ["tuple(uint16,uint64,address,uint32,uint64,uint64,uint64[])"],
        payload,
      );
      this.prices.push({ round: Number(p[3]), observations: [...p[6]] });
    } else {
      const settlement = decodeSettlement(payload);
      const head = await this.headOf(settlement.subNetwork);
      if (settlement.parent !== head.id) return { kind: "refused", tx: "0x", why: "SettlementWrongParent" };
      if (settlement.attempt !== head.attempt) return { kind: "refused", tx: "0x", why: "SettlementWrongAttempt" };
      this.records.set(`${settlement.subNetwork}:${settlement.epoch}`, {
        settlement,
        deadline: this.time + this.window,
        final: false,
      });
      this.heads.set(settlement.subNetwork, {
        id: settlementId(settlement),
        epoch: settlement.epoch,
        attempt: head.attempt,
      });
    }
    this.deliveries.push(report);
    return { kind: "delivered", tx: keccak256(report.raw), gasUsed: 128_000n };
  }

  async finalise(settlement: Settlement, parentEpoch: number): Promise<void> {
    const record = this.records.get(`${settlement.subNetwork}:${settlement.epoch}`);
    if (record === undefined || settlementId(settlement) !== settlementId(record.settlement))
      throw new Error("SettlementWrongPayload");
    if (this.time < record.deadline) throw new Error("SettlementWindowOpen");
    const parent = this.records.get(`${settlement.subNetwork}:${parentEpoch}`);
    if (parentEpoch !== 0 && parent?.final !== true) throw new Error("SettlementParentNotFinal");
    record.final = true;
  }
}

function decodeSettlement(payload: string): Settlement {
  const v = AbiCoder.defaultAbiCoder().decode(SETTLEMENT_TYPES, payload);
  return {
    schema: Number(v[0]),
    chainId: v[1],
    receiver: v[2],
    subNetwork: Number(v[3]),
    term: Number(v[4]),
    epoch: Number(v[5]),
    attempt: Number(v[6]),
    parent: v[7],
    validUntil: v[8],
    entriesRoot: v[9],
    payoutsRoot: v[10],
    dataHash: v[11],
  };
}

/** Refused by the decoder of these tests: a payload that is not a number. */
export class NotANumber extends Error {
  readonly code = "PAYLOAD_MALFORMED";
}

/** A payload of these tests is its units, in decimal. */
export function decodeUnits(_category: number, payload: Uint8Array): { units: bigint } {
  const text = Buffer.from(payload).toString();
  if (!/^\d+$/.test(text)) throw new NotANumber("not a number");
  return { units: BigInt(text) };
}

export function proofOfDevice(device: FakeDevice, units: number | string, m: Partial<Measurement> = {}): WireProof {
  const epoch = m.epoch ?? 1;
  return makeProof(
    { chainId: 31337n, registry: REGISTRY, deviceId: device.id, key: device.key },
    {
      subNetwork: 1,
      epoch,
      counter: 1n,
      time: BigInt(GENESIS + epoch * LENGTH + 10),
      latE7: 129_719_400,
      lonE7: 775_936_900,
      meter: 0n,
      payload: Buffer.from(String(units)),
      ...m,
    },
  );
}

/** A proof with some bytes of its message, signature or payload changed after signing. */
export function tampered(proof: WireProof, change: Partial<WireProof>): WireProof {
  return { ...proof, ...change };
}

export interface World {
  readonly chain: FakeChain;
  readonly nodes: OracleNode[];
  readonly dir: string;
  readonly urls: string[];
  /** Configuration of a node, with changes. */
  config(index: number, change?: Partial<NodeConfig>): NodeConfig;
  /** Kills a node as SIGKILL does for the others: it answers no more. */
  stop(index: number): Promise<void>;
  /** Starts it again on its own database. */
  restart(index: number, change?: Partial<NodeConfig>): Promise<void>;
  setPrice(index: number, priceE8: string): void;
  /** One settleTick of every running node. */
  tick(): Promise<number>;
  end(): Promise<void>;
}

export const KEYS = [1, 2, 3, 4].map((i) => id(`member ${i}`));

/** Nodes 0 … 3 on free ports. They stand still until a test ticks them. */
export async function makeWorld(change: Partial<NodeConfig> = {}): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), "groundwork-"));
  const signers = KEYS.map((k) => new Wallet(k).address);
  const chain = new FakeChain(signers);
  const members = signers.map((signer, index) => ({ index, signer, url: "http://127.0.0.1:1" }));
  const setPrice = (index: number, priceE8: string): void =>
    writeFileSync(join(dir, `price${index}.json`), JSON.stringify({ priceE8 }));
  const config = (index: number, more: Partial<NodeConfig> = {}): NodeConfig => ({
    chain: { rpcUrl: "http://127.0.0.1:1", chainId: 31337 },
    deployment: {
      SettlementOracle: ORACLE,
      DeviceRegistry: REGISTRY,
      OperatorStaking: REGISTRY,
      EmissionController: REGISTRY,
      NetworkPriceFeed: FEED,
      KeystoneForwarder: FORWARDER,
    },
    index,
    listen: { host: "127.0.0.1", port: 0 },
    db: join(dir, `node${index}.db`),
    signerKey: KEYS[index] ?? "",
    transmitterKey: KEYS[index] ?? "",
    f: 1,
    donId: 1,
    configVersion: 1,
    members,
    workflow: { name: "groundwork", owner: ORACLE },
    timing: {
      graceSeconds: 50,
      roundSeconds: 20,
      pollMs: 50,
      windowPollMs: 50,
      toleranceSeconds: 30,
      validSeconds: 3600,
      peerTimeoutMs: 3_000,
    },
    weights: {},
    price: { path: join(dir, `price${index}.json`), everySeconds: 100 },
    logLevel: process.env.ORACLE_LOG ?? "silent",
    disabledChecks: new Set(),
    blockExchange: false,
    ...change,
    ...more,
  });

  const running = new Set<number>();
  const nodes: OracleNode[] = [];
  const urls: string[] = [];
  const start = async (index: number, more: Partial<NodeConfig> = {}): Promise<void> => {
    const node = await OracleNode.make(config(index, more), chain, decodeUnits);
    const port = await node.listen();
    const member = members[index];
    if (member === undefined) throw new RangeError(`no member ${index}`);
    member.url = `http://127.0.0.1:${port}`;
    urls[index] = member.url;
    nodes[index] = node;
    running.add(index);
  };
  for (const index of members.keys()) {
    setPrice(index, "100000000");
    await start(index);
  }
  const stop = async (index: number): Promise<void> => {
    if (!running.delete(index)) return;
    await nodes[index]?.stop();
  };
  return {
    chain,
    nodes,
    dir,
    urls,
    config,
    setPrice,
    stop,
    restart: async (index, more) => {
      await stop(index);
      await start(index, more);
    },
    tick: async () => {
      const done = await Promise.all([...running].map(async (i) => (await nodes[i]?.settleTick()) ?? []));
      return done.flat().length;
    },
    end: async () => {
      await Promise.all([...running].map(stop));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Resolves when `check` holds; the nodes' exchange runs on its own timers. */
export async function eventually(check: () => Promise<boolean>, what: string, tries = 400): Promise<void> {
  for (let i = 0; i < tries; i++) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`did not happen: ${what}`);
}
