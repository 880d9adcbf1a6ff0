// forge's answers: what a campaign called, what reverted, what failed. The judgement is pure.
import { spawn } from "node:child_process";
import { z } from "zod";

/** Bounds of a campaign: at most so many of its calls revert, and every handler has at least this share of them. */
export const MAX_REVERTS = 0.3;
export const MIN_SHARE = 0.01;

const Count = z.object({ calls: z.number(), reverts: z.number(), discards: z.number() });
const Step = z.object({
  contract_name: z.string().nullish(),
  func_name: z.string().nullish(),
  args: z.string().nullish(),
});
const Test = z.object({
  status: z.enum(["Success", "Failure", "Skipped"]),
  reason: z.string().nullable(),
  duration: z.string(),
  counterexample: z
    .union([z.object({ Sequence: z.tuple([z.number(), z.array(Step)]) }), z.record(z.string(), z.unknown())])
    .nullable(),
  kind: z.object({
    Invariant: z
      .object({ runs: z.number(), calls: z.number(), reverts: z.number(), metrics: z.record(z.string(), Count) })
      .optional(),
  }),
});
const Report = z.record(z.string(), z.object({ test_results: z.record(z.string(), Test) }));
const Listing = z.record(z.string(), z.record(z.string(), z.array(z.string())));

export interface Handler {
  readonly name: string;
  readonly calls: number;
  readonly reverts: number;
  /** Of the calls of the campaign that did not revert. */
  readonly share: number;
}

export interface Campaign {
  readonly suite: string;
  readonly invariant: string;
  readonly runs: number;
  readonly calls: number;
  readonly revertRate: number;
  readonly handlers: readonly Handler[];
  readonly seconds: number;
  /** What failed, as forge says it; undefined while the invariant holds. */
  readonly failure?: string;
  /** The shrunk sequence of calls that breaks it. */
  readonly sequence: readonly string[];
}

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly log: string;
}

/** Runs forge in `dir` (tools/forge.js finds the binary). */
export function forge(dir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ["tools/forge.js", ...args], {
      cwd: dir,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    let log = "";
    child.stdout.on("data", (d: Buffer) => out.push(d));
    child.stderr.on("data", (d: Buffer) => (log += d.toString()));
    child.on("error", fail);
    child.on("close", (code) => done({ code: code ?? 1, out: Buffer.concat(out).toString(), log }));
  });
}

/** suite → its invariants, as forge lists them. */
export function readListing(out: string): Map<string, string[]> {
  const suites = Object.values(Listing.parse(JSON.parse(lastLine(out)))).flatMap((file) => Object.entries(file));
  return new Map(suites.sort(([a], [b]) => a.localeCompare(b)));
}

/** The campaigns of `forge test --json`; undefined if forge printed no report (it did not compile). */
export function readCampaigns(out: string): Campaign[] | undefined {
  if (!lastLine(out).startsWith("{")) return undefined;
  const report = Report.parse(JSON.parse(lastLine(out)));
  return Object.entries(report).flatMap(([suite, { test_results }]) =>
    Object.entries(test_results)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([test, result]) => toCampaign(suite.split(":").pop() ?? suite, test.replace(/\(.*$/, ""), result)),
  );
}

/** Which bounds a campaign misses, in words; empty if none. */
export function judge(campaign: Campaign): string[] {
  const wrong: string[] = [];
  if (campaign.failure !== undefined) return [`fails: ${campaign.failure}`];
  if (campaign.calls === 0) wrong.push("no call was made");
  if (campaign.revertRate >= MAX_REVERTS) wrong.push(`${percent(campaign.revertRate)} of the calls revert`);
  for (const h of campaign.handlers) {
    if (h.share < MIN_SHARE) wrong.push(`${h.name} has ${percent(h.share)} of the calls`);
  }
  return wrong;
}

export function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function toCampaign(suite: string, invariant: string, test: z.infer<typeof Test>): Campaign {
  const { runs = 0, calls = 0, reverts = 0, metrics = {} } = test.kind.Invariant ?? {};
  const discards = Object.values(metrics).reduce((sum, m) => sum + m.discards, 0);
  const good = Math.max(1, calls - reverts - discards);
  return {
    suite,
    invariant,
    runs,
    calls,
    revertRate: calls === 0 ? 0 : (reverts + discards) / calls,
    handlers: Object.entries(metrics)
      .map(([name, m]) => ({
        name: name.split(".").pop() ?? name,
        calls: m.calls,
        reverts: m.reverts + m.discards,
        share: (m.calls - m.reverts - m.discards) / good,
      }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    seconds: toSeconds(test.duration),
    ...(test.status === "Success" ? {} : { failure: test.reason ?? test.status }),
    sequence: steps(test.counterexample),
  };
}

function steps(counterexample: z.infer<typeof Test>["counterexample"]): string[] {
  const sequence = z.object({ Sequence: z.tuple([z.number(), z.array(Step)]) }).safeParse(counterexample);
  if (!sequence.success) return [];
  return sequence.data.Sequence[1].map((s) => `${s.func_name ?? "?"}(${(s.args ?? "").replace(/ \[[^\]]*\]/g, "")})`);
}

/** "1m 2s 56ms 544µs" in seconds. */
function toSeconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9 };
  return [...duration.matchAll(/(\d+)(h|ms|m|s|µs|ns)/g)].reduce(
    (sum, [, n, u]) => sum + Number(n) * (units[u ?? ""] ?? 0),
    0,
  );
}

function lastLine(out: string): string {
  return out.trimEnd().split("\n").pop() ?? "";
}
