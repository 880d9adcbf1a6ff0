// Ignition's journal of a deployment, and the file of addresses made from it.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
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
  writeFileSync(`${file}.new`, `${JSON.stringify(deployment, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return relative(process.cwd(), file);
}

const Line = z.object({
  type: z.string(),
  from: z.string().optional(),
  receipt: z.object({ blockNumber: z.number() }).optional(),
});

/** Block of the first transaction of a journal, and who sent it. */
function firstTransaction(dir: string): { block: number; deployer: string } {
  const lines = readFileSync(join(dir, "journal.jsonl"), "utf8")
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => Line.parse(JSON.parse(text)));
  const block = lines.reduce((least, line) => Math.min(least, line.receipt?.blockNumber ?? Infinity), Infinity);
  const deployer = lines.find((line) => line.from !== undefined)?.from;
  if (!Number.isFinite(block) || deployer === undefined) throw new DeploymentError(`${dir} has no transaction`);
  return { block, deployer };
}
