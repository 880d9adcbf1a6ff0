import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";
import type { EmissionController } from "../../typechain-types";
import {
  BUCKETS,
  emissionFixture,
  EPOCH_LENGTH,
  gasOf,
  HALVING_EPOCHS,
  INITIAL,
  RATE_CAPACITY,
  RATE_REFILL,
  sixSubNetworksFixture,
  STAKERS,
  toEpoch,
  TREASURY,
} from "../helpers/money";

describe("attacks: emission", () => {
  /** Two controllers of one genesis, one curve and one set of parameters: `eager` is closed on time, `lazy` is not. */
  async function twins() {
    const f = await emissionFixture();
    const genesis = await f.emissions.epochGenesis();
    const deploy = async () => {
      const twin = await ethers.deployContract("EmissionController", [
        f.manager,
        f.token,
        genesis,
        EPOCH_LENGTH,
        f.curve,
        BUCKETS,
        RATE_CAPACITY,
        RATE_REFILL,
      ]);
      await twin.setReceiver(TREASURY, f.treasury);
      await twin.setReceiver(STAKERS, f.alice);
      for (const name of ["a", "b", "c"]) await twin.addSubNetwork(1, 0, name);
      await twin.setWeights([5000, 3001, 1999]);
      return twin;
    };
    const [eager, lazy] = [await deploy(), await deploy()];
    const curves = [f.curve, await ethers.deployContract("HalvingCurve", [INITIAL / 3n, 2])];
    return { ...f, eager, lazy, curves };
  }

  /** Everything that closing writes, and everything it says. */
  async function record(emissions: EmissionController) {
    const closed = await emissions.nextEpochToClose();
    const events = await emissions.queryFilter(emissions.filters.EpochClosed());
    const count = await emissions.subNetworkCount();
    const budgets: bigint[] = [];
    for (let epoch = 0n; epoch < closed; epoch++) {
      for (let id = 1n; id <= count; id++) budgets.push(await emissions.budgetOf(id, epoch));
    }
    const { budget, stakers, treasury } = events.reduce(
      (sum, { args }) => ({
        budget: sum.budget + args.budget,
        stakers: sum.stakers + args.stakers,
        treasury: sum.treasury + args.treasury,
      }),
      { budget: 0n, stakers: 0n, treasury: 0n },
    );
    const [scheduled, reserve] = [await emissions.totalScheduled(), await emissions.reserve()];
    // Nothing is lost and nothing made, whoever closes when.
    expect(scheduled).to.equal(budget);
    expect(reserve + stakers + treasury + budgets.reduce((a, b) => a + b, 0n)).to.equal(scheduled);
    return {
      closed,
      events: events.map(({ args }) => [...args].map(String)),
      budgets,
      scheduled,
      reserve,
      collectable: [...(await emissions.collectable())],
    };
  }

  type Change =
    | { kind: "none" }
    | { kind: "buckets"; devices: number; stakers: number }
    | { kind: "weights"; cut: number }
    | { kind: "curve"; which: number }
    | { kind: "add" };

  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.constant({ kind: "none" } as const),
    fc.record({
      kind: fc.constant("buckets" as const),
      devices: fc.integer({ min: 0, max: 10_000 }),
      stakers: fc.integer({ min: 0, max: 10_000 }),
    }),
    fc.record({ kind: fc.constant("weights" as const), cut: fc.integer({ min: 0, max: 10_000 }) }),
    fc.record({ kind: fc.constant("curve" as const), which: fc.integer({ min: 0, max: 1 }) }),
    fc.constant({ kind: "add" } as const),
  );
  const path = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 4 }), change }), { minLength: 3, maxLength: 8 });

  async function apply(emissions: EmissionController, by: Change, curves: readonly { target: unknown }[]) {
    if (by.kind === "buckets") {
      const stakersBps = Math.min(by.stakers, 10_000 - by.devices);
      await emissions.setBuckets({
        devicesBps: by.devices,
        stakersBps,
        treasuryBps: 10_000 - by.devices - stakersBps,
      });
    } else if (by.kind === "weights") {
      const weights = Array.from({ length: Number(await emissions.subNetworkCount()) }, () => 0);
      weights[0] = by.cut;
      weights[weights.length - 1]! += 10_000 - by.cut;
      await emissions.setWeights(weights);
    } else if (by.kind === "curve") {
      await emissions.setCurve(String(curves[by.which]?.target));
    } else if (by.kind === "add" && (await emissions.subNetworkCount()) < 16n) {
      await emissions.addSubNetwork(9, 0, "more");
    }
  }

  it("[A-E2] closing late, in bulk, after any gaps and changes is closing on time, bit for bit", async () => {
    await fc.assert(
      fc.asyncProperty(path, async (steps) => {
        const { eager, lazy, curves } = await loadFixture(twins);
        let epoch = 0;
        for (const step of steps) {
          for (let i = 0; i < step.gap; i++) {
            await toEpoch(eager, ++epoch);
            await eager.closeEpoch();
          }
          if (step.change.kind === "none") continue;
          // A change first settles the past: the lazy one must catch up, at once, long after the fact.
          const behind = BigInt(epoch) - (await lazy.nextEpochToClose());
          if (behind > 0n) await lazy.closeEpochs(behind);
          await apply(eager, step.change, curves);
          await apply(lazy, step.change, curves);
        }
        // The last change, still pending or long in force, and a long sleep after it.
        for (let i = 0; i < 3; i++) {
          await toEpoch(eager, ++epoch);
          await eager.closeEpoch();
        }
        await time.increase(20 * EPOCH_LENGTH);
        await lazy.closeEpochs(BigInt(epoch) - (await lazy.nextEpochToClose()));
        expect(await record(lazy)).to.deep.equal(await record(eager));
      }),
      { numRuns: 10, seed: 20_261, endOnFailure: true },
    );
  });

  it("[A-E2] no parameter changes while an ended epoch is open, and none reaches the running one", async () => {
    const { eager, lazy, curves } = await loadFixture(twins);
    const changes: Change[] = [
      { kind: "buckets", devices: 0, stakers: 10_000 },
      { kind: "weights", cut: 0 },
      { kind: "curve", which: 1 },
      { kind: "add" },
    ];
    await toEpoch(lazy, 2);
    await eager.closeEpochs(2);
    await lazy.closeEpoch();
    for (const each of changes) {
      await expect(apply(lazy, each, curves))
        .to.be.revertedWithCustomError(lazy, "EmissionEpochDue")
        .withArgs(1);
    }
    await lazy.closeEpoch();
    for (const each of changes) await apply(lazy, each, curves);
    await toEpoch(lazy, 3);
    await eager.closeEpoch();
    await lazy.closeEpoch();
    // Epoch 2 was running when everything was changed: it is as if nothing had been.
    for (const id of [1, 2, 3]) expect(await lazy.budgetOf(id, 2)).to.equal(await eager.budgetOf(id, 2));
    expect(await lazy.budgetOf(4, 2)).to.equal(0n);
    expect(await lazy.collectable()).to.deep.equal(await eager.collectable());
    await toEpoch(lazy, 4);
    await lazy.closeEpoch();
    const [treasury, stakers] = await lazy.collectable();
    expect(stakers).to.equal(INITIAL / 3n / 2n);
    expect(treasury).to.equal((await eager.collectable()).treasury);
  });

  it("[A-E2] an epoch costs the same to close after a gap of 1,000 epochs, and none is skipped", async () => {
    const { emissions } = await loadFixture(sixSubNetworksFixture);
    await toEpoch(emissions, 2);
    await emissions.closeEpoch();
    const onTime = await gasOf(emissions.closeEpoch());
    await toEpoch(emissions, 1002);
    const late = await gasOf(emissions.closeEpoch());
    expect(late).to.be.within(onTime - 100n, onTime + 100n);
    for (let i = 0; i < 10; i++) await emissions.closeEpochs(99);
    await emissions.closeEpochs(9);
    expect(await emissions.nextEpochToClose()).to.equal(1002n);
    let scheduled = 0n;
    for (let epoch = 0n; epoch < 1002n; epoch++) scheduled += INITIAL >> (epoch / HALVING_EPOCHS);
    expect(await emissions.totalScheduled()).to.equal(scheduled);
  });
});
