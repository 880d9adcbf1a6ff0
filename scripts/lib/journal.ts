// Ignition's journal of a deployment, and the file of addresses made from it.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { trackTransaction } from "@nomicfoundation/ignition-core";
import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import type { EIP1193Provider, HardhatRuntimeEnvironment } from "hardhat/types";
import { z } from "zod";
import type { Parameters } from "../../deploy/parameters";
import { CONTRACTS, type ContractName, type Deployment, DeploymentError, deploymentFile } from "./deployment";

const Addresses = z.record(z.string(), z.string());

/** The journal tells of contracts that this chain does not have: it belongs to a chain that was thrown away. */
export class StaleJournalError extends DeploymentError {
  constructor(
    readonly contract: string,
    readonly address: string,
    dir: string,
  ) {
    super(
      `the journal ${dir} has ${contract} at ${address}, where this chain has no code: ` +
        `the node was restarted since. Start afresh with --reset`,
    );
    this.name = "StaleJournalError";
  }
}

export async function chainIdOf(provider: EIP1193Provider): Promise<number> {
  return Number(await provider.request({ method: "eth_chainId" }));
}

/** Whether the chain mines every transaction at once, as development nodes do. */
export async function minesAtOnce(provider: EIP1193Provider): Promise<boolean> {
  try {
    return (await provider.request({ method: "hardhat_getAutomine" })) === true;
  } catch {
    return false; // no development node
  }
}

/**
 * Ignition reads, and keeps in its journal, the compiler's whole output (25 MB) for each of twenty contracts. Only the
 * verification on a public explorer needs it; without it a deployment on a development chain takes seconds.
 */
export function keepNoBuildInfo(): void {
  HardhatArtifactResolver.prototype.getBuildInfo = async () => undefined;
}

/** Where Ignition keeps the journal; undefined for the chain inside this process, which keeps none. */
export function journalDir(hre: HardhatRuntimeEnvironment, chainId: number, id?: string): string | undefined {
  if (hre.network.name === "hardhat") return undefined;
  return join(hre.config.paths.ignition, "deployments", id ?? `chain-${chainId}`);
}

function readAddresses(dir: string): Record<string, string> {
  const file = join(dir, "deployed_addresses.json");
  return existsSync(file) ? Addresses.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
}

/** Throws if the journal names a contract that is not on the chain. */
export async function checkJournal(provider: EIP1193Provider, dir: string): Promise<void> {
  for (const [contract, address] of Object.entries(readAddresses(dir))) {
    const code = await provider.request({ method: "eth_getCode", params: [address, "latest"] });
    if (code === "0x") throw new StaleJournalError(contract, address, relative(process.cwd(), dir));
  }
}

/** Writes the addresses of a finished deployment. Returns the file, or undefined if the deployment is not finished. */
export async function writeDeployment(
  hre: HardhatRuntimeEnvironment,
  d: { dir: string; chainId: number; parameters: Parameters; named: boolean },
): Promise<string | undefined> {
  const found = new Map(Object.entries(readAddresses(d.dir)).map(([id, address]) => [id.split("#")[1], address]));
  if (!found.has("DeploymentCheck")) return undefined;
  const contracts = Object.fromEntries(
    Object.keys(CONTRACTS).map((name) => {
      const address = found.get(name);
      if (address === undefined) throw new DeploymentError(`the journal ${d.dir} has no ${name}`);
      return [name, address];
    }),
  ) as Record<ContractName, string>;
  const { block, deployer } = firstTransaction(d.dir);
  const deployment: Deployment = {
    chainId: d.chainId,
    block,
    deployer,
    parametersHash: d.parameters.hash,
    contracts,
  };
  const file = d.named ? join(d.dir, "deployment.json") : deploymentFile(d.chainId, hre.config.paths.root);
  mkdirSync(dirname(file), { recursive: true });
  replaceFile(file, `${JSON.stringify(deployment, null, 2)}\n`);
  return relative(process.cwd(), file);
}

const Line = z.object({
  type: z.string(),
  futureId: z.string().optional(),
  from: z.string().optional(),
  nonce: z.number().optional(),
  networkInteractionId: z.number().optional(),
  receipt: z.object({ blockNumber: z.number() }).optional(),
});
type Line = z.infer<typeof Line>;

const journalFile = (dir: string): string => join(dir, "journal.jsonl");

function readLines(dir: string): string[] {
  const file = journalFile(dir);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
}

function readJournal(dir: string): Line[] {
  return readLines(dir)
    .filter((text) => text !== "")
    .map((text) => Line.parse(JSON.parse(text)));
}

/** Beginnings of what sends a transaction, which Ignition completes by a line of its own before it sends anything. */
const BEGUN = /^(CALL|DEPLOYMENT|SEND_DATA)_EXECUTION_STATE_INITIALIZE$/;

/**
 * A process that was killed between beginning a call and noting what it would send leaves a lone line, which Ignition
 * refuses as broken. Nothing was sent for it: taking the line out makes Ignition begin it anew. Returns how many it took.
 */
export function forgetBegun(dir: string): number {
  const lines = readLines(dir);
  const entries = lines.map((text) => (text === "" ? undefined : Line.parse(JSON.parse(text))));
  const requested = new Set(entries.filter((e) => e?.type === "NETWORK_INTERACTION_REQUEST").map((e) => e?.futureId));
  const kept = lines.filter((_, i) => {
    const entry = entries[i];
    return entry === undefined || !BEGUN.test(entry.type) || requested.has(entry.futureId);
  });
  if (kept.length < lines.length) replaceFile(journalFile(dir), kept.join("\n"));
  return lines.length - kept.length;
}

/** Writes the whole file or leaves the old one. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Block of the first transaction of a journal, and who sent it. */
function firstTransaction(dir: string): { block: number; deployer: string } {
  const lines = readJournal(dir);
  const block = lines.reduce((least, line) => Math.min(least, line.receipt?.blockNumber ?? Infinity), Infinity);
  const deployer = lines.find((line) => line.from !== undefined)?.from;
  if (!Number.isFinite(block) || deployer === undefined) throw new DeploymentError(`${dir} has no transaction`);
  return { block, deployer };
}

/**
 * A process that was killed between sending a transaction and noting it leaves a nonce without a hash; Ignition would take
 * the transaction for somebody else's and send it again. Finds each on the chain and notes it.
 */
export async function noteSentTransactions(provider: EIP1193Provider, dir: string): Promise<number> {
  const lines = readJournal(dir);
  const key = (line: Line): string => `${line.futureId} ${line.networkInteractionId}`;
  const noted = new Set(lines.filter((line) => line.type === "TRANSACTION_SEND").map(key));
  const open = lines.filter((line) => line.type === "TRANSACTION_PREPARE_SEND" && !noted.has(key(line)));
  let found = 0;
  for (const { futureId, nonce } of open) {
    const from = lines.find((line) => line.futureId === futureId && line.from !== undefined)?.from;
    if (from === undefined || nonce === undefined) continue;
    const hash = await transactionOf(provider, from, nonce);
    if (hash === undefined) continue; // it was never sent: Ignition sends it
    await trackTransaction(dir, hash, provider, 1);
    found += 1;
  }
  return found;
}

/** Hash of the mined transaction of `from` with `nonce`, found by halving the blocks in which it can be. */
async function transactionOf(provider: EIP1193Provider, from: string, nonce: number): Promise<string | undefined> {
  const hex = (n: number): string => `0x${n.toString(16)}`;
  const countAt = async (block: number): Promise<number> =>
    Number(await provider.request({ method: "eth_getTransactionCount", params: [from, hex(block)] }));
  let high = Number(await provider.request({ method: "eth_blockNumber" }));
  if ((await countAt(high)) <= nonce) return undefined;
  let low = 0; // the least block after which the nonce is used is in (low, high]
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((await countAt(middle)) > nonce) high = middle;
    else low = middle;
  }
  const block = Block.parse(await provider.request({ method: "eth_getBlockByNumber", params: [hex(high), true] }));
  return block.transactions.find((tx) => tx.from.toLowerCase() === from.toLowerCase() && Number(tx.nonce) === nonce)
    ?.hash;
}

const Block = z.object({
  transactions: z.array(z.object({ hash: z.string(), from: z.string(), nonce: z.string() })),
});
