// Deploys the whole suite with the same Ignition module, parameters and checks as on any chain.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseEther } from "ethers";
import { connectContracts, type Contracts, type Deployment, deploymentFile, loadDeployment } from "../lib/deployment";
import { DEV_CHAIN_ID, type DevChain } from "./chain";
import type { People } from "./people";
import { ProcessError, start } from "./processes";

const ROOT = resolve(__dirname, "../..");
const LIQUID = parseEther("150000000");
const VESTED = parseEther("10000000");
const YEAR = 31_536_000;

export interface Deployed {
  readonly deployment: Deployment;
  readonly file: string;
  readonly contracts: Contracts;
  readonly parameters: DemoParameters;
}

/** What the run needs to know of the parameters file. */
export interface DemoParameters {
  readonly settlement: { readonly workflowOwner: string; readonly workflowName: string };
  readonly committee: { readonly f: number; readonly donId: number };
  readonly emissions: { readonly buckets: { devicesBps: number; stakersBps: number; treasuryBps: number } };
}

/** The committed demonstration parameters, with this run's people in the places of the well-known accounts. */
export function writeParameters(folder: string, people: People): { file: string; parameters: DemoParameters } {
  const base = JSON.parse(readFileSync(join(ROOT, "deploy/parameters/31337.json"), "utf8")) as DemoParameters & {
    token: object;
  };
  const parameters = {
    ...base,
    guardian: people.guardian.address,
    council: people.council.address,
    token: {
      ...base.token,
      genesis: [
        { beneficiary: people.bank.address, amount: String(LIQUID), vestingStart: 0, vestingDuration: 0 },
        { beneficiary: people.grantee.address, amount: String(VESTED), vestingStart: 0, vestingDuration: YEAR },
      ],
    },
    committee: {
      ...base.committee,
      members: people.signers.map(({ address }) => ({ account: address, signer: address, endpoint: "" })),
    },
  };
  const file = join(folder, "parameters.json");
  writeFileSync(file, JSON.stringify(parameters, null, 2));
  return { file, parameters };
}

/** Runs `hardhat ignition deploy` against the chain, as a user would. */
export async function deploy(chain: DevChain, people: People, folder: string): Promise<Deployed> {
  mkdirSync(folder, { recursive: true });
  const { file: parametersFile, parameters } = writeParameters(folder, people);
  // A named deployment writes its addresses beside its journal, not over the user's deployments/31337.json.
  const deploymentId = basename(folder);
  const journal = join(ROOT, "deploy/deployments", deploymentId);
  // As the tasks look for it, with GROUNDWORK_ROOT=folder.
  const file = deploymentFile(DEV_CHAIN_ID, folder);
  const log = join(folder, "deploy.log");
  const entry = start(
    "deployment",
    [
      require.resolve("hardhat/internal/cli/cli"),
      "ignition",
      "deploy",
      join(ROOT, "deploy/modules/Groundwork.ts"),
      "--network",
      "localhost",
      "--deployment-id",
      deploymentId,
    ],
    log,
    {
      LOCALHOST_RPC_URL: chain.rpcUrl,
      GROUNDWORK_PARAMETERS: parametersFile,
      HARDHAT_IGNITION_CONFIRM_DEPLOYMENT: "false",
    },
  );
  const code = await entry.ended;
  if (code !== 0)
    throw new ProcessError("deployment", `ended with code ${code}:\n${readFileSync(log, "utf8").slice(-2000)}`);
  mkdirSync(dirname(file), { recursive: true });
  cpSync(join(journal, "deployment.json"), file);
  rmSync(journal, { recursive: true, force: true });
  const deployment = loadDeployment(file);
  return { deployment, file, contracts: connectContracts(deployment, chain.provider), parameters };
}
