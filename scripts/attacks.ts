// npm run attacks: takes each guard away by its one-line patch in a scratch copy and must see its test go red.
// Guards: test/attacks/guards/*.json. Exit 0 only if every test is green with its guard and red without.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { z } from "zod";
import { readNamed, removeCopy, ROOT, scratchCopy, withPatch } from "./lib/scratch";

const Guard = z.strictObject({
  id: z.string().regex(/^A-[A-Z]+\d+$/),
  attack: z.string().min(1),
  guard: z.string().min(1),
  file: z.string(),
  find: z.string().min(1),
  replace: z.string(),
  test: z.string(),
});
export type Guard = z.infer<typeof Guard> & { name: string };

type Verdict = "red" | "STILL GREEN" | "BROKEN PATCH" | "NO TEST";

interface Result {
  guard: Guard;
  verdict: Verdict;
  seconds: number;
  output: string;
}

export function readGuards(): Guard[] {
  return readNamed("test/attacks/guards", Guard);
}

/** docs/attacks.md: id → test → guard. test/attacks/page.test.ts holds the committed page against the guard files. */
export function attacksPage(guards: readonly Guard[]): string {
  const order = (name: string): string => name.replace(/\d+/g, (n) => n.padStart(4, "0"));
  const cell = (text: string): string => text.replace(/\|/g, "\\|").replace(/\s+/g, " ");
  const rows = [...guards]
    .sort((a, b) => (order(a.name) < order(b.name) ? -1 : 1))
    .map((g) => `| ${g.id} | ${cell(g.attack)} | ${g.test} | ${cell(g.guard)} |`);
  return [
    "# Attacks",
    "",
    "Every attack that the suite withstands today, the test that mounts it (its title begins with the id) and the guard that stops",
    "it. `npm run attacks` takes each guard away by a one-line patch in a scratch copy and must see its test go red. This page is",
    "written from test/attacks/guards/ by `npm run attacks -- --docs`; a test holds it against them.",
    "",
    "Families: D devices and proofs, O oracle, E emission and claims, S staking, G governance and access. What is not in this table is",
    "not claimed: prices and paid use (O7, O8, E5, E6, M1 to M8) come with the stages after it. Checks of the oracle nodes are in",
    "test/oracle/ and test/e2e/.",
    "",
    "| id | attack | test | guard |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** Runs the attack's tests in `dir`; tells how many passed and failed. */
async function runTest(dir: string, guard: Guard): Promise<{ passing: number; failing: number; output: string }> {
  const grep = `\\[${guard.id}\\]`;
  const output = await new Promise<string>((done) => {
    const child = spawn("npx", ["hardhat", "test", guard.test, "--grep", grep], {
      cwd: dir,
      env: { ...process.env, GROUNDWORK_TESTING: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.on("data", (d: Buffer) => (text += d.toString()));
    child.stderr.on("data", (d: Buffer) => (text += d.toString()));
    child.on("close", () => done(text));
  });
  const count = (word: string): number => Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
  return { passing: count("passing"), failing: count("failing"), output };
}

async function tryGuard(dir: string, guard: Guard): Promise<Result> {
  const begin = process.hrtime.bigint();
  const result = (verdict: Verdict, output = ""): Result => ({
    guard,
    verdict,
    output,
    seconds: Number(process.hrtime.bigint() - begin) / 1e9,
  });
  const without = await withPatch(dir, guard, () => runTest(dir, guard));
  if (without === undefined) return result("BROKEN PATCH", `"${guard.find}" does not occur exactly once`);
  if (without.failing > 0) return result("red");
  return result(without.passing > 0 ? "STILL GREEN" : "BROKEN PATCH", without.output);
}

async function main(): Promise<void> {
  const options = new Command("attacks")
    .description("Removes each guard in a scratch copy and checks that its attack test goes red")
    .option("--only <id>", "one attack or guard, e.g. A-D4 or A-O3-2")
    .option("--jobs <n>", "scratch copies at work side by side", "2")
    .option("--json", "print one JSON object as the last line")
    .option("--docs", "write docs/attacks.md from the guard files, and run nothing")
    .parse()
    .opts<{ only?: string; jobs: string; json?: boolean; docs?: boolean }>();

  if (options.docs) return writeFileSync(join(ROOT, "docs/attacks.md"), attacksPage(readGuards()));
  const guards = readGuards().filter(
    (g) => options.only === undefined || g.id === options.only || g.name === options.only,
  );
  if (guards.length === 0) throw new Error(`no guard ${options.only ?? ""} in test/attacks/guards`);

  const dirs = Array.from({ length: Math.min(Number(options.jobs), guards.length) }, () => scratchCopy("attacks"));
  const bar = new SingleBar({ format: "guards {bar} {value}/{total} {name}", noTTYOutput: false });
  bar.start(guards.length, 0, { name: "" });
  const results: Result[] = [];
  try {
    // Green with all guards in place, each test once, before anything is taken away.
    const first = dirs[0] ?? "";
    for (const id of new Set(guards.map((g) => `${g.test} ${g.id}`))) {
      const guard = guards.find((g) => `${g.test} ${g.id}` === id);
      if (guard === undefined) continue;
      const intact = await runTest(first, guard);
      if (intact.passing === 0 || intact.failing > 0) {
        results.push({ guard, verdict: "NO TEST", seconds: 0, output: intact.output });
      }
    }
    const queue = guards.filter((g) => !results.some((r) => r.guard.id === g.id && r.guard.test === g.test));
    await Promise.all(
      dirs.map(async (dir) => {
        for (let guard = queue.shift(); guard !== undefined; guard = queue.shift()) {
          const result = await tryGuard(dir, guard);
          results.push(result);
          bar.increment({ name: guard.name });
          if (!process.stderr.isTTY) console.error(`${guard.name}: ${result.verdict}`);
        }
      }),
    );
  } finally {
    bar.stop();
    for (const dir of dirs) removeCopy(dir);
  }

  const table = new Table({ head: ["attack", "guard taken away", "test", "verdict", "s"] });
  for (const r of results.sort((a, b) => a.guard.name.localeCompare(b.guard.name))) {
    table.push([r.guard.name, r.guard.guard, r.guard.test, r.verdict, r.seconds.toFixed(0)]);
  }
  console.log(table.toString());
  const wrong = results.filter((r) => r.verdict !== "red");
  for (const r of wrong) console.log(`\n${r.guard.name}: ${r.verdict}\n${r.output.slice(-3000)}`);
  console.log(`${results.length - wrong.length} passed, ${wrong.length} failed`);
  if (options.json) {
    console.log(JSON.stringify(results.map((r) => ({ id: r.guard.id, name: r.guard.name, verdict: r.verdict }))));
  }
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  });
}
