// What each check prevents, and what the committee survives: one network, an epoch a case. Part of npm run test:deep.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { makeProof, sendProof } from "../../oracle/client/client";
import { newKey } from "../../scripts/network/boxes";
import type { NodeTesting } from "../../scripts/network/nodes";
import { stopAll } from "../../scripts/network/processes";
import { Network } from "../../scripts/network/run";
import type { Device } from "../../scripts/network/setup";

const ROOT = resolve(__dirname, "../..");
const quiet = { step: (): void => undefined, count: (): void => undefined };

describe("faults @e2e @deep", function () {
  this.timeout(900_000);
  let folder: string;
  let network: Network;
  let epoch = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "groundwork-faults-"));
    network = await Network.launch({ devices: 12, epochs: 25, killNodes: 0, seed: "faults", folder }, quiet);
    await network.setUp();
    // The fleet proves one plain epoch first, so that every device has a past.
    epoch = 1;
    await network.proveEpoch(epoch);
    expect(await network.settleEpoch(epoch)).to.equal(true);
  });

  after(async () => {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The same four nodes with their databases, started anew with other settings. */
  async function restart(testing?: NodeTesting): Promise<void> {
    await network.committee.stop();
    network.committee = await network.launchCommittee(testing);
  }

  /** Settles one more epoch in which only `prove` sends anything; returns points by device, of every sub-network. */
  async function pointsOf(prove: () => Promise<void>): Promise<Map<string, bigint>> {
    epoch += 1;
    const { genesis, length } = await network.clock();
    await network.chain.advanceTo(genesis + epoch * length + 5);
    await prove();
    await network.chain.advanceTo(genesis + (epoch + 1) * length + 1);
    expect(await network.settleEpoch(epoch), `epoch ${epoch} settles`).to.equal(true);
    const points = new Map<string, bigint>();
    for (let subNetwork = 1; subNetwork <= 6; subNetwork++) {
      const url = `${network.committee.nodes[0]?.url}/settlements/${subNetwork}/${epoch}`;
      const body = (await (await fetch(url)).json()) as { entries: { deviceId: string; points: string }[] };
      for (const entry of body.entries) points.set(entry.deviceId, BigInt(entry.points));
    }
    return points;
  }

  const cheatOf = (kind: string): Device => {
    const device = network.devices.find((d) => d.box.cheat === kind);
    if (device === undefined) throw new Error(`no ${kind}`);
    return device;
  };

  /** Sends with a key, under a counter, as `device`; the declared key is the registered one unless `own`. */
  async function send(
    device: Device,
    counter: bigint,
    node = 0,
    key = device.box.privateKey,
    own = false,
  ): Promise<string> {
    const { chainId } = await network.chain.provider.getNetwork();
    const registry = await network.c.devices.getAddress();
    const reading = network.fleet.reading(device, epoch, Number(counter % 2n));
    const proof = makeProof(
      { chainId, registry, deviceId: device.id, key },
      {
        subNetwork: device.subNetwork,
        epoch,
        counter,
        time: BigInt(await network.chain.now()) - BigInt(node),
        latE7: reading.latE7,
        lonE7: reading.lonE7,
        meter: reading.units,
        payload: reading.payload,
      },
    );
    const { x, y } = device.box.key;
    const declared = own ? proof : { ...proof, key: { type: 1 as const, x, y } };
    const url = network.committee.nodes[node]?.url ?? "";
    const sent = await sendProof([url], declared);
    return sent.accepted ? "ACCEPTED" : sent.code;
  }

  const HIGH = 1_000_000n;
  // Above what an earlier epoch has, or it would be refused for that.
  const clonedCounter = (): bigint => HIGH + BigInt(epoch);
  const cases: { check: string; attack: string; cheat: () => Device; mount: (device: Device) => Promise<string[]> }[] =
    [
      {
        check: "FORGED_SIGNATURE",
        attack: "a box signs with another key than its registered one",
        cheat: () => cheatOf("forgedSignature"),
        mount: async (device) => [await send(device, HIGH, 0, newKey().privateKey)],
      },
      {
        check: "UNKNOWN_DEVICE",
        attack: "an unregistered box feeds a registered device",
        cheat: () => cheatOf("replayedCounter"),
        mount: async (device) => [await send(device, HIGH, 0, newKey().privateKey, true)],
      },
      {
        check: "CLONED_KEY",
        attack: "two boxes with one key send different readings under one counter",
        cheat: () => cheatOf("clonedKey"),
        mount: async (device) => [await send(device, clonedCounter(), 0), await send(device, clonedCounter(), 1)],
      },
      {
        check: "REPLAYED_COUNTER",
        attack: "a box set back to an old state counts from 1 again",
        cheat: () => {
          const honest = network.devices.find((d) => d.box.cheat === undefined && d.subNetwork === 1);
          if (honest === undefined) throw new Error("no honest device");
          return honest;
        },
        mount: async (device) => [await send(device, 1n)],
      },
    ];

  for (const { check, attack, cheat, mount } of cases) {
    it(`${check}: ${attack}: nothing with the check, points without it`, async () => {
      const device = cheat();
      const guarded = await pointsOf(async () => void (await mount(device)));
      expect(guarded.get(String(device.id)), "with the check").to.equal(undefined);

      await restart({ disableChecks: [check] });
      const open = await pointsOf(async () => {
        const answers = await mount(device);
        expect(answers, "answers without the check").to.include("ACCEPTED");
      });
      expect(open.get(String(device.id)) ?? 0n, "without the check").to.be.greaterThan(0n);
      await restart();
    });
  }

  it("nodes whose wall clocks are an hour off, either way, get the same roots", async () => {
    const shim = join(folder, "clock.cjs");
    writeFileSync(
      shim,
      `const now = Date.now, offset = Number(process.env.CLOCK_OFFSET_MS);
       Date.now = () => now() + offset;`,
    );
    await network.committee.stop();
    network.committee = await network.launchCommittee(undefined, (index) => ({
      NODE_OPTIONS: `--require ${shim}`,
      CLOCK_OFFSET_MS: String([3_600_000, -3_600_000, 0, 0][index]),
    }));
    epoch += 1;
    await network.proveEpoch(epoch);
    expect(await network.settleEpoch(epoch)).to.equal(true);
    for (let subNetwork = 1; subNetwork <= 6; subNetwork++) {
      const bodies = await Promise.all(
        network.committee.nodes.map(async ({ url }) =>
          (await fetch(`${url}/settlements/${subNetwork}/${epoch}`)).text(),
        ),
      );
      expect(new Set(bodies).size, `sub-network ${subNetwork}`).to.equal(1);
    }
    await restart();
  });

  it("a blocked exchange settles nothing; opened again, everything settles", async () => {
    await restart({ blockExchange: true });
    epoch += 1;
    await network.proveEpoch(epoch);
    expect(await network.settleEpoch(epoch, 15)).to.equal(false);
    for (let subNetwork = 1; subNetwork <= 6; subNetwork++) {
      expect((await network.c.settlement.settlementOf(subNetwork, epoch)).status).to.equal(0n);
    }
    await restart();
    expect(await network.settleEpoch(epoch)).to.equal(true);
  });

  it("at the end every wei is where it should be", async () => {
    await network.claimAll(0);
    const r = await network.result();
    expect(r.conserved).to.equal(true);
    expect(r.held).to.equal(0n);
  });
});

describe("npm start with nodes killed @e2e @deep", function () {
  this.timeout(600_000);

  function start(...flags: string[]): { status: number | null; json: Record<string, unknown>; left: string } {
    const run = spawnSync(
      process.execPath,
      [join(ROOT, "node_modules/tsx/dist/cli.mjs"), "scripts/start.ts", "--json", ...flags],
      {
        cwd: ROOT,
        encoding: "utf8",
      },
    );
    const json = JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
    const pids = (json.nodes as { pid: number }[]).map((n) => n.pid);
    return { status: run.status, json, left: pids.filter((pid) => existsSync(`/proc/${pid}`)).join(" ") };
  }

  it("one of four: everything settles", () => {
    const { status, json, left } = start("--devices", "12", "--kill-nodes", "1");
    expect(status).to.equal(0);
    expect(json.epochsSettled).to.equal(3);
    expect((json.reports as unknown[]).length).to.be.at.least(18);
    expect(json.conserved).to.equal(true);
    expect(left).to.equal("");
  });

  it("two of four: nothing settles after it, nothing false is paid, it says so and fails", () => {
    const { status, json, left } = start("--devices", "12", "--kill-nodes", "2");
    expect(status).to.equal(1);
    expect(json.epochsSettled).to.equal(1);
    expect((json.reports as { epoch: number }[]).every((r) => r.epoch === 1)).to.equal(true);
    expect(json.conserved).to.equal(true);
    expect(json.problems).to.deep.equal([
      "epoch 2 did not settle: 2 of 4 nodes are alive, 3 must prepare a set of proofs",
    ]);
    expect(left).to.equal("");
  });
});
