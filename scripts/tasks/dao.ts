// The DAO from the shell: lock, delegate, propose, vote, queue, execute, status.
import { readFileSync } from "node:fs";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { getAddress, id as hashText, Interface, isAddress } from "ethers";
import { types } from "hardhat/config";
import { z } from "zod";
import { type DecodedCall, encodeCall } from "../lib/calls";
import { messageOf, StateError, UsageError } from "../lib/errors";
import {
  type Colour,
  formatDuration,
  formatTime,
  formatTokens,
  paint,
  parseDuration,
  parseTokens,
  table,
} from "../lib/format";
import {
  callData,
  type FullProposal,
  pendingData,
  pendingLines,
  readFull,
  readPending,
  readProposals,
  readStanding,
} from "../lib/governance";
import {
  adviceFor,
  findProposal,
  parseSupport,
  type Proposal,
  type ProposalState,
  requireReady,
  SUPPORT,
} from "../lib/proposals";
import { type PlannedCall, propose, scheduleAsCouncil } from "../lib/propose";
import type { Session } from "../lib/session";
import { command, needed, type Result } from "./define";

const MAX_UINT32 = 2 ** 32 - 1;

// ------------------------------------------------------------------------------------------------- lock, delegate

interface LockArguments {
  amount?: string;
  duration?: string;
}

command<LockArguments>({
  name: "dao:lock",
  description: "Locks tokens for voting power (power = amount × duration ÷ longest duration)",
  parameters: (t) =>
    t
      .addOptionalParam("amount", "tokens to lock, for example 1500 or 1.5 (needed)", undefined, types.string)
      .addOptionalParam("duration", "how long: seconds, or 36h, 30d, 2w, 4y (needed)", undefined, types.string),
  run: async (args, s) => {
    const amount = parseTokens("--amount", needed("amount", args.amount));
    const duration = parseDuration("--duration", needed("duration", args.duration));
    const signer = await s.signer();
    const escrow = s.get("VoteEscrow", signer);
    const token = s.get("NetworkToken", signer);
    const [minimum, maximum, balance, allowance] = await Promise.all([
      escrow.minDuration(),
      escrow.maxDuration(),
      token.balanceOf(signer.address),
      token.allowance(signer.address, escrow),
    ]);
    if (duration > MAX_UINT32 || BigInt(duration) < minimum || BigInt(duration) > maximum) {
      throw new UsageError(
        "BAD_DURATION",
        `--duration: a lock lasts ${formatDuration(Number(minimum))} to ${formatDuration(Number(maximum))} (${minimum} to ${maximum} s), not ${duration} s`,
      );
    }
    if (amount === 0n) throw new UsageError("BAD_AMOUNT", "--amount: nothing to lock");
    if (balance < amount) {
      throw new StateError(
        "BALANCE_TOO_LOW",
        `${signer.address} has ${formatTokens(balance)} tokens, fewer than ${formatTokens(amount)}; choose another account with --from`,
      );
    }
    if (allowance < amount) await s.send("approve", token, "approve", [await escrow.getAddress(), amount]);
    const receipt = await s.send("lock", escrow, "lock", [amount, duration]);
    const lockId = await escrow.lockCount();
    const [lock, votes, delegate] = await Promise.all([
      escrow.lockOf(lockId),
      escrow.getVotes(signer.address),
      escrow.delegates(signer.address),
    ]);
    return {
      data: { lockId, owner: signer.address, amount, duration, power: lock.power, delegate, votes, tx: receipt.hash },
      lines: [
        `locked ${formatTokens(amount)} tokens as position ${lockId} for ${formatDuration(duration)}: power ${formatTokens(lock.power)}`,
        `votes of ${signer.address}: ${formatTokens(votes)} (delegate: ${delegate === signer.address ? "itself" : delegate})`,
        paint("dim", `transaction ${receipt.hash}`),
      ],
    };
  },
});

command<{ to?: string }>({
  name: "dao:delegate",
  description: "Delegates the account's voting power",
  parameters: (t) => t.addOptionalParam("to", "address that votes from now on (needed)", undefined, types.string),
  run: async (args, s) => {
    const to = accountOf("--to", needed("to", args.to));
    const signer = await s.signer();
    const escrow = s.get("VoteEscrow", signer);
    const before = await escrow.delegates(signer.address);
    const receipt = await s.send("delegate", escrow, "delegate", [to]);
    const votes = await escrow.getVotes(to);
    return {
      data: { from: signer.address, to, before, votes, tx: receipt.hash },
      lines: [`${signer.address} delegates to ${to}, which now has ${formatTokens(votes)} votes`],
    };
  },
});

function accountOf(what: string, text: string): string {
  if (isAddress(text)) return getAddress(text);
  throw new UsageError("BAD_ADDRESS", `${what}: "${text}" is no address`);
}

// -------------------------------------------------------------------------------------------------------- propose

interface ProposeArguments {
  target?: string;
  call?: string;
  value?: string;
  file?: string;
  pay?: string;
  rest?: string[];
  description?: string;
  council: boolean;
}

const fileSchema = z.strictObject({
  description: z.string().min(1).optional(),
  calls: z
    .array(
      z.union([
        z.strictObject({ target: z.string(), call: z.string(), value: z.string().optional() }),
        z.strictObject({ pay: z.tuple([z.string(), z.string(), z.string()]) }),
      ]),
    )
    .min(1),
});

const TOKEN = new Interface(["function transfer(address to, uint256 amount) returns (bool)"]);
const NATIVE = "native";

command<ProposeArguments>({
  name: "dao:propose",
  description: "Proposes calls by the timelock: one with --target and --call, a grant with --pay, many with --file",
  parameters: (t) =>
    t
      .addOptionalParam("target", "contract of the deployment, by name or address", undefined, types.string)
      .addOptionalParam(
        "call",
        'what to call: "setBuckets((7000, 0, 3000))"; names stand for addresses',
        undefined,
        types.string,
      )
      .addOptionalParam("value", "native coins that the call sends, for example 0.5", undefined, types.string)
      .addOptionalParam(
        "file",
        'JSON: {"description", "calls": [{"target", "call", "value"?} | {"pay": [TOKEN, TO, AMOUNT]}]}',
        undefined,
        types.string,
      )
      .addOptionalParam(
        "pay",
        `a grant of the treasury: TOKEN TO AMOUNT (TOKEN: name, address or "${NATIVE}"; AMOUNT in tokens)`,
        undefined,
        types.string,
      )
      .addOptionalParam(
        "description",
        "what it is for, in words (needed; with --file it may be there)",
        undefined,
        types.string,
      )
      .addFlag("council", "schedule it as the bootstrap council (--from its account) instead of proposing it")
      .addOptionalVariadicPositionalParam("rest", "TO AMOUNT of --pay", [], types.string),
  run: async (args, s) => {
    const { calls, description } = await planned(args, s);
    return args.council ? scheduleAsCouncil(s, calls, description) : propose(s, calls, description);
  },
});

async function planned(args: ProposeArguments, s: Session): Promise<{ calls: PlannedCall[]; description: string }> {
  const calls: PlannedCall[] = [];
  let description = args.description;
  if (args.file !== undefined) {
    const file = readCalls(args.file);
    description ??= file.description;
    for (const call of file.calls) {
      calls.push("pay" in call ? await payment(s, ...call.pay) : plannedCall(s, call.target, call.call, call.value));
    }
  }
  if (args.call !== undefined || args.target !== undefined) {
    calls.push(plannedCall(s, needed("target", args.target), needed("call", args.call), args.value));
  } else if (args.value !== undefined) {
    throw new UsageError(
      "MISSING_PARAMETER",
      "--value goes with --target and --call; to pay native coins: --pay native TO AMOUNT",
    );
  }
  const rest = args.rest ?? [];
  if (args.pay !== undefined) {
    const words = [...args.pay.trim().split(/\s+/), ...rest];
    const [token, to, amount] = words;
    if (words.length !== 3 || token === undefined || to === undefined || amount === undefined) {
      throw new UsageError(
        "BAD_PAYMENT",
        `--pay takes TOKEN TO AMOUNT, for example --pay NetworkToken 0x… 1500; ${words.length} word(s) given`,
      );
    }
    calls.push(await payment(s, token, to, amount));
  } else if (rest.length > 0) {
    throw new UsageError(
      "UNKNOWN_ARGUMENT",
      `"${rest.join(" ")}" belongs to no parameter (quote a --call or --description that has spaces)`,
    );
  }
  if (calls.length === 0) {
    throw new UsageError("NO_CALLS", "nothing to propose: give --target and --call, --pay TOKEN TO AMOUNT, or --file");
  }
  return { calls, description: needed("description", description) };
}

function readCalls(path: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new UsageError("BAD_FILE", `--file ${path}: ${messageOf(error)}`);
  }
}

function plannedCall(s: Session, targetText: string, call: string, value: string | undefined): PlannedCall {
  const target = s.book.addressOf("--target", targetText);
  const known = s.book.at(target);
  if (!known) {
    throw new UsageError(
      "UNKNOWN_TARGET",
      `--target ${targetText} is no contract of this deployment, so its functions are not known`,
    );
  }
  const { data } = encodeCall(known.name, known.iface, call, s.book);
  return { target, value: value === undefined ? 0n : parseTokens("--value", value), data };
}

/** The treasury (the timelock) pays; a token with other decimals than 18 is read for them. */
async function payment(s: Session, tokenText: string, to: string, amountText: string): Promise<PlannedCall> {
  const receiver = s.book.addressOf("--pay TO", to);
  if (tokenText.toLowerCase() === NATIVE) {
    return { target: receiver, value: parseTokens("--pay AMOUNT", amountText), data: "0x" };
  }
  const token = s.book.addressOf("--pay TOKEN", tokenText);
  const amount = parseTokens("--pay AMOUNT", amountText);
  if (amount === 0n) throw new UsageError("BAD_AMOUNT", "--pay AMOUNT: nothing to pay");
  if (!s.book.at(token)) {
    throw new UsageError(
      "UNKNOWN_TARGET",
      `--pay ${tokenText} is no token of this deployment; propose its transfer by --file with a known contract`,
    );
  }
  return { target: token, value: 0n, data: TOKEN.encodeFunctionData("transfer", [receiver, amount]) };
}

// ---------------------------------------------------------------------------------------------- vote, queue, execute

interface VoteArguments {
  id?: string;
  support?: string;
  reason?: string;
}

command<VoteArguments>({
  name: "dao:vote",
  description: "Votes on a proposal with the account's power at its snapshot",
  parameters: (t) =>
    withId(t)
      .addOptionalParam("support", "for, against or abstain (needed)", undefined, types.string)
      .addOptionalParam("reason", "why, in words", undefined, types.string),
  run: async (args, s) => {
    const support = parseSupport(needed("support", args.support));
    const { proposal, signer } = await chosen(args.id, s);
    const governor = s.get("NetworkGovernor", signer);
    requireReady("vote", await readStanding(s, proposal.id));
    if (await governor.hasVoted(proposal.id, signer.address)) {
      throw new StateError(
        "ALREADY_VOTED",
        `${signer.address} has voted on proposal ${proposal.id}; a vote cannot be changed`,
      );
    }
    const escrow = s.get("VoteEscrow");
    const power = await escrow.getPastVotes(signer.address, await governor.proposalSnapshot(proposal.id), {
      blockTag: "pending",
    });
    if (power === 0n) {
      throw new StateError(
        "NO_POWER",
        `${signer.address} had no votes at the snapshot of proposal ${proposal.id}; what is locked now counts for later proposals (votes delegated away count for the delegate)`,
      );
    }
    const receipt = args.reason
      ? await s.send("vote", governor, "castVoteWithReason", [proposal.id, SUPPORT[support], args.reason])
      : await s.send("vote", governor, "castVote", [proposal.id, SUPPORT[support]]);
    const standing = await readStanding(s, proposal.id);
    return {
      data: {
        id: proposal.id,
        voter: signer.address,
        support,
        power,
        votes: standing.votes,
        quorum: standing.quorum,
        voteEnd: standing.deadline,
        tx: receipt.hash,
      },
      lines: [
        `${signer.address} voted ${support} with ${formatTokens(power)}`,
        `for ${formatTokens(standing.votes.for)}, against ${formatTokens(standing.votes.against)}, abstain ${formatTokens(standing.votes.abstain)}; quorum ${formatTokens(standing.quorum)}`,
        `voting ends at ${formatTime(standing.deadline)}`,
      ],
    };
  },
});

command<{ id?: string }>({
  name: "dao:queue",
  description: "Puts a proposal that won into the timelock",
  parameters: withId,
  run: async (args, s) => act("queue", args.id, s),
});

command<{ id?: string }>({
  name: "dao:execute",
  description: "Executes a queued proposal whose delay is over",
  parameters: withId,
  run: async (args, s) => act("execute", args.id, s),
});

async function act(action: "queue" | "execute", idText: string | undefined, s: Session): Promise<Result> {
  const { proposal, signer } = await chosen(idText, s);
  requireReady(action, await readStanding(s, proposal.id));
  const governor = s.get("NetworkGovernor", signer);
  const { targets, values, calldatas, description } = proposal;
  const receipt = await s.send(action, governor, action, [targets, values, calldatas, hashText(description)]);
  const full = await readFull(s, proposal);
  const { state, eta } = full.standing;
  return {
    data: { ...proposalData(full), tx: receipt.hash },
    lines: [
      `proposal ${proposal.id} is ${paintState(state)}: ${title(proposal)}`,
      ...full.calls.map((c) => `  ${c.text}`),
      ...(action === "queue"
        ? [
            `it can be executed from ${formatTime(eta)}`,
            paint("dim", `execute: npx hardhat dao:execute --id ${proposal.id} --network ${s.hre.network.name}`),
          ]
        : [paint("dim", `transaction ${receipt.hash}`)]),
    ],
  };
}

type Definition = Parameters<Parameters<typeof command>[0]["parameters"]>[0];

function withId(t: Definition): Definition {
  return t.addOptionalParam("id", 'id of the proposal, or "latest" (needed)', undefined, types.string);
}

async function chosen(
  idText: string | undefined,
  s: Session,
): Promise<{ proposal: Proposal; signer: HardhatEthersSigner }> {
  const text = needed("id", idText);
  return { proposal: findProposal(await readProposals(s), text), signer: await s.signer() };
}

// --------------------------------------------------------------------------------------------------------- status

command<{ id?: string }>({
  name: "dao:status",
  description: "Proposals as decoded calls, their votes and times, and the timelock's pending operations",
  sender: null,
  parameters: (t) => t.addOptionalParam("id", 'one proposal only: its id, or "latest"', undefined, types.string),
  run: async (args, s) => {
    const [proposals, time] = [await readProposals(s), await s.pendingTime()];
    const shown = args.id === undefined ? proposals : [findProposal(proposals, args.id)];
    const full = await Promise.all(shown.map((p) => readFull(s, p)));
    const pending = await readPending(s, proposals, time);
    return {
      data: { chainId: s.chainId, time, proposals: full.map(proposalData), pending: pendingData(pending) },
      lines: [
        `chain ${s.chainId}, ${formatTime(time)}`,
        ...(full.length === 0 ? ["no proposal yet"] : full.flatMap(proposalLines)),
        ...pendingLines(pending, time),
      ],
    };
  },
});

const STATE_COLOURS: Readonly<Record<ProposalState, Colour>> = {
  Pending: "cyan",
  Active: "yellow",
  Canceled: "dim",
  Defeated: "red",
  Succeeded: "green",
  Queued: "yellow",
  Expired: "red",
  Executed: "green",
};

function paintState(state: ProposalState): string {
  return paint(STATE_COLOURS[state], state);
}

function title(p: Proposal): string {
  const line = p.description.split("\n", 1)[0] ?? "";
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}

const NEXT: Readonly<Partial<Record<ProposalState, "vote" | "queue" | "execute">>> = {
  Pending: "vote",
  Active: "queue",
  Succeeded: "execute",
  Queued: "execute",
};

function proposalLines({ proposal, standing: s, calls }: FullProposal): string[] {
  const next = NEXT[s.state];
  const rows = [
    ["proposal", String(proposal.id)],
    ["state", next ? `${paintState(s.state)}: ${adviceFor(next, s)}` : paintState(s.state)],
    ["proposer", proposal.proposer],
    ["voting", `after ${formatTime(s.snapshot)}\nuntil ${formatTime(s.deadline)}`],
    [
      "votes",
      `for ${formatTokens(s.votes.for)}, against ${formatTokens(s.votes.against)}, abstain ${formatTokens(s.votes.abstain)}`,
    ],
    [
      "quorum",
      s.quorum === 0n
        ? "known when voting opens"
        : `${formatTokens(s.quorum)} for + abstain: ${s.votes.for + s.votes.abstain >= s.quorum ? paint("green", "reached") : "not reached"}`,
    ],
    ...(s.eta > 0 && s.state !== "Executed" ? [["earliest execution", formatTime(s.eta)]] : []),
    ...calls.flatMap((call, i) => callRows(call, `call ${i + 1}`, call.present)),
  ];
  return [paint("bold", title(proposal)), table(rows)];
}

function callRows(call: DecodedCall, name: string, present: string | null): string[][] {
  const rows = [
    [
      name,
      call.function === null
        ? call.text
        : `${call.contract}.${call.function}${call.value > 0n ? ` paying ${formatTokens(call.value)} native` : ""}`,
    ],
  ];
  for (const a of call.args) rows.push(["", `${a.name} = ${a.value}`]);
  if (present !== null) rows.push(["", paint("dim", `now: ${present}`)]);
  for (const inner of call.inner) rows.push(["", `→ ${inner.text}`]);
  return rows;
}

function proposalData({ proposal: p, standing: s, calls }: FullProposal): object {
  return {
    id: p.id,
    description: p.description,
    proposer: p.proposer,
    state: s.state,
    voteStart: s.snapshot,
    voteEnd: s.deadline,
    votes: s.votes,
    quorum: s.quorum,
    earliestExecution: s.eta === 0 ? null : s.eta,
    earliestExecutionUtc: s.eta === 0 ? null : new Date(s.eta * 1_000).toISOString(),
    calls: calls.map(callData),
  };
}
