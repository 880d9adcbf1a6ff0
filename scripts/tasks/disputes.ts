// Disputes: accuse, answer, vote, resolve, look. And slashes that two proofs in a file prove.
import { getAddress, isAddress } from "ethers";
import { types } from "hardhat/config";
import { EVIDENCE_KINDS } from "../../oracle/evidence";
import type { Disputes } from "../../typechain-types";
import {
  allow,
  caseIdOf,
  hashOf,
  kernelOf,
  readEvidence,
  reasonName,
  reasonOf,
  send,
  slasherOf,
  STATUSES,
} from "../lib/disputes";
import { StateError, UsageError } from "../lib/errors";
import { formatTime, formatTokens, paint, parseWhole, shortHash, table } from "../lib/format";
import type { Session } from "../lib/session";
import { command, needed } from "./define";

const KERNEL = "address of the kernel (default: that of the deployment)";
const SLASHER = "address of the slasher (default: that of the deployment)";

// ------------------------------------------------------------------------------------------------------------- open

interface OpenTask {
  kind?: string;
  subject?: string;
  epoch?: string;
  evidence?: string;
  reason?: string;
  device?: string;
  operator?: string;
  sub?: string;
  kernel?: string;
  slasher?: string;
}

command<OpenTask>({
  name: "dispute:open",
  description: "Accuses: posts the bond of the kind and opens a case",
  parameters: (t) =>
    t
      .addOptionalParam("kind", "kind of case, a number", undefined, types.string)
      .addOptionalParam("subject", "what is accused (kind 1: id of the device)", undefined, types.string)
      .addOptionalParam("epoch", "epoch that it is about (default: the current one)", undefined, types.string)
      .addOptionalParam("evidence", "FILE with the evidence, or its hash", undefined, types.string)
      .addOptionalParam("reason", "name or number of the reason", undefined, types.string)
      .addOptionalParam("device", "instead of --subject: device whose fault is claimed", undefined, types.string)
      .addOptionalParam("operator", "with --device: operator that backed it", undefined, types.string)
      .addOptionalParam("sub", "with --device: sub-network in which", undefined, types.string)
      .addOptionalParam("kernel", KERNEL, undefined, types.string)
      .addOptionalParam("slasher", SLASHER, undefined, types.string),
  run: async (args, s) => {
    const signer = await s.signer();
    const kernel = await kernelOf(s, args.kernel, signer);
    const kind = parseWhole("--kind", needed("kind", args.kind), 0xffffn);
    const evidenceHash = hashOf("--evidence", needed("evidence", args.evidence));
    const reasonCode = reasonOf(needed("reason", args.reason));
    const epoch =
      args.epoch === undefined ? await kernel.currentEpoch() : parseWhole("--epoch", args.epoch, 0xffffffffn);
    const terms = await kernel.kindOf(kind);
    if (BigInt(terms.target) === 0n) throw new StateError("UNKNOWN_KIND", `no case of kind ${kind} can be opened`);
    if ((args.subject === undefined) === (args.device === undefined)) {
      throw new UsageError("MISSING_PARAMETER", "give either --subject, or --device with --operator and --sub");
    }
    // Before a claim is proposed: whoever cannot pay the bond has sent nothing.
    await allow(s, await kernel.token(), await kernel.getAddress(), terms.bond, signer);
    const subject = args.subject === undefined ? await propose(args, epoch, s) : parseWhole("--subject", args.subject);
    const receipt = await send(s, "open", kernel, "open", [kind, subject, epoch, evidenceHash, reasonCode]);
    const opened = receipt.logs.map((log) => kernel.interface.parseLog(log)).find((e) => e?.name === "CaseOpened");
    const id = BigInt(opened?.args.getValue("caseId") as bigint);
    const { data, lines } = await described(kernel, id, s);
    return { data: { ...data, tx: receipt.hash, gasUsed: receipt.gasUsed }, lines };
  },
});

async function propose(args: OpenTask, epoch: bigint, s: Session): Promise<bigint> {
  const slasher = await slasherOf(s, args.slasher, await s.signer());
  const operator = parseWhole("--operator", needed("operator", args.operator), 2n ** 64n - 1n);
  const device = parseWhole("--device", needed("device", args.device), 2n ** 64n - 1n);
  const sub = parseWhole("--sub", needed("sub", args.sub), 0xffffn);
  const receipt = await send(s, "propose", slasher, "propose", [operator, device, sub, epoch]);
  const proposed = receipt.logs.map((log) => slasher.interface.parseLog(log)).find((e) => e?.name === "ClaimProposed");
  return BigInt(proposed?.args.getValue("claimId") as bigint);
}

// --------------------------------------------------------------------------------------------------- answer, vote

interface AnswerTask {
  id?: string;
  answer?: string;
  kernel?: string;
}

command<AnswerTask>({
  name: "dispute:answer",
  description: "Answers a case; only the accused, who posts nothing",
  parameters: (t) =>
    t
      .addOptionalParam("id", "id of the case", undefined, types.string)
      .addOptionalParam("answer", "FILE with the answer, or its hash", undefined, types.string)
      .addOptionalParam("kernel", KERNEL, undefined, types.string),
  run: async (args, s) => {
    const kernel = await kernelOf(s, args.kernel, await s.signer());
    const id = caseIdOf(needed("id", args.id));
    const receipt = await send(s, "answer", kernel, "answer", [id, hashOf("--answer", needed("answer", args.answer))]);
    const { data, lines } = await described(kernel, id, s);
    return { data: { ...data, tx: receipt.hash, gasUsed: receipt.gasUsed }, lines };
  },
});

interface VoteTask {
  id?: string;
  uphold: boolean;
  reject: boolean;
  kernel?: string;
}

command<VoteTask>({
  name: "dispute:vote",
  description: "Votes on a case that is answered, with the power of the second before it opened",
  parameters: (t) =>
    t
      .addOptionalParam("id", "id of the case", undefined, types.string)
      .addFlag("uphold", "the accusation is true")
      .addFlag("reject", "the accusation is false")
      .addOptionalParam("kernel", KERNEL, undefined, types.string),
  run: async (args, s) => {
    if (args.uphold === args.reject) throw new UsageError("MISSING_PARAMETER", "give either --uphold or --reject");
    const kernel = await kernelOf(s, args.kernel, await s.signer());
    const id = caseIdOf(needed("id", args.id));
    const receipt = await send(s, "vote", kernel, "vote", [id, args.uphold]);
    const { data, lines } = await described(kernel, id, s);
    return { data: { ...data, tx: receipt.hash, gasUsed: receipt.gasUsed }, lines };
  },
});

// ---------------------------------------------------------------------------------------------------------- resolve

interface ResolveTask {
  id?: string;
  withdraw: boolean;
  kernel?: string;
}

command<ResolveTask>({
  name: "dispute:resolve",
  description: "Decides a case whose time is over; tells its target again if it did not hear. Anyone",
  parameters: (t) =>
    t
      .addOptionalParam("id", "id of the case", undefined, types.string)
      .addFlag("withdraw", "pay the bond out to who won it")
      .addOptionalParam("kernel", KERNEL, undefined, types.string),
  run: async (args, s) => {
    const kernel = await kernelOf(s, args.kernel, await s.signer());
    const id = caseIdOf(needed("id", args.id));
    const before = await described(kernel, id, s);
    const { status, closed, resolvableFrom } = before.data;
    const txs: string[] = [];
    if (status === "open" || status === "answered") {
      const now = await s.pendingTime();
      if (now < resolvableFrom) {
        throw new StateError("TOO_EARLY", `case ${id} can be resolved from ${formatTime(resolvableFrom)} on`, {
          resolvableFrom,
        });
      }
      txs.push((await send(s, "resolve", kernel, "resolve", [id])).hash);
    } else if (!closed) {
      txs.push((await send(s, "tell the target", kernel, "retryClose", [id])).hash);
    } else if (!args.withdraw) {
      throw new StateError("DECIDED", `case ${id} is decided: ${status}`);
    }
    const { data, lines } = await described(kernel, id, s);
    const winner = data.status === "upheld" ? data.accuser : data.accused;
    let paid = 0n;
    if (args.withdraw) {
      paid = await kernel.creditOf(winner);
      if (paid === 0n) throw new StateError("NOTHING_DUE", `${winner} has nothing to withdraw`);
      txs.push((await send(s, "withdraw", kernel, "withdraw", [winner])).hash);
    }
    return {
      data: { ...data, winner, paid, txs },
      lines: [...lines, ...(paid > 0n ? [`paid ${formatTokens(paid)} tokens to ${winner}`] : [])],
    };
  },
});

// ------------------------------------------------------------------------------------------------------------- show

interface ShowTask {
  id?: string;
  kernel?: string;
}

command<ShowTask>({
  name: "dispute:show",
  description: "Shows a case, or all of them: state, votes, and what can be done next",
  sender: null,
  parameters: (t) =>
    t
      .addOptionalParam("id", "id of the case (default: the last twenty)", undefined, types.string)
      .addOptionalParam("kernel", KERNEL, undefined, types.string),
  run: async (args, s) => {
    const kernel = await kernelOf(s, args.kernel);
    if (args.id !== undefined) return described(kernel, caseIdOf(args.id), s);
    const count = await kernel.caseCount();
    const first = count > 20n ? count - 19n : 1n;
    const cases = [];
    for (let id = first; id <= count; id++) cases.push((await described(kernel, id, s)).data);
    return {
      data: { count, cases },
      lines:
        cases.length === 0
          ? ["no case was ever opened"]
          : [
              table(
                cases.map((c) => [String(c.id), String(c.kind), String(c.subject), String(c.epoch), c.status, c.next]),
                ["case", "kind", "subject", "epoch", "status", "next"],
              ),
            ],
    };
  },
});

async function described(kernel: Disputes, id: bigint, s: Session) {
  if (id === 0n || id > (await kernel.caseCount())) throw new StateError("UNKNOWN_CASE", `there is no case ${id}`);
  const c = await kernel.caseOf(id);
  const now = await s.pendingTime();
  const status = STATUSES[Number(c.status)] ?? "none";
  const resolvableFrom = Number(status === "open" ? c.answerUntil : c.voteUntil);
  const next = nextOf(status, c.closed, now, resolvableFrom);
  const data = {
    id,
    kind: Number(c.kind),
    subject: c.subject,
    epoch: Number(c.epoch),
    status,
    closed: c.closed,
    accuser: c.accuser,
    accused: c.accused,
    bond: c.bond,
    reason: reasonName(Number(c.reasonCode)),
    evidenceHash: c.evidenceHash,
    answerHash: c.answerHash,
    openedAt: Number(c.openedAt),
    answerUntil: Number(c.answerUntil),
    voteUntil: Number(c.voteUntil),
    resolvableFrom,
    forPower: c.forPower,
    againstPower: c.againstPower,
    quorum: c.quorum,
    target: c.target,
    next,
  };
  const rows = [
    ["case", String(id)],
    ["about", `kind ${data.kind}, subject ${data.subject}, epoch ${data.epoch}`],
    ["reason", `${data.reason}, evidence ${shortHash(data.evidenceHash)}`],
    ["accuser", data.accuser],
    ["accused", data.accused],
    ["bond", `${formatTokens(data.bond)} tokens`],
    ["votes", `${formatTokens(data.forPower)} for, ${formatTokens(data.againstPower)} against`],
    ["quorum", formatTokens(data.quorum)],
    ["status", paint("bold", status)],
    ["next", next],
  ];
  return { data, lines: [table(rows)] };
}

function nextOf(status: string, closed: boolean, now: number, resolvableFrom: number): string {
  if (status === "upheld" || status === "rejected") {
    return closed ? "nothing" : "the target did not hear of it: dispute:resolve tells it again";
  }
  if (now >= resolvableFrom) return "its time is over: dispute:resolve";
  return status === "open"
    ? `the accused may answer until ${formatTime(resolvableFrom)}`
    : `whoever has power may vote until ${formatTime(resolvableFrom)}`;
}

// ------------------------------------------------------------------------------------------------------------ slash

interface SlashTask {
  proofs?: string;
  fault?: string;
  bounty?: string;
  slasher?: string;
}

command<SlashTask>({
  name: "slash:submit",
  description: "Slashes what two proofs (or two signed reports) in a file prove; the bounty is the sender's",
  parameters: (t) =>
    t
      .addOptionalParam(
        "proofs",
        "FILE: two proofs as a node serves them, or two signed reports",
        undefined,
        types.string,
      )
      .addOptionalParam("fault", `one of ${Object.keys(EVIDENCE_KINDS).join(", ")}`, undefined, types.string)
      .addOptionalParam("bounty", "who gets the bounty (default: the sender)", undefined, types.string)
      .addOptionalParam("slasher", SLASHER, undefined, types.string),
  run: async (args, s) => {
    if (args.fault !== undefined && !(args.fault in EVIDENCE_KINDS)) {
      throw new UsageError(
        "UNKNOWN_FAULT",
        `--fault: "${args.fault}" is none of ${Object.keys(EVIDENCE_KINDS).join(", ")}`,
      );
    }
    const evidence = readEvidence(needed("proofs", args.proofs), args.fault);
    const signer = await s.signer();
    if (args.bounty !== undefined && !isAddress(args.bounty)) {
      throw new UsageError("BAD_ADDRESS", `--bounty: "${args.bounty}" is no address`);
    }
    const bountyTo = args.bounty === undefined ? signer.address : getAddress(args.bounty);
    const slasher = await slasherOf(s, args.slasher, signer);
    let failure: unknown;
    for (const { name, bytes } of evidence.candidates) {
      try {
        const receipt = await send(s, "submit", slasher, "submit", [EVIDENCE_KINDS[name], bytes, bountyTo]);
        const events = receipt.logs.map((log) => slasher.interface.parseLog(log));
        const slash = events.find((e) => e?.name === "DeviceSlashed" || e?.name === "MemberSlashed");
        const data = {
          fault: name,
          ...(slash?.args.toObject() ?? {}),
          bountyTo,
          tx: receipt.hash,
          gasUsed: receipt.gasUsed,
        };
        const amount = BigInt(slash?.args.getValue("slashed") as bigint);
        return {
          data,
          lines: [`${evidence.about} prove ${name}: ${paint("bold", formatTokens(amount))} tokens slashed`],
        };
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        failure ??= error; // of several faults that two messages show, the chain may take another
      }
    }
    throw failure;
  },
});
