// Reads of the governor and the timelock that several commands need.
import { type FunctionFragment, Interface } from "ethers";
import { type DecodedCall, formatValue, getterOf } from "./calls";
import { formatDuration, formatTime, paint, shortHash, table } from "./format";
import { type Operation, operationCalls, operationsFrom } from "./operations";
import { callsOf, operationOf, type Proposal, type Standing, stateOf } from "./proposals";
import type { Session } from "./session";

/** Every proposal ever made, oldest first. */
export async function readProposals(s: Session): Promise<Proposal[]> {
  const logs = await s.logs(["NetworkGovernor"], ["ProposalCreated"]);
  return logs.map(({ block, event }) => {
    const a = event.args;
    return {
      id: a.getValue("proposalId") as bigint,
      proposer: a.getValue("proposer") as string,
      targets: list<string>(a.getValue("targets")),
      values: list<bigint>(a[3]), // ethers' Result has a method of that name
      calldatas: list<string>(a.getValue("calldatas")),
      description: a.getValue("description") as string,
      voteStart: Number(a.getValue("voteStart")),
      block,
    };
  });
}

function list<T>(value: unknown): T[] {
  return Array.from(value as Iterable<T>);
}

/** Where a proposal stands, as a transaction sent now would find it. */
export async function readStanding(s: Session, id: bigint): Promise<Standing> {
  const governor = s.get("NetworkGovernor");
  const at = { blockTag: "pending" };
  const snapshot = await governor.proposalSnapshot(id);
  const [state, deadline, eta, votes, now] = await Promise.all([
    governor.state(id, at),
    governor.proposalDeadline(id, at),
    governor.proposalEta(id, at),
    governor.proposalVotes(id, at),
    s.pendingTime(),
  ]);
  return {
    id,
    state: stateOf(state),
    snapshot: Number(snapshot),
    deadline: Number(deadline),
    eta: Number(eta),
    now,
    votes: { for: votes.forVotes, against: votes.againstVotes, abstain: votes.abstainVotes },
    quorum: now > Number(snapshot) ? await governor.quorum(snapshot, at) : 0n,
  };
}

/** A call with what its setter's getter says now. */
export interface CallNow extends DecodedCall {
  readonly present: string | null;
}

export async function withPresent(s: Session, call: DecodedCall): Promise<CallNow> {
  return { ...call, present: await presentValue(s, call) };
}

async function presentValue(s: Session, call: DecodedCall): Promise<string | null> {
  const known = s.book.at(call.target);
  const setter = call.function === null ? null : known?.iface.getFunction(call.function);
  if (!known || !setter) return null;
  const values = known.iface.decodeFunctionData(setter, call.data).toArray() as unknown[];
  if (setter.format("sighash") === "transfer(address,uint256)") {
    return read(s, known.address, known.iface, "balanceOf(address)", [s.address("NetworkTimelock")], "treasury has ");
  }
  const getter = getterOf(known.iface, setter);
  return getter && read(s, known.address, known.iface, getter.fragment, values.slice(0, getter.keys));
}

async function read(
  s: Session,
  address: string,
  iface: Interface,
  getter: FunctionFragment | string,
  keys: readonly unknown[],
  prefix = "",
): Promise<string | null> {
  const fragment = typeof getter === "string" ? iface.getFunction(getter) : getter;
  if (!fragment) return null;
  try {
    const data = await s.hre.ethers.provider.call({ to: address, data: iface.encodeFunctionData(fragment, keys) });
    const values = iface.decodeFunctionResult(fragment, data).toArray() as unknown[];
    return prefix + fragment.outputs.map((type, i) => formatValue(type, values[i], s.book)).join(", ");
  } catch {
    return null; // a getter that reverts for this key has no present value to show
  }
}

// ------------------------------------------------------------------------------------------------------ operations

export interface PendingOperation {
  readonly id: string;
  readonly operation: Operation;
  readonly calls: readonly DecodedCall[];
  /** "proposal 123", "council" or "direct". */
  readonly source: string;
  readonly proposal: Proposal | null;
  /** Earliest execution, chain seconds. */
  readonly readyAt: number;
  readonly due: boolean;
}

/** The timelock's operations that are neither executed nor cancelled, the earliest first. */
export async function readPending(
  s: Session,
  proposals: readonly Proposal[],
  now: number,
): Promise<PendingOperation[]> {
  const timelock = s.get("NetworkTimelock");
  const logs = await s.logs(["NetworkTimelock"], ["CallScheduled", "CallSalt", "CallExecuted", "Cancelled"]);
  const governor = s.address("NetworkGovernor");
  const byOperation = new Map(proposals.map((p) => [operationOf(p, governor), p]));
  const open = operationsFrom(logs).filter((op) => op.done === null);
  const pending = await Promise.all(
    open.map(async (operation) => {
      const readyAt = Number(await timelock.getTimestamp(operation.id));
      const proposal = byOperation.get(operation.id) ?? null;
      const council = operation.targets[0] === s.address("BootstrapCouncil");
      return {
        id: operation.id,
        operation,
        calls: operationCalls(operation, s.book),
        source: proposal ? `proposal ${shortHash(String(proposal.id))}` : council ? "council" : "direct",
        proposal,
        readyAt,
        due: readyAt <= now,
      };
    }),
  );
  return pending.filter((p) => p.readyAt > 1).sort((a, b) => a.readyAt - b.readyAt);
}

export function pendingLines(pending: readonly PendingOperation[], now: number): string[] {
  if (pending.length === 0) return [paint("dim", "no pending timelock operation")];
  return [
    paint("bold", "Pending timelock operations"),
    table(
      pending.map((p) => [
        shortHash(p.id),
        p.source,
        p.calls.map((c) => c.text).join("\n"),
        `${formatTime(p.readyAt)}\n${p.due ? paint("green", "due now") : `in ${formatDuration(p.readyAt - now)}`}`,
      ]),
      ["operation", "from", "calls", "earliest execution"],
    ),
  ];
}

export function pendingData(pending: readonly PendingOperation[]): unknown[] {
  return pending.map((p) => ({
    id: p.id,
    source: p.source,
    proposalId: p.proposal?.id ?? null,
    readyAt: p.readyAt,
    readyAtUtc: new Date(p.readyAt * 1_000).toISOString(),
    due: p.due,
    predecessor: p.operation.predecessor,
    calls: p.calls.map(callData),
  }));
}

export function callData(call: DecodedCall & { present?: string | null }): unknown {
  const { target, contract, value, data, args, text } = call;
  return {
    target,
    contract,
    function: call.function,
    args,
    value,
    data,
    text,
    inner: call.inner.map(callData),
    present: call.present ?? null,
  };
}

// ------------------------------------------------------------------------------------------------------- proposals

export interface FullProposal {
  readonly proposal: Proposal;
  readonly standing: Standing;
  readonly calls: readonly CallNow[];
}

export async function readFull(s: Session, proposal: Proposal): Promise<FullProposal> {
  const [standing, calls] = await Promise.all([
    readStanding(s, proposal.id),
    Promise.all(callsOf(proposal, s.book).map((c) => withPresent(s, c))),
  ]);
  return { proposal, standing, calls };
}
