import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";
import { EPOCH, MIN_UNBONDING, MODEL_BOND, nextEpoch, SUB, UNBONDING } from "../helpers/devices";
import { delegatedFixture, ONE, STAKE, stakingFixture, TERMS, VIRTUAL } from "../helpers/staking";

const FULL = { ...TERMS, slashCapBps: 10_000 };
const REWARD = 1_200n * ONE; // divides by the weight of 150 tokens

describe("attacks: staking", () => {
  type Fixture = Awaited<ReturnType<typeof delegatedFixture>>;

  /** Undelegates everything of `account` in generation 0 and waits; returns what it got. */
  async function leave({ staking, token }: Fixture, account: HardhatEthersSigner): Promise<bigint> {
    const { shares } = await staking.delegationOf(1, 0, account);
    const id = await staking.connect(account).undelegate.staticCall(1, shares);
    await staking.connect(account).undelegate(1, shares);
    await nextEpoch(staking, UNBONDING + 1);
    const before = await token.balanceOf(account);
    await staking.release(id);
    return (await token.balanceOf(account)) - before;
  }

  describe("[A-S1] stake that gets away before the slash", () => {
    it("[A-S1] controller and delegators ask to leave just before it, and change their minds", async () => {
      const { staking, controller, alice, bob, slash } = await loadFixture(delegatedFixture);
      await staking.setTerms(FULL);
      await staking.connect(alice).detachDevice(1, SUB);
      await staking.connect(controller).requestUnbond(1, STAKE);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await staking.connect(controller).cancelUnbond(1);
      await staking.connect(controller).requestUnbond(1, STAKE);
      expect(await staking.slash.staticCall(1, 2n * STAKE, ethers.id("f"), bob)).to.equal(2n * STAKE);
      await slash(2n * STAKE);
      await nextEpoch(staking, UNBONDING + 1);
      for (const id of [2, 3]) {
        await expect(staking.release(id)).to.changeTokenBalances(await token(staking), [controller, bob], [0, 0]);
      }
    });

    it("[A-S1] a release a second early", async () => {
      const { staking, controller } = await loadFixture(delegatedFixture);
      await staking.connect(controller).requestUnbond(1, ONE);
      const { releaseAt } = await staking.unbondingOf(1);
      await time.setNextBlockTimestamp(releaseAt - 1n);
      await expect(staking.release(1)).to.be.revertedWithCustomError(staking, "UnbondingNotReleased");
    });

    it("[A-S1] a vote shortens unbonding below what a dispute takes, or a running one", async () => {
      const { staking, controller } = await loadFixture(delegatedFixture);
      await staking.connect(controller).requestUnbond(1, ONE);
      const { releaseAt } = await staking.unbondingOf(1);
      await expect(staking.setUnbondingEpochs(MIN_UNBONDING - 1)).to.be.revertedWithCustomError(
        staking,
        "StakingBadParameter",
      );
      await staking.setUnbondingEpochs(MIN_UNBONDING);
      expect((await staking.unbondingOf(1)).releaseAt).to.equal(releaseAt);
    });

    it("[A-S1] one request is cancelled twice, at another delegator's cost", async () => {
      const { staking, bob, carol } = await loadFixture(delegatedFixture);
      await staking.connect(carol).delegate(1, STAKE, 0);
      await staking.connect(carol).undelegate(1, STAKE * VIRTUAL);
      await staking.connect(bob).undelegate(1, 1_000n);
      await staking.connect(bob).cancelUnbond(2);
      await expect(staking.connect(bob).cancelUnbond(2)).to.be.revertedWithCustomError(staking, "UnbondingUnknown");
    });

    it("[A-S1] one request is released twice, at another delegator's cost", async () => {
      const { staking, bob, carol } = await loadFixture(delegatedFixture);
      await staking.connect(carol).delegate(1, STAKE, 0);
      await staking.connect(carol).undelegate(1, STAKE * VIRTUAL);
      await staking.connect(bob).undelegate(1, 1_000_000n);
      await nextEpoch(staking, UNBONDING + 1);
      await staking.release(2);
      await expect(staking.release(2)).to.be.revertedWithCustomError(staking, "UnbondingUnknown");
    });

    async function token(staking: Fixture["staking"]) {
      return ethers.getContractAt("Token__MockForDevices", await staking.token());
    }
  });

  describe("[A-S2] a slash that reverts", () => {
    it("[A-S2] a release between two slashes of an epoch leaves less than the cap's room", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, bob, slash } = f;
      await staking.setTerms(FULL);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await nextEpoch(staking, UNBONDING + 1);
      await slash(1n);
      await staking.release(1);
      await slash(2n ** 256n - 1n);
      expect(await staking.slashableOf(1)).to.equal(0n);
    });

    it("[A-S2] everything is paused", async () => {
      const { staking, slash } = await loadFixture(delegatedFixture);
      await staking.pause(staking.slash.fragment.selector);
      await slash(5n);
      expect(await staking.slashableOf(1)).to.equal(2n * STAKE - 5n);
    });
  });

  describe("[A-S3] shares that are worth too much", () => {
    it("[A-S3] somebody delegates to what was slashed to nothing", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, bob, carol, slash } = f;
      await staking.setTerms(FULL);
      await slash(2n * STAKE);
      await staking.connect(carol).delegate(1, 7n * ONE, 7n * ONE * VIRTUAL);
      await expect(staking.connect(bob).leaveRetired(1, false, 0)).to.changeTokenBalances(f.token, [bob], [0]);
      expect((await staking.trancheOf(1, false)).assets).to.equal(7n * ONE);
    });

    it("[A-S3] a slash comes in before a delegation that was priced without it", async () => {
      const { staking, carol, slash } = await loadFixture(delegatedFixture);
      await slash(1n); // the own tranche's: the price stays
      const quote = await staking.connect(carol).delegate.staticCall(1, ONE, 0);
      await expect(staking.connect(carol).delegate(1, ONE, quote + 1n)).to.be.revertedWithCustomError(
        staking,
        "StakingTooFewShares",
      );
    });

    it("[A-S3] dust is delegated to play with the rounding", async () => {
      const { staking, carol } = await loadFixture(stakingFixture);
      await expect(staking.connect(carol).delegate(1, 1, 0)).to.be.revertedWithCustomError(
        staking,
        "StakingBelowMinimum",
      );
    });

    it("[A-S3] in and out at a broken price, again and again", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, carol, slash } = f;
      await staking.setTerms({ ...FULL, minDelegation: 1 });
      await slash(STAKE + STAKE / 3n + 1n);
      const generation = 0;
      for (const amount of [1n, 2n, 3n, 1_000_001n, ONE + 1n]) {
        const before = await f.token.balanceOf(carol);
        await staking.connect(carol).delegate(1, amount, 0);
        const { shares } = await staking.delegationOf(1, generation, carol);
        await staking.connect(carol).undelegate(1, shares);
        await nextEpoch(staking, UNBONDING + 1);
        for (const event of await staking.queryFilter(staking.filters.UnbondingRequested, -20)) {
          const { unbondingId } = event.args;
          if ((await staking.unbondingOf(unbondingId)).operatorId !== 0n) await staking.release(unbondingId);
        }
        expect(await f.token.balanceOf(carol), `${amount}`).to.be.at.most(before);
      }
      expect(await leave(f, f.bob)).to.be.at.least((STAKE * 2n) / 3n - 5n);
    });
  });

  describe("[A-S4] somebody else's stake", () => {
    it("[A-S4] the last one leaves after slashes that do not divide", async () => {
      const f = await loadFixture(delegatedFixture);
      const { staking, bob, carol, slash } = f;
      await staking.setTerms(FULL);
      await staking.connect(carol).delegate(1, 3n * ONE + 1n, 0);
      await slash(STAKE + 7n * ONE + 12_345n);
      await leave(f, carol);
      await leave(f, bob);
      expect((await staking.trancheOf(1, false)).assets).to.be.at.most(1n);
    });

    it("[A-S4] a stranger claims a delegator's reward", async () => {
      const { staking, token, bob, stranger, reward } = await loadFixture(delegatedFixture);
      await reward(REWARD);
      await expect(staking.connect(stranger).claim(1, bob)).to.changeTokenBalances(
        token,
        [bob, stranger],
        [REWARD / 2n - 1n, 0],
      );
    });

    it("[A-S4] a stranger releases what a delegator put in: it goes to who paid", async () => {
      const { staking, token, controller, bob, stranger } = await loadFixture(delegatedFixture);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await nextEpoch(staking, UNBONDING + 1);
      await expect(staking.connect(stranger).release(1)).to.changeTokenBalances(
        token,
        [bob, controller, stranger],
        [STAKE, 0, 0],
      );
    });

    it("[A-S4] a stranger holds a delegator by cancelling his request", async () => {
      const { staking, bob, stranger } = await loadFixture(delegatedFixture);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await expect(staking.connect(stranger).cancelUnbond(1)).to.be.revertedWithCustomError(
        staking,
        "UnbondingNotOwner",
      );
    });
  });

  describe("[A-S5] rewards that were others'", () => {
    it("[A-S5] the commission rises just before a payout", async () => {
      const { staking, controller, bob, reward, claimable } = await loadFixture(delegatedFixture);
      await staking.connect(controller).setCommission(1, 500);
      await nextEpoch(staking); // the epoch of notice
      await staking.refreshWeight(1);
      await reward(REWARD);
      expect(await claimable(bob.address)).to.equal(REWARD / 2n - 1n);
    });

    it("[A-S5] the commission rises to all at once", async () => {
      const { staking, controller } = await loadFixture(delegatedFixture);
      await expect(staking.connect(controller).setCommission(1, 10_000))
        .to.be.revertedWithCustomError(staking, "CommissionStep")
        .withArgs(10_000, 500);
    });

    it("[A-S5] a new commission is taken of what was earned before it", async () => {
      const { staking, controller, bob, reward, claimable } = await loadFixture(delegatedFixture);
      await staking.connect(controller).setCommission(1, 500);
      await reward(REWARD);
      await nextEpoch(staking, 2);
      expect(await claimable(bob.address)).to.equal(REWARD / 2n - 1n);
    });

    it("[A-S5] stake comes for one distribution", async () => {
      const { staking, bob, carol, alice, onboardFor, reward, now } = await loadFixture(delegatedFixture);
      await staking.connect(carol).createOperator();
      await staking.connect(carol).acceptOwner(2, alice.address, true);
      await onboardFor(alice);
      await staking.connect(carol).stake(2, 10n * STAKE);
      await staking.connect(alice).attachDevice(2, SUB, 2);
      await staking.refreshWeight(2);
      await reward(REWARD);
      await expect(staking.claim(2, carol)).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      expect(await staking.claim.staticCall(1, bob)).to.equal(REWARD / 2n - 1n);
      // From the next epoch it earns as any other; going again costs the time of unbonding, without rewards.
      await nextEpoch(staking);
      await staking.refreshWeight(2);
      await reward(2n * REWARD);
      await staking.connect(alice).detachDevice(2, SUB);
      await staking.connect(carol).requestUnbond(2, 10n * STAKE);
      for (let i = 0; i < UNBONDING; i++) {
        await nextEpoch(staking);
        await reward(REWARD);
      }
      await nextEpoch(staking);
      await staking.release(1);
      const epochs = (await staking.currentEpoch()) - now;
      const cycle = await staking.claim.staticCall(2, carol);
      const stayed = (await staking.claim.staticCall(1, bob)) * 2n; // with its controller's half: the same weight
      expect(cycle / epochs).to.be.lessThan(stayed / epochs);
      expect(cycle).to.equal(REWARD);
    });
  });

  describe("[A-S6] more than the fault", () => {
    it("[A-S6] one fault is slashed twice", async () => {
      const { staking, bob } = await loadFixture(delegatedFixture);
      await staking.slash(1, 5, ethers.id("fault"), bob);
      await nextEpoch(staking);
      await expect(staking.slash(1, 5, ethers.id("fault"), bob)).to.be.revertedWithCustomError(
        staking,
        "FaultAlreadySlashed",
      );
    });

    it("[A-S6] many faults of one epoch take everything", async () => {
      const { staking, slash } = await loadFixture(delegatedFixture);
      for (let i = 0; i < 5; i++) await slash((2n * STAKE) / 5n);
      expect(await staking.slashableOf(1)).to.equal(STAKE);
    });
  });

  describe("[A-S7] accuser and operator are one", () => {
    it("[A-S7] a vote raises the bounty above a tenth", async () => {
      const { staking } = await loadFixture(delegatedFixture);
      await expect(staking.setTerms({ ...TERMS, bountyBps: 1_001 })).to.be.revertedWithCustomError(
        staking,
        "StakingBadParameter",
      );
    });

    it("[A-S7] an operator has itself slashed and takes the bounty: it loses nine tenths or more, whatever it does", async () => {
      const { staking, controller, carol, token } = await loadFixture(delegatedFixture);
      await staking.setTerms({ ...FULL, bountyBps: 1_000 });
      let i = 0;
      await fc.assert(
        fc.asyncProperty(fc.bigInt(10n, 30n * ONE), fc.boolean(), async (amount, requested) => {
          if (requested) await staking.connect(controller).requestUnbond(1, ONE);
          const both = async () => (await token.balanceOf(carol)) + (await staking.slashableOf(1));
          const before = await both();
          await staking.slash(1, amount, ethers.id(`self ${i++}`), carol);
          expect(before - (await both())).to.be.at.least((amount * 9n) / 10n);
          if (i % 5 === 0) await nextEpoch(staking);
        }),
        { seed: 20_804, numRuns: 12, endOnFailure: true },
      );
    });

    it("[A-S7] somebody slashes on his own", async () => {
      const { staking, carol } = await loadFixture(delegatedFixture);
      await expect(staking.connect(carol).slash(1, STAKE, ethers.id("fault"), carol)).to.be.revertedWithCustomError(
        staking,
        "StakingNotSlasher",
      );
    });
  });

  describe("[A-S8] delegators bear the operator's faults", () => {
    it("[A-S8] a slash that the own tranche could bear reaches the delegators", async () => {
      const f = await loadFixture(delegatedFixture);
      await f.slash(STAKE / 2n);
      expect((await f.staking.trancheOf(1, true)).assets).to.equal(STAKE / 2n);
      expect(await leave(f, f.bob)).to.equal(STAKE);
    });
  });

  describe("[A-S9] a pause that keeps what is others'", () => {
    it("[A-S9] a due unbonding is paid while its function is paused", async () => {
      const { staking, token, bob } = await loadFixture(delegatedFixture);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      await nextEpoch(staking, UNBONDING + 1);
      await staking.pause(staking.release.fragment.selector);
      await expect(staking.release(1)).to.changeTokenBalances(token, [bob], [STAKE]);
    });

    it("[A-S9] a delegator leaves while that is paused", async () => {
      const { staking, bob } = await loadFixture(delegatedFixture);
      await staking.pause(staking.undelegate.fragment.selector);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      expect((await staking.delegationOf(1, 0, bob)).shares).to.equal(0n);
    });
  });

  describe("[A-S10] time that overflows", () => {
    it("[A-S10] unbonding for longer than anybody lives", async () => {
      const { staking } = await loadFixture(delegatedFixture);
      const year = (365 * 86_400) / EPOCH;
      for (const epochs of [year + 1, 2 ** 32 - 1]) {
        await expect(staking.setUnbondingEpochs(epochs)).to.be.revertedWithCustomError(staking, "StakingBadParameter");
      }
    });
  });

  describe("[A-S11] principal that is paid out as reward", () => {
    it("[A-S11] a distribution when nothing has arrived", async () => {
      const { staking } = await loadFixture(delegatedFixture);
      await expect(staking.distribute()).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      expect(await staking.totalRewards()).to.equal(0n);
    });
  });

  describe("[A-S12] a delegator held by the operator's devices", () => {
    it("[A-S12] the operator is covered by delegations only", async () => {
      const { staking, controller, bob } = await loadFixture(delegatedFixture);
      await staking.connect(controller).requestUnbond(1, STAKE);
      await staking.connect(bob).undelegate(1, STAKE * VIRTUAL);
      const { stake, required } = await staking.operatorOf(1);
      expect([stake, required]).to.deep.equal([0n, MODEL_BOND]);
    });
  });
});
