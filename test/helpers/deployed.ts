// The whole network, deployed by the modules that users run, in the process of the test.
import { resolve } from "node:path";
import { readFileSync } from "node:fs";
import { ethers, ignition } from "hardhat";
import { groundworkModule } from "../../deploy/modules/Groundwork";
import { checkParameters, DEVELOPMENT_CHAIN, type Parameters } from "../../deploy/parameters";
import { keepNoBuildInfo } from "../../scripts/lib/journal";
import { connectContracts, CONTRACTS, type ContractName, type Deployment } from "../../scripts/lib/deployment";

export const DEMO_PARAMETERS: unknown = JSON.parse(
  readFileSync(resolve(__dirname, "../../deploy/parameters/31337.json"), "utf8"),
);

export async function deployWith(p: Parameters) {
  keepNoBuildInfo();
  const [deployer, ...others] = await ethers.getSigners();
  const block = (await ethers.provider.getBlockNumber()) + 1;
  const deployed = await ignition.deploy(groundworkModule(p), { config: { blockPollingInterval: 5 } });
  const contracts = Object.fromEntries(
    await Promise.all(
      Object.entries(CONTRACTS).map(async ([name, handle]) => [name, await deployed[handle].getAddress()] as const),
    ),
  ) as Record<ContractName, string>;
  const deployment: Deployment = {
    chainId: DEVELOPMENT_CHAIN,
    block,
    deployer: deployer!.address,
    parametersHash: p.hash,
    contracts,
  };
  const handles = connectContracts(deployment, deployer!);
  return { ...handles, deployment, parameters: p, deployer: deployer!, others };
}

/** The demo network of deploy/parameters/31337.json. */
export async function deployedFixture() {
  return deployWith(checkParameters(DEMO_PARAMETERS, DEVELOPMENT_CHAIN));
}

/** Deploys the check once more, with the arguments of the deployment: passes, or reverts with what is wrong. */
export async function redeployCheck(network: Awaited<ReturnType<typeof deployWith>>) {
  const { provider } = ethers;
  const receipts = await Promise.all(
    Array.from({ length: (await provider.getBlockNumber()) - network.deployment.block + 1 }, async (_, i) => {
      const block = await provider.getBlock(network.deployment.block + i, true);
      return block?.prefetchedTransactions ?? [];
    }),
  );
  for (const tx of receipts.flat()) {
    const receipt = await tx.wait();
    if (receipt?.contractAddress === network.deployment.contracts.DeploymentCheck) {
      return network.deployer.sendTransaction({ data: tx.data });
    }
  }
  throw new Error("the transaction that deployed DeploymentCheck is not in the chain");
}
