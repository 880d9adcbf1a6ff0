// The deployment as a process of its own: what `npx hardhat ignition deploy deploy/modules/Groundwork.ts` does.
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { PARAMETERS_ENV } from "../../deploy/parameters";
import { type Running, start } from "../network/processes";
import { type Deployment, DeploymentError, loadDeployment } from "./deployment";

const ROOT = resolve(__dirname, "../..");

export interface DeployOptions {
  /** A node with chain id 31337, at which account 0 is unlocked. */
  rpcUrl: string;
  /** Letters, digits and dashes: names the journal, so that runs do not meet. */
  id: string;
  logFile: string;
  parametersFile?: string;
}

/** Where the journal of a named deployment is, with its deployment.json. */
export const journalOf = (id: string): string => join(ROOT, "deploy", "deployments", id);

/** Starts a deployment; `ended` tells its exit code. Killed, it is resumed by another one with the same id. */
export function startDeployment(o: DeployOptions): Running {
  const cli = require.resolve("hardhat/internal/cli/cli");
  const args = [
    "ignition",
    "deploy",
    "deploy/modules/Groundwork.ts",
    "--network",
    "localhost",
    "--deployment-id",
    o.id,
  ];
  return start("deployment", [cli, ...args], o.logFile, {
    LOCALHOST_RPC_URL: o.rpcUrl,
    ...(o.parametersFile === undefined ? {} : { [PARAMETERS_ENV]: o.parametersFile }),
  });
}

/** Deploys, or resumes, and returns the addresses. */
export async function deployGroundwork(o: DeployOptions): Promise<Deployment> {
  const code = await startDeployment(o).ended;
  const file = join(journalOf(o.id), "deployment.json");
  if (code !== 0 || !existsSync(file))
    throw new DeploymentError(`the deployment ended with code ${code}: see ${o.logFile}`);
  return loadDeployment(file);
}

/** Removes the journal of a named deployment. */
export function forgetDeployment(id: string): void {
  rmSync(journalOf(id), { recursive: true, force: true });
}
