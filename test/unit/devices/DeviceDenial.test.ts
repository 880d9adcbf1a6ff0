import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { nextEpoch } from "../../helpers/devices";
import { lifeFixture } from "../../helpers/life";

const CASE = 7n;

describe("DeviceDenial", () => {
  /** Device 1 of alice, disputed in its first epoch. */
  async function disputed() {
    const f = await lifeFixture();
    await f.disputes.onDisputeOpened(CASE, 1, f.first);
    const hold = await f.holds.accountOf(1, CASE);
    return { ...f, hold };
  }

  describe("onDisputeOpened", () => {
    it("reverts for anyone but the kernel, an unknown or retired device, an inactive epoch, a second case, a used id", async () => {
      const { registry, disputes, alice, first } = await loadFixture(lifeFixture);
      await expect(registry.connect(alice).onDisputeOpened(CASE, 1, first))
        .to.be.revertedWithCustomError(registry, "DeviceNotDisputes")
        .withArgs(alice.address);
      for (const subject of [9n, 2n ** 64n + 1n]) {
        await expect(disputes.onDisputeOpened(CASE, subject, first))
          .to.be.revertedWithCustomError(registry, "DeviceUnknown")
          .withArgs(subject);
      }
      await expect(disputes.onDisputeOpened(CASE, 1, first - 1n))
        .to.be.revertedWithCustomError(registry, "DeviceNotActiveAt")
        .withArgs(1, first - 1n);
      await disputes.onDisputeOpened(CASE, 1, first);
      await expect(disputes.onDisputeOpened(CASE + 1n, 1, first))
        .to.be.revertedWithCustomError(registry, "DeviceInDispute")
        .withArgs(1, CASE);
      await disputes.onDisputeClosed(CASE, 1, false);
      await expect(disputes.onDisputeOpened(CASE, 1, first))
        .to.be.revertedWithCustomError(registry, "DeviceCaseUnknown")
        .withArgs(1, CASE);
      await registry.connect(alice).retire(1);
      await expect(disputes.onDisputeOpened(CASE + 1n, 1, first))
        .to.be.revertedWithCustomError(registry, "DeviceAlreadyRetired")
        .withArgs(1);
    });

    it("holds the payee from the next epoch, keeps what was before, tells the accused", async () => {
      const { registry, disputes, holds, alice, bob, first } = await loadFixture(lifeFixture);
      await registry.connect(alice).setPayee(1, bob);
      expect(await disputes.onDisputeOpened.staticCall(CASE, 1, first)).to.equal(alice.address);
      await expect(disputes.onDisputeOpened(CASE, 1, first))
        .to.emit(registry, "DeviceDisputed")
        .withArgs(1, CASE, bob.address, first, first + 1n)
        .and.to.emit(registry, "MetadataUpdate")
        .withArgs(1);
      const hold = await holds.accountOf(1, CASE);
      expect(await registry.payeeAt(1, first)).to.equal(alice.address);
      for (const e of [first + 1n, first + 99n]) expect(await registry.payeeAt(1, e)).to.equal(hold);
      expect([await registry.caseAt(1, first), await registry.caseAt(1, first + 1n)]).to.deep.equal([0n, CASE]);
      expect(await registry.isActiveAt(1, first + 1n)).to.be.true;
      expect(await registry.caseOutcome(1, CASE)).to.deep.equal([1n, bob.address]);
    });
  });

  describe("while disputed", () => {
    it("transfer, setPayee and recovery revert; retire and veto work", async () => {
      const { registry, alice, bob, box } = await loadFixture(disputed);
      const own = registry.connect(alice);
      const noSignature = { r: ethers.ZeroHash, s: ethers.ZeroHash };
      for (const tx of [
        own.transferFrom(alice, bob, 1),
        own["safeTransferFrom(address,address,uint256)"](alice, bob, 1),
        own.setPayee(1, bob),
        own.requestRecovery(1, bob, 2n ** 40n, box.key, noSignature),
      ]) {
        await expect(tx).to.be.revertedWithCustomError(registry, "DeviceInDispute").withArgs(1, CASE);
      }
      await own.veto(1);
      await own.retire(1);
      expect(await registry.ownerOf(1)).to.equal(alice.address);
    });
  });

  describe("onDisputeClosed", () => {
    it("reverts for a case that is not live and for another kernel; a replaced kernel closes its own", async () => {
      const { registry, disputes, kernel, bob } = await loadFixture(disputed);
      await expect(disputes.onDisputeClosed(CASE + 1n, 1, true))
        .to.be.revertedWithCustomError(registry, "DeviceCaseUnknown")
        .withArgs(1, CASE + 1n);
      await registry.setDisputes(bob);
      await expect(registry.connect(bob).onDisputeClosed(CASE, 1, true))
        .to.be.revertedWithCustomError(registry, "DeviceNotDisputes")
        .withArgs(bob.address);
      await registry.connect(kernel).onDisputeClosed(CASE, 1, false);
      await expect(disputes.onDisputeClosed(CASE, 1, false))
        .to.be.revertedWithCustomError(registry, "DeviceCaseUnknown")
        .withArgs(1, CASE);
    });

    it("rejected: releases the hold to the payee of the opening, whoever owns the device then", async () => {
      const { registry, disputes, holds, hold, token, alice, bob, first } = await loadFixture(disputed);
      const now = await nextEpoch(registry, 2);
      await expect(disputes.onDisputeClosed(CASE, 1, false))
        .to.emit(registry, "DeviceReleased")
        .withArgs(1, CASE, now + 1n);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      for (const e of [first + 1n, now]) expect(await registry.payeeAt(1, e)).to.equal(hold);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
      await token.mint(hold, 100);
      const before = await token.balanceOf(alice.address);
      await expect(holds.settle(1, CASE, token))
        .to.emit(holds, "HoldSettled")
        .withArgs(1, CASE, alice.address, await token.getAddress(), 100);
      expect(await token.balanceOf(alice.address)).to.equal(before + 100n);
      expect(await token.balanceOf(hold)).to.equal(0n);
    });

    it("upheld: burns the hold and denies the device until the entry expires", async () => {
      const { registry, disputes, holds, hold, alice, first } = await loadFixture(disputed);
      const burnable = await ethers.deployContract("BurnableToken__MockForDevices");
      await burnable.mint(hold, 100);
      await registry.setTerms(7, 5, 0); // later cases only: this one copied 90
      const now = await nextEpoch(registry);
      await expect(disputes.onDisputeClosed(CASE, 1, true))
        .to.emit(registry, "DeviceDenied")
        .withArgs(1, CASE, now + 1n, now + 91n);
      const at = (es: bigint[]) => Promise.all(es.map((e) => registry.isActiveAt(1, e)));
      expect(await at([first, now, now + 1n, now + 90n, now + 91n])).to.deep.equal([true, true, false, false, true]);
      expect(await registry.isDeniedAt(1, now + 1n)).to.be.true;
      expect(await registry.payeeAt(1, now + 1n)).to.equal(alice.address);
      await expect(holds.settle(1, CASE, burnable)).to.changeTokenBalance(burnable, hold, -100);
      expect(await burnable.totalSupply()).to.equal(0n);
      await expect(disputes.onDisputeOpened(CASE + 1n, 1, now))
        .to.be.revertedWithCustomError(registry, "DeviceStillDenied")
        .withArgs(1, now + 91n);
    });
  });

  describe("settle", () => {
    it("reverts while open and for no case; may be called again when more arrives", async () => {
      const { disputes, holds, hold, token, alice } = await loadFixture(disputed);
      for (const caseId of [CASE, CASE + 1n]) {
        await expect(holds.settle(1, caseId, token))
          .to.be.revertedWithCustomError(holds, "HoldNotDecided")
          .withArgs(1, caseId);
      }
      await disputes.onDisputeClosed(CASE, 1, false);
      for (const amount of [0, 5, 6]) {
        await token.mint(hold, amount);
        await expect(holds.settle(1, CASE, token)).to.changeTokenBalance(token, alice, amount);
      }
      const account = await ethers.getContractAt("HoldAccount", hold);
      await expect(account.connect(alice).release(token, alice))
        .to.be.revertedWithCustomError(holds, "HoldNotKeeper")
        .withArgs(alice.address);
    });
  });
});
