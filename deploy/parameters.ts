// Parameters of a deployment: one file a chain (deploy/parameters/<chainId>.json), or the file that GROUNDWORK_PARAMETERS
// names. Everything is checked here, before the first transaction; the contracts and DeploymentCheck check again.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { getAddress, isAddress, keccak256, toUtf8Bytes, ZeroAddress } from "ethers";
import { HardhatPluginError } from "hardhat/plugins";
import { z } from "zod";

export const DEVELOPMENT_CHAIN = 31337;
export const PARAMETERS_ENV = "GROUNDWORK_PARAMETERS";
/** In a genesis list: the timelock, whose address is not known before the deployment. */
export const TREASURY = "treasury";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const BPS = 10_000;

/** Why a parameter was not taken: it is missing, malformed, or contradicts a rule. */
export type ParameterProblem = "missing" | "invalid" | "refused";

export class ParameterError extends HardhatPluginError {
  constructor(
    readonly problem: ParameterProblem,
    readonly key: string,
    detail: string,
  ) {
    super("groundwork", `${problem} parameter: ${key}${detail ? `: ${detail}` : ""}`);
    Object.setPrototypeOf(this, new.target.prototype); // HardhatPluginError sets its own
    this.name = "ParameterError";
  }
}

const Wei = z
  .string()
  .regex(/^\d{1,78}$/, "a whole number of wei as a decimal string")
  .transform((v) => BigInt(v));
const Address = z
  .string()
  .refine((v) => isAddress(v) && v !== ZeroAddress, "an address, not zero")
  .transform((v) => getAddress(v));
const Seconds = z.number().int().positive().max(0xffffffff);
const Bps = z.number().int().min(0).max(BPS);
const Uint8 = z.number().int().min(1).max(255);
const Uint16 = z.number().int().min(1).max(65_535);
const Uint32 = z.number().int().min(1).max(0xffffffff);
const Name = z.string().min(1).max(64);

const Allocation = z.strictObject({
  beneficiary: z.union([z.literal(TREASURY), Address]),
  amount: Wei,
  vestingStart: z.number().int().min(0),
  vestingDuration: z.number().int().min(0),
});

const Member = z.strictObject({ account: Address, signer: Address, endpoint: z.string() });

const SubNetwork = z.strictObject({
  name: Name,
  category: Uint16,
  uptimeTargetBps: Bps,
  weightBps: Bps,
});

const Schema = z.strictObject({
  chainId: z.number().int().positive(),
  guardian: Address,
  council: Address,
  maxPause: Seconds,
  epochs: z.strictObject({
    /** Start of epoch 0, in seconds; 0 = `delay` seconds after the first contract. */
    genesis: z.number().int().min(0),
    delay: z.number().int().min(0),
    length: Seconds,
  }),
  token: z.strictObject({ name: Name, symbol: Name, cap: Wei, genesis: z.array(Allocation) }),
  timelock: z.strictObject({ delay: Seconds }),
  governor: z.strictObject({
    name: Name,
    votingDelay: Seconds,
    votingPeriod: Seconds,
    lateQuorumExtension: Seconds,
    proposalThreshold: Wei,
    quorumPercent: z.number().int().min(1).max(100),
    quorumFloor: Wei,
  }),
  escrow: z.strictObject({ minDuration: Seconds, maxDuration: Seconds }),
  price: z.strictObject({
    description: Name,
    maxStepBps: Bps,
    maxAge: Seconds,
    averageWindow: Seconds,
    bootstrapEnd: z.number().int().min(0),
    minE8: Wei,
    maxE8: Wei,
    maxDeviationBps: Bps,
  }),
  makers: z.strictObject({ minBond: Wei, bondDelay: Seconds }),
  devices: z.strictObject({
    name: Name,
    symbol: Name,
    challengeEpochs: Uint32,
    onboardingFee: Wei,
    /** Epochs that a recovery waits, and a change of key where the maker is gone. */
    delayEpochs: Uint32,
    denialEpochs: Uint32,
    locationFee: z.number().int().min(0).max(100_000_000),
  }),
  staking: z.strictObject({ unbondingEpochs: Uint32 }),
  disputes: z.strictObject({
    bond: Wei,
    answerPeriod: Seconds,
    votePeriod: Seconds,
    quorumBps: Bps,
    quorumFloor: Wei,
    /** Seconds by which a device's clock may go back without being evidence. */
    clockTolerance: Seconds,
  }),
  emissions: z.strictObject({
    initialPerEpoch: Wei,
    epochsPerHalving: Uint32,
    rateCapacity: Wei,
    rateRefillPerSecond: Wei,
    buckets: z.strictObject({ devicesBps: Bps, stakersBps: Bps, treasuryBps: Bps }),
    subNetworks: z.array(SubNetwork).min(1).max(16),
  }),
  settlement: z.strictObject({
    termLength: Uint32,
    window: Seconds,
    minWindow: Seconds,
    maxWindow: Seconds,
    resettlePeriod: Seconds,
    /** Chainlink's KeystoneForwarder on this chain; null = deploy one of our own. */
    forwarder: Address.nullable(),
    workflowOwner: Address,
    workflowName: Name,
  }),
  committee: z.strictObject({
    donId: Uint32,
    f: Uint8,
    minBond: Wei,
    bondDelay: Seconds,
    members: z.array(Member).min(4).max(31),
  }),
});

export type Parameters = z.infer<typeof Schema> & {
  /** Least unbonding period that the deployment allows, in epochs. */
  minUnbondingEpochs: number;
  /** Epochs for which a fault can be accused in a dispute, a device's be slashed, a committee member's be slashed. */
  ages: { dispute: number; device: number; member: number };
  /** keccak256 of the JSON, without white space. */
  hash: string;
};

/** Parameters of a chain, from its file or from the file that GROUNDWORK_PARAMETERS names. */
export function loadParameters(chainId: number, root: string): Parameters {
  const named = process.env[PARAMETERS_ENV];
  const file = named ? resolve(named) : join(root, "deploy", "parameters", `${chainId}.json`);
  if (!existsSync(file)) {
    throw new ParameterError(
      "missing",
      `file for chain ${chainId}`,
      `${named ?? `deploy/parameters/${chainId}.json`} is not there`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ParameterError("invalid", "file", `${named ?? file} is not JSON: ${(error as Error).message}`);
  }
  return checkParameters(json, chainId);
}

/** Checks a parsed file for use on `chainId`. */
export function checkParameters(json: unknown, chainId: number): Parameters {
  const result = Schema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const key = issue?.path.join(".") || "file";
    const given = (issue?.path ?? []).reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)[step], json);
    if (given === null || given === undefined)
      throw new ParameterError("missing", key, "set it in the parameters file");
    throw new ParameterError("invalid", key, issue?.message ?? "");
  }
  const p = {
    ...result.data,
    minUnbondingEpochs: minUnbondingEpochs(result.data),
    ages: agesOf(result.data),
    hash: keccak256(toUtf8Bytes(JSON.stringify(json))),
  };
  if (p.chainId !== chainId)
    throw new ParameterError("refused", "chainId", `${p.chainId} in the file, the chain is ${chainId}`);
  if (chainId !== DEVELOPMENT_CHAIN) {
    for (const [key, holds, detail] of publicRules(p)) {
      if (!holds) throw new ParameterError("refused", key, `${detail} on any chain but ${DEVELOPMENT_CHAIN}`);
    }
  }
  for (const [key, holds, detail] of rules(p)) if (!holds) throw new ParameterError("refused", key, detail);
  return p;
}

type Rule = [key: string, holds: boolean, detail: string];

/** 1 epoch + settlement delay (at worst the period in which an epoch may be settled again) + window + answer + vote. */
function minUnbondingEpochs(p: z.infer<typeof Schema>): number {
  const { settlement: s, disputes: d } = p;
  return 1 + Math.ceil((s.resettlePeriod + s.maxWindow + d.answerPeriod + d.votePeriod) / p.epochs.length);
}

/** As long as there is something to lose: a stake until it is released, a member's bond until it is free. */
function agesOf(p: z.infer<typeof Schema>): Parameters["ages"] {
  const { disputes: d, epochs, devices, committee } = p;
  const unbonding = minUnbondingEpochs(p);
  return {
    dispute: unbonding - Math.ceil((d.answerPeriod + d.votePeriod) / epochs.length) - 1,
    device: Math.min(devices.challengeEpochs, unbonding - 1),
    member: Math.floor(committee.bondDelay / epochs.length) - 1,
  };
}

/** Seconds from a proposal to its execution. */
export function governanceCycle(p: Pick<Parameters, "governor" | "timelock">): number {
  return p.governor.votingDelay + p.governor.votingPeriod + p.governor.lateQuorumExtension + p.timelock.delay;
}

function rules(p: Parameters): Rule[] {
  const { token, emissions: e, settlement: s, committee: c, governor: g } = p;
  const genesis = token.genesis.reduce((sum, line) => sum + line.amount, 0n);
  const cycle = governanceCycle(p);
  const challenge = Math.ceil((s.resettlePeriod + s.maxWindow) / p.epochs.length);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const distinct = (values: readonly string[]): boolean => new Set(values).size === values.length;
  return [
    ["token.cap", token.cap > 0n, "is 0"],
    ["token.genesis", token.genesis.every((line) => line.amount > 0n), "an amount is 0"],
    // Σ of a halving curve < 2 · initial · epochsPerHalving
    [
      "token.cap",
      genesis + 2n * e.initialPerEpoch * BigInt(e.epochsPerHalving) <= token.cap,
      "is below the genesis list and all that the curve will emit",
    ],
    ["governor.quorumFloor", g.quorumFloor * 100n >= token.cap, "is below 1 % of token.cap"],
    ["governor.lateQuorumExtension", g.lateQuorumExtension <= g.votingPeriod, "is longer than governor.votingPeriod"],
    [
      "maxPause",
      p.maxPause >= cycle,
      `is shorter than one governance cycle (${cycle} s): the vote would come too late`,
    ],
    ["maxPause", p.maxPause <= cycle + 2 * DAY, `is longer than one governance cycle + 2 days (${cycle + 2 * DAY} s)`],
    ["escrow.minDuration", p.escrow.minDuration <= p.escrow.maxDuration, "is longer than escrow.maxDuration"],
    ["price.maxStepBps", p.price.maxStepBps > 0, "is 0"],
    ["price.minE8", p.price.minE8 > 0n && p.price.minE8 < p.price.maxE8, "is 0 or not below price.maxE8"],
    [
      "devices.challengeEpochs",
      p.devices.challengeEpochs >= challenge,
      `does not cover resettle + window (${challenge})`,
    ],
    ["staking.unbondingEpochs", p.staking.unbondingEpochs >= p.minUnbondingEpochs, `is below ${p.minUnbondingEpochs}`],
    ["disputes.bond", p.disputes.bond > 0n, "is 0"],
    ["disputes.quorumFloor", p.disputes.quorumFloor > 0n, "is 0"],
    ["committee.bondDelay", p.ages.member >= 0, "is shorter than an epoch: a member could leave before it is slashed"],
    ["emissions.buckets", sum(Object.values(e.buckets)) === BPS, `do not add up to ${BPS}`],
    ["emissions.subNetworks", sum(e.subNetworks.map((n) => n.weightBps)) === BPS, `weights do not add up to ${BPS}`],
    ["emissions.subNetworks", distinct(e.subNetworks.map((n) => n.name)), "two have one name"],
    ["emissions.rateCapacity", e.rateCapacity >= 3n * e.initialPerEpoch, "is below three epochs' emission"],
    [
      "emissions.rateRefillPerSecond",
      e.rateRefillPerSecond * BigInt(p.epochs.length) >= e.initialPerEpoch,
      "refills less in an epoch than an epoch emits",
    ],
    ["settlement.window", s.minWindow <= s.window && s.window <= s.maxWindow, "is outside minWindow … maxWindow"],
    [
      "settlement.resettlePeriod",
      s.resettlePeriod >= 2 * s.maxWindow + p.maxPause,
      "is shorter than 2 maxWindow + maxPause: a pause and a cancel after it could cost an epoch",
    ],
    ["committee.f", c.members.length >= 3 * c.f + 1, "needs 3f + 1 members"],
    ["committee.members", distinct(c.members.map((m) => m.signer)), "two have one signer"],
    ["committee.members", distinct(c.members.map((m) => m.account)), "two have one account"],
  ];
}

/** Demo periods are for the development chain alone. */
function publicRules(p: Parameters): Rule[] {
  return [
    ["timelock.delay", p.timelock.delay >= 2 * DAY, "needs at least 2 days"],
    ["governor.votingDelay", p.governor.votingDelay >= HOUR, "needs at least 1 hour"],
    ["governor.votingPeriod", p.governor.votingPeriod >= DAY, "needs at least 1 day"],
    ["escrow.minDuration", p.escrow.minDuration >= DAY, "needs at least 1 day"],
    ["epochs.length", p.epochs.length >= HOUR, "needs at least 1 hour"],
    ["settlement.minWindow", p.settlement.minWindow >= HOUR, "needs at least 1 hour"],
    ["disputes.answerPeriod", p.disputes.answerPeriod >= HOUR, "needs at least 1 hour"],
    ["disputes.votePeriod", p.disputes.votePeriod >= HOUR, "needs at least 1 hour"],
    ["makers.bondDelay", p.makers.bondDelay >= DAY, "needs at least 1 day"],
    ["committee.bondDelay", p.committee.bondDelay >= DAY, "needs at least 1 day"],
    ["committee.minBond", p.committee.minBond > 0n, "needs a bond"],
    ["token.genesis", p.token.genesis.length > 0, "needs a list: without tokens nobody can vote"],
  ];
}
