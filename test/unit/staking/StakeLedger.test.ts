import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { devicesFixture, MODEL_BOND, nextEpoch, SUB, UNBONDING } from "../../helpers/devices";
import { delegatedFixture, ONE, STAKE, stakingFixture, TERMS, VIRTUAL } from "../../helpers/staking";

/** Divides by the weight of 150 tokens; a delegator loses the last wei to the shares' rounding. */
const REWARD = 1_200n * ONE;

describe("StakeLedger", () => {
  type Fixture = Awaited<ReturnType<typeof stakingFixture>>;

  async function pauseAll({ staking }: Fixture) {
    const selectors: string[] = [];
    staking.interface.forEachFunction((f) => void selectors.push(f.selector));
    for (const selector of selectors) await staking.pause(selector);
  }

  async function expectSolvent({ staking, token }: Fixture) {
    expect(await token.balanceOf(staking)).to.equal((await staking.totalStaked()) + (await staking.totalRewards()));
  }

  describe("delegate", () => {
    it("reverts while paused, for an unknown operator, below the minimum, for fewer shares than asked", async () => {
      const { staking, bob } = await loadFixture(stakingFixture);
      const by = staking.connect(bob);
      await expect(by.delegate(9, ONE, 0))
        .to.be.revertedWithCustomError(staking, "OperatorUnknown")
        .withArgs(9);
      await expect(by.delegate(1, ONE - 1n, 0))
        .to.be.revertedWithCustomError(staking, "StakingBelowMinimum")
        .withArgs(ONE - 1n, ONE);
      await expect(by.delegate(1, ONE, ONE * VIRTUAL + 1n))
        .to.be.revertedWithCustomError(staking, "StakingTooFewShares")
        .withArgs(ONE * VIRTUAL, ONE * VIRTUAL + 1n);
      const entry = staking.delegate.fragment.selector;
      await staking.pause(entry);
      await expect(by.delegate(1, ONE, 0)).to.be.revertedWithCustomError(staking, "GuardedPaused");
    });

    it("takes the tokens, gives shares, counts from the next epoch", async () => {
      const f = await loadFixture(stakingFixture);
      const { staking, token, bob, now } = f;
      const tx = staking.connect(bob).delegate(1, 7n * ONE, 0);
      await expect(tx)
        .to.emit(staking, "Delegated")
        .withArgs(1, bob.address, 0, 7n * ONE, 7n * ONE * VIRTUAL, now + 1n);
      await expect(tx).to.changeTokenBalances(token, [bob, staking], [-7n * ONE, 7n * ONE]);
      expect((await staking.bondAt(1, now))[0]).to.equal(STAKE);
      expect((await staking.bondAt(1, now + 1n))[0]).to.equal(STAKE + 7n * ONE);
      expect(await staking.delegationOf(1, 0, bob)).to.deep.equal([7n * ONE * VIRTUAL, 0n]);
      expect(await staking.trancheOf(1, false)).to.deep.equal([7n * ONE, 7n * ONE * VIRTUAL, 0n, 0n]);
      await expectSolvent(f);
    });

    it("gives more shares a wei after a slash; what is paid back is never more than what was put in", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, carol, slash } = f;
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await slash(STAKE + STAKE / 3n);
      const put = 7n * ONE + 1n;
      await staking.connect(carol).delegate(1, put, 0);
      const { shares } = await staking
        .delegationOf(1, 1, carol)
        .then(async (d) => (d.shares === 0n ? staking.delegationOf(1, 0, carol) : d));
      expect(shares).to.be.greaterThan(put * VIRTUAL);
      await staking.connect(carol).undelegate(1, shares);
      await nextEpoch(staking, UNBONDING + 1);
      const before = await f.token.balanceOf(carol);
      await staking.release(1);
      const back = (await f.token.balanceOf(carol)) - before;
      expect(back).to.be.within(put - 2n, put);
      await expectSolvent(f);
    });
  });

  describe("undelegate", () => {
    it("reverts for nothing and for more than the caller has", async () => {
      const { staking, bob, carol } = await loadFixture(delegatedFixture);
      await expect(staking.connect(bob).undelegate(1, 0)).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      await expect(staking.connect(carol).undelegate(1, 1))
        .to.be.revertedWithCustomError(staking, "StakingExceeds")
        .withArgs(1, 0);
      await expect(staking.connect(bob).undelegate(1, STAKE * VIRTUAL + 1n))
        .to.be.revertedWithCustomError(staking, "StakingExceeds")
        .withArgs(STAKE * VIRTUAL + 1n, STAKE * VIRTUAL);
      await expect(staking.connect(bob).undelegate(9, 1)).to.be.revertedWithCustomError(staking, "OperatorUnknown");
    });

    it("works while everything is paused; the value stays slashable; the operator may become under-bonded", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, controller, bob, now } = f;
      await staking.connect(controller).requestUnbond(1, STAKE); // bob's half covers the device
      await pauseAll(f);
      const tx = staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await expect(tx)
        .to.emit(staking, "UnderBonded")
        .withArgs(1, 0, MODEL_BOND, now + 1n);
      await expect(tx).to.emit(staking, "UnbondingRequested");
      expect(await staking.slashableOf(1)).to.equal(2n * STAKE);
      const backed = [0n, 1n, 2n].map((e) => staking.isBackedAt(1, SUB, now + e));
      expect(await Promise.all(backed)).to.deep.equal([true, true, false]); // now + 1 is the grace
    });

    it("pays the delegator when it is due, whoever calls", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, token, bob, carol } = f;
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      const { releaseAt, own, owner } = await staking.unbondingOf(1);
      expect([own, owner]).to.deep.equal([false, bob.address]);
      await time.setNextBlockTimestamp(releaseAt - 1n);
      await expect(staking.release(1)).to.be.revertedWithCustomError(staking, "UnbondingNotReleased");
      await expect(staking.connect(carol).release(1)).to.changeTokenBalances(token, [bob, staking], [STAKE, -STAKE]);
      await expectSolvent(f);
    });
  });

  describe("cancelUnbond", () => {
    it("reverts for an unknown id, for anyone but the owner, after the bucket was retired", async () => {
      const { staking, bob, carol, slash } = await loadFixture(delegatedFixture);
      await expect(staking.cancelUnbond(1)).to.be.revertedWithCustomError(staking, "UnbondingUnknown").withArgs(1);
      await staking.connect(bob).undelegate(1, 5);
      await expect(staking.connect(carol).cancelUnbond(1))
        .to.be.revertedWithCustomError(staking, "UnbondingNotOwner")
        .withArgs(1, carol.address);
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await slash(2n * STAKE);
      await expect(staking.connect(bob).cancelUnbond(1))
        .to.be.revertedWithCustomError(staking, "BucketGeneration")
        .withArgs(0, 1);
    });

    it("gives the shares back to either tranche, from the next epoch, even when it is due", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, controller, bob } = f;
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await staking.connect(controller).requestUnbond(1, STAKE / 2n);
      const now = await nextEpoch(staking, UNBONDING + 1);
      await expect(staking.connect(bob).cancelUnbond(1))
        .to.emit(staking, "UnbondingCanceled")
        .withArgs(1, 1, STAKE * VIRTUAL, now + 1n);
      await staking.connect(controller).cancelUnbond(2);
      expect((await staking.bondAt(1, now))[0]).to.equal(STAKE / 2n);
      expect((await staking.bondAt(1, now + 1n))[0]).to.equal(2n * STAKE);
      expect((await staking.delegationOf(1, 0, bob)).shares).to.equal(STAKE * VIRTUAL);
      await expect(staking.release(1)).to.be.revertedWithCustomError(staking, "UnbondingUnknown");
    });
  });

  describe("slash", () => {
    it("reverts for anyone but the slasher, for an unknown operator, for a fault that was slashed", async () => {
      const { staking, bob } = await loadFixture(delegatedFixture);
      const key = ethers.id("fault");
      await expect(staking.connect(bob).slash(1, 1, key, bob))
        .to.be.revertedWithCustomError(staking, "StakingNotSlasher")
        .withArgs(bob.address);
      await expect(staking.slash(9, 1, key, bob)).to.be.revertedWithCustomError(staking, "OperatorUnknown");
      await staking.slash(1, 1, key, bob);
      expect(await staking.isSlashed(key)).to.be.true;
      await expect(staking.slash(1, 1, key, bob))
        .to.be.revertedWithCustomError(staking, "FaultAlreadySlashed")
        .withArgs(key);
    });

    it("takes the own tranche first, then the delegated one", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, slash } = f;
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await slash(STAKE - 1n);
      const assets = async () => [
        (await staking.trancheOf(1, true)).assets,
        (await staking.trancheOf(1, false)).assets,
      ];
      expect(await assets()).to.deep.equal([0n, STAKE]); // what is left is worn: retired
      expect((await staking.trancheAt(1, true, 0)).assets).to.equal(1n);
      await slash(5n);
      expect(await assets()).to.deep.equal([0n, STAKE - 5n]);
      await expectSolvent(f);
    });

    it("takes active and unbonding stake alike", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, token, controller, slash } = f;
      await staking.connect(controller).requestUnbond(1, STAKE / 4n);
      await slash(STAKE / 2n);
      expect((await staking.operatorOf(1)).stake).to.equal(STAKE + (STAKE * 3n) / 8n);
      await nextEpoch(staking, UNBONDING + 1);
      await expect(staking.release(1)).to.changeTokenBalances(token, [controller], [STAKE / 8n]);
      await expectSolvent(f);
    });

    it("takes at most what is slashable, and at most the epoch's cap; what took nothing leaves the fault open", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, bob } = f;
      const take = async (amount: bigint, key: string) => {
        const slashed = await staking.slash.staticCall(1, amount, ethers.id(key), bob);
        await staking.slash(1, amount, ethers.id(key), bob);
        return slashed;
      };
      expect(await take(0n, "nothing")).to.equal(0n);
      expect(await take(STAKE / 4n, "a")).to.equal(STAKE / 4n);
      expect(await take(2n ** 255n, "b")).to.equal((STAKE * 3n) / 4n); // half of 1000 in all
      expect(await take(1n, "c")).to.equal(0n);
      expect(await staking.isSlashed(ethers.id("c"))).to.be.false;
      await nextEpoch(staking);
      expect(await take(2n ** 255n, "c")).to.equal(STAKE / 2n);
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await nextEpoch(staking);
      expect(await take(2n ** 255n, "d")).to.equal(STAKE / 2n);
      expect(await staking.slashableOf(1)).to.equal(0n);
      await nextEpoch(staking);
      expect(await take(1n, "e")).to.equal(0n);
    });

    it("pays the bounty and burns the rest; without a receiver it burns all", async () => {
      const { staking, token, carol } = await loadFixture(delegatedFixture);
      const supply = await token.totalSupply();
      const tx = staking.slash(1, 1_019n, ethers.id("a"), carol);
      await expect(tx).to.emit(staking, "Slashed").withArgs(1, ethers.id("a"), 1_019, 0, 50, carol.address);
      await expect(tx).to.changeTokenBalances(token, [carol, staking], [50, -1_019]);
      expect(await token.totalSupply()).to.equal(supply - 969n);
      await staking.slash(1, 1_000n, ethers.id("b"), ethers.ZeroAddress);
      expect(await token.totalSupply()).to.equal(supply - 1_969n);
    });

    it("works while everything is paused", async () => {
      const f = await loadFixture(delegatedFixture);
      await pauseAll(f);
      await expect(f.slash(5n)).to.changeTokenBalances(f.token, [f.staking], [-5]);
    });

    it("leaves one epoch of grace, with a notice", async () => {
      const { staking, bob, slash, now } = await loadFixture(delegatedFixture);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await expect(slash(STAKE - MODEL_BOND)).not.to.emit(staking, "UnderBonded");
      await expect(slash(1n))
        .to.emit(staking, "UnderBonded")
        .withArgs(1, MODEL_BOND - 1n, MODEL_BOND, now + 1n);
      await expect(slash(1n)).not.to.emit(staking, "UnderBonded");
      await nextEpoch(staking, 3);
      const backed = [0n, 1n, 2n, 3n].map((e) => staking.isBackedAt(1, SUB, now + e));
      expect(await Promise.all(backed)).to.deep.equal([true, true, false, false]);
    });
  });

  describe("a retired bucket", () => {
    /** Both buckets gone but for 2 wei of the delegated one; bob is half out, and had earned. */
    async function retired() {
      const f = await delegatedFixture();
      const { staking, bob, reward, slash } = f;
      await reward(REWARD);
      await staking.connect(bob).undelegate(1, (STAKE * VIRTUAL) / 2n);
      await staking.setTerms({ ...TERMS, slashCapBps: 10_000 });
      await slash(2n * STAKE - 2n);
      return f;
    }

    it("is left by everybody, at once and when requests are due, with what was earned", async () => {
      const f = await loadFixture(retired);
      const { staking, token, controller, bob } = f;
      const earned = REWARD / 2n - 1n;
      await expect(staking.connect(bob).leaveRetired(1, false, 0)).to.changeTokenBalances(token, [bob], [earned + 1n]);
      await expect(staking.connect(controller).leaveRetired(1, true, 0)).to.changeTokenBalances(
        token,
        [controller],
        [0],
      );
      await nextEpoch(staking, UNBONDING + 1);
      await expect(staking.release(1)).to.changeTokenBalances(token, [bob], [1]);
      expect(await staking.totalStaked()).to.equal(0n);
      await expectSolvent(f);
    });

    it("reverts for the present bucket, for somebody else's own tranche, for nothing", async () => {
      const { staking, controller, carol } = await loadFixture(retired);
      await expect(staking.connect(carol).leaveRetired(1, false, 1))
        .to.be.revertedWithCustomError(staking, "BucketGeneration")
        .withArgs(1, 1);
      await expect(staking.connect(carol).leaveRetired(1, true, 0))
        .to.be.revertedWithCustomError(staking, "OperatorNotController")
        .withArgs(1, carol.address);
      await expect(staking.connect(carol).leaveRetired(1, false, 0)).to.be.revertedWithCustomError(
        staking,
        "StakingZeroAmount",
      );
      await staking.connect(controller).leaveRetired(1, true, 0);
      await expect(staking.connect(controller).leaveRetired(1, true, 0)).to.be.revertedWithCustomError(
        staking,
        "StakingZeroAmount",
      );
    });

    it("makes room for a fresh one, also when a slash left dust", async () => {
      const f = await loadFixture(retired);
      const { staking, controller, bob } = f;
      expect(await staking.slashableOf(1)).to.equal(0n);
      await staking.connect(bob).delegate(1, ONE, ONE * VIRTUAL);
      await staking.connect(controller).stake(1, ONE);
      expect(await staking.trancheOf(1, false)).to.deep.equal([ONE, ONE * VIRTUAL, 0n, 1n]);
      expect(await staking.trancheOf(1, true)).to.deep.equal([ONE, ONE * VIRTUAL, 0n, 1n]);
      expect((await staking.operatorOf(1)).stake).to.equal(2n * ONE);
      await expectSolvent(f);
    });
  });

  describe("distribute", () => {
    it("reverts without weight and with nothing to distribute", async () => {
      const { staking, token } = await loadFixture(stakingFixture);
      await token.mint(await staking.getAddress(), ONE);
      await expect(staking.distribute()).to.be.revertedWithCustomError(staking, "StakingNoWeight").withArgs(0);
      await staking.refreshWeight(1);
      await staking.distribute();
      await expect(staking.distribute()).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
    });

    it("collects the stakers' bucket, and what somebody else collected", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, token, carol } = f;
      const emissions = await ethers.deployContract("Emissions__MockForStaking", [token, staking]);
      await staking.setEmissions(emissions);
      await emissions.fill(ONE);
      await expect(staking.connect(carol).distribute())
        .to.emit(staking, "RewardsDistributed")
        .withArgs(ONE, 3n * MODEL_BOND);
      await emissions.fill(2n * ONE);
      await emissions.connect(carol).collectStakers();
      await expect(staking.distribute())
        .to.emit(staking, "RewardsDistributed")
        .withArgs(2n * ONE, 3n * MODEL_BOND);
      await expect(staking.distribute()).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      expect(await staking.totalRewards()).to.equal(3n * ONE);
      await expectSolvent(f);
    });

    it("carries what it cannot divide", async () => {
      const { staking, reward, claimable, controller, bob } = await loadFixture(delegatedFixture);
      // 150 · 10^18 of weight divide no single wei: step = ⌊2^56 / 1.5 · 10^20⌋ = 0.
      await reward(1n);
      expect([await claimable(bob.address), await claimable(controller.address)]).to.deep.equal([0n, 0n]);
      for (let i = 0; i < 10; i++) await reward(1_000_001n);
      const given = (await claimable(bob.address)) + (await claimable(controller.address));
      expect(given).to.be.within(10_000_011n - 5_000n, 10_000_011n);
      expect(await staking.totalRewards()).to.equal(10_000_011n);
    });
  });

  describe("refreshWeight", () => {
    it("reverts for an unknown operator", async () => {
      const { staking } = await loadFixture(stakingFixture);
      await expect(staking.refreshWeight(9)).to.be.revertedWithCustomError(staking, "OperatorUnknown").withArgs(9);
    });

    it("a rise waits for the next epoch, a fall does not", async () => {
      const { staking, alice, onboardFor } = await loadFixture(delegatedFixture);
      const weight = async () => (await staking.earningOf(1)).weight;
      expect(await weight()).to.equal(3n * MODEL_BOND);
      await onboardFor(alice);
      await staking.connect(alice).attachDevice(2, SUB, 1);
      await staking.refreshWeight(1);
      expect(await weight()).to.equal(3n * MODEL_BOND);
      await nextEpoch(staking);
      await expect(staking.refreshWeight(1))
        .to.emit(staking, "WeightChanged")
        .withArgs(1, 6n * MODEL_BOND, 6n * MODEL_BOND);
      await staking.connect(alice).detachDevice(1, SUB);
      expect(await weight()).to.equal(3n * MODEL_BOND);
      expect(await staking.totalWeight()).to.equal(3n * MODEL_BOND);
    });

    it("k counts from the next epoch", async () => {
      const { staking } = await loadFixture(delegatedFixture);
      await staking.setTerms({ ...TERMS, weightMultiple: 5 });
      await staking.setTerms({ ...TERMS, weightMultiple: 7 });
      expect((await staking.terms()).weightMultiple).to.equal(3n);
      await staking.refreshWeight(1);
      expect(await staking.totalWeight()).to.equal(3n * MODEL_BOND);
      await nextEpoch(staking);
      expect(await staking.terms()).to.deep.equal([5_000n, 500n, 7n, ONE]);
      await staking.refreshWeight(1);
      expect(await staking.totalWeight()).to.equal(7n * MODEL_BOND);
    });
  });

  describe("claim", () => {
    it("reverts for nothing", async () => {
      const { staking, bob } = await loadFixture(delegatedFixture);
      await expect(staking.claim(1, bob)).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      await expect(staking.claim(9, bob)).to.be.revertedWithCustomError(staking, "OperatorUnknown");
    });

    it("splits by stake and commission, to the wei, whoever calls", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, token, controller, bob, carol, reward } = f;
      await staking.connect(controller).setCommission(1, 500);
      await nextEpoch(staking, 2);
      await staking.refreshWeight(1);
      await reward(REWARD);
      const delegated = REWARD / 2n;
      const cut = (delegated * 500n) / 10_000n;
      await expect(staking.connect(carol).claim(1, bob)).to.changeTokenBalances(
        token,
        [bob, carol],
        [delegated - cut - 1n, 0],
      );
      await expect(staking.claim(1, controller)).to.changeTokenBalances(token, [controller], [delegated + cut]);
      expect(await staking.totalRewards()).to.equal(1n);
      await expectSolvent(f);
    });

    it("pays what was earned before leaving", async () => {
      const { staking, token, bob, reward } = await loadFixture(delegatedFixture);
      await reward(REWARD);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await reward(REWARD); // the controller's alone
      await expect(staking.claim(1, bob)).to.changeTokenBalances(token, [bob], [REWARD / 2n - 1n]);
    });
  });

  describe("setCommission", () => {
    it("reverts for anyone but the controller and above the step", async () => {
      const { staking, controller, bob } = await loadFixture(delegatedFixture);
      await expect(staking.connect(bob).setCommission(1, 1)).to.be.revertedWithCustomError(
        staking,
        "OperatorNotController",
      );
      const by = staking.connect(controller);
      await expect(by.setCommission(1, 501))
        .to.be.revertedWithCustomError(staking, "CommissionStep")
        .withArgs(501, 500);
      for (let bps = 500; bps <= 10_000; bps += 500) {
        await by.setCommission(1, bps);
        await nextEpoch(staking, 2);
      }
      await expect(by.setCommission(1, 10_001))
        .to.be.revertedWithCustomError(staking, "CommissionStep")
        .withArgs(10_001, 10_000);
      await by.setCommission(1, 0); // a fall has no step
    });

    it("counts after a whole epoch of notice; a later announcement takes its place", async () => {
      const { staking, controller, now } = await loadFixture(delegatedFixture);
      const by = staking.connect(controller);
      await expect(by.setCommission(1, 500))
        .to.emit(staking, "CommissionAnnounced")
        .withArgs(1, 500, now + 2n);
      await by.setCommission(1, 300);
      const commission = async () => {
        await staking.refreshWeight(1);
        return (await staking.earningOf(1)).commissionBps;
      };
      expect(await commission()).to.equal(0n);
      await nextEpoch(staking);
      expect(await commission()).to.equal(0n);
      await nextEpoch(staking);
      expect(await commission()).to.equal(300n);
    });

    it("settles what was earned at the old one", async () => {
      const { staking, controller, bob, reward, claimable } = await loadFixture(delegatedFixture);
      await staking.connect(controller).setCommission(1, 500);
      await reward(REWARD);
      await nextEpoch(staking, 2); // it counts now, but nothing was settled in between
      expect(await claimable(bob.address)).to.equal(REWARD / 2n - 1n);
      await staking.refreshWeight(1);
      await reward(REWARD);
      expect(await claimable(bob.address)).to.equal((REWARD * 195n) / 200n - 1n);
    });
  });

  describe("governance", () => {
    it("setTerms reverts out of bounds", async () => {
      const { staking, bob } = await loadFixture(stakingFixture);
      for (const [name, value] of [
        ["slashCapBps", 999n],
        ["slashCapBps", 10_001n],
        ["bountyBps", 1_001n],
        ["weightMultiple", 0n],
        ["weightMultiple", 101n],
        ["minDelegation", 0n],
        ["minDelegation", 10n ** 24n + 1n],
      ] as const) {
        await expect(staking.setTerms({ ...TERMS, [name]: value }))
          .to.be.revertedWithCustomError(staking, "StakingBadParameter")
          .withArgs(ethers.encodeBytes32String(name), value);
      }
      for (const terms of [
        { slashCapBps: 1_000, bountyBps: 0, weightMultiple: 1, minDelegation: 1 },
        { slashCapBps: 10_000, bountyBps: 1_000, weightMultiple: 100, minDelegation: 10n ** 24n },
      ]) {
        await staking.setTerms(terms);
      }
      await expect(staking.connect(bob).setTerms(TERMS)).to.be.revertedWithCustomError(
        staking,
        "AccessManagedUnauthorized",
      );
    });

    it("pointers are set and replaced by governance, not to zero", async () => {
      const { staking, admin, bob } = await loadFixture(devicesFixture);
      for (const [name, set] of [
        ["slasher", "setSlasher"],
        ["emissions", "setEmissions"],
      ] as const) {
        const label = ethers.encodeBytes32String(name);
        await expect(staking.connect(bob)[set](bob)).to.be.revertedWithCustomError(
          staking,
          "AccessManagedUnauthorized",
        );
        await expect(staking[set](ethers.ZeroAddress))
          .to.be.revertedWithCustomError(staking, "StakingBadParameter")
          .withArgs(label, 0);
        await staking[set](admin.address);
        expect(await staking[name]()).to.equal(admin.address);
        await staking[set](bob);
        expect(await staking[name]()).to.equal(bob.address);
      }
    });
  });
});
