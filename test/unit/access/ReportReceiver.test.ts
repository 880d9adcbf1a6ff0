import { expect } from "chai";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";
import { workflowNameOf } from "../../../oracle/codec";

const LENGTH = 100;
const CHANNEL = 3;
const OWNER = ethers.getAddress("0x00000000000000000000000000000000000000aa");
const NAME = workflowNameOf("groundwork");

const metadata = (owner = OWNER, name: string = NAME): string =>
  ethers.concat([ethers.id("any build"), name, owner, "0x0001"]);

async function fixture() {
  const [admin, forwarder, other] = await ethers.getSigners();
  if (!admin || !forwarder || !other) throw new Error("accounts");
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const receiver = await ethers.deployContract("ReportReceiverHarness", [await manager.getAddress(), 0, LENGTH]);
  const genesis = await time.latest();
  const identity = { forwarder: forwarder.address, workflowOwner: OWNER, workflowName: NAME };
  return { receiver, manager, forwarder, other, genesis, identity };
}

describe("ReportReceiver", () => {
  describe("epochs", () => {
    it("when the length is zero, it reverts", async () => {
      const { receiver, manager } = await loadFixture(fixture);
      await expect(
        ethers.deployContract("ReportReceiverHarness", [await manager.getAddress(), 0, 0]),
      ).to.be.revertedWithCustomError(receiver, "EpochsZeroLength");
    });

    it("is epoch 0 before and in the first epoch, and rises at each boundary", async () => {
      const { receiver, manager, genesis } = await loadFixture(fixture);
      expect(await receiver.epochGenesis()).to.equal(genesis);
      expect(await receiver.epochLength()).to.equal(LENGTH);
      for (const [at, epoch] of [
        [genesis + LENGTH - 1, 0],
        [genesis + LENGTH, 1],
        [genesis + 2 * LENGTH - 1, 1],
        [genesis + 7 * LENGTH, 7],
      ] as const) {
        await time.increaseTo(at);
        expect(await receiver.currentEpoch()).to.equal(epoch);
      }
      const later = await ethers.deployContract("ReportReceiverHarness", [
        await manager.getAddress(),
        genesis + 100 * LENGTH,
        LENGTH,
      ]);
      expect(await later.currentEpoch()).to.equal(0);
    });
  });

  describe("setReporter", () => {
    it("when the caller is not the timelock, it reverts", async () => {
      const { receiver, other, identity } = await loadFixture(fixture);
      await expect(receiver.connect(other).setReporter(CHANNEL, identity))
        .to.be.revertedWithCustomError(receiver, "AccessManagedUnauthorized")
        .withArgs(other.address);
    });

    it("when the forwarder is zero, it reverts", async () => {
      const { receiver, identity } = await loadFixture(fixture);
      await expect(
        receiver.setReporter(CHANNEL, { ...identity, forwarder: ethers.ZeroAddress }),
      ).to.be.revertedWithCustomError(receiver, "ReporterZeroForwarder");
    });

    it("when no reporter is in force, it counts at once, on its channel only", async () => {
      const { receiver, forwarder, identity } = await loadFixture(fixture);
      await expect(receiver.setReporter(CHANNEL, identity))
        .to.emit(receiver, "ReporterScheduled")
        .withArgs(CHANNEL, forwarder.address, OWNER, NAME, 0);
      await receiver.connect(forwarder).onReport(metadata(), "0x0003");
      expect(await receiver.received()).to.equal(1);
      await expect(receiver.connect(forwarder).onReport(metadata(), "0x0004"))
        .to.be.revertedWithCustomError(receiver, "ReporterUnknown")
        .withArgs(4, forwarder.address, OWNER, NAME);
    });

    it("when one is in force, the next counts from the next epoch and the old one until then", async () => {
      const { receiver, forwarder, other, identity, genesis } = await loadFixture(fixture);
      await receiver.setReporter(CHANNEL, identity);
      await expect(receiver.setReporter(CHANNEL, { ...identity, forwarder: other.address }))
        .to.emit(receiver, "ReporterScheduled")
        .withArgs(CHANNEL, other.address, OWNER, NAME, 1);
      await receiver.connect(forwarder).onReport(metadata(), "0x0003");
      await expect(receiver.connect(other).onReport(metadata(), "0x0003")).to.be.revertedWithCustomError(
        receiver,
        "ReporterUnknown",
      );
      await time.increaseTo(genesis + LENGTH);
      await receiver.connect(other).onReport(metadata(), "0x0003");
      await expect(receiver.connect(forwarder).onReport(metadata(), "0x0003")).to.be.revertedWithCustomError(
        receiver,
        "ReporterUnknown",
      );
      expect(await receiver.received()).to.equal(2);
    });
  });

  describe("onReport", () => {
    it("when the metadata are shorter than 62 bytes, it reverts", async () => {
      const { receiver, forwarder, identity } = await loadFixture(fixture);
      await receiver.setReporter(CHANNEL, identity);
      await expect(receiver.connect(forwarder).onReport(ethers.dataSlice(metadata(), 0, 61), "0x0003"))
        .to.be.revertedWithCustomError(receiver, "ReportMetadataTooShort")
        .withArgs(61);
    });

    it("when caller, owner or name differ, it reverts", async () => {
      const { receiver, forwarder, other, identity } = await loadFixture(fixture);
      await receiver.setReporter(CHANNEL, identity);
      const tries = [
        [other, metadata()],
        [forwarder, metadata(other.address)],
        [forwarder, metadata(OWNER, workflowNameOf("other"))],
      ] as const;
      for (const [caller, meta] of tries) {
        await expect(receiver.connect(caller).onReport(meta, "0x0003")).to.be.revertedWithCustomError(
          receiver,
          "ReporterUnknown",
        );
      }
      expect(await receiver.received()).to.equal(0);
    });

    it("tells the forwarder that it is an IReceiver", async () => {
      const { receiver } = await loadFixture(fixture);
      const interfaceId = receiver.interface.getFunction("onReport")?.selector ?? "";
      expect(await receiver.supportsInterface(interfaceId)).to.equal(true);
      expect(await receiver.supportsInterface("0x01ffc9a7")).to.equal(true);
      expect(await receiver.supportsInterface("0xffffffff")).to.equal(false);
    });
  });

  it("a scheduled pointer: the first value counts at once, the next from the next epoch", async () => {
    const { receiver, genesis } = await loadFixture(fixture);
    const [a, b, c] = ["0xaa", "0xbb", "0xcc"].map((x) => ethers.getAddress(ethers.zeroPadValue(x, 20)));
    if (!a || !b || !c) throw new Error("addresses");
    expect(await receiver.pointer()).to.equal(ethers.ZeroAddress);
    await receiver.schedule(a);
    expect(await receiver.pointer()).to.equal(a);
    await receiver.schedule(b);
    expect(await receiver.pointer()).to.equal(a);
    await receiver.schedule(c); // takes the place of b, which never counted
    expect(await receiver.pointer()).to.equal(a);
    await time.increaseTo(genesis + LENGTH);
    expect(await receiver.pointer()).to.equal(c);
    await receiver.schedule(b);
    expect(await receiver.pointer()).to.equal(c);
    await time.increaseTo(genesis + 2 * LENGTH);
    expect(await receiver.pointer()).to.equal(b);
  });
});
