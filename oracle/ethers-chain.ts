// The chain over JSON-RPC. Reads are batched by the provider; writes of this process go one after another.
import { FetchRequest, Interface, isError, JsonRpcProvider, Wallet } from "ethers";
import { KeystoneForwarder__factory } from "../typechain-types/factories/@chainlink/contracts/src/v0.8/keystone/KeystoneForwarder__factory";
import {
  IDeviceRegistry__factory,
  IEpochs__factory,
  IGuarded__factory,
  INetworkPriceFeed__factory,
  IOperatorStaking__factory,
  IReportReceiver__factory,
  IRewardDistributor__factory,
  ISettlementOracle__factory,
} from "../typechain-types/factories/contracts/interfaces";
import { IEmissionController__factory } from "../typechain-types/factories/contracts/interfaces/IEmissionController.sol";
import {
  type Block,
  type Chain,
  type ChainConstants,
  type Delivery,
  epochEnd,
  type Facts,
  type Head,
  lastBlockBefore,
  type SettlementState,
  type SignedReport,
  type StoredSettlement,
  type SubNetwork,
} from "./chain";
import type { Hex, Settlement } from "./codec";
import type { Deployment } from "./config";
import { messageOf, NodeError } from "./errors";
import type { DeviceFacts } from "./settlement/compute";

/** Gas of one delivery: 128 k measured, and what the forwarder asks for before it routes. */
const REPORT_GAS = 600_000n;
const FINALISE_GAS = 1_000_000n;
const CLOSE_GAS = 600_000n;
const MAX_CLOSED_AT_ONCE = 20;
const CALLS_AT_ONCE = 400;
const LOG_RANGE = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const RECEIPT_TIMEOUT_MS = 120_000;
const ZERO = "0x0000000000000000000000000000000000000000";

const RECEIVER = new Interface(["function onReport(bytes metadata, bytes report)"]);
const ERRORS = [
  ISettlementOracle__factory,
  INetworkPriceFeed__factory,
  IReportReceiver__factory,
  IGuarded__factory,
  IEmissionController__factory,
  IRewardDistributor__factory,
  KeystoneForwarder__factory,
].map((factory) => new Interface(factory.abi));

export class EthersChain implements Chain {
  private writes: Promise<unknown> = Promise.resolve();
  /** Sub-networks are only ever added, and their records never change. */
  private knownSubNetworks: SubNetwork[] = [];
  private readonly oracle;
  private readonly registry;
  private readonly staking;
  private readonly emissions;
  private readonly feed;
  private readonly forwarder;

  private constructor(
    private readonly provider: JsonRpcProvider,
    private readonly wallet: Wallet,
    private readonly at: Deployment,
    readonly constants: ChainConstants,
  ) {
    this.oracle = ISettlementOracle__factory.connect(at.SettlementOracle, wallet);
    this.registry = IDeviceRegistry__factory.connect(at.DeviceRegistry, provider);
    this.staking = IOperatorStaking__factory.connect(at.OperatorStaking, provider);
    this.emissions = IEmissionController__factory.connect(at.EmissionController, wallet);
    this.feed = INetworkPriceFeed__factory.connect(at.NetworkPriceFeed, provider);
    this.forwarder = KeystoneForwarder__factory.connect(at.KeystoneForwarder, wallet);
  }

  /** Connects, and refuses a chain or a deployment that is not the configured one. */
  static async connect(
    rpcUrl: string,
    chainId: number,
    transmitterKey: string,
    at: Deployment,
    pollMs: number,
  ): Promise<EthersChain> {
    const request = new FetchRequest(rpcUrl);
    request.timeout = REQUEST_TIMEOUT_MS;
    const provider = new JsonRpcProvider(request, chainId, {
      staticNetwork: true,
      batchMaxCount: 100,
      cacheTimeout: -1,
      pollingInterval: Math.max(100, pollMs),
    });
    try {
      const actual = Number(await provider.send("eth_chainId", []));
      if (actual !== chainId) throw new NodeError("chain", "chain.chainId", `is ${chainId}, the chain says ${actual}`);
      const epochs = IEpochs__factory.connect(at.SettlementOracle, provider);
      const oracle = ISettlementOracle__factory.connect(at.SettlementOracle, provider);
      const [epochGenesis, epochLength, termLength] = await Promise.all([
        epochs.epochGenesis(),
        epochs.epochLength(),
        oracle.termLength(),
      ]);
      return new EthersChain(provider, new Wallet(transmitterKey, provider), at, {
        chainId: BigInt(chainId),
        oracle: at.SettlementOracle,
        registry: at.DeviceRegistry,
        priceFeed: at.NetworkPriceFeed,
        epochGenesis: Number(epochGenesis),
        epochLength: Number(epochLength),
        termLength: Number(termLength),
      });
    } catch (error) {
      provider.destroy();
      if (error instanceof NodeError) throw error;
      if (isError(error, "BAD_DATA") || isError(error, "CALL_EXCEPTION")) {
        throw new NodeError("chain", "deployment", `no SettlementOracle at ${at.SettlementOracle}`);
      }
      throw new NodeError("chain", "chain.rpcUrl", messageOf(error));
    }
  }

  close(): void {
    this.provider.destroy();
  }

  // Blocks

  async latest(): Promise<Block> {
    const block = await this.blockBy("latest");
    if (block === undefined) throw new Error("the chain has no latest block");
    return block;
  }

  async finalised(): Promise<Block> {
    if (this.constants.chainId === 31337n) return this.latest(); // a development chain finalises what it mines
    const block = await this.blockBy("finalized");
    if (block === undefined) throw new Error("the chain has no finalised block");
    return block;
  }

  block(number: number): Promise<Block | undefined> {
    return this.blockBy(number);
  }

  private async blockBy(tag: number | string): Promise<Block | undefined> {
    const block = await this.provider.getBlock(tag);
    if (block === null || block.hash === null) return undefined;
    return { number: block.number, hash: block.hash as Hex, time: block.timestamp };
  }

  // Devices and sub-networks

  async subNetworks(): Promise<SubNetwork[]> {
    const count = Number(await this.emissions.subNetworkCount());
    if (count !== this.knownSubNetworks.length) {
      const ids = Array.from({ length: count }, (_, i) => i + 1);
      const records = await Promise.all(ids.map((id) => this.emissions.subNetworkOf(id)));
      this.knownSubNetworks = records.map((r, i) => ({ id: i + 1, category: Number(r.category) }));
    }
    return this.knownSubNetworks;
  }

  deviceOfKeyAt(keyHash: Hex, epoch: number): Promise<bigint> {
    return this.registry.deviceOfKeyAt(keyHash, epoch);
  }

  isBackedAt(deviceId: bigint, subNetwork: number, epoch: number): Promise<boolean> {
    return this.staking.isBackedAt(deviceId, subNetwork, epoch);
  }

  async facts(
    subNetwork: number,
    epoch: number,
    devices: readonly bigint[],
    keys: readonly Hex[],
    block: Block,
  ): Promise<Facts> {
    const at = { blockTag: block.number };
    const found = await inChunks(devices, (id) => this.factsOf(id, subNetwork, epoch, at));
    const owners = await inChunks(keys, (key) => this.registry.deviceOfKeyAt(key, epoch, at));
    const now = await this.block(block.number);
    if (now?.hash !== block.hash) throw new Error(`block ${block.number} was replaced while it was read`);
    return {
      devices: new Map(devices.map((id, i) => [id, found[i] ?? NO_DEVICE])),
      keys: new Map(keys.map((key, i) => [key, owners[i] ?? 0n])),
    };
  }

  private async factsOf(id: bigint, sub: number, epoch: number, at: { blockTag: number }): Promise<DeviceFacts> {
    try {
      const [active, backed] = await Promise.all([
        this.registry.isActiveAt(id, epoch, at),
        this.staking.isBackedAt(id, sub, epoch, at),
      ]);
      if (!active) return { ...NO_DEVICE, backed };
      const [payee, cap] = await Promise.all([
        this.registry.payeeAt(id, epoch, at),
        this.registry.pointsCapAt(id, epoch, at),
      ]);
      return { active, backed, payee, cap };
    } catch (error) {
      // The contract itself refuses (an unknown device): the same for every node. Any other failure is this node's.
      if (isError(error, "CALL_EXCEPTION") && error.data !== null && error.data !== "0x") return NO_DEVICE;
      throw error;
    }
  }

  // Settlements

  async headOf(subNetwork: number): Promise<Head> {
    const { id, epoch, attempt } = await this.oracle.headOf(subNetwork);
    return { id, epoch: Number(epoch), attempt: Number(attempt) };
  }

  async settlementOf(subNetwork: number, epoch: number): Promise<StoredSettlement> {
    const { id, deadline, status } = await this.oracle.settlementOf(subNetwork, epoch);
    const states: readonly SettlementState[] = ["none", "pending", "final"];
    return { id, deadline: Number(deadline), state: states[Number(status)] ?? "none" };
  }

  isSettleable(subNetwork: number, epoch: number): Promise<boolean> {
    return this.oracle.isSettleable(subNetwork, epoch);
  }

  async reported(subNetwork: number, epoch: number, id: bigint): Promise<Settlement | undefined> {
    const filter = this.oracle.filters.SettlementReported(subNetwork, epoch, id);
    const newest = await this.latest();
    const first = (await lastBlockBefore(this, epochEnd(this.constants, epoch)))?.number ?? 0;
    for (let from = first; from <= newest.number; from += LOG_RANGE) {
      const [event] = await this.oracle.queryFilter(filter, from, Math.min(newest.number, from + LOG_RANGE - 1));
      if (event === undefined) continue;
      const s = event.args.settlement;
      return {
        schema: Number(s.schema),
        chainId: s.chainId,
        receiver: s.receiver,
        subNetwork: Number(s.subNetwork),
        term: Number(s.term),
        epoch: Number(s.epoch),
        attempt: Number(s.attempt),
        parent: s.parent,
        validUntil: s.validUntil,
        entriesRoot: s.entriesRoot as Hex,
        payoutsRoot: s.payoutsRoot as Hex,
        dataHash: s.dataHash as Hex,
      };
    }
    return undefined;
  }

  async nextEpochToClose(): Promise<number> {
    return Number(await this.emissions.nextEpochToClose());
  }

  budgetOf(subNetwork: number, epoch: number): Promise<bigint> {
    return this.emissions.budgetOf(subNetwork, epoch);
  }

  async lastPriceRound(): Promise<number> {
    return Number(await this.feed.lastRound());
  }

  // Writes

  closeEpochs(n: number): Promise<void> {
    const count = Math.min(n, MAX_CLOSED_AT_ONCE);
    return this.write(async () => {
      await this.emissions.closeEpochs.staticCall(count);
      const tx = await this.emissions.closeEpochs(count, { gasLimit: BigInt(count) * CLOSE_GAS });
      await tx.wait(1, RECEIPT_TIMEOUT_MS);
    });
  }

  finalise(settlement: Settlement, parentEpoch: number): Promise<void> {
    return this.write(async () => {
      await this.oracle.finalise.staticCall(settlement, parentEpoch);
      const tx = await this.oracle.finalise(settlement, parentEpoch, { gasLimit: FINALISE_GAS });
      await tx.wait(1, RECEIPT_TIMEOUT_MS);
    });
  }

  /** Delivers through the forwarder and reads the result from its event: a failed delivery is a successful transaction. */
  deliver({ receiver, raw, context, signatures }: SignedReport): Promise<Delivery> {
    const signed = [...signatures];
    return this.write(async () => {
      try {
        await this.forwarder.report.staticCall(receiver, raw, context, signed, { gasLimit: REPORT_GAS });
      } catch (error) {
        return refusedOr(error);
      }
      const why = await this.whyRefused(receiver, raw);
      if (why !== undefined) return { kind: "refused", tx: null, why };

      try {
        const tx = await this.forwarder.report(receiver, raw, context, signed, { gasLimit: REPORT_GAS });
        const receipt = await tx.wait(1, RECEIPT_TIMEOUT_MS);
        if (receipt === null) return { kind: "refused", tx: tx.hash, why: "no receipt in time" };
        const processed = receipt.logs
          .filter((log) => log.address === this.at.KeystoneForwarder)
          .map((log) => this.forwarder.interface.parseLog(log))
          .find((event) => event?.name === "ReportProcessed");
        if (processed?.args.result === true) return { kind: "delivered", tx: tx.hash, gasUsed: receipt.gasUsed };
        return {
          kind: "refused",
          tx: tx.hash,
          why: (await this.whyRefused(receiver, raw)) ?? "the receiver ran out of gas",
        };
      } catch (error) {
        return refusedOr(error);
      }
    });
  }

  /** The receiver's error for this report, or undefined if it takes it. */
  private async whyRefused(receiver: string, raw: Hex): Promise<string | undefined> {
    const data = RECEIVER.encodeFunctionData("onReport", [`0x${raw.slice(92, 220)}`, `0x${raw.slice(220)}`]);
    try {
      await this.provider.call({ from: this.at.KeystoneForwarder, to: receiver, data });
      return undefined;
    } catch (error) {
      if (isError(error, "CALL_EXCEPTION")) return contractErrorOf(error);
      throw error;
    }
  }

  private write<T>(work: () => Promise<T>): Promise<T> {
    const result = this.writes.then(work);
    this.writes = result.catch(() => undefined);
    return result;
  }
}

const NO_DEVICE: DeviceFacts = { active: false, backed: false, payee: ZERO, cap: 0n };

function refusedOr(error: unknown): Delivery {
  const why = contractErrorOf(error);
  return why.startsWith("AlreadyAttempted") ? { kind: "already" } : { kind: "refused", tx: null, why };
}

/** Name and values of a contract's error, or the message of any other failure. */
export function contractErrorOf(error: unknown): string {
  if (!isError(error, "CALL_EXCEPTION") || !error.data) return messageOf(error);
  for (const known of ERRORS) {
    const parsed = known.parseError(error.data);
    if (parsed !== null) return `${parsed.name}(${parsed.args.map(String).join(", ")})`;
  }
  return `unknown error ${error.data}`;
}

async function inChunks<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += CALLS_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + CALLS_AT_ONCE).map(work))));
  }
  return results;
}
