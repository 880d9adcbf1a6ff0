// What a command works with: the deployment of the chosen chain, its contracts by name, and an account to send from.
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import {
  type BaseContract,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  getAddress,
  Interface,
  isAddress,
  type InterfaceAbi,
  type Log,
  type LogDescription,
} from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types";
import { z } from "zod";
import type {
  BootstrapCouncil,
  DataCredits,
  DeviceRegistry,
  EmissionController,
  CommitteeRegistry,
  KeystoneForwarder,
  NetworkGovernor,
  NetworkPriceFeed,
  NetworkTimelock,
  NetworkToken,
  OperatorStaking,
  PriceGuard,
  RewardDistributor,
  SettlementOracle,
  VoteEscrow,
} from "../../typechain-types";
import { AddressBook, type Known } from "./book";
import { formatValue } from "./calls";
import { EnvironmentError, messageOf, revertData, StateError, UsageError } from "./errors";
import { readLogs } from "./logs";

export const DEVELOPMENT_CHAIN = 31337;
/** Folder of the deployment files; a run of its own keeps them elsewhere. */
const DEPLOYMENTS_ENV = "GROUNDWORK_DEPLOYMENTS";

interface Handles {
  BootstrapCouncil: BootstrapCouncil;
  CommitteeRegistry: CommitteeRegistry;
  DataCredits: DataCredits;
  DeviceRegistry: DeviceRegistry;
  EmissionController: EmissionController;
  KeystoneForwarder: KeystoneForwarder;
  NetworkGovernor: NetworkGovernor;
  NetworkPriceFeed: NetworkPriceFeed;
  NetworkTimelock: NetworkTimelock;
  NetworkToken: NetworkToken;
  OperatorStaking: OperatorStaking;
  PriceGuard: PriceGuard;
  RewardDistributor: RewardDistributor;
  SettlementOracle: SettlementOracle;
  VoteEscrow: VoteEscrow;
}

export interface Moment {
  readonly block: number;
  readonly time: number;
}

export interface ParsedLog {
  readonly block: number;
  readonly contract: Known;
  readonly event: LogDescription;
}

const deploymentFile = z.object({
  chainId: z.number().int().positive(),
  block: z.number().int().nonnegative(),
  contracts: z.record(
    z.string(),
    z.string().refine((v) => isAddress(v), "is not an address"),
  ),
});

/** deployments/<chainId>.json. */
export function deploymentPath(hre: HardhatRuntimeEnvironment, chainId: number): string {
  return join(process.env[DEPLOYMENTS_ENV] ?? join(hre.config.paths.root, "deployments"), `${chainId}.json`);
}

export class Session {
  private constructor(
    readonly hre: HardhatRuntimeEnvironment,
    readonly chainId: number,
    readonly book: AddressBook,
    readonly startBlock: number,
    private readonly from: string | undefined,
  ) {}

  /** The deployment on the chain that `hre` is connected to. */
  static async open(hre: HardhatRuntimeEnvironment, from?: string): Promise<Session> {
    const chainId = await chainIdOf(hre);
    const path = deploymentPath(hre, chainId);
    const network = hre.network.name;
    const deploy = `npx hardhat ignition deploy deploy/modules/Groundwork.ts --network ${network}`;
    if (!existsSync(path)) {
      throw new EnvironmentError(
        "NO_DEPLOYMENT",
        `nothing is deployed on chain ${chainId} (${relative(process.cwd(), path)} is missing); deploy first: ${deploy}`,
      );
    }
    const file = readDeployment(path);
    if (file.chainId !== chainId) {
      throw new EnvironmentError(
        "WRONG_CHAIN",
        `${relative(process.cwd(), path)} is of chain ${file.chainId}, but network ${network} is chain ${chainId}`,
      );
    }
    const entries: Known[] = [];
    for (const [name, address] of Object.entries(file.contracts)) {
      entries.push({ name, address: getAddress(address), iface: await interfaceOf(hre, name) });
    }
    const session = new Session(hre, chainId, new AddressBook(entries), file.block, from);
    const governor = session.book.named("NetworkGovernor") ?? entries[0];
    if (governor && (await hre.ethers.provider.getCode(governor.address)) === "0x") {
      throw new EnvironmentError(
        "STALE_DEPLOYMENT",
        `chain ${chainId} has no code at ${governor.address} (${governor.name}): the chain was started anew since ${relative(process.cwd(), path)} was written; deploy again: ${deploy} --reset`,
      );
    }
    return session;
  }

  get development(): boolean {
    return this.chainId === DEVELOPMENT_CHAIN;
  }

  has(name: keyof Handles): boolean {
    return this.book.named(name) !== undefined;
  }

  address(name: keyof Handles): string {
    const known = this.book.named(name);
    if (known) return known.address;
    throw new EnvironmentError("NOT_DEPLOYED", `this deployment has no ${name}`);
  }

  /** A contract of the deployment; with `signed`, connected to the account of --from. */
  async get<K extends keyof Handles>(name: K, signed?: HardhatEthersSigner): Promise<Handles[K]> {
    const address = this.address(name);
    const iface = this.book.named(name)?.iface ?? new Interface([]);
    const runner = signed ?? this.hre.ethers.provider;
    return new this.hre.ethers.Contract(address, iface, runner) as unknown as Handles[K];
  }

  async latest(): Promise<Moment> {
    const block = await this.hre.ethers.provider.getBlock("latest");
    if (block === null) throw new EnvironmentError("NO_BLOCK", "the chain has no latest block");
    return { block: block.number, time: block.timestamp };
  }

  /** Time of the block in which a transaction sent now would be. */
  async pendingTime(): Promise<number> {
    const block = await this.hre.ethers.provider.getBlock("pending");
    return Math.max(block?.timestamp ?? 0, (await this.latest()).time);
  }

  /** The account of --from: an index or an address among the network's accounts; the first one if not given. */
  async signer(): Promise<HardhatEthersSigner> {
    const signers = await this.hre.ethers.getSigners();
    const from = this.from ?? "0";
    const found = isAddress(from)
      ? signers.find((s) => s.address.toLowerCase() === from.toLowerCase())
      : /^\d+$/.test(from)
        ? signers[Number(from)]
        : undefined;
    if (found) return found;
    const network = this.hre.network.name;
    throw new UsageError(
      "UNKNOWN_ACCOUNT",
      signers.length === 0
        ? `network ${network} has no account to send from: put its key into .env (see .env.example)`
        : `--from ${from}: network ${network} has ${signers.length} account(s), 0 to ${signers.length - 1}; give an index or one of their addresses`,
    );
  }

  /** Logs of the deployment's contracts that their interfaces know, in the order of the chain. */
  async logs(names: readonly (keyof Handles)[] | "all", events?: readonly string[]): Promise<ParsedLog[]> {
    const contracts = names === "all" ? this.book.entries : names.flatMap((n) => this.book.named(n) ?? []);
    if (contracts.length === 0) return [];
    const topics =
      events === undefined
        ? []
        : [[...new Set(contracts.flatMap((c) => events.flatMap((e) => c.iface.getEvent(e)?.topicHash ?? [])))]];
    if (topics[0]?.length === 0) return [];
    const { block } = await this.latest();
    const filter = { address: contracts.map((c) => c.address), topics };
    const logs = await readLogs(this.hre.ethers.provider, filter, this.startBlock, block);
    return logs.flatMap((log) => this.parse(log));
  }

  private parse(log: Log): ParsedLog[] {
    const contract = this.book.at(log.address);
    const event = contract?.iface.parseLog(log);
    return contract && event ? [{ block: log.blockNumber, contract, event }] : [];
  }

  /** Tries a call, sends it, and waits until it is mined. A revert is a StateError with the decoded reason. */
  async send(
    what: string,
    contract: BaseContract,
    method: string,
    args: readonly unknown[],
  ): Promise<ContractTransactionReceipt> {
    const call = contract.getFunction(method);
    try {
      await call.staticCall(...args);
      const sent = (await call.send(...args)) as ContractTransactionResponse;
      const receipt = await sent.wait();
      if (receipt === null) throw new EnvironmentError("NOT_MINED", `${what}: transaction ${sent.hash} was not mined`);
      return receipt;
    } catch (error) {
      throw this.explained(what, error);
    }
  }

  /** A revert as a StateError that names the error of the contract; anything else as it is. */
  explained(what: string, error: unknown): unknown {
    const data = revertData(error);
    if (data === undefined || data === "0x") {
      return /revert/i.test(messageOf(error))
        ? new StateError("REVERTED", `${what} would fail: ${messageOf(error)}`)
        : error;
    }
    const reason = this.reasonOf(data);
    return new StateError("REVERTED", `${what} would fail: ${reason}`, { reason, data });
  }

  /** Name and arguments of revert data, by the interfaces of the deployment. */
  reasonOf(data: string): string {
    for (const { name, iface } of this.book.entries) {
      const parsed = parseError(iface, data);
      if (!parsed) continue;
      const values = parsed.fragment.inputs.map((type, i) => {
        const text = formatValue(type, parsed.args[i], this.book);
        return type.name ? `${type.name}: ${text}` : text;
      });
      return parsed.name === "Error" ? String(parsed.args[0]) : `${parsed.name}(${values.join(", ")}) of ${name}`;
    }
    return data;
  }
}

function parseError(iface: Interface, data: string): ReturnType<Interface["parseError"]> {
  try {
    return iface.parseError(data);
  } catch {
    return null; // the selector is known, the bytes behind it are not: another interface may fit
  }
}

async function chainIdOf(hre: HardhatRuntimeEnvironment): Promise<number> {
  try {
    return Number((await hre.ethers.provider.getNetwork()).chainId);
  } catch (error) {
    const text = messageOf(error);
    if (!/HH108|ECONNREFUSED|cannot connect/i.test(text)) throw error;
    throw new EnvironmentError(
      "NO_CHAIN",
      `no chain answers for network ${hre.network.name}; start one (npx hardhat node) or choose another with --network`,
    );
  }
}

function readDeployment(path: string): z.infer<typeof deploymentFile> {
  try {
    return deploymentFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new EnvironmentError("BAD_DEPLOYMENT", `${path} is not a deployment file: ${messageOf(error)}`);
  }
}

async function interfaceOf(hre: HardhatRuntimeEnvironment, name: string): Promise<Interface> {
  const contract = name.split("#").pop() ?? name;
  if (!(await hre.artifacts.artifactExists(contract))) return new Interface([]);
  return new Interface((await hre.artifacts.readArtifact(contract)).abi as InterfaceAbi);
}
