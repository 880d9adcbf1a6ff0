// A forwarder with a committee, an oracle, a distributor, and the ways to sign, deliver and claim.
import {
  impersonateAccount,
  setBalance,
  stopImpersonatingAccount,
  time,
} from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { type HDNodeWallet, type Wallet, Wallet as WalletOf, dataSlice, id } from "ethers";
import { ethers } from "hardhat";
import {
  EMPTY_ENTRIES_ROOT,
  encodeSettlement,
  type Hex,
  MerkleTree,
  type Payout,
  payoutLeaf,
  potId,
  rawReport,
  reportContext,
  reportDigest,
  type ReportHeader,
  REPORT_HEADER_SIZE,
  type Settlement,
  signReport,
  workflowNameOf,
} from "../../oracle/codec";
import type {
  AccessManager,
  EmissionController__MockForSettlement,
  KeystoneForwarder,
  NetworkToken__MockForSettlement,
  RewardDistributor,
  SettlementOracle,
} from "../../typechain-types";

/** Role that deploy/ gives the guardian (contracts/access/Roles.sol). */
export const GUARDIAN_ROLE = 1n;

/** Gas limit of a delivery: above the forwarder's minimum of about 289,000 for 31 members. */
export const DELIVERY_GAS = 1_000_000n;

export const ZERO_HASH: Hex = `0x${"00".repeat(32)}`;

/** Periods of the fixture, in seconds and epochs. */
export const PERIODS = {
  epochLength: 3_600,
  termLength: 4,
  window: 1_800,
  minWindow: 600,
  maxWindow: 7_200,
  resettlePeriod: 200_000,
  maxPause: 86_400,
} as const;

/** A committee: keys, quorum, and the workflow that its reports name. */
export interface Committee {
  wallets: Wallet[];
  f: number;
  donId: number;
  configVersion: number;
  workflowId: Hex;
  workflowName: Hex;
  workflowOwner: string;
}

/** `n` members with fixed keys. */
export function committeeOf(n: number, f: number, seed = "member"): Committee {
  return {
    wallets: Array.from({ length: n }, (_, i) => new WalletOf(id(`${seed}-${i}`))),
    f,
    donId: 7,
    configVersion: 1,
    workflowId: id("workflow build 1") as Hex,
    workflowName: workflowNameOf("settlement"),
    workflowOwner: new WalletOf(id(`${seed} workflow owner`)).address,
  };
}

/** An unmodified KeystoneForwarder with the committee's configuration. */
export async function deployForwarder(committee: Committee): Promise<KeystoneForwarder> {
  const forwarder = await ethers.deployContract("KeystoneForwarder");
  const { donId, configVersion, f, wallets } = committee;
  await forwarder.setConfig(
    donId,
    configVersion,
    f,
    wallets.map((w) => w.address),
  );
  return forwarder;
}

/** A report ready for `KeystoneForwarder.report`. */
export interface SignedReport {
  raw: Hex;
  context: Hex;
  signatures: Hex[];
  header: ReportHeader;
}

let executions = 0n;

/** Signs `payload` as `committee`: by f + 1 members from the first on, or by `signers`. */
export function signedReport(
  committee: Committee,
  payload: Hex,
  options: { header?: Partial<ReportHeader>; signers?: readonly (Wallet | HDNodeWallet)[] } = {},
): SignedReport {
  executions += 1n;
  const header: ReportHeader = {
    executionId: id(`execution ${executions}`) as Hex,
    timestamp: 1_790_000_000n,
    donId: committee.donId,
    configVersion: committee.configVersion,
    workflowId: committee.workflowId,
    workflowName: committee.workflowName,
    workflowOwner: committee.workflowOwner,
    reportId: "0x0001",
    ...options.header,
  };
  const raw = rawReport(header, payload);
  const context = reportContext(id("config digest") as Hex, executions);
  const digest = reportDigest(raw, context);
  const signers = options.signers ?? committee.wallets.slice(0, committee.f + 1);
  return { raw, context, header, signatures: signers.map((w) => signReport(w.privateKey, digest)) };
}

/** What the forwarder said of one delivery. */
export interface Delivery {
  result: boolean;
  gasUsed: bigint;
  hash: string;
}

/** Sends a signed report through the forwarder and reads ReportProcessed: the transaction's own status says nothing. */
export async function deliver(
  forwarder: KeystoneForwarder,
  receiver: string,
  report: SignedReport,
  gasLimit = DELIVERY_GAS,
): Promise<Delivery> {
  const tx = await forwarder.report(receiver, report.raw, report.context, report.signatures, { gasLimit });
  const receipt = await tx.wait();
  if (receipt === null) throw new Error("no receipt");
  const processed = receipt.logs
    .filter((log) => log.address === forwarder.target)
    .map((log) => forwarder.interface.parseLog(log))
    .find((event) => event?.name === "ReportProcessed");
  return { result: processed?.args[3] === true, gasUsed: receipt.gasUsed, hash: tx.hash };
}

/** Everything that a settlement touches. `admin` stands for the timelock. */
export interface SettlementWorld {
  manager: AccessManager;
  token: NetworkToken__MockForSettlement;
  emissions: EmissionController__MockForSettlement;
  oracle: SettlementOracle;
  distributor: RewardDistributor;
  forwarder: KeystoneForwarder;
  committee: Committee;
  genesis: number;
}

/** Deploys and wires the oracle and the distributor for `subNetworks`, with an `n`/`f` committee and mocked budgets. */
export async function deploySettlement(
  n = 4,
  f = 1,
  subNetworks: readonly number[] = [1, 2],
): Promise<SettlementWorld> {
  const [admin, guardian] = await ethers.getSigners();
  const manager = await ethers.deployContract("AccessManager", [admin!.address]);
  const token = await ethers.deployContract("NetworkToken__MockForSettlement");
  const emissions = await ethers.deployContract("EmissionController__MockForSettlement", [token.target]);
  const genesis = await time.latest();
  const oracle = await ethers.deployContract("SettlementOracle", [
    manager.target,
    genesis,
    PERIODS.epochLength,
    PERIODS.termLength,
    PERIODS.window,
    PERIODS.minWindow,
    PERIODS.maxWindow,
    PERIODS.resettlePeriod,
    PERIODS.maxPause,
  ]);
  const distributor = await ethers.deployContract("RewardDistributor", [
    manager.target,
    token.target,
    emissions.target,
  ]);
  const committee = committeeOf(n, f);
  const forwarder = await deployForwarder(committee);

  await emissions.wire(oracle.target, distributor.target);
  await distributor.setOracle(oracle.target);
  await oracle.setDistributor(distributor.target);
  for (const subNetwork of subNetworks) {
    await oracle.setReporter(subNetwork, identityOf(forwarder, committee));
  }
  await manager.grantRole(GUARDIAN_ROLE, guardian!.address, 0);
  await manager.setTargetFunctionRole(
    oracle.target,
    ["cancel", "pause", "unpause"].map((name) => oracle.getFunction(name).fragment.selector),
    GUARDIAN_ROLE,
  );
  return { manager, token, emissions, oracle, distributor, forwarder, committee, genesis };
}

export function identityOf(
  forwarder: KeystoneForwarder,
  committee: Committee,
): { forwarder: string; workflowOwner: string; workflowName: string } {
  return {
    forwarder: forwarder.target as string,
    workflowOwner: committee.workflowOwner,
    workflowName: committee.workflowName,
  };
}

/** First second after `epoch`. */
export function epochEnd(world: SettlementWorld, epoch: number): number {
  return world.genesis + (epoch + 1) * PERIODS.epochLength;
}

/** Moves the chain to the end of `epoch`, if it is not past it. */
export async function endEpoch(world: SettlementWorld, epoch: number): Promise<void> {
  const end = epochEnd(world, epoch);
  if ((await time.latest()) < end) await time.increaseTo(end);
}

/** A payouts tree, with its claims. `payouts` must be in the order of their payees. */
export class PayoutTree {
  readonly tree: MerkleTree;
  readonly pot: bigint;

  constructor(
    subNetwork: number,
    term: number,
    readonly payouts: readonly Payout[],
  ) {
    this.pot = potId(subNetwork, term);
    this.tree = new MerkleTree(payouts.map((p) => payoutLeaf(this.pot, p)));
  }

  get root(): Hex {
    return this.tree.root;
  }

  /** Arguments of `claim` for the payout at `index`. */
  claim(index: number): [pot: bigint, index: number, payee: string, cumulative: bigint, proof: Hex[]] {
    const { payee, cumulative } = this.payouts[index]!;
    return [this.pot, index, payee, cumulative, this.tree.proof(index)];
  }
}

/** A valid settlement on the sub-network's head, with points, whose window has not begun. */
export async function settlementFor(
  world: SettlementWorld,
  subNetwork: number,
  epoch: number,
  fields: Partial<Settlement> = {},
): Promise<Settlement> {
  const head = await world.oracle.headOf(subNetwork);
  return {
    schema: 1,
    chainId: (await ethers.provider.getNetwork()).chainId,
    receiver: world.oracle.target as string,
    subNetwork,
    term: Math.floor(epoch / PERIODS.termLength),
    epoch,
    attempt: Number(head.attempt),
    parent: head.id,
    validUntil: 4_000_000_000n,
    entriesRoot: id(`entries ${subNetwork} ${epoch}`) as Hex,
    payoutsRoot: id(`payouts ${subNetwork} ${epoch}`) as Hex,
    dataHash: id(`data ${subNetwork} ${epoch}`) as Hex,
    ...fields,
  };
}

/** Ends the epoch, signs, delivers, and expects success. */
export async function report(
  world: SettlementWorld,
  subNetwork: number,
  epoch: number,
  fields: Partial<Settlement> = {},
): Promise<Settlement> {
  await endEpoch(world, epoch);
  const s = await settlementFor(world, subNetwork, epoch, fields);
  const { result } = await deliverSettlement(world, s);
  expect(result, "the forwarder's result").to.equal(true);
  return s;
}

export async function deliverSettlement(
  world: SettlementWorld,
  s: Settlement,
  gasLimit = DELIVERY_GAS,
): Promise<Delivery> {
  const signed = signedReport(world.committee, encodeSettlement(s));
  return deliver(world.forwarder, world.oracle.target as string, signed, gasLimit);
}

/** Moves past the window of `s` and finalises it. `parentEpoch` 0 = it has no parent. */
export async function finalise(world: SettlementWorld, s: Settlement, parentEpoch: number): Promise<void> {
  const { deadline } = await world.oracle.settlementOf(s.subNetwork, s.epoch);
  if (BigInt(await time.latest()) < deadline) await time.increaseTo(deadline);
  await world.oracle.finalise(s, parentEpoch);
}

/** A final settlement of `payouts` whose epoch has this budget. Returns the tree to claim from. */
export async function settled(
  world: SettlementWorld,
  subNetwork: number,
  epoch: number,
  budget: bigint,
  payouts: readonly Payout[],
): Promise<PayoutTree> {
  const parentEpoch = Number((await world.oracle.headOf(subNetwork)).epoch);
  const tree = new PayoutTree(subNetwork, Math.floor(epoch / PERIODS.termLength), payouts);
  await world.emissions.setBudget(subNetwork, epoch, budget);
  const s = await report(world, subNetwork, epoch, { payoutsRoot: tree.root });
  await finalise(world, s, parentEpoch);
  return tree;
}

/** `s` as an epoch without points reports it. */
export const NO_POINTS = { entriesRoot: EMPTY_ENTRIES_ROOT } as const;

/** 64 bytes that the forwarder hands to the receiver with a report. */
export function metadataOf(signed: SignedReport): string {
  return dataSlice(signed.raw, 45, REPORT_HEADER_SIZE);
}

/**
 * Expects that a signed report of `s` is refused: the forwarder says false, the head stays, and `onReport` itself, called
 * as the forwarder calls it, reverts with exactly this error.
 */
export async function expectRefused(
  world: SettlementWorld,
  s: Settlement,
  error: string,
  args: readonly unknown[],
  header: Partial<ReportHeader> = {},
): Promise<void> {
  const signed = signedReport(world.committee, encodeSettlement(s), { header });
  const before = await world.oracle.headOf(s.subNetwork);
  const { result } = await deliver(world.forwarder, world.oracle.target as string, signed);
  expect(result, "the forwarder's result").to.equal(false);
  expect(await world.oracle.headOf(s.subNetwork)).to.deep.equal(before);
  const forwarder = await asContract(world.forwarder.target as string);
  const call = world.oracle.connect(forwarder).onReport.staticCall(metadataOf(signed), encodeSettlement(s));
  await expect(call)
    .to.be.revertedWithCustomError(world.oracle, error)
    .withArgs(...args);
  await stopImpersonatingAccount(world.forwarder.target as string);
}

/** A signer that acts as the contract at `address`. */
export async function asContract(address: string): Promise<Awaited<ReturnType<typeof ethers.getSigner>>> {
  await impersonateAccount(address);
  await setBalance(address, 10n ** 18n);
  return ethers.getSigner(address);
}
