// End to end: a chain in its own process, four node processes, devices with real keys; one epoch from proof to payout.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { cellToLatLng, isValidCell } from "h3-js";
import { stopAll } from "../../scripts/network/processes";
import { Network, portions } from "../../scripts/network/run";

const EPOCH = 1;

describe("network @e2e", function () {
  this.timeout(240_000);
  let folder: string;
  let network: Network;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "groundwork-e2e-"));
    const quiet = { step: () => undefined, count: () => undefined };
    network = await Network.launch({ devices: 12, epochs: 1, killNodes: 0, seed: "e2e", folder }, quiet);
    await network.setUp();
  });

  after(async () => {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a task of ours as a process of its own against the network of this test; its exit code and first JSON line. */
  function command<T>(...args: string[]): { status: number | null; json: T } {
    const cli = require.resolve("hardhat/internal/cli/cli");
    const { status, stdout } = spawnSync(process.execPath, [cli, ...args, "--network", "localhost", "--json"], {
      env: { ...process.env, GROUNDWORK_ROOT: folder, LOCALHOST_RPC_URL: network.chain.rpcUrl },
      encoding: "utf8",
    });
    return { status, json: JSON.parse(stdout.split("\n")[0] ?? "") as T };
  }

  let byCommand = 0n;

  /** What an operator does: claims from any node, and from a file when no node is alive. */
  async function claimByCommand(): Promise<void> {
    interface Claimed {
      paid: string;
      error?: { code: string };
    }
    const node = network.committee.nodes[0]?.url ?? "";
    const answer = await (await fetch(`${node}/settlements/1/${EPOCH}`)).text();
    const { payouts } = JSON.parse(answer) as { payouts: { payee: string; cumulative: string }[] };
    const file = join(folder, "leaves.json");
    writeFileSync(file, answer);
    const sources = [
      ["--node", node],
      ["--from", file],
    ];
    for (const [i, source] of sources.entries()) {
      const payout = payouts[i];
      if (payout === undefined) throw new Error("sub-network 1 pays fewer than two payees");
      const args = ["claim", "--payee", payout.payee, "--sub", "1", ...source];
      const { status, json } = command<Claimed>(...args);
      expect(status).to.equal(0);
      expect(json.paid).to.equal(payout.cumulative);
      byCommand += BigInt(json.paid);
      if (i === 0) expect(command<Claimed>(...args).json.error?.code).to.equal("NOTHING_DUE");
    }
  }

  it("settles an epoch of six sub-networks, pays honest devices and no cheat, and conserves every wei", async () => {
    await network.proveEpoch(EPOCH);
    expect(await network.settleEpoch(EPOCH)).to.equal(true);
    await claimByCommand();
    await network.claimAll(0);
    const r = await network.result();

    expect(r.devices).to.equal(12 + 3); // the fourth cheat is in no batch
    expect(r.epochsSettled).to.equal(1);
    expect(r.reports).to.have.length(6);
    for (const report of r.reports) expect(report.signatures).to.equal(2); // f + 1
    expect(new Set(r.nodes.map((n) => n.pid)).size).to.equal(4);
    expect(new Set(r.nodes.map((n) => n.db)).size).to.equal(4);

    const { c } = network;
    const emission = await c.curve.emission(EPOCH);
    const { devicesBps, stakersBps, treasuryBps } = await c.emissions.bucketsNow();
    const [devicesPart = 0n] = portions(emission, [devicesBps, stakersBps, treasuryBps]);
    expect(r.minted).to.equal(devicesPart);
    expect(r.paid).to.equal(devicesPart); // everybody claimed
    expect(r.held).to.equal(0n);
    expect(r.conserved).to.equal(true);
    expect(r.claims.amount + byCommand).to.equal(devicesPart);

    expect(Object.values(r.cheatPayouts)).to.deep.equal([0n, 0n, 0n, 0n]);
    for (const [cheat, count] of Object.entries(r.rejected)) expect(count, cheat).to.be.greaterThan(0);
    expect(network.problems).to.deep.equal([]);
  });

  it("serves the same leaves from every node, and of places only H3 cells of resolution 7", async () => {
    for (let subNetwork = 1; subNetwork <= 6; subNetwork++) {
      const served = await Promise.all(
        network.committee.nodes.map(async ({ url }) =>
          (await fetch(`${url}/settlements/${subNetwork}/${EPOCH}`)).json(),
        ),
      );
      for (const body of served) expect(body).to.deep.equal(served[0]);
    }
    const device = network.devices[0];
    if (device === undefined) throw new Error("no device");
    const node = network.committee.nodes[0];
    const text = await (await fetch(`${node?.url}/devices/${device.id}/${EPOCH}`)).text();
    const cells = [...text.matchAll(/"(8[0-9a-f]{14})"/g)].map(([, cell]) => cell ?? "");
    expect(cells.length).to.be.greaterThan(0);
    for (const cell of cells) {
      expect(isValidCell(cell) && cell.startsWith("87"), cell).to.equal(true);
      const [lat] = cellToLatLng(cell);
      expect(Math.abs(lat - device.box.place.latE7 / 1e7)).to.be.lessThan(1);
    }
    expect(text).to.not.match(/latE7|lonE7|payload"/);
  });

  it("one wei that comes from nowhere shows: conserved false, exit code not 0", async () => {
    const audit = (): { status: number | null; json: { conserved?: boolean } } => command("audit");
    const intact = audit();
    expect(intact.status).to.equal(0);
    expect(intact.json.conserved).to.equal(true);

    const { c, people } = network;
    await (await c.token.connect(people.bank.signer).transfer(await c.distributor.getAddress(), 1n)).wait();
    const tampered = audit();
    expect(tampered.status).to.not.equal(0);
    expect(tampered.json.conserved).to.equal(false);
    expect((await network.result()).conserved).to.equal(false);
  });
});
