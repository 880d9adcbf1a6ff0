import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id, Wallet } from "ethers";
import { loadConfig, resolveConfig } from "../../oracle/config";
import { NodeError } from "../../oracle/errors";

const KEYS = [1, 2, 3, 4].map((i) => id(`config member ${i}`));
const ADDRESS = new Wallet(id("a contract")).address;
const CONTRACTS = [
  "SettlementOracle",
  "DeviceRegistry",
  "OperatorStaking",
  "EmissionController",
  "NetworkPriceFeed",
  "KeystoneForwarder",
];

describe("oracle: a node's configuration", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "groundwork-config-"));
    const contracts = Object.fromEntries([...CONTRACTS, "NetworkToken"].map((name) => [name, ADDRESS]));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify({ contracts }));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const node = {
    index: 1,
    listen: { host: "127.0.0.1", port: 8701 },
    db: "node.db",
    signerKeyEnv: "SIGNER_KEY",
    transmitterKey: id("transmitter"),
  };
  const members = KEYS.map((k, i) => ({ signer: new Wallet(k).address, url: `http://127.0.0.1:87${i}1/` }));
  const valid = {
    chain: { rpcUrl: "http://127.0.0.1:8545", chainId: 31337 },
    deployment: "deployment.json",
    node,
    committee: { f: 1, donId: 1, configVersion: 1, members },
    workflow: { name: "groundwork", owner: ADDRESS },
    timing: { graceSeconds: 10, roundSeconds: 30, pollMs: 200, windowPollMs: 500 },
  };
  const env = { SIGNER_KEY: KEYS[1] };

  it("takes the key from the environment, paths from the file's folder, and defaults for the rest", () => {
    const config = resolveConfig(valid, env, dir);
    expect(config.signerKey).to.equal(KEYS[1]);
    expect(config.db).to.equal(join(dir, "node.db"));
    expect(config.members.map((m) => [m.index, m.url])[2]).to.deep.equal([2, "http://127.0.0.1:8721"]);
    expect(config.timing).to.include({ toleranceSeconds: 30, validSeconds: 3600, peerTimeoutMs: 5000 });
    expect([config.price, config.blockExchange, config.disabledChecks.size]).to.deep.equal([undefined, false, 0]);
    expect(Object.keys(config.deployment)).to.have.members(CONTRACTS);
  });

  const refused = (where: string, over: object, environment: Record<string, string | undefined> = env): void => {
    const raise = (): unknown => resolveConfig({ ...valid, ...over }, environment, dir);
    expect(raise).to.throw(NodeError).that.includes({ kind: "config", where, exitCode: 2 });
  };

  it("names the field that is wrong", () => {
    refused("config.chain.rpcUrl", { chain: { rpcUrl: "nowhere", chainId: 31337 } });
    refused("config.node.listen.port", { node: { ...node, listen: { host: "127.0.0.1", port: 70_000 } } });
    refused("config", { surprise: true });
    refused("node.index", { node: { ...node, index: 4 } });
    refused("deployment", { deployment: "absent.json" });
  });

  it("wants one key of each kind, from the file or from the environment", () => {
    refused("node.signerKeyEnv", {}, {});
    refused("node.signerKeyEnv", {}, { SIGNER_KEY: "0x12" });
    refused("config.node.signerKey", { node: { ...node, signerKey: KEYS[1] } });
    refused("config.node.transmitterKey", { node: { ...node, transmitterKey: undefined } });
    refused("node.signerKey", {}, { SIGNER_KEY: KEYS[0] });
  });

  it("wants 3f + 1 different members", () => {
    refused("committee.members", { committee: { ...valid.committee, members: members.slice(0, 3) } });
    refused("committee.members", { committee: { ...valid.committee, members: [...members.slice(0, 3), members[0]] } });
    refused("committee.members", { committee: { ...valid.committee, f: 2 } });
  });

  it("wants every contract of the deployment", () => {
    writeFileSync(join(dir, "deployment.json"), JSON.stringify({ contracts: { SettlementOracle: ADDRESS } }));
    refused("deployment.contracts.DeviceRegistry", {});
  });

  it("refuses the testing section but on chain 31337 with the switch in the environment", () => {
    const testing = { disableChecks: ["CLONED_KEY"], blockExchange: true };
    refused("testing", { testing });
    refused("testing", { testing, chain: { ...valid.chain, chainId: 137 } }, { ...env, GROUNDWORK_TESTING: "1" });
    const config = resolveConfig({ ...valid, testing }, { ...env, GROUNDWORK_TESTING: "1" }, dir);
    expect([[...config.disabledChecks], config.blockExchange]).to.deep.equal([["CLONED_KEY"], true]);
    refused(
      "config.testing.disableChecks.0",
      { testing: { disableChecks: ["EVERYTHING"] } },
      { ...env, GROUNDWORK_TESTING: "1" },
    );
  });

  it("says which file cannot be read", () => {
    expect(() => loadConfig(join(dir, "none.json"), env))
      .to.throw(NodeError)
      .that.includes({ where: "config" });
    writeFileSync(join(dir, "broken.json"), "{");
    expect(() => loadConfig(join(dir, "broken.json"), env))
      .to.throw(NodeError)
      .that.includes({ where: "config" });
  });
});
