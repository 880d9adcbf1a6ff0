import { expect } from "chai";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";

const MAX_PAUSE = 1000;
const GUARDIAN = 1n;

async function fixture() {
  const [admin, guardian, stranger] = await ethers.getSigners();
  if (!admin || !guardian || !stranger) throw new Error("accounts");
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const guarded = await ethers.deployContract("GuardedHarness", [await manager.getAddress(), MAX_PAUSE]);
  const selector = (name: "pause" | "unpause" | "enter" | "leave"): string =>
    guarded.interface.getFunction(name).selector;
  await manager.grantRole(GUARDIAN, guardian.address, 0);
  await manager.setTargetFunctionRole(await guarded.getAddress(), [selector("pause"), selector("unpause")], GUARDIAN);
  return { guarded: guarded.connect(guardian), guardian, stranger, enter: selector("enter"), leave: selector("leave") };
}

describe("Guarded", () => {
  describe("pause", () => {
    it("when the caller is neither guardian nor timelock, it reverts", async () => {
      const { guarded, stranger, enter } = await loadFixture(fixture);
      await expect(guarded.connect(stranger).pause(enter))
        .to.be.revertedWithCustomError(guarded, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    });

    it("when the entry was never paused, it pauses it for maxPause and for no longer", async () => {
      const { guarded, enter } = await loadFixture(fixture);
      await guarded.pause(enter);
      const until = (await time.latest()) + MAX_PAUSE;
      expect(await guarded.pausedUntil(enter)).to.equal(until);
      await expect(guarded.enter()).to.be.revertedWithCustomError(guarded, "GuardedPaused").withArgs(enter, until);
      await time.setNextBlockTimestamp(until - 1);
      await expect(guarded.enter()).to.be.revertedWithCustomError(guarded, "GuardedPaused").withArgs(enter, until);
      await time.setNextBlockTimestamp(until);
      await guarded.enter();
      expect(await guarded.entered()).to.equal(1);
    });

    it("when the last pause ended less than maxPause ago, it reverts; after the cool-down it pauses again", async () => {
      const { guarded, enter } = await loadFixture(fixture);
      await guarded.pause(enter);
      const until = (await time.latest()) + MAX_PAUSE;
      for (const at of [until - 10, until, until + MAX_PAUSE - 1]) {
        await time.setNextBlockTimestamp(at);
        await expect(guarded.pause(enter))
          .to.be.revertedWithCustomError(guarded, "GuardedCoolingDown")
          .withArgs(enter, until + MAX_PAUSE);
      }
      await time.setNextBlockTimestamp(until + MAX_PAUSE);
      await expect(guarded.pause(enter))
        .to.emit(guarded, "EntryPaused")
        .withArgs(enter, until + 2 * MAX_PAUSE);
    });

    it("when an entry is paused, exits work: they carry no pause", async () => {
      const { guarded, enter, leave } = await loadFixture(fixture);
      await guarded.pause(enter);
      await guarded.pause(leave);
      await guarded.leave();
      expect(await guarded.left()).to.equal(1);
    });
  });

  describe("unpause", () => {
    it("when the entry is not paused, it reverts", async () => {
      const { guarded, enter } = await loadFixture(fixture);
      await expect(guarded.unpause(enter)).to.be.revertedWithCustomError(guarded, "GuardedNotPaused").withArgs(enter);
    });

    it("when it is paused, it reopens it and the cool-down counts from now", async () => {
      const { guarded, enter } = await loadFixture(fixture);
      await guarded.pause(enter);
      await expect(guarded.unpause(enter)).to.emit(guarded, "EntryReopened").withArgs(enter);
      const now = await time.latest();
      await guarded.enter();
      await time.setNextBlockTimestamp(now + MAX_PAUSE - 1);
      await expect(guarded.pause(enter))
        .to.be.revertedWithCustomError(guarded, "GuardedCoolingDown")
        .withArgs(enter, now + MAX_PAUSE);
      await time.setNextBlockTimestamp(now + MAX_PAUSE);
      await guarded.pause(enter);
      expect(await guarded.pausedUntil(enter)).to.equal(now + 2 * MAX_PAUSE);
    });
  });
});
