import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkParameters, loadParameters, ParameterError, PARAMETERS_ENV } from "../../deploy/parameters";

const ROOT = resolve(__dirname, "../..");
type Json = Record<string, unknown>;
const read = (file: string): Json => JSON.parse(readFileSync(join(ROOT, file), "utf8")) as Json;
const demo = (): Json => read("deploy/parameters/31337.json");
const publicChain = (): Json => read("test/deploy/80002.rehearsal.json");

/** A copy with the value at `path` replaced. */
function withValue(json: Json, path: string, value: unknown): Json {
  const copy = structuredClone(json);
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  const parent = steps.reduce<Json>((at, step) => at[step] as Json, copy);
  parent[last] = value;
  return copy;
}

function problemOf(run: () => unknown): { problem: string; key: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ParameterError) return { problem: error.problem, key: error.key };
    throw error;
  }
  throw new Error("it was accepted");
}

describe("deployment parameters", () => {
  it("takes the demo file on the development chain, and tells the least unbonding period", () => {
    const p = checkParameters(demo(), 31337);
    // 1 + ⌈(900 + 60 + 60 + 60) ÷ 600⌉
    expect(p.minUnbondingEpochs).to.equal(3);
    expect(p.token.cap).to.equal(10n ** 27n);
    expect(p.emissions.subNetworks.map((n) => n.name)).to.deep.equal([
      "lorawan",
      "gpu",
      "storage",
      "mapping",
      "mobility",
      "energy",
    ]);
    expect(p.hash).to.match(/^0x[0-9a-f]{64}$/);
  });

  for (const chainId of [80002, 137]) {
    it(`refuses chain ${chainId} until a team has filled in what is its own`, () => {
      const file = `deploy/parameters/${chainId}.json`;
      expect(problemOf(() => loadParameters(chainId, ROOT))).to.deep.equal({ problem: "missing", key: "guardian" });
      const own: [string, unknown][] = [
        ["guardian", demo().guardian],
        ["council", demo().council],
        ["token.genesis", (demo().token as Json).genesis],
        ["settlement.workflowOwner", demo().guardian],
        ["committee.members", (demo().committee as Json).members],
      ];
      const filled = own.reduce((json, [key, value]) => withValue(json, key, value), read(file));
      const p = checkParameters(filled, chainId);
      expect(p.settlement.forwarder).to.equal("0x76c9cf548b4179F8901cda1f8623568b58215E62");
      expect(p.timelock.delay).to.equal(2 * 86_400);
      for (const [key] of own) {
        expect(
          problemOf(() => checkParameters(withValue(filled, key, null), chainId)),
          key,
        ).to.deep.equal({
          problem: "missing",
          key,
        });
      }
    });
  }

  it("refuses demo periods on any chain but the development chain", () => {
    expect(checkParameters(publicChain(), 80002).chainId).to.equal(80002);
    const short: [string, number | string][] = [
      ["timelock.delay", 2 * 86_400 - 1],
      ["governor.votingDelay", 60],
      ["escrow.minDuration", 600],
      ["settlement.minWindow", 60],
      ["makers.bondDelay", 600],
      ["committee.bondDelay", 600],
      ["committee.minBond", "0"],
    ];
    for (const [key, value] of short) {
      expect(
        problemOf(() => checkParameters(withValue(publicChain(), key, value), 80002)),
        key,
      ).to.deep.equal({
        problem: "refused",
        key,
      });
    }
  });

  it("refuses what contradicts itself, naming the key", () => {
    const wrong: [string, unknown, string][] = [
      ["chainId", 137, "chainId"],
      ["token.cap", "1000", "token.cap"],
      ["governor.quorumFloor", String(10n ** 25n - 1n), "governor.quorumFloor"],
      ["governor.lateQuorumExtension", 61, "governor.lateQuorumExtension"],
      ["maxPause", 119, "maxPause"],
      ["maxPause", 120 + 2 * 86_400 + 1, "maxPause"],
      ["escrow.minDuration", 126_144_001, "escrow.minDuration"],
      ["price.maxStepBps", 0, "price.maxStepBps"],
      ["price.minE8", "10000000001", "price.minE8"],
      ["devices.challengeEpochs", 1, "devices.challengeEpochs"],
      ["staking.unbondingEpochs", 2, "staking.unbondingEpochs"],
      ["emissions.buckets.devicesBps", 7_999, "emissions.buckets"],
      ["emissions.rateCapacity", String(3n * 10n ** 23n - 1n), "emissions.rateCapacity"],
      ["emissions.rateRefillPerSecond", "1", "emissions.rateRefillPerSecond"],
      ["settlement.window", 61, "settlement.window"],
      ["settlement.resettlePeriod", 719, "settlement.resettlePeriod"],
      ["committee.f", 2, "committee.f"],
    ];
    for (const [path, value, key] of wrong) {
      expect(
        problemOf(() => checkParameters(withValue(demo(), path, value), 31337)),
        path,
      ).to.deep.equal({
        problem: "refused",
        key,
      });
    }
    const twice = (demo().committee as { members: unknown[] }).members.map((_, i, all) => all[i === 3 ? 0 : i]);
    expect(problemOf(() => checkParameters(withValue(demo(), "committee.members", twice), 31337)).key).to.equal(
      "committee.members",
    );
  });

  it("refuses what is malformed, naming the key", () => {
    const wrong: [string, unknown, string][] = [
      ["guardian", "0x00", "guardian"],
      ["guardian", "0x0000000000000000000000000000000000000000", "guardian"],
      ["token.cap", "1e27", "token.cap"],
      ["epochs.length", 0, "epochs.length"],
      ["committee.members", [], "committee.members"],
    ];
    for (const [path, value, key] of wrong) {
      expect(
        problemOf(() => checkParameters(withValue(demo(), path, value), 31337)),
        path,
      ).to.deep.equal({
        problem: "invalid",
        key,
      });
    }
    expect(problemOf(() => checkParameters({ ...demo(), surprise: 1 }, 31337)).problem).to.equal("invalid");
  });

  it("reads the file that GROUNDWORK_PARAMETERS names, and tells what is wrong with it", () => {
    const dir = mkdtempSync(join(tmpdir(), "groundwork-parameters-"));
    const before = process.env[PARAMETERS_ENV];
    try {
      const file = join(dir, "own.json");
      process.env[PARAMETERS_ENV] = file;
      expect(problemOf(() => loadParameters(31337, ROOT))).to.deep.equal({
        problem: "missing",
        key: "file for chain 31337",
      });
      writeFileSync(file, "{");
      expect(problemOf(() => loadParameters(31337, ROOT))).to.deep.equal({ problem: "invalid", key: "file" });
      writeFileSync(file, JSON.stringify(withValue(demo(), "maxPause", 601)));
      expect(loadParameters(31337, ROOT).maxPause).to.equal(601);
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, PARAMETERS_ENV);
      else process.env[PARAMETERS_ENV] = before;
      rmSync(dir, { recursive: true });
    }
  });
});
