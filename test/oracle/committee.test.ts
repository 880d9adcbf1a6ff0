import { expect } from "chai";
import { z } from "zod";
import { type Hex, proofSetHash } from "../../oracle/codec";
import type { SignRequest } from "../../oracle/committee/member";
import { Peers } from "../../oracle/committee/peers";
import { leaderOf, prepareDigest, type Proposal } from "../../oracle/committee/statements";
import { signReport } from "../../oracle/codec";
import type { NodeConfig } from "../../oracle/config";
import { Refused } from "../../oracle/errors";
import { Clock } from "../../oracle/clock";
import { Store } from "../../oracle/store/store";
import { sendProof } from "../../oracle/client/client";
import {
  eventually,
  type FakeDevice,
  GENESIS,
  KEYS,
  LENGTH,
  makeWorld,
  proofOfDevice,
  type World,
} from "../helpers/oracle";

const GRACE = 50;

/** Code of the refusal that `work` ends in. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
  return "accepted";
}

describe("oracle: the committee", () => {
  let world: World;
  let devices: FakeDevice[];

  async function start(change: Partial<NodeConfig> = {}): Promise<void> {
    world = await makeWorld(change);
    devices = [1n, 2n, 3n, 4n].map((id) => world.chain.addDevice({ id }));
    world.chain.mine(GENESIS + LENGTH + 20);
  }
  beforeEach(() => start());
  afterEach(() => world.end());

  const send = async (node: number, device: FakeDevice, units: number, m = {}): Promise<void> => {
    const result = await sendProof([world.urls[node]!], proofOfDevice(device, units, m));
    expect(result).to.include({ accepted: true });
  };
  const everyNodeHas = (count: number) =>
    eventually(
      async () => (await Promise.all(world.nodes.map((n) => n.store.countProofs()))).every((c) => c === count),
      `${count} proofs in every store`,
    );
  const head = () => world.chain.headOf(1);
  const settlement = async (epoch: number, node = 0) => {
    const response = await fetch(`${world.urls[node]}/settlements/1/${epoch}`);
    return (await response.json()) as {
      entries: { deviceId: string; points: string; payee: string }[];
      payouts: { payee: string; cumulative: string }[];
      settlement: Record<string, unknown>;
    };
  };
  /** Ticks until the epoch is on the chain, at most `times`. */
  const settles = async (epoch: number, times = 4): Promise<boolean> => {
    for (let i = 0; i < times; i++) {
      await world.tick();
      if ((await head()).epoch >= epoch) return true;
    }
    return false;
  };
  const leaderAt = (epoch: number, round: number) => leaderOf(1, epoch, round, 4);
  const nextRound = (epoch: number, round: number) =>
    world.chain.mine(GENESIS + (epoch + 1) * LENGTH + GRACE + round * 20);

  it("settles what devices sent to different nodes", async () => {
    for (const [i, device] of devices.entries()) await send(i, device, 10 * (i + 1));
    await everyNodeHas(4);
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    for (const node of [0, 1, 2, 3]) {
      const { entries, payouts } = await settlement(1, node);
      expect(entries.map((e) => e.points)).to.deep.equal(["10", "20", "30", "40"]);
      expect(payouts.reduce((sum, p) => sum + BigInt(p.cumulative), 0n)).to.equal(1_000_003n);
    }
    expect(world.chain.deliveries.length).to.equal(1);
  });

  it("settles nothing before the grace is over", async () => {
    await send(0, devices[0]!, 10);
    world.chain.endEpoch(1, GRACE - 1);
    expect(await settles(1)).to.equal(false);
  });

  it("settles an epoch without proofs with the empty roots, keeping the payouts of the term", async () => {
    await send(0, devices[0]!, 10);
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    world.chain.endEpoch(2, GRACE);
    expect(await settles(2)).to.equal(true);
    world.chain.endEpoch(3, GRACE); // the next term
    expect(await settles(3)).to.equal(true);
    const [one, two, three] = [1, 2, 3].map((e) => world.chain.records.get(`1:${e}`)!.settlement);
    expect(two!.entriesRoot).to.equal(three!.entriesRoot);
    expect(two!.payoutsRoot).to.equal(one!.payoutsRoot);
    expect(three!.payoutsRoot).to.equal(`0x${"00".repeat(32)}`);
    expect([two!.term, three!.term]).to.deep.equal([0, 1]);
  });

  it("adds up within a term and starts anew in the next", async () => {
    for (const epoch of [1, 2, 3]) {
      if (epoch > 1) world.chain.mine(GENESIS + epoch * LENGTH + 20);
      await send(0, devices[0]!, 10, { epoch, counter: BigInt(epoch) });
      await everyNodeHas(epoch);
      world.chain.endEpoch(epoch, GRACE);
      expect(await settles(epoch)).to.equal(true);
    }
    const cumulative = async (epoch: number) => {
      const body = world.chain.records.get(`1:${epoch}`)!.settlement;
      for (const node of [0, 1, 2, 3]) {
        const shown = await settlement(epoch, node);
        if (shown.payouts !== undefined) return [body.term, shown.payouts.map((p) => p.cumulative)];
      }
      return [];
    };
    expect(await cumulative(1)).to.deep.equal([0, ["1000003"]]);
    expect(await cumulative(2)).to.deep.equal([0, ["2000006"]]);
    expect(await cumulative(3)).to.deep.equal([1, ["1000003"]]);
  });

  it("drops both messages of a cloned key, whichever node they came to", async () => {
    await send(0, devices[0]!, 10);
    await send(1, devices[0]!, 11);
    await send(2, devices[1]!, 5);
    await everyNodeHas(3);
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    const shown = await settlement(1, leaderAt(1, 0));
    expect(shown.entries.map((e) => [e.deviceId, e.points])).to.deep.equal([["2", "5"]]);
    const view = (await (await fetch(`${world.urls[leaderAt(1, 0)]}/devices/1/1`)).json()) as {
      subNetworks: { proofs: { reason: string }[] }[];
    };
    expect(view.subNetworks[0]!.proofs.map((p) => p.reason)).to.deep.equal(["CLONED_KEY", "CLONED_KEY"]);
    // Each dropped message is one row, in the node that took it from the device, once that node has seen the settlement.
    for (const node of world.nodes) await node.finaliseTick();
    const counts = await Promise.all(world.nodes.map((n) => n.store.rejectionCounts()));
    expect(counts.reduce((sum, c) => sum + (c.CLONED_KEY ?? 0), 0)).to.equal(2);
  });

  it("settles nothing when the exchange is blocked", async () => {
    await world.end();
    await start({ blockExchange: true });
    for (const [i, device] of devices.entries()) await send(i, device, 10);
    world.chain.endEpoch(1, GRACE);
    for (let round = 0; round < 5; round++) {
      expect(await settles(1, 2)).to.equal(false);
      nextRound(1, round + 1);
    }
  });

  it("settles with one node dead, by the next leader if it was the leader", async () => {
    await send((leaderAt(1, 0) + 1) % 4, devices[0]!, 10);
    await everyNodeHas(1);
    await world.stop(leaderAt(1, 0));
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1, 2)).to.equal(false);
    nextRound(1, 1);
    expect(await settles(1)).to.equal(true);
  });

  it("settles nothing with two nodes dead", async () => {
    await send(0, devices[0]!, 10);
    await everyNodeHas(1);
    await world.stop(leaderAt(1, 0));
    await world.stop(leaderAt(1, 1));
    world.chain.endEpoch(1, GRACE);
    for (let round = 0; round < 6; round++) {
      expect(await settles(1, 2)).to.equal(false);
      nextRound(1, round + 1);
    }
    expect(world.chain.deliveries).to.deep.equal([]);
  });

  it("settles an epoch again after it was cancelled, as the next attempt", async () => {
    await send(0, devices[0]!, 10);
    await everyNodeHas(1);
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    const first = await head();
    world.chain.cancel(1);
    expect(await settles(1)).to.equal(true);
    expect(await head()).to.include({ epoch: 1, attempt: 1 });
    expect((await head()).id).not.to.equal(first.id);
  });

  it("finalises after the window and not before, oldest first", async () => {
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    world.chain.endEpoch(2, GRACE);
    world.chain.window = 0;
    expect(await settles(2)).to.equal(true);
    world.chain.records.get("1:1")!.deadline = world.chain.time + 1;
    for (const node of world.nodes) await node.finaliseTick();
    expect((await world.chain.settlementOf(1, 2)).state).to.equal("pending");
    world.chain.mine(world.chain.time + 1);
    for (let round = 0; round < 4; round++) {
      for (const node of world.nodes) await node.finaliseTick();
      world.chain.mine(world.chain.time + 20);
    }
    expect((await world.chain.settlementOf(1, 1)).state).to.equal("final");
    expect((await world.chain.settlementOf(1, 2)).state).to.equal("final");
  });

  it("gives every node the lists behind a settlement that it did not sign", async () => {
    await send(0, devices[0]!, 10);
    await everyNodeHas(1);
    const absent = (leaderAt(1, 0) + 2) % 4;
    await world.stop(absent);
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1)).to.equal(true);
    await world.restart(absent);
    expect((await fetch(`${world.urls[absent]}/settlements/1/1`)).status).to.equal(404);
    await world.nodes[absent]!.finaliseTick();
    expect((await settlement(1, absent)).entries.map((e) => e.points)).to.deep.equal(["10"]);
  });

  it("waits for the next round after a refused delivery", async () => {
    world.chain.refuse = "SettlementWindowOpen";
    world.chain.endEpoch(1, GRACE);
    expect(await settles(1, 3)).to.equal(false);
    world.chain.refuse = null;
    expect(await settles(1, 3)).to.equal(false);
    nextRound(1, 1);
    expect(await settles(1)).to.equal(true);
  });

  describe("prepare and sign", () => {
    let hashes: Hex[];
    let proposal: Proposal;
    const leader = () => world.config(0).members[leaderAt(1, 0)]!;
    const follower = () => world.nodes[(leaderAt(1, 0) + 1) % 4]!;
    const block = () => {
      const last = world.chain.blocks[world.chain.blocks.length - 2]!;
      return { number: last.number, hash: last.hash };
    };
    const request = (over = {}) => ({ subNetwork: 1, epoch: 1, attempt: 0, round: 0, block: block(), hashes, ...over });
    /** A certificate over `set` of the first `count` members, whatever their nodes think. */
    const signing = (set: readonly Hex[], count = 3, over: Partial<Proposal> = {}): SignRequest => {
      const p = { ...proposal, ...over, proofSetHash: proofSetHash(set) };
      const prepares = KEYS.slice(0, count).map((k) => signReport(k, prepareDigest(world.chain.constants, p)));
      const time = world.chain.time;
      return { certificate: { ...p, prepares }, hashes: [...set], timestamp: time, validUntil: time + 100 };
    };

    beforeEach(async () => {
      await send(0, devices[0]!, 10);
      await send(1, devices[1]!, 20);
      await everyNodeHas(2);
      world.chain.endEpoch(1, GRACE);
      await world.chain.closeEpochs(2);
      hashes = await world.nodes[0]!.store.proofHashes(1, 1);
      const { number, hash } = block();
      proposal = {
        subNetwork: 1,
        epoch: 1,
        attempt: 0,
        round: 0,
        block: { number, hash },
        proofSetHash: proofSetHash(hashes),
      };
    });

    it("prepares the full set of the leader of the round", async () => {
      expect(await codeOf(follower().member.prepare(request(), leader()))).to.equal("accepted");
    });
    it("refuses a proposal of another member", async () => {
      const stranger = world.config(0).members[(leaderAt(1, 0) + 1) % 4]!;
      expect(await codeOf(follower().member.prepare(request(), stranger))).to.equal("NOT_LEADER");
    });
    it("refuses a round that is far from its own", async () => {
      expect(await codeOf(follower().member.prepare(request({ round: 2 }), leader()))).to.equal("WRONG_ROUND");
    });
    it("refuses another attempt, another epoch and an epoch that is not closed", async () => {
      expect(await codeOf(follower().member.prepare(request({ attempt: 1 }), leader()))).to.equal("NOT_DUE");
      expect(await codeOf(follower().member.prepare(request({ epoch: 2 }), leader()))).to.equal("NOT_DUE");
      world.chain.closed = 1;
      expect(await codeOf(follower().member.prepare(request(), leader()))).to.equal("NOT_DUE");
    });
    it("refuses a set that lacks a proof which it holds", async () => {
      expect(await codeOf(follower().member.prepare(request({ hashes: hashes.slice(1) }), leader()))).to.equal(
        "SET_LACKS",
      );
    });
    it("refuses a set with proofs that nobody has", async () => {
      const invented = [...hashes, `0x${"ff".repeat(32)}`];
      expect(await codeOf(follower().member.prepare(request({ hashes: invented }), leader()))).to.equal("SET_UNKNOWN");
    });
    it("refuses a set in another order", async () => {
      const falling = [...hashes].reverse();
      expect(await codeOf(follower().member.prepare(request({ hashes: falling }), leader()))).to.equal("MALFORMED");
    });
    it("refuses another reference block", async () => {
      const earlier = world.chain.blocks[1]!;
      const wrong = { number: earlier.number, hash: earlier.hash };
      expect(await codeOf(follower().member.prepare(request({ block: wrong }), leader()))).to.equal("WRONG_BLOCK");
    });
    it("prepares one set a round, also after a restart", async () => {
      const index = (leaderAt(1, 0) + 1) % 4;
      expect(await codeOf(follower().member.prepare(request(), leader()))).to.equal("accepted");
      await world.restart(index);
      const late = devices[2]!;
      expect(await codeOf(follower().collector.take([proofOfDevice(late, 30)]))).to.equal("accepted");
      const more = await follower().store.proofHashes(1, 1);
      expect(more.length).to.equal(3);
      expect(await codeOf(follower().member.prepare(request({ hashes: more }), leader()))).to.equal("PREPARED_OTHER");
    });

    it("signs a certified set", async () => {
      const { settlementId } = await follower().member.sign(signing(hashes), leader());
      const lock = await follower().store.lockOf(1, 1, 0);
      expect(lock?.settlementId).to.equal(settlementId);
    });
    it("refuses 2f prepares, one member's prepare thrice, and prepares of strangers", async () => {
      expect(await codeOf(follower().member.sign(signing(hashes, 2), leader()))).to.equal("NOT_CERTIFIED");
      const request = signing(hashes, 1);
      const [one] = request.certificate.prepares;
      const thrice = { ...request, certificate: { ...request.certificate, prepares: [one!, one!, one!] } };
      expect(await codeOf(follower().member.sign(thrice, leader()))).to.equal("NOT_CERTIFIED");
      const strangers = [7, 8, 9].map((i) =>
        signReport(`0x${String(i).repeat(64)}`, prepareDigest(world.chain.constants, proposal)),
      );
      const foreign = { ...request, certificate: { ...request.certificate, prepares: strangers } };
      expect(await codeOf(follower().member.sign(foreign, leader()))).to.equal("NOT_CERTIFIED");
    });
    it("refuses a certificate of another round, set or block", async () => {
      const request = signing(hashes);
      const other = (over: Partial<Proposal>) => ({ ...request, certificate: { ...request.certificate, ...over } });
      for (const over of [
        { round: 1 },
        { proofSetHash: `0x${"11".repeat(32)}` as Hex },
        { block: { number: 1, hash: `0x${"22".repeat(32)}` as Hex } },
      ]) {
        expect(await codeOf(follower().member.sign(other(over), leader()))).to.equal("NOT_CERTIFIED");
      }
      expect(await codeOf(follower().member.sign({ ...request, hashes: hashes.slice(1) }, leader()))).to.equal(
        "WRONG_SET",
      );
    });
    it("refuses a deadline that is past or too far", async () => {
      const request = signing(hashes);
      for (const validUntil of [world.chain.time, world.chain.time + 3_631]) {
        expect(await codeOf(follower().member.sign({ ...request, validUntil }, leader()))).to.equal("BAD_VALIDITY");
      }
    });
    it("never signs two contents for one attempt, also after a restart; the same content again", async () => {
      const index = (leaderAt(1, 0) + 1) % 4;
      const { settlementId } = await follower().member.sign(signing(hashes), leader());
      await world.restart(index);
      const late = devices[2]!;
      await follower().collector.take([proofOfDevice(late, 30)]);
      const more = await follower().store.proofHashes(1, 1);
      expect(more.length).to.equal(3);
      expect(await codeOf(follower().member.sign(signing(more), leader()))).to.equal("DOUBLE_SIGN");
      expect(await codeOf(follower().member.prepare(request({ hashes: more }), leader()))).to.equal("LOCKED");
      world.chain.mine(world.chain.time + 5);
      const again = await follower().member.sign(signing(hashes), leader());
      expect(again.settlementId).to.equal(settlementId);
    });
    it("keeps the lock in the file: another store on it refuses too", async () => {
      const index = (leaderAt(1, 0) + 1) % 4;
      const { settlementId } = await follower().member.sign(signing(hashes), leader());
      await world.stop(index);
      const store = await Store.open(world.config(index).db);
      const lock = { subNetwork: 1, epoch: 1, attempt: 0, settlementId: 7n, certificate: "{}", hashes: "[]" };
      expect(await store.lock(lock)).to.equal(settlementId);
      expect(await store.lock({ ...lock, attempt: 1 })).to.equal(7n);
      await store.close();
    });
    it("makes the next leader take up a set that somebody has signed", async () => {
      await follower().member.sign(signing(hashes), leader());
      const late = devices[2]!; // comes too late for the signed set
      for (const node of world.nodes) await node.collector.take([proofOfDevice(late, 30)]);
      expect(await settles(1)).to.equal(true);
      expect((await settlement(1, leaderAt(1, 0))).entries.map((e) => e.points)).to.deep.equal(["10", "20"]);
    });
  });

  describe("envelopes", () => {
    const call = async (key: string, to: number, path: string, time?: number): Promise<string> => {
      const config = world.config(1);
      const clock =
        time === undefined
          ? new Clock(world.chain)
          : new Clock({ latest: async () => ({ ...world.chain.blocks[0]!, time }) });
      const peers = new Peers(config.members, config.members[1]!, key, world.chain.constants, clock, 2_000);
      const member = { ...config.members[to]!, url: world.urls[0]! };
      return codeOf(peers.call(member, path, { subNetwork: 1, epoch: 1, attempt: 0 }, z.unknown()));
    };
    it("lets a member in", async () => expect(await call(KEYS[1]!, 0, "/peer/have")).to.equal("accepted"));
    it("keeps a stranger out", async () =>
      expect(await call(`0x${"55".repeat(32)}`, 0, "/peer/have")).to.equal("NOT_A_MEMBER"));
    it("keeps out what is meant for another member", async () =>
      expect(await call(KEYS[1]!, 2, "/peer/have")).to.equal("NOT_A_MEMBER"));
    it("keeps out what is old", async () =>
      expect(await call(KEYS[1]!, 0, "/peer/have", world.chain.time - 121)).to.equal("ENVELOPE_STALE"));
  });

  describe("the price", () => {
    it("is the sorted observations of the members, once a round", async () => {
      for (const [i, price] of ["103", "101", "104", "102"].entries()) world.setPrice(i, price);
      const reported = await Promise.all(world.nodes.map((n) => n.priceTick()));
      expect(reported.filter(Boolean).length).to.equal(1);
      expect(world.chain.prices.map((p) => p.observations)).to.deep.equal([[101n, 102n, 103n, 104n]]);
      for (const node of world.nodes) expect(await node.priceTick()).to.equal(false);
      expect(world.chain.prices.length).to.equal(1);
    });
    it("comes with one member dead, and not with two", async () => {
      const round = Math.floor((world.chain.time - GENESIS) / 100) + 1;
      const turn = round % 4;
      await world.stop((turn + 1) % 4);
      expect(await world.nodes[turn]!.priceTick()).to.equal(true);
      world.chain.mine(world.chain.time + 400);
      await world.stop((turn + 2) % 4);
      expect(await world.nodes[turn]!.priceTick()).to.equal(false);
      expect(world.chain.prices.length).to.equal(1);
    });
  });
});
