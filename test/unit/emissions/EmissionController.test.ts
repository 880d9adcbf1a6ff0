import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";
import { EmissionController__factory } from "../../../typechain-types";
import {
  BUCKETS,
  emissionFixture,
  EPOCH_LENGTH,
  INITIAL,
  RATE_CAPACITY,
  RATE_REFILL,
  sixSubNetworksFixture,
  split,
  STAKERS,
  toEpoch,
  TREASURY,
  WEIGHTS,
} from "../../helpers/money";

const { encodeBytes32String, ZeroAddress } = ethers;
const MODE = { Answer: 0, Revert: 1, BurnGas: 2, ShortAnswer: 3 };
const DEVICES = (INITIAL * 7n) / 10n;
const TREASURY_PART = INITIAL - DEVICES;
const BUDGETS = split(DEVICES, WEIGHTS);

describe("EmissionController", () => {
  /** Epochs 0 and 1 closed, epoch 2 runs. */
  async function closed() {
    const f = await sixSubNetworksFixture();
    await toEpoch(f.emissions, 2);
    await f.emissions.closeEpochs(2);
    return f;
  }

  /** One sub-network with all the weight and an amount that splits badly. */
  async function withCurve(amount: bigint, buckets = BUCKETS) {
    const f = await emissionFixture();
    const curve = await ethers.deployContract("Curve__MockForEmission", [amount]);
    const emissions = await ethers.deployContract("EmissionController", [
      f.manager,
      f.token,
      0,
      EPOCH_LENGTH,
      curve,
      buckets,
      10_000,
      10_000,
    ]);
    return { ...f, mock: curve, emissions };
  }

  const deploy = async (change: {
    base: Awaited<ReturnType<typeof emissionFixture>>;
    token?: string;
    curve?: string;
    buckets?: typeof BUCKETS;
    capacity?: bigint;
    refill?: bigint;
    genesis?: number;
  }) => {
    const { manager, token, curve } = change.base;
    return ethers.deployContract("EmissionController", [
      manager,
      change.token ?? token,
      change.genesis ?? 0,
      EPOCH_LENGTH,
      change.curve ?? curve,
      change.buckets ?? BUCKETS,
      change.capacity ?? RATE_CAPACITY,
      change.refill ?? RATE_REFILL,
    ]);
  };

  type Call = Promise<ContractTransactionResponse>;
  const CONTRACT = { interface: EmissionController__factory.createInterface() };
  const refuses = (call: Promise<unknown>, error: string, args: readonly unknown[]) =>
    expect(call)
      .to.be.revertedWithCustomError(CONTRACT, error)
      .withArgs(...args);
  const bad = (call: Promise<unknown>, name: string, value: unknown) =>
    refuses(call, "EmissionBadParameter", [encodeBytes32String(name), value]);

  describe("constructor", () => {
    it("reverts for a token of zero, shares that are not a whole, a curve that does not answer", async () => {
      const base = await loadFixture(emissionFixture);
      await bad(deploy({ base, token: ZeroAddress }), "token", 0);
      await refuses(deploy({ base, buckets: { ...BUCKETS, stakersBps: 1n } }), "EmissionBadShares", [10_001]);
      await bad(deploy({ base, curve: base.alice.address }), "curve", base.alice.address);
      const broken = await ethers.deployContract("Curve__MockForEmission", [INITIAL]);
      const address = await broken.getAddress();
      for (const mode of [MODE.Revert, MODE.BurnGas, MODE.ShortAnswer]) {
        await broken.set(mode, INITIAL);
        await bad(deploy({ base, curve: address }), "curve", address);
      }
    });

    it("reverts for a capacity below the first emission, of zero, or of 2^96", async () => {
      const base = await loadFixture(emissionFixture);
      for (const capacity of [INITIAL - 1n, 2n ** 96n]) await bad(deploy({ base, capacity }), "rateCapacity", capacity);
      const nothing = await ethers.deployContract("Curve__MockForEmission", [0]);
      await bad(deploy({ base, capacity: 0n, curve: await nothing.getAddress() }), "rateCapacity", 0);
      const least = await deploy({ base, capacity: INITIAL });
      expect(await least.rateAvailable()).to.equal(INITIAL);
    });

    it("reverts for a refill slower than the curve", async () => {
      const base = await loadFixture(emissionFixture);
      for (const refill of [0n, 1n, INITIAL / BigInt(EPOCH_LENGTH) - 10n ** 12n]) {
        await bad(deploy({ base, refill }), "rateRefillPerSecond", refill);
      }
    });

    it("starts with the epoch of its deployment", async () => {
      const base = await loadFixture(emissionFixture);
      const early = await deploy({ base });
      expect(await early.nextEpochToClose()).to.equal(0n);
      const late = await deploy({ base, genesis: (await time.latest()) - 5 * EPOCH_LENGTH - 9 });
      expect([await late.nextEpochToClose(), await late.currentEpoch()]).to.deep.equal([5n, 5n]);
      const address = await late.curveNow();
      const tx = late.deploymentTransaction();
      await expect(tx).to.emit(late, "CurveScheduled").withArgs(address, 5);
      await expect(tx).to.emit(late, "BucketsScheduled").withArgs(7000, 0, 3000, 5);
      const future = await deploy({ base, genesis: (await time.latest()) + 5 * EPOCH_LENGTH });
      expect([await future.nextEpochToClose(), await future.currentEpoch()]).to.deep.equal([0n, 0n]);
    });
  });

  describe("closeEpoch", () => {
    it("reverts before the epoch has ended", async () => {
      const { emissions } = await loadFixture(emissionFixture);
      const end = (await emissions.epochGenesis()) + BigInt(EPOCH_LENGTH);
      await time.setNextBlockTimestamp(end - 1n);
      await refuses(emissions.closeEpoch(), "EmissionEpochNotEnded", [0, end]);
      await time.setNextBlockTimestamp(end);
      await emissions.closeEpoch();
      expect(await time.latest()).to.equal(end);
    });

    it("closes the oldest open epoch, by anyone", async () => {
      const { emissions, stranger } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 4);
      expect(await emissions.connect(stranger).closeEpoch.staticCall()).to.equal(0n);
      await emissions.connect(stranger).closeEpoch();
      expect(await emissions.nextEpochToClose()).to.equal(1n);
      expect(await emissions.budgetOf(1, 1)).to.equal(0n);
      await emissions.connect(stranger).closeEpoch();
      expect(await emissions.nextEpochToClose()).to.equal(2n);
    });

    it("splits curve → buckets → sub-networks to the wei", async () => {
      const { emissions } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 2);
      await emissions.closeEpoch();
      await expect(emissions.closeEpoch())
        .to.emit(emissions, "EpochClosed")
        .withArgs(1, INITIAL, BUDGETS, 0, TREASURY_PART);
      const budgets = await Promise.all(WEIGHTS.map((_, i) => emissions.budgetOf(i + 1, 1)));
      expect(budgets).to.deep.equal(BUDGETS);
      expect(await emissions.totalScheduled()).to.equal(2n * INITIAL);
      expect(await emissions.collectable()).to.deep.equal([2n * TREASURY_PART, 0n]);
      expect(await emissions.totalMinted()).to.equal(0n);

      // Small amounts, where every rounding shows.
      const odd = { devicesBps: 3333n, stakersBps: 3333n, treasuryBps: 3334n };
      const f = await withCurve(0n, odd);
      for (let i = 0; i < 5; i++) await f.emissions.addSubNetwork(0, 0, "");
      const weights = [3333n, 1n, 3333n, 0n, 3333n];
      await f.emissions.setWeights(weights);
      await toEpoch(f.emissions, 1);
      await f.emissions.closeEpoch();
      let epoch = 1;
      for (const amount of [1n, 2n, 3n, 7n, 9n, 9999n, 10_000n]) {
        await f.mock.set(MODE.Answer, amount);
        await toEpoch(f.emissions, epoch + 1);
        const [devices, stakers, treasury] = split(amount, Object.values(odd));
        const parts = split(devices!, weights);
        await expect(f.emissions.closeEpoch())
          .to.emit(f.emissions, "EpochClosed")
          .withArgs(epoch, amount, parts, stakers, treasury);
        expect(parts.reduce((a, b) => a + b, 0n) + stakers! + treasury!).to.equal(amount);
        expect(await Promise.all(parts.map((_, i) => f.emissions.budgetOf(i + 1, epoch)))).to.deep.equal(parts);
        epoch++;
      }
      expect(await f.emissions.reserve()).to.equal(0n);
    });

    it("gives the devices' part to the reserve while there are no weights", async () => {
      const { emissions } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 1);
      await expect(emissions.closeEpoch())
        .to.emit(emissions, "EpochClosed")
        .withArgs(0, INITIAL, [0, 0, 0, 0, 0, 0], 0, TREASURY_PART);
      expect(await emissions.reserve()).to.equal(DEVICES);
    });

    it("halves when the curve does", async () => {
      const { emissions } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 9);
      await emissions.closeEpochs(9);
      const sums = [1, 3, 4, 7, 8].map(async (epoch) => emissions.budgetOf(1, epoch));
      const first = BUDGETS[0]!;
      expect(await Promise.all(sums)).to.deep.equal([first, first, first / 2n, first / 2n, first / 4n]);
      expect(await emissions.totalScheduled()).to.equal(4n * INITIAL + 2n * INITIAL + INITIAL / 4n);
    });

    it("emits at most the rate capacity", async () => {
      const { emissions, mock } = await withCurve(5_000n);
      for (const amount of [10_001n, ethers.MaxUint256]) {
        await mock.set(MODE.Answer, amount);
        await toEpoch(emissions, (await emissions.nextEpochToClose()) + 1n);
        await emissions.closeEpoch();
      }
      expect(await emissions.totalScheduled()).to.equal(20_000n);
    });

    it("emits nothing when the curve does not answer", async () => {
      const { emissions, mock } = await withCurve(5_000n);
      for (const [epoch, mode] of [MODE.Revert, MODE.BurnGas, MODE.ShortAnswer].entries()) {
        await mock.set(mode, 5_000n);
        await toEpoch(emissions, epoch + 1);
        await expect(emissions.closeEpoch()).to.emit(emissions, "EpochClosed").withArgs(epoch, 0, [], 0, 0);
      }
      await mock.set(MODE.Answer, 5_000n);
      await toEpoch(emissions, 4);
      await emissions.closeEpoch();
      expect(await emissions.totalScheduled()).to.equal(5_000n);
    });

    it("cannot be made to emit nothing by little gas", async () => {
      const { emissions, stranger } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 1);
      const needed = await emissions.closeEpoch.estimateGas();
      let reverted = 0;
      for (let gasLimit = 30_000n; gasLimit < needed; gasLimit += 1_000n) {
        await emissions
          .connect(stranger)
          .closeEpoch({ gasLimit })
          .catch(() => reverted++);
        if ((await emissions.nextEpochToClose()) !== 0n) break;
      }
      expect(reverted).to.be.greaterThan(10);
      await toEpoch(emissions, 1);
      if ((await emissions.nextEpochToClose()) === 0n) await emissions.closeEpoch();
      expect(await emissions.totalScheduled()).to.equal(INITIAL);
    });
  });

  describe("closeEpochs", () => {
    it("reverts, closing nothing, when one of them has not ended", async () => {
      const { emissions } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 2);
      const end = (await emissions.epochGenesis()) + 3n * BigInt(EPOCH_LENGTH);
      await refuses(emissions.closeEpochs(3), "EmissionEpochNotEnded", [2, end]);
      expect(await emissions.nextEpochToClose()).to.equal(0n);
    });

    it("closes n", async () => {
      const { emissions } = await loadFixture(sixSubNetworksFixture);
      await toEpoch(emissions, 5);
      await emissions.closeEpochs(0);
      await emissions.closeEpochs(3);
      expect(await emissions.nextEpochToClose()).to.equal(3n);
      await emissions.closeEpochs(2);
      expect(await emissions.nextEpochToClose()).to.equal(5n);
    });
  });

  describe("fund", () => {
    it("reverts for anyone but the distributor", async () => {
      const { emissions, admin, stranger } = await loadFixture(closed);
      for (const who of [admin, stranger]) {
        await refuses(emissions.connect(who).fund(1, 1), "EmissionNotDistributor", [who.address]);
      }
    });

    it("reverts for an unknown sub-network, an open epoch", async () => {
      const { emissions, distributor } = await loadFixture(closed);
      for (const id of [0, 7, 17, 65_535]) {
        await refuses(emissions.connect(distributor).fund(id, 1), "EmissionSubNetworkUnknown", [id]);
      }
      await refuses(emissions.connect(distributor).fund(1, 2), "EmissionEpochNotClosed", [2]);
    });

    it("reverts for a budget that was taken", async () => {
      const { emissions, distributor } = await loadFixture(closed);
      await emissions.connect(distributor).fund(1, 1);
      await emissions.connect(distributor).reclaim(2, 1);
      for (const id of [1, 2]) {
        await refuses(emissions.connect(distributor).fund(id, 1), "EmissionBudgetTaken", [id, 1]);
      }
    });

    it("reverts above what the rate limiter holds, and passes when it has refilled", async () => {
      const f = await loadFixture(emissionFixture);
      const small = await ethers.deployContract("EmissionController", [
        f.manager,
        f.token,
        0,
        EPOCH_LENGTH,
        f.curve,
        { devicesBps: 10_000, stakersBps: 0, treasuryBps: 0 },
        INITIAL,
        RATE_REFILL,
      ]);
      await f.token.setMinter(small);
      await small.setDistributor(f.distributor);
      await small.addSubNetwork(0, 0, "");
      await small.setWeights([10_000]);
      await toEpoch(small, 3);
      await small.closeEpochs(3);
      const fund = (epoch: number) => small.connect(f.distributor).fund(1, epoch);
      await fund(1);
      expect(await small.rateAvailable()).to.equal(0n);
      const filled = (await time.latest()) + EPOCH_LENGTH / 2 + 1;
      await time.setNextBlockTimestamp(filled - 10);
      const window = (INITIAL + RATE_REFILL - 1n) / RATE_REFILL;
      const available = (BigInt(EPOCH_LENGTH / 2 - 9) * INITIAL) / window;
      await refuses(fund(2), "EmissionRateExceeded", [INITIAL, available]);
      expect(await small.isTaken(1, 2)).to.equal(false);
      await time.increaseTo(filled);
      await fund(2);
      expect(await f.token.balanceOf(f.distributor)).to.equal(2n * INITIAL);
    });

    it("passes however much the buckets collect: who collects cannot hold up a settlement", async () => {
      const f = await loadFixture(emissionFixture);
      const buckets = { devicesBps: 4000n, stakersBps: 0n, treasuryBps: 6000n };
      const small = await deploy({ base: f, buckets, capacity: INITIAL });
      await f.token.setMinter(small);
      await small.setDistributor(f.distributor);
      await small.setReceiver(TREASURY, f.treasury);
      await small.addSubNetwork(0, 0, "");
      await small.setWeights([10_000]);
      // Nobody has collected for four epochs: more waits for the treasury than the limiter refills in half an epoch.
      await toEpoch(small, 4);
      await small.closeEpochs(4);
      await small.connect(f.stranger).collectTreasury();
      await time.increase(EPOCH_LENGTH / 2);
      await small.connect(f.stranger).collectTreasury();
      expect(await f.token.balanceOf(f.treasury)).to.equal(2n * INITIAL);
      await small.connect(f.distributor).fund(1, 1);
      expect(await f.token.balanceOf(f.distributor)).to.equal((INITIAL * 4n) / 10n);
    });

    it("mints the budget to the distributor, once", async () => {
      const { emissions, token, distributor } = await loadFixture(closed);
      const supply = await token.totalSupply();
      expect(await emissions.connect(distributor).fund.staticCall(3, 1)).to.equal(BUDGETS[2]);
      await expect(emissions.connect(distributor).fund(3, 1))
        .to.emit(emissions, "BudgetFunded")
        .withArgs(3, 1, distributor.address, BUDGETS[2]);
      expect(await token.balanceOf(distributor)).to.equal(BUDGETS[2]);
      expect(await token.totalSupply()).to.equal(supply + BUDGETS[2]!);
      expect(await emissions.totalMinted()).to.equal(BUDGETS[2]);
      expect(await emissions.isTaken(3, 1)).to.equal(true);
      expect(await emissions.isTaken(2, 1)).to.equal(false);
      expect(await emissions.rateAvailable()).to.equal(RATE_CAPACITY - BUDGETS[2]!);
    });

    it("takes a budget of zero without minting", async () => {
      const { emissions, token, distributor } = await loadFixture(closed);
      await expect(emissions.connect(distributor).fund(1, 0))
        .to.emit(emissions, "BudgetFunded")
        .withArgs(1, 0, distributor.address, 0);
      expect(await token.balanceOf(distributor)).to.equal(0n);
      expect(await emissions.isTaken(1, 0)).to.equal(true);
    });
  });

  describe("reclaim", () => {
    async function withOracle() {
      const f = await closed();
      const oracle = await ethers.deployContract("Settlement__MockForEmission");
      await f.emissions.setSettlement(oracle);
      return { ...f, oracle };
    }

    it("by the distributor at once", async () => {
      const { emissions, oracle, distributor } = await loadFixture(withOracle);
      await oracle.setSettleable(1, 1, true);
      await expect(emissions.connect(distributor).reclaim(1, 1))
        .to.emit(emissions, "BudgetReclaimed")
        .withArgs(1, 1, BUDGETS[0]);
    });

    it("by others reverts while there is no oracle", async () => {
      const { emissions, stranger } = await loadFixture(closed);
      await refuses(emissions.connect(stranger).reclaim(1, 1), "EmissionStillSettleable", [1, 1]);
    });

    it("by others reverts while the oracle says it can be settled", async () => {
      const { emissions, oracle, stranger } = await loadFixture(withOracle);
      await oracle.setSettleable(1, 1, true);
      await refuses(emissions.connect(stranger).reclaim(1, 1), "EmissionStillSettleable", [1, 1]);
    });

    it("by others passes when it cannot", async () => {
      const { emissions, oracle, stranger } = await loadFixture(withOracle);
      await oracle.setSettleable(2, 1, true);
      await emissions.connect(stranger).reclaim(1, 1);
      expect(await emissions.isTaken(1, 1)).to.equal(true);
    });

    it("reverts for an unknown sub-network, an open epoch, a budget that was taken", async () => {
      const { emissions, distributor, stranger } = await loadFixture(withOracle);
      await refuses(emissions.reclaim(7, 1), "EmissionSubNetworkUnknown", [7]);
      await refuses(emissions.reclaim(0, 1), "EmissionSubNetworkUnknown", [0]);
      await refuses(emissions.reclaim(1, 2), "EmissionEpochNotClosed", [2]);
      await emissions.connect(distributor).fund(1, 1);
      await refuses(emissions.connect(stranger).reclaim(1, 1), "EmissionBudgetTaken", [1, 1]);
    });

    it("moves the budget to the reserve, unminted", async () => {
      const { emissions, token, stranger } = await loadFixture(withOracle);
      const supply = await token.totalSupply();
      await emissions.connect(stranger).reclaim(1, 1);
      expect(await emissions.reserve()).to.equal(DEVICES + BUDGETS[0]!);
      expect(await token.totalSupply()).to.equal(supply);
      expect(await emissions.totalMinted()).to.equal(0n);
    });
  });

  describe("collectTreasury", () => {
    it("reverts without a receiver, or with nothing to collect", async () => {
      const { emissions } = await withCurve(5_000n);
      await refuses(emissions.collectTreasury(), "EmissionNoReceiver", [TREASURY]);
      const f = await loadFixture(emissionFixture);
      await refuses(f.emissions.collectTreasury(), "EmissionNothingToCollect", []);
    });

    it("mints what was collected to the receiver, by anyone", async () => {
      const { emissions, token, treasury, stranger } = await loadFixture(closed);
      await expect(emissions.connect(stranger).collectTreasury())
        .to.emit(emissions, "TreasuryCollected")
        .withArgs(treasury.address, 2n * TREASURY_PART);
      expect(await token.balanceOf(treasury)).to.equal(2n * TREASURY_PART);
      expect(await emissions.totalMinted()).to.equal(2n * TREASURY_PART);
      expect(await emissions.collectable()).to.deep.equal([0n, 0n]);
      await refuses(emissions.collectTreasury(), "EmissionNothingToCollect", []);
    });

    it("mints in parts what the rate limiter does not hold", async () => {
      const { emissions, token, stranger } = await withCurve(10_000n, {
        devicesBps: 0n,
        stakersBps: 0n,
        treasuryBps: 10_000n,
      });
      await token.setMinter(emissions);
      await emissions.setReceiver(TREASURY, stranger);
      await toEpoch(emissions, 3);
      await emissions.closeEpochs(3);
      await ethers.provider.send("evm_setAutomine", [false]);
      const first = await emissions.collectTreasury({ gasLimit: 300_000 });
      const second = await emissions.collectTreasury({ gasLimit: 300_000 });
      await ethers.provider.send("evm_mine", []);
      await ethers.provider.send("evm_setAutomine", [true]);
      await first.wait();
      expect(await token.balanceOf(stranger)).to.equal(10_000n);
      // The second one came in the same second: the limiter was empty.
      expect((await ethers.provider.getTransactionReceipt(second.hash))?.status).to.equal(0);
      await time.increase(1);
      await emissions.collectTreasury();
      await time.increase(1);
      await emissions.collectTreasury();
      expect(await token.balanceOf(stranger)).to.equal(30_000n);
      expect(await emissions.collectable()).to.deep.equal([0n, 0n]);
    });

    it("reverts while the rate limiter is empty", async () => {
      const { emissions, token, stranger } = await withCurve(10_000n, {
        devicesBps: 0n,
        stakersBps: 5_000n,
        treasuryBps: 5_000n,
      });
      await token.setMinter(emissions);
      const bank = await ethers.deployContract("Collector__MockForEmission", [emissions]);
      await emissions.setReceiver(TREASURY, stranger);
      await emissions.setReceiver(STAKERS, stranger);
      await toEpoch(emissions, 4);
      await emissions.closeEpochs(4);
      // 20,000 wait in each bucket, the limiter holds 10,000: the first call of a second empties it.
      await refuses(bank.collectBoth(), "EmissionRateExceeded", [20_000, 0]);
    });
  });

  describe("collectStakers", () => {
    it("the same for the stakers' bucket", async () => {
      const { emissions, token, stranger } = await withCurve(9_999n, {
        devicesBps: 0n,
        stakersBps: 2_500n,
        treasuryBps: 7_500n,
      });
      await token.setMinter(emissions);
      await refuses(emissions.collectStakers(), "EmissionNoReceiver", [STAKERS]);
      await emissions.setReceiver(STAKERS, stranger);
      await refuses(emissions.collectStakers(), "EmissionNothingToCollect", []);
      await toEpoch(emissions, 1);
      await emissions.closeEpoch();
      expect(await emissions.collectable()).to.deep.equal([7_500n, 2_499n]);
      await expect(emissions.collectStakers()).to.emit(emissions, "StakersCollected").withArgs(stranger.address, 2_499);
      expect(await token.balanceOf(stranger)).to.equal(2_499n);
      expect(await emissions.collectable()).to.deep.equal([7_500n, 0n]);
    });
  });

  describe("setters", () => {
    const next = { devicesBps: 5000n, stakersBps: 0n, treasuryBps: 5000n };

    it("of epoch parameters revert for anyone but the manager's admin, and while an epoch is due", async () => {
      const { emissions, curve, alice, admin } = await loadFixture(sixSubNetworksFixture);
      const setters: ((by: typeof emissions) => Call)[] = [
        (by) => by.addSubNetwork(0, 0, ""),
        (by) => by.setBuckets(next),
        (by) => by.setWeights(WEIGHTS),
        (by) => by.setCurve(curve),
      ];
      for (const set of setters) {
        await refuses(set(emissions.connect(alice)), "AccessManagedUnauthorized", [alice.address]);
      }
      await toEpoch(emissions, 2);
      for (const due of [0, 1]) {
        for (const set of setters) await refuses(set(emissions.connect(admin)), "EmissionEpochDue", [due]);
        await emissions.closeEpoch();
      }
      for (const set of setters.slice(1)) await set(emissions.connect(admin));
    });

    it("of pointers revert for anyone but the manager's admin", async () => {
      const { emissions, alice } = await loadFixture(emissionFixture);
      const by = emissions.connect(alice);
      for (const call of [
        () => by.setReceiver(TREASURY, alice),
        () => by.setDistributor(alice),
        () => by.setSettlement(alice),
      ]) {
        await refuses(call(), "AccessManagedUnauthorized", [alice.address]);
      }
    });

    describe("addSubNetwork", () => {
      it("reverts for the 17th, and for a target above 10000", async () => {
        const { emissions } = await loadFixture(emissionFixture);
        await bad(emissions.addSubNetwork(0, 10_001, ""), "uptimeTargetBps", 10_001);
        for (let i = 0; i < 16; i++) await emissions.addSubNetwork(0, 10_000, "");
        await refuses(emissions.addSubNetwork(0, 0, ""), "EmissionTooManySubNetworks", []);
        const weights = Array.from({ length: 16 }, () => 625n);
        await emissions.setWeights(weights);
        await toEpoch(emissions, 2);
        await emissions.closeEpochs(2);
        const budgets = await Promise.all(weights.map((_, i) => emissions.budgetOf(i + 1, 1)));
        expect(budgets).to.deep.equal(split(DEVICES, weights));
      });

      it("changes neither running nor scheduled weights", async () => {
        const { emissions } = await loadFixture(sixSubNetworksFixture);
        await toEpoch(emissions, 1);
        await emissions.closeEpoch();
        const reversed = [...WEIGHTS].reverse();
        await emissions.setWeights(reversed);
        expect(await emissions.addSubNetwork.staticCall(77, 9_000, "weather")).to.equal(7n);
        await expect(emissions.addSubNetwork(77, 9_000, "weather"))
          .to.emit(emissions, "SubNetworkAdded")
          .withArgs(7, 77, 9_000, "weather");
        expect(await emissions.subNetworkOf(7)).to.deep.equal([77n, 9_000n, "weather"]);
        expect(await emissions.subNetworkCount()).to.equal(7n);
        expect(await emissions.weightsNow()).to.deep.equal([...WEIGHTS, 0n]);
        expect(await emissions.weightsNext()).to.deep.equal([...reversed, 0n]);
        await toEpoch(emissions, 3);
        for (const [epoch, weights] of [
          [1, WEIGHTS],
          [2, reversed],
        ] as const) {
          await expect(emissions.closeEpoch())
            .to.emit(emissions, "EpochClosed")
            .withArgs(epoch, INITIAL, [...split(DEVICES, weights), 0n], 0, TREASURY_PART);
        }
      });
    });

    describe("setBuckets", () => {
      it("reverts for shares that are not a whole, or without a receiver", async () => {
        const { emissions } = await loadFixture(emissionFixture);
        await refuses(emissions.setBuckets({ ...next, devicesBps: 4_999n }), "EmissionBadShares", [9_999]);
        const stakers = { devicesBps: 9_999n, stakersBps: 1n, treasuryBps: 0n };
        await refuses(emissions.setBuckets(stakers), "EmissionNoReceiver", [STAKERS]);
        const f = await withCurve(5_000n);
        await refuses(f.emissions.setBuckets(next), "EmissionNoReceiver", [TREASURY]);
        await f.emissions.setBuckets({ devicesBps: 10_000n, stakersBps: 0n, treasuryBps: 0n });
      });

      it("counts from the next epoch; the last one set in an epoch counts", async () => {
        const { emissions, alice } = await loadFixture(sixSubNetworksFixture);
        await emissions.setReceiver(STAKERS, alice);
        await emissions.setBuckets({ devicesBps: 1n, stakersBps: 9_999n, treasuryBps: 0n });
        await expect(emissions.setBuckets(next)).to.emit(emissions, "BucketsScheduled").withArgs(5000, 0, 5000, 1);
        expect(await emissions.bucketsNow()).to.deep.equal(Object.values(BUCKETS));
        expect(await emissions.bucketsNext()).to.deep.equal(Object.values(next));
        await toEpoch(emissions, 1);
        expect(await emissions.bucketsNow()).to.deep.equal(Object.values(next));
        await emissions.closeEpoch();
        expect(await emissions.collectable()).to.deep.equal([TREASURY_PART, 0n]);
        const third = { devicesBps: 0n, stakersBps: 10_000n, treasuryBps: 0n };
        await emissions.setBuckets(third);
        expect(await emissions.bucketsNow()).to.deep.equal(Object.values(next));
        await toEpoch(emissions, 3);
        await emissions.closeEpochs(2);
        expect(await emissions.collectable()).to.deep.equal([TREASURY_PART + INITIAL / 2n, INITIAL]);
      });
    });

    describe("setWeights", () => {
      it("reverts for a wrong number, and for shares that are not a whole", async () => {
        const { emissions } = await loadFixture(sixSubNetworksFixture);
        await bad(emissions.setWeights([10_000n]), "weights", 1);
        await bad(emissions.setWeights([...WEIGHTS, 0n]), "weights", 7);
        await refuses(emissions.setWeights([1n, 2n, 3n, 4n, 5n, 6n]), "EmissionBadShares", [21]);
        await refuses(emissions.setWeights([65_535n, 0n, 0n, 0n, 0n, 10_001n]), "EmissionBadShares", [75_536]);
        const f = await loadFixture(emissionFixture);
        await refuses(f.emissions.setWeights([]), "EmissionBadShares", [0]);
      });

      it("counts from the next epoch; the last one set in an epoch counts", async () => {
        const { emissions } = await loadFixture(sixSubNetworksFixture);
        const all = [10_000n, 0n, 0n, 0n, 0n, 0n];
        await expect(emissions.setWeights(all)).to.emit(emissions, "WeightsScheduled").withArgs(all, 1);
        expect(await emissions.weightsNow()).to.deep.equal([0n, 0n, 0n, 0n, 0n, 0n]);
        await toEpoch(emissions, 1);
        expect(await emissions.weightsNow()).to.deep.equal(all);
        await emissions.closeEpoch();
        await emissions.setWeights(WEIGHTS);
        expect(await emissions.weightsNow()).to.deep.equal(all);
        await toEpoch(emissions, 3);
        await emissions.closeEpochs(2);
        expect(await emissions.budgetOf(1, 1)).to.equal(DEVICES);
        expect(await emissions.budgetOf(2, 1)).to.equal(0n);
        expect(await emissions.budgetOf(1, 2)).to.equal(BUDGETS[0]);
      });
    });

    describe("setCurve", () => {
      it("reverts for one that does not answer", async () => {
        const { emissions, alice } = await loadFixture(emissionFixture);
        await bad(emissions.setCurve(alice), "curve", alice.address);
        await bad(emissions.setCurve(ZeroAddress), "curve", ZeroAddress);
      });

      it("counts from the next epoch", async () => {
        const { emissions, curve } = await loadFixture(sixSubNetworksFixture);
        const other = await ethers.deployContract("HalvingCurve", [1000, 1000]);
        await expect(emissions.setCurve(other))
          .to.emit(emissions, "CurveScheduled")
          .withArgs(await other.getAddress(), 1);
        expect(await emissions.curveNow()).to.equal(await curve.getAddress());
        await toEpoch(emissions, 2);
        expect(await emissions.curveNow()).to.equal(await other.getAddress());
        await emissions.closeEpochs(2);
        expect(await emissions.totalScheduled()).to.equal(INITIAL + 1000n);
      });
    });

    describe("setReceiver", () => {
      it("reverts for another bucket, and for zero", async () => {
        const { emissions, alice } = await loadFixture(emissionFixture);
        const devices = encodeBytes32String("devices");
        await bad(emissions.setReceiver(devices, alice), "bucket", BigInt(devices));
        for (const bucket of [STAKERS, TREASURY]) {
          await refuses(emissions.setReceiver(bucket, ZeroAddress), "EmissionNoReceiver", [bucket]);
        }
      });

      it("replaces the receiver", async () => {
        const { emissions, token, alice } = await loadFixture(closed);
        await expect(emissions.setReceiver(TREASURY, alice))
          .to.emit(emissions, "ReceiverSet")
          .withArgs(TREASURY, alice.address);
        expect(await emissions.receiverOf(TREASURY)).to.equal(alice.address);
        const before = await token.balanceOf(alice);
        await emissions.collectTreasury();
        expect(await token.balanceOf(alice)).to.equal(before + 2n * TREASURY_PART);
      });
    });

    it("setDistributor refuses zero and replaces the distributor", async () => {
      const { emissions, alice, distributor } = await loadFixture(closed);
      await bad(emissions.setDistributor(ZeroAddress), "distributor", 0);
      await expect(emissions.setDistributor(alice)).to.emit(emissions, "DistributorSet").withArgs(alice.address);
      await refuses(emissions.connect(distributor).fund(1, 1), "EmissionNotDistributor", [distributor.address]);
      await emissions.connect(alice).fund(1, 1);
    });

    it("setSettlement refuses zero, counts at once, a second time from the next epoch", async () => {
      const { emissions, alice, bob } = await loadFixture(closed);
      await bad(emissions.setSettlement(ZeroAddress), "settlement", 0);
      expect(await emissions.settlementNow()).to.equal(ZeroAddress);
      await expect(emissions.setSettlement(alice)).to.emit(emissions, "SettlementScheduled").withArgs(alice.address, 2);
      expect(await emissions.settlementNow()).to.equal(alice.address);
      await expect(emissions.setSettlement(bob)).to.emit(emissions, "SettlementScheduled").withArgs(bob.address, 3);
      expect(await emissions.settlementNow()).to.equal(alice.address);
      await toEpoch(emissions, 3);
      expect(await emissions.settlementNow()).to.equal(bob.address);
    });
  });

  describe("views", () => {
    it("budgetOf is 0 for what never was", async () => {
      const { emissions } = await loadFixture(closed);
      for (const [id, epoch] of [
        [0, 1],
        [7, 1],
        [17, 1],
        [65_535, 1],
        [1, 2],
        [1, 0],
      ] as const) {
        expect(await emissions.budgetOf(id, epoch)).to.equal(0n);
      }
    });
  });
});
