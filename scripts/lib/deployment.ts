// A deployment as the tools see it: deployments/<chainId>.json, and typed handles of its contracts.
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { type ContractRunner, getAddress, isAddress } from "ethers";
import { HardhatPluginError } from "hardhat/plugins";
import { z } from "zod";
import type * as types from "../../typechain-types";

const ROOT = resolve(__dirname, "../..");

/** Contract name → name of its handle. The order is that of the table which `deployments` shows. */
export const CONTRACTS = {
  AccessManager: "manager",
  NetworkGenesis: "genesis",
  NetworkTimelock: "timelock",
  NetworkGovernor: "governor",
  BootstrapCouncil: "council",
  NetworkToken: "token",
  VoteEscrow: "escrow",
  DataCredits: "credits",
  PriceGuard: "priceGuard",
  NetworkPriceFeed: "priceFeed",
  MakerRegistry: "makers",
  DeviceRegistry: "devices",
  OperatorStaking: "staking",
  DeviceHolds: "holds",
  DeviceMetadata: "metadata",
  PayeeSplitterFactory: "splitters",
  HalvingCurve: "curve",
  EmissionController: "emissions",
  SettlementOracle: "settlement",
  RewardDistributor: "distributor",
  CommitteeRegistry: "committee",
  KeystoneForwarder: "forwarder",
  ForwarderHandover: "handover",
  Disputes: "disputes",
  Slasher: "slasher",
  DoubleSignedCounter: "doubleSignedCounter",
  CounterRunBack: "counterRunBack",
  MeterRunBack: "meterRunBack",
  CommitteeEquivocation: "equivocation",
  ImpossibleTravel: "impossibleTravel",
  DeploymentCheck: "check",
} as const;
export type ContractName = keyof typeof CONTRACTS;

/** No deployment where one is needed, or a file that is none. */
export class DeploymentError extends HardhatPluginError {
  constructor(message: string) {
    super("groundwork", message);
    Object.setPrototypeOf(this, new.target.prototype); // HardhatPluginError sets its own
    this.name = "DeploymentError";
  }
}

const Schema = z.strictObject({
  chainId: z.number().int().positive(),
  /** Block of the first contract: events are read from here on. */
  block: z.number().int().min(0),
  deployer: z.string().refine((v) => isAddress(v)),
  /** keccak256 of the parameters file. */
  parametersHash: z.string(),
  contracts: z.record(
    z.enum(Object.keys(CONTRACTS) as [ContractName, ...ContractName[]]),
    z.string().refine((v) => isAddress(v)),
  ),
});
export type Deployment = z.infer<typeof Schema>;

export function deploymentFile(chainId: number, root = ROOT): string {
  return join(root, "deployments", `${chainId}.json`);
}

/** Reads deployments/<chainId>.json, or the file named. */
export function loadDeployment(which: number | string, root = ROOT): Deployment {
  const file = typeof which === "number" ? deploymentFile(which, root) : isAbsolute(which) ? which : resolve(which);
  if (!existsSync(file)) {
    const what =
      typeof which === "number" ? `chain ${which}: deployments/${which}.json is not there` : `${which}: no such file`;
    throw new DeploymentError(
      `no deployment for ${what}; run npx hardhat ignition deploy deploy/modules/Groundwork.ts --network NAME`,
    );
  }
  const result = Schema.safeParse(parseJson(file));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new DeploymentError(`${file} is no deployment: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
  }
  return result.data;
}

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DeploymentError(`${file} is not JSON: ${(error as Error).message}`);
  }
}

/** Typed handles of a deployment's contracts. typechain-types/ must be there: tasks compile first. */
export function connectContracts(deployment: Pick<Deployment, "contracts">, runner: ContractRunner | null) {
  const t = factories();
  const at = (name: ContractName): string => getAddress(deployment.contracts[name]);
  return {
    manager: t.AccessManager__factory.connect(at("AccessManager"), runner),
    genesis: t.NetworkGenesis__factory.connect(at("NetworkGenesis"), runner),
    timelock: t.NetworkTimelock__factory.connect(at("NetworkTimelock"), runner),
    governor: t.NetworkGovernor__factory.connect(at("NetworkGovernor"), runner),
    council: t.BootstrapCouncil__factory.connect(at("BootstrapCouncil"), runner),
    token: t.NetworkToken__factory.connect(at("NetworkToken"), runner),
    escrow: t.VoteEscrow__factory.connect(at("VoteEscrow"), runner),
    credits: t.DataCredits__factory.connect(at("DataCredits"), runner),
    priceGuard: t.PriceGuard__factory.connect(at("PriceGuard"), runner),
    priceFeed: t.NetworkPriceFeed__factory.connect(at("NetworkPriceFeed"), runner),
    makers: t.MakerRegistry__factory.connect(at("MakerRegistry"), runner),
    devices: t.DeviceRegistry__factory.connect(at("DeviceRegistry"), runner),
    staking: t.OperatorStaking__factory.connect(at("OperatorStaking"), runner),
    holds: t.DeviceHolds__factory.connect(at("DeviceHolds"), runner),
    metadata: t.DeviceMetadata__factory.connect(at("DeviceMetadata"), runner),
    splitters: t.PayeeSplitterFactory__factory.connect(at("PayeeSplitterFactory"), runner),
    curve: t.HalvingCurve__factory.connect(at("HalvingCurve"), runner),
    emissions: t.EmissionController__factory.connect(at("EmissionController"), runner),
    settlement: t.SettlementOracle__factory.connect(at("SettlementOracle"), runner),
    distributor: t.RewardDistributor__factory.connect(at("RewardDistributor"), runner),
    committee: t.CommitteeRegistry__factory.connect(at("CommitteeRegistry"), runner),
    forwarder: t.KeystoneForwarder__factory.connect(at("KeystoneForwarder"), runner),
    handover: t.ForwarderHandover__factory.connect(at("ForwarderHandover"), runner),
    disputes: t.Disputes__factory.connect(at("Disputes"), runner),
    slasher: t.Slasher__factory.connect(at("Slasher"), runner),
    doubleSignedCounter: t.DoubleSignedCounter__factory.connect(at("DoubleSignedCounter"), runner),
    counterRunBack: t.CounterRunBack__factory.connect(at("CounterRunBack"), runner),
    meterRunBack: t.MeterRunBack__factory.connect(at("MeterRunBack"), runner),
    equivocation: t.CommitteeEquivocation__factory.connect(at("CommitteeEquivocation"), runner),
    impossibleTravel: t.ImpossibleTravel__factory.connect(at("ImpossibleTravel"), runner),
    check: t.DeploymentCheck__factory.connect(at("DeploymentCheck"), runner),
  };
}
export type Contracts = ReturnType<typeof connectContracts>;

/**
 * Loaded when used: tasks import this file before typechain-types/ is generated. Loading takes seconds on a busy machine, in
 * which a node closes an idle connection: a task calls this before its first request.
 */
export function factories(): typeof types {
  // A dynamic import() would ask Node's ESM loader, which knows no .ts.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require("../../typechain-types") as typeof types;
}
