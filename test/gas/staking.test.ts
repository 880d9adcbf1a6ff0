import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { CHALLENGE_EPOCHS, MODEL_BOND, nextEpoch, SUB, UNBONDING } from "../helpers/devices";
import { expectGas } from "../helpers/gas";
import { delegatedFixture, ONE, STAKE, TERMS, VIRTUAL } from "../helpers/staking";

describe("gas: staking @gas", () => {
  /** An operator old enough that its history is a full ring. */
  async function old() {
    const f = await delegatedFixture();
    for (let i = 0; i < CHALLENGE_EPOCHS + 3; i++) {
      await f.staking.connect(f.controller).stake(1, ONE);
      await nextEpoch(f.staking);
    }
    await f.staking.refreshWeight(1);
    return f;
  }

  it("stakes, of an old operator: first in an epoch ≤ 97,000, again ≤ 74,000", async () => {
    const { staking, controller } = await loadFixture(old);
    const by = staking.connect(controller);
    await expectGas("stake, an old operator's first of the epoch", by.stake(1, MODEL_BOND), 97_000);
    await expectGas("stake, an old operator's, repeat", by.stake(1, MODEL_BOND), 74_000);
  });

  it("attaches, of an old operator: first in an epoch no dearer than 6,000 more", async () => {
    const { staking, alice, onboardFor } = await loadFixture(old);
    for (let i = 0; i < 2; i++) await onboardFor(alice);
    await nextEpoch(staking);
    const by = staking.connect(alice);
    const first = await expectGas("attach, an old operator's first of the epoch", by.attachDevice(2, SUB, 1), 125_000);
    const again = await expectGas("attach, repeat", by.attachDevice(3, SUB, 1), 120_000);
    expect(first.gasUsed - again.gasUsed).to.be.lessThan(6_000n);
  });

  it("withdraws: release ≤ 74,000, by a delegator and by the controller", async () => {
    const { staking, controller, bob } = await loadFixture(old);
    await staking.connect(bob).undelegate(1, (STAKE * VIRTUAL) / 2n);
    await staking.connect(bob).undelegate(1, (STAKE * VIRTUAL) / 4n);
    await staking.connect(controller).requestUnbond(1, ONE);
    await nextEpoch(staking, UNBONDING + 1);
    await expectGas("release, a delegator's", staking.release(1), 74_000);
    await expectGas("release, the controller's", staking.release(3), 74_000);
  });

  it("delegates and asks to leave", async () => {
    const { staking, bob, carol } = await loadFixture(old);
    await staking.connect(carol).delegate(1, ONE, 0);
    await expectGas("delegate, repeat", staking.connect(carol).delegate(1, ONE, 0), 110_000);
    await expectGas("undelegate", staking.connect(bob).undelegate(1, 5_000_000), 160_000);
  });

  it("slashes at one price with 1, 100 and 10,000 devices, delegators and unbonding requests", async function () {
    this.timeout(60_000);
    const base = await loadFixture(old);
    const { staking, token, bob, controller, admin } = base;
    await staking.setTerms({ ...TERMS, slashCapBps: 10_000, minDelegation: 1 });
    await staking.connect(bob).undelegate(1, 1_000n * VIRTUAL);
    await staking.connect(controller).requestUnbond(1, 1_000n);
    const crowd = await ethers.deployContract("Crowd__ForStaking", [staking, token]);
    await token.mint(crowd, ONE);
    let key = 0;
    const slashed = async (): Promise<bigint> => {
      await nextEpoch(staking);
      await staking.refreshWeight(1);
      await staking.slash(1, 1_000n, ethers.id(`first ${key}`), admin.address); // the epoch's own slots
      const tx = await staking.slash(1, 1_000n, ethers.id(`fault ${key++}`), admin.address);
      return (await tx.wait())!.gasUsed;
    };
    const prices = [await slashed()];
    let made = 1;
    for (const count of [100, 10_000]) {
      while (made < count) {
        const n = Math.min(count - made, 40);
        await crowd.join(1, n, { gasLimit: 15_900_000 });
        made += n;
      }
      // Devices are a number in `required` and slots of their own that a slash never reads.
      prices.push(await slashed());
    }
    expect((await staking.trancheOf(1, false)).unbondingShares).to.be.greaterThan(10_000n);
    for (const price of prices) {
      const distance = price > prices[0]! ? price - prices[0]! : prices[0]! - price;
      expect(distance * 100n, `${prices.join(", ")}`).to.be.at.most(prices[0]!);
    }
    await nextEpoch(staking);
    await staking.slash(1, 1_000n, ethers.id("warm"), admin.address);
    await expectGas(
      "slash, 10,000 delegators and requests",
      staking.slash(1, 1_000n, ethers.id("last"), admin.address),
      170_000,
    );
  });
});
