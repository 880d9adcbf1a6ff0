import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import type { Hex } from "../../../oracle/codec";
import {
  batchTree,
  BOND_DELAY,
  devicesFixture,
  EPOCH,
  makeDevice,
  MAX_PAUSE,
  MIN_BOND,
  MODEL_BOND,
  nextEpoch,
  POINTS_CAP,
  QUOTA,
  signOnboarding,
  SUB,
} from "../../helpers/devices";

const ROOT = ethers.id("root");
const DATA = ethers.id("data");
const LICENSED = 1n;
const SUSPENDED = 2n;
const REVOKED = 3n;
const NEVER = 2n ** 64n - 1n;

/** The error's name of a parameter. */
function named(name: string): string {
  return ethers.encodeBytes32String(name);
}

describe("MakerRegistry", () => {
  describe("constructor", () => {
    it("reverts for a zero token, a zero bond, a delay of zero or above a year", async () => {
      const { manager, token, makers } = await loadFixture(devicesFixture);
      const cases: [unknown, bigint, number, string, bigint][] = [
        [ethers.ZeroAddress, MIN_BOND, BOND_DELAY, "token", 0n],
        [token, 0n, BOND_DELAY, "minBond", 0n],
        [token, MIN_BOND, 0, "bondDelay", 0n],
        [token, MIN_BOND, 366 * 86_400, "bondDelay", 366n * 86_400n],
      ];
      for (const [t, bond, delay, name, value] of cases) {
        await expect(ethers.deployContract("MakerRegistry", [manager, t, 0, EPOCH, bond, delay, MAX_PAUSE]))
          .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
          .withArgs(named(name), value);
      }
      expect(await makers.token()).to.equal(await token.getAddress());
      expect([await makers.minBond(), await makers.bondDelay()]).to.deep.equal([MIN_BOND, BigInt(BOND_DELAY)]);
    });
  });

  describe("postBond", () => {
    it("reverts for nothing", async () => {
      const { makers, bob } = await loadFixture(devicesFixture);
      await expect(makers.connect(bob).postBond(0))
        .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
        .withArgs(named("amount"), 0);
    });

    it("reverts for a bond of 2^128", async () => {
      const { makers, bob } = await loadFixture(devicesFixture);
      await expect(makers.connect(bob).postBond(2n ** 128n))
        .to.be.revertedWithCustomError(makers, "SafeCastOverflowedUintDowncast")
        .withArgs(128, 2n ** 128n);
    });

    it("reverts while paused", async () => {
      const { makers, bob } = await loadFixture(devicesFixture);
      const entry = makers.postBond.fragment.selector;
      await makers.pause(entry);
      await expect(makers.connect(bob).postBond(1))
        .to.be.revertedWithCustomError(makers, "GuardedPaused")
        .withArgs(entry, await makers.pausedUntil(entry));
    });

    it("takes the tokens and adds them to the bond", async () => {
      const { makers, token, bob } = await loadFixture(devicesFixture);
      await makers.connect(bob).postBond(7);
      const post = makers.connect(bob).postBond(5);
      await expect(post).to.emit(makers, "MakerBondPosted").withArgs(bob.address, 5, 12);
      await expect(post).to.changeTokenBalances(token, [bob, makers], [-5, 5]);
      expect((await makers.makerOf(bob.address)).bond).to.equal(12n);
    });
  });

  describe("withdrawBond", () => {
    it("reverts while licensed, and while suspended", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const locked = () =>
        expect(makers.connect(maker).withdrawBond())
          .to.be.revertedWithCustomError(makers, "MakerBondLocked")
          .withArgs(NEVER);
      await locked();
      await makers.suspend(maker.address);
      await locked();
    });

    it("reverts before the delay after the end of the licence is over", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.revoke(maker.address);
      const { bondFreeAt } = await makers.makerOf(maker.address);
      await time.setNextBlockTimestamp(bondFreeAt - 1n);
      await expect(makers.connect(maker).withdrawBond())
        .to.be.revertedWithCustomError(makers, "MakerBondLocked")
        .withArgs(bondFreeAt);
    });

    it("reverts when there is nothing", async () => {
      const { makers, bob } = await loadFixture(devicesFixture);
      await expect(makers.connect(bob).withdrawBond())
        .to.be.revertedWithCustomError(makers, "MakerBondTooSmall")
        .withArgs(0, 1);
    });

    it("pays the whole bond after the delay", async () => {
      const { makers, token, maker } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBond(3);
      await makers.revoke(maker.address);
      await time.setNextBlockTimestamp((await makers.makerOf(maker.address)).bondFreeAt);
      const withdraw = makers.connect(maker).withdrawBond();
      await expect(withdraw)
        .to.emit(makers, "MakerBondWithdrawn")
        .withArgs(maker.address, MIN_BOND + 3n);
      await expect(withdraw).to.changeTokenBalances(token, [maker, makers], [MIN_BOND + 3n, -(MIN_BOND + 3n)]);
      expect((await makers.makerOf(maker.address)).bond).to.equal(0n);
    });

    it("pays at once a maker that was never licensed", async () => {
      const { makers, token, bob } = await loadFixture(devicesFixture);
      await makers.connect(bob).postBond(9);
      await expect(makers.connect(bob).withdrawBond()).to.changeTokenBalances(token, [bob, makers], [9, -9]);
    });

    it("works while everything is paused", async () => {
      const { makers, token, bob } = await loadFixture(devicesFixture);
      await makers.connect(bob).postBond(9);
      for (const { selector } of [makers.postBond.fragment, makers.postBatch.fragment, makers.withdrawBond.fragment]) {
        await makers.pause(selector);
      }
      await expect(makers.connect(bob).withdrawBond()).to.changeTokenBalances(token, [bob, makers], [9, -9]);
    });
  });

  describe("resign", () => {
    it("reverts without a licence", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      await expect(makers.connect(bob).resign())
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(bob.address, 0);
      await makers.connect(maker).resign();
      await expect(makers.connect(maker).resign())
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(maker.address, REVOKED);
    });

    it("ends the licence and frees the bond after the delay", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const resign = await makers.connect(maker).resign();
      const freeAt = BigInt((await resign.getBlock())!.timestamp + BOND_DELAY);
      await expect(resign).to.emit(makers, "MakerRevoked").withArgs(maker.address, freeAt);
      expect(await makers.makerOf(maker.address)).to.deep.equal([MIN_BOND, freeAt, 0n, REVOKED]);
      expect(await makers.quotaLeft(maker.address)).to.equal(0n);
    });

    it("of a suspended maker frees the bond no earlier: the delay begins with the end of the suspension", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      const freeAt = (await makers.suspendedUntil(maker.address)) + BigInt(BOND_DELAY);
      await expect(makers.connect(maker).resign()).to.emit(makers, "MakerRevoked").withArgs(maker.address, freeAt);
      expect(await makers.makerOf(maker.address)).to.deep.equal([MIN_BOND, freeAt, 0n, REVOKED]);
      await time.setNextBlockTimestamp(freeAt - 1n);
      await expect(makers.connect(maker).withdrawBond())
        .to.be.revertedWithCustomError(makers, "MakerBondLocked")
        .withArgs(freeAt);
    });
  });

  describe("postBatch", () => {
    it("reverts while paused", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const entry = makers.postBatch.fragment.selector;
      await makers.pause(entry);
      await expect(makers.connect(maker).postBatch(1, ROOT, 1, DATA))
        .to.be.revertedWithCustomError(makers, "GuardedPaused")
        .withArgs(entry, await makers.pausedUntil(entry));
    });

    it("reverts for a maker without a licence, suspended or revoked", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      const refused = (by: typeof maker, status: bigint) =>
        expect(makers.connect(by).postBatch(1, ROOT, 1, DATA))
          .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
          .withArgs(by.address, status);
      await refused(bob, 0n);
      await makers.suspend(maker.address);
      await refused(maker, SUSPENDED);
      await makers.revoke(maker.address);
      await refused(maker, REVOKED);
    });

    it("reverts for an unknown model and for another maker's", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      await expect(makers.connect(maker).postBatch(2, ROOT, 1, DATA))
        .to.be.revertedWithCustomError(makers, "ModelUnknown")
        .withArgs(2);
      await makers.certifyModel(bob.address, 1, MODEL_BOND, POINTS_CAP, 0, "Bob's");
      await expect(makers.connect(maker).postBatch(2, ROOT, 1, DATA))
        .to.be.revertedWithCustomError(makers, "ModelNotOfMaker")
        .withArgs(2, maker.address);
    });

    it("reverts from the epoch in which the model expires", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const end = (await makers.currentEpoch()) + 1n;
      await makers.setModelExpiry(1, end);
      await makers.connect(maker).postBatch(1, ROOT, 1, DATA);
      await nextEpoch(makers);
      await expect(makers.connect(maker).postBatch(1, ROOT, 1, DATA))
        .to.be.revertedWithCustomError(makers, "ModelExpired")
        .withArgs(1, end);
    });

    it("reverts for no devices or no root", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      for (const [root, count] of [
        [ROOT, 0],
        [ethers.ZeroHash, 1],
      ] as const) {
        await expect(makers.connect(maker).postBatch(1, root, count, DATA)).to.be.revertedWithCustomError(
          makers,
          "BatchEmpty",
        );
      }
    });

    it("reverts above what is left of the quota of the epoch", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.license(maker.address, 10);
      await makers.connect(maker).postBatch(1, ROOT, 7, DATA);
      await expect(makers.connect(maker).postBatch(1, ROOT, 4, DATA))
        .to.be.revertedWithCustomError(makers, "MakerQuotaExceeded")
        .withArgs(maker.address, 4, 3);
      expect(await makers.quotaLeft(maker.address)).to.equal(3n);
    });

    it("stores root, model and count, and counts against the quota", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await expect(makers.connect(maker).postBatch(1, ROOT, 5, DATA))
        .to.emit(makers, "BatchPosted")
        .withArgs(1, 1, maker.address, ROOT, 5, 1, DATA);
      expect(await makers.batchOf(1)).to.deep.equal([ROOT, 1n, 5n, 1n]);
      expect(await makers.quotaLeft(maker.address)).to.equal(BigInt(QUOTA - 5));
    });

    it("gives the next batch the ids after the last one's", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBatch(1, ROOT, 5, DATA);
      await expect(makers.connect(maker).postBatch(1, ROOT, 3, DATA))
        .to.emit(makers, "BatchPosted")
        .withArgs(2, 1, maker.address, ROOT, 3, 6, DATA);
      expect((await makers.batchOf(2)).firstDeviceId).to.equal(6n);
    });

    it("has the whole quota again in the next epoch", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBatch(1, ROOT, QUOTA, DATA);
      expect(await makers.quotaLeft(maker.address)).to.equal(0n);
      await nextEpoch(makers);
      expect(await makers.quotaLeft(maker.address)).to.equal(BigInt(QUOTA));
      await makers.connect(maker).postBatch(1, ROOT, QUOTA, DATA);
    });
  });

  describe("license", () => {
    it("reverts below the minimum bond", async () => {
      const { makers, bob } = await loadFixture(devicesFixture);
      await makers.connect(bob).postBond(MIN_BOND - 1n);
      await expect(makers.license(bob.address, 1))
        .to.be.revertedWithCustomError(makers, "MakerBondTooSmall")
        .withArgs(MIN_BOND - 1n, MIN_BOND);
    });

    it("reverts for a quota of zero", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await expect(makers.license(maker.address, 0))
        .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
        .withArgs(named("quotaPerEpoch"), 0);
    });

    it("licenses, and locks the bond again", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.revoke(maker.address);
      await expect(makers.license(maker.address, 4)).to.emit(makers, "MakerLicensed").withArgs(maker.address, 4);
      expect(await makers.makerOf(maker.address)).to.deep.equal([MIN_BOND, 0n, 4n, LICENSED]);
    });

    it("of a licensed maker changes the quota, and keeps what was posted counted", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBatch(1, ROOT, 8, DATA);
      await makers.license(maker.address, 10);
      expect(await makers.quotaLeft(maker.address)).to.equal(2n);
      await makers.license(maker.address, 5);
      expect(await makers.quotaLeft(maker.address)).to.equal(0n);
    });
  });

  describe("suspend", () => {
    it("reverts unless licensed; stops posting for the longest pause, keeps bond and batches", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBatch(1, ROOT, 1, DATA);
      const suspend = await makers.suspend(maker.address);
      const until = BigInt((await suspend.getBlock())!.timestamp + MAX_PAUSE);
      await expect(suspend).to.emit(makers, "MakerSuspended").withArgs(maker.address, until);
      expect(await makers.makerOf(maker.address)).to.deep.equal([MIN_BOND, 0n, BigInt(QUOTA), SUSPENDED]);
      expect(await makers.suspendedUntil(maker.address)).to.equal(until);
      expect(await makers.quotaLeft(maker.address)).to.equal(0n);
      expect((await makers.batchOf(1)).count).to.equal(1n);
      await expect(makers.suspend(maker.address))
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(maker.address, SUSPENDED);
      await expect(makers.suspend(bob.address))
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(bob.address, 0);
    });

    it("ends by itself", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      const until = await makers.suspendedUntil(maker.address);
      await time.setNextBlockTimestamp(until - 1n);
      await expect(makers.connect(maker).postBatch(1, ROOT, 1, DATA)).to.be.revertedWithCustomError(
        makers,
        "MakerNotLicensed",
      );
      await time.setNextBlockTimestamp(until);
      await makers.connect(maker).postBatch(1, ROOT, 1, DATA);
      expect((await makers.makerOf(maker.address)).status).to.equal(LICENSED);
    });

    it("reverts within the cool-down after an end, by itself or lifted or by a vote; works again after it", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const ends = [
        async () => time.increaseTo(await makers.suspendedUntil(maker.address)),
        async () => makers.lift(maker.address),
        async () => makers.license(maker.address, QUOTA),
      ];
      for (const end of ends) {
        await makers.suspend(maker.address);
        await end();
        const again = (await makers.suspendedUntil(maker.address)) + BigInt(MAX_PAUSE);
        await time.setNextBlockTimestamp(again - 1n);
        await expect(makers.suspend(maker.address))
          .to.be.revertedWithCustomError(makers, "MakerCoolingDown")
          .withArgs(maker.address, again);
        await time.setNextBlockTimestamp(again);
      }
      await makers.suspend(maker.address);
    });
  });

  describe("lift", () => {
    it("reverts unless suspended; lets the maker post at once", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      for (const [who, status] of [
        [maker, LICENSED],
        [bob, 0n],
      ] as const) {
        await expect(makers.lift(who.address))
          .to.be.revertedWithCustomError(makers, "MakerNotSuspended")
          .withArgs(who.address, status);
      }
      await makers.suspend(maker.address);
      const lift = await makers.lift(maker.address);
      await expect(lift).to.emit(makers, "MakerLifted").withArgs(maker.address);
      expect(await makers.suspendedUntil(maker.address)).to.equal((await lift.getBlock())!.timestamp);
      await makers.connect(maker).postBatch(1, ROOT, QUOTA, DATA);
    });

    it("reverts for a maker that resigned while suspended; a new licence ends the suspension", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      await makers.connect(maker).resign();
      await expect(makers.lift(maker.address))
        .to.be.revertedWithCustomError(makers, "MakerNotSuspended")
        .withArgs(maker.address, REVOKED);
      await expect(makers.license(maker.address, 4)).to.emit(makers, "MakerLifted").withArgs(maker.address);
      expect(await makers.makerOf(maker.address)).to.deep.equal([MIN_BOND, 0n, 4n, LICENSED]);
      expect(await makers.quotaLeft(maker.address)).to.equal(4n);
    });
  });

  describe("revoke", () => {
    it("reverts without a licence; frees the bond after the delay", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      await expect(makers.revoke(bob.address))
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(bob.address, 0);
      const revoke = await makers.revoke(maker.address);
      const freeAt = BigInt((await revoke.getBlock())!.timestamp + BOND_DELAY);
      await expect(revoke).to.emit(makers, "MakerRevoked").withArgs(maker.address, freeAt);
    });

    it("of a suspended maker frees the bond a delay after the end of the suspension", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      const freeAt = (await makers.suspendedUntil(maker.address)) + BigInt(BOND_DELAY);
      await expect(makers.revoke(maker.address)).to.emit(makers, "MakerRevoked").withArgs(maker.address, freeAt);
    });

    it("leaves onboarded devices earning and lets unsold ones be onboarded", async () => {
      const { makers, registry, staking, maker, alice, bob, token, onboardFor, postBatch } =
        await loadFixture(devicesFixture);
      const sold = await onboardFor(alice, makeDevice(), { operatorId: 1n });
      const unsold = [makeDevice(), makeDevice()];
      const { batchId, tree } = await postBatch(unsold);
      await makers.revoke(maker.address);
      await time.increaseTo((await makers.makerOf(maker.address)).bondFreeAt);
      await expect(makers.connect(maker).withdrawBond()).to.changeTokenBalance(token, maker, MIN_BOND);

      const epoch = await nextEpoch(registry);
      expect(await registry.isActiveAt(sold, epoch)).to.be.true;
      expect(await staking.isBackedAt(sold, SUB, epoch)).to.be.true;
      expect(await registry.pointsCapAt(sold, epoch)).to.equal(POINTS_CAP);
      for (const [index, device] of unsold.entries()) {
        const o = await signOnboarding(device, {
          registry,
          owner: bob.address,
          batchId,
          index,
          proof: tree.proof(index),
        });
        await registry.connect(bob).onboard(o);
        const id = await registry.deviceOfKey(device.keyHash);
        expect(await registry.ownerOf(id)).to.equal(bob.address);
        expect(await registry.isActiveAt(id, epoch + 1n)).to.be.true;
      }
    });
  });

  describe("certifyModel", () => {
    it("reverts for a zero maker, no bond, a bad name, a cap above 2^96 − 1, an end that is not to come", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const now = await makers.currentEpoch();
      const cases: [string, bigint, bigint, bigint, string, string, bigint][] = [
        [ethers.ZeroAddress, 1n, 1n, 0n, "M", "maker", 0n],
        [maker.address, 0n, 1n, 0n, "M", "bond", 0n],
        [maker.address, 1n, 2n ** 96n, 0n, "M", "pointsCap", 2n ** 96n],
        [maker.address, 1n, 1n, now, "M", "expiresAtEpoch", now],
        [maker.address, 1n, 1n, 0n, "", "name", 0n],
        [maker.address, 1n, 1n, 0n, "x".repeat(65), "name", 65n],
      ];
      for (const [who, bond, cap, end, name, parameter, value] of cases) {
        await expect(makers.certifyModel(who, 1, bond, cap, end, name), parameter)
          .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
          .withArgs(named(parameter), value);
      }
    });

    it("stores the model; the cap counts from the next epoch", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const now = await makers.currentEpoch();
      await expect(makers.certifyModel(maker.address, 7, 5n, 2n ** 96n - 1n, now + 1n, "x".repeat(64)))
        .to.emit(makers, "ModelCertified")
        .withArgs(2, maker.address, 7, 5n, 2n ** 96n - 1n, "x".repeat(64));
      expect(await makers.modelOf(2)).to.deep.equal([maker.address, 7n, 5n, now + 1n, "x".repeat(64)]);
      expect(await makers.attachmentTerms(2)).to.deep.equal([5n, 7n]);
      expect(await makers.pointsCapAt(2, now)).to.equal(0n);
      expect(await makers.pointsCapAt(2, now + 1n)).to.equal(2n ** 96n - 1n);
    });
  });

  describe("setModelCap", () => {
    it("reverts for an unknown model and above 2^96 − 1", async () => {
      const { makers } = await loadFixture(devicesFixture);
      await expect(makers.setModelCap(2, 1)).to.be.revertedWithCustomError(makers, "ModelUnknown").withArgs(2);
      await expect(makers.setModelCap(1, 2n ** 96n))
        .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
        .withArgs(named("pointsCap"), 2n ** 96n);
    });

    it("counts from the next epoch; earlier epochs keep theirs", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const now = await makers.currentEpoch();
      await expect(makers.setModelCap(1, 5))
        .to.emit(makers, "ModelCapSet")
        .withArgs(1, 5, now + 1n);
      await makers.setModelCap(1, 6);
      await nextEpoch(makers, 3);
      await makers.setModelCap(1, 0);
      const caps = [now, now + 1n, now + 3n, now + 4n].map((e) => makers.pointsCapAt(1, e));
      expect(await Promise.all(caps)).to.deep.equal([POINTS_CAP, 6n, 6n, 0n]);
    });
  });

  describe("setModelAgeing", () => {
    const CURVE = { fullUntilAge: 10, floorAge: 14, floorBps: 3_333 };
    const NONE = { fullUntilAge: 0, floorAge: 0, floorBps: 0 };

    it("reverts for an unknown model, a floor above the whole, and a floor that is not after the full age", async () => {
      const { makers } = await loadFixture(devicesFixture);
      await expect(makers.setModelAgeing(2, CURVE)).to.be.revertedWithCustomError(makers, "ModelUnknown").withArgs(2);
      const cases: [object, string, number][] = [
        [{ ...CURVE, floorBps: 10_001 }, "floorBps", 10_001],
        [{ ...CURVE, floorAge: 10 }, "floorAge", 10],
        [{ ...NONE, floorBps: 1 }, "floorAge", 0],
        [{ ...NONE, fullUntilAge: 1 }, "floorAge", 0],
      ];
      for (const [change, parameter, value] of cases) {
        await expect(makers.setModelAgeing(1, change as typeof CURVE), parameter)
          .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
          .withArgs(named(parameter), value);
      }
      await makers.setModelAgeing(1, { fullUntilAge: 2 ** 32 - 2, floorAge: 2 ** 32 - 1, floorBps: 10_000 });
    });

    it("lowers the cap with age: whole, then a straight line rounded down, then the floor", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const first = (await makers.currentEpoch()) + 1n;
      await makers.setModelCap(1, 1_000);
      await expect(makers.setModelAgeing(1, CURVE)).to.emit(makers, "ModelAgeingSet").withArgs(1, 10, 14, 3_333, first);
      const at = (age: bigint) => makers.agedCapAt(1, first + age, first);
      expect(await Promise.all([0n, 9n, 10n].map(at))).to.deep.equal([1_000n, 1_000n, 1_000n]);
      // 1000 · (10000·(14 − a) + 3333·(a − 10)) ÷ 40000
      expect(await Promise.all([11n, 12n, 13n].map(at))).to.deep.equal([833n, 666n, 499n]);
      expect(await Promise.all([14n, 15n, 2n ** 31n].map(at))).to.deep.equal([333n, 333n, 333n]);
      expect(await makers.pointsCapAt(1, first + 20n)).to.equal(1_000n);
      expect(await makers.agedCapAt(1, first, first + 5n), "before the first epoch").to.equal(1_000n);
    });

    it("is exact at the widest: cap 2^96 − 1, ages of 2^32 − 1", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const cap = 2n ** 96n - 1n;
      const now = await makers.currentEpoch();
      await makers.setModelCap(1, cap);
      const end = 2n ** 32n - 1n;
      await makers.setModelAgeing(1, { fullUntilAge: 0, floorAge: end, floorBps: 9_999 });
      await nextEpoch(makers);
      expect(await makers.agedCapAt(1, end - 1n, 0)).to.equal(
        (cap * (10_000n + 9_999n * (end - 1n))) / (10_000n * end),
      );
      expect(await makers.agedCapAt(1, end, 0)).to.equal((cap * 9_999n) / 10_000n);
      expect(await makers.agedCapAt(1, now + 1n, now + 1n)).to.equal(cap);
    });

    it("counts from the next epoch; earlier epochs keep theirs; cap and curve keep each other", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const now = await makers.currentEpoch();
      await makers.setModelAgeing(1, { fullUntilAge: 0, floorAge: 1, floorBps: 0 });
      await makers.setModelAgeing(1, { fullUntilAge: 0, floorAge: 1, floorBps: 5_000 });
      await nextEpoch(makers, 3);
      await makers.setModelCap(1, 7);
      await nextEpoch(makers);
      await makers.setModelAgeing(1, NONE);
      const aged = [now, now + 1n, now + 3n, now + 4n, now + 5n].map((e) => makers.agedCapAt(1, e, 0));
      expect(await Promise.all(aged)).to.deep.equal([POINTS_CAP, POINTS_CAP / 2n, POINTS_CAP / 2n, 3n, 7n]);
      expect(await makers.ageingAt(1, now)).to.deep.equal([0n, 0n, 0n]);
      expect(await makers.ageingAt(1, now + 4n)).to.deep.equal([0n, 1n, 5_000n]);
      expect(await makers.ageingAt(1, now + 5n)).to.deep.equal([0n, 0n, 0n]);
    });

    it("is what the registry says of a device, from its own first epoch", async () => {
      const { makers, registry, alice, onboardFor } = await loadFixture(devicesFixture);
      await makers.setModelAgeing(1, { fullUntilAge: 1, floorAge: 3, floorBps: 0 });
      const older = await onboardFor(alice);
      await nextEpoch(registry);
      const younger = await onboardFor(alice);
      const now = await nextEpoch(registry);
      const caps = [older, younger].flatMap((id) => [1n, 2n].map((n) => registry.pointsCapAt(id, now + n)));
      expect(await Promise.all(caps)).to.deep.equal([POINTS_CAP / 2n, 0n, POINTS_CAP, POINTS_CAP / 2n]);
    });
  });

  describe("setModelBond", () => {
    it("reverts for an unknown model and for zero; sets the terms of later attachments", async () => {
      const { makers } = await loadFixture(devicesFixture);
      await expect(makers.setModelBond(2, 1)).to.be.revertedWithCustomError(makers, "ModelUnknown").withArgs(2);
      await expect(makers.setModelBond(1, 0))
        .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
        .withArgs(named("bond"), 0);
      await expect(makers.setModelBond(1, 8)).to.emit(makers, "ModelBondSet").withArgs(1, 8);
      expect(await makers.attachmentTerms(1)).to.deep.equal([8n, 1n]);
    });
  });

  describe("setModelExpiry", () => {
    it("reverts for an unknown model and an epoch that is not to come; sets and lifts the end", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const now = await makers.currentEpoch();
      await expect(makers.setModelExpiry(2, 0)).to.be.revertedWithCustomError(makers, "ModelUnknown").withArgs(2);
      await expect(makers.setModelExpiry(1, now))
        .to.be.revertedWithCustomError(makers, "MakerRegistryBadParameter")
        .withArgs(named("expiresAtEpoch"), now);
      await expect(makers.setModelExpiry(1, now + 1n))
        .to.emit(makers, "ModelExpirySet")
        .withArgs(1, now + 1n);
      expect((await makers.modelOf(1)).expiresAtEpoch).to.equal(now + 1n);
      await makers.setModelExpiry(1, 0);
      expect((await makers.modelOf(1)).expiresAtEpoch).to.equal(0n);
    });
  });

  describe("checkInclusion", () => {
    async function withBatch() {
      const f = await devicesFixture();
      const boxes = Array.from({ length: 5 }, () => makeDevice());
      const { tree } = await f.postBatch(boxes);
      /** Whether place `index` of batch `batchId` holds the box. */
      const check = (box: ReturnType<typeof makeDevice>, index: number, proof: Hex[], batchId = 1n) =>
        f.makers.checkInclusion(batchId, index, box.serialHash, box.keyHash, proof);
      return { ...f, boxes, tree, check };
    }

    it("reverts for an unknown batch", async () => {
      const { makers, check, boxes, tree } = await loadFixture(withBatch);
      await expect(check(boxes[0]!, 0, tree.proof(0), 2n))
        .to.be.revertedWithCustomError(makers, "BatchProofWrong")
        .withArgs(2, 0);
      await expect(makers.batchOf(2)).to.be.revertedWithCustomError(makers, "BatchUnknown").withArgs(2);
    });

    it("finds every device of batches of 1, 2, 3, 5 and 8, each under its own id", async () => {
      const { postBatch, check } = await loadFixture(withBatch);
      let deviceId = 5n; // the fixture's batch has the first five
      for (const size of [1, 2, 3, 5, 8]) {
        const boxes = Array.from({ length: size }, () => makeDevice());
        const { batchId, tree } = await postBatch(boxes);
        for (const [i, box] of boxes.entries()) {
          expect(await check(box, i, tree.proof(i), batchId)).to.deep.equal([1n, ++deviceId]);
        }
      }
    });

    it("reverts for another serial, key, place or batch", async () => {
      const { makers, check, boxes, tree, postBatch } = await loadFixture(withBatch);
      const { batchId } = await postBatch([makeDevice()]);
      const [box, other] = [boxes[0]!, boxes[1]!];
      const wrong = (p: Promise<unknown>, id: bigint, index: number) =>
        expect(p).to.be.revertedWithCustomError(makers, "BatchProofWrong").withArgs(id, index);
      await wrong(check({ ...box, serialHash: other.serialHash }, 0, tree.proof(0)), 1n, 0);
      await wrong(check({ ...box, keyHash: other.keyHash }, 0, tree.proof(0)), 1n, 0);
      await wrong(check(box, 1, tree.proof(0)), 1n, 1);
      await wrong(check(box, 0, tree.proof(0), batchId), batchId, 0);
    });

    it("reverts for a proof one shorter or longer", async () => {
      const { makers, check, boxes, tree } = await loadFixture(withBatch);
      const proof = tree.proof(0);
      for (const bad of [proof.slice(1), proof.slice(0, -1), [...proof, ethers.ZeroHash as Hex], []]) {
        await expect(check(boxes[0]!, 0, bad))
          .to.be.revertedWithCustomError(makers, "BatchProofWrong")
          .withArgs(1, 0);
      }
    });

    it("reverts for a place that the batch does not have", async () => {
      const { makers, check, boxes, tree } = await loadFixture(withBatch);
      for (const index of [5, 8, 2 ** 32 - 1]) {
        await expect(check(boxes[0]!, index, tree.proof(0)))
          .to.be.revertedWithCustomError(makers, "BatchProofWrong")
          .withArgs(1, index);
      }
    });

    it("reverts from the epoch in which the model expires", async () => {
      const { makers, check, boxes, tree } = await loadFixture(withBatch);
      const end = (await makers.currentEpoch()) + 1n;
      await makers.setModelExpiry(1, end);
      expect((await check(boxes[4]!, 4, tree.proof(4))).modelId).to.equal(1n);
      await nextEpoch(makers);
      await expect(check(boxes[4]!, 4, tree.proof(4)))
        .to.be.revertedWithCustomError(makers, "ModelExpired")
        .withArgs(1, end);
    });

    it("agrees with the tree of the codec on the root", async () => {
      const { makers, boxes } = await loadFixture(withBatch);
      expect((await makers.batchOf(1)).root).to.equal(batchTree(boxes).root);
    });
  });

  describe("views", () => {
    it("of what is unknown revert: model, terms, cap, batch", async () => {
      const { makers } = await loadFixture(devicesFixture);
      const views = [
        makers.modelOf(9),
        makers.attachmentTerms(9),
        makers.pointsCapAt(9, 1),
        makers.agedCapAt(9, 1, 1),
        makers.ageingAt(9, 1),
      ];
      for (const view of views) {
        await expect(view).to.be.revertedWithCustomError(makers, "ModelUnknown").withArgs(9);
      }
      await expect(makers.batchOf(9)).to.be.revertedWithCustomError(makers, "BatchUnknown").withArgs(9);
    });
  });
});
