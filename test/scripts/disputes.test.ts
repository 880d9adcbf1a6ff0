// The commands of disputes and slashes, on the network that deploy/ makes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { parseEther } from "ethers";
import hre, { ethers } from "hardhat";
import { hex } from "../../oracle/codec";
import type { SignedMessage } from "../../oracle/evidence";
import { checkParameters, DEVELOPMENT_CHAIN } from "../../deploy/parameters";
import { CommandError, EXIT } from "../../scripts/lib/errors";
import { DEMO_PARAMETERS, deployWith } from "../helpers/deployed";
import {
  ACCOUNTABLE,
  CASE_BOND,
  DEVICE_BOND,
  disputesFixture,
  EVIDENCE_HASH,
  KIND,
  MEMBER_BOND,
  MOOD,
  slasherFixture,
  termsOf,
} from "../helpers/disputes";
import { EPOCH, MAX_PAUSE, MIN_UNBONDING, SUB } from "../helpers/devices";

interface Json {
  [key: string]: Json;
}

async function captured(work: () => Promise<unknown>): Promise<string[]> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  try {
    await work();
  } finally {
    console.log = log;
  }
  return lines;
}

async function run(name: string, args: object = {}): Promise<Json> {
  return JSON.parse((await captured(() => hre.run(name, { ...args, json: true }))).join("\n")) as Json;
}

async function refused(code: string, exitCode: number, name: string, args: object = {}): Promise<string> {
  let error: unknown;
  await captured(async () => {
    error = await hre.run(name, { ...args, json: true }).catch((caught: unknown) => caught);
  });
  expect(error, `${name} was not refused`).to.be.instanceOf(CommandError);
  const found = error as CommandError;
  expect([found.code, found.exitCode]).to.deep.equal([code, exitCode], found.message);
  return found.message;
}

async function kernelFixture() {
  const { deployment } = await deployWith(checkParameters(DEMO_PARAMETERS, DEVELOPMENT_CHAIN));
  const f = await disputesFixture();
  return { ...f, deployment, kernel: await f.disputes.getAddress() };
}

async function claimsFixture() {
  const { deployment } = await deployWith(checkParameters(DEMO_PARAMETERS, DEVELOPMENT_CHAIN));
  const f = await slasherFixture();
  const escrow = await ethers.deployContract("VoteEscrow", [f.manager, f.token, f.genesis, EPOCH, 60, 600, 600]);
  const disputes = await ethers.deployContract("Disputes", [
    f.manager,
    f.token,
    escrow,
    f.genesis,
    EPOCH,
    Math.max(ACCOUNTABLE, MIN_UNBONDING * EPOCH),
    MAX_PAUSE,
    0,
  ]);
  await disputes.setKind(2, termsOf(f.slasher));
  await f.slasher.setDisputes(disputes);
  return { ...f, deployment, disputes };
}

describe("commands: disputes", () => {
  const root = mkdtempSync(join(tmpdir(), "groundwork-disputes-"));

  before(() => {
    mkdirSync(join(root, "deployments"));
    process.env.GROUNDWORK_ROOT = root;
  });

  after(() => {
    rmSync(root, { recursive: true });
    delete process.env.GROUNDWORK_ROOT;
  });

  async function on<F extends { deployment: unknown }>(fixture: () => Promise<F>): Promise<F> {
    const f = await loadFixture(fixture);
    writeFileSync(join(root, "deployments", "31337.json"), JSON.stringify(f.deployment));
    return f;
  }

  function file(name: string, body: unknown): string {
    const path = join(root, name);
    writeFileSync(path, typeof body === "string" ? body : JSON.stringify(body));
    return path;
  }

  const wire = ({ message, signature, key }: SignedMessage) => ({
    message: hex(message),
    signature,
    key: { type: key.keyType, x: key.x, y: key.y },
    payload: "",
  });

  it("accuse, answer, vote, resolve and pay out; show says what is next at every step @deep", async () => {
    const { kernel, accuser, accused, bob, token, disputes } = await on(kernelFixture);
    const evidence = file("evidence.txt", "two photographs");
    const hash = ethers.id("two photographs");
    const opened = await run("dispute:open", {
      kernel,
      kind: "1",
      subject: "7",
      evidence,
      reason: "falseLocation",
      from: accuser.address,
    });
    expect([opened.id, opened.status, opened.reason, opened.evidenceHash, opened.accused]).to.deep.equal([
      "1",
      "open",
      "falseLocation",
      hash,
      accused.address,
    ]);
    const early = await refused("TOO_EARLY", EXIT.state, "dispute:resolve", { kernel, id: "1" });
    expect(early).to.include("case 1 can be resolved from");
    expect((await run("dispute:show", { kernel, id: "1" })).next).to.include("the accused may answer until");
    await run("dispute:answer", { kernel, id: "1", answer: hash, from: accused.address });
    const voted = await run("dispute:vote", { kernel, id: "1", uphold: false, reject: true, from: bob.address });
    expect([voted.status, voted.againstPower]).to.deep.equal(["answered", parseEther("3000").toString()]);
    expect(voted.next).to.include("may vote until");
    await time.increaseTo((await disputes.caseOf(1)).voteUntil);
    expect((await run("dispute:show", { kernel, id: "1" })).next).to.equal("its time is over: dispute:resolve");
    const before = await token.balanceOf(accused);
    const resolved = await run("dispute:resolve", { kernel, id: "1", withdraw: true });
    expect([resolved.status, resolved.winner, resolved.paid, resolved.next]).to.deep.equal([
      "rejected",
      accused.address,
      CASE_BOND.toString(),
      "nothing",
    ]);
    expect(await token.balanceOf(accused)).to.equal(before + CASE_BOND);
    await refused("DECIDED", EXIT.state, "dispute:resolve", { kernel, id: "1", withdraw: false });
    await refused("NOTHING_DUE", EXIT.state, "dispute:resolve", { kernel, id: "1", withdraw: true });
    const all = await run("dispute:show", { kernel });
    expect([all.count, (all.cases as unknown as Json[]).map((c) => c.status)]).to.deep.equal(["1", ["rejected"]]);
    const lines = await captured(() => hre.run("dispute:show", { kernel, json: false }));
    expect(lines.join("\n")).to.include("rejected");
  });

  it("resolve tells a target again that did not hear", async () => {
    const { kernel, accuser, accused, target, disputes } = await on(kernelFixture);
    await disputes.connect(accuser).open(KIND, 1, await disputes.currentEpoch(), EVIDENCE_HASH, 1);
    await target.set(accused.address, MOOD.reverts);
    await time.increaseTo((await disputes.caseOf(1)).answerUntil);
    expect((await run("dispute:resolve", { kernel, id: "1" })).next).to.include("did not hear");
    expect(await refused("REVERTED", EXIT.state, "dispute:resolve", { kernel, id: "1" })).to.include("would fail");
    await target.set(accused.address, MOOD.fine);
    expect((await run("dispute:resolve", { kernel, id: "1" })).closed).to.equal(true);
  });

  it("refuse what cannot be, and send nothing", async () => {
    const { kernel, accuser, stranger, bob, disputes } = await on(kernelFixture);
    const open = { kernel, kind: "1", subject: "7", evidence: EVIDENCE_HASH, reason: "2", from: accuser.address };
    const bad = (change: object) => ["dispute:open", { ...open, ...change }] as const;
    await refused("NOT_DEPLOYED", EXIT.environment, ...bad({ kernel: stranger.address }));
    await refused("BAD_ADDRESS", EXIT.usage, ...bad({ kernel: "0x12" }));
    await refused("MISSING_PARAMETER", EXIT.usage, ...bad({ kind: undefined }));
    await refused("MISSING_PARAMETER", EXIT.usage, ...bad({ subject: undefined }));
    await refused("MISSING_PARAMETER", EXIT.usage, ...bad({ device: "3" }));
    await refused("UNKNOWN_KIND", EXIT.state, ...bad({ kind: "9" }));
    await refused("BAD_NUMBER", EXIT.usage, ...bad({ kind: "65536" }));
    await refused("BAD_REASON", EXIT.usage, ...bad({ reason: "envy" }));
    await refused("BAD_REASON", EXIT.usage, ...bad({ reason: "0" }));
    await refused("BAD_FILE", EXIT.usage, ...bad({ evidence: join(root, "nowhere") }));
    await refused("BAD_HASH", EXIT.usage, ...bad({ evidence: ethers.ZeroHash }));
    await refused("NO_FUNDS", EXIT.state, ...bad({ from: stranger.address }));
    const late = await refused("REVERTED", EXIT.state, ...bad({ epoch: "1" }));
    expect(late).to.include("DisputesEpochTooOld");
    expect(await disputes.caseCount()).to.equal(0);
    await refused("UNKNOWN_CASE", EXIT.state, "dispute:show", { kernel, id: "1" });
    await refused("MISSING_PARAMETER", EXIT.usage, "dispute:vote", { kernel, id: "1", uphold: true, reject: true });
    const vote = { kernel, id: "1", uphold: true, reject: false, from: bob.address };
    expect(await refused("REVERTED", EXIT.state, "dispute:vote", vote)).to.include("DisputesCaseUnknown");
  });

  it("claim a fault that cannot be proven: proposed and opened in one command @deep", async () => {
    const { disputes, slasher, deviceId, controller, token, bob, ledger } = await on(claimsFixture);
    const [kernel, at] = [await disputes.getAddress(), await slasher.getAddress()];
    const opened = await run("dispute:open", {
      kernel,
      slasher: at,
      kind: "2",
      device: deviceId.toString(),
      operator: "1",
      sub: String(SUB),
      evidence: EVIDENCE_HASH,
      reason: "serviceNotGiven",
      from: bob.address,
    });
    expect([opened.subject, opened.accused, opened.kind]).to.deep.equal(["1", controller.address, 2]);
    await time.increaseTo((await disputes.caseOf(1)).answerUntil);
    const stake = await ledger.slashableOf(1);
    const resolved = await run("dispute:resolve", { kernel, id: "1", withdraw: true, from: bob.address });
    expect([resolved.status, resolved.winner]).to.deep.equal(["upheld", bob.address]);
    expect(await ledger.slashableOf(1)).to.equal(stake - DEVICE_BOND);
    expect(await token.balanceOf(disputes)).to.equal(0);
  });

  it("slash what two proofs in a file prove", async () => {
    const { slasher, sign, startOf, epoch, deviceId, bob } = await on(claimsFixture);
    const at = await slasher.getAddress();
    // Two faults: the times are too close for the second, which is tried first and refused.
    const [a, b] = [sign(), sign({ meter: 3n, time: startOf(epoch) + 101n })];
    const proofs = file("proofs.json", [wire(a), wire(b)]);
    const slashed = await run("slash:submit", { proofs, slasher: at, from: bob.address });
    expect([slashed.fault, slashed.deviceId, slashed.slashed, slashed.bountyTo]).to.deep.equal([
      "doubleSignedCounter",
      deviceId.toString(),
      DEVICE_BOND.toString(),
      bob.address,
    ]);
    const again = await refused("REVERTED", EXIT.state, "slash:submit", { proofs, slasher: at });
    expect(again).to.include("SlasherFaultSettled");
  });

  it("slash what two signed reports in a file prove", async () => {
    const { slasher, report, members, bob, stranger } = await on(claimsFixture);
    const proofs = file("reports.json", [report(), report({ parent: 6n })]);
    const at = await slasher.getAddress();
    const slashed = await run("slash:submit", { proofs, slasher: at, bounty: stranger.address, from: bob.address });
    expect([slashed.fault, slashed.member, slashed.slashed, slashed.bountyTo]).to.deep.equal([
      "committeeEquivocation",
      members[0]!.address,
      MEMBER_BOND.toString(),
      stranger.address,
    ]);
  });

  it("refuse files that prove nothing: the reason, and nothing is sent", async () => {
    const { slasher, sign, report, startOf, epoch } = await on(claimsFixture);
    const submit = (proofs: string, more: object = {}) =>
      ["slash:submit", { proofs, slasher: slasher.target, ...more }] as const;
    const honest = [wire(sign()), wire(sign({ counter: 11n, time: startOf(epoch) + 200n, meter: 1_001n }))];
    await refused("BAD_FILE", EXIT.usage, ...submit(join(root, "nowhere")));
    await refused("BAD_FILE", EXIT.usage, ...submit(file("a.json", "{")));
    await refused("BAD_FILE", EXIT.usage, ...submit(file("b.json", [honest[0]])));
    await refused("BAD_FILE", EXIT.usage, ...submit(file("c.json", [honest[0], { ...honest[1], message: "0x12" }])));
    await refused(
      "BAD_FILE",
      EXIT.usage,
      ...submit(file("d.json", [{ ...report(), signature: `0x${"00".repeat(64)}1b` }, report()])),
    );
    await refused("NO_FAULT", EXIT.usage, ...submit(file("e.json", honest)));
    await refused("NO_FAULT", EXIT.usage, ...submit(file("f.json", [wire(sign()), wire(sign())])));
    await refused("NO_FAULT", EXIT.usage, ...submit(file("g.json", [report(), report({ validUntil: 3n })])));
    await refused("NO_FAULT", EXIT.usage, ...submit(file("h.json", [wire(sign()), wire(sign({ kind: SUB + 1 }))])));
    const twice = file("i.json", [wire(sign()), wire(sign({ meter: 3n }))]);
    await refused("NO_FAULT", EXIT.usage, ...submit(twice, { fault: "counterRunBack" }));
    await refused("UNKNOWN_FAULT", EXIT.usage, ...submit(twice, { fault: "lateness" }));
    await refused("BAD_ADDRESS", EXIT.usage, ...submit(twice, { bounty: "me" }));
  });
});
