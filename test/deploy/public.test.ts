// A public chain rehearsed on this machine: a private node with Amoy's chain id and Chainlink's forwarder planted where
// Chainlink has it. Planting is a means of this test: on the live chain it is neither possible nor needed.
import { expect } from "chai";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HDNodeWallet, JsonRpcProvider, Network, ZeroHash } from "ethers";
import { artifacts, ethers } from "hardhat";
import { COMMITTEE_SALT } from "../../deploy/modules/Handover";
import { checkParameters } from "../../deploy/parameters";
import { compareAuthority, expectedAuthority, readAuthority } from "../../scripts/lib/authority";
import { forgetDeployment, journalOf } from "../../scripts/lib/deploy";
import { connectContracts, loadDeployment } from "../../scripts/lib/deployment";
import { freePort, start, stopAll, waitFor } from "../../scripts/network/processes";

const AMOY = 80002;
const PARAMETERS = resolve(__dirname, "80002.rehearsal.json");
const MNEMONIC = "test test test test test test test test test test test junk";

describe("deployment on a public chain @e2e @deep", () => {
  const dir = mkdtempSync(join(tmpdir(), "groundwork-public-"));
  const id = `public-${process.pid}`;
  const account = (i: number): HDNodeWallet => HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${i}`);
  let anvil: ChildProcess;
  let provider: JsonRpcProvider;
  let rpcUrl: string;

  before(async () => {
    const port = await freePort();
    rpcUrl = `http://127.0.0.1:${port}`;
    const binary = resolve(__dirname, "../../node_modules/.bin/anvil");
    anvil = spawn(binary, ["--chain-id", String(AMOY), "--port", String(port), "--silent"], { stdio: "ignore" });
    const network = Network.from(AMOY);
    provider = new JsonRpcProvider(rpcUrl, network, { staticNetwork: network, cacheTimeout: -1 });
    await waitFor("anvil", () => provider.getBlockNumber().catch(() => undefined), { seconds: 30 });
  });

  after(async () => {
    provider.destroy();
    anvil.kill("SIGKILL");
    await stopAll();
    forgetDeployment(id);
    rmSync(dir, { recursive: true, force: true });
  });

  async function deploy(env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
    const log = join(dir, `deploy-${Object.keys(env).length}.log`);
    const cli = require.resolve("hardhat/internal/cli/cli");
    const args = ["ignition", "deploy", "deploy/modules/Groundwork.ts", "--network", "amoy", "--deployment-id", id];
    const entry = start("deployment", [cli, ...args], log, {
      AMOY_RPC_URL: rpcUrl,
      AMOY_PRIVATE_KEY: account(0).privateKey,
      HARDHAT_IGNITION_CONFIRM_DEPLOYMENT: "true",
      ...env,
    });
    const code = await entry.ended;
    return { code, output: readFileSync(log, "utf8") };
  }

  it("refuses to deploy until the team has filled in its parameters", async () => {
    const before = await provider.getBlockNumber();
    const { code, output } = await deploy({});
    expect(code).to.equal(1);
    expect(output).to.include("missing parameter: guardian");
    expect(await provider.getBlockNumber()).to.equal(before);
  });

  it("refuses a timelock below two days", async () => {
    const factory = await ethers.getContractFactory("NetworkTimelock");
    const { data } = await factory.getDeployTransaction(2 * 86_400 - 1, [], [], ethers.ZeroAddress);
    const error = await provider.call({ data, from: account(0).address }).then(
      () => undefined,
      (e: { data?: string }) => (e.data ? factory.interface.parseError(e.data) : null),
    );
    expect(error?.name).to.equal("TimelockDelayBelowFloor");
    expect(error?.args).to.deep.equal([BigInt(2 * 86_400 - 1), BigInt(2 * 86_400)]);
  });

  it("uses Chainlink's forwarder, and lists the committee once its members have posted their bonds", async function () {
    this.timeout(300_000);
    const parameters = checkParameters(JSON.parse(readFileSync(PARAMETERS, "utf8")), AMOY);
    const chainlink = parameters.settlement.forwarder ?? "";
    const { deployedBytecode } = await artifacts.readArtifact("KeystoneForwarder");
    await provider.send("anvil_setCode", [chainlink, deployedBytecode]);

    const { code } = await deploy({ GROUNDWORK_PARAMETERS: PARAMETERS });
    expect(code).to.equal(0);
    const deployment = loadDeployment(join(journalOf(id), "deployment.json"));
    expect(deployment.chainId).to.equal(AMOY);
    expect(deployment.contracts.KeystoneForwarder).to.equal(chainlink);
    const c = connectContracts(deployment, account(0).connect(provider));
    expect(await c.timelock.minDelayFloor()).to.equal(2 * 86_400);
    const now = await readAuthority(deployment, parameters, provider);
    expect(compareAuthority(now, expectedAuthority(deployment, parameters, now))).to.deep.equal([]);

    // The first committee waits in the timelock for two days and for its bonds.
    const { f, members, minBond } = parameters.committee;
    const list = c.committee.interface.encodeFunctionData("setCommittee", [f, members]);
    const call = [await c.committee.getAddress(), 0, list, ZeroHash, COMMITTEE_SALT] as const;
    expect(await c.timelock.isOperationPending(await c.timelock.hashOperation(...call))).to.equal(true);
    expect((await c.committee.config()).version).to.equal(0);
    await provider.send("evm_increaseTime", [parameters.timelock.delay]);
    await provider.send("evm_mine", []);
    const patron = account(1).connect(provider); // has tokens from the genesis list
    for (const [i, member] of members.entries()) {
      const own = account(10 + i).connect(provider);
      expect(own.address).to.equal(member.account);
      await provider.send("anvil_setBalance", [own.address, "0x56bc75e2d63100000"]);
      await (await c.token.connect(patron).transfer(own, minBond)).wait();
      await (await c.token.connect(own).approve(c.committee, minBond)).wait();
      await (await c.committee.connect(own).postBond(minBond)).wait();
    }
    await (await c.timelock.execute(...call)).wait();
    expect((await c.committee.config()).version).to.equal(1);
    expect((await c.committee.members()).map((m) => m.signer)).to.deep.equal(members.map((m) => m.signer));
  });
});
