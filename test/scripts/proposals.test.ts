import { expect } from "chai";
import { Interface, type LogDescription } from "ethers";
import { AddressBook } from "../../scripts/lib/book";
import { CommandError, EXIT } from "../../scripts/lib/errors";
import { operationsFrom, type TimelockLog } from "../../scripts/lib/operations";
import {
  type Action,
  adviceFor,
  findProposal,
  notBefore,
  parseSupport,
  type Proposal,
  PROPOSAL_STATES,
  type ProposalState,
  requireReady,
  type Standing,
  stateOf,
} from "../../scripts/lib/proposals";
import { forwarderConfigs, committeeHash, pausedEntries, scheduledChanges } from "../../scripts/lib/status";
import type { ParsedLog } from "../../scripts/lib/session";

const ADDRESS = "0x00000000000000000000000000000000000000E1";
const SIGNERS = ["0x00000000000000000000000000000000000000a1", "0x00000000000000000000000000000000000000A2"];

function standing(state: ProposalState, change: Partial<Standing> = {}): Standing {
  const votes = { for: 5n * 10n ** 18n, against: 2n * 10n ** 18n, abstain: 0n };
  return {
    id: 7n,
    state,
    snapshot: 1_000,
    deadline: 2_000,
    eta: 3_000,
    now: 2_500,
    votes,
    quorum: 9n * 10n ** 18n,
    ...change,
  };
}

function refusal(action: Action, s: Standing): CommandError | null {
  try {
    requireReady(action, s);
  } catch (error) {
    expect(error).to.be.instanceOf(CommandError);
    return error as CommandError;
  }
  return null;
}

describe("scripts: proposals", () => {
  it("lets pass what may be done: vote, queue, execute from the second it is due", () => {
    expect(refusal("vote", standing("Active"))).to.equal(null);
    expect(refusal("queue", standing("Succeeded"))).to.equal(null);
    expect(refusal("execute", standing("Queued", { now: 3_000 }))).to.equal(null);
    expect(refusal("execute", standing("Queued", { now: 2_999 }))?.code).to.equal("PROPOSAL_NOT_DUE");
  });

  for (const [action, state, code, says] of [
    ["vote", "Pending", "PROPOSAL_PENDING", "voting opens after"],
    ["vote", "Succeeded", "PROPOSAL_SUCCEEDED", "dao:queue --id 7"],
    ["vote", "Queued", "PROPOSAL_QUEUED", "dao:execute --id 7"],
    ["vote", "Executed", "PROPOSAL_EXECUTED", "it is done"],
    ["queue", "Pending", "PROPOSAL_PENDING", "vote, then try"],
    ["queue", "Active", "PROPOSAL_ACTIVE", "voting runs until"],
    ["queue", "Defeated", "PROPOSAL_DEFEATED", "5 for, 2 against, 0 abstaining, quorum 9"],
    ["queue", "Queued", "PROPOSAL_QUEUED", "dao:execute --id 7"],
    ["execute", "Succeeded", "PROPOSAL_SUCCEEDED", "dao:queue --id 7"],
    ["execute", "Queued", "PROPOSAL_NOT_DUE", "(3000), in 8 min 20 s"],
    ["execute", "Canceled", "PROPOSAL_CANCELED", "propose again"],
    ["execute", "Expired", "PROPOSAL_EXPIRED", "propose again"],
  ] as const) {
    it(`refuses to ${action} when ${state}, and says what to do`, () => {
      const error = refusal(action, standing(state));
      expect(error?.code).to.equal(code);
      expect(error?.exitCode).to.equal(EXIT.state);
      expect(error?.message).to.contain(says);
    });
  }

  it("says when a queued proposal can be executed now", () => {
    expect(adviceFor("execute", standing("Queued", { now: 3_000 }))).to.equal(
      "it can be executed now: npx hardhat dao:execute --id 7",
    );
  });

  it("knows from when on", () => {
    expect(notBefore("vote", standing("Pending"))).to.equal(1_001);
    expect(notBefore("queue", standing("Pending"))).to.equal(2_001);
    expect(notBefore("queue", standing("Active"))).to.equal(2_001);
    expect(notBefore("execute", standing("Queued"))).to.equal(3_000);
    expect(notBefore("vote", standing("Executed"))).to.equal(null);
  });

  it("has the states in the governor's order", () => {
    expect(PROPOSAL_STATES.map((_, i) => stateOf(BigInt(i)))).to.deep.equal([...PROPOSAL_STATES]);
    expect(() => stateOf(8n)).to.throw(CommandError, "8");
  });

  it("finds a proposal by id or as the latest, and says what exists when there is none", () => {
    const proposals = [1n, 2n].map((id) => ({ id }) as Proposal);
    expect(findProposal(proposals, "1").id).to.equal(1n);
    expect(findProposal(proposals, "0x2").id).to.equal(2n);
    expect(findProposal(proposals, "latest").id).to.equal(2n);
    expect(() => findProposal(proposals, "3")).to.throw(CommandError, "the last is 2");
    expect(() => findProposal([], "latest")).to.throw(CommandError, "none yet");
    expect(() => findProposal([], "abc")).to.throw(CommandError, "no whole number");
  });

  it("knows three kinds of support and no other", () => {
    expect(["for", "against", "abstain"].map(parseSupport)).to.deep.equal(["for", "against", "abstain"]);
    for (const text of ["yes", "", "toString"]) expect(() => parseSupport(text)).to.throw(CommandError, "--support");
  });
});

const TIMELOCK = new Interface([
  "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
  "event CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data)",
  "event CallSalt(bytes32 indexed id, bytes32 salt)",
  "event Cancelled(bytes32 indexed id)",
]);
const NETWORK = new Interface([
  "event BucketsScheduled(uint16 devicesBps, uint16 stakersBps, uint16 treasuryBps, uint32 fromEpoch)",
  "event ReporterScheduled(uint16 indexed channel, address indexed forwarder, address workflowOwner, bytes10 workflowName, uint32 fromEpoch)",
  "event EntryPaused(bytes4 indexed entry, uint48 until)",
  "event EntryReopened(bytes4 indexed entry)",
  "event ConfigSet(uint32 indexed donId, uint32 indexed configVersion, uint8 f, address[] signers)",
  "function lock(uint128 amount, uint32 duration)",
]);
const known = { name: "Contract", address: ADDRESS, iface: NETWORK };
const book = new AddressBook([known]);

function logOf(iface: Interface, name: string, values: readonly unknown[]): LogDescription {
  const log = iface.parseLog(iface.encodeEventLog(name, [...values]));
  if (log === null) throw new Error(`no event ${name}`);
  return log;
}
const timelockLog = (name: string, ...values: unknown[]): TimelockLog => ({
  block: 1,
  event: logOf(TIMELOCK, name, values),
});
const networkLog = (name: string, ...values: unknown[]): ParsedLog => ({
  block: 1,
  contract: known,
  event: logOf(NETWORK, name, values),
});
const word = (n: number): string => `0x${n.toString(16).padStart(64, "0")}`;

describe("scripts: what events tell", () => {
  it("puts batches together, and knows what is done", () => {
    const call = (id: number, index: number, data: string): TimelockLog =>
      timelockLog("CallScheduled", word(id), index, ADDRESS, index, data, word(0), 60);
    const ops = operationsFrom([
      call(1, 0, "0x01"),
      call(1, 1, "0x02"),
      timelockLog("CallSalt", word(1), word(9)),
      call(2, 0, "0x03"),
      call(3, 0, "0x04"),
      timelockLog("CallExecuted", word(2), 0, ADDRESS, 0, "0x03"),
      timelockLog("Cancelled", word(3)),
      call(3, 0, "0x04"),
    ]);
    expect(ops.map((o) => [o.id, o.payloads, o.values, o.salt, o.done])).to.deep.equal([
      [word(1), ["0x01", "0x02"], [0n, 1n], word(9), null],
      [word(2), ["0x03"], [0n], word(0), "executed"],
      [word(3), ["0x04"], [0n], word(0), null],
    ]);
  });

  it("lists what takes force later, the last word on each thing", () => {
    const name = "0x00000000000000000000";
    const changes = scheduledChanges(
      [
        networkLog("BucketsScheduled", 1, 2, 3, 5),
        networkLog("BucketsScheduled", 7000, 0, 3000, 8),
        networkLog("ReporterScheduled", 1, ADDRESS, ADDRESS, name, 4),
        networkLog("ReporterScheduled", 2, ADDRESS, ADDRESS, name, 6),
      ],
      4,
      (epoch) => epoch * 100,
      { book },
    );
    expect(changes).to.deep.equal([
      {
        contract: "Contract",
        change: `Reporter(channel: 2, forwarder: Contract, workflowOwner: Contract, workflowName: ${name})`,
        fromEpoch: 6,
        startsAt: 600,
      },
      {
        contract: "Contract",
        change: "Buckets(devicesBps: 7000, stakersBps: 0, treasuryBps: 3000)",
        fromEpoch: 8,
        startsAt: 800,
      },
    ]);
  });

  it("lists pauses that last", () => {
    const lock = NETWORK.getFunction("lock")?.selector;
    const paused = networkLog("EntryPaused", lock, 50);
    const other = networkLog("EntryPaused", "0x12345678", 90);
    expect(pausedEntries([paused, other], 49)).to.deep.equal([
      { contract: "Contract", entry: "lock", until: 50 },
      { contract: "Contract", entry: "0x12345678", until: 90 },
    ]);
    expect(pausedEntries([paused, other, networkLog("EntryReopened", "0x12345678")], 50)).to.deep.equal([]);
  });

  it("knows which configurations the forwarder accepts, and their hashes", () => {
    const configs = forwarderConfigs([
      networkLog("ConfigSet", 1, 1, 1, SIGNERS),
      networkLog("ConfigSet", 1, 2, 2, SIGNERS),
      networkLog("ConfigSet", 1, 1, 0, []),
    ]);
    expect([...configs]).to.deep.equal([["1/2", committeeHash(1n, 2n, 2n, SIGNERS)]]);
    expect(committeeHash(1n, 2n, 1n, SIGNERS)).to.not.equal(committeeHash(1n, 2n, 2n, SIGNERS));
  });
});
