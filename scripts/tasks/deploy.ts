// `npx hardhat ignition deploy deploy/modules/Groundwork.ts --network NAME`, with three things added: a journal that is
// not of this chain is told, a chain that mines at once is polled often, and the addresses are written to a file.
import { scope } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types";
import { resolve } from "node:path";
import { loadParameters } from "../../deploy/parameters";
import {
  chainIdOf,
  checkJournal,
  forgetBegun,
  journalDir,
  keepNoBuildInfo,
  minesAtOnce,
  noteSentTransactions,
  writeDeployment,
} from "../lib/journal";

const GROUNDWORK = "deploy/modules/Groundwork.ts";
const FAST_POLLING_MS = 20;

interface Arguments {
  modulePath: string;
  deploymentId?: string;
  reset: boolean;
}

scope("ignition")
  .task("deploy")
  .setAction(async (args: Arguments, hre: HardhatRuntimeEnvironment, runSuper: (args: Arguments) => Promise<void>) => {
    if (resolve(args.modulePath) !== resolve(hre.config.paths.root, GROUNDWORK)) return runSuper(args);

    const chainId = await chainIdOf(hre.network.provider);
    const parameters = loadParameters(chainId, hre.config.paths.root);
    const dir = journalDir(hre, chainId, args.deploymentId);
    if (dir !== undefined && !args.reset) {
      await checkJournal(hre.network.provider, dir);
      forgetBegun(dir);
      await noteSentTransactions(hre.network.provider, dir);
    }
    if (await minesAtOnce(hre.network.provider)) {
      hre.config.ignition.blockPollingInterval = FAST_POLLING_MS;
      keepNoBuildInfo();
    }

    await runSuper(args);

    if (dir === undefined) return;
    const file = await writeDeployment(hre, { dir, chainId, parameters, named: args.deploymentId !== undefined });
    if (file !== undefined) console.log(`Addresses: ${file}`);
  });
