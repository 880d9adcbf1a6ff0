import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { latLngToCell } from "h3-js";
import { ethers } from "hardhat";
import { batchLeaf } from "../../oracle/codec";
import { makeDevice, nextEpoch } from "../helpers/devices";
import { DEADLINE, keyChange, lifeFixture, signChange, signLife, signOffer } from "../helpers/life";

describe("attacks: the life of a device", () => {
  describe("[A-D3] false or evaded denial, and positions", () => {
    it("[A-D3] a stranger has a device denied", async () => {
      const { registry, stranger, first } = await loadFixture(lifeFixture);
      await expect(registry.connect(stranger).onDisputeOpened(1, 1, first))
        .to.be.revertedWithCustomError(registry, "DeviceNotDisputes")
        .withArgs(stranger.address);
    });

    it("[A-D3] a disputed device goes on being paid to its owner", async () => {
      const { registry, disputes, holds, first } = await loadFixture(lifeFixture);
      await disputes.onDisputeOpened(1, 1, first);
      expect(await registry.payeeAt(1, first + 1n)).to.equal(await holds.accountOf(1, 1));
    });

    it("[A-D3] a position finer than resolution 7 is published", async () => {
      const { registry, alice } = await loadFixture(lifeFixture);
      const cell = BigInt(`0x${latLngToCell(47.3769, 8.5417, 8)}`);
      await expect(registry.connect(alice).assertLocation(1, cell))
        .to.be.revertedWithCustomError(registry, "DeviceCellInvalid")
        .withArgs(cell);
    });
  });

  describe("[A-D4] keys that are cloned or come back", () => {
    async function rotation() {
      const f = await lifeFixture();
      const next = makeDevice();
      const terms = { deviceId: 1n, owner: f.alice.address, old: f.box, box: next };
      return { ...f, next, change: await keyChange(f.registry, "rotate", terms) };
    }

    it("[A-D4] an owner clones a key without the maker", async () => {
      const { registry, alice, next, change } = await loadFixture(rotation);
      const own = await signChange(registry, alice, alice.address, change, next.keyHash);
      await expect(registry.connect(alice).rotate(change, own)).to.be.revertedWithCustomError(
        registry,
        "DeviceConsentWrong",
      );
      expect(await registry.deviceOfKey(next.keyHash)).to.equal(0n);
    });

    it("[A-D4] a key that ended returns by rotation", async () => {
      const { registry, maker, alice, box, next, change } = await loadFixture(rotation);
      const own = registry.connect(alice);
      await own.rotate(change, await signChange(registry, maker, alice.address, change, next.keyHash));
      const back = await keyChange(registry, "rotate", { deviceId: 1n, owner: alice.address, old: next, box });
      await expect(own.rotate(back, await signChange(registry, maker, alice.address, back, box.keyHash)))
        .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
        .withArgs(box.keyHash, 1);
    });

    it("[A-D4] a cheap box lifts a device of a dear model", async () => {
      const { registry, makers, maker, alice, box } = await loadFixture(lifeFixture);
      const spare = makeDevice();
      await makers.certifyModel(maker.address, 1, 1, 1, 0, "Cheap");
      await makers.connect(maker).postBatch(2, batchLeaf(spare.serialHash, spare.keyHash), 1, ethers.ZeroHash);
      const change = await keyChange(registry, "replace", { deviceId: 1n, owner: alice.address, old: box, box: spare });
      await expect(registry.connect(alice).replace(change, 1 + 1, 0, spare.serialHash, []))
        .to.be.revertedWithCustomError(registry, "DeviceModelWrong")
        .withArgs(1, 2);
    });
  });

  describe("[A-D9] escape from a dispute, rights that outlive their end", () => {
    async function disputed() {
      const f = await lifeFixture();
      await f.disputes.onDisputeOpened(1, 1, f.first);
      return f;
    }

    it("[A-D9] a disputed device is sold", async () => {
      const { registry, alice, bob } = await loadFixture(disputed);
      await expect(registry.connect(alice).transferFrom(alice, bob, 1))
        .to.be.revertedWithCustomError(registry, "DeviceInDispute")
        .withArgs(1, 1);
    });

    it("[A-D9] the payee of a disputed device is changed", async () => {
      const { registry, alice, bob } = await loadFixture(disputed);
      await expect(registry.connect(alice).setPayee(1, bob))
        .to.be.revertedWithCustomError(registry, "DeviceInDispute")
        .withArgs(1, 1);
    });

    it("[A-D9] a recovery that was vetoed is played again", async () => {
      const { registry, alice, stranger, box } = await loadFixture(lifeFixture);
      const signature = await signLife(registry, box, "recover", { deviceId: 1n, account: stranger.address });
      const play = () => registry.requestRecovery(1, stranger, DEADLINE, box.key, signature);
      await play();
      await registry.connect(alice).veto(1);
      await expect(play()).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      await nextEpoch(registry, 20);
      await expect(registry.completeRecovery(1)).to.be.revertedWithCustomError(registry, "DeviceRequestUnknown");
    });
  });

  describe("[A-D10] a receiver that re-enters", () => {
    it("[A-D10] it hands the device back inside onERC721Received and accepts it by the offer of before", async () => {
      const { registry, alice, box } = await loadFixture(lifeFixture);
      const receiver = await ethers.deployContract("DeviceReceiver__Reentering");
      const to = await receiver.getAddress();
      const offer = await signOffer(registry, alice, 1n, to);
      const signature = await signLife(registry, box, "accept", { deviceId: 1n, account: to });
      await receiver.prepare(registry.interface.encodeFunctionData("accept", [1, DEADLINE, offer, box.key, signature]));
      await registry.connect(alice)["safeTransferFrom(address,address,uint256)"](alice, to, 1);
      expect(await receiver.replayed()).to.be.false;
      expect(await registry.ownerOf(1)).to.equal(alice.address);
      expect(await registry.transfersOf(1)).to.equal(2n);
    });
  });
});
