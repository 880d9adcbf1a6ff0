import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { cellToLatLng, cellToParent, getPentagons, gridDisk, isValidCell, latLngToCell } from "h3-js";
import { batchLeaf, type Hex } from "../../../oracle/codec";
import { makeDevice, nextEpoch, signOnboarding } from "../../helpers/devices";
import { DEADLINE, keyChange, lifeFixture, RECOVER, ROTATE, signChange, signLife, signOffer } from "../../helpers/life";

describe("DeviceLife", () => {
  describe("rotate", () => {
    async function rotation() {
      const f = await lifeFixture();
      const next = makeDevice();
      const change = await keyChange(f.registry, "rotate", {
        deviceId: 1n,
        owner: f.alice.address,
        old: f.box,
        box: next,
      });
      const consent = await signChange(f.registry, f.maker, f.alice.address, change, next.keyHash);
      return { ...f, next, change, consent };
    }

    it("by owner and maker counts from the next epoch; the old key never returns", async () => {
      const { registry, alice, box, next, change, consent, first } = await loadFixture(rotation);
      const own = registry.connect(alice);
      await expect(own.rotate(change, consent))
        .to.emit(registry, "DeviceKeyChanged")
        .withArgs(1, box.keyHash, next.keyHash, first + 1n);
      const at = (key: Hex, e: bigint) => registry.deviceOfKeyAt(key, e);
      expect([await at(box.keyHash, first), await at(box.keyHash, first + 1n)]).to.deep.equal([1n, 0n]);
      expect([await at(next.keyHash, first), await at(next.keyHash, first + 1n)]).to.deep.equal([0n, 1n]);
      await expect(own.rotate(change, consent))
        .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
        .withArgs(next.keyHash, 1);
      const back = await keyChange(registry, "rotate", { deviceId: 1n, owner: alice.address, old: next, box });
      await expect(own.rotate(back, consent))
        .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
        .withArgs(box.keyHash, 1);
    });

    it("reverts for a stranger, late, without the key's or the maker's signature, and for another old key", async () => {
      const { registry, maker, makers, alice, bob, change, consent, next } = await loadFixture(rotation);
      const own = registry.connect(alice);
      await expect(registry.connect(bob).rotate(change, consent))
        .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
        .withArgs(1, bob.address);
      await expect(own.rotate({ ...change, deadline: 1 }, consent))
        .to.be.revertedWithCustomError(registry, "DeviceSignatureExpired")
        .withArgs(1);
      await expect(own.rotate({ ...change, key: makeDevice().key }, consent)).to.be.revertedWithCustomError(
        registry,
        "DeviceSignatureWrong",
      );
      const forged = await signChange(registry, bob, alice.address, change, next.keyHash);
      await expect(own.rotate(change, forged)).to.be.revertedWithCustomError(registry, "DeviceConsentWrong");
      const other = { ...change, oldKeyHash: next.keyHash };
      const agreed = await signChange(registry, maker, alice.address, other, next.keyHash);
      await expect(own.rotate(other, agreed))
        .to.be.revertedWithCustomError(registry, "DeviceKeyNotLive")
        .withArgs(next.keyHash, 1);
      await makers.suspend(maker.address);
      await expect(own.rotate(change, consent))
        .to.be.revertedWithCustomError(registry, "DeviceMakerNotLicensed")
        .withArgs(maker.address);
    });

    it("by the owner alone: once the maker is gone, after the delay; a veto ends it", async () => {
      const { registry, maker, makers, alice, box, next, change, first } = await loadFixture(rotation);
      const own = registry.connect(alice);
      await expect(own.requestRotation(change))
        .to.be.revertedWithCustomError(registry, "DeviceMakerNotGone")
        .withArgs(maker.address);
      await makers.revoke(maker.address);
      await expect(own.requestRotation(change))
        .to.emit(registry, "RotationRequested")
        .withArgs(1, next.keyHash, first + 8n);
      await nextEpoch(registry, 7);
      await expect(registry.completeRotation(1, box.keyHash))
        .to.be.revertedWithCustomError(registry, "DeviceRequestNotReady")
        .withArgs(1, ROTATE, first + 8n);
      await nextEpoch(registry);
      const state = await ethers.provider.send("evm_snapshot", []);
      await registry.completeRotation(1, box.keyHash);
      expect(await registry.deviceOfKeyAt(next.keyHash, first + 9n)).to.equal(1n);
      await ethers.provider.send("evm_revert", [state]);
      await own.veto(1);
      await expect(registry.completeRotation(1, box.keyHash))
        .to.be.revertedWithCustomError(registry, "DeviceRequestUnknown")
        .withArgs(1, ROTATE);
    });
  });

  describe("replace", () => {
    it("puts the device into an unsold box of its model, which can never be onboarded", async () => {
      const { registry, alice, box, postBatch, first } = await loadFixture(lifeFixture);
      const spare = makeDevice();
      const { batchId } = await postBatch([spare]);
      const change = await keyChange(registry, "replace", { deviceId: 1n, owner: alice.address, old: box, box: spare });
      const own = registry.connect(alice);
      await expect(own.replace(change, batchId, 0, spare.serialHash, []))
        .to.emit(registry, "DeviceReplaced")
        .withArgs(1, 2);
      expect(await registry.deviceOfKeyAt(spare.keyHash, first + 1n)).to.equal(1n);
      expect(await registry.ownerOf(1)).to.equal(alice.address);
      const o = await signOnboarding(spare, { registry, owner: alice.address, batchId, index: 0, proof: [] });
      await expect(own.onboard(o)).to.be.revertedWithCustomError(registry, "DeviceKeyUsed").withArgs(spare.keyHash, 1);
    });

    it("reverts for a box of another model and for one in no batch", async () => {
      const { registry, makers, maker, alice, box } = await loadFixture(lifeFixture);
      const spare = makeDevice();
      await makers.certifyModel(maker.address, 1, 1, 1, 0, "Other");
      await makers.connect(maker).postBatch(2, batchLeaf(spare.serialHash, spare.keyHash), 1, ethers.ZeroHash);
      const change = await keyChange(registry, "replace", { deviceId: 1n, owner: alice.address, old: box, box: spare });
      const own = registry.connect(alice);
      await expect(own.replace(change, 2, 0, spare.serialHash, []))
        .to.be.revertedWithCustomError(registry, "DeviceModelWrong")
        .withArgs(1, 2);
      await expect(own.replace(change, 1, 0, spare.serialHash, []))
        .to.be.revertedWithCustomError(makers, "BatchProofWrong")
        .withArgs(1, 0);
    });
  });

  describe("accept", () => {
    it("hands over what the owner offered to who has the box, once", async () => {
      const { registry, alice, bob, box } = await loadFixture(lifeFixture);
      const offer = await signOffer(registry, alice, 1n, bob.address);
      const signature = await signLife(registry, box, "accept", { deviceId: 1n, account: bob.address });
      const take = (who = bob) => registry.connect(who).accept(1, DEADLINE, offer, box.key, signature);
      await expect(take(alice)).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      await expect(take()).to.emit(registry, "DeviceAccepted").withArgs(1, alice.address, bob.address);
      expect(await registry.ownerOf(1)).to.equal(bob.address);
      await registry.connect(bob).transferFrom(bob, alice, 1);
      await expect(take()).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
    });

    it("reverts without the owner's offer, after a veto, and late", async () => {
      const { registry, alice, bob, box } = await loadFixture(lifeFixture);
      const signature = await signLife(registry, box, "accept", { deviceId: 1n, account: bob.address });
      const forged = await signOffer(registry, bob, 1n, bob.address);
      const take = (offer: string, deadline = DEADLINE) =>
        registry.connect(bob).accept(1, deadline, offer, box.key, signature);
      await expect(take(forged)).to.be.revertedWithCustomError(registry, "DeviceConsentWrong");
      const offer = await signOffer(registry, alice, 1n, bob.address);
      await expect(take(offer, 1n)).to.be.revertedWithCustomError(registry, "DeviceSignatureExpired").withArgs(1);
      await registry.connect(alice).veto(1);
      await expect(take(offer)).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      expect(await registry.ownerOf(1)).to.equal(alice.address);
    });
  });

  describe("recovery", () => {
    async function requested() {
      const f = await lifeFixture();
      const signature = await signLife(f.registry, f.box, "recover", { deviceId: 1n, account: f.bob.address });
      const request = () => f.registry.requestRecovery(1, f.bob, DEADLINE, f.box.key, signature);
      await request();
      return { ...f, request };
    }

    it("goes to whom the device names, after the delay, not before", async () => {
      const { registry, alice, bob, first } = await loadFixture(requested);
      expect(await registry.requestOf(1, RECOVER)).to.deep.equal([
        ethers.zeroPadValue(bob.address, 32).toLowerCase(),
        first + 8n,
      ]);
      await nextEpoch(registry, 7);
      await expect(registry.completeRecovery(1))
        .to.be.revertedWithCustomError(registry, "DeviceRequestNotReady")
        .withArgs(1, RECOVER, first + 8n);
      await nextEpoch(registry);
      await expect(registry.completeRecovery(1))
        .to.emit(registry, "DeviceRecovered")
        .withArgs(1, alice.address, bob.address);
      expect(await registry.ownerOf(1)).to.equal(bob.address);
      await expect(registry.completeRecovery(1))
        .to.be.revertedWithCustomError(registry, "DeviceRequestUnknown")
        .withArgs(1, RECOVER);
    });

    it("ends by the veto of the owner or an approved account, for ever; a replay cannot restart the delay", async () => {
      const { registry, alice, bob, stranger, first, request } = await loadFixture(requested);
      await expect(request())
        .to.be.revertedWithCustomError(registry, "DeviceRequestPending")
        .withArgs(1, RECOVER, first + 8n);
      await expect(registry.connect(stranger).veto(1))
        .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
        .withArgs(1, stranger.address);
      await registry.connect(alice).approve(stranger, 1);
      await expect(registry.connect(stranger).veto(1))
        .to.emit(registry, "DeviceVetoed")
        .withArgs(1, stranger.address, 1);
      await expect(request()).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      await nextEpoch(registry, 20);
      await expect(registry.completeRecovery(1))
        .to.be.revertedWithCustomError(registry, "DeviceRequestUnknown")
        .withArgs(1, RECOVER);
      expect(await registry.ownerOf(1)).to.not.equal(bob.address);
    });

    it("waits while the device is disputed", async () => {
      const { registry, disputes, first } = await loadFixture(requested);
      await disputes.onDisputeOpened(3, 1, first);
      await nextEpoch(registry, 9);
      await expect(registry.completeRecovery(1))
        .to.be.revertedWithCustomError(registry, "DeviceInDispute")
        .withArgs(1, 3);
    });
  });

  describe("onboardMany", () => {
    it("onboards all or none", async () => {
      const { registry, alice, postBatch } = await loadFixture(lifeFixture);
      const boxes = [makeDevice(), makeDevice()];
      const { batchId, tree } = await postBatch(boxes);
      const list = await Promise.all(
        boxes.map((b, index) =>
          signOnboarding(b, { registry, owner: alice.address, batchId, index, proof: tree.proof(index) }),
        ),
      );
      await expect(registry.connect(alice).onboardMany([list[0]!, list[0]!])).to.be.revertedWithCustomError(
        registry,
        "DeviceKeyUsed",
      );
      await registry.connect(alice).onboardMany(list);
      expect(await registry.balanceOf(alice.address)).to.equal(3n);
    });
  });

  describe("assertLocation", () => {
    it("takes cells of H3 down to resolution 7 and nothing else (h3-js)", async () => {
      const life = await ethers.deployContract("DeviceLife");
      const base = latLngToCell(47.3769, 8.5417, 7);
      const good = [
        ...Array.from({ length: 8 }, (_, r) => cellToParent(base, r)),
        ...[0, 1, 4, 7].flatMap((r) => getPentagons(r).flatMap((p) => gridDisk(p, 1))),
        latLngToCell(-89.9, 12, 3),
      ];
      for (const cell of good) {
        expect(isValidCell(cell) && cellToLatLng(cell).length === 2).to.be.true;
        expect(await life.isCoarseCell(BigInt(`0x${cell}`)), cell).to.be.true;
      }
      const n = BigInt(`0x${base}`);
      const bits = Array.from({ length: 64 }, (_, i) => n ^ (1n << BigInt(i)));
      const deleted = getPentagons(1).map((p) => BigInt(`0x${p}`) | (1n << 42n));
      for (const value of [0n, 2n ** 64n - 1n, ...bits, ...deleted, BigInt(`0x${latLngToCell(47, 8, 8)}`)]) {
        const text = value.toString(16);
        const coarse = isValidCell(text) && ((value >> 52n) & 15n) <= 7n;
        expect(await life.isCoarseCell(value), text).to.equal(coarse);
      }
    });

    it("burns the fee, counts, counts from the next epoch; only the owner, only coarse cells", async () => {
      const { registry, credits, alice, bob, first } = await loadFixture(lifeFixture);
      const cell = BigInt(`0x${latLngToCell(47.3769, 8.5417, 7)}`);
      await expect(registry.connect(bob).assertLocation(1, cell))
        .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
        .withArgs(1, bob.address);
      await expect(registry.connect(alice).assertLocation(1, 5))
        .to.be.revertedWithCustomError(registry, "DeviceCellInvalid")
        .withArgs(5);
      await registry.setTerms(7, 90, 1000);
      const before = await credits.balanceOf(alice.address);
      await expect(registry.connect(alice).assertLocation(1, cell))
        .to.emit(registry, "LocationAsserted")
        .withArgs(1, cell, 1, first + 1n);
      expect(await credits.balanceOf(alice.address)).to.equal(before - 1000n);
      await registry.connect(alice).assertLocation(1, cell);
      expect(await registry.locationOf(1)).to.deep.equal([cell, 2n, first + 1n]);
    });
  });

  describe("settings", () => {
    it("setTerms refuses each bound + 1; setHolds works once; setMetadata delegates tokenURI", async () => {
      const { registry, holds } = await loadFixture(lifeFixture);
      for (const [name, value, ...terms] of [
        ["delayEpochs", 1, 1, 1, 0],
        ["delayEpochs", 366, 366, 1, 0],
        ["denialEpochs", 0, 2, 0, 0],
        ["denialEpochs", 10_001, 2, 10_001, 0],
        ["locationFee", 100_000_001, 2, 1, 100_000_001],
      ] as const) {
        await expect(registry.setTerms(...terms))
          .to.be.revertedWithCustomError(registry, "DeviceRegistryBadParameter")
          .withArgs(ethers.encodeBytes32String(name), value);
      }
      await expect(registry.setHolds(holds)).to.be.revertedWithCustomError(registry, "DeviceRegistryBadParameter");
      await expect(registry.setHolds(ethers.ZeroAddress)).to.be.revertedWithCustomError(registry, "DeviceZeroAddress");
      await expect(registry.setMetadata(holds))
        .to.emit(registry, "MetadataSet")
        .withArgs(await holds.getAddress());
      expect(await registry.metadata()).to.equal(await holds.getAddress());
      expect(await registry.supportsInterface("0x49064906")).to.be.true;
    });
  });
});
