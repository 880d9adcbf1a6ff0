// Ways to make the timelock act: a proposal of the governor, or, while it lasts, the bootstrap council.
import { id as hashText, ZeroHash } from "ethers";
import { decodeCall } from "./calls";
import { StateError } from "./errors";
import { formatTime, formatTokens, paint } from "./format";
import { callData, readProposals, readStanding } from "./governance";
import type { Session } from "./session";

/** A call by the timelock. */
export interface PlannedCall {
  readonly target: string;
  readonly value: bigint;
  readonly data: string;
}

interface Proposed {
  readonly data: object;
  readonly lines: readonly string[];
}

/** Proposes calls to the governor, from the session's account. */
export async function propose(s: Session, calls: readonly PlannedCall[], description: string): Promise<Proposed> {
  const signer = await s.signer();
  const governor = s.get("NetworkGovernor", signer);
  const escrow = s.get("VoteEscrow");
  const proposals = await readProposals(s);
  const parts = [calls.map((c) => c.target), calls.map((c) => c.value), calls.map((c) => c.data)] as const;
  const id = await governor.hashProposal(...(parts as never as [string[], bigint[], string[]]), hashText(description));
  if (proposals.some((p) => p.id === id)) {
    throw new StateError(
      "PROPOSAL_EXISTS",
      `these calls with this description are proposal ${id} already; give another description`,
      { id },
    );
  }
  const [threshold, power] = await Promise.all([
    governor.proposalThreshold(),
    escrow.getVotes(signer.address), // the next block is at least a second later
  ]);
  if (power < threshold) {
    throw new StateError(
      "POWER_TOO_LOW",
      `${signer.address} has ${formatTokens(power)} votes, proposing takes ${formatTokens(threshold)}; lock more first: npx hardhat dao:lock`,
      { power, threshold },
    );
  }
  const receipt = await s.send("propose", governor, "propose", [...parts, description]);
  const standing = await readStanding(s, id);
  const decoded = calls.map((c) => decodeCall(s.book, c.target, c.value, c.data));
  return {
    data: {
      id,
      proposer: signer.address,
      description,
      calls: decoded.map(callData),
      state: standing.state,
      voteStart: standing.snapshot,
      voteEnd: standing.deadline,
      tx: receipt.hash,
    },
    lines: [
      `proposal ${paint("bold", String(id))}: ${description}`,
      ...decoded.map((c) => `  ${c.text}`),
      `voting opens after ${formatTime(standing.snapshot)} and ends at ${formatTime(standing.deadline)}`,
      paint("dim", `vote: npx hardhat dao:vote --id ${id} --support for --network ${s.hre.network.name}`),
    ],
  };
}

/** Schedules calls in the timelock as the bootstrap council; the description only names the operation. */
export async function scheduleAsCouncil(
  s: Session,
  calls: readonly PlannedCall[],
  description: string,
): Promise<Proposed> {
  const signer = await s.signer();
  const council = s.get("BootstrapCouncil", signer);
  const [member, active] = await Promise.all([council.council(), council.isActive()]);
  if (!active) throw new StateError("COUNCIL_ENDED", "the bootstrap council has ended: propose it to the governor");
  if (member !== signer.address)
    throw new StateError("NOT_COUNCIL", `${signer.address} is not the council, ${member} is; choose it with --from`);
  const salt = hashText(description);
  const parts = [calls.map((c) => c.target), calls.map((c) => c.value), calls.map((c) => c.data)];
  const receipt = await s.send("schedule", council, "schedule", [...parts, ZeroHash, salt]);
  const delay = Number(await s.get("NetworkTimelock").getMinDelay());
  const ready = (await s.latest()).time + delay;
  const decoded = calls.map((c) => decodeCall(s.book, c.target, c.value, c.data));
  return {
    data: { council: signer.address, description, calls: decoded.map(callData), ready, tx: receipt.hash },
    lines: [
      `scheduled by the council: ${description}`,
      ...decoded.map((c) => `  ${c.text}`),
      `from ${formatTime(ready)} anyone may execute it`,
      paint("dim", `execute: npx hardhat timelock:run --network ${s.hre.network.name}`),
    ],
  };
}
