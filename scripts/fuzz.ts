// npm run fuzz: the invariants of test/invariants/ by forge, from a fixed seed (foundry.toml). Says of each how many calls its
// campaign made, how many of them reverted and what share each handler had. Exit 0 only if every invariant holds and every
// campaign keeps the bounds of scripts/lib/forge.ts.
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { type Campaign, forge, judge, MAX_REVERTS, MIN_SHARE, percent, readCampaigns, readListing } from "./lib/forge";
import { table } from "./lib/format";
import { ROOT } from "./lib/scratch";

interface Options {
  readonly deep?: boolean;
  readonly only?: string;
  readonly json?: boolean;
}

async function main(): Promise<void> {
  const options = new Command("fuzz")
    .description("Runs the invariants and measures their campaigns")
    .option("--deep", "more and longer runs")
    .option("--only <name>", "suites and invariants whose name contains this")
    .option("--json", "print one JSON object as the last line")
    .parse()
    .opts<Options>();
  const env = options.deep ? { FOUNDRY_PROFILE: "deep" } : {};

  const bar = new SingleBar({ format: "{what} {bar} {value}/{total} invariants", noTTYOutput: false });
  const campaigns: Campaign[] = [];
  bar.start(1, 0, { what: "compiling" });
  try {
    const listed = await forge(ROOT, ["test", "--list", "--json"], env);
    if (listed.code !== 0) throw new Error(`forge does not compile the invariants:\n${listed.log}`);
    const wanted = select(readListing(listed.out), options.only);
    bar.setTotal([...wanted.values()].reduce((sum, names) => sum + names.length, 0));
    for (const [suite, names] of wanted) {
      bar.update({ what: suite });
      const tests = `^(${names.join("|")})\\(`;
      const answer = await forge(
        ROOT,
        ["test", "--json", "--match-contract", `^${suite}$`, "--match-test", tests],
        env,
      );
      const found = readCampaigns(answer.out);
      if (found === undefined) throw new Error(`forge ran ${suite} and gave no report:\n${answer.log}`);
      campaigns.push(...found);
      bar.increment(names.length);
    }
  } finally {
    bar.stop();
  }

  report(campaigns);
  if (options.json) {
    console.log(JSON.stringify(campaigns.map((c) => ({ ...c, wrong: judge(c) }))));
  }
  process.exitCode = campaigns.every((c) => judge(c).length === 0) ? 0 : 1;
}

function select(listing: Map<string, string[]>, only = ""): Map<string, string[]> {
  const wanted = new Map(
    [...listing]
      .map(([suite, names]): [string, string[]] => [
        suite,
        suite.includes(only) ? names : names.filter((n) => n.includes(only)),
      ])
      .filter(([, names]) => names.length > 0),
  );
  if (wanted.size === 0) throw new Error(`no suite or invariant is called ${only}`);
  return wanted;
}

function report(campaigns: readonly Campaign[]): void {
  const rows: string[][] = [];
  for (const c of campaigns) {
    const least = c.handlers.reduce<Campaign["handlers"][number] | undefined>(
      (low, h) => (low === undefined || h.share < low.share ? h : low),
      undefined,
    );
    const verdict = c.failure !== undefined ? "FAILS" : judge(c).length > 0 ? "BOUND MISSED" : "holds";
    const share = least === undefined ? "–" : `${percent(least.share)} ${least.name}`;
    const figures = [String(c.runs), String(c.calls), percent(c.revertRate)];
    rows.push([c.suite, c.invariant, ...figures, share, c.seconds.toFixed(1), verdict]);
  }
  for (const suite of new Set(campaigns.map((c) => c.suite))) console.log(`${shares(suite, campaigns)}\n`);
  console.log(table(rows, ["suite", "invariant", "runs", "calls", "reverts", "least share", "s", "verdict"]));

  const wrong = campaigns.filter((c) => judge(c).length > 0);
  for (const c of wrong) {
    console.log(`\n${c.suite}.${c.invariant}: ${judge(c).join("; ")}`);
    for (const [i, step] of c.sequence.entries()) console.log(`  ${i + 1}. ${step}`);
  }
  const bounds = `bounds: reverts < ${percent(MAX_REVERTS)}, every handler ≥ ${percent(MIN_SHARE)} of the calls`;
  console.log(`${campaigns.length - wrong.length} hold, ${wrong.length} do not (${bounds})`);
}

/** Each handler's share of the calls that did not revert, in each campaign of the suite. */
function shares(suite: string, campaigns: readonly Campaign[]): string {
  const own = campaigns.filter((c) => c.suite === suite);
  const names = [...new Set(own.flatMap((c) => c.handlers.map((h) => h.name)))].sort();
  const rows = names.map((name) => [
    name,
    ...own.map((c) => {
      const h = c.handlers.find((x) => x.name === name);
      if (h === undefined) return "–";
      return `${percent(h.share)}${h.reverts > 0 ? ` (${h.reverts} of ${h.calls} revert)` : ""}`;
    }),
  ]);
  return table(rows, [suite, ...own.map((c) => c.invariant.replace(/^invariant_/, ""))]);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
});
