// npm run fuzz:planted: plants each bug of test/invariants/planted/ in a scratch copy; its invariant must find it. Exit 0 only
// if every bug is found and every invariant has one.
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { z } from "zod";
import { forge, readCampaigns, readListing } from "./lib/forge";
import { table } from "./lib/format";
import { readNamed, removeCopy, ROOT, scratchCopy, withPatch } from "./lib/scratch";

export const BUGS = "test/invariants/planted";
/** What forge reads: its build is copied too, so that only what a bug touches is compiled. */
const NEEDED = ["contracts", "test/invariants", "test/vectors", "deploy", "tools", "foundry.toml", ".forge"];

const Bug = z.strictObject({
  bug: z.string().min(1),
  file: z.string(),
  find: z.string().min(1),
  replace: z.string(),
  suite: z.string(),
  invariant: z.string(),
});
type Bug = z.infer<typeof Bug> & { name: string };

type Verdict = "found" | "NOT FOUND" | "BROKEN PATCH";

interface Result {
  readonly bug: Bug;
  readonly verdict: Verdict;
  readonly seconds: number;
  /** What the invariant said, or the compiler. */
  readonly said: string;
}

export function readBugs(): Bug[] {
  return readNamed(BUGS, Bug);
}

async function plant(dir: string, bug: Bug): Promise<Result> {
  const begin = process.hrtime.bigint();
  const result = (verdict: Verdict, said: string): Result => ({
    bug,
    verdict,
    said,
    seconds: Number(process.hrtime.bigint() - begin) / 1e9,
  });
  const args = ["test", "--json", "--match-contract", `^${bug.suite}$`, "--match-test", `^${bug.invariant}\\(`];
  // That it fails is enough: nobody has to read the shortest way to it.
  const answer = await withPatch(dir, bug, () => forge(dir, args, { FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: "0" }));
  if (answer === undefined) return result("BROKEN PATCH", `"${bug.find}" does not occur exactly once in ${bug.file}`);

  const campaigns = readCampaigns(answer.out);
  if (campaigns === undefined) return result("BROKEN PATCH", answer.log.slice(-2000));
  const campaign = campaigns.find((c) => c.invariant === bug.invariant);
  if (campaign === undefined) {
    return result("BROKEN PATCH", campaigns.map((c) => `${c.invariant}: ${c.failure ?? "holds"}`).join("; "));
  }
  return campaign.failure === undefined ? result("NOT FOUND", "") : result("found", campaign.failure);
}

async function main(): Promise<void> {
  const options = new Command("planted")
    .description("Plants a bug per invariant and checks that the invariant finds it")
    .option("--only <text>", "bugs whose file name, suite or invariant contains this")
    .option("--json", "print one JSON object as the last line")
    .parse()
    .opts<{ only?: string; json?: boolean }>();
  const only = options.only ?? "";
  const bugs = readBugs().filter((b) => [b.name, b.suite, b.invariant].some((text) => text.includes(only)));
  if (bugs.length === 0) throw new Error(`no bug ${only} in ${BUGS}`);

  const listed = await forge(ROOT, ["test", "--list", "--json"]);
  if (listed.code !== 0) throw new Error(`forge does not compile the invariants:\n${listed.log}`);
  const all = [...readListing(listed.out)].flatMap(([suite, names]) => names.map((name) => `${suite}.${name}`));
  const without = only === "" ? all.filter((name) => !bugs.some((b) => `${b.suite}.${b.invariant}` === name)) : [];

  const dir = scratchCopy("planted", NEEDED);
  const bar = new SingleBar({ format: "planted bugs {bar} {value}/{total} {name}", noTTYOutput: false });
  bar.start(bugs.length, 0, { name: "" });
  const results: Result[] = [];
  try {
    for (const bug of bugs) {
      bar.update({ name: bug.name });
      const result = await plant(dir, bug);
      results.push(result);
      bar.increment();
      if (!process.stderr.isTTY) console.error(`${bug.name}: ${result.verdict}`);
    }
  } finally {
    bar.stop();
    removeCopy(dir);
  }

  const rows = results.map((r) => [
    r.bug.name,
    r.bug.bug,
    r.bug.invariant,
    r.verdict,
    r.verdict === "found" ? r.said : "",
    r.seconds.toFixed(0),
  ]);
  console.log(table(rows, ["bug", "planted", "invariant", "verdict", "it says", "s"]));
  const wrong = results.filter((r) => r.verdict !== "found");
  for (const r of wrong) console.log(`\n${r.bug.name}: ${r.verdict}\n${r.said}`);
  for (const name of without) console.log(`\n${name}: no bug is planted for it`);
  console.log(
    `${results.length - wrong.length} found, ${wrong.length} not, ${without.length} invariants without a bug`,
  );
  if (options.json) {
    console.log(JSON.stringify({ results: results.map((r) => ({ ...r, bug: r.bug.name })), without }));
  }
  process.exitCode = wrong.length + without.length === 0 ? 0 : 1;
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  });
}
