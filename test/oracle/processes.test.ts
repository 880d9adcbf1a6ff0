// Four operating-system processes with their own database files, on the real contracts.
import { type ChildProcess, spawn } from "node:child_process";
import { type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SnapshotRestorer, takeSnapshot, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id, parseEther, Wallet } from "ethers";
import hre, { ethers } from "hardhat";
import { makeProof, newKey, sendProof } from "../../oracle/client/client";
import { potId, workflowNameOf } from "../../oracle/codec";
import { encodeWire } from "../../oracle/scoring";
import { payoutsTree } from "../../oracle/settlement/compute";
import { bodySchema } from "../../oracle/settlement/body";
import { deviceOfPkcs8, devicesFixture, EPOCH, nextEpoch } from "../helpers/devices";
import { eventually } from "../helpers/oracle";

const CATEGORY_ENERGY = 6;
const GRACE = 10;
const SUB = 1;
const KEYS = [1, 2, 3, 4].map((i) => id(`process member ${i}`));
const NODE = join(__dirname, "../../oracle/node.ts");

interface Server {
  listen(): Promise<{ address: string; port: number }>;
  close(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

describe("oracle: four processes on the contracts @e2e @deep", function () {
  this.timeout(180_000);

  let snapshot: SnapshotRestorer;
  let server: Server;
  let dir: string;
  let rpcUrl: string;
  let urls: string[];
  let world: Awaited<ReturnType<typeof deploy>>;
  let devices: { id: bigint; key: KeyObject }[];
  const children = new Map<number, ChildProcess>();

  async function deploy() {
    const base = await devicesFixture();
    const { admin, manager, genesis, registry, staking } = base;
    const token = await ethers.deployContract("NetworkToken", [
      manager,
      "Groundwork",
      "GWK",
      parseEther("1000000000"),
      [],
    ]);
    const curve = await ethers.deployContract("HalvingCurve", [parseEther("1000"), 100]);
    const buckets = { devicesBps: 10_000, stakersBps: 0, treasuryBps: 0 };
    const rate = [parseEther("100000"), parseEther("100")] as const;
    const emissions = await ethers.deployContract("EmissionController", [
      manager,
      token,
      genesis,
      EPOCH,
      curve,
      buckets,
      ...rate,
    ]);
    const oracle = await ethers.deployContract("SettlementOracle", [
      manager,
      genesis,
      EPOCH,
      30,
      60,
      60,
      600,
      4 * EPOCH,
      600,
    ]);
    const distributor = await ethers.deployContract("RewardDistributor", [manager, token, emissions]);
    const feed = await ethers.deployContract("NetworkPriceFeed", [manager, genesis, EPOCH, 1_000, 3, "GWK / USD"]);
    const forwarder = await ethers.deployContract("KeystoneForwarder");
    await forwarder.setConfig(
      1,
      1,
      1,
      KEYS.map((k) => new Wallet(k).address),
    );
    await token.setMinter(emissions);
    await emissions.setDistributor(distributor);
    await emissions.setSettlement(oracle);
    await distributor.setOracle(oracle);
    await oracle.setDistributor(distributor);
    await emissions.addSubNetwork(CATEGORY_ENERGY, 0, "energy");
    await emissions.setWeights([10_000]);
    const identity = { forwarder, workflowOwner: admin.address, workflowName: workflowNameOf("groundwork") };
    await oracle.setReporter(SUB, identity);
    await feed.setReporter(0, identity);
    return { ...base, token, emissions, oracle, distributor, feed, forwarder, staking, registry };
  }

  function configOf(index: number): object {
    return {
      chain: { rpcUrl, chainId: 31337 },
      deployment: "deployment.json",
      node: {
        index,
        listen: { host: "127.0.0.1", port: Number(new URL(urls[index]!).port) },
        db: `node${index}.db`,
        signerKeyEnv: "SIGNER_KEY",
        transmitterKeyEnv: "TRANSMITTER_KEY",
      },
      committee: {
        f: 1,
        donId: 1,
        configVersion: 1,
        members: KEYS.map((k, i) => ({ signer: new Wallet(k).address, url: urls[i] })),
      },
      workflow: { name: "groundwork", owner: world.admin.address },
      timing: { graceSeconds: GRACE, roundSeconds: 30, pollMs: 150, windowPollMs: 150 },
      price: { kind: "file", path: "price.json", everySeconds: 600 },
      logLevel: process.env.ORACLE_LOG ?? "warn",
    };
  }

  /** Starts a node; resolves when it says that it is ready, or with its exit code and last words. */
  function launch(
    index: number,
    over: object = {},
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; said: string }> {
    const file = join(dir, `config${index}.json`);
    writeFileSync(file, JSON.stringify({ ...configOf(index), ...over }));
    const child = spawn(process.execPath, ["--import", "tsx", NODE, "--config", file], {
      env: { ...process.env, SIGNER_KEY: KEYS[index], TRANSMITTER_KEY: id(`transmitter ${index}`), ...env },
      stdio: ["ignore", "pipe", process.env.ORACLE_LOG ? "inherit" : "pipe"],
    });
    children.set(index, child);
    return new Promise((done) => {
      let said = "";
      const read = (part: Buffer): void => {
        said += part.toString();
        if (process.env.ORACLE_LOG) process.stdout.write(part);
        if (said.includes('"ready":true')) done({ code: null, said });
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      child.on("exit", (code) => done({ code, said }));
    });
  }

  async function kill(index: number, signal: NodeJS.Signals): Promise<number | null> {
    const child = children.get(index);
    children.delete(index);
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    return new Promise((done) => {
      child.on("exit", (code) => done(code));
      child.kill(signal);
    });
  }

  const currentEpoch = async () => Number(await world.registry.currentEpoch());
  const readings = new Map<bigint, number>();
  async function sendAll(epoch: number): Promise<void> {
    const now = BigInt(await time.latest());
    for (const [i, { id: deviceId, key }] of devices.entries()) {
      const counter = (readings.get(deviceId) ?? 0) + 1;
      readings.set(deviceId, counter);
      const payload = encodeWire({
        v: 1,
        src: "test",
        slot: "2026-06-01T12:00",
        capacityW: 5_000,
        fromWh: 0,
        toWh: 100 * (i + 1),
      });
      const registry = world.registry.target as string;
      const measurement = {
        subNetwork: SUB,
        epoch,
        counter: BigInt(counter),
        time: now,
        latE7: 0,
        lonE7: 0,
        meter: 0n,
        payload,
      };
      const proof = makeProof({ chainId: 31337n, registry, deviceId, key }, measurement);
      const nodes = urls.map((_, k) => urls[(i + k) % urls.length]!);
      expect(await sendProof(nodes, proof)).to.include({ accepted: true });
    }
  }
  const alive = () => [...children.keys()];
  const status = async (index: number) =>
    (await (await fetch(`${urls[index]}/status`)).json()) as { proofs: number; pid: number; db: string };
  const allHave = (count: number) =>
    eventually(
      async () => (await Promise.all(alive().map(status))).every((s) => s.proofs >= count),
      `${count} proofs everywhere`,
    );
  /** Time passes block by block, so that leaders take turns, until the check holds. */
  const passUntil = (check: () => Promise<boolean>, what: string) =>
    eventually(
      async () => {
        if (await check()) return true;
        await ethers.provider.send("evm_increaseTime", [1]);
        await ethers.provider.send("evm_mine", []);
        return false;
      },
      what,
      2_000,
    );

  before(async () => {
    snapshot = await takeSnapshot();
    world = await deploy();
    devices = [];
    for (let i = 0; i < 5; i++) {
      const key = newKey();
      const box = deviceOfPkcs8(key.export({ format: "der", type: "pkcs8" }));
      const deviceId = await world.onboardFor(world.alice, box, { operatorId: 1n, subNetwork: SUB });
      devices.push({ id: deviceId, key });
    }
    for (let i = 0; i < 4; i++) {
      await world.admin.sendTransaction({ to: new Wallet(id(`transmitter ${i}`)).address, value: parseEther("10") });
    }
    server = (await hre.run("node:create-server", {
      hostname: "127.0.0.1",
      port: 0,
      provider: hre.network.provider,
    })) as Server;
    const { port } = await server.listen();
    rpcUrl = `http://127.0.0.1:${port}`;
    dir = mkdtempSync(join(tmpdir(), "groundwork-nodes-"));
    urls = (await Promise.all([0, 1, 2, 3].map(freePort))).map((p) => `http://127.0.0.1:${p}`);
    const addresses = {
      SettlementOracle: world.oracle.target,
      DeviceRegistry: world.registry.target,
      OperatorStaking: world.staking.target,
      EmissionController: world.emissions.target,
      NetworkPriceFeed: world.feed.target,
      KeystoneForwarder: world.forwarder.target,
    };
    writeFileSync(join(dir, "deployment.json"), JSON.stringify({ contracts: addresses }));
    writeFileSync(join(dir, "price.json"), JSON.stringify({ priceE8: "50000000" }));
    await nextEpoch(world.registry);
    const started = await Promise.all([0, 1, 2, 3].map((i) => launch(i)));
    expect(
      started.map((s) => s.code),
      started.map((s) => s.said).join(),
    ).to.deep.equal([null, null, null, null]);
  });

  after(async () => {
    await Promise.all(alive().map((i) => kill(i, "SIGKILL")));
    await server?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
    await snapshot?.restore();
  });

  it("run apart: four processes, four databases", async () => {
    const all = await Promise.all([0, 1, 2, 3].map(status));
    expect(new Set(all.map((s) => s.pid)).size).to.equal(4);
    expect(all.map((s) => s.db)).to.deep.equal(["node0.db", "node1.db", "node2.db", "node3.db"]);
  });

  it("report the price", async () => {
    await passUntil(async () => (await world.feed.lastRound()) > 0n, "a price");
    expect((await world.feed.latestRoundData()).answer).to.equal(50_000_000n);
  });

  it("settle an epoch that can be claimed to the wei", async () => {
    const epoch = await currentEpoch();
    await sendAll(epoch);
    await allHave(5);
    await time.increaseTo(world.genesis + BigInt(epoch + 1) * BigInt(EPOCH) + BigInt(GRACE));
    await passUntil(async () => Number((await world.oracle.headOf(SUB)).epoch) === epoch, "a settlement");
    await passUntil(async () => (await world.oracle.settlementOf(SUB, epoch)).status === 2n, "its finality");

    const body = bodySchema.parse(await (await fetch(`${urls[0]}/settlements/${SUB}/${epoch}`)).json());
    expect(body.entries.map((e) => e.points)).to.deep.equal([100n, 200n, 300n, 400n, 500n]);
    const { term } = body.settlement;
    const [payout] = body.payouts;
    const before = await world.token.balanceOf(world.alice);
    const proof = payoutsTree(SUB, term, body.payouts).proof(0);
    await world.distributor.claim(potId(SUB, term), 0, payout!.payee, payout!.cumulative, proof);
    expect((await world.token.balanceOf(world.alice)) - before).to.equal(parseEther("1000"));
  });

  it("settle with one node killed, which catches up when it comes back", async () => {
    await nextEpoch(world.registry);
    await kill(3, "SIGKILL");
    const epoch = await currentEpoch();
    await sendAll(epoch);
    await allHave(10);
    await time.increaseTo(world.genesis + BigInt(epoch + 1) * BigInt(EPOCH) + BigInt(GRACE));
    await passUntil(async () => Number((await world.oracle.headOf(SUB)).epoch) === epoch, "a settlement of three");
    expect((await launch(3)).code).to.equal(null);
    await eventually(
      async () => (await fetch(`${urls[3]}/settlements/${SUB}/${epoch}`)).ok,
      "the settlement at the fourth",
    );
  });

  it("stop on SIGTERM with exit code 0", async () => {
    expect(await kill(3, "SIGTERM")).to.equal(0);
  });

  describe("a node that cannot run says why", () => {
    const fails = async (code: number, where: string, over: object, env: NodeJS.ProcessEnv = {}) => {
      const { code: actual, said } = await launch(3, over, env);
      const line = said.trim().split("\n").pop() ?? "";
      expect([actual, (JSON.parse(line) as { where: string }).where]).to.deep.equal([code, where]);
    };
    it("exit 2: no key in the environment", () => fails(2, "node.signerKeyEnv", {}, { SIGNER_KEY: "" }));
    it("exit 2: the key of another member", () => fails(2, "node.signerKey", {}, { SIGNER_KEY: KEYS[0] }));
    it("exit 2: a testing section without the switch", () =>
      fails(2, "testing", { testing: { blockExchange: true } }, { GROUNDWORK_TESTING: "" }));
    it("exit 4: another chain", () => fails(4, "chain.chainId", { chain: { rpcUrl, chainId: 137 } }));
    it("exit 6: a port that is taken", async () => {
      const { node } = configOf(3) as { node: object };
      const taken = { host: "127.0.0.1", port: Number(new URL(urls[0]!).port) };
      await fails(6, "node.listen", { node: { ...node, listen: taken } });
    });
  });
});
