import { loadFixture, setStorageAt, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { encodeBytes32String, id, toBeHex, zeroPadValue } from "ethers";
import { artifacts, ethers } from "hardhat";
import { encodeSettlement, type Hex, type Settlement, settlementId } from "../../../oracle/codec";
import type { SettlementOracle } from "../../../typechain-types";
import {
  asContract,
  committeeOf,
  deploySettlement,
  endEpoch,
  epochEnd,
  expectRefused,
  finalise,
  identityOf,
  metadataOf,
  NO_POINTS,
  PERIODS,
  report,
  settlementFor,
  type SettlementWorld,
  signedReport,
} from "../../helpers/settlement";

const NONE = 0n;
const PENDING = 1n;
const FINAL = 2n;

/** Two sub-networks, reporters set, and a distributor that only says what it is told. */
async function fixture() {
  const world = await deploySettlement();
  const [admin, guardian, stranger] = await ethers.getSigners();
  return {
    ...world,
    admin: admin!,
    guardian: guardian!,
    stranger: stranger!,
    asGuardian: world.oracle.connect(guardian!),
  };
}

/** The same, where payments go to a mock that emits what it was told. */
async function mockedFixture() {
  const world = await fixture();
  const mock = await ethers.deployContract("RewardDistributor__MockForSettlement");
  const oracle = await ethers.deployContract("SettlementOracle", await constructorOf(world));
  await oracle.setReporter(1, identityOf(world.forwarder, world.committee));
  return { ...world, oracle, mock, asGuardian: oracle.connect(world.guardian) };
}

async function constructorOf(
  world: SettlementWorld,
  fields: Partial<Record<keyof typeof PERIODS, number>> = {},
): Promise<[string, number, number, number, number, number, number, number, number]> {
  const p = { ...PERIODS, ...fields };
  return [
    world.manager.target as string,
    world.genesis,
    p.epochLength,
    p.termLength,
    p.window,
    p.minWindow,
    p.maxWindow,
    p.resettlePeriod,
    p.maxPause,
  ];
}

/** id, deadline and status of (subNetwork, epoch). */
async function expectStatus(oracle: SettlementOracle, s: Settlement, status: bigint): Promise<void> {
  const stored = await oracle.settlementOf(s.subNetwork, s.epoch);
  expect(stored.status).to.equal(status);
  expect(stored.id).to.equal(status === NONE ? 0n : settlementId(s));
  if (status === NONE) expect(stored.deadline).to.equal(0n);
}

async function expectHead(
  oracle: SettlementOracle,
  subNetwork: number,
  s: Settlement | undefined,
  attempt: number,
): Promise<void> {
  const head = await oracle.headOf(subNetwork);
  expect([head.id, head.epoch, head.attempt]).to.deep.equal([
    s === undefined ? 0n : settlementId(s),
    BigInt(s?.epoch ?? 0),
    BigInt(attempt),
  ]);
}

describe("SettlementOracle", () => {
  describe("constructor", () => {
    for (const [name, fields, value] of [
      ["termLength", { termLength: 0 }, 0],
      ["minWindow", { minWindow: 0 }, 0],
      ["minWindow", { minWindow: 7_201 }, 7_201],
      ["window", { window: 599 }, 599],
      ["window", { window: 7_201 }, 7_201],
      ["resettlePeriod", { resettlePeriod: 86_400 + 2 * 7_200 - 1 }, 86_400 + 2 * 7_200 - 1],
    ] as const) {
      it(`when ${name} is ${value}, it reverts`, async () => {
        const world = await loadFixture(fixture);
        const args = await constructorOf(world, fields);
        await expect(ethers.deployContract("SettlementOracle", args))
          .to.be.revertedWithCustomError(world.oracle, "SettlementBadParameter")
          .withArgs(encodeBytes32String(name), value);
      });
    }

    it("when all are at their bounds, it keeps them", async () => {
      const world = await loadFixture(fixture);
      const fields = { window: 7_200, minWindow: 7_200, resettlePeriod: 86_400 + 2 * 7_200 };
      const oracle = await ethers.deployContract("SettlementOracle", await constructorOf(world, fields));
      expect(await oracle.window()).to.equal(7_200);
      expect(await oracle.minWindow()).to.equal(7_200);
      expect(await oracle.maxWindow()).to.equal(7_200);
      expect(await oracle.resettlePeriod()).to.equal(100_800);
      expect(await oracle.termLength()).to.equal(4);
    });
  });

  describe("onReport", () => {
    it("given the entry point is paused, it reverts; when the pause ends, the same report is taken", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      const entry = world.oracle.getFunction("onReport").fragment.selector;
      await world.asGuardian.pause(entry);
      const until = await world.oracle.pausedUntil(entry);
      await expectRefused(world, s, "GuardedPaused", [entry, until]);
      await time.increaseTo(until);
      await report(world, 1, 1);
      await expectStatus(world.oracle, s, PENDING);
    });

    it("when the payload is not one settlement of 384 bytes, it reverts", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const payload = encodeSettlement(await settlementFor(world, 1, 1));
      const metadata = metadataOf(signedReport(world.committee, payload));
      const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
      for (const wrong of ["0x", payload.slice(0, -2), `${payload}00`, `${payload}${"00".repeat(32)}`]) {
        await expect(forwarder.onReport.staticCall(metadata, wrong))
          .to.be.revertedWithCustomError(world.oracle, "SettlementMalformed")
          .withArgs((wrong.length - 2) / 2);
      }
      await forwarder.onReport.staticCall(metadata, payload);
    });

    const WIDTHS = [2, 8, 20, 2, 4, 4, 2, 26, 8];
    WIDTHS.forEach((width, word) => {
      it(`when word ${word} has a bit above its ${width} bytes, it reverts`, async () => {
        const world = await loadFixture(fixture);
        await endEpoch(world, 1);
        const payload = encodeSettlement(await settlementFor(world, 1, 1));
        const metadata = metadataOf(signedReport(world.committee, payload));
        const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
        for (const bit of [8 * width, 255]) {
          const dirty = BigInt(payload) | (1n << BigInt(256 * (11 - word) + bit));
          await expect(forwarder.onReport.staticCall(metadata, zeroPadValue(toBeHex(dirty), 384)))
            .to.be.revertedWithCustomError(world.oracle, "SettlementMalformed")
            .withArgs(384);
        }
      });
    });

    it("when the identity is another sub-network's, it reverts", async () => {
      const world = await loadFixture(fixture);
      const other = committeeOf(4, 1, "other");
      await world.oracle.setReporter(3, identityOf(world.forwarder, other));
      await endEpoch(world, 1);
      await expectRefused(world, await settlementFor(world, 3, 1), "ReporterUnknown", [
        3,
        world.forwarder.target,
        world.committee.workflowOwner,
        world.committee.workflowName,
      ]);
    });

    it("when schema, chain or receiver differ, it reverts", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      for (const wrong of [{ schema: 2 }, { chainId: 137n }, { receiver: world.distributor.target as string }]) {
        const bad = { ...s, ...wrong };
        await expectRefused(world, bad, "SettlementWrongDomain", [bad.schema, bad.chainId, bad.receiver]);
      }
    });

    it("when validUntil has passed, it reverts; at that second it takes it", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const validUntil = BigInt(await time.latest()) + 100n;
      const s = await settlementFor(world, 1, 1, { validUntil });
      const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
      const metadata = metadataOf(signedReport(world.committee, encodeSettlement(s)));
      await time.setNextBlockTimestamp(validUntil + 1n);
      await expect(forwarder.onReport(metadata, encodeSettlement(s)))
        .to.be.revertedWithCustomError(world.oracle, "SettlementExpired")
        .withArgs(validUntil, validUntil + 1n);
      const retry = { ...s, validUntil: validUntil + 10n };
      await time.setNextBlockTimestamp(validUntil + 10n);
      await forwarder.onReport(metadata, encodeSettlement(retry));
      await expectStatus(world.oracle, s, PENDING);
    });

    it("when the term is not epoch ÷ termLength, it reverts", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 4);
      for (const term of [0, 2]) {
        await expectRefused(world, await settlementFor(world, 1, 4, { term }), "SettlementWrongTerm", [term, 1]);
      }
      await report(world, 1, 4);
    });

    it("when the epoch has not ended, it reverts; at its end it takes it", async () => {
      const world = await loadFixture(fixture);
      const s = await settlementFor(world, 1, 1);
      await time.increaseTo(epochEnd(world, 1) - 10);
      await expectRefused(world, s, "SettlementEpochNotEnded", [1, epochEnd(world, 1)]);
      const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
      const metadata = metadataOf(signedReport(world.committee, encodeSettlement(s)));
      await time.setNextBlockTimestamp(epochEnd(world, 1) - 1);
      await expect(forwarder.onReport(metadata, encodeSettlement(s))).to.be.revertedWithCustomError(
        world.oracle,
        "SettlementEpochNotEnded",
      );
      await time.setNextBlockTimestamp(epochEnd(world, 1));
      await forwarder.onReport(metadata, encodeSettlement(s));
      await expectStatus(world.oracle, s, PENDING);
    });

    it("when the epoch is not after the head's, it reverts", async () => {
      const world = await loadFixture(fixture);
      await report(world, 1, 3);
      for (const epoch of [1, 2, 3]) {
        await expectRefused(world, await settlementFor(world, 1, epoch), "SettlementEpochNotAfterHead", [epoch, 3]);
      }
    });

    it("when the epoch is 0, it reverts: nothing earns in it", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 0);
      await expectRefused(world, await settlementFor(world, 1, 0), "SettlementEpochNotAfterHead", [0, 0]);
      expect(await world.oracle.isSettleable(1, 0)).to.equal(false);
    });

    it("when the window would end after resettleBy, it reverts; to the second it takes it", async () => {
      const world = await loadFixture(fixture);
      const resettleBy = epochEnd(world, 1) + PERIODS.resettlePeriod;
      expect(await world.oracle.resettleBy(1)).to.equal(resettleBy);
      const last = resettleBy - PERIODS.window;
      const s = await settlementFor(world, 1, 1);
      const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
      const metadata = metadataOf(signedReport(world.committee, encodeSettlement(s)));
      const snapshot = await ethers.provider.send("evm_snapshot", []);
      await time.setNextBlockTimestamp(last + 1);
      await expect(forwarder.onReport(metadata, encodeSettlement(s)))
        .to.be.revertedWithCustomError(world.oracle, "SettlementTooLate")
        .withArgs(1, resettleBy);
      await ethers.provider.send("evm_revert", [snapshot]);
      await time.setNextBlockTimestamp(last);
      await forwarder.onReport(metadata, encodeSettlement(s));
      expect((await world.oracle.settlementOf(1, 1)).deadline).to.equal(resettleBy);
    });

    it("when the attempt differs, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await world.asGuardian.cancel(s, 0);
      for (const attempt of [0, 2]) {
        await expectRefused(world, await settlementFor(world, 1, 1, { attempt }), "SettlementWrongAttempt", [
          attempt,
          1,
        ]);
      }
    });

    it("when the parent is not the head, it reverts", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      await endEpoch(world, 3);
      for (const parent of [0n, settlementId(first), settlementId(second) + 1n]) {
        await expectRefused(world, await settlementFor(world, 1, 3, { parent }), "SettlementWrongParent", [
          parent,
          settlementId(second),
        ]);
      }
    });

    it("when all is right, it stores record and head and emits the payload", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      const signed = signedReport(world.committee, encodeSettlement(s));
      const at = (await time.latest()) + 10;
      await time.setNextBlockTimestamp(at);
      const payload = Object.values(s);
      await expect(
        world.forwarder.report(world.oracle.target, signed.raw, signed.context, signed.signatures, {
          gasLimit: 500_000,
        }),
      )
        .to.emit(world.oracle, "SettlementReported")
        .withArgs(1, 1, settlementId(s), payload, at + PERIODS.window);
      expect(await world.oracle.settlementOf(1, 1)).to.deep.equal([
        settlementId(s),
        BigInt(at + PERIODS.window),
        PENDING,
      ]);
      await expectHead(world.oracle, 1, s, 0);
      await expectHead(world.oracle, 2, undefined, 0);
      expect(await world.oracle.idOf(s)).to.equal(settlementId(s));
      expect(await world.oracle.idOf({ ...s, validUntil: 1n })).to.equal(settlementId(s));
      expect(await world.oracle.idOf({ ...s, epoch: 2 })).to.equal(settlementId({ ...s, epoch: 2 }));
    });
  });

  describe("finalise", () => {
    it("when nothing is pending, it reverts", async () => {
      const { oracle, ...world } = await loadFixture(fixture);
      const s = await settlementFor({ oracle, ...world }, 1, 1);
      await expect(oracle.finalise(s, 0)).to.be.revertedWithCustomError(oracle, "SettlementNotPending").withArgs(1, 1);
    });

    it("when the payload is another, it reverts; another validUntil is the same", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const { deadline } = await world.oracle.settlementOf(1, 1);
      await time.increaseTo(deadline);
      const other = { ...s, payoutsRoot: id("other") as Hex };
      await expect(world.oracle.finalise(other, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWrongPayload")
        .withArgs(settlementId(other), settlementId(s));
      await expect(world.oracle.finalise({ ...s, validUntil: 0n }, 0))
        .to.emit(world.oracle, "SettlementFinalised")
        .withArgs(1, 1, settlementId(s));
    });

    it("when the window is open, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const { deadline } = await world.oracle.settlementOf(1, 1);
      await time.setNextBlockTimestamp(deadline - 1n);
      await expect(world.oracle.finalise(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWindowOpen")
        .withArgs(deadline);
      await time.setNextBlockTimestamp(deadline);
      await world.oracle.finalise(s, 0);
      await expectStatus(world.oracle, s, FINAL);
    });

    it("when the parent is not final, or not the one named, it reverts", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      const { deadline } = await world.oracle.settlementOf(1, 2);
      await time.increaseTo(deadline);
      for (const parentEpoch of [0, 1, 2, 3]) {
        await expect(world.oracle.finalise(second, parentEpoch))
          .to.be.revertedWithCustomError(world.oracle, "SettlementParentNotFinal")
          .withArgs(1, parentEpoch);
      }
      for (const parentEpoch of [1, 2]) {
        await expect(world.oracle.finalise(first, parentEpoch)).to.be.revertedWithCustomError(
          world.oracle,
          "SettlementParentNotFinal",
        );
      }
      await world.oracle.finalise(first, 0);
      await expect(world.oracle.finalise(second, 0)).to.be.revertedWithCustomError(
        world.oracle,
        "SettlementParentNotFinal",
      );
      await world.oracle.finalise(second, 1);
      await expectStatus(world.oracle, second, FINAL);
      expect(await world.oracle.finalEpochOf(1)).to.equal(2);
    });

    it("when no distributor is set, it reverts; once it is, it finalises", async () => {
      const world = await loadFixture(mockedFixture);
      const s = await report(world, 1, 1);
      await time.increase(PERIODS.window);
      expect(await world.oracle.distributorOf(0)).to.equal(ethers.ZeroAddress);
      await expect(world.oracle.finalise(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementNoDistributor")
        .withArgs(0);
      await world.oracle.setDistributor(world.mock.target);
      await expect(world.oracle.finalise(s, 0)).to.emit(world.mock, "Settled").withArgs(1, 0, 1, s.payoutsRoot, true);
    });

    it("when there are no points, it says so", async () => {
      const world = await loadFixture(mockedFixture);
      await world.oracle.setDistributor(world.mock.target);
      const s = await report(world, 1, 1, NO_POINTS);
      await time.increase(PERIODS.window);
      await expect(world.oracle.finalise(s, 0)).to.emit(world.mock, "Settled").withArgs(1, 0, 1, s.payoutsRoot, false);
    });

    it("when it is final, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await finalise(world, s, 0);
      await expect(world.oracle.finalise(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementNotPending")
        .withArgs(1, 1);
    });
  });

  describe("cancel", () => {
    it("when the caller is not the guardian, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      for (const caller of [world.stranger, world.admin]) {
        await expect(world.oracle.connect(caller).cancel(s, 0))
          .to.be.revertedWithCustomError(world.oracle, "AccessManagedUnauthorized")
          .withArgs(caller.address);
      }
    });

    it("when it is the chain's, it moves the head to its parent and raises the attempt", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      await expect(world.asGuardian.cancel(second, 1))
        .to.emit(world.oracle, "SettlementCancelled")
        .withArgs(1, 2, settlementId(second), world.guardian.address, 1);
      await expectHead(world.oracle, 1, first, 1);
      await expectStatus(world.oracle, first, PENDING);
      await expectStatus(world.oracle, second, NONE);
      expect(await world.oracle.isGuardianSpent(1)).to.equal(true);
      expect(await world.oracle.isGuardianSpent(2)).to.equal(false);
      const again = await report(world, 1, 2);
      expect(again.attempt).to.equal(1);
      await finalise(world, first, 0);
      await finalise(world, again, 1);
      await expectStatus(world.oracle, again, FINAL);
    });

    it("when it is the first of a sub-network, the head becomes empty", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 2);
      await world.asGuardian.cancel(s, 0);
      await expectHead(world.oracle, 1, undefined, 1);
      const earlier = await report(world, 1, 1);
      await finalise(world, earlier, 0);
      await expectStatus(world.oracle, earlier, FINAL);
    });

    it("when the guardian is spent, it reverts; another sub-network has its own", async () => {
      const world = await loadFixture(fixture);
      await world.asGuardian.cancel(await report(world, 1, 1), 0);
      const again = await report(world, 1, 1);
      await expect(world.asGuardian.cancel(again, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementGuardianSpent")
        .withArgs(1);
      await world.asGuardian.cancel(await report(world, 2, 1), 0);
    });

    it("when an older settlement becomes final, the guardian stays spent; when one reported since does, it is free", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      await world.asGuardian.cancel(second, 1);
      await finalise(world, first, 0);
      expect(await world.oracle.isGuardianSpent(1)).to.equal(true);
      const again = await report(world, 1, 2);
      await finalise(world, again, 1);
      expect(await world.oracle.isGuardianSpent(1)).to.equal(false);
      await world.asGuardian.cancel(await report(world, 1, 3), 2);
      await expectHead(world.oracle, 1, again, 2);
    });

    it("when nothing is pending or the payload is another, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const other = { ...s, payoutsRoot: id("other") as Hex };
      await expect(world.asGuardian.cancel(other, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWrongPayload")
        .withArgs(settlementId(other), settlementId(s));
      await expect(world.asGuardian.cancel({ ...s, epoch: 2 }, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementNotPending")
        .withArgs(1, 2);
    });

    it("when parentEpoch is not the parent's, it reverts", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 2);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      for (const [parentEpoch, found] of [
        [0, 0n],
        [2, settlementId(second)],
        [3, 0n],
      ] as const) {
        await expect(world.asGuardian.cancel(second, parentEpoch))
          .to.be.revertedWithCustomError(world.oracle, "SettlementWrongParent")
          .withArgs(settlementId(first), found);
      }
      await expect(world.asGuardian.cancel(first, 1))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWrongParent")
        .withArgs(0, settlementId(first));
      // A head of no settlement stands at epoch 0, and at no other.
      await expect(world.asGuardian.cancel(first, 3))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWrongParent")
        .withArgs(0, 0);
    });

    it("when the window is over, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const { deadline } = await world.oracle.settlementOf(1, 1);
      const snapshot = await ethers.provider.send("evm_snapshot", []);
      await time.setNextBlockTimestamp(deadline);
      await expect(world.asGuardian.cancel(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWindowClosed")
        .withArgs(deadline);
      await ethers.provider.send("evm_revert", [snapshot]);
      await time.setNextBlockTimestamp(deadline - 1n);
      await world.asGuardian.cancel(s, 0);
      await expectStatus(world.oracle, s, NONE);
    });
  });

  describe("cancelByVote", () => {
    it("when the caller is not the timelock, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await expect(world.asGuardian.cancelByVote(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "AccessManagedUnauthorized")
        .withArgs(world.guardian.address);
    });

    it("when the window is over, it cancels what is not final", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await time.increase(2 * PERIODS.window);
      await expect(world.oracle.cancelByVote(s, 0))
        .to.emit(world.oracle, "SettlementCancelled")
        .withArgs(1, 1, settlementId(s), world.admin.address, 1);
      await expectStatus(world.oracle, s, NONE);
    });

    it("when it is final, it reverts", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await finalise(world, s, 0);
      await expect(world.oracle.cancelByVote(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementNotPending")
        .withArgs(1, 1);
    });

    it("gives the guardian its cancel back", async () => {
      const world = await loadFixture(fixture);
      await world.asGuardian.cancel(await report(world, 1, 1), 0);
      await world.oracle.cancelByVote(await report(world, 1, 1), 0);
      expect(await world.oracle.isGuardianSpent(1)).to.equal(false);
      await world.asGuardian.cancel(await report(world, 1, 1), 0);
      await expectHead(world.oracle, 1, undefined, 3);
    });

    it("when the attempts are used up, it reverts", async () => {
      const world = await loadFixture(fixture);
      const slot = await headSlot(world.oracle, 1);
      await setStorageAt(world.oracle.target as string, slot, ((1n << 14n) - 1n) << 240n);
      await expectHead(world.oracle, 1, undefined, (1 << 14) - 1);
      const s = await report(world, 1, 1);
      await expectStatus(world.oracle, s, PENDING);
      await expect(world.oracle.cancelByVote(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementTooManyAttempts")
        .withArgs(1);
    });
  });

  describe("orphans", () => {
    /** 1 ← 2 ← 3 ← 4, and 2 is cancelled: 3 and 4 are left behind. */
    async function orphaned() {
      const world = await fixture();
      const chain: Settlement[] = [];
      for (const epoch of [1, 2, 3, 4]) chain.push(await report(world, 1, epoch));
      await world.oracle.cancelByVote(chain[1]!, 1);
      return { world, chain };
    }

    it("reads as None, and is neither finalised nor cancelled, above the head", async () => {
      const { world, chain } = await loadFixture(orphaned);
      const [first, , third, fourth] = chain as [Settlement, Settlement, Settlement, Settlement];
      await expectHead(world.oracle, 1, first, 1);
      await expectStatus(world.oracle, first, PENDING);
      await finalise(world, first, 0);
      await time.increase(2 * PERIODS.window);
      for (const [orphan, parentEpoch] of [
        [third, 2],
        [fourth, 3],
      ] as const) {
        await expectStatus(world.oracle, orphan, NONE);
        for (const call of [world.oracle.finalise, world.oracle.cancelByVote]) {
          await expect(call(orphan, parentEpoch))
            .to.be.revertedWithCustomError(world.oracle, "SettlementNotPending")
            .withArgs(1, orphan.epoch);
        }
      }
    });

    it("the same below a new head that skipped its epoch", async () => {
      const { world, chain } = await loadFixture(orphaned);
      const [first, , third, fourth] = chain as [Settlement, Settlement, Settlement, Settlement];
      const fifth = await report(world, 1, 5);
      await finalise(world, first, 0);
      await finalise(world, fifth, 1);
      for (const [orphan, parentEpoch] of [
        [third, 2],
        [fourth, 3],
      ] as const) {
        await expectStatus(world.oracle, orphan, NONE);
        expect(await world.oracle.isSettleable(1, orphan.epoch)).to.equal(false);
        for (const call of [world.oracle.finalise, world.oracle.cancelByVote]) {
          await expect(call(orphan, parentEpoch)).to.be.revertedWithCustomError(world.oracle, "SettlementNotPending");
        }
      }
      await expectHead(world.oracle, 1, fifth, 1);
    });

    it("is overwritten by a report of its epoch", async () => {
      const { world, chain } = await loadFixture(orphaned);
      const again = await report(world, 1, 3);
      expect(settlementId(again)).to.not.equal(settlementId(chain[2]!));
      await expectStatus(world.oracle, again, PENDING);
      await finalise(world, chain[0]!, 0);
      await finalise(world, again, 1);
      await expectStatus(world.oracle, again, FINAL);
      await expectStatus(world.oracle, chain[3]!, NONE);
    });

    it("leaves what was reported before the cut, through several cuts", async () => {
      const { world, chain } = await loadFixture(orphaned);
      const again = await report(world, 1, 2);
      await world.oracle.cancelByVote(again, 1);
      const third = await report(world, 1, 3);
      await expectStatus(world.oracle, chain[0]!, PENDING);
      await expectStatus(world.oracle, third, PENDING);
      await expectStatus(world.oracle, chain[3]!, NONE);
      await world.oracle.cancelByVote(chain[0]!, 0);
      await expectStatus(world.oracle, third, NONE);
      await expectHead(world.oracle, 1, undefined, 3);
    });
  });

  describe("isSettleable", () => {
    it("when pending, it is; when final, it is not", async () => {
      const world = await loadFixture(fixture);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(true);
      const s = await report(world, 1, 1);
      await time.increaseTo(await world.oracle.resettleBy(1));
      expect(await world.oracle.isSettleable(1, 1)).to.equal(true);
      await finalise(world, s, 0);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(false);
    });

    it("when skipped by a pending head, it is; once a later epoch is final, it is not", async () => {
      const world = await loadFixture(fixture);
      const third = await report(world, 1, 3);
      expect(await world.oracle.isSettleable(1, 2)).to.equal(true);
      expect(await world.oracle.isSettleable(1, 4)).to.equal(true);
      await finalise(world, third, 0);
      for (const [epoch, settleable] of [
        [1, false],
        [2, false],
        [3, false],
        [4, true],
      ] as const) {
        expect(await world.oracle.isSettleable(1, epoch)).to.equal(settleable);
      }
    });

    it("when the shortest window no longer fits, it is not, whatever the window is", async () => {
      const world = await loadFixture(fixture);
      const last = epochEnd(world, 1) + PERIODS.resettlePeriod - PERIODS.minWindow;
      await time.increaseTo(last);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(true);
      await time.increaseTo(last + 1);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(false);
      await world.oracle.setWindow(PERIODS.minWindow);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(false);
      await expectRefused(world, await settlementFor(world, 1, 1), "SettlementTooLate", [
        1,
        epochEnd(world, 1) + PERIODS.resettlePeriod,
      ]);
    });

    it("when cancelled in time, it is, and so is an orphan's epoch", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 2);
      const first = await report(world, 1, 1);
      await report(world, 1, 2);
      await world.asGuardian.cancel(first, 0);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(true);
      expect(await world.oracle.isSettleable(1, 2)).to.equal(true);
      await time.increaseTo(epochEnd(world, 2) + PERIODS.resettlePeriod);
      expect(await world.oracle.isSettleable(1, 1)).to.equal(false);
      expect(await world.oracle.isSettleable(1, 2)).to.equal(false);
    });
  });

  describe("setWindow", () => {
    it("when the caller is not the timelock, it reverts", async () => {
      const world = await loadFixture(fixture);
      await expect(world.asGuardian.setWindow(PERIODS.minWindow)).to.be.revertedWithCustomError(
        world.oracle,
        "AccessManagedUnauthorized",
      );
    });

    it("when it is out of bounds, it reverts", async () => {
      const world = await loadFixture(fixture);
      for (const seconds of [PERIODS.minWindow - 1, PERIODS.maxWindow + 1]) {
        await expect(world.oracle.setWindow(seconds))
          .to.be.revertedWithCustomError(world.oracle, "SettlementBadParameter")
          .withArgs(encodeBytes32String("window"), seconds);
      }
    });

    it("counts for later reports only", async () => {
      const world = await loadFixture(fixture);
      await report(world, 1, 1);
      const before = (await world.oracle.settlementOf(1, 1)).deadline;
      await expect(world.oracle.setWindow(PERIODS.maxWindow))
        .to.emit(world.oracle, "WindowSet")
        .withArgs(PERIODS.maxWindow);
      expect((await world.oracle.settlementOf(1, 1)).deadline).to.equal(before);
      await report(world, 1, 2);
      expect((await world.oracle.settlementOf(1, 2)).deadline).to.equal((await time.latest()) + PERIODS.maxWindow);
    });
  });

  describe("setDistributor", () => {
    it("when it is zero or the caller is not the timelock, it reverts", async () => {
      const world = await loadFixture(fixture);
      await expect(world.oracle.setDistributor(ethers.ZeroAddress))
        .to.be.revertedWithCustomError(world.oracle, "SettlementBadParameter")
        .withArgs(encodeBytes32String("distributor"), 0);
      await expect(world.asGuardian.setDistributor(world.guardian.address)).to.be.revertedWithCustomError(
        world.oracle,
        "AccessManagedUnauthorized",
      );
    });

    it("the first counts at once, the next from the next term", async () => {
      const world = await loadFixture(mockedFixture);
      await expect(world.oracle.setDistributor(world.distributor.target))
        .to.emit(world.oracle, "DistributorSet")
        .withArgs(world.distributor.target, 0);
      await expect(world.oracle.setDistributor(world.mock.target))
        .to.emit(world.oracle, "DistributorSet")
        .withArgs(world.mock.target, 1);
      expect(await world.oracle.distributorOf(0)).to.equal(world.distributor.target);
      expect(await world.oracle.distributorOf(1)).to.equal(world.mock.target);
      await world.distributor.setOracle(world.oracle.target);
      const third = await report(world, 1, 3);
      const fourth = await report(world, 1, 4);
      // Finalised in term 1, but paid where the pot of term 0 lives.
      await expect(finalise(world, third, 0)).to.not.be.reverted;
      expect((await world.distributor.potOf(1n << 32n)).root).to.equal(third.payoutsRoot);
      await time.increase(PERIODS.window);
      await expect(world.oracle.finalise(fourth, 3))
        .to.emit(world.mock, "Settled")
        .withArgs(1, 1, 4, fourth.payoutsRoot, true);
    });
  });
});

/** Storage slot of the head of a sub-network: the mapping is found by the slot that a report changes. */
async function headSlot(oracle: SettlementOracle, subNetwork: number): Promise<string> {
  const { storageLayout } = await layoutOf();
  const entry = storageLayout.find((v) => v.label === "_heads");
  if (entry === undefined) throw new Error(`no _heads in ${oracle.target as string}`);
  return ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(["uint16", "uint256"], [subNetwork, entry.slot]));
}

async function layoutOf(): Promise<{ storageLayout: { label: string; slot: string }[] }> {
  const name = "contracts/settlement/SettlementOracle.sol";
  const info = await artifacts.getBuildInfo(`${name}:SettlementOracle`);
  const contract = info?.output.contracts[name]?.["SettlementOracle"] as
    { storageLayout?: { storage: { label: string; slot: string }[] } } | undefined;
  if (contract?.storageLayout === undefined) throw new Error("no storage layout");
  return { storageLayout: contract.storageLayout.storage };
}
