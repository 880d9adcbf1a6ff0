import { impersonateAccount, loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import {
  CHALLENGE_EPOCHS,
  deployStaking,
  devicesFixture,
  EPOCH,
  MAX_PAUSE,
  MIN_UNBONDING,
  MODEL_BOND,
  nextEpoch,
  SUB,
  UNBONDING,
} from "../../helpers/devices";

const STAKE = MODEL_BOND * 10n; // what the fixture's operator 1 has
const WINDOW = BigInt(CHALLENGE_EPOCHS);
const OPEN_END = 2n ** 32n - 1n;
const NONE = [0n, 0n, 0n, 0n];

describe("OperatorStaking", () => {
  /** Device 1 of alice in its first epoch, attached nowhere. */
  async function withDevice() {
    const f = await devicesFixture();
    await f.onboardFor(f.alice);
    const now = await nextEpoch(f.registry);
    return { ...f, now };
  }

  /** The same, attached in SUB since the epoch that runs. */
  async function withAttachment() {
    const f = await devicesFixture();
    await f.onboardFor(f.alice);
    await f.staking.connect(f.alice).attachDevice(1, SUB, 1);
    const now = await nextEpoch(f.registry);
    return { ...f, now };
  }

  type Fixture = Awaited<ReturnType<typeof devicesFixture>>;

  async function pauseAll({ staking }: Fixture) {
    const f = staking.interface;
    for (const name of [
      "stake",
      "requestUnbond",
      "release",
      "attachDevice",
      "detachDevice",
      "createOperator",
    ] as const) {
      await staking.pause(f.getFunction(name).selector);
    }
  }

  async function expectSolvent({ staking, token }: Fixture) {
    expect(await token.balanceOf(staking)).to.equal((await staking.totalStaked()) + (await staking.totalRewards()));
  }

  describe("constructor", () => {
    it("reverts for zero addresses, a minimum of 0, unbonding below the minimum or above a year", async () => {
      const { manager, token, registry, makers, staking } = await loadFixture(devicesFixture);
      const deploy = (t: unknown, m: unknown, minimum: number, epochs: number) =>
        deployStaking([manager, t, registry, m, 0, EPOCH, minimum, epochs, MAX_PAUSE]);
      const year = (365 * 86_400) / EPOCH;
      for (const [deployed, name, value] of [
        [() => deploy(ethers.ZeroAddress, makers, 1, 1), "token", 0],
        [() => deploy(token, ethers.ZeroAddress, 1, 1), "makers", 0],
        [() => deploy(token, makers, 0, 1), "minUnbondingEpochs", 0],
        [() => deploy(token, makers, 3, 2), "unbondingEpochs", 2],
        [() => deploy(token, makers, 3, year + 1), "unbondingEpochs", year + 1],
      ] as const) {
        await expect(deployed())
          .to.be.revertedWithCustomError(staking, "StakingBadParameter")
          .withArgs(ethers.encodeBytes32String(name), value);
      }
      expect(await staking.token()).to.equal(await token.getAddress());
      expect(await staking.devices()).to.equal(await registry.getAddress());
      expect(await staking.makers()).to.equal(await makers.getAddress());
      expect(await staking.minUnbondingEpochs()).to.equal(BigInt(MIN_UNBONDING));
    });
  });

  describe("createOperator", () => {
    it("reverts while paused", async () => {
      const { staking, bob } = await loadFixture(devicesFixture);
      const entry = staking.createOperator.fragment.selector;
      await staking.pause(entry);
      await expect(staking.connect(bob).createOperator())
        .to.be.revertedWithCustomError(staking, "GuardedPaused")
        .withArgs(entry, await staking.pausedUntil(entry));
    });

    it("numbers operators from 1; the caller runs it", async () => {
      const { staking, controller, bob } = await loadFixture(devicesFixture);
      await expect(staking.connect(bob).createOperator()).to.emit(staking, "OperatorCreated").withArgs(2, bob.address);
      expect(await staking.operatorOf(2)).to.deep.equal([bob.address, 0n, 0n]);
      expect(await staking.operatorOf(1)).to.deep.equal([controller.address, STAKE, 0n]);
      await expect(staking.operatorOf(3)).to.be.revertedWithCustomError(staking, "OperatorUnknown").withArgs(3);
      await expect(staking.operatorOf(0)).to.be.revertedWithCustomError(staking, "OperatorUnknown").withArgs(0);
    });
  });

  describe("acceptOwner", () => {
    it("reverts for an unknown operator and for anyone but the controller", async () => {
      const { staking, bob } = await loadFixture(devicesFixture);
      await expect(staking.connect(bob).acceptOwner(2, bob, true))
        .to.be.revertedWithCustomError(staking, "OperatorUnknown")
        .withArgs(2);
      await expect(staking.connect(bob).acceptOwner(1, bob, true))
        .to.be.revertedWithCustomError(staking, "OperatorNotController")
        .withArgs(1, bob.address);
    });

    it("accepts and no longer; the controller's own devices need no consent; what is attached stays", async () => {
      const { staking, controller, alice, now } = await loadFixture(withAttachment);
      expect(await staking.accepts(1, controller)).to.be.true;
      expect(await staking.accepts(1, alice)).to.be.true;
      await expect(staking.connect(controller).acceptOwner(1, alice, false))
        .to.emit(staking, "OwnerAccepted")
        .withArgs(1, alice.address, false);
      expect(await staking.accepts(1, alice)).to.be.false;
      expect(await staking.isBackedAt(1, SUB, now + 1n)).to.be.true;
    });
  });

  describe("stake", () => {
    it("reverts while paused, for anyone but the controller, for nothing, for an unknown operator", async () => {
      const { staking, controller, bob } = await loadFixture(devicesFixture);
      await expect(staking.connect(bob).stake(1, 1))
        .to.be.revertedWithCustomError(staking, "OperatorNotController")
        .withArgs(1, bob.address);
      await expect(staking.connect(bob).stake(9, 1))
        .to.be.revertedWithCustomError(staking, "OperatorUnknown")
        .withArgs(9);
      await expect(staking.connect(controller).stake(1, 0)).to.be.revertedWithCustomError(staking, "StakingZeroAmount");
      const entry = staking.stake.fragment.selector;
      await staking.pause(entry);
      await expect(staking.connect(controller).stake(1, 1))
        .to.be.revertedWithCustomError(staking, "GuardedPaused")
        .withArgs(entry, await staking.pausedUntil(entry));
    });

    it("reverts above 2^96 − 1", async () => {
      const { staking, token, controller } = await loadFixture(devicesFixture);
      await token.mint(controller, 2n ** 96n);
      await expect(staking.connect(controller).stake(1, 2n ** 96n - STAKE))
        .to.be.revertedWithCustomError(staking, "SafeCastOverflowedUintDowncast")
        .withArgs(96, 2n ** 96n);
      await staking.connect(controller).stake(1, 2n ** 96n - STAKE - 1n);
      expect((await staking.operatorOf(1)).stake).to.equal(2n ** 96n - 1n);
    });

    it("takes the tokens; counts from the next epoch", async () => {
      const { staking, token, controller } = await loadFixture(devicesFixture);
      const now = await staking.currentEpoch();
      const tx = staking.connect(controller).stake(1, 7);
      await expect(tx)
        .to.emit(staking, "Staked")
        .withArgs(1, 7, STAKE + 7n, now + 1n);
      await expect(tx).to.changeTokenBalances(token, [controller, staking], [-7, 7]);
      expect(await staking.bondAt(1, now)).to.deep.equal([STAKE, 0n]);
      expect(await staking.bondAt(1, now + 1n)).to.deep.equal([STAKE + 7n, 0n]);
      expect(await staking.totalStaked()).to.equal(STAKE + 7n);
    });

    it("twice in an epoch is one entry of the history", async () => {
      const { staking, controller } = await loadFixture(devicesFixture);
      const now = await nextEpoch(staking);
      await staking.connect(controller).stake(1, 7);
      await staking.connect(controller).stake(1, 8);
      await nextEpoch(staking);
      await staking.connect(controller).stake(1, 9);
      const stakes = [now, now + 1n, now + 2n].map(async (e) => (await staking.bondAt(1, e))[0]);
      expect(await Promise.all(stakes)).to.deep.equal([STAKE, STAKE + 15n, STAKE + 24n]);
    });
  });

  describe("requestUnbond", () => {
    it("reverts for anyone but the controller, for nothing", async () => {
      const { staking, controller, bob } = await loadFixture(devicesFixture);
      await expect(staking.connect(bob).requestUnbond(1, 1))
        .to.be.revertedWithCustomError(staking, "OperatorNotController")
        .withArgs(1, bob.address);
      await expect(staking.connect(controller).requestUnbond(1, 0)).to.be.revertedWithCustomError(
        staking,
        "StakingZeroAmount",
      );
    });

    it("reverts for more than the stake", async () => {
      const { staking, controller } = await loadFixture(devicesFixture);
      for (const amount of [STAKE + 1n, 2n ** 256n - 1n]) {
        await expect(staking.connect(controller).requestUnbond(1, amount))
          .to.be.revertedWithCustomError(staking, "StakingExceeds")
          .withArgs(amount, STAKE);
      }
    });

    it("reverts when the rest would not cover what is required; takes exactly down to it", async () => {
      const { staking, controller } = await loadFixture(withAttachment);
      await expect(staking.connect(controller).requestUnbond(1, STAKE - MODEL_BOND + 1n))
        .to.be.revertedWithCustomError(staking, "OperatorUnderBonded")
        .withArgs(1, MODEL_BOND - 1n, MODEL_BOND);
      await staking.connect(controller).requestUnbond(1, STAKE - MODEL_BOND);
      expect((await staking.operatorOf(1)).stake).to.equal(MODEL_BOND);
    });

    it("counts from the next epoch; the stake still counts in this one", async () => {
      const f = await loadFixture(devicesFixture);
      const { staking, controller } = f;
      const now = await staking.currentEpoch();
      const tx = await staking.connect(controller).requestUnbond(1, 5);
      const releaseAt = BigInt((await tx.getBlock())!.timestamp + UNBONDING * EPOCH);
      await expect(tx)
        .to.emit(staking, "UnbondingRequested")
        .withArgs(1, 1, controller.address, true, 5_000, releaseAt, now + 1n);
      expect(await staking.unbondingOf(1)).to.deep.equal([1n, 0n, releaseAt, 5_000n, controller.address, true]);
      expect((await staking.bondAt(1, now))[0]).to.equal(STAKE);
      expect((await staking.bondAt(1, now + 1n))[0]).to.equal(STAKE - 5n);
      expect(await staking.totalStaked()).to.equal(STAKE);
      expect(await staking.slashableOf(1)).to.equal(STAKE);
      expect(await staking.trancheOf(1, true)).to.deep.equal([STAKE, (STAKE - 5n) * 1_000n, 5_000n, 0n]);
      await expectSolvent(f);
    });

    it("works while everything is paused", async () => {
      const f = await loadFixture(devicesFixture);
      await pauseAll(f);
      await f.staking.connect(f.controller).requestUnbond(1, STAKE);
      expect((await f.staking.trancheOf(1, true)).unbondingShares).to.equal(STAKE * 1_000n);
    });
  });

  describe("release", () => {
    async function withUnbonding() {
      const f = await devicesFixture();
      await f.staking.connect(f.controller).requestUnbond(1, 5);
      const { releaseAt } = await f.staking.unbondingOf(1);
      return { ...f, releaseAt };
    }

    it("reverts for an unknown id", async () => {
      const { staking } = await loadFixture(withUnbonding);
      for (const id of [0, 2]) {
        await expect(staking.release(id)).to.be.revertedWithCustomError(staking, "UnbondingUnknown").withArgs(id);
      }
    });

    it("reverts before its time", async () => {
      const { staking, releaseAt } = await loadFixture(withUnbonding);
      await time.setNextBlockTimestamp(releaseAt - 1n);
      await expect(staking.release(1))
        .to.be.revertedWithCustomError(staking, "UnbondingNotReleased")
        .withArgs(1, releaseAt);
    });

    it("pays the controller, whoever calls; once", async () => {
      const f = await loadFixture(withUnbonding);
      const { staking, token, controller, stranger, releaseAt } = f;
      await time.setNextBlockTimestamp(releaseAt);
      const tx = staking.connect(stranger).release(1);
      await expect(tx).to.emit(staking, "UnbondingReleased").withArgs(1, 1, controller.address, 5);
      await expect(tx).to.changeTokenBalances(token, [controller, staking, stranger], [5, -5, 0]);
      expect((await staking.trancheOf(1, true)).unbondingShares).to.equal(0n);
      await expect(staking.release(1)).to.be.revertedWithCustomError(staking, "UnbondingUnknown").withArgs(1);
      await expectSolvent(f);
    });

    it("keeps its time when the period changes", async () => {
      const { staking, releaseAt } = await loadFixture(withUnbonding);
      await staking.setUnbondingEpochs(UNBONDING * 10);
      expect((await staking.unbondingOf(1)).releaseAt).to.equal(releaseAt);
      await time.setNextBlockTimestamp(releaseAt);
      await staking.release(1);
    });

    it("works while everything is paused", async () => {
      const f = await loadFixture(withUnbonding);
      await pauseAll(f);
      await time.increaseTo(f.releaseAt);
      await expect(f.staking.release(1)).to.changeTokenBalance(f.token, f.controller, 5);
    });
  });

  describe("attachDevice", () => {
    it("reverts while paused", async () => {
      const { staking, alice } = await loadFixture(withDevice);
      const entry = staking.attachDevice.fragment.selector;
      await staking.pause(entry);
      await expect(staking.connect(alice).attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(staking, "GuardedPaused")
        .withArgs(entry, await staking.pausedUntil(entry));
    });

    it("reverts for anyone but the owner and its approved", async () => {
      const { staking, controller, stranger } = await loadFixture(withDevice);
      for (const other of [stranger, controller]) {
        await expect(staking.connect(other).attachDevice(1, SUB, 1))
          .to.be.revertedWithCustomError(staking, "StakingNotAllowed")
          .withArgs(1, other.address);
      }
    });

    it("is open to the approved of the device and of the owner", async () => {
      const { staking, registry, alice, bob, carol, now } = await loadFixture(withDevice);
      await registry.connect(alice).approve(bob, 1);
      await registry.connect(alice).setApprovalForAll(carol, true);
      await staking.connect(bob).attachDevice(1, 1, 1);
      await staking.connect(carol).attachDevice(1, 2, 1);
      for (const sub of [1, 2]) expect((await staking.attachmentAt(1, sub, now + 1n)).operatorId).to.equal(1n);
    });

    it("reverts for an unknown device, a retired one, an unknown operator, sub-network 0", async () => {
      const { staking, registry, alice } = await loadFixture(withDevice);
      const by = staking.connect(alice);
      await expect(by.attachDevice(9, SUB, 1)).to.be.revertedWithCustomError(registry, "TokenDoesNotExist");
      await expect(by.attachDevice(1, SUB, 9))
        .to.be.revertedWithCustomError(staking, "OperatorUnknown")
        .withArgs(9);
      await expect(by.attachDevice(1, 0, 1))
        .to.be.revertedWithCustomError(staking, "StakingBadParameter")
        .withArgs(ethers.encodeBytes32String("subNetwork"), 0);
      await registry.connect(alice).retire(1);
      await expect(by.attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(registry, "DeviceAlreadyRetired")
        .withArgs(1);
      await nextEpoch(staking);
      await expect(by.attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(registry, "DeviceAlreadyRetired")
        .withArgs(1);
    });

    it("reverts when the operator does not accept the owner", async () => {
      const { staking, registry, alice, bob } = await loadFixture(withDevice);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      await expect(staking.connect(bob).attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(staking, "OperatorDoesNotAccept")
        .withArgs(1, bob.address);
    });

    it("reverts when the stake does not cover the bond too", async () => {
      const { staking, makers, alice } = await loadFixture(withDevice);
      await makers.setModelBond(1, STAKE + 1n);
      await expect(staking.connect(alice).attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(staking, "OperatorUnderBonded")
        .withArgs(1, STAKE, STAKE + 1n);
      await makers.setModelBond(1, STAKE);
      await staking.connect(alice).attachDevice(1, SUB, 1);
      expect((await staking.operatorOf(1)).required).to.equal(STAKE);
    });

    it("reverts in a sub-network where the device is attached", async () => {
      const { staking, alice } = await loadFixture(withAttachment);
      await expect(staking.connect(alice).attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(staking, "AttachmentExists")
        .withArgs(1, SUB);
    });

    it("reverts for a fifth sub-network", async () => {
      const { staking, alice, now } = await loadFixture(withDevice);
      for (const sub of [1, 2, 3, 65_535]) await staking.connect(alice).attachDevice(1, sub, 1);
      await expect(staking.connect(alice).attachDevice(1, 5, 1))
        .to.be.revertedWithCustomError(staking, "AttachmentsFull")
        .withArgs(1);
      expect((await staking.operatorOf(1)).required).to.equal(4n * MODEL_BOND);
      for (const sub of [1, 2, 3, 65_535]) expect(await staking.isBackedAt(1, sub, now + 1n), `${sub}`).to.be.true;
    });

    it("reverts when a fifth place would be taken from a past that can be challenged; works when it cannot", async () => {
      const { staking, alice, now } = await loadFixture(withDevice);
      const by = staking.connect(alice);
      for (const sub of [1, 2, 3, 4]) await by.attachDevice(1, sub, 1);
      await nextEpoch(staking);
      await by.detachDevice(1, 3);
      const free = now + 2n + WINDOW; // detached in now + 1, so ended with it
      while ((await nextEpoch(staking)) < free) {
        await expect(by.attachDevice(1, 3, 1))
          .to.be.revertedWithCustomError(staking, "AttachmentRecentlyEnded")
          .withArgs(1, 3, free);
        expect((await staking.attachmentAt(1, 3, now + 1n)).operatorId).to.equal(1n);
      }
      await by.attachDevice(1, 5, 1);
      expect((await staking.attachmentAt(1, 5, free + 1n)).operatorId).to.equal(1n);
    });

    it("counts from the next epoch with the bond of today; a new bond binds later ones", async () => {
      const { staking, makers, alice, now } = await loadFixture(withDevice);
      await expect(staking.connect(alice).attachDevice(1, SUB, 1))
        .to.emit(staking, "DeviceAttached")
        .withArgs(1, SUB, 1, MODEL_BOND, now + 1n);
      await makers.setModelBond(1, MODEL_BOND * 2n);
      await staking.connect(alice).attachDevice(1, SUB + 1, 1);
      expect(await staking.attachmentAt(1, SUB, now)).to.deep.equal(NONE);
      expect(await staking.attachmentAt(1, SUB, now + 1n)).to.deep.equal([1n, now + 1n, OPEN_END, MODEL_BOND]);
      expect((await staking.attachmentAt(1, SUB + 1, now + 1n)).bond).to.equal(MODEL_BOND * 2n);
      expect(await staking.bondAt(1, now)).to.deep.equal([STAKE, 0n]);
      expect(await staking.bondAt(1, now + 1n)).to.deep.equal([STAKE, MODEL_BOND * 3n]);
    });

    it("gives back at once the place of what never came into force", async () => {
      const { staking, alice, now } = await loadFixture(withDevice);
      const by = staking.connect(alice);
      for (let i = 0; i < 6; i++) {
        await by.attachDevice(1, SUB, 1);
        await by.detachDevice(1, SUB);
      }
      expect(await staking.attachmentAt(1, SUB, now + 1n)).to.deep.equal(NONE);
      expect(await staking.bondAt(1, now + 1n)).to.deep.equal([STAKE, 0n]);
      for (const sub of [1, 2, 3, 4]) await by.attachDevice(1, sub, 1);
      expect((await staking.operatorOf(1)).required).to.equal(4n * MODEL_BOND);
    });
  });

  describe("attachAtOnboarding", () => {
    it("reverts for anyone but the registry", async () => {
      const { staking, registry, alice, admin } = await loadFixture(withDevice);
      for (const other of [alice, admin]) {
        await expect(staking.connect(other).attachAtOnboarding(1, 1, alice, SUB, 1))
          .to.be.revertedWithCustomError(staking, "StakingNotRegistry")
          .withArgs(other.address);
      }
      const address = await registry.getAddress();
      await impersonateAccount(address);
      await setBalance(address, 10n ** 18n);
      await staking.connect(await ethers.getSigner(address)).attachAtOnboarding(1, 1, alice, SUB, 1);
      expect((await staking.operatorOf(1)).required).to.equal(MODEL_BOND);
    });
  });

  describe("detachDevice", () => {
    it("reverts when there is no such attachment", async () => {
      const { staking, alice } = await loadFixture(withAttachment);
      const none = (device: number, sub: number) =>
        expect(staking.connect(alice).detachDevice(device, sub))
          .to.be.revertedWithCustomError(staking, "AttachmentUnknown")
          .withArgs(device, sub);
      await none(1, SUB + 1);
      await none(1, 0);
      await none(2, SUB);
      await staking.connect(alice).detachDevice(1, SUB);
      await none(1, SUB);
    });

    it("reverts for anyone but owner and controller", async () => {
      const { staking, registry, alice, bob, stranger } = await loadFixture(withAttachment);
      await registry.connect(alice).approve(bob, 1);
      for (const other of [stranger, bob]) {
        await expect(staking.connect(other).detachDevice(1, SUB))
          .to.be.revertedWithCustomError(staking, "StakingNotAllowed")
          .withArgs(1, other.address);
      }
    });

    it("ends it and what it required with this epoch, by the owner", async () => {
      const { staking, alice, now } = await loadFixture(withAttachment);
      await expect(staking.connect(alice).detachDevice(1, SUB))
        .to.emit(staking, "DeviceDetached")
        .withArgs(1, SUB, 1, MODEL_BOND, now + 1n);
      expect(await staking.attachmentAt(1, SUB, now)).to.deep.equal([1n, now, now + 1n, MODEL_BOND]);
      expect(await staking.attachmentAt(1, SUB, now + 1n)).to.deep.equal(NONE);
      expect(await staking.bondAt(1, now)).to.deep.equal([STAKE, MODEL_BOND]);
      expect(await staking.bondAt(1, now + 1n)).to.deep.equal([STAKE, 0n]);
      expect([await staking.isBackedAt(1, SUB, now), await staking.isBackedAt(1, SUB, now + 1n)]).to.deep.equal([
        true,
        false,
      ]);
    });

    it("by the controller", async () => {
      const { staking, controller, now } = await loadFixture(withAttachment);
      await staking.connect(controller).detachDevice(1, SUB);
      expect(await staking.isBackedAt(1, SUB, now + 1n)).to.be.false;
      await staking.connect(controller).requestUnbond(1, STAKE);
    });

    it("of a retired device frees its bond", async () => {
      const { staking, registry, alice, controller } = await loadFixture(withAttachment);
      await registry.connect(alice).retire(1);
      await nextEpoch(staking);
      expect((await staking.operatorOf(1)).required).to.equal(MODEL_BOND);
      await staking.connect(controller).detachDevice(1, SUB);
      expect((await staking.operatorOf(1)).required).to.equal(0n);
    });

    it("lets the device change its operator without a gap", async () => {
      const { staking, alice, bob, now } = await loadFixture(withAttachment);
      await staking.connect(bob).createOperator();
      await staking.connect(bob).acceptOwner(2, alice, true);
      await staking.connect(bob).stake(2, MODEL_BOND);
      await staking.connect(alice).detachDevice(1, SUB);
      await staking.connect(alice).attachDevice(1, SUB, 2);
      const operators = [now, now + 1n].map(async (e) => (await staking.attachmentAt(1, SUB, e)).operatorId);
      expect(await Promise.all(operators)).to.deep.equal([1n, 2n]);
      expect(await staking.isBackedAt(1, SUB, now + 1n)).to.be.true;
    });

    it("works while everything is paused", async () => {
      const f = await loadFixture(withAttachment);
      await pauseAll(f);
      await f.staking.connect(f.alice).detachDevice(1, SUB);
      expect((await f.staking.operatorOf(1)).required).to.equal(0n);
    });
  });

  describe("setUnbondingEpochs", () => {
    it("reverts below the minimum and above a year; binds later requests", async () => {
      const { staking, controller } = await loadFixture(devicesFixture);
      const year = (365 * 86_400) / EPOCH;
      for (const epochs of [0, MIN_UNBONDING - 1, year + 1]) {
        await expect(staking.setUnbondingEpochs(epochs))
          .to.be.revertedWithCustomError(staking, "StakingBadParameter")
          .withArgs(ethers.encodeBytes32String("unbondingEpochs"), epochs);
      }
      await expect(staking.setUnbondingEpochs(MIN_UNBONDING))
        .to.emit(staking, "UnbondingEpochsSet")
        .withArgs(MIN_UNBONDING);
      const tx = await staking.connect(controller).requestUnbond(1, 1);
      expect((await staking.unbondingOf(1)).releaseAt).to.equal(
        (await tx.getBlock())!.timestamp + MIN_UNBONDING * EPOCH,
      );
    });
  });

  describe("history", () => {
    it("isBackedAt is false where required exceeds the stake, true where it is covered", async () => {
      const { staking, alice, controller, now } = await loadFixture(withDevice);
      // Down to nothing in `now`, up again and attached in now + 2: covered from now + 3 on.
      await staking.connect(controller).requestUnbond(1, STAKE);
      await expect(staking.connect(alice).attachDevice(1, SUB, 1))
        .to.be.revertedWithCustomError(staking, "OperatorUnderBonded")
        .withArgs(1, 0, MODEL_BOND);
      await nextEpoch(staking, 2);
      await staking.connect(controller).stake(1, MODEL_BOND);
      await staking.connect(alice).attachDevice(1, SUB, 1);
      const backed = [now, now + 2n, now + 3n].map((e) => staking.isBackedAt(1, SUB, e));
      expect(await Promise.all(backed)).to.deep.equal([false, false, true]);
    });

    it("attachments are what they were, for every challengeable epoch (model)", async () => {
      const f = await loadFixture(withDevice);
      const { staking, alice, now } = f;
      const subs = [1, 2, 3, 4, 5];
      const live = new Set<number>(); // what will be attached from the next epoch
      const past = new Map<bigint, Set<number>>();
      let state = 3;
      const draw = (n: number): number => (state = (state * 48_271) % 2_147_483_647) % n;
      const refusals: Record<string, number> = {};
      for (let epoch = now; epoch < now + 40n; epoch++) {
        past.set(epoch, new Set(live));
        for (let i = draw(6); i > 0; i--) {
          const sub = subs[draw(5)]!;
          const attach = !live.has(sub);
          try {
            await (attach
              ? staking.connect(alice).attachDevice(1, sub, 1)
              : staking.connect(alice).detachDevice(1, sub));
          } catch (e) {
            const [name] = /AttachmentRecentlyEnded|AttachmentsFull/.exec(String(e)) ?? [String(e)];
            refusals[name] = (refusals[name] ?? 0) + 1;
            continue;
          }
          if (attach) live.add(sub);
          else live.delete(sub);
        }
        for (let e = epoch - WINDOW > now ? epoch - WINDOW : now; e <= epoch; e++) {
          for (const sub of subs) {
            const { operatorId } = await staking.attachmentAt(1, sub, e);
            expect(operatorId === 1n, `${sub} at ${e} in ${epoch}`).to.equal(past.get(e)?.has(sub));
          }
          expect((await staking.bondAt(1, e))[1]).to.equal(BigInt(past.get(e)?.size ?? 0) * MODEL_BOND);
        }
        await nextEpoch(staking);
      }
      expect(Object.keys(refusals).every((n) => n === "AttachmentRecentlyEnded" || n === "AttachmentsFull")).to.be.true;
      expect(refusals.AttachmentRecentlyEnded).to.be.greaterThan(0);
    });

    it("balance = Σ assets + rewards through it all; everybody leaves", async () => {
      const f = await loadFixture(withAttachment);
      const { staking, token, controller, alice, bob } = f;
      const before = (await token.balanceOf(controller)) + STAKE;
      await staking.connect(bob).createOperator();
      await staking.connect(bob).stake(2, 11);
      await staking.connect(controller).requestUnbond(1, 3);
      await expectSolvent(f);
      await nextEpoch(staking);
      await staking.connect(alice).detachDevice(1, SUB);
      await staking.connect(controller).requestUnbond(1, STAKE - 3n);
      await staking.connect(bob).requestUnbond(2, 11);
      await expectSolvent(f);
      await nextEpoch(staking, UNBONDING + 1);
      for (const id of [3, 1, 2]) await staking.release(id);
      expect(await token.balanceOf(staking)).to.equal(0n);
      expect(await staking.totalStaked()).to.equal(0n);
      expect(await token.balanceOf(controller)).to.equal(before);
    });
  });
});
