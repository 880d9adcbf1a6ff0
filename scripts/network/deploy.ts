// Deploys the whole suite with the same Ignition module, parameters and checks as on any chain.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseEther } from "ethers";
import { deployGroundwork, forgetDeployment } from "../lib/deploy";
import { connectContracts, type Contracts, type Deployment, deploymentFile } from "../lib/deployment";
import { DEV_CHAIN_ID, type DevChain } from "./chain";
import type { People } from "./people";

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
  const id = basename(folder);
  const deployment = await deployGroundwork({
    rpcUrl: chain.rpcUrl,
    id,
    logFile: join(folder, "deploy.log"),
    parametersFile,
  });
  forgetDeployment(id);
  // As the tasks look for it, with GROUNDWORK_ROOT=folder.
  const file = deploymentFile(DEV_CHAIN_ID, folder);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(deployment, null, 2));
  return { deployment, file, contracts: connectContracts(deployment, chain.provider), parameters };
}
