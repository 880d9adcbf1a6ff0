// The DAO of a run: lock, propose, vote, queue, execute. The chain's time is moved over every delay.
import { id } from "ethers";
import type { Contracts } from "../lib/deployment";
import type { DevChain } from "./chain";
import type { People } from "./people";
import type { Call } from "./setup";

const SUPPORT_FOR = 1;
const EXECUTED = 7n;
const STATES = ["Pending", "Active", "Canceled", "Defeated", "Succeeded", "Queued", "Expired", "Executed"] as const;

export interface PassedProposal {
  readonly id: bigint;
  readonly state: (typeof STATES)[number];
  /** Hash of the executing transaction. */
  readonly tx: string;
}

/** Every voter locks all it has for the longest time: one power a token. Each delegates to itself by default. */
export async function lockTokens(c: Contracts, people: People): Promise<void> {
  const duration = await c.escrow.maxDuration();
  for (const voter of people.voters) {
    const amount = await c.token.balanceOf(voter.address);
    await (await c.token.connect(voter.signer).approve(await c.escrow.getAddress(), amount)).wait();
    await (await c.escrow.connect(voter.signer).lock(amount, duration)).wait();
  }
}

/** Takes a proposal from its first word to its execution. */
export async function passProposal(
  chain: DevChain,
  c: Contracts,
  people: People,
  calls: readonly Call[],
  description: string,
): Promise<PassedProposal> {
  const proposer = people.voters[0];
  if (proposer === undefined) throw new Error("no voter");
  const governor = c.governor.connect(proposer.signer);
  const action: [string[], bigint[], string[]] = [
    calls.map((call) => call.target),
    calls.map(() => 0n),
    calls.map((call) => call.data),
  ];
  const hash = id(description);
  await (await governor.propose(...action, description)).wait();
  const proposalId = await c.governor.hashProposal(...action, hash);

  await chain.advanceTo(Number(await c.governor.proposalSnapshot(proposalId)) + 1);
  for (const voter of people.voters)
    await (await c.governor.connect(voter.signer).castVote(proposalId, SUPPORT_FOR)).wait();
  await chain.advanceTo(Number(await c.governor.proposalDeadline(proposalId)) + 1);
  await (await governor.queue(...action, hash)).wait();
  await chain.advanceTo(Number(await c.governor.proposalEta(proposalId)) + 1);
  const receipt = await (await governor.execute(...action, hash)).wait();

  const state = await c.governor.state(proposalId);
  if (state !== EXECUTED || receipt === null) throw new Error(`proposal ${proposalId} is ${STATES[Number(state)]}`);
  return { id: proposalId, state: "Executed", tx: receipt.hash };
}
