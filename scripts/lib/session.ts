// What a command works with: the deployment of the chosen chain, its contracts by name, and an account to send from.
import { existsSync } from "node:fs";
import { relative } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import {
  type BaseContract,
  Contract,
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
import { AddressBook, type Known } from "./book";
import { formatValue } from "./calls";
import { EnvironmentError, messageOf, revertData, StateError, UsageError } from "./errors";
import { readLogs } from "./logs";
import {
  type CONTRACTS,
  type ContractName,
  type Contracts,
  type Deployment,
  deploymentFile,
  loadDeployment,
} from "./deployment";

export const DEVELOPMENT_CHAIN = 31337;
/** Folder that holds deployments/, where a run keeps its own apart from the repository. */
const ROOT_ENV = "GROUNDWORK_ROOT";

type Handle<K extends ContractName> = Contracts[(typeof CONTRACTS)[K]];

export interface Moment {
  readonly block: number;
  readonly time: number;
}

export interface ParsedLog {
  readonly block: number;
  readonly contract: Known;
  readonly event: LogDescription;
}

/** Where deployments/<chainId>.json is. */
export function deploymentsRoot(hre: HardhatRuntimeEnvironment): string {
  return process.env[ROOT_ENV] ?? hre.config.paths.root;
}

/** What to do about a revert, by the name of its error. */
const ADVICE: Readonly<Record<string, string>> = {
  EmissionEpochDue: "; epochs that have ended must be closed first (anyone may): npx hardhat epoch:close",
};

export class Session {
  private constructor(
    readonly hre: HardhatRuntimeEnvironment,
    readonly chainId: number,
    readonly book: AddressBook,
    readonly deployment: Deployment,
    private readonly from: string | undefined,
  ) {}

  /** The deployment on the chain that `hre` is connected to. */
  static async open(hre: HardhatRuntimeEnvironment, from?: string): Promise<Session> {
    const chainId = await chainIdOf(hre);
    const root = deploymentsRoot(hre);
    const path = deploymentFile(chainId, root);
    const network = hre.network.name;
    const deploy = `npx hardhat ignition deploy deploy/modules/Groundwork.ts --network ${network}`;
    if (!existsSync(path)) {
      throw new EnvironmentError(
        "NO_DEPLOYMENT",
        network === "hardhat"
          ? "network hardhat ends with this command: name the network with --network (npx hardhat node, then --network localhost)"
          : `nothing is deployed on chain ${chainId} (${relative(process.cwd(), path)} is missing); deploy first: ${deploy}`,
      );
    }
    const file = readDeployment(chainId, root, deploy);
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
    const session = new Session(hre, chainId, new AddressBook(entries), file, from);
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

  address(name: ContractName): string {
    return getAddress(this.deployment.contracts[name]);
  }

  /**
   * A contract of the deployment, to read; with `signer`, to send. Made from its artifact: loading all of typechain-types
   * takes a command seconds, in which a chain on this machine closes the connection.
   */
  get<K extends ContractName>(name: K, signer?: HardhatEthersSigner): Handle<K> {
    const iface = this.book.named(name)?.iface ?? new Interface([]);
    return new Contract(this.address(name), iface, signer ?? this.hre.ethers.provider) as BaseContract as Handle<K>;
  }

  async latest(): Promise<Moment> {
    const block = await this.hre.ethers.provider.getBlock("latest");
    if (block === null) throw new EnvironmentError("NO_BLOCK", "the chain has no latest block");
    return { block: block.number, time: block.timestamp };
  }

  /** Time of the block in which a transaction sent now would be. */
  async pendingTime(): Promise<number> {
    // Raw: the client of Hardhat refuses a block without a number.
    const block: unknown = await this.hre.network.provider.send("eth_getBlockByNumber", ["pending", false]);
    const { timestamp } = (block ?? {}) as { timestamp?: string };
    return Math.max(Number(timestamp ?? 0), (await this.latest()).time);
  }

  /** The account of --from: an index or an address among the network's accounts; the first one if not given. */
  async signer(): Promise<HardhatEthersSigner> {
    return this.signerOf("--from", this.from ?? "0");
  }

  /** An account of the network by index or address, as the option `name` gives it. */
  async signerOf(name: string, from: string): Promise<HardhatEthersSigner> {
    const signers = await this.hre.ethers.getSigners();
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
        : `${name} ${from}: network ${network} has ${signers.length} account(s), 0 to ${signers.length - 1}; give an index or one of their addresses`,
    );
  }

  /** Logs of the deployment's contracts that their interfaces know, in the order of the chain. */
  async logs(names: readonly ContractName[] | "all", events?: readonly string[]): Promise<ParsedLog[]> {
    const contracts = names === "all" ? this.book.entries : names.flatMap((n) => this.book.named(n) ?? []);
    if (contracts.length === 0) return [];
    const topics =
      events === undefined
        ? []
        : [[...new Set(contracts.flatMap((c) => events.flatMap((e) => c.iface.getEvent(e)?.topicHash ?? [])))]];
    if (topics[0]?.length === 0) return [];
    const { block } = await this.latest();
    const filter = { address: contracts.map((c) => c.address), topics };
    const logs = await readLogs(this.hre.ethers.provider, filter, this.deployment.block, block);
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
      await call.staticCall(...args, { blockTag: "pending" }); // at the time of the next block, not of the last
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
    const advice = Object.entries(ADVICE).find(([name]) => reason.startsWith(`${name}(`))?.[1] ?? "";
    return new StateError("REVERTED", `${what} would fail: ${reason}${advice}`, { reason, data });
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

function readDeployment(chainId: number, root: string, deploy: string): Deployment {
  try {
    return loadDeployment(chainId, root);
  } catch (error) {
    throw new EnvironmentError("BAD_DEPLOYMENT", `${messageOf(error)}; deploy again: ${deploy}`);
  }
}

async function interfaceOf(hre: HardhatRuntimeEnvironment, name: string): Promise<Interface> {
  return new Interface((await hre.artifacts.readArtifact(name)).abi as InterfaceAbi);
}
