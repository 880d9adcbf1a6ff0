// The network as its chain tells it. Every figure is read, none is remembered.
import { AbiCoder, keccak256 } from "ethers";
import type { Known } from "./book";
import { formatValue } from "./calls";
import { type PendingOperation, readPending, readProposals } from "./governance";
import type { ParsedLog, Session } from "./session";

export type SettlementState = "none" | "pending" | "final";
const SETTLEMENT_STATES: readonly SettlementState[] = ["none", "pending", "final"];
const PRICE_STATES = ["Ok", "Degraded", "Halted"] as const;
export type PriceState = (typeof PRICE_STATES)[number];

export interface SubNetworkStatus {
  readonly id: number;
  readonly name: string;
  readonly category: number;
  readonly weightBps: number;
  /** Last settlement of the chain of settlements; null before the first. */
  readonly head: {
    readonly epoch: number;
    readonly state: SettlementState;
    readonly finalAt: number;
    readonly attempt: number;
  } | null;
  readonly lastFinalEpoch: number | null;
  /** Of the last closed epoch, in wei. */
  readonly budget: bigint;
}

export interface ScheduledChange {
  readonly contract: string;
  readonly change: string;
  readonly fromEpoch: number;
  readonly startsAt: number;
}

export interface ForwarderStatus {
  readonly address: string;
  readonly owner: string;
  /** Name of the owner in the deployment, else its address. */
  readonly ownerName: string;
  readonly ours: boolean;
  readonly handedOver: boolean;
  /** The pending acceptOwnership of the timelock. */
  readonly operation: string | null;
  readonly readyAt: number | null;
  readonly due: boolean;
}

export interface CommitteeStatus {
  readonly donId: number;
  readonly version: number;
  readonly f: number;
  readonly members: number;
  readonly hash: string;
  /** Hash of the forwarder's configuration of that version; null if it has none. */
  readonly forwarderHash: string | null;
  readonly equal: boolean;
  /** Other configurations that the forwarder still accepts. */
  readonly stale: readonly string[];
}

export interface Status {
  readonly chainId: number;
  readonly block: number;
  readonly time: number;
  readonly epoch: {
    readonly current: number;
    readonly startsAt: number;
    readonly endsAt: number;
    readonly length: number;
  };
  readonly closed: { readonly last: number | null; readonly due: number };
  readonly buckets: { readonly devicesBps: number; readonly stakersBps: number; readonly treasuryBps: number };
  readonly subNetworks: readonly SubNetworkStatus[];
  readonly price: {
    readonly state: PriceState;
    readonly spotE8: bigint;
    readonly averageE8: bigint;
    readonly round: number;
  };
  readonly supply: {
    readonly total: bigint;
    readonly cap: bigint;
    readonly genesis: bigint;
    readonly minted: bigint;
    readonly burned: bigint;
    readonly reserve: bigint;
    readonly owed: bigint;
    readonly treasury: bigint;
  };
  readonly credits: { readonly supply: bigint; readonly minted: bigint; readonly spent: bigint };
  readonly devices: { readonly onboarded: number; readonly retired: number };
  readonly operators: { readonly count: number; readonly staked: bigint; readonly rewards: bigint };
  readonly council: { readonly active: boolean; readonly floor: bigint; readonly power: bigint };
  readonly forwarder: ForwarderStatus;
  readonly committee: CommitteeStatus;
  readonly scheduled: readonly ScheduledChange[];
  readonly paused: readonly { readonly contract: string; readonly entry: string; readonly until: number }[];
  readonly pending: readonly PendingOperation[];
  /** What is not good; empty = green. */
  readonly red: readonly string[];
}

export async function readStatus(s: Session, foreignForwarder: boolean): Promise<Status> {
  const { block, time } = await s.latest();
  const emissions = s.get("EmissionController");
  const [genesis, length, next] = await Promise.all([
    emissions.epochGenesis().then(Number),
    emissions.epochLength().then(Number),
    emissions.nextEpochToClose().then(Number),
  ]);
  const current = time < genesis ? 0 : Math.floor((time - genesis) / length);
  const logs = await s.logs("all", [
    ...SCHEDULED_EVENTS,
    "EntryPaused",
    "EntryReopened",
    "ConfigSet",
    "DeviceOnboarded",
    "DeviceRetired",
    "OperatorCreated",
  ]);
  const proposals = await readProposals(s);
  const [pending, buckets, subNetworks, price, supply, credits, operators, council, committee] = await Promise.all([
    readPending(s, proposals, await s.pendingTime()),
    emissions.bucketsNow(),
    readSubNetworks(s, next),
    readPrice(s),
    readSupply(s),
    readCredits(s),
    readOperators(s, logs),
    readCouncil(s),
    readCommittee(s, logs),
  ]);
  const forwarder = await readForwarder(s, pending, foreignForwarder);
  return {
    chainId: s.chainId,
    block,
    time,
    epoch: { current, startsAt: genesis + current * length, endsAt: genesis + (current + 1) * length, length },
    closed: { last: next === 0 ? null : next - 1, due: Math.max(0, current - next) },
    buckets: {
      devicesBps: Number(buckets.devicesBps),
      stakersBps: Number(buckets.stakersBps),
      treasuryBps: Number(buckets.treasuryBps),
    },
    subNetworks,
    price,
    supply,
    credits,
    devices: readDevices(logs, current),
    operators,
    council,
    forwarder,
    committee,
    scheduled: scheduledChanges(logs, current, (epoch) => genesis + epoch * length, s),
    paused: pausedEntries(logs, time),
    pending,
    red: problems(forwarder, committee),
  };
}

function problems(forwarder: ForwarderStatus, committee: CommitteeStatus): string[] {
  const red: string[] = [];
  if (forwarder.ours && !forwarder.handedOver) {
    const harmless = forwarder.ownerName === "ForwarderHandover"; // can do nothing but offer it to the timelock
    red.push(
      `the forwarder is ours and the timelock does not own it yet${harmless ? "" : `: ${forwarder.ownerName} can forge reports`}`,
    );
  }
  if (!committee.equal) red.push("the forwarder's configuration is not the committee's");
  if (committee.stale.length > 0) red.push("the forwarder still accepts a configuration that is not the committee's");
  return red;
}

// -------------------------------------------------------------------------------------------------------- sections

async function readSubNetworks(s: Session, nextToClose: number): Promise<SubNetworkStatus[]> {
  const emissions = s.get("EmissionController");
  const settlement = s.get("SettlementOracle");
  const weights = await emissions.weightsNow();
  return Promise.all(
    [...weights].map(async (weight, i) => {
      const id = i + 1;
      const [record, head, lastFinal, budget] = await Promise.all([
        emissions.subNetworkOf(id),
        settlement.headOf(id),
        settlement.finalEpochOf(id).then(Number),
        nextToClose === 0 ? 0n : emissions.budgetOf(id, nextToClose - 1),
      ]);
      const at = head.id === 0n ? null : await settlement.settlementOf(id, head.epoch);
      return {
        id,
        name: record.name,
        category: Number(record.category),
        weightBps: Number(weight),
        head: at && {
          epoch: Number(head.epoch),
          state: SETTLEMENT_STATES[Number(at.status)] ?? "none",
          finalAt: Number(at.deadline),
          attempt: Number(head.attempt),
        },
        lastFinalEpoch: lastFinal === 0 ? null : lastFinal, // epoch 0 cannot be settled
        budget,
      };
    }),
  );
}

async function readPrice(s: Session): Promise<Status["price"]> {
  const [guard, feed] = [s.get("PriceGuard"), s.get("NetworkPriceFeed")];
  const [{ state, spotE8, averageE8 }, round] = await Promise.all([guard.read(), feed.lastRound()]);
  return { state: PRICE_STATES[Number(state)] ?? "Halted", spotE8, averageE8, round: Number(round) };
}

async function readSupply(s: Session): Promise<Status["supply"]> {
  const [token, emissions] = [s.get("NetworkToken"), s.get("EmissionController")];
  const distributor = s.get("RewardDistributor");
  const [total, cap, genesis, minted, reserve, owed, treasury] = await Promise.all([
    token.totalSupply(),
    token.cap(),
    token.genesisSupply(),
    emissions.totalMinted(),
    emissions.reserve(),
    distributor.totalOwed(),
    token.balanceOf(s.address("NetworkTimelock")),
  ]);
  return { total, cap, genesis, minted, burned: genesis + minted - total, reserve, owed, treasury };
}

async function readCredits(s: Session): Promise<Status["credits"]> {
  const credits = s.get("DataCredits");
  const [supply, minted, spent] = await Promise.all([
    credits.totalSupply(),
    credits.totalMinted(),
    credits.totalSpent(),
  ]);
  return { supply, minted, spent };
}

function readDevices(logs: readonly ParsedLog[], epoch: number): Status["devices"] {
  const onboarded = logs.filter((l) => l.event.name === "DeviceOnboarded").length;
  const retired = logs.filter(
    (l) => l.event.name === "DeviceRetired" && Number(l.event.args.getValue("fromEpoch")) <= epoch,
  );
  return { onboarded, retired: retired.length };
}

async function readOperators(s: Session, logs: readonly ParsedLog[]): Promise<Status["operators"]> {
  const staking = s.get("OperatorStaking");
  const [staked, rewards] = await Promise.all([staking.totalStaked(), staking.totalRewards()]);
  return { count: logs.filter((l) => l.event.name === "OperatorCreated").length, staked, rewards };
}

async function readCouncil(s: Session): Promise<Status["council"]> {
  const [council, escrow] = [s.get("BootstrapCouncil"), s.get("VoteEscrow")];
  const [active, floor, power] = await Promise.all([council.isActive(), council.floor(), escrow.totalPower()]);
  return { active, floor, power };
}

async function readForwarder(
  s: Session,
  pending: readonly PendingOperation[],
  foreign: boolean,
): Promise<ForwarderStatus> {
  const forwarder = s.get("KeystoneForwarder");
  const owner = await forwarder.owner();
  const address = s.address("KeystoneForwarder");
  const accept = pending.find((p) => p.calls.some((c) => c.target === address && c.function === "acceptOwnership()"));
  return {
    address,
    owner,
    ownerName: s.book.label(owner),
    ours: !foreign,
    handedOver: owner.toLowerCase() === s.address("NetworkTimelock").toLowerCase(),
    operation: accept?.id ?? null,
    readyAt: accept?.readyAt ?? null,
    due: accept?.due ?? false,
  };
}

async function readCommittee(s: Session, logs: readonly ParsedLog[]): Promise<CommitteeStatus> {
  const committee = s.get("CommitteeRegistry");
  const [config, members] = await Promise.all([committee.config(), committee.members()]);
  const configs = forwarderConfigs(logs);
  const own = `${config.donId}/${config.version}`;
  const forwarderHash = configs.get(own) ?? null;
  return {
    donId: Number(config.donId),
    version: Number(config.version),
    f: Number(config.f),
    members: members.length,
    hash: config.hash,
    forwarderHash,
    equal: forwarderHash === config.hash,
    stale: [...configs.keys()].filter((key) => key !== own && key.startsWith(`${config.donId}/`)),
  };
}

// ------------------------------------------------------------------------------------------------- from events, pure

/** Hash of every configuration the forwarder accepts, by "donId/version": its ConfigSet events are the only record. */
export function forwarderConfigs(logs: readonly ParsedLog[]): Map<string, string> {
  const configs = new Map<string, string>();
  for (const { event } of logs) {
    if (event.name !== "ConfigSet") continue;
    const [donId, version, f, signers] = event.args.toArray() as [bigint, bigint, bigint, Iterable<string>];
    const key = `${donId}/${version}`;
    if (f === 0n) configs.delete(key);
    else configs.set(key, committeeHash(donId, version, f, [...signers]));
  }
  return configs;
}

export function committeeHash(donId: bigint, version: bigint, f: bigint, signers: readonly string[]): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(["uint32", "uint32", "uint8", "address[]"], [donId, version, f, [...signers]]),
  );
}

/** Events that schedule a parameter for a later epoch; all have `fromEpoch`. */
export const SCHEDULED_EVENTS = [
  "BucketsScheduled",
  "WeightsScheduled",
  "CurveScheduled",
  "SettlementScheduled",
  "DistributorScheduled",
  "PriceGuardScheduled",
  "ReporterScheduled",
  "ModelCapSet",
] as const;

/** What takes force in a later epoch; of two changes of the same thing, the last one. */
export function scheduledChanges(
  logs: readonly ParsedLog[],
  epoch: number,
  startOf: (epoch: number) => number,
  s: Pick<Session, "book">,
): ScheduledChange[] {
  const changes = new Map<string, ScheduledChange>();
  for (const { contract, event } of logs) {
    if (!(SCHEDULED_EVENTS as readonly string[]).includes(event.name)) continue;
    const fromEpoch = Number(event.args.getValue("fromEpoch"));
    const inputs = event.fragment.inputs;
    const keyed = ["ReporterScheduled", "ModelCapSet"].includes(event.name) ? String(event.args[0]) : "";
    const key = `${contract.name} ${event.name} ${keyed}`;
    changes.delete(key);
    if (fromEpoch <= epoch) continue;
    const parts = inputs.flatMap((type, i) =>
      type.name === "fromEpoch" ? [] : [`${type.name}: ${formatValue(type, event.args[i], s.book)}`],
    );
    const what = event.name.replace(/(Scheduled|Set)$/, "");
    changes.set(key, {
      contract: contract.name,
      change: `${what}(${parts.join(", ")})`,
      fromEpoch,
      startsAt: startOf(fromEpoch),
    });
  }
  return [...changes.values()].sort((a, b) => a.fromEpoch - b.fromEpoch);
}

/** Entry points that a guardian's pause holds closed at `time`. */
export function pausedEntries(logs: readonly ParsedLog[], time: number): Status["paused"] {
  const paused = new Map<string, { contract: string; entry: string; until: number }>();
  for (const { contract, event } of logs) {
    if (event.name !== "EntryPaused" && event.name !== "EntryReopened") continue;
    const selector = String(event.args[0]);
    const key = `${contract.name} ${selector}`;
    if (event.name === "EntryReopened") paused.delete(key);
    else
      paused.set(key, { contract: contract.name, entry: entryName(contract, selector), until: Number(event.args[1]) });
  }
  return [...paused.values()].filter((p) => p.until > time);
}

function entryName(contract: Known, selector: string): string {
  return contract.iface.getFunction(selector)?.name ?? selector;
}
