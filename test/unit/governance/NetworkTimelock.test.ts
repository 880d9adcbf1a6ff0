import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { asAccount, DELAY, governanceFixture } from "../../helpers/governance";

describe("NetworkTimelock", () => {
  describe("constructor", () => {
    it("refuses a delay of 0 on the development chain", async () => {
      const { timelock } = await loadFixture(governanceFixture);
      await expect(ethers.deployContract("NetworkTimelock", [0, [], [], ethers.ZeroAddress]))
        .to.be.revertedWithCustomError(timelock, "TimelockDelayBelowFloor")
        .withArgs(0, 1);
      expect(await timelock.minDelayFloor()).to.equal(1);
      expect(await timelock.getMinDelay()).to.equal(DELAY);
    });
  });

  describe("updateDelay", () => {
    it("refuses a delay below the floor, also from the timelock itself", async () => {
      const { timelock } = await loadFixture(governanceFixture);
      const itself = await asAccount(await timelock.getAddress());
      await expect(timelock.connect(itself).updateDelay(0))
        .to.be.revertedWithCustomError(timelock, "TimelockDelayBelowFloor")
        .withArgs(0, 1);
    });

    it("refuses anyone but the timelock", async () => {
      const { timelock, admin } = await loadFixture(governanceFixture);
      await expect(timelock.connect(admin).updateDelay(DELAY))
        .to.be.revertedWithCustomError(timelock, "TimelockUnauthorizedCaller")
        .withArgs(admin.address);
    });

    it("changes the delay by a scheduled operation", async () => {
      const { timelock } = await loadFixture(governanceFixture);
      const itself = await asAccount(await timelock.getAddress());
      await expect(timelock.connect(itself).updateDelay(DELAY + 1))
        .to.emit(timelock, "MinDelayChange")
        .withArgs(DELAY, DELAY + 1);
      expect(await timelock.getMinDelay()).to.equal(DELAY + 1);
    });
  });
});
