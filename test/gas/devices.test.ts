import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";
import {
  CHALLENGE_EPOCHS,
  devicesOnRealCreditsFixture,
  makeDevice,
  MODEL_BOND,
  nextEpoch,
  signOnboarding,
  sparseBatch,
} from "../helpers/devices";

const HEIGHT = 20;

async function gasOf(tx: Promise<ContractTransactionResponse>): Promise<bigint> {
  const receipt = await (await tx).wait();
  if (receipt === null) throw new Error("not mined");
  if (process.env.SHOW_GAS === "true") console.log(`      ${receipt.gasUsed} gas`);
  return receipt.gasUsed;
}

describe("gas: devices", () => {
  /** Devices at odd places of batches of 2^20; one device is onboarded, so that nothing but the owner is new. */
  async function fixture() {
    const f = await devicesOnRealCreditsFixture();
    /** The argument of `onboard` for a fresh device of a fresh batch. */
    async function fresh(owner: string, operatorId = 0n) {
      const device = makeDevice();
      const { root, count, index, proof } = sparseBatch(device, 0xaaaab, HEIGHT);
      await f.makers.license(f.maker.address, 2 ** 31);
      await f.makers.connect(f.maker).postBatch(1, root, count, ethers.ZeroHash);
      const batchId = await f.makers.connect(f.maker).postBatch.staticCall(1, root, count, ethers.ZeroHash);
      return signOnboarding(device, {
        registry: f.registry,
        owner,
        batchId: batchId - 1n,
        index,
        proof,
        operatorId,
      });
    }
    await f.registry.connect(f.alice).onboard(await fresh(f.alice.address));
    return { ...f, fresh };
  }

  it("onboards with a 2^20 proof and P-256: ≤ 151,000, an owner's first ≤ 168,000", async () => {
    const { registry, alice, bob, fresh } = await loadFixture(fixture);
    const next = await fresh(alice.address);
    expect(await gasOf(registry.connect(alice).onboard(next))).to.be.at.most(151_000n);
    const first = await fresh(bob.address);
    expect(await gasOf(registry.connect(alice).onboard(first))).to.be.at.most(168_000n);
  });

  it("onboards and attaches: first of the operator in an epoch ≤ 222,000, again ≤ 198,000", async () => {
    const { registry, alice, fresh } = await loadFixture(fixture);
    await nextEpoch(registry);
    await registry.connect(alice).onboard(await fresh(alice.address));
    const first = await fresh(alice.address, 1n);
    expect(await gasOf(registry.connect(alice).onboard(first))).to.be.at.most(222_000n);
    const again = await fresh(alice.address, 1n);
    expect(await gasOf(registry.connect(alice).onboard(again))).to.be.at.most(198_000n);
  });

  it("transfers a device to a holder: first ≤ 68,000, again ≤ 50,000", async () => {
    const { registry, alice, bob, onboardFor } = await loadFixture(fixture);
    await onboardFor(bob);
    await onboardFor(bob);
    await nextEpoch(registry);
    expect(await gasOf(registry.connect(alice).transferFrom(alice, bob, 1))).to.be.at.most(68_000n);
    await registry.connect(bob).transferFrom(bob, alice, 2);
    await nextEpoch(registry, CHALLENGE_EPOCHS + 1);
    expect(await gasOf(registry.connect(bob).transferFrom(bob, alice, 1))).to.be.at.most(50_000n);
  });

  it("stakes: first in an epoch ≤ 97,000, again ≤ 74,000; asks it back the same", async () => {
    const { registry, staking, controller } = await loadFixture(fixture);
    await nextEpoch(registry);
    const operator = staking.connect(controller);
    expect(await gasOf(operator.stake(1, MODEL_BOND))).to.be.at.most(97_000n);
    expect(await gasOf(operator.stake(1, MODEL_BOND))).to.be.at.most(74_000n);
  });
});
