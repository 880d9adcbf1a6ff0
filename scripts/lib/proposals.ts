// Proposals: what they call, the state they are in, and what may be done with them now. Pure.
import { AbiCoder, id as hashText, keccak256, zeroPadBytes } from "ethers";
import type { AddressBook } from "./book";
import { decodeCall, type DecodedCall } from "./calls";
import { StateError, UsageError } from "./errors";
import { formatDuration, formatTime, formatTokens, parseWhole } from "./format";

/** In the order of OpenZeppelin's IGovernor. */
export const PROPOSAL_STATES = [
  "Pending",
  "Active",
  "Canceled",
  "Defeated",
  "Succeeded",
  "Queued",
  "Expired",
  "Executed",
] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

export const SUPPORT = { against: 0, for: 1, abstain: 2 } as const;
export type Support = keyof typeof SUPPORT;

/** What a ProposalCreated event says. */
export interface Proposal {
  readonly id: bigint;
  readonly proposer: string;
  readonly targets: readonly string[];
  readonly values: readonly bigint[];
  readonly calldatas: readonly string[];
  readonly description: string;
  readonly voteStart: number;
  readonly block: number;
}

/** Where a proposal stands. Times in chain seconds; `eta` is 0 until it is queued. */
export interface Standing {
  readonly id: bigint;
  readonly state: ProposalState;
  readonly snapshot: number;
  readonly deadline: number;
  readonly eta: number;
  readonly now: number;
  readonly votes: { readonly for: bigint; readonly against: bigint; readonly abstain: bigint };
  readonly quorum: bigint;
}

export function stateOf(value: bigint | number): ProposalState {
  const state = PROPOSAL_STATES[Number(value)];
  if (state === undefined) throw new UsageError("UNKNOWN_STATE", `the governor gave the state ${value}`);
  return state;
}

export function callsOf(proposal: Proposal, book: AddressBook): DecodedCall[] {
  return proposal.targets.map((target, i) =>
    decodeCall(book, target, proposal.values[i] ?? 0n, proposal.calldatas[i] ?? "0x"),
  );
}

export function parseSupport(text: string): Support {
  if (Object.hasOwn(SUPPORT, text)) return text as Support;
  throw new UsageError("BAD_SUPPORT", `--support is for, against or abstain, not "${text}"`);
}

/** The proposal that `text` names: a decimal or 0x id, or "latest". */
export function findProposal(proposals: readonly Proposal[], text: string): Proposal {
  const last = proposals[proposals.length - 1];
  const id = text === "latest" ? last?.id : parseWhole("--id", text);
  const found = proposals.find((p) => p.id === id);
  if (found) return found;
  const how = last ? `${proposals.length} exist, the last is ${last.id}` : "there is none yet";
  throw new UsageError("UNKNOWN_PROPOSAL", `no proposal ${text}: ${how} (npx hardhat dao:status)`);
}

/** Id of the timelock operation of a queued proposal. */
export function operationOf(proposal: Proposal, governor: string): string {
  const high = BigInt(zeroPadBytes(governor, 32));
  const salt = `0x${(high ^ BigInt(hashText(proposal.description))).toString(16).padStart(64, "0")}`;
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"],
      [[...proposal.targets], [...proposal.values], [...proposal.calldatas], `0x${"00".repeat(32)}`, salt],
    ),
  );
}

export type Action = "vote" | "queue" | "execute";

/** Throws unless `action` may be done now; the error says what to do, and when. */
export function requireReady(action: Action, s: Standing): void {
  const ready = { vote: "Active", queue: "Succeeded", execute: "Queued" } as const;
  if (s.state === ready[action] && !(action === "execute" && s.now < s.eta)) return;
  throw new StateError(
    `PROPOSAL_${(s.state === ready[action] ? "NOT_DUE" : s.state.toUpperCase()) as string}`,
    `proposal ${s.id} is ${s.state}${s.state === "Queued" && action === "execute" ? " but not due" : ""}: ${adviceFor(action, s)}`,
    { id: s.id, state: s.state, action, now: s.now, notBefore: notBefore(action, s) },
  );
}

/** The first second at which `action` can work, where that is known. */
export function notBefore(action: Action, s: Standing): number | null {
  if (s.state === "Pending") return action === "vote" ? s.snapshot + 1 : s.deadline + 1;
  if (s.state === "Active" && action !== "vote") return s.deadline + 1;
  if (s.state === "Queued" && action === "execute") return s.eta;
  return null;
}

export function adviceFor(action: Action, s: Standing): string {
  const at = (seconds: number): string => `${formatTime(seconds)}, in ${formatDuration(seconds - s.now)}`;
  switch (s.state) {
    case "Pending":
      return action === "vote"
        ? `voting opens after ${at(s.snapshot)}; try then`
        : `voting runs until ${at(s.deadline)}; vote, then try after that`;
    case "Active":
      return `voting runs until ${at(s.deadline)}; try after that`;
    case "Succeeded":
      return action === "vote"
        ? `voting ended at ${formatTime(s.deadline)}; queue it: npx hardhat dao:queue --id ${s.id}`
        : `queue it first: npx hardhat dao:queue --id ${s.id}`;
    case "Queued":
      if (s.now >= s.eta) return `it can be executed now: npx hardhat dao:execute --id ${s.id}`;
      return action === "execute"
        ? `it can be executed from ${at(s.eta)}; try then`
        : `execute it from ${at(s.eta)}: npx hardhat dao:execute --id ${s.id}`;
    case "Executed":
      return "it is done; nothing is left to do";
    case "Defeated":
      return `it lost with ${formatTokens(s.votes.for)} for, ${formatTokens(s.votes.against)} against, ${formatTokens(s.votes.abstain)} abstaining, quorum ${formatTokens(s.quorum)}; propose again with another description`;
    case "Canceled":
      return "it was cancelled; propose again with another description";
    case "Expired":
      return "it was not executed in time; propose again with another description";
  }
}
