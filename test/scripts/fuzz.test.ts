import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type Campaign, judge, readCampaigns, readListing } from "../../scripts/lib/forge";
import { BUGS, readBugs } from "../../scripts/planted";
import { ROOT } from "../../scripts/lib/scratch";

const FOLDER = join(ROOT, "test/invariants");

/** suite.invariant of every campaign, read from the sources: what a suite inherits is its own too. */
function invariantsOfSources(): string[] {
  const own = new Map<string, { base: string; names: string[] }>();
  for (const file of readdirSync(FOLDER).filter((f) => f.endsWith(".t.sol"))) {
    const source = readFileSync(join(FOLDER, file), "utf8");
    for (const part of source.split(/^contract /m).slice(1)) {
      const [, name = "", base = ""] = /^(\w+) is (\w+)/.exec(part) ?? [];
      own.set(name, { base, names: [...part.matchAll(/function (invariant_\w+)\(/g)].map((m) => m[1] ?? "") });
    }
  }
  const all = (suite: string): string[] => {
    const found = own.get(suite);
    return found === undefined ? [] : [...all(found.base), ...found.names];
  };
  return [...own.keys()].flatMap((suite) => [...new Set(all(suite))].map((name) => `${suite}.${name}`));
}

describe("scripts/fuzz", () => {
  const metrics = {
    "test/A.t.sol:Handler.often": { calls: 90, reverts: 10, discards: 0 },
    "test/A.t.sol:Handler.seldom": { calls: 10, reverts: 0, discards: 5 },
  };
  const result = {
    status: "Success",
    reason: null,
    counterexample: null,
    duration: "1m 2s 500ms 1µs",
    kind: { Invariant: { runs: 1, calls: 100, reverts: 10, metrics } },
  };
  const campaignOf = (change: object): Campaign => {
    const report = { "test/A.t.sol:Suite": { test_results: { "invariant_x()": { ...result, ...change } } } };
    const [campaign] = readCampaigns(`noise\n${JSON.stringify(report)}\n`) ?? [];
    if (campaign === undefined) throw new Error("no campaign");
    return campaign;
  };
  const withMetrics = (kind: object): Campaign =>
    campaignOf({ kind: { Invariant: { ...result.kind.Invariant, ...kind } } });

  it("reads calls, reverts and shares; a discarded call is no better than one that reverts", () => {
    const c = campaignOf({});
    expect([c.suite, c.invariant, c.runs, c.calls, c.seconds]).to.deep.equal([
      "Suite",
      "invariant_x",
      1,
      100,
      62.500001,
    ]);
    expect(c.revertRate).to.equal(0.15);
    expect(c.handlers).to.deep.equal([
      { name: "often", calls: 90, reverts: 10, share: 80 / 85 },
      { name: "seldom", calls: 10, reverts: 5, share: 5 / 85 },
    ]);
    expect(judge(c)).to.deep.equal([]);
  });

  it("finds a campaign that mostly reverts, a handler without a share, and one that did nothing", () => {
    expect(judge(withMetrics({ reverts: 25 }))).to.deep.equal(["30.0 % of the calls revert"]);
    const idle = { ...metrics, "test/A.t.sol:Handler.seldom": { calls: 10, reverts: 10, discards: 0 } };
    expect(judge(withMetrics({ metrics: idle }))).to.deep.equal(["seldom has 0.0 % of the calls"]);
    expect(judge(withMetrics({ calls: 0, reverts: 0, metrics: {} }))).to.deep.equal(["no call was made"]);
  });

  it("says what failed, and by which calls", () => {
    const step = { contract_name: "H", func_name: "often", args: "12 [1.2e1], true" };
    const c = campaignOf({ status: "Failure", reason: "lost", counterexample: { Sequence: [1, [step]] } });
    expect(judge(c)).to.deep.equal(["fails: lost"]);
    expect(c.sequence).to.deep.equal(["often(12, true)"]);
  });

  it("knows a build that failed from a report, and reads a listing", () => {
    expect(readCampaigns("Compiler run failed\n")).to.equal(undefined);
    expect([...readListing('{"b.t.sol":{"B":["invariant_b"]},"a.t.sol":{"A":["invariant_a"]}}')]).to.deep.equal([
      ["A", ["invariant_a"]],
      ["B", ["invariant_b"]],
    ]);
  });
});

describe("test/invariants/planted", () => {
  const bugs = readBugs();

  it("has a bug for every invariant, and none for another", () => {
    const planted = [...new Set(bugs.map((b) => `${b.suite}.${b.invariant}`))].sort();
    expect(planted, BUGS).to.deep.equal(invariantsOfSources().sort());
  });

  it("has patches that fit their file exactly once", () => {
    for (const bug of bugs) {
      const parts = readFileSync(join(ROOT, bug.file), "utf8").split(bug.find);
      expect(parts.length, `${bug.name}: ${bug.find}`).to.equal(2);
      expect(bug.replace, bug.name).to.not.equal(bug.find);
    }
  });
});

describe("docs/invariants.md", () => {
  const page = readFileSync(join(ROOT, "docs/invariants.md"), "utf8");
  const all = invariantsOfSources();

  it("names invariants that there are", () => {
    const named = [...page.matchAll(/`((\w+)\.invariant_\w+)`/g)].map((m) => m[1] ?? "");
    expect(named).to.not.deep.equal([]);
    for (const name of named) expect(all, name).to.include(name);
  });

  it("names every invariant", () => {
    for (const name of all) expect(page, name).to.include(`\`${name}\``);
  });

  it("names files that there are", () => {
    for (const [, path = ""] of page.matchAll(/`(test\/[\w./-]+)`/g)) {
      expect(existsSync(join(ROOT, path)), path).to.equal(true);
    }
  });
});
