import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { encodeOnboarding, type Hex } from "../../../oracle/codec";
import {
  CHALLENGE_EPOCHS,
  deployRegistry,
  deviceCount,
  devicesFixture,
  EPOCH,
  FEE,
  makeDevice,
  makeSecp256k1Device,
  MAX_PAUSE,
  MODEL_BOND,
  nextEpoch,
  onboardingMessage,
  POINTS_CAP,
  signOnboarding,
  SUB,
} from "../../helpers/devices";

const WINDOW = BigInt(CHALLENGE_EPOCHS);

describe("DeviceRegistry", () => {
  /** A posted batch of one, not onboarded. */
  async function withBox() {
    const f = await devicesFixture();
    const device = makeDevice();
    const { batchId } = await f.postBatch([device]);
    const terms = { registry: f.registry, owner: f.alice.address, batchId, index: 0, proof: [] as Hex[] };
    return { ...f, device, terms, o: await signOnboarding(device, terms) };
  }

  /** Device 1 of alice, in its first epoch. */
  async function withDevice() {
    const f = await devicesFixture();
    const device = makeDevice();
    await f.onboardFor(f.alice, device);
    const first = await nextEpoch(f.registry);
    return { ...f, device, first };
  }

  describe("constructor", () => {
    it("reverts for zero addresses and a challenge window of 0 or above 10,000 epochs", async () => {
      const { manager, makers, credits, registry } = await loadFixture(devicesFixture);
      const deploy = (m: unknown, c: unknown, window: number) =>
        deployRegistry([manager, m, c, 0, EPOCH, window, MAX_PAUSE, "N", "S"]);
      await expect(deploy(ethers.ZeroAddress, credits, 1)).to.be.revertedWithCustomError(registry, "DeviceZeroAddress");
      await expect(deploy(makers, ethers.ZeroAddress, 1)).to.be.revertedWithCustomError(registry, "DeviceZeroAddress");
      for (const window of [0, 10_001]) {
        await expect(deploy(makers, credits, window))
          .to.be.revertedWithCustomError(registry, "DeviceRegistryBadParameter")
          .withArgs(ethers.encodeBytes32String("challengeEpochs"), window);
      }
    });
  });

  describe("onboard", () => {
    it("reverts while paused", async () => {
      const { registry, alice, o } = await loadFixture(withBox);
      const entry = registry.onboard.fragment.selector;
      await registry.pause(entry);
      await expect(registry.connect(alice).onboard(o))
        .to.be.revertedWithCustomError(registry, "GuardedPaused")
        .withArgs(entry, await registry.pausedUntil(entry));
    });

    it("reverts after the deadline, works in its last second", async () => {
      const { registry, alice, device, terms, postBatch } = await loadFixture(withBox);
      const late = makeDevice();
      const { batchId } = await postBatch([late]);
      const deadline = BigInt(await time.latest()) + 100n;
      const inTime = await signOnboarding(device, { ...terms, deadline });
      const tooLate = await signOnboarding(late, { ...terms, batchId, deadline });
      await time.setNextBlockTimestamp(deadline);
      await registry.connect(alice).onboard(inTime);
      await time.setNextBlockTimestamp(deadline + 1n);
      await expect(registry.connect(alice).onboard(tooLate))
        .to.be.revertedWithCustomError(registry, "DeviceSignatureExpired")
        .withArgs(deadline);
      expect(await deviceCount(registry)).to.equal(1n);
    });

    it("reverts for a zero owner", async () => {
      const { registry, alice, device, terms } = await loadFixture(withBox);
      const o = await signOnboarding(device, { ...terms, owner: ethers.ZeroAddress });
      await expect(registry.connect(alice).onboard(o)).to.be.revertedWithCustomError(registry, "DeviceZeroAddress");
    });

    it("reverts for a key in use, also after retirement and transfer", async () => {
      const { registry, alice, bob, device, o, terms, postBatch } = await loadFixture(withBox);
      await registry.connect(alice).onboard(o);
      const used = () =>
        expect(registry.connect(alice).onboard(o))
          .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
          .withArgs(device.keyHash, 1);
      await used();
      await registry.connect(alice).retire(1);
      await used();
      await registry.connect(alice).transferFrom(alice, bob, 1);
      await used();
      const { batchId } = await postBatch([device]);
      const again = await signOnboarding(device, { ...terms, batchId, owner: bob.address, nonce: 2n });
      await expect(registry.connect(bob).onboard(again))
        .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
        .withArgs(device.keyHash, 1);
    });

    it("reverts for a key that is no point, of an unknown type, and for a wrong signature", async () => {
      const { registry, alice, o, device } = await loadFixture(withBox);
      const key = { ...device.key, y: ethers.toBeHex(BigInt(device.key.y) ^ 1n, 32) };
      await expect(registry.connect(alice).onboard({ ...o, key }))
        .to.be.revertedWithCustomError(registry, "DeviceKeyInvalid")
        .withArgs(1, key.x, key.y);
      await expect(registry.connect(alice).onboard({ ...o, key: { ...device.key, keyType: 3 } }))
        .to.be.revertedWithCustomError(registry, "DeviceKeyTypeUnknown")
        .withArgs(3);
      const digest = await registry.onboardingDigest(o.owner, o.operatorId, o.subNetwork, 2, o.deadline);
      await expect(registry.connect(alice).onboard({ ...o, nonce: 2 }))
        .to.be.revertedWithCustomError(registry, "DeviceSignatureWrong")
        .withArgs(digest);
    });

    it("reverts for a device that is not in the batch", async () => {
      const { registry, makers, alice, terms } = await loadFixture(withBox);
      const o = await signOnboarding(makeDevice(), terms);
      await expect(registry.connect(alice).onboard(o))
        .to.be.revertedWithCustomError(makers, "BatchProofWrong")
        .withArgs(terms.batchId, 0);
    });

    it("reverts when the model expired", async () => {
      const { registry, makers, alice, o } = await loadFixture(withBox);
      const end = (await registry.currentEpoch()) + 1n;
      await makers.setModelExpiry(1, end);
      await nextEpoch(registry);
      await expect(registry.connect(alice).onboard(o))
        .to.be.revertedWithCustomError(makers, "ModelExpired")
        .withArgs(1, end);
    });

    it("reverts when the caller lacks credits; nothing is kept", async () => {
      const { registry, credits, carol, device, o } = await loadFixture(withBox);
      await credits.mint(carol.address, FEE - 1n);
      const errors = await ethers.getContractFactory("DataCredits");
      await expect(registry.connect(carol).onboard(o))
        .to.be.revertedWithCustomError(errors, "DataCreditsInsufficient")
        .withArgs(carol.address, FEE - 1n, FEE);
      expect(await deviceCount(registry)).to.equal(0n);
      expect(await registry.deviceOfKey(device.keyHash)).to.equal(0n);
    });

    it("reverts with an operator while no staking is set", async () => {
      const { manager, makers, credits, alice, device, terms } = await loadFixture(withBox);
      const bare = await deployRegistry([manager, makers, credits, 0, EPOCH, 1, 1, "N", "S"]);
      const o = await signOnboarding(device, { ...terms, registry: bare, operatorId: 1n });
      await expect(bare.connect(alice).onboard(o)).to.be.revertedWithCustomError(bare, "DeviceZeroAddress");
    });

    it("reverts with an operator that does not accept the owner; nothing is kept", async () => {
      const { registry, staking, credits, bob, device, terms } = await loadFixture(withBox);
      const o = await signOnboarding(device, { ...terms, owner: bob.address, operatorId: 1n });
      const before = await credits.balanceOf(bob.address);
      await expect(registry.connect(bob).onboard(o))
        .to.be.revertedWithCustomError(staking, "OperatorDoesNotAccept")
        .withArgs(1, bob.address);
      expect(await deviceCount(registry)).to.equal(0n);
      expect(await credits.balanceOf(bob.address)).to.equal(before);
    });

    it("mints to the owner whom the device signed for, stores key and model, counts from the next epoch", async () => {
      const { registry, alice, bob, device, o } = await loadFixture(withBox);
      const now = await registry.currentEpoch();
      const tx = registry.connect(bob).onboard(o);
      await expect(tx)
        .to.emit(registry, "DeviceOnboarded")
        .withArgs(1, alice.address, device.keyHash, 1, now + 1n);
      await expect(tx).to.emit(registry, "Transfer").withArgs(ethers.ZeroAddress, alice.address, 1);
      expect(await registry.ownerOf(1)).to.equal(alice.address);
      expect(await registry.balanceOf(alice.address)).to.equal(1n);
      expect(await deviceCount(registry)).to.equal(1n);
      expect(await registry.deviceOfKey(device.keyHash)).to.equal(1n);
      expect(await registry.deviceOfKeyAt(device.keyHash, now)).to.equal(0n);
      expect(await registry.deviceOfKeyAt(device.keyHash, now + 1n)).to.equal(1n);
      expect(await registry.modelOfDevice(1)).to.equal(1n);
      expect(await registry.isActiveAt(1, now)).to.be.false;
      expect(await registry.isActiveAt(1, now + 1n)).to.be.true;
      expect(await registry.payeeAt(1, now + 1n)).to.equal(alice.address);
    });

    it("takes the fee from the caller for the sub-network, none when it is zero", async () => {
      const { registry, credits, alice, bob, o, postBatch } = await loadFixture(withBox);
      const epoch = await registry.currentEpoch();
      const [payer, owner] = [await credits.balanceOf(bob.address), await credits.balanceOf(alice.address)];
      await expect(registry.connect(bob).onboard(o))
        .to.emit(credits, "CreditsSpent")
        .withArgs(bob.address, SUB, epoch, FEE, await registry.getAddress());
      expect(await credits.balanceOf(bob.address)).to.equal(payer - FEE);
      expect(await credits.balanceOf(alice.address)).to.equal(owner);
      expect(await credits.spentIn(SUB, epoch)).to.equal(FEE);

      await registry.setOnboardingFee(0);
      const device = makeDevice();
      const { batchId } = await postBatch([device]);
      const terms = { registry, owner: alice.address, batchId, index: 0, proof: [], subNetwork: 0 };
      await registry.connect(bob).onboard(await signOnboarding(device, terms));
      expect(await credits.balanceOf(bob.address)).to.equal(payer - FEE);
      expect(await deviceCount(registry)).to.equal(2n);
    });

    it("takes secp256k1 keys", async () => {
      const { registry, alice, onboardFor } = await loadFixture(withBox);
      const device = makeSecp256k1Device();
      expect(await onboardFor(alice, device)).to.equal(2n); // the first id is that of the fixture's box
      expect(await registry.deviceOfKey(device.keyHash)).to.equal(2n);
    });

    it("gives a device the id of its place in its batch, in whatever order devices come", async () => {
      const { registry, alice, postBatch } = await loadFixture(withBox);
      const boxes = [makeDevice(), makeDevice(), makeDevice()];
      const { batchId, tree } = await postBatch(boxes);
      for (const index of [2, 0]) {
        const terms = { registry, owner: alice.address, batchId, index, proof: tree.proof(index) };
        await registry.connect(alice).onboard(await signOnboarding(boxes[index]!, terms));
        expect(await registry.deviceOfKey(boxes[index]!.keyHash)).to.equal(BigInt(2 + index));
        expect(await registry.ownerOf(2 + index)).to.equal(alice.address);
      }
      await expect(registry.ownerOf(3)).to.be.revertedWithCustomError(registry, "TokenDoesNotExist");
    });

    it("attaches through the operator that the device signed for", async () => {
      const { registry, staking, alice, device, terms } = await loadFixture(withBox);
      const epoch = await registry.currentEpoch();
      await expect(registry.connect(alice).onboard(await signOnboarding(device, { ...terms, operatorId: 1n })))
        .to.emit(staking, "DeviceAttached")
        .withArgs(1, SUB, 1, MODEL_BOND, epoch + 1n);
      expect(await staking.isBackedAt(1, SUB, epoch)).to.be.false;
      expect(await staking.isBackedAt(1, SUB, epoch + 1n)).to.be.true;
      expect((await staking.operatorOf(1)).required).to.equal(MODEL_BOND);
    });
  });

  describe("setPayee", () => {
    it("reverts for an unknown device, anyone but the owner, and the approved", async () => {
      const { registry, alice, bob, stranger } = await loadFixture(withDevice);
      await expect(registry.connect(alice).setPayee(2, bob))
        .to.be.revertedWithCustomError(registry, "DeviceUnknown")
        .withArgs(2);
      await registry.connect(alice).approve(bob, 1);
      for (const other of [stranger, bob]) {
        await expect(registry.connect(other).setPayee(1, other))
          .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
          .withArgs(1, other.address);
      }
    });

    it("counts from the next epoch; before, who was paid before", async () => {
      const { registry, alice, bob, first } = await loadFixture(withDevice);
      const now = await nextEpoch(registry);
      await expect(registry.connect(alice).setPayee(1, bob))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, bob.address, alice.address, now + 1n);
      expect(await registry.payeeAt(1, first)).to.equal(alice.address);
      expect(await registry.payeeAt(1, now)).to.equal(alice.address);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
      expect(await registry.ownerOf(1)).to.equal(alice.address);
    });

    it("zero names the owner again", async () => {
      const { registry, alice, bob } = await loadFixture(withDevice);
      await registry.connect(alice).setPayee(1, bob);
      const now = await nextEpoch(registry, CHALLENGE_EPOCHS + 1);
      await expect(registry.connect(alice).setPayee(1, ethers.ZeroAddress))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, alice.address, bob.address, now + 1n);
      expect(await registry.payeeAt(1, now)).to.equal(bob.address);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(alice.address);
    });

    it("may be corrected within its epoch; who was paid before stays", async () => {
      const { registry, alice, bob, carol } = await loadFixture(withDevice);
      const now = await registry.currentEpoch();
      await registry.connect(alice).setPayee(1, bob);
      await expect(registry.connect(alice).setPayee(1, carol))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, carol.address, alice.address, now + 1n);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      expect(await registry.payeeAt(1, now)).to.equal(alice.address);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
    });

    it("reverts until challengeEpochs after the last change counts, works from then", async () => {
      const { registry, alice, bob, carol } = await loadFixture(withDevice);
      await registry.connect(alice).setPayee(1, bob);
      const since = (await registry.currentEpoch()) + 1n;
      for (let epoch = since; epoch < since + WINDOW; epoch++) {
        expect(await nextEpoch(registry)).to.equal(epoch);
        await expect(registry.connect(alice).setPayee(1, carol))
          .to.be.revertedWithCustomError(registry, "DevicePayeeRecentlyChanged")
          .withArgs(1, since + WINDOW);
      }
      expect(await nextEpoch(registry)).to.equal(since + WINDOW);
      await registry.connect(alice).setPayee(1, carol);
    });

    it("in the epoch of onboarding is free and leaves no past", async () => {
      const { registry, alice, bob, carol, onboardFor } = await loadFixture(devicesFixture);
      await onboardFor(alice);
      const now = await registry.currentEpoch();
      await expect(registry.connect(alice).setPayee(1, carol))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, carol.address, ethers.ZeroAddress, now + 1n);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
      await expect(registry.payeeAt(1, now))
        .to.be.revertedWithCustomError(registry, "DevicePayeeUnknownAt")
        .withArgs(1, now, now + 1n);
      await nextEpoch(registry);
      await registry.connect(bob).setPayee(1, carol);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
      expect(await registry.payeeAt(1, now + 2n)).to.equal(carol.address);
    });
  });

  describe("transfer", () => {
    it("pays the old owner to the end of the epoch and the new one from the next", async () => {
      const { registry, alice, bob, first } = await loadFixture(withDevice);
      const now = await nextEpoch(registry, 3);
      await expect(registry.connect(alice).transferFrom(alice, bob, 1))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, bob.address, alice.address, now + 1n);
      for (const epoch of [first, now]) expect(await registry.payeeAt(1, epoch)).to.equal(alice.address);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
      expect(await registry.modelOfDevice(1)).to.equal(1n);
      expect(await registry.isActiveAt(1, now + 1n)).to.be.true;
    });

    it("clears the named payee, who is paid to the end of the epoch", async () => {
      const { registry, alice, bob, carol } = await loadFixture(withDevice);
      await registry.connect(alice).setPayee(1, carol);
      const now = await nextEpoch(registry, CHALLENGE_EPOCHS + 1);
      await expect(registry.connect(alice)["safeTransferFrom(address,address,uint256)"](alice, bob, 1))
        .to.emit(registry, "PayeeChanged")
        .withArgs(1, bob.address, carol.address, now + 1n);
      expect(await registry.payeeAt(1, now)).to.equal(carol.address);
      expect(await registry.payeeAt(1, now + 1n)).to.equal(bob.address);
    });

    it("clears the approval, counts transfers", async () => {
      const { registry, alice, bob, carol } = await loadFixture(withDevice);
      await registry.connect(alice).approve(carol, 1);
      expect(await registry.transfersOf(1)).to.equal(0n);
      await registry.connect(carol).transferFrom(alice, bob, 1);
      await registry.connect(bob).transferFrom(bob, alice, 1);
      expect(await registry.transfersOf(1)).to.equal(2n);
      expect(await registry.getApproved(1)).to.equal(ethers.ZeroAddress);
      await expect(registry.connect(carol).transferFrom(alice, bob, 1)).to.be.revertedWithCustomError(
        registry,
        "NotOwnerNorApproved",
      );
    });

    it("reverts for a stranger, for the wrong owner, to zero", async () => {
      const { registry, alice, bob, stranger } = await loadFixture(withDevice);
      await expect(registry.connect(stranger).transferFrom(alice, bob, 1)).to.be.revertedWithCustomError(
        registry,
        "NotOwnerNorApproved",
      );
      await expect(registry.connect(alice).transferFrom(bob, alice, 1)).to.be.revertedWithCustomError(
        registry,
        "TransferFromIncorrectOwner",
      );
      await expect(registry.connect(alice).transferFrom(alice, ethers.ZeroAddress, 1)).to.be.revertedWithCustomError(
        registry,
        "TransferToZeroAddress",
      );
      expect(await registry.ownerOf(1)).to.equal(alice.address);
    });

    it("reverts within the challenge window of a change; setPayee within that of a transfer", async () => {
      const { registry, alice, bob, carol, onboardFor } = await loadFixture(withDevice);
      await onboardFor(alice);
      const since = (await nextEpoch(registry)) + 1n;
      await registry.connect(alice).setPayee(1, carol);
      await registry.connect(alice).transferFrom(alice, bob, 2);
      await nextEpoch(registry);
      await expect(registry.connect(alice).transferFrom(alice, bob, 1))
        .to.be.revertedWithCustomError(registry, "DevicePayeeRecentlyChanged")
        .withArgs(1, since + WINDOW);
      await expect(registry.connect(bob).setPayee(2, carol))
        .to.be.revertedWithCustomError(registry, "DevicePayeeRecentlyChanged")
        .withArgs(2, since + WINDOW);
    });

    it("takes no ether, nor does approve", async () => {
      const { registry, alice, bob } = await loadFixture(withDevice);
      const refused = (tx: Promise<unknown>) =>
        expect(tx).to.be.revertedWithCustomError(registry, "DeviceTakesNoEther");
      await refused(registry.connect(alice).approve(bob, 1, { value: 1 }));
      await refused(registry.connect(alice).transferFrom(alice, bob, 1, { value: 1 }));
      const safe = registry.connect(alice)["safeTransferFrom(address,address,uint256)"];
      await refused(safe(alice, bob, 1, { value: 1 }));
    });
  });

  describe("payeeAt", () => {
    it("reverts for an unknown device", async () => {
      const { registry } = await loadFixture(withDevice);
      await expect(registry.payeeAt(2, 1)).to.be.revertedWithCustomError(registry, "DeviceUnknown").withArgs(2);
    });

    it("reverts before the device's first epoch", async () => {
      const { registry, alice, first } = await loadFixture(withDevice);
      await expect(registry.payeeAt(1, first - 1n))
        .to.be.revertedWithCustomError(registry, "DevicePayeeUnknownAt")
        .withArgs(1, first - 1n, first);
      expect(await registry.payeeAt(1, first)).to.equal(alice.address);
    });

    it("after two changes reverts before the first of them", async () => {
      const { registry, alice, bob, carol } = await loadFixture(withDevice);
      const one = (await nextEpoch(registry)) + 1n;
      await registry.connect(alice).setPayee(1, bob);
      const two = (await nextEpoch(registry, CHALLENGE_EPOCHS + 1)) + 1n;
      await registry.connect(alice).setPayee(1, carol);
      await expect(registry.payeeAt(1, one - 1n))
        .to.be.revertedWithCustomError(registry, "DevicePayeeUnknownAt")
        .withArgs(1, one - 1n, one);
      const paid = [one, two - 1n, two].map((e) => registry.payeeAt(1, e));
      expect(await Promise.all(paid)).to.deep.equal([bob.address, bob.address, carol.address]);
    });

    it("after any run of allowed changes is what it was, for every challengeable epoch (model)", async () => {
      const { registry, alice, bob, carol, first } = await loadFixture(withDevice);
      const people = [alice, bob, carol];
      // The history that nobody forgets: payee by epoch, plus owner and named payee as they stand.
      const paid = new Map<bigint, string>();
      let [owner, named] = [alice, ""];
      let state = 7;
      const draw = (n: number): number => (state = (state * 48_271) % 2_147_483_647) % n;
      let changes = 0;
      for (let epoch = first; epoch < first + 40n; epoch++) {
        paid.set(epoch, named === "" ? owner.address : named);
        for (let i = draw(3); i > 0; i--) {
          const other = people[draw(3)]!;
          const names = draw(2) === 0;
          const as = registry.connect(owner);
          try {
            await (names ? as.setPayee(1, other) : as.transferFrom(owner, other, 1));
          } catch (e) {
            expect(String(e)).to.contain("DevicePayeeRecentlyChanged");
            continue;
          }
          if (names) named = other.address;
          else [owner, named] = [other, ""];
          changes++;
        }
        const oldest = epoch - WINDOW > first ? epoch - WINDOW : first;
        for (let e = oldest; e <= epoch; e++)
          expect(await registry.payeeAt(1, e), `${e} in ${epoch}`).to.equal(paid.get(e));
        await nextEpoch(registry);
      }
      expect(changes).to.be.greaterThan(5);
    });
  });

  describe("retire", () => {
    it("reverts for an unknown device, anyone but the owner, and the second time", async () => {
      const { registry, alice, bob } = await loadFixture(withDevice);
      await expect(registry.connect(alice).retire(2))
        .to.be.revertedWithCustomError(registry, "DeviceUnknown")
        .withArgs(2);
      await expect(registry.connect(bob).retire(1))
        .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
        .withArgs(1, bob.address);
      await registry.connect(alice).retire(1);
      await expect(registry.connect(alice).retire(1))
        .to.be.revertedWithCustomError(registry, "DeviceAlreadyRetired")
        .withArgs(1);
    });

    it("ends activity from the next epoch, for ever; key and NFT stay", async () => {
      const { registry, alice, bob, device, first } = await loadFixture(withDevice);
      await expect(registry.connect(alice).retire(1))
        .to.emit(registry, "DeviceRetired")
        .withArgs(1, first + 1n);
      const active = [first, first + 1n, first + 1000n].map((e) => registry.isActiveAt(1, e));
      expect(await Promise.all(active)).to.deep.equal([true, false, false]);
      expect(await registry.deviceOfKey(device.keyHash)).to.equal(1n);
      expect(await registry.modelOfDevice(1)).to.equal(1n);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      expect(await registry.ownerOf(1)).to.equal(bob.address);
      expect(await registry.isActiveAt(1, first + 1n)).to.be.false;
    });

    it("works while everything is paused", async () => {
      const { registry, alice, first } = await loadFixture(withDevice);
      for (const { selector } of [registry.onboard.fragment, registry.retire.fragment]) await registry.pause(selector);
      await registry.connect(alice).retire(1);
      expect(await registry.isActiveAt(1, first + 1n)).to.be.false;
    });
  });

  describe("setOnboardingFee", () => {
    it("reverts above 10^8; sets", async () => {
      const { registry } = await loadFixture(devicesFixture);
      await expect(registry.setOnboardingFee(10n ** 8n + 1n))
        .to.be.revertedWithCustomError(registry, "DeviceRegistryBadParameter")
        .withArgs(ethers.encodeBytes32String("onboardingFee"), 10n ** 8n + 1n);
      await expect(registry.setOnboardingFee(10n ** 8n))
        .to.emit(registry, "OnboardingFeeSet")
        .withArgs(10n ** 8n);
      expect(await registry.onboardingFee()).to.equal(10n ** 8n);
    });
  });

  describe("setStaking", () => {
    it("reverts for zero and the second time; sets", async () => {
      const { registry, staking, manager, makers, credits } = await loadFixture(devicesFixture);
      await expect(registry.setStaking(makers))
        .to.be.revertedWithCustomError(registry, "DeviceRegistryBadParameter")
        .withArgs(ethers.encodeBytes32String("staking"), BigInt(await staking.getAddress()));
      const bare = await deployRegistry([manager, makers, credits, 0, EPOCH, 1, 1, "N", "S"]);
      await expect(bare.setStaking(ethers.ZeroAddress)).to.be.revertedWithCustomError(bare, "DeviceZeroAddress");
      await expect(bare.setStaking(staking))
        .to.emit(bare, "StakingSet")
        .withArgs(await staking.getAddress());
      expect(await bare.staking()).to.equal(await staking.getAddress());
    });
  });

  describe("views", () => {
    it("of unknown devices: model and cap revert, activity is false, keys have none", async () => {
      const { registry } = await loadFixture(devicesFixture);
      for (const view of [registry.modelOfDevice(9), registry.pointsCapAt(9, 1)]) {
        await expect(view).to.be.revertedWithCustomError(registry, "DeviceUnknown").withArgs(9);
      }
      expect(await registry.isActiveAt(9, 1)).to.be.false;
      expect(await registry.deviceOfKey(ethers.id("no key"))).to.equal(0n);
      expect(await registry.deviceOfKeyAt(ethers.id("no key"), 2n ** 32n - 1n)).to.equal(0n);
    });

    it("deviceOfKeyAt is zero before the first epoch", async () => {
      const { registry, device, first } = await loadFixture(withDevice);
      expect(await registry.deviceOfKeyAt(device.keyHash, first - 1n)).to.equal(0n);
      expect(await registry.deviceOfKeyAt(device.keyHash, first)).to.equal(1n);
    });

    it("pointsCapAt is the model's cap in that epoch", async () => {
      const { registry, makers, first } = await loadFixture(withDevice);
      await makers.setModelCap(1, 3);
      expect(await registry.pointsCapAt(1, first)).to.equal(POINTS_CAP);
      expect(await registry.pointsCapAt(1, first + 1n)).to.equal(3n);
    });

    it("tokenURI is JSON with name, model and status, escaped; reverts for an unknown device", async () => {
      const { registry, makers, maker, alice, postBatch } = await loadFixture(withDevice);
      const read = async (id: number): Promise<unknown> => {
        const [head, body] = (await registry.tokenURI(id)).split(",");
        expect(head).to.equal("data:application/json;base64");
        return JSON.parse(Buffer.from(body!, "base64").toString());
      };
      const json = (id: number, model: string, status: string) => ({
        name: `Groundwork devices #${id}`,
        attributes: [
          { trait_type: "model", value: model },
          { trait_type: "status", value: status },
        ],
      });
      expect(await read(1)).to.deep.equal(json(1, "Gateway One", "active"));
      await registry.connect(alice).retire(1);
      expect(await read(1)).to.deep.equal(json(1, "Gateway One", "retired"));

      const odd = 'He said "5\\G"\n';
      await makers.certifyModel(maker.address, 1, 1, 1, 0, odd);
      const device = makeDevice();
      const { tree } = await postBatch([device]);
      await makers.connect(maker).postBatch(2, tree.root, 1, ethers.ZeroHash);
      const terms = { registry, owner: alice.address, batchId: 3, index: 0, proof: [] };
      await registry.connect(alice).onboard(await signOnboarding(device, terms));
      expect(await read(3)).to.deep.equal(json(3, odd, "active"));
      await expect(registry.tokenURI(2)).to.be.revertedWithCustomError(registry, "DeviceUnknown").withArgs(2);
      expect([await registry.name(), await registry.symbol()]).to.deep.equal(["Groundwork devices", "GWD"]);
    });

    it("supports ERC-165, ERC-721 and its metadata", async () => {
      const { registry } = await loadFixture(devicesFixture);
      for (const id of ["0x01ffc9a7", "0x80ac58cd", "0x5b5e139f"])
        expect(await registry.supportsInterface(id)).to.be.true;
      expect(await registry.supportsInterface("0xffffffff")).to.be.false;
    });

    it("onboardingDigest is sha256 of the message of the codec", async () => {
      const { registry, terms } = await loadFixture(withBox);

      const m = await onboardingMessage(terms);
      expect(await registry.onboardingDigest(m.owner, m.operatorId, m.subNetwork, m.nonce, m.deadline)).to.equal(
        ethers.sha256(encodeOnboarding(m)),
      );
    });
  });
});
