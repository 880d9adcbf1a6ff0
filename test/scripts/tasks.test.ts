// The commands themselves, on the network that deploy/ makes, and nothing but them.
import { createServer, type Server } from "node:http";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { impersonateAccount, loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { concat, parseEther, ZeroHash } from "ethers";
import hre, { ethers } from "hardhat";
import {
  encodeSettlement,
  entryLeaf,
  type Hex,
  MerkleTree,
  payoutLeaf,
  potId,
  type Settlement,
  settlementId,
  SumTree,
  workflowNameOf,
} from "../../oracle/codec";
import { CommandError, EXIT } from "../../scripts/lib/errors";
import { plain } from "../../scripts/lib/format";
import { checkParameters, DEVELOPMENT_CHAIN } from "../../deploy/parameters";
import { DEMO_PARAMETERS, deployWith } from "../helpers/deployed";
import { deviceCount, devicesFixture } from "../helpers/devices";

/** What JSON.parse gives: looked into by name, told what it is where it matters. */
interface Json {
  [key: string]: Json;
}
const list = (json: Json | undefined): Json[] => json as unknown as Json[];
const num = (json: Json | undefined): number => json as unknown as number;
const text = (json: Json | undefined): string => json as unknown as string;

const YEARS = "4y";
const SUB = 1;
const EPOCH = 1;
/** Long beside the wall clock, which a pending block follows: a slow machine changes no result. */
const VOTING_DELAY = 4_000;
const VOTING_PERIOD = 8_000;
const TIMELOCK_DELAY = 4_000;
const WINDOW = 31;
const POINTS = [300n, 100n] as const;

async function slowFixture() {
  const demo = DEMO_PARAMETERS as { governor: object; settlement: object; staking: object; devices: object };
  return deployWith(
    checkParameters(
      {
        ...demo,
        maxPause: 20_000,
        governor: { ...demo.governor, votingDelay: VOTING_DELAY, votingPeriod: VOTING_PERIOD },
        timelock: { delay: TIMELOCK_DELAY },
        settlement: { ...demo.settlement, resettlePeriod: 25_000 },
        staking: { ...demo.staking, unbondingEpochs: 50 },
        devices: { ...demo.devices, challengeEpochs: 45 },
      },
      DEVELOPMENT_CHAIN,
    ),
  );
}

/** Runs a task and gives what it prints. */
async function printed(name: string, args: object): Promise<string> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  try {
    await hre.run(name, args);
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** Runs a task with --json and gives what it prints, parsed. */
async function run(name: string, args: object = {}): Promise<Json> {
  return JSON.parse(await printed(name, { ...args, json: true })) as Json;
}

/** Runs a task that must fail, and gives its error; what it printed says the same. */
async function refused(code: string, exitCode: number, name: string, args: object = {}): Promise<string> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  let error: unknown;
  try {
    await hre.run(name, { ...args, json: true });
  } catch (caught) {
    error = caught;
  } finally {
    console.log = log;
  }
  expect(error, `${name} was not refused`).to.be.instanceOf(CommandError);
  const found = error as CommandError;
  expect([found.code, found.exitCode]).to.deep.equal([code, exitCode], found.message);
  const last = JSON.parse(lines[lines.length - 1] ?? "{}") as Json;
  expect(last.error!.code).to.equal(code);
  return found.message;
}

describe("scripts: tasks", () => {
  let root: string;
  let server: Server;
  let node: string;
  const pages = new Map<string, string>();

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "groundwork-tasks-"));
    mkdirSync(join(root, "deployments"));
    process.env.GROUNDWORK_ROOT = root;
    server = createServer((request, response) => {
      const page = pages.get(request.url ?? "");
      response.writeHead(page === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(page ?? "{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    node = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server.close();
    rmSync(root, { recursive: true });
    delete process.env.GROUNDWORK_ROOT;
  });

  beforeEach(() => pages.clear());

  const file = (): string => join(root, "deployments", "31337.json");

  async function network() {
    const deployed = await loadFixture(slowFixture);
    writeFileSync(file(), JSON.stringify(deployed.deployment));
    return deployed;
  }

  /** Locks what passes the quorum, as accounts 1 and 2 of the demo's genesis list. */
  async function voters() {
    const deployed = await network();
    await run("dao:lock", { amount: "5000000", duration: YEARS, from: deployed.others[1]!.address });
    // Last, so that the next block is the one in which the proposer proposes.
    await run("dao:lock", { amount: "20_000_000", duration: YEARS, from: "1" });
    return deployed;
  }

  const PROPOSAL = {
    target: "EmissionController",
    call: "setBuckets((7000, 0, 3000))",
    description: "More for the treasury",
    from: "1",
  };

  // --------------------------------------------------------------------------------------------------- a whole vote

  it("runs a whole vote: lock, propose, vote, queue, execute", async () => {
    const { emissions, governor } = await voters();
    expect(await emissions.bucketsNow()).to.deep.equal([7500n, 1000n, 1500n]);

    const proposed = await run("dao:propose", PROPOSAL);
    const id = text(proposed.id);
    expect(proposed.calls![0]!.text).to.equal(
      "EmissionController.setBuckets(buckets: (devicesBps: 7000, stakersBps: 0, treasuryBps: 3000))",
    );
    const early = await refused("PROPOSAL_PENDING", EXIT.state, "dao:vote", { id, support: "for", from: "1" });
    expect(early).to.contain(`(${proposed.voteStart})`).and.contain("voting opens after");
    await time.increaseTo(num(proposed.voteStart) + 1);

    await refused("PROPOSAL_ACTIVE", EXIT.state, "dao:queue", { id, from: "1" });
    const voted = await run("dao:vote", { id, support: "for", from: "1", reason: "it is time" });
    expect([voted.power, voted.votes!.for, voted.votes!.against]).to.deep.equal([
      String(parseEther("20000000")),
      String(parseEther("20000000")),
      "0",
    ]);
    await run("dao:vote", { id: "latest", support: "against", from: "2" });
    await refused("ALREADY_VOTED", EXIT.state, "dao:vote", { id, support: "against", from: "1" });
    await refused("NO_POWER", EXIT.state, "dao:vote", { id, support: "for", from: "5" });

    const active = (await run("dao:status", { id })).proposals![0]!;
    expect([active.state, active.quorum]).to.deep.equal(["Active", String(parseEther("10000000"))]);
    expect(active.calls![0]!.present).to.equal("(devicesBps: 7500, stakersBps: 1000, treasuryBps: 1500)");

    await time.increaseTo(num(active.voteEnd) + 1);
    await refused("PROPOSAL_SUCCEEDED", EXIT.state, "dao:execute", { id, from: "1" });
    const queued = await run("dao:queue", { id, from: "3" });
    expect(queued.state).to.equal("Queued");
    expect(queued.earliestExecution).to.equal(Number(await governor.proposalEta(id)));
    const pending = list((await run("dao:status")).pending);
    const ours = pending.find((p) => text(p.proposalId) === id)!;
    expect([ours.readyAt, ours.due, list(ours.calls).length]).to.deep.equal([queued.earliestExecution, false, 1]);

    const notDue = await refused("PROPOSAL_NOT_DUE", EXIT.state, "dao:execute", { id, from: "1" });
    expect(notDue).to.contain(`(${queued.earliestExecution})`);
    await run("time:advance", { seconds: String(TIMELOCK_DELAY) });
    // A setter of an epoch parameter refuses while an epoch is due.
    expect(await refused("REVERTED", EXIT.state, "dao:execute", { id, from: "3" })).to.contain("epoch:close");
    expect(list((await run("epoch:close", { from: "9" })).closed).length).to.equal(
      Number(await emissions.currentEpoch()),
    );
    expect((await run("epoch:close")).closed).to.deep.equal([]);
    expect((await run("dao:execute", { id, from: "3" })).state).to.equal("Executed");
    await refused("PROPOSAL_EXECUTED", EXIT.state, "dao:execute", { id, from: "1" });
    expect(await emissions.bucketsNext()).to.deep.equal([7000n, 0n, 3000n]);
  });

  it("shows a proposal as a table of decoded calls, votes and times", async () => {
    await voters();
    await run("dao:propose", PROPOSAL);
    const shown = await printed("dao:status", {});
    expect(shown)
      .to.contain("More for the treasury")
      .and.contain("buckets = (devicesBps: 7000, stakersBps: 0, treasuryBps: 3000)");
    expect(shown).to.contain("now: (devicesBps: 7500, stakersBps: 1000, treasuryBps: 1500)").and.contain("UTC (");
    expect(shown).to.contain("KeystoneForwarder.acceptOwnership()");
    expect(shown).to.equal(plain(shown)); // no terminal, no colour
  });

  it("proposes a grant of the treasury, which the timelock pays", async () => {
    const { token, timelock, others } = await voters();
    const to = others[8]!.address;
    const { id } = await run("dao:propose", {
      pay: "NetworkToken",
      rest: [to, "1234.5"],
      description: "A grant",
      from: "1",
    });
    const shown = (await run("dao:status", { id: "latest" })).proposals![0]!;
    expect(shown.calls![0]!.text).to.equal(
      `NetworkToken.transfer(to: ${to}, value: 1234500000000000000000 (1,234.5 tokens))`,
    );
    expect(shown.calls![0]!.present).to.contain("treasury has 10000000000000000000000000 (10,000,000 tokens)");
    await time.increase(VOTING_DELAY + 1);
    await run("dao:vote", { id, support: "for", from: "1" });
    await time.increase(VOTING_PERIOD + 1);
    await run("dao:queue", { id });
    await time.increase(TIMELOCK_DELAY + 1);
    const before = await token.balanceOf(timelock);
    // Whoever comes by may run what is due: through the governor, as it is a proposal.
    const ran = await run("timelock:run", { from: "9" });
    expect(list(ran.executed).map((e) => e.problem)).to.deep.equal([null, null]);
    expect(await token.balanceOf(to)).to.equal(parseEther("1234.5"));
    expect(before - (await token.balanceOf(timelock))).to.equal(parseEther("1234.5"));
    expect((await run("dao:status", { id })).proposals![0]!.state).to.equal("Executed");
  });

  it("proposes many calls from a file, payments of native coins among them", async () => {
    const { others } = await voters();
    const path = join(root, "calls.json");
    writeFileSync(
      path,
      JSON.stringify({
        description: "Three things",
        calls: [
          { target: "NetworkGovernor", call: "setVotingDelay(20)" },
          { target: "emissioncontroller", call: 'setReceiver("treasury", NetworkTimelock)' },
          { pay: ["native", others[4]!.address, "0.5"] },
        ],
      }),
    );
    const { calls, description } = await run("dao:propose", { file: path, from: "1" });
    expect(description).to.equal("Three things");
    expect(list(calls).map((c) => c.text)).to.deep.equal([
      "NetworkGovernor.setVotingDelay(newVotingDelay: 20)",
      'EmissionController.setReceiver(bucket: "treasury", receiver: NetworkTimelock)',
      `pay 0.5 native to ${others[4]!.address}`,
    ]);
    await refused("PROPOSAL_EXISTS", EXIT.state, "dao:propose", { file: path, from: "1" });
  });

  it("runs a due proposal that changes the governor itself", async () => {
    const { governor } = await voters();
    const { id } = await run("dao:propose", {
      target: "NetworkGovernor",
      call: "setVotingDelay(20)",
      description: "Slower",
      from: "1",
    });
    await time.increase(VOTING_DELAY + 1);
    await run("dao:vote", { id, support: "for", from: "1" });
    await time.increase(VOTING_PERIOD + 1);
    await run("dao:queue", { id });
    await time.increase(TIMELOCK_DELAY + 1);
    await run("timelock:run");
    expect(await governor.votingDelay()).to.equal(20n);
  });

  it("delegates", async () => {
    const { escrow, others } = await voters();
    const to = others[5]!.address;
    const before = await escrow.getVotes(to);
    await run("dao:delegate", { to, from: "1" });
    expect((await escrow.getVotes(to)) - before).to.equal(parseEther("20000000"));
  });

  it("refuses what cannot work, before anything is sent", async () => {
    const { escrow } = await voters();
    const locks = await escrow.lockCount();
    const usage = EXIT.usage;
    for (const [code, exit, name, args] of [
      ["MISSING_PARAMETER", usage, "dao:lock", { amount: "1" }],
      ["BAD_AMOUNT", usage, "dao:lock", { amount: "one", duration: "1d" }],
      ["BAD_AMOUNT", usage, "dao:lock", { amount: "0", duration: "1d" }],
      ["BAD_DURATION", usage, "dao:lock", { amount: "1", duration: "5y" }],
      ["BAD_DURATION", usage, "dao:lock", { amount: "1", duration: "9999y" }],
      ["BALANCE_TOO_LOW", EXIT.state, "dao:lock", { amount: "1", duration: "1d", from: "9" }],
      ["UNKNOWN_ACCOUNT", usage, "dao:lock", { amount: "1", duration: "1d", from: "99" }],
      ["UNKNOWN_ACCOUNT", usage, "dao:lock", { amount: "1", duration: "1d", from: `0x${"12".repeat(20)}` }],
      ["BAD_ADDRESS", usage, "dao:delegate", { to: "bob" }],
      ["UNKNOWN_PROPOSAL", usage, "dao:vote", { id: "123", support: "for" }],
      ["UNKNOWN_PROPOSAL", usage, "dao:status", { id: "123" }],
      ["BAD_NUMBER", usage, "dao:queue", { id: "abc" }],
      ["BAD_SUPPORT", usage, "dao:vote", { id: "latest", support: "yes" }],
      ["NO_CALLS", usage, "dao:propose", { description: "x" }],
      ["MISSING_PARAMETER", usage, "dao:propose", { target: "EmissionController", description: "x" }],
      ["MISSING_PARAMETER", usage, "dao:propose", { pay: `native 0x${"12".repeat(20)} 1` }],
      ["UNKNOWN_TARGET", usage, "dao:propose", { target: "Nobody", call: "f()", description: "x" }],
      ["UNKNOWN_FUNCTION", usage, "dao:propose", { target: "NetworkToken", call: "f()", description: "x" }],
      ["BAD_PAYMENT", usage, "dao:propose", { pay: "native", description: "x" }],
      ["BAD_FILE", usage, "dao:propose", { file: join(root, "absent.json"), description: "x" }],
      ["POWER_TOO_LOW", EXIT.state, "dao:propose", { ...PROPOSAL, from: "9" }],
      ["MISSING_PARAMETER", usage, "time:advance", {}],
      ["BAD_DURATION", usage, "time:advance", { seconds: "0" }],
    ] as const) {
      await refused(code, exit, name, args);
    }
    expect(await escrow.lockCount()).to.equal(locks);
    expect((await run("dao:status")).proposals).to.deep.equal([]);
  });

  // --------------------------------------------------------------------------------------------------------- status

  it("is red until the timelock owns the forwarder; then green", async () => {
    const { timelock, forwarder } = await network();
    let red = "";
    const first = await printed("status", {}).catch((error: CommandError) => {
      red = error.message;
      return "";
    });
    expect(first).to.equal("");
    expect(red).to.contain("the timelock does not own it yet");
    await refused("STATUS_RED", EXIT.state, "status");
    expect((await run("timelock:run")).executed).to.deep.equal([]);

    // Time passes and no block is mined, as on an idle chain.
    await hre.network.provider.send("evm_increaseTime", [TIMELOCK_DELAY + 1]);
    const ran = await run("timelock:run", { from: "4" });
    expect(ran.executed![0]!.calls![0]!.text).to.equal("KeystoneForwarder.acceptOwnership()");
    expect(await forwarder.owner()).to.equal(await timelock.getAddress());
    const status = await run("status");
    expect([status.green, list(status.red).length, status.forwarder!.handedOver]).to.deep.equal([true, 0, true]);
    expect((await run("timelock:run")).executed).to.deep.equal([]);
  });

  it("shows epochs, sub-networks, supply, council, committee and what takes force when", async () => {
    const { emissions, council, timelock } = await network();
    await run("time:advance", { seconds: String(TIMELOCK_DELAY + 1) });
    await run("timelock:run");
    await run("time:advance", { epochs: "2" });
    await run("epoch:close");
    const epoch = Number(await emissions.currentEpoch());
    const signer = await ethers.getImpersonatedSigner(await timelock.getAddress());
    await setBalance(signer.address, parseEther("1"));
    await emissions.connect(signer).setBuckets({ devicesBps: 7000, stakersBps: 0, treasuryBps: 3000 });

    const s = await run("status");
    const length = Number(await emissions.epochLength());
    expect([s.epoch!.current, s.epoch!.endsAt, s.closed!.last, s.closed!.due]).to.deep.equal([
      epoch,
      Number(await emissions.epochGenesis()) + (epoch + 1) * length,
      epoch - 1,
      0,
    ]);
    expect(list(s.subNetworks).map((n) => [n.id, n.name, n.weightBps, n.head, n.budget])).to.deep.equal(
      await Promise.all(
        ["lorawan", "gpu", "storage", "mapping", "mobility", "energy"].map(async (name, i) => [
          i + 1,
          name,
          i < 2 ? 2000 : 1500,
          null,
          String(await emissions.budgetOf(i + 1, epoch - 1)),
        ]),
      ),
    );
    expect(s.scheduled).to.deep.equal([
      {
        contract: "EmissionController",
        change: "Buckets(devicesBps: 7000, stakersBps: 0, treasuryBps: 3000)",
        fromEpoch: epoch + 1,
        startsAt: s.epoch!.endsAt,
      },
    ]);
    expect(s.supply!.total).to.equal(String(parseEther("200000000")));
    expect([s.supply!.minted, s.supply!.burned, s.credits!.supply]).to.deep.equal(["0", "0", "0"]);
    expect([s.council!.active, s.council!.floor]).to.deep.equal([true, String(await council.floor())]);
    expect([s.devices, s.operators]).to.deep.equal([
      { onboarded: 0, retired: 0 },
      { count: 0, staked: "0", rewards: "0" },
    ]);
    expect([s.committee!.members, s.committee!.equal, s.committee!.stale]).to.deep.equal([4, true, []]);
    expect(s.price!.state).to.equal("Halted");
    const shown = await printed("status", {});
    expect(shown).to.contain("lorawan").and.contain("owned by the timelock").and.contain("Buckets(devicesBps: 7000");
  });

  it("is red when the forwarder's configuration is not the committee's, or is not the only one", async () => {
    const { forwarder, timelock, others } = await network();
    await run("time:advance", { seconds: String(TIMELOCK_DELAY + 1) });
    await run("timelock:run");
    const signer = await ethers.getImpersonatedSigner(await timelock.getAddress());
    await setBalance(signer.address, parseEther("1"));
    const signers = others.slice(0, 4).map((o) => o.address);
    await forwarder.connect(signer).setConfig(1, 9, 1, signers);
    expect(await refused("STATUS_RED", EXIT.state, "status")).to.contain("still accepts");
    await forwarder.connect(signer).clearConfig(1, 9);
    await run("status");
    await forwarder.connect(signer).setConfig(1, 1, 1, signers);
    expect(await refused("STATUS_RED", EXIT.state, "status")).to.contain("is not the committee's");
  });

  // ---------------------------------------------------------------------------------------------- claims and earnings

  /** A final settlement of two payees, served by the node. */
  async function settled() {
    const deployed = await network();
    const { emissions, settlement, forwarder, parameters, others } = deployed;
    await run("time:advance", { epochs: String(EPOCH + 1) });
    await emissions.closeEpochs(EPOCH + 1);
    const budget = await emissions.budgetOf(SUB, EPOCH);
    const payees = [others[5]!.address, others[6]!.address].sort((a, b) =>
      a.toLowerCase() < b.toLowerCase() ? -1 : 1,
    );
    const entries = payees.map((payee, i) => ({
      payee,
      deviceId: BigInt(i + 1),
      points: POINTS[i]!,
      proofsRoot: ZeroHash as Hex,
    }));
    const payouts = payees.map((payee, i) => ({
      payee,
      cumulative: i === 0 ? (budget * 3n) / 4n : budget - (budget * 3n) / 4n,
    }));
    const pot = potId(SUB, 0);
    const { timestamp } = (await ethers.provider.getBlock("latest"))!;
    const s: Settlement = {
      schema: 1,
      chainId: 31337n,
      receiver: await settlement.getAddress(),
      subNetwork: SUB,
      term: 0,
      epoch: EPOCH,
      attempt: 0,
      parent: 0n,
      validUntil: BigInt(timestamp + 1_000),
      entriesRoot: new SumTree(entries.map(entryLeaf)).root,
      payoutsRoot: new MerkleTree(payouts.map((p) => payoutLeaf(pot, p))).root,
      dataHash: ZeroHash as Hex,
    };
    const forwarderAddress = await forwarder.getAddress();
    await impersonateAccount(forwarderAddress);
    await setBalance(forwarderAddress, parseEther("1"));
    const { workflowName, workflowOwner } = parameters.settlement;
    const metadata = concat([ZeroHash, workflowNameOf(workflowName), workflowOwner, "0x0001"]);
    await settlement.connect(await ethers.getSigner(forwarderAddress)).onReport(metadata, encodeSettlement(s));
    const body = JSON.stringify(
      { id: settlementId(s), settlement: s, budget, entries, payouts, state: "final" },
      (_, v: unknown) => (typeof v === "bigint" ? v.toString() : v),
    );
    pages.set(`/settlements/${SUB}/${EPOCH}`, body);
    return { ...deployed, s, body, budget, payees, payouts };
  }

  async function final() {
    const world = await settled();
    await time.increase(WINDOW);
    await world.settlement.finalise(world.s, 0);
    return world;
  }

  it("claims from a node, to the wei, and finds nothing due after that", async () => {
    const { token, payees, payouts, budget } = await final();
    const before = await token.balanceOf(payees[0]!);
    const claimed = await run("claim", { payee: payees[0], sub: "1", term: "0", node });
    expect([claimed.paid, claimed.claims![0]!.amount]).to.deep.equal([
      String((budget * 3n) / 4n),
      String(payouts[0]!.cumulative),
    ]);
    expect((await token.balanceOf(payees[0]!)) - before).to.equal(payouts[0]!.cumulative);
    await refused("NOTHING_DUE", EXIT.state, "claim", { payee: payees[0], sub: "1", node });
    await refused("NOTHING_DUE", EXIT.state, "claim", { payee: payees[0], all: true, node });
  });

  it("claims all pots of a payee from a file, with no node alive", async () => {
    const { token, payees, payouts, body } = await final();
    const path = join(root, "leaves.json");
    writeFileSync(path, `[${body}]`);
    const before = await token.balanceOf(payees[1]!);
    await run("claim", { payee: payees[1], all: true, from: path, account: "9" });
    expect((await token.balanceOf(payees[1]!)) - before).to.equal(payouts[1]!.cumulative);
    expect((await run("claim", { payee: payees[0], sub: "1", from: path })).paid).to.equal(
      String(payouts[0]!.cumulative),
    );
  });

  it("believes no leaf that the chain's root does not cover", async () => {
    const { distributor, payees, body } = await final();
    const forged = JSON.parse(body) as Json;
    const leaf = forged.payouts![0] as unknown as { cumulative: string };
    leaf.cumulative = String(BigInt(leaf.cumulative) + 1n);
    pages.set(`/settlements/${SUB}/${EPOCH}`, JSON.stringify(forged));
    const said = await refused("ROOT_MISMATCH", EXIT.state, "claim", { payee: payees[0], sub: "1", node });
    expect(said).to.contain((await distributor.potOf(potId(SUB, 0))).root);
    pages.set(`/settlements/${SUB}/${EPOCH}`, '{"settlement":{}}');
    await refused("BAD_LEAVES", EXIT.environment, "claim", { payee: payees[0], sub: "1", node });
    pages.clear();
    await refused("NO_LEAVES", EXIT.state, "claim", { payee: payees[0], sub: "1", node });
    expect(await distributor.claimedOf(potId(SUB, 0), payees[0]!)).to.equal(0n);
  });

  it("refuses a claim without source, pot or payee", async () => {
    const { payees } = await settled();
    const payee = payees[0];
    await refused("POT_EMPTY", EXIT.state, "claim", { payee, sub: "1", node });
    await refused("MISSING_PARAMETER", EXIT.usage, "claim", { payee, sub: "1" });
    await refused("BAD_NODE_URL", EXIT.environment, "claim", { payee, sub: "1", node: "ftp://x" });
    await refused("BAD_ADDRESS", EXIT.usage, "claim", { payee: "bob", sub: "1", node });
    await refused("BAD_FILE", EXIT.usage, "claim", { payee, sub: "1", from: join(root, "absent.json") });
  });

  it("says of a node that does not answer how to go on", async () => {
    const { payees } = await final();
    const silent = await refused("NODE_SILENT", EXIT.environment, "claim", {
      payee: payees[0],
      sub: "1",
      node: "http://127.0.0.1:1",
    });
    expect(silent).to.contain("--from FILE");
  });

  async function pendingAccept(): Promise<string> {
    const [operation] = list((await run("dao:status")).pending);
    return text(operation?.id);
  }

  it("shows pending and final settlements in status", async () => {
    const { settlement, s, budget, timelock, forwarder } = await settled();
    await time.increaseTo(await timelock.getTimestamp(await pendingAccept()));
    await run("timelock:run");
    expect(await forwarder.owner()).to.equal(await timelock.getAddress());
    expect((await run("status")).subNetworks![0]!.head).to.deep.equal({
      epoch: EPOCH,
      state: "pending",
      finalAt: Number((await settlement.settlementOf(SUB, EPOCH)).deadline),
      attempt: 0,
    });
    await time.increase(WINDOW);
    await settlement.finalise(s, 0);
    const status = await run("status");
    expect([status.subNetworks![0]!.head!.state, status.subNetworks![0]!.lastFinalEpoch]).to.deep.equal([
      "final",
      EPOCH,
    ]);
    expect([status.supply!.minted, status.supply!.owed]).to.deep.equal([String(budget), String(budget)]);
  });

  it("shows what a device earned, and why a proof earned nothing", async () => {
    const world = await settled();
    const devices = await loadFixtureOfDevices(world.deployment, file());
    const hash = `0x${"cd".repeat(32)}`;
    pages.set(
      `/devices/1/${EPOCH}`,
      JSON.stringify({
        device: "1",
        epoch: EPOCH,
        cell: null,
        subNetworks: [
          {
            subNetwork: SUB,
            settlement: "1",
            state: "pending",
            payee: world.payees[0],
            points: "300",
            proofs: [
              { hash: `0x${"ab".repeat(32)}`, counter: "1", units: "300", counted: true, reason: null },
              { hash, counter: "2", units: "5", counted: false, reason: "CLONED_KEY" },
            ],
          },
        ],
        rejections: [{ reason: "REPLAYED_COUNTER", messageHash: null, detail: "counter 1 was used" }],
      }),
    );
    const args = { device: "1", epoch: String(EPOCH), node };
    const earned = await run("earnings", args);
    expect(earned.epochs).to.deep.equal([
      {
        epoch: EPOCH,
        subNetwork: SUB,
        proofs: 2,
        counted: 1,
        points: "300",
        total: "400",
        amount: String((world.budget * 3n) / 4n),
        state: "pending",
        payee: world.payees[0],
        verified: true,
      },
    ]);
    expect(earned.final).to.equal("0"); // pending is not yet earned
    expect(list(earned.refused).map((r) => [r.reason, r.proof])).to.deep.equal([
      ["CLONED_KEY", hash],
      ["REPLAYED_COUNTER", null],
    ]);
    expect(await printed("earnings", args))
      .to.contain("CLONED_KEY")
      .and.contain("REPLAYED_COUNTER");

    const forged = JSON.parse(world.body) as Json;
    (forged.entries![0] as unknown as { points: string }).points = "301";
    pages.set(`/settlements/${SUB}/${EPOCH}`, JSON.stringify(forged));
    await refused("ROOT_MISMATCH", EXIT.state, "earnings", args);
    await refused("UNKNOWN_DEVICE", EXIT.state, "earnings", { ...args, device: String(devices + 1n) });
    await refused("BAD_NUMBER", EXIT.usage, "earnings", { ...args, device: "x" });
  });

  // ------------------------------------------------------------------------------------------------- the environment

  it("moves time to the start of an epoch", async () => {
    const { emissions } = await network();
    const moved = await run("time:advance", { epochs: "3" });
    expect(moved.after).to.equal(Number(await emissions.epochGenesis()) + 3 * Number(await emissions.epochLength()));
    expect([moved.epoch, Number(await emissions.currentEpoch())]).to.deep.equal([3, 3]);
  });

  it("says what is missing: no deployment, another chain's, a chain that was started anew", async () => {
    const { deployment } = await network();
    writeFileSync(file(), JSON.stringify({ ...deployment, chainId: 137 }));
    await refused("WRONG_CHAIN", EXIT.environment, "status");
    const contracts = { ...deployment.contracts, NetworkGovernor: `0x${"12".repeat(20)}` };
    writeFileSync(file(), JSON.stringify({ ...deployment, contracts }));
    expect(await refused("STALE_DEPLOYMENT", EXIT.environment, "status")).to.contain("--reset");
    writeFileSync(file(), "{}");
    await refused("BAD_DEPLOYMENT", EXIT.environment, "status");
    rmSync(file());
    await refused("NO_DEPLOYMENT", EXIT.environment, "status");
  });
});

/** Puts a registry with one onboarded device into the deployment's file. Returns how many it has. */
async function loadFixtureOfDevices(deployment: { contracts: Record<string, string> }, file: string): Promise<bigint> {
  const { registry, onboardFor, alice } = await devicesFixture();
  await onboardFor(alice);
  const contracts = { ...deployment.contracts, DeviceRegistry: await registry.getAddress() };
  writeFileSync(file, JSON.stringify({ ...deployment, contracts }));
  return deviceCount(registry);
}
