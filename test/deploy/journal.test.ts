import { expect } from "chai";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ethers, network } from "hardhat";
import { CONTRACTS, DeploymentError, loadDeployment } from "../../scripts/lib/deployment";
import { checkJournal, forgetBegun, StaleJournalError } from "../../scripts/lib/journal";

describe("deployment files", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "groundwork-journal-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it("a journal of contracts that this chain does not have is stale: the error says --reset", async () => {
    const alive = await (await ethers.deployContract("HalvingCurve", [1, 1])).getAddress();
    const gone = ethers.Wallet.createRandom().address;
    const write = (addresses: Record<string, string>) =>
      writeFileSync(join(dir, "deployed_addresses.json"), JSON.stringify(addresses));
    write({ "Settlement#HalvingCurve": alive });
    await checkJournal(network.provider, dir);
    write({ "Settlement#HalvingCurve": alive, "Token#NetworkToken": gone });
    const error = await checkJournal(network.provider, dir).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(StaleJournalError);
    expect((error as StaleJournalError).contract).to.equal("Token#NetworkToken");
    expect((error as StaleJournalError).address).to.equal(gone);
    expect((error as StaleJournalError).message).to.include("--reset");
  });

  it("an empty journal is not stale", async () => {
    await checkJournal(network.provider, join(dir, "nothing"));
  });

  it("a call that was begun and not noted, where the process was killed, is begun anew", () => {
    const line = (type: string, futureId: string): string => JSON.stringify({ type, futureId });
    const whole = [
      "",
      line("DEPLOYMENT_INITIALIZE", "all"),
      line("CONTRACT_AT_EXECUTION_STATE_INITIALIZE", "forwarder"), // complete in itself
      line("DEPLOYMENT_EXECUTION_STATE_INITIALIZE", "token"),
      line("NETWORK_INTERACTION_REQUEST", "token"),
      line("CALL_EXECUTION_STATE_INITIALIZE", "wire"),
      line("NETWORK_INTERACTION_REQUEST", "wire"),
    ];
    const file = join(dir, "journal.jsonl");
    writeFileSync(file, whole.join("\n"));
    expect(forgetBegun(dir)).to.equal(0);
    writeFileSync(file, [...whole, line("CALL_EXECUTION_STATE_INITIALIZE", "begun"), ""].join("\n"));
    expect(forgetBegun(dir)).to.equal(1);
    expect(readFileSync(file, "utf8")).to.equal([...whole, ""].join("\n"));
    expect(forgetBegun(join(dir, "nothing"))).to.equal(0);
  });

  it("tells a missing, a broken and an incomplete file of addresses", () => {
    expect(() => loadDeployment(31337, dir)).to.throw(DeploymentError, "no deployment for chain 31337");
    mkdirSync(join(dir, "deployments"));
    const file = join(dir, "deployments", "31337.json");
    writeFileSync(file, "{");
    expect(() => loadDeployment(31337, dir)).to.throw(DeploymentError, "is not JSON");
    const zero = ethers.ZeroAddress;
    const whole = {
      chainId: 31337,
      block: 1,
      deployer: zero,
      parametersHash: "0x",
      contracts: Object.fromEntries(Object.keys(CONTRACTS).map((name) => [name, zero])),
    };
    writeFileSync(file, JSON.stringify({ ...whole, contracts: { ...whole.contracts, VoteEscrow: undefined } }));
    expect(() => loadDeployment(31337, dir)).to.throw(DeploymentError, "contracts.VoteEscrow");
    writeFileSync(file, JSON.stringify(whole));
    expect(loadDeployment(31337, dir)).to.deep.equal(whole);
    expect(loadDeployment(file)).to.deep.equal(whole);
  });
});
