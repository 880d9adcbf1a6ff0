import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { ethers } from "hardhat";
import { ACCEPT_SALT } from "../../deploy/modules/Handover";
import { compareAuthority, expectedAuthority, readAuthority } from "../../scripts/lib/authority";
import { deployedFixture, redeployCheck } from "../helpers/deployed";
import { asAccount } from "../helpers/governance";

type Network = Awaited<ReturnType<typeof deployedFixture>>;

async function differences({ deployment, parameters }: Network) {
  const now = await readAuthority(deployment, parameters, ethers.provider);
  return compareAuthority(now, expectedAuthority(deployment, parameters, now));
}

/** The forwarder's acceptance, due. */
async function acceptForwarder({ timelock, forwarder }: Network): Promise<void> {
  await time.increase(await timelock.getMinDelay());
  await timelock.execute(
    forwarder,
    0,
    forwarder.interface.encodeFunctionData("acceptOwnership"),
    ZeroHash,
    ACCEPT_SALT,
  );
}

describe("deployment", () => {
  it("ends with an authority that is, line by line, what the committed files say", async () => {
    const network = await loadFixture(deployedFixture);
    expect(await differences(network)).to.deep.equal([]);
    const { functions, roles, owners } = await readAuthority(network.deployment, network.parameters, ethers.provider);
    expect(functions.length).to.be.above(100);
    expect([...functions, ...roles, ...owners].filter((row) => row.holder === "deployer")).to.deep.equal([]);
  });

  it("leaves the forwarder with an owner that can only offer it to the timelock, which then accepts", async () => {
    const network = await loadFixture(deployedFixture);
    const { forwarder, handover, timelock, deployer, others } = network;
    expect(await forwarder.owner()).to.equal(await handover.getAddress());
    await expect(forwarder.connect(deployer).addForwarder(deployer)).to.be.revertedWith("Only callable by owner");
    await expect(handover.connect(others[0]!).pass()).to.be.revertedWith("Must be proposed owner");
    await acceptForwarder(network);
    expect(await forwarder.owner()).to.equal(await timelock.getAddress());
    expect(await differences(network)).to.deep.equal([]);
  });

  it("shows a stray role, and an end of a role that should be there", async () => {
    const network = await loadFixture(deployedFixture);
    const { manager, timelock, others, parameters } = network;
    const admin = await asAccount(await timelock.getAddress());
    const stray = others[18]!.address;
    await manager.connect(admin).grantRole(1, stray, 7);
    await manager.connect(admin).revokeRole(1, parameters.guardian);
    await timelock.connect(admin).grantRole(id("CANCELLER_ROLE"), stray);
    const found = await differences(network);
    const lines = found.map((d) => `${d.kind} ${d.line}`);
    expect(lines).to.include(`stray AccessManager GUARDIAN: ${stray} after 7 s`);
    expect(lines).to.include("missing AccessManager GUARDIAN: guardian");
    expect(lines).to.include(`stray NetworkTimelock CANCELLER_ROLE: ${stray}`);
    expect(lines).to.include(`stray SettlementOracle.pause(bytes4): ${stray} (GUARDIAN) after 7 s`);
  });

  it("shows a function given to another role, a target closed, a role's new admin, a moved pointer, an added forwarder", async () => {
    const network = await loadFixture(deployedFixture);
    const { manager, timelock, token, emissions, forwarder, others } = network;
    await acceptForwarder(network);
    const admin = await asAccount(await timelock.getAddress());
    const stray = others[18]!.address;
    const { selector } = token.interface.getFunction("setMinter");
    await manager.connect(admin).setTargetFunctionRole(token, [selector, "0x12345678"], 1);
    await manager.connect(admin).setTargetClosed(emissions, true);
    await manager.connect(admin).setRoleAdmin(1, 5);
    await manager.connect(admin).setTargetFunctionRole(token, [selector], 0);
    await token.connect(admin).setMinter(stray);
    await forwarder.connect(admin).addForwarder(stray);
    const lines = (await differences(network)).map((d) => `${d.kind} ${d.line}`);
    expect(lines).to.have.members([
      "stray NetworkToken.0x12345678: guardian (GUARDIAN)",
      "stray NetworkToken.0x12345678: NetworkTimelock (GUARDIAN) after 30 s",
      "stray AccessManager RoleAdminChanged of GUARDIAN: role 5",
      "stray AccessManager closed: EmissionController: nobody",
      `stray NetworkToken minter: ${stray}`,
      "missing NetworkToken minter: EmissionController",
      `stray KeystoneForwarder may route without signatures: ${stray}`,
    ]);
  });

  describe("check", () => {
    const breaks: [string, string, (n: Network, admin: Awaited<ReturnType<typeof asAccount>>) => Promise<unknown>][] = [
      ["a role too many", "DeploymentStrayRole", (n, a) => n.manager.connect(a).grantRole(1, n.deployer, 0)],
      ["a role too few", "DeploymentMissingRole", (n, a) => n.manager.connect(a).revokeRole(1, n.parameters.guardian)],
      [
        "a role that waits",
        "DeploymentWrongValue",
        (n, a) => n.manager.connect(a).grantRole(1, n.parameters.guardian, 9),
      ],
      [
        "a proposer too many",
        "DeploymentStrayRole",
        (n, a) => n.timelock.connect(a).grantRole(id("PROPOSER_ROLE"), n.deployer),
      ],
      [
        "a proposer too few",
        "DeploymentMissingRole",
        (n, a) => n.timelock.connect(a).revokeRole(id("PROPOSER_ROLE"), n.council),
      ],
      ["another delay", "DeploymentWrongValue", (n, a) => n.timelock.connect(a).updateDelay(31)],
      ["another minter", "DeploymentWrongPointer", (n, a) => n.token.connect(a).setMinter(n.deployer)],
      ["another forwarder", "DeploymentWrongValue", setReporter],
      [
        "a function without its guardian",
        "DeploymentWrongValue",
        (n, a) =>
          n.manager.connect(a).setTargetFunctionRole(n.escrow, [n.escrow.interface.getFunction("pause").selector], 0),
      ],
      [
        "a committee that is not the forwarder's",
        "DeploymentWrongValue",
        async (n, a) =>
          n.committee.connect(a).setCommittee(
            1,
            n.parameters.committee.members.map((m, i) => ({
              ...m,
              signer: i === 0 ? n.others[17]!.address : m.signer,
            })),
          ),
      ],
    ];

    async function setReporter(n: Network, admin: Awaited<ReturnType<typeof asAccount>>) {
      await n.priceFeed
        .connect(admin)
        .setReporter(0, { forwarder: n.deployer, workflowOwner: n.deployer, workflowName: "0x00000000000000000000" });
      await time.increase(n.parameters.epochs.length + n.parameters.epochs.delay);
    }

    for (const [what, error, act] of breaks) {
      it(`reverts on ${what}`, async () => {
        const network = await loadFixture(deployedFixture);
        await act(network, await asAccount(await network.timelock.getAddress()));
        await expect(redeployCheck(network)).to.be.revertedWithCustomError(network.check, error);
      });
    }

    it("passes on the network as it was deployed", async () => {
      const network = await loadFixture(deployedFixture);
      await expect(redeployCheck(network)).not.to.be.reverted;
      expect(await network.check.checkedAt()).to.be.above(0);
    });
  });

  it("gives every contract one clock, which begins when the deployment is over", async () => {
    const { genesis, escrow, emissions, parameters } = await loadFixture(deployedFixture);
    const start = await genesis.epochGenesis();
    expect(await emissions.epochGenesis()).to.equal(start);
    expect(await escrow.epochGenesis()).to.equal(start);
    expect(await time.latest()).to.be.below(Number(start) + parameters.epochs.length);
    expect(await emissions.weightsNext()).to.deep.equal(
      parameters.emissions.subNetworks.map((n) => BigInt(n.weightBps)),
    );
  });
});
