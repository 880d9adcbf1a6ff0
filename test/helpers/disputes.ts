// Disputes and slashes for tests: a kernel with voters and a target, and a slasher over the real DeviceRegistry and
// CommitteeRegistry.
import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { type BaseContract, Wallet } from "ethers";
import { ethers } from "hardhat";
import {
  type DeviceMessage,
  encodeMessage,
  encodeSettlement,
  type Hex,
  rawReport,
  reportContext,
  reportDigest,
  type Settlement,
  signReport,
  workflowNameOf,
} from "../../oracle/codec";
import { EVIDENCE_KINDS, type SignedMessage, type SignedReport } from "../../oracle/evidence";
import { devicesFixture, EPOCH, makeDevice, MODEL_BOND, nextEpoch, SUB, type TestDevice } from "./devices";

export const CASE_BOND = ethers.parseEther("100");
export const ANSWER_PERIOD = 2 * EPOCH;
export const VOTE_PERIOD = 3 * EPOCH;
export const MAX_AGE = 4;
export const QUORUM_FLOOR = ethers.parseEther("500");
export const QUORUM_BPS = 1_000;
/** (maxAge + 1) epochs + answer + vote, exactly. */
export const ACCOUNTABLE = (MAX_AGE + 1) * EPOCH + ANSWER_PERIOD + VOTE_PERIOD;
export const MAX_PAUSE = 9 * 86_400;
export const YEAR = 365 * 86_400;
export const KIND = 1;
export const EVIDENCE_HASH = ethers.id("evidence");
export const ANSWER_HASH = ethers.id("answer");
export const REASON = 2;
export const MOOD = { fine: 0, reverts: 1, burnsGas: 2, returnsALot: 3, reenters: 4 } as const;
export const STATUS = { none: 0n, open: 1n, answered: 2n, upheld: 3n, rejected: 4n } as const;

type Signers = [
  HardhatEthersSigner,
  HardhatEthersSigner,
  HardhatEthersSigner,
  HardhatEthersSigner,
  HardhatEthersSigner,
  HardhatEthersSigner,
  HardhatEthersSigner,
];

export function termsOf(target: BaseContract | string, change: object = {}) {
  return {
    target,
    bond: CASE_BOND,
    answerPeriod: ANSWER_PERIOD,
    votePeriod: VOTE_PERIOD,
    maxAge: MAX_AGE,
    quorumBps: QUORUM_BPS,
    quorumFloor: QUORUM_FLOOR,
    ...change,
  };
}

/** A kernel whose kind 1 is a mock target; `bob` has 3,000 of power, `carol` 2,000; epoch 10 has begun. */
export async function disputesFixture() {
  const [admin, accuser, accused, bob, carol, guardian, stranger] = (await ethers.getSigners()) as Signers;
  const genesis = BigInt(await time.latest()) + 100n;
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const token = await ethers.deployContract("Token__MockForDisputes");
  const escrow = await ethers.deployContract("VoteEscrow", [manager, token, genesis, EPOCH, 3_600, YEAR, MAX_PAUSE]);
  const disputes = await ethers.deployContract("Disputes", [
    manager,
    token,
    escrow,
    genesis,
    EPOCH,
    ACCOUNTABLE,
    MAX_PAUSE,
    0,
  ]);
  const target = await ethers.deployContract("Disputable__Mock");
  await target.set(accused.address, MOOD.fine);
  await disputes.setKind(KIND, termsOf(target));
  for (const account of [accuser, accused, bob, carol]) {
    await token.mint(account.address, ethers.parseEther("100000"));
    for (const spender of [disputes, escrow]) await token.connect(account).approve(spender, ethers.MaxUint256);
  }
  await escrow.connect(bob).lock(ethers.parseEther("3000"), YEAR);
  await escrow.connect(carol).lock(ethers.parseEther("2000"), YEAR);
  await time.increaseTo(genesis + 10n * BigInt(EPOCH));

  /** Opens a case of kind 1 about the current epoch. Returns its id. */
  async function open(subject = 7n, from = accuser): Promise<bigint> {
    const epoch = await disputes.currentEpoch();
    await disputes.connect(from).open(KIND, subject, epoch, EVIDENCE_HASH, REASON);
    return disputes.caseCount();
  }

  /** Opens and answers. */
  async function answered(subject = 7n): Promise<bigint> {
    const id = await open(subject);
    await disputes.connect(accused).answer(id, ANSWER_HASH);
    return id;
  }

  /** Moves the clock to the end of the vote. */
  async function toEnd(id: bigint): Promise<void> {
    await time.increaseTo((await disputes.caseOf(id)).voteUntil);
  }

  /** Σ bonds of open cases + Σ credits, and what the kernel has. */
  async function books() {
    return {
      owed: (await disputes.totalBonded()) + (await disputes.totalCredited()),
      balance: await token.balanceOf(disputes),
    };
  }

  return {
    admin,
    accuser,
    accused,
    bob,
    carol,
    guardian,
    stranger,
    genesis,
    manager,
    token,
    escrow,
    disputes,
    target,
    open,
    answered,
    toEnd,
    books,
  };
}

export const DEVICE_BOND = MODEL_BOND;
export const STAKE = 10n * MODEL_BOND;
export const MEMBER_BOND = ethers.parseEther("900");
export const MAX_DEVICE_AGE = 3;
export const MAX_MEMBER_AGE = 8;
export const CLOCK_TOLERANCE = 60;
export const OPERATOR = 1n;
/** Part of a slash that OperatorStaking pays as bounty from the start: 500 bps. */
export const BOUNTY_PART = 20n;
export const { doubleSignedCounter, counterRunBack, meterRunBack, committeeEquivocation } = EVIDENCE_KINDS;

/** What makes two fixed wallets members: keys that sign reports. */
export const MEMBER_KEYS = Array.from({ length: 8 }, (_, i) => new Wallet(ethers.id(`evidence member ${i}`)));

/**
 * The real ledgers of devices, stakes and the committee, and a slasher with all four kinds of evidence. Device `deviceId`
 * of alice is backed by operator 1 in sub-network SUB since the epoch that has begun.
 */
export async function slasherFixture() {
  const f = await devicesFixture();
  const [ledger, burnable] = [f.staking, f.token];
  const committee = await ethers.deployContract("CommitteeRegistry", [
    f.manager,
    burnable,
    7,
    MEMBER_BOND,
    (MAX_MEMBER_AGE + 1) * EPOCH,
  ]);
  const settlement = ethers.getAddress(ethers.dataSlice(ethers.id("settlement oracle"), 12));
  const slasher = await ethers.deployContract("Slasher", [
    f.manager,
    ledger,
    committee,
    f.genesis,
    EPOCH,
    MAX_DEVICE_AGE,
    MAX_MEMBER_AGE,
  ]);
  await committee.setSlasher(slasher);
  await ledger.setSlasher(slasher);
  const runBack = [f.registry, f.genesis, EPOCH, CLOCK_TOLERANCE];
  const double = await ethers.deployContract("DoubleSignedCounter", [f.registry]);
  const counter = await ethers.deployContract("CounterRunBack", runBack);
  const meter = await ethers.deployContract("MeterRunBack", runBack);
  const equivocation = await ethers.deployContract("CommitteeEquivocation", [committee, settlement]);
  const travel = await ethers.deployContract("ImpossibleTravel", [f.registry]);
  await slasher.setEvidence(doubleSignedCounter, double);
  await slasher.setEvidence(counterRunBack, counter);
  await slasher.setEvidence(meterRunBack, meter);
  await slasher.setEvidence(committeeEquivocation, equivocation);

  const members = (await ethers.getSigners()).slice(10, 14);
  for (const account of members) {
    await burnable.mint(account.address, MEMBER_BOND);
    await burnable.connect(account).approve(committee, ethers.MaxUint256);
    await committee.connect(account).postBond(MEMBER_BOND);
  }
  const seats = members.map((account, i) => ({
    account: account.address,
    signer: MEMBER_KEYS[i]!.address,
    endpoint: "",
  }));
  await committee.setCommittee(1, seats);

  const box = makeDevice();
  const deviceId = await f.onboardFor(f.alice, box, { operatorId: OPERATOR });
  const epoch = Number(await nextEpoch(f.registry));
  const chainId = (await ethers.provider.getNetwork()).chainId;
  const registryAddress = await f.registry.getAddress();

  /** First second of an epoch. */
  const startOf = (e: number): bigint => f.genesis + BigInt(e) * BigInt(EPOCH);

  function messageOf(change: Partial<DeviceMessage> = {}): DeviceMessage {
    const e = change.epoch ?? epoch;
    return {
      chainId,
      registry: registryAddress,
      deviceId,
      kind: SUB,
      epoch: e,
      counter: 10n,
      time: startOf(e) + 100n,
      latE7: 481_371_540,
      lonE7: 115_761_240,
      meter: 1_000n,
      payloadHash: ethers.id("payload") as Hex,
      ...change,
    };
  }

  /** A message signed by the device, or by another box. */
  function sign(change: Partial<DeviceMessage> = {}, by: TestDevice = box): SignedMessage {
    const message = encodeMessage(messageOf(change));
    const { r, s } = by.sign(message);
    return { message, key: by.key, signature: ethers.concat([r, s]) as Hex };
  }

  function settlementOf(change: Partial<Settlement> = {}): Settlement {
    return {
      schema: 1,
      chainId,
      receiver: settlement,
      subNetwork: SUB,
      term: 0,
      epoch,
      attempt: 0,
      parent: 5n,
      validUntil: 2_000_000_000n,
      entriesRoot: ethers.id("entries") as Hex,
      payoutsRoot: ethers.id("payouts") as Hex,
      dataHash: ethers.id("data") as Hex,
      ...change,
    };
  }

  /** A report of a settlement, signed by a member's key. */
  function report(change: Partial<Settlement> = {}, by = MEMBER_KEYS[0]!, sequence = 1n): SignedReport {
    const raw = rawReport(
      {
        executionId: ethers.id(`execution ${sequence}`) as Hex,
        timestamp: 1_790_000_000n,
        donId: 7,
        configVersion: 1,
        workflowId: ethers.id("workflow") as Hex,
        workflowName: workflowNameOf("settlement"),
        workflowOwner: ethers.ZeroAddress,
        reportId: "0x0001",
      },
      encodeSettlement(settlementOf(change)),
    );
    const context = reportContext(ethers.id("config") as Hex, sequence);
    return { rawReport: raw, reportContext: context, signature: signReport(by.privateKey, reportDigest(raw, context)) };
  }

  return {
    ...f,
    burnable,
    ledger,
    committee,
    settlement,
    slasher,
    double,
    counter,
    meter,
    equivocation,
    travel,
    members,
    seats,
    box,
    deviceId,
    epoch,
    startOf,
    sign,
    report,
    settlementOf,
  };
}
