import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { DELAY, FLOOR, governanceFixture, tick } from "../../helpers/governance";

describe("BootstrapCouncil", () => {
  async function withBatch() {
    const f = await governanceFixture();
    const batch: [string[], bigint[], string[]] = [
      [await f.target.getAddress()],
      [0n],
      [f.target.interface.encodeFunctionData("setValue", [9])],
    ];
    const salt = ethers.id("salt");
    const guarded = await f.bootstrap.guardedBatch(...batch);
    const id = await f.timelock.hashOperationBatch(
      [...guarded.t],
      [...guarded.v],
      [...guarded.p],
      ethers.ZeroHash,
      salt,
    );
    const schedule = () => f.bootstrap.connect(f.council).schedule(...batch, ethers.ZeroHash, salt);
    const execute = () =>
      f.timelock
        .connect(f.stranger)
        .executeBatch([...guarded.t], [...guarded.v], [...guarded.p], ethers.ZeroHash, salt);
    return { ...f, batch, salt, guarded, id, schedule, execute };
  }

  describe("schedule", () => {
    it("reverts for anyone but the council", async () => {
      const { bootstrap, batch, salt, stranger } = await loadFixture(withBatch);
      await expect(bootstrap.connect(stranger).schedule(...batch, ethers.ZeroHash, salt))
        .to.be.revertedWithCustomError(bootstrap, "CouncilNotMember")
        .withArgs(stranger.address);
    });

    it("reverts for lists of different lengths", async () => {
      const { bootstrap, timelock, council, batch, salt } = await loadFixture(withBatch);
      await expect(bootstrap.connect(council).schedule(batch[0], [], batch[2], ethers.ZeroHash, salt))
        .to.be.revertedWithCustomError(timelock, "TimelockInvalidOperationLength")
        .withArgs(1, 1, 0);
    });

    it("schedules the batch behind its own check, with the timelock's delay", async () => {
      const { bootstrap, timelock, target, batch, guarded, id, schedule } = await loadFixture(withBatch);
      const check = bootstrap.interface.encodeFunctionData("requireActive");
      expect(guarded).to.deep.equal([
        [await bootstrap.getAddress(), await target.getAddress()],
        [0n, 0n],
        [check, batch[2][0]],
      ]);
      const tx = schedule();
      await expect(tx)
        .to.emit(timelock, "CallScheduled")
        .withArgs(id, 0, await bootstrap.getAddress(), 0, check, ethers.ZeroHash, DELAY);
      await expect(tx)
        .to.emit(timelock, "CallScheduled")
        .withArgs(id, 1, await target.getAddress(), 0, batch[2][0], ethers.ZeroHash, DELAY);
      expect(await timelock.getTimestamp(id)).to.equal((await time.latest()) + DELAY);
      expect(await bootstrap.isActive()).to.equal(true);
    });

    it("at the floor it ends the council instead and schedules nothing", async () => {
      const { bootstrap, timelock, alice, lockFor, id, schedule } = await loadFixture(withBatch);
      await lockFor(alice, FLOOR);
      const lockedAt = await time.latest();
      await time.setNextBlockTimestamp(lockedAt + 1);
      await expect(schedule()).to.emit(bootstrap, "CouncilEnded").withArgs(lockedAt, FLOOR);
      expect(await bootstrap.ended()).to.equal(true);
      expect(await bootstrap.isActive()).to.equal(false);
      expect(await timelock.isOperation(id)).to.equal(false);
    });

    it("reverts once ended", async () => {
      const { bootstrap, alice, lockFor, schedule } = await loadFixture(withBatch);
      await lockFor(alice, FLOOR);
      await tick();
      await schedule();
      await expect(schedule()).to.be.revertedWithCustomError(bootstrap, "CouncilHasEnded");
    });
  });

  describe("end", () => {
    it("reverts when the power at that second was below the floor", async () => {
      const { bootstrap, alice, stranger, lockFor } = await loadFixture(withBatch);
      await lockFor(alice, FLOOR - 1n);
      await tick();
      await expect(bootstrap.connect(stranger).end((await time.latest()) - 1))
        .to.be.revertedWithCustomError(bootstrap, "CouncilPowerBelowFloor")
        .withArgs(FLOOR - 1n, FLOOR);
      expect(await bootstrap.isActive()).to.equal(true);
    });

    it("reverts for a second that is not past", async () => {
      const { bootstrap, escrow } = await loadFixture(withBatch);
      const next = (await time.latest()) + 5;
      await time.setNextBlockTimestamp(next);
      await expect(bootstrap.end(next))
        .to.be.revertedWithCustomError(escrow, "ERC5805FutureLookup")
        .withArgs(next, next);
    });

    it("ends for anyone who names a second at the floor, also when the power has left since", async () => {
      const { bootstrap, escrow, alice, stranger, lockFor } = await loadFixture(withBatch);
      const id = await lockFor(alice, FLOOR);
      const at = await time.latest();
      await escrow.connect(alice).startCoolDown(id);
      await tick();
      expect(await bootstrap.isActive()).to.equal(true);
      await expect(bootstrap.connect(stranger).end(at)).to.emit(bootstrap, "CouncilEnded").withArgs(at, FLOOR);
      expect(await bootstrap.isActive()).to.equal(false);
    });

    it("reverts once ended", async () => {
      const { bootstrap, alice, lockFor } = await loadFixture(withBatch);
      await lockFor(alice, FLOOR);
      const at = await time.latest();
      await bootstrap.end(at);
      await expect(bootstrap.end(at)).to.be.revertedWithCustomError(bootstrap, "CouncilHasEnded");
    });
  });

  describe("what it scheduled", () => {
    it("is executed by anyone after the delay while the council lasts", async () => {
      const { timelock, target, schedule, execute } = await loadFixture(withBatch);
      await schedule();
      await expect(execute()).to.be.revertedWithCustomError(timelock, "TimelockUnexpectedOperationState");
      await time.increase(DELAY);
      await execute();
      expect(await target.value()).to.equal(9);
      expect(await target.setBy()).to.equal(await timelock.getAddress());
    });

    it("waits until lock has been open for the timelock's delay", async () => {
      const { manager, admin, escrow, bootstrap, target, guardian, timelock, schedule, execute } =
        await loadFixture(withBatch);
      const entry = escrow.interface.getFunction("lock").selector;
      const selectors = [escrow.interface.getFunction("pause").selector];
      await manager.connect(admin).setTargetFunctionRole(escrow, selectors, 1);
      await manager.connect(admin).grantRole(1, guardian, 0);
      await schedule();
      await escrow.connect(guardian).pause(entry);
      const from = (await escrow.pausedUntil(entry)) + (await timelock.getMinDelay());
      await time.increase(DELAY);
      for (const at of [BigInt(await time.latest()) + 1n, from - 1n]) {
        await time.setNextBlockTimestamp(at);
        await expect(execute()).to.be.revertedWithCustomError(bootstrap, "CouncilLockNotOpen").withArgs(from);
      }
      expect(await target.value()).to.equal(0);
      await time.setNextBlockTimestamp(from);
      await execute();
      expect(await target.value()).to.equal(9);
    });

    it("fails for ever once the power has passed the floor", async () => {
      const { bootstrap, target, alice, lockFor, schedule, execute } = await loadFixture(withBatch);
      await schedule();
      await time.increase(DELAY);
      await lockFor(alice, FLOOR);
      await tick();
      await expect(execute()).to.be.revertedWithCustomError(bootstrap, "CouncilHasEnded");
      expect(await target.value()).to.equal(0);
    });

    it("fails for ever once ended", async () => {
      const { bootstrap, escrow, target, alice, lockFor, schedule, execute } = await loadFixture(withBatch);
      await schedule();
      const id = await lockFor(alice, FLOOR);
      const at = await time.latest();
      await escrow.connect(alice).startCoolDown(id);
      await bootstrap.end(at);
      await time.increase(DELAY);
      await expect(execute()).to.be.revertedWithCustomError(bootstrap, "CouncilHasEnded");
      expect(await target.value()).to.equal(0);
    });
  });
});
