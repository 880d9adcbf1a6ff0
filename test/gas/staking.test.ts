import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers, network } from "hardhat";
import { CHALLENGE_EPOCHS, MODEL_BOND, nextEpoch, SUB, UNBONDING } from "../helpers/devices";
import { expectGas } from "../helpers/gas";
import { delegatedFixture, ONE, STAKE, TERMS, VIRTUAL } from "../helpers/staking";

/** Where OperatorStaking keeps its state, and places in it. What is written there is read back below. */
const [STATE_SLOT, REQUEST_COUNT, BONDS, POSITIONS, REQUESTS] = [3n, 4n, 6n, 8n, 13n];

function keccak(key: bigint, slot: bigint): bigint {
  return BigInt(ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(["uint256", "uint256"], [key, slot])));
}

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
    await expectGas("undelegate", staking.connect(bob).undelegate(1, 5_000_000), 175_000);
  });

  it("slashes at one price with 1, 100 and 10,000 devices, delegators and unbonding requests @deep", async function () {
    this.timeout(120_000);
    const base = await loadFixture(old);
    const { staking, token, bob, controller, admin } = base;
    await staking.setTerms({ ...TERMS, slashCapBps: 10_000, minDelegation: 1, weightMultiple: 100 });
    await token.mint(controller, 1_000_000n * ONE);
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
    // A hundred delegators with a request each.
    for (let i = 0; i < 3; i++) await crowd.join(1, 33, { gasLimit: 15_900_000 });
    prices.push(await slashed());
    // As many more as make 10,000, written down where they are kept: a delegation and a request each.
    const target = await staking.getAddress();
    const write = (slot: bigint, value: bigint) =>
      network.provider.send("hardhat_setStorageAt", [target, ethers.toQuantity(slot), ethers.toBeHex(value, 32)]);
    const owners = keccak(0n, keccak(1n, STATE_SLOT + POSITIONS));
    const releaseAt = (await staking.unbondingOf(2)).releaseAt;
    for (let i = 103n; i <= 10_000n; i++) {
      const request = keccak(i, STATE_SLOT + REQUESTS);
      await write(keccak(i << 100n, owners), 1_000n);
      await write(request, (1_000n << 128n) | (releaseAt << 88n) | 1n);
      await write(request + 1n, i << 100n);
    }
    await write(STATE_SLOT + REQUEST_COUNT, 10_000n);
    const last = ethers.getAddress(ethers.toBeHex(10_000n << 100n, 20));
    expect(await staking.delegationOf(1, 0, last)).to.deep.equal([1_000n, 0n]);
    expect(await staking.unbondingOf(10_000)).to.deep.equal([1n, 0n, releaseAt, 1_000n, last, false]);
    // 10,000 devices are their bonds in `required`, and slots of their own that a slash never reads.
    const bonds = keccak(1n, STATE_SLOT + BONDS);
    const { stake } = await staking.operatorOf(1);
    await staking.connect(controller).stake(1, 10_001n * MODEL_BOND - stake);
    const latest = BigInt(await ethers.provider.getStorage(target, bonds));
    await write(bonds, latest + ((9_999n * MODEL_BOND) << 96n));
    expect((await staking.operatorOf(1)).required).to.equal(10_000n * MODEL_BOND);
    prices.push(await slashed());
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
