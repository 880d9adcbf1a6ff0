// npx hardhat authority [--json] --network NAME: who may do what, from the running chain; exit 1 if it is not what
// deploy/roles.json and the parameters say.
import Table from "cli-table3";
import { BrowserProvider } from "ethers";
import { task } from "hardhat/config";
import { loadParameters } from "../../deploy/parameters";
import { compareAuthority, expectedAuthority, readAuthority } from "../lib/authority";
import { DeploymentError, factories, loadDeployment } from "../lib/deployment";
import { chainIdOf } from "../lib/journal";

const PLAIN = { compact: true, head: [], border: [] };

task("authority", "Shows who may call what, and checks it against the committed files")
  .addFlag("json", "Print one JSON object")
  .addOptionalParam("deployment", "A file of addresses other than deployments/<chainId>.json")
  .setAction(async ({ json, deployment: file }: { json: boolean; deployment?: string }, hre) => {
    await hre.run("compile", { quiet: true });
    factories();
    const chainId = await chainIdOf(hre.network.provider);
    const deployment = loadDeployment(file ?? chainId, hre.config.paths.root);
    const parameters = loadParameters(chainId, hre.config.paths.root);
    if (parameters.hash !== deployment.parametersHash) {
      throw new DeploymentError("the parameters file is not the one of this deployment: set GROUNDWORK_PARAMETERS");
    }
    const provider = new BrowserProvider(hre.network.provider, chainId);
    const block = await provider.getBlockNumber();
    const now = await readAuthority(deployment, parameters, provider);
    const differences = compareAuthority(now, expectedAuthority(deployment, parameters, now));

    if (json) {
      console.log(JSON.stringify({ chainId, block, ...now, differences }));
    } else {
      const functions = new Table({ head: ["target", "function", "role", "delay", "holder"], style: PLAIN });
      for (const f of now.functions) {
        functions.push([f.target, f.function.replace(/\(.*/, ""), f.role, `${f.delay} s`, f.holder]);
      }
      const holders = new Table({ head: ["where", "what", "holder", "delay"], style: PLAIN });
      for (const r of [...now.roles, ...now.owners, ...now.pointers]) {
        holders.push([r.where, r.what, r.holder, `${r.delay} s`]);
      }
      console.log(`${functions.toString()}\n${holders.toString()}`);
      for (const d of differences) console.log(`${d.kind}: ${d.line}`);
      console.log(
        differences.length === 0 ? "as committed" : `${differences.length} differences from the committed files`,
      );
    }
    if (differences.length > 0) process.exitCode = 1;
  });
