// npm start: a whole network on one machine. See README.md; npm start -- --help lists the options.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { Command, InvalidArgumentError } from "commander";
import { formatUnits, type Interface } from "ethers";
import { messageOf, revertData } from "./lib/errors";
import { endWithUs, stopAll } from "./network/processes";
import type { Progress, RunResult } from "./network/run";

const ROOT = resolve(__dirname, "..");

interface Flags {
  devices: number;
  epochs: number;
  killNodes: number;
  seed: string;
  keep?: boolean;
  json?: boolean;
}

function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`give a number from ${min} to ${max}`);
    return value;
  };
}

function parseFlags(): Flags {
  return new Command("npm start --")
    .description(
      "Runs a network of six sub-networks on this machine: chain, contracts, four oracle nodes, devices, a DAO",
    )
    .option("--devices <n>", "honest devices", whole(6, 600), 60)
    .option("--epochs <n>", "epochs to prove and settle", whole(3, 25), 3)
    .option("--kill-nodes <n>", "oracle nodes to kill (SIGKILL) in epoch 2", whole(0, 4), 0)
    .option("--seed <text>", "of places and people; keys are fresh in every run", "groundwork")
    .option("--keep", "leave chain and nodes running until Ctrl-C and print where they are")
    .option("--json", "print one JSON object as the last line")
    .parse()
    .opts<Flags>();
}

/** Steps as lines, counts as a bar; on standard error, so that --json alone is on standard output. */
function screen(quiet: boolean): Progress & { done(): void } {
  const begin = process.uptime();
  const bar = new SingleBar({
    format: "  {bar} {value}/{total} {text}",
    stream: process.stderr,
    clearOnComplete: true,
  });
  let shown = "";
  const end = (): void => {
    if (shown) bar.stop();
    shown = "";
  };
  return {
    step(text) {
      end();
      if (!quiet) console.error(`${(process.uptime() - begin).toFixed(0).padStart(4)} s  ${text}`);
    },
    count(text, done, total) {
      if (quiet) return;
      if (shown !== text) {
        end();
        bar.start(total, done, { text });
        shown = text;
      }
      bar.update(done, { text });
      if (done === total) end();
    },
    done: end,
  };
}

/** TypeChain's classes are generated: the first run on a fresh clone compiles. */
function compile(): void {
  const cli = require.resolve("hardhat/internal/cli/cli");
  const { status, stderr, stdout } = spawnSync(process.execPath, [cli, "compile", "--quiet"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the contracts do not compile:\n${stdout}${stderr}`);
}

const tokens = (wei: bigint): string =>
  `${Number(formatUnits(wei)).toLocaleString("en", { maximumFractionDigits: 3 })} GRND`;

function show(r: RunResult): void {
  const table = new Table({ head: ["what", "figure"], wordWrap: true, colWidths: [26, 92] });
  const gas = r.reports.map((x) => Number(x.gasUsed)).sort((a, b) => a - b);
  table.push(
    ["devices / operators", `${r.devices} / ${r.operators}`],
    ["oracle nodes", r.nodes.map((n) => `pid ${n.pid}`).join(", ") + (r.killed ? `; ${r.killed} killed` : "")],
    ["epochs settled", String(r.epochsSettled)],
    [
      "reports",
      `${r.reports.length}, ${r.reports[0]?.signatures ?? 0} signatures each, ${gas[0] ?? 0} to ${gas.at(-1) ?? 0} gas`,
    ],
    [
      "minted = paid + held",
      `${tokens(r.minted)} = ${tokens(r.paid)} + ${tokens(r.held)}: ${r.conserved ? "conserved" : "NOT CONSERVED"}`,
    ],
    ["claims", `${r.claims.count}, ${tokens(r.claims.amount)}`],
    ["credits", `${r.creditsMinted} minted for ${tokens(r.tokensBurned)} burned; ${r.creditsSpent} spent`],
    ["vote", r.proposal ? `${r.proposal.state} in ${r.proposal.tx}` : "none"],
    [
      "bucket split (bps)",
      r.split
        ? `${r.split.before.join("/")} → ${r.split.after.join("/")} from epoch ${r.split.epoch}: ${r.split.exact ? "exact to the wei" : "not seen"}`
        : "none",
    ],
    ...lifeRows(r),
    ["grant", r.grant ? `${r.grant.state} in ${r.grant.tx}` : "none"],
    [
      "refused by the nodes",
      Object.entries(r.rejected)
        .map(([k, n]) => `${k} ${n}`)
        .join(", "),
    ],
    [
      "paid to cheats",
      Object.entries(r.cheatPayouts)
        .map(([k, v]) => `${k}: ${v}`)
        .join(", "),
    ],
  );
  console.log(table.toString());
  for (const problem of r.problems) console.log(`PROBLEM: ${problem}`);
}

function lifeRows({ sold, recovered, slashed, accusation, delegator }: RunResult): [string, string][] {
  const rows: [string, string][] = [];
  if (sold)
    rows.push([
      `device ${sold.device} sold`,
      `in epoch ${sold.epoch}: ${tokens(sold.earned.seller)} of that epoch to the seller, ${tokens(sold.earned.buyer)} since to the buyer`,
    ]);
  if (recovered) rows.push([`device ${recovered.device} recovered`, `${recovered.lost} → ${recovered.owner}`]);
  if (slashed)
    rows.push([
      `cheat ${slashed.device} slashed`,
      `${tokens(slashed.amount)} of its bond of ${tokens(slashed.bond)}: ${tokens(slashed.bounty)} bounty, ${tokens(slashed.burned)} burned`,
    ]);
  if (accusation)
    rows.push([
      `device ${accusation.device} accused`,
      `${accusation.upheld ? "upheld" : "rejected"}: the accuser's ${tokens(accusation.bond)} to the accused; ${tokens(accusation.released)} of ${tokens(accusation.held)} held released`,
    ]);
  if (delegator)
    rows.push([
      "delegator",
      `delegated ${tokens(delegator.delegated)}, earned ${tokens(delegator.earned)}, got ${tokens(delegator.returned)} back`,
    ]);
  return rows;
}

async function main(): Promise<void> {
  const flags = parseFlags();
  endWithUs();
  const folder = mkdtempSync(join(tmpdir(), "groundwork-"));
  const progress = screen(false);
  let failed = true;
  try {
    progress.step("compile the contracts (a fresh clone takes half a minute)");
    compile();
    const { runNetwork } = await import("./network/run.js"); // needs what the compile generates
    const { devices, epochs, killNodes, seed } = flags;
    const { network, result } = await runNetwork({ devices, epochs, killNodes, seed, folder }, progress);
    progress.done();
    failed = result.problems.length > 0;
    show(result);
    if (flags.keep) {
      console.log(`rpc         ${result.rpc}`);
      console.log(`addresses   ${result.deploymentFile}`);
      console.log(
        `tasks       GROUNDWORK_ROOT=${folder} LOCALHOST_RPC_URL=${result.rpc} npx hardhat status --network localhost`,
      );
      for (const node of network.committee.alive) console.log(`node ${node.index + 1}      ${node.url}`);
    }
    if (flags.json) {
      console.log(
        JSON.stringify(result, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
      );
    }
    process.exitCode = failed ? 1 : 0;
    if (flags.keep) {
      console.error("Ctrl-C ends it.");
      await new Promise(() => undefined);
    }
  } finally {
    progress.done();
    await stopAll();
    if (!failed) rmSync(folder, { recursive: true, force: true });
    else console.error(`logs: ${folder}`);
  }
}

/** A refused transaction by the name of the contract's error, anything else by its message. */
async function explain(error: unknown): Promise<string> {
  const data = revertData(error);
  if (data !== undefined && data !== "0x") {
    const { CONTRACTS } = await import("./lib/deployment.js");
    const types: Readonly<Record<string, object>> = await import("../typechain-types/index.js");
    for (const name of Object.keys(CONTRACTS)) {
      const factory = types[`${name}__factory`];
      if (factory === undefined || !("createInterface" in factory)) continue;
      const parsed = (factory.createInterface as () => Interface)().parseError(data);
      if (parsed) return `a transaction would fail: ${parsed.name}(${parsed.args.join(", ")})`;
    }
  }
  return messageOf(error).slice(0, 1_000);
}

main().catch(async (error: unknown) => {
  console.error(await explain(error));
  process.exit(2);
});
