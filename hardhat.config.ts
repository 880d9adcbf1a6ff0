import "@nomicfoundation/hardhat-toolbox";
import "dotenv/config";
import { readFileSync } from "node:fs";
import {
  TASK_COMPILE_GET_REMAPPINGS,
  TASK_COMPILE_SOLIDITY_CHECK_ERRORS,
  TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD,
} from "hardhat/builtin-tasks/task-names";
import { extendEnvironment, subtask, vars } from "hardhat/config";
import { HardhatPluginError } from "hardhat/plugins";
import type { HardhatUserConfig, HttpNetworkUserConfig } from "hardhat/types";

import "./scripts/tasks";

const PLUGIN = "groundwork";
const SOLC_VERSION = "0.8.30";
const SOLC_LONG_VERSION = "0.8.30+commit.73712a01";

/** EIP-7825 (osaka) refuses a transaction above 16,777,216 gas, so a block stays below that and estimateGas works. */
const BLOCK_GAS_LIMIT = 16_000_000;

// The compiler comes from the npm package `solc` (WebAssembly): nothing is downloaded, every machine compiles the same.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD).setAction(async ({ solcVersion }: { solcVersion: string }) => {
  const { version } = JSON.parse(readFileSync(require.resolve("solc/package.json"), "utf8")) as { version: string };
  if (solcVersion !== SOLC_VERSION || version !== SOLC_VERSION) {
    throw new HardhatPluginError(
      PLUGIN,
      `sources ask for solc ${solcVersion}, npm installed ${version}; this project compiles with ${SOLC_VERSION} only`,
    );
  }
  return {
    compilerPath: require.resolve("solc/soljson.js"),
    isSolcJs: true,
    version: solcVersion,
    longVersion: SOLC_LONG_VERSION,
  };
});

// @chainlink/contracts imports OpenZeppelin by version; npm has those versions under aliases.
subtask(TASK_COMPILE_GET_REMAPPINGS).setAction(async () =>
  Object.fromEntries(
    ["4.7.3", "4.8.3", "4.9.6", "5.0.2", "5.1.0"].map((version) => [
      `@openzeppelin/contracts@${version}/`,
      `@openzeppelin/contracts-${version}/`,
    ]),
  ),
);

interface SolcMessage {
  severity: string;
  sourceLocation?: { file: string };
}

// A warning from our own sources fails the compile (runSuper has printed it); the libraries' warnings are theirs.
subtask(TASK_COMPILE_SOLIDITY_CHECK_ERRORS).setAction(
  async (args: { output: { errors?: SolcMessage[] }; quiet: boolean }, hre, runSuper) => {
    await runSuper(args);
    if ("__SOLIDITY_COVERAGE_RUNNING" in hre && hre.__SOLIDITY_COVERAGE_RUNNING === true) return; // it rewrites sources
    const warnings = (args.output.errors ?? []).filter(
      (e) => e.severity === "warning" && (e.sourceLocation?.file ?? "contracts/").startsWith("contracts/"),
    );
    if (warnings.length > 0) {
      throw new HardhatPluginError(PLUGIN, `${warnings.length} compiler warning(s), shown above: warnings are errors`);
    }
  },
);

/** `npm run test:deep`: the tests whose title has @deep, and only those. */
const DEEP = process.env.DEEP === "true";

/** A setting of a public network: .env first, then `npx hardhat vars`. */
function setting(name: string): string | undefined {
  const value = process.env[name];
  if (value) return value;
  return vars.has(name) ? vars.get(name) : undefined;
}

/** What each public network needs before it can be used; checked when it is chosen, never at load. */
const PUBLIC_NETWORKS: Readonly<Record<string, { chainId: number; rpc: string; key: string }>> = {
  amoy: { chainId: 80002, rpc: "AMOY_RPC_URL", key: "AMOY_PRIVATE_KEY" },
  polygon: { chainId: 137, rpc: "POLYGON_RPC_URL", key: "POLYGON_PRIVATE_KEY" },
};

/** A network was chosen whose settings are not all there. */
class MissingSettingError extends HardhatPluginError {
  constructor(
    readonly networkName: string,
    readonly missing: readonly string[],
  ) {
    super(
      PLUGIN,
      `network "${networkName}" needs ${missing.join(" and ")}: put them in .env (see .env.example) ` +
        `or run \`npx hardhat vars set NAME\``,
    );
  }
}

function publicNetwork({ chainId, rpc, key }: { chainId: number; rpc: string; key: string }): HttpNetworkUserConfig {
  const privateKey = setting(key);
  return {
    chainId,
    url: setting(rpc) ?? "http://127.0.0.1:0",
    accounts: privateKey ? [privateKey] : [],
  };
}

extendEnvironment((hre) => {
  const needs = PUBLIC_NETWORKS[hre.network.name];
  if (!needs) return;
  const missing = [needs.rpc, needs.key].filter((name) => !setting(name));
  if (missing.length === 0) return;
  const refuse = async (): Promise<never> => {
    throw new MissingSettingError(hre.network.name, missing);
  };
  hre.network.provider.request = refuse;
  hre.network.provider.send = refuse;
});

const config: HardhatUserConfig = {
  solidity: {
    version: SOLC_VERSION,
    settings: {
      optimizer: { enabled: true, runs: 10_000 },
      evmVersion: "cancun",
      outputSelection: { "*": { "*": ["storageLayout"] } },
    },
  },
  networks: {
    hardhat: {
      chainId: 31337,
      hardfork: process.env.HARDFORK ?? "osaka",
      blockGasLimit: BLOCK_GAS_LIMIT,
    },
    localhost: {
      chainId: 31337,
      url: process.env.LOCALHOST_RPC_URL ?? "http://127.0.0.1:8545",
    },
    ...Object.fromEntries(Object.entries(PUBLIC_NETWORKS).map(([name, needs]) => [name, publicNetwork(needs)])),
  },
  paths: {
    ignition: "deploy",
  },
  typechain: {
    outDir: "typechain-types",
    target: "ethers-v6",
  },
  mocha: {
    timeout: DEEP ? 3_600_000 : 120_000,
    failZero: true,
    // A pattern, not `invert`, so that --grep on the command line replaces it.
    grep: DEEP ? "@deep" : /^(?!.*@deep)/,
  },
  gasReporter: {
    enabled: process.env.REPORT_GAS === "true",
    offline: true,
  },
};

export default config;
