import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { DAY, EPOCH, governanceFixture, MAX_DURATION, MAX_PAUSE, MIN_DURATION, tick } from "../../helpers/governance";

const { parseEther } = ethers;
const AMOUNT = parseEther("1000");

describe("VoteEscrow", () => {
  async function withLock() {
    const f = await governanceFixture();
    const id = await f.lockFor(f.alice, AMOUNT);
    return { ...f, id };
  }

  describe("constructor", () => {
    it("reverts when the shortest lock is 0", async () => {
      const { manager, token, escrow } = await loadFixture(governanceFixture);
      await expect(ethers.deployContract("VoteEscrow", [manager, token, 0, EPOCH, 0, MAX_DURATION, MAX_PAUSE]))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowBadDuration")
        .withArgs(0, 1, MAX_DURATION);
    });

    it("reverts when the shortest lock is longer than the longest", async () => {
      const { manager, token, escrow } = await loadFixture(governanceFixture);
      await expect(ethers.deployContract("VoteEscrow", [manager, token, 0, EPOCH, 3, 2, MAX_PAUSE]))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowBadDuration")
        .withArgs(3, 1, 2);
    });
  });

  describe("lock", () => {
    it("reverts when the duration is below the minimum or above the maximum", async () => {
      const { escrow, alice } = await loadFixture(governanceFixture);
      for (const duration of [MIN_DURATION - 1, MAX_DURATION + 1]) {
        await expect(escrow.connect(alice).lock(AMOUNT, duration))
          .to.be.revertedWithCustomError(escrow, "VoteEscrowBadDuration")
          .withArgs(duration, MIN_DURATION, MAX_DURATION);
      }
    });

    it("reverts when the power would be 0", async () => {
      const { escrow, alice } = await loadFixture(governanceFixture);
      await expect(escrow.connect(alice).lock(0, MAX_DURATION)).to.be.revertedWithCustomError(
        escrow,
        "VoteEscrowNoPower",
      );
      await expect(escrow.connect(alice).lock(1, MIN_DURATION)).to.be.revertedWithCustomError(
        escrow,
        "VoteEscrowNoPower",
      );
    });

    it("reverts while paused", async () => {
      const { escrow, alice, admin } = await loadFixture(governanceFixture);
      const entry = escrow.interface.getFunction("lock").selector;
      await escrow.connect(admin).pause(entry);
      await expect(escrow.connect(alice).lock(AMOUNT, MAX_DURATION))
        .to.be.revertedWithCustomError(escrow, "GuardedPaused")
        .withArgs(entry, await escrow.pausedUntil(entry));
    });

    it("takes the tokens, mints the position and gives power in proportion to the duration", async () => {
      const { escrow, token, alice } = await loadFixture(governanceFixture);
      await token.mint(alice.address, AMOUNT + 7n);
      await token.connect(alice).approve(escrow, AMOUNT);
      const power = (AMOUNT * BigInt(365 * DAY)) / BigInt(MAX_DURATION);
      const lock = escrow.connect(alice).lock(AMOUNT, 365 * DAY);
      await expect(lock)
        .to.emit(escrow, "Locked")
        .withArgs(1, alice.address, AMOUNT, 365 * DAY, power);
      await expect(lock).to.changeTokenBalances(token, [alice, escrow], [-AMOUNT, AMOUNT]);
      expect(await escrow.lockOf(1)).to.deep.equal([AMOUNT, power, 365n * BigInt(DAY), 0n]);
      expect(await escrow.ownerOf(1)).to.equal(alice.address);
      expect(await escrow.totalLocked()).to.equal(AMOUNT);
      expect(await escrow.totalPower()).to.equal(power);
      expect(await escrow.powerOf(alice)).to.equal(power);
    });

    it("delegates the first lock of an account to itself", async () => {
      const { escrow, alice, lockFor } = await loadFixture(governanceFixture);
      expect(await escrow.delegates(alice)).to.equal(ethers.ZeroAddress);
      await lockFor(alice, AMOUNT);
      expect(await escrow.delegates(alice)).to.equal(alice.address);
      expect(await escrow.getVotes(alice)).to.equal(AMOUNT);
    });

    it("keeps the delegate that the account chose", async () => {
      const { escrow, alice, bob, lockFor } = await loadFixture(governanceFixture);
      await escrow.connect(alice).delegate(bob);
      await lockFor(alice, AMOUNT);
      await lockFor(alice, AMOUNT);
      expect(await escrow.delegates(alice)).to.equal(bob.address);
      expect(await escrow.getVotes(bob)).to.equal(2n * AMOUNT);
      expect(await escrow.getVotes(alice)).to.equal(0);
    });
  });

  describe("startCoolDown", () => {
    it("reverts for anyone but the owner", async () => {
      const { escrow, bob, id } = await loadFixture(withLock);
      await expect(escrow.connect(bob).startCoolDown(id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowNotOwner")
        .withArgs(id, bob.address);
    });

    it("reverts when it cools down already", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await escrow.connect(alice).startCoolDown(id);
      const { coolDownEnd } = await escrow.lockOf(id);
      await expect(escrow.connect(alice).startCoolDown(id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowCoolingDown")
        .withArgs(id, coolDownEnd);
    });

    it("ends the power at once and starts a cool-down as long as the lock", async () => {
      const { escrow, token, alice, id, lockFor } = await loadFixture(withLock);
      await lockFor(alice, 5n);
      const tx = await escrow.connect(alice).startCoolDown(id);
      const end = BigInt(await time.latest()) + BigInt(MAX_DURATION);
      await expect(tx).to.emit(escrow, "CoolDownStarted").withArgs(id, alice.address, end);
      expect(await escrow.lockOf(id)).to.deep.equal([AMOUNT, 0n, BigInt(MAX_DURATION), end]);
      expect(await escrow.getVotes(alice)).to.equal(5n);
      expect(await escrow.powerOf(alice)).to.equal(5n);
      expect(await escrow.totalPower()).to.equal(5n);
      expect(await escrow.totalLocked()).to.equal(AMOUNT + 5n);
      expect(await token.balanceOf(escrow)).to.equal(AMOUNT + 5n);
    });

    it("clears the weights from the next epoch", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await escrow.connect(alice).setWeights(id, [1], [10_000]);
      await time.increase(EPOCH);
      const epoch = await escrow.currentEpoch();
      await expect(escrow.connect(alice).startCoolDown(id))
        .to.emit(escrow, "WeightsSet")
        .withArgs(id, [], [], epoch + 1n);
      expect(await escrow.subNetworkWeightAt(1, epoch)).to.equal(AMOUNT);
      expect(await escrow.subNetworkWeightAt(1, epoch + 1n)).to.equal(0);
    });

    it("works while lock is paused", async () => {
      const { escrow, alice, admin, id } = await loadFixture(withLock);
      await escrow.connect(admin).pause(escrow.interface.getFunction("lock").selector);
      await escrow.connect(alice).startCoolDown(id);
      expect(await escrow.getVotes(alice)).to.equal(0);
    });
  });

  describe("withdraw", () => {
    it("reverts for anyone but the owner", async () => {
      const { escrow, bob, id } = await loadFixture(withLock);
      await expect(escrow.connect(bob).withdraw(id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowNotOwner")
        .withArgs(id, bob.address);
    });

    it("reverts before the cool-down was started", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await time.increase(2 * MAX_DURATION);
      await expect(escrow.connect(alice).withdraw(id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowStillLocked")
        .withArgs(id, 0);
    });

    it("reverts before the cool-down is over", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await escrow.connect(alice).startCoolDown(id);
      const { coolDownEnd } = await escrow.lockOf(id);
      await time.setNextBlockTimestamp(coolDownEnd - 1n);
      await expect(escrow.connect(alice).withdraw(id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowStillLocked")
        .withArgs(id, coolDownEnd);
    });

    it("pays the whole amount and burns the position", async () => {
      const { escrow, token, alice, id, lockFor } = await loadFixture(withLock);
      await lockFor(alice, 5n);
      await escrow.connect(alice).startCoolDown(id);
      await time.setNextBlockTimestamp((await escrow.lockOf(id)).coolDownEnd);
      const withdrawal = escrow.connect(alice).withdraw(id);
      await expect(withdrawal).to.emit(escrow, "LockWithdrawn").withArgs(id, alice.address, AMOUNT);
      await expect(withdrawal).to.changeTokenBalances(token, [alice, escrow], [AMOUNT, -AMOUNT]);
      expect(await escrow.totalLocked()).to.equal(5n);
      expect(await escrow.totalPower()).to.equal(5n);
      expect(await escrow.lockOf(id)).to.deep.equal([0n, 0n, 0n, 0n]);
      await expect(escrow.connect(alice).withdraw(id)).to.be.revertedWithCustomError(escrow, "VoteEscrowNotOwner");
    });
  });

  describe("setWeights", () => {
    it("reverts for anyone but the owner", async () => {
      const { escrow, bob, id } = await loadFixture(withLock);
      await expect(escrow.connect(bob).setWeights(id, [1], [1]))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowNotOwner")
        .withArgs(id, bob.address);
    });

    it("reverts while cooling down", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await escrow.connect(alice).startCoolDown(id);
      await expect(escrow.connect(alice).setWeights(id, [1], [1])).to.be.revertedWithCustomError(
        escrow,
        "VoteEscrowCoolingDown",
      );
    });

    it("reverts for more than 8, lists of two lengths, ids that do not rise, an id or share of 0, a sum above 10000", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
      const bad: [number[], number[]][] = [
        [nine, nine],
        [[1, 2], [1]],
        [
          [2, 2],
          [1, 1],
        ],
        [
          [2, 1],
          [1, 1],
        ],
        [[0], [1]],
        [[1], [0]],
        [
          [1, 2],
          [5_000, 5_001],
        ],
      ];
      for (const [ids, bps] of bad) {
        await expect(escrow.connect(alice).setWeights(id, ids, bps), `${ids} ${bps}`).to.be.revertedWithCustomError(
          escrow,
          "VoteEscrowBadWeights",
        );
      }
    });

    it("counts from the next epoch, rounded down", async () => {
      const { escrow, alice, bob, id, lockFor } = await loadFixture(withLock);
      const odd = await lockFor(bob, 9_999n);
      const ids = [1, 2, 3, 4, 5, 6, 7, 65_535];
      const bps = [1_250, 1_250, 1_250, 1_250, 1_250, 1_250, 1_250, 1_250];
      const epoch = await escrow.currentEpoch();
      await expect(escrow.connect(alice).setWeights(id, ids, bps))
        .to.emit(escrow, "WeightsSet")
        .withArgs(id, ids, bps, epoch + 1n);
      await escrow.connect(bob).setWeights(odd, [65_535], [1]);
      expect(await escrow.subNetworkWeightAt(65_535, epoch)).to.equal(0);
      expect(await escrow.subNetworkWeightAt(65_535, epoch + 1n)).to.equal(AMOUNT / 8n); // ⌊9999 · 1 ÷ 10000⌋ = 0
      await escrow.connect(bob).setWeights(odd, [1], [9_999]);
      expect(await escrow.subNetworkWeightAt(1, epoch + 1n)).to.equal(AMOUNT / 8n + 9_998n);
    });

    it("replaces what was set before to the wei", async () => {
      const { escrow, alice, bob, id, lockFor } = await loadFixture(withLock);
      const odd = await lockFor(bob, 9_999n);
      await escrow.connect(alice).setWeights(id, [1, 2], [5_000, 5_000]);
      await escrow.connect(bob).setWeights(odd, [1, 2], [3_333, 3_333]);
      await escrow.connect(bob).setWeights(odd, [2, 3], [1, 9_999]);
      const next = (await escrow.currentEpoch()) + 1n;
      expect(await escrow.subNetworkWeightAt(1, next)).to.equal(AMOUNT / 2n);
      expect(await escrow.subNetworkWeightAt(2, next)).to.equal(AMOUNT / 2n);
      expect(await escrow.subNetworkWeightAt(3, next)).to.equal(9_998n);
    });

    it("clears with an empty list", async () => {
      const { escrow, alice, id } = await loadFixture(withLock);
      await escrow.connect(alice).setWeights(id, [1], [10_000]);
      await escrow.connect(alice).setWeights(id, [], []);
      expect(await escrow.subNetworkWeightAt(1, (await escrow.currentEpoch()) + 1n)).to.equal(0);
    });
  });

  describe("transfer", () => {
    it("moves the power to the new owner's delegate", async () => {
      const { escrow, alice, bob, carol, id, lockFor } = await loadFixture(withLock);
      await lockFor(bob, 5n);
      await escrow.connect(bob).delegate(carol);
      await escrow.connect(alice).transferFrom(alice, bob, id);
      expect(await escrow.getVotes(alice)).to.equal(0);
      expect(await escrow.getVotes(carol)).to.equal(AMOUNT + 5n);
      expect(await escrow.powerOf(bob)).to.equal(AMOUNT + 5n);
      expect(await escrow.totalPower()).to.equal(AMOUNT + 5n);
    });

    it("makes a receiver without a delegate its own", async () => {
      const { escrow, alice, bob, id } = await loadFixture(withLock);
      await escrow.connect(alice).transferFrom(alice, bob, id);
      expect(await escrow.delegates(bob)).to.equal(bob.address);
      expect(await escrow.getVotes(bob)).to.equal(AMOUNT);
    });

    it("clears the weights from the next epoch", async () => {
      const { escrow, alice, bob, id } = await loadFixture(withLock);
      await escrow.connect(alice).setWeights(id, [4], [10_000]);
      await time.increase(EPOCH);
      const epoch = await escrow.currentEpoch();
      await escrow.connect(alice).transferFrom(alice, bob, id);
      expect(await escrow.subNetworkWeightAt(4, epoch)).to.equal(AMOUNT);
      expect(await escrow.subNetworkWeightAt(4, epoch + 1n)).to.equal(0);
      await escrow.connect(bob).setWeights(id, [4], [5_000]);
      expect(await escrow.subNetworkWeightAt(4, epoch + 1n)).to.equal(AMOUNT / 2n);
    });

    it("of a position that cools down moves no power", async () => {
      const { escrow, token, alice, bob, id } = await loadFixture(withLock);
      await escrow.connect(alice).startCoolDown(id);
      await escrow.connect(alice).transferFrom(alice, bob, id);
      expect(await escrow.getVotes(bob)).to.equal(0);
      await time.increase(MAX_DURATION);
      await expect(escrow.connect(bob).withdraw(id)).to.changeTokenBalance(token, bob, AMOUNT);
    });
  });

  describe("history", () => {
    it("tells past votes and past total power by the second", async () => {
      const { escrow, alice, id, lockFor } = await loadFixture(withLock);
      const first = await time.latest();
      await tick();
      await lockFor(alice, AMOUNT);
      const second = await time.latest();
      await tick();
      await escrow.connect(alice).startCoolDown(id);
      const third = await time.latest();
      await tick();
      expect(await escrow.getPastVotes(alice, first - 1)).to.equal(0);
      expect(await escrow.getPastVotes(alice, first)).to.equal(AMOUNT);
      expect(await escrow.getPastVotes(alice, second)).to.equal(2n * AMOUNT);
      expect(await escrow.getPastTotalSupply(second)).to.equal(2n * AMOUNT);
      expect(await escrow.getPastTotalSupply(third)).to.equal(AMOUNT);
      expect(await escrow.clock()).to.equal(await time.latest());
      expect(await escrow.CLOCK_MODE()).to.equal("mode=timestamp");
    });
  });
});
