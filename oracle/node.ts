// Runs one node: `npm run node -- --config FILE`. Exit codes: docs/oracle.md.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { loadConfig } from "./config";
import { messageOf, NodeError } from "./errors";

const CONNECT_ATTEMPTS = 20;
const CONNECT_PAUSE_MS = 500;

async function main(): Promise<void> {
  const { config: file } = new Command()
    .name("node")
    .description("One member of the committee: takes proofs, settles epochs, reports the price")
    .requiredOption("--config <file>", "configuration, see docs/oracle.md")
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : new NodeError("config", "arguments", error.message);
    })
    .parse()
    .opts<{ config: string }>();
  const config = loadConfig(file);
  if (!existsSync(join(__dirname, "..", "typechain-types"))) {
    throw new NodeError("notCompiled", "typechain-types", "is absent: run `npm run compile` first");
  }
  // After that check, since they import generated types.
  const [{ EthersChain }, { OracleNode }, { decode }] = await Promise.all([
    import("./ethers-chain.js"),
    import("./app.js"),
    import("./scoring/index.js"),
  ]);

  const { rpcUrl, chainId } = config.chain;
  const connect = () =>
    EthersChain.connect(rpcUrl, chainId, config.transmitterKey, config.deployment, config.timing.pollMs);
  const chain = await retry(connect);
  const node = await OracleNode.make(config, chain, decode);
  const port = await node.listen();
  node.run();
  process.stdout.write(`${JSON.stringify({ ready: true, node: config.index, pid: process.pid, port })}\n`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    node
      .stop()
      .then(() => chain.close())
      .then(() => process.exit(0), fail);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** A chain that does not answer is asked again for a while; a wrong one is not. */
async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const unreachable = error instanceof NodeError && error.where === "chain.rpcUrl";
      if (!unreachable || attempt >= CONNECT_ATTEMPTS) throw error;
      await new Promise((done) => setTimeout(done, CONNECT_PAUSE_MS));
    }
  }
}

function fail(error: unknown): never {
  if (error instanceof Error && "exitCode" in error && error.exitCode === 0) process.exit(0); // --help
  const problem =
    error instanceof NodeError
      ? { error: error.kind, where: error.where, problem: error.problem }
      : { error: "unexpected", where: "node", problem: messageOf(error) };
  process.stderr.write(`${JSON.stringify(problem)}\n`);
  process.exit(error instanceof NodeError ? error.exitCode : 1);
}

main().catch(fail);
