// Attacks on settlement and claims. Ids: docs/attacks.md; guards/<id>.json names the line that stops each.
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { concat, dataSlice, hashMessage, id, Signature, toBeHex, Wallet, ZeroAddress } from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";
import {
  encodeSettlement,
  type Hex,
  MerkleTree,
  payoutLeaf,
  potId,
  reportDigest,
  type Settlement,
  settlementId,
  signReport,
} from "../../oracle/codec";
import {
  asContract,
  committeeOf,
  deliver,
  deliverSettlement,
  deployForwarder,
  deploySettlement,
  endEpoch,
  epochEnd,
  expectRefused,
  finalise,
  GUARDIAN_ROLE,
  identityOf,
  metadataOf,
  PayoutTree,
  PERIODS,
  report,
  settled,
  settlementFor,
  signedReport,
} from "../helpers/settlement";

const ALICE = "0x00000000000000000000000000000000000000a1";
const BOB = "0x00000000000000000000000000000000000000b2";
const THIEF = ethers.getAddress("0x00000000000000000000000000000000000000fe");
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

async function fixture() {
  const world = await deploySettlement();
  const [, guardian, stranger] = await ethers.getSigners();
  return { ...world, stranger: stranger!, asGuardian: world.oracle.connect(guardian!) };
}

describe("attacks: settlement", () => {
  describe("O1: less than a quorum", () => {
    it("[A-O1] refuses f, f + 2, doubled, malleated, foreign and prefixed signatures", async () => {
      const world = await loadFixture(fixture);
      const { forwarder, committee, oracle } = world;
      await endEpoch(world, 1);
      const payload = encodeSettlement(await settlementFor(world, 1, 1));
      const send = (signatures: Hex[], { raw, context } = signed) =>
        forwarder.report(oracle.target, raw, context, signatures, { gasLimit: 1_000_000 });
      const signed = signedReport(committee, payload);
      const [first, second] = signed.signatures as [Hex, Hex];
      const digest = reportDigest(signed.raw, signed.context);
      const keys = committee.wallets.map((w) => w.privateKey);

      await expect(send([])).to.be.revertedWithCustomError(forwarder, "InvalidSignatureCount").withArgs(2, 0);
      await expect(send([first]))
        .to.be.revertedWithCustomError(forwarder, "InvalidSignatureCount")
        .withArgs(2, 1);
      await expect(send([first, second, signReport(keys[2]!, digest)]))
        .to.be.revertedWithCustomError(forwarder, "InvalidSignatureCount")
        .withArgs(2, 3);

      const signer = committee.wallets[0]!.address;
      const twin = concat([
        dataSlice(first, 0, 32),
        toBeHex(N - BigInt(dataSlice(first, 32, 64)), 32),
        toBeHex(1 - Number(dataSlice(first, 64)), 1),
      ]) as Hex;
      for (const copy of [first, twin]) {
        await expect(send([first, copy]))
          .to.be.revertedWithCustomError(forwarder, "DuplicateSigner")
          .withArgs(signer);
      }

      const stranger = new Wallet(id("stranger"));
      await expect(send([first, signReport(stranger.privateKey, digest)]))
        .to.be.revertedWithCustomError(forwarder, "InvalidSigner")
        .withArgs(stranger.address);
      const prefixed = Signature.from(committee.wallets[1]!.signingKey.sign(hashMessage(ethers.getBytes(digest))));
      const eip191 = concat([prefixed.r, prefixed.s, toBeHex(prefixed.yParity, 1)]) as Hex;
      await expect(send([first, eip191])).to.be.revertedWithCustomError(forwarder, "InvalidSigner");
      const v27 = concat([dataSlice(second, 0, 64), toBeHex(27 + Number(dataSlice(second, 64)), 1)]) as Hex;
      await expect(send([first, v27]))
        .to.be.revertedWithCustomError(forwarder, "InvalidSigner")
        .withArgs(ZeroAddress);

      const other = signedReport(committee, payload);
      await expect(send([first, second], other)).to.be.revertedWithCustomError(forwarder, "InvalidSigner");
      expect((await oracle.headOf(1)).id).to.equal(0n);
      expect((await deliver(forwarder, oracle.target as string, signed)).result).to.equal(true);
    });

    it("[A-O1] refuses a report that did not come through the reporter's forwarder", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      const signed = signedReport(world.committee, encodeSettlement(s));
      await expect(world.oracle.connect(world.stranger).onReport(metadataOf(signed), encodeSettlement(s)))
        .to.be.revertedWithCustomError(world.oracle, "ReporterUnknown")
        .withArgs(1, world.stranger.address, world.committee.workflowOwner, world.committee.workflowName);
      // The same committee, another forwarder: its signatures are good, its route is not.
      const second = await deployForwarder(world.committee);
      const { result } = await deliver(second, world.oracle.target as string, signed);
      expect(result).to.equal(false);
      expect((await world.oracle.headOf(1)).id).to.equal(0n);
      expect((await deliver(world.forwarder, world.oracle.target as string, signed)).result).to.equal(true);
    });

    it("[A-O1] refuses another workflow of the same DON", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      for (const header of [{ workflowOwner: THIEF }, { workflowName: "0x00112233445566778899" as Hex }]) {
        const args = [
          1,
          world.forwarder.target,
          header.workflowOwner ?? world.committee.workflowOwner,
          header.workflowName ?? world.committee.workflowName,
        ];
        await expectRefused(world, s, "ReporterUnknown", args, header);
      }
    });

    it("[A-O1] refuses a committee in which one key sits twice", async () => {
      const world = await loadFixture(fixture);
      const accounts = (await ethers.getSigners()).slice(5, 9);
      const registry = await ethers.deployContract("CommitteeRegistry", [
        world.manager.target,
        world.token.target,
        7,
        0,
        0,
      ]);
      const { wallets } = committeeOf(4, 1);
      const members = accounts.map((a, i) => ({ account: a.address, signer: wallets[i]!.address, endpoint: "" }));
      members[3]!.signer = members[0]!.signer;
      await expect(registry.setCommittee(1, members))
        .to.be.revertedWithCustomError(registry, "CommitteeBadSigner")
        .withArgs(members[0]!.signer);
    });
  });

  describe("O2: a second settlement for one epoch", () => {
    it("[A-O2] refuses it, with other content and with the same", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const other = await settlementFor(world, 1, 1, { payoutsRoot: id("other") as Hex });
      await expectRefused(world, other, "SettlementEpochNotAfterHead", [1, 1]);
      await expectRefused(world, s, "SettlementEpochNotAfterHead", [1, 1]);
      await finalise(world, s, 0);
      await expectRefused(world, other, "SettlementEpochNotAfterHead", [1, 1]);
      expect((await world.oracle.settlementOf(1, 1)).id).to.equal(settlementId(s));
    });

    it("[A-O2] refuses the same bytes again", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const signed = signedReport(world.committee, encodeSettlement(await settlementFor(world, 1, 1)));
      const receiver = world.oracle.target as string;
      expect((await deliver(world.forwarder, receiver, signed)).result).to.equal(true);
      await expect(
        world.forwarder.report(receiver, signed.raw, signed.context, signed.signatures, { gasLimit: 1_000_000 }),
      ).to.be.revertedWithCustomError(world.forwarder, "AlreadyAttempted");
    });
  });

  describe("O3: late, stale, early, misdirected", () => {
    it("[A-O3] refuses an expired report", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const validUntil = BigInt(await time.latest()) + 30n;
      const signed = signedReport(world.committee, encodeSettlement(await settlementFor(world, 1, 1, { validUntil })));
      await time.increaseTo(validUntil + 1n);
      const { result } = await deliver(world.forwarder, world.oracle.target as string, signed);
      expect(result).to.equal(false);
      expect((await world.oracle.headOf(1)).id).to.equal(0n);
    });

    it("[A-O3] refuses an epoch that has not ended", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      await expectRefused(world, await settlementFor(world, 1, 2), "SettlementEpochNotEnded", [2, epochEnd(world, 2)]);
      await expectRefused(world, await settlementFor(world, 1, 900), "SettlementEpochNotEnded", [
        900,
        epochEnd(world, 900),
      ]);
    });

    it("[A-O3] refuses an epoch whose time is over", async () => {
      const world = await loadFixture(fixture);
      await time.increaseTo(epochEnd(world, 1) + PERIODS.resettlePeriod);
      await expectRefused(world, await settlementFor(world, 1, 1), "SettlementTooLate", [
        1,
        epochEnd(world, 1) + PERIODS.resettlePeriod,
      ]);
    });

    it("[A-O3] refuses a failed report that is delivered after its attempt was cancelled", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 2);
      const stale = signedReport(world.committee, encodeSettlement(await settlementFor(world, 1, 2)));
      const s = await report(world, 1, 1);
      const failed = await deliver(world.forwarder, world.oracle.target as string, stale);
      expect(failed.result, "another parent").to.equal(false);
      await world.asGuardian.cancel(s, 0);
      const retried = await deliver(world.forwarder, world.oracle.target as string, stale);
      expect(retried.result, "another attempt").to.equal(false);
      expect((await world.oracle.headOf(1)).id).to.equal(0n);
    });

    it("[A-O3] refuses a report that builds on another parent", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      await endEpoch(world, 2);
      await expectRefused(world, await settlementFor(world, 1, 2, { parent: 0n }), "SettlementWrongParent", [
        0,
        settlementId(first),
      ]);
    });

    it("[A-O3] refuses to finalise inside the window, or before the parent", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 2);
      const first = await report(world, 1, 1);
      const second = await report(world, 1, 2);
      const { deadline } = await world.oracle.settlementOf(1, 1);
      await expect(world.oracle.finalise(first, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWindowOpen")
        .withArgs(deadline);
      await time.increase(PERIODS.window);
      await expect(world.oracle.finalise(second, 1))
        .to.be.revertedWithCustomError(world.oracle, "SettlementParentNotFinal")
        .withArgs(1, 1);
    });

    it("[A-O3] refuses a report for another chain or another receiver", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      for (const bad of [
        { ...s, chainId: 137n },
        { ...s, receiver: world.distributor.target as string },
      ]) {
        await expectRefused(world, bad, "SettlementWrongDomain", [1, bad.chainId, bad.receiver]);
      }
    });
  });

  describe("O4: a wrong root", () => {
    it("[A-O4] cancels it inside the window: nothing of it can be claimed", async () => {
      const world = await loadFixture(fixture);
      await settled(world, 1, 1, 100n, [{ payee: ALICE, cumulative: 100n }]);
      await world.emissions.setBudget(1, 2, 100n);
      const theft = new PayoutTree(1, 0, [{ payee: THIEF, cumulative: 200n }]);
      const s = await report(world, 1, 2, { payoutsRoot: theft.root });
      await world.asGuardian.cancel(s, 1);
      await time.increase(PERIODS.window);
      await expect(world.oracle.finalise(s, 1)).to.be.revertedWithCustomError(world.oracle, "SettlementNotPending");
      await expect(world.distributor.claim(...theft.claim(0)))
        .to.be.revertedWithCustomError(world.distributor, "ClaimProofWrong")
        .withArgs(theft.pot, 0, THIEF);
    });

    it("[A-O4] pays a false root that nobody cancelled no more than its pot, and nothing of another", async () => {
      const world = await loadFixture(fixture);
      const other = await settled(world, 2, 1, 500n, [{ payee: BOB, cumulative: 500n }]);
      const honest = await settled(world, 1, 1, 100n, [{ payee: ALICE, cumulative: 100n }]);
      await world.distributor.claim(...honest.claim(0));
      const theft = await settled(world, 1, 2, 50n, [
        { payee: ALICE, cumulative: 100n },
        { payee: THIEF, cumulative: 51n },
      ]);
      await expect(world.distributor.claim(...theft.claim(1)))
        .to.be.revertedWithCustomError(world.distributor, "ClaimExceedsFunded")
        .withArgs(theft.pot, 51n, 50n);
      const all = await settled(world, 1, 3, 0n, [{ payee: THIEF, cumulative: 50n }]);
      await world.distributor.claim(...all.claim(0));
      expect(await world.token.balanceOf(THIEF)).to.equal(50n);
      await world.distributor.claim(...other.claim(0));
      expect(await world.token.balanceOf(BOB)).to.equal(500n);
      expect(await world.distributor.totalOwed()).to.equal(0n);
    });

    it("[A-O4] does not let an orphan move the head to a dead parent", async () => {
      const world = await loadFixture(fixture);
      const chain: Settlement[] = [];
      for (const epoch of [1, 2, 3, 4]) chain.push(await report(world, 1, epoch));
      await world.oracle.cancelByVote(chain[1]!, 1);
      await expect(world.oracle.cancelByVote(chain[3]!, 3))
        .to.be.revertedWithCustomError(world.oracle, "SettlementNotPending")
        .withArgs(1, 4);
      expect((await world.oracle.headOf(1)).id).to.equal(settlementId(chain[0]!));
    });

    it("[A-O4] does not let the head be moved past open epochs by a cancel", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      await expect(world.asGuardian.cancel(s, 2_000_000))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWrongParent")
        .withArgs(0, 0);
    });

    it("[A-O4] keeps the budget of a skipped epoch while a cancel may reopen it", async () => {
      const world = await loadFixture(fixture);
      await world.emissions.setBudget(1, 2, 70n);
      await settled(world, 1, 1, 100n, [{ payee: ALICE, cumulative: 100n }]);
      const skipping = await report(world, 1, 3);
      await expect(world.emissions.reclaim(1, 2))
        .to.be.revertedWithCustomError(world.emissions, "EmissionStillSettleable")
        .withArgs(1, 2);
      await world.asGuardian.cancel(skipping, 1);
      const tree = await settled(world, 1, 2, 70n, [{ payee: ALICE, cumulative: 170n }]);
      await world.distributor.claim(...tree.claim(0));
      expect(await world.token.balanceOf(ALICE)).to.equal(170n);
    });
  });

  describe("O5: a proof of something else", () => {
    it("[A-O5] refuses nodes as leaves, shorter and longer proofs, other places", async () => {
      const world = await loadFixture(fixture);
      const payouts = [ALICE, BOB, THIEF].map((payee, i) => ({ payee, cumulative: BigInt(10 * (i + 1)) }));
      const tree = await settled(world, 1, 1, 60n, payouts);
      const [pot, index, payee, cumulative, proof] = tree.claim(1);
      const refuse = async (i: number, p: readonly Hex[], amount = cumulative): Promise<void> => {
        await expect(world.distributor.claim(pot, i, payee, amount, [...p]))
          .to.be.revertedWithCustomError(world.distributor, "ClaimProofWrong")
          .withArgs(pot, i, ethers.getAddress(payee));
      };
      for (const place of [index ^ 1, index + 2, index + 4, index + 8, 2 ** 31 + index]) await refuse(place, proof);
      await refuse(index, proof.slice(0, -1));
      await refuse(index >> 1, proof.slice(1));
      await refuse(index, [...proof, `0x${"00".repeat(32)}`]);
      await refuse(index, [payoutLeaf(pot, tree.payouts[1]!), ...proof]);
      await refuse(index, [...proof].reverse());
      // 64 bytes of a node are no leaf: whatever 43 bytes one shows, they hash to something else.
      await refuse(0, proof.slice(1), BigInt(dataSlice(proof[0]!, 0, 16)));
      await world.distributor.claim(pot, index, payee, cumulative, proof);
    });

    it("[A-O5] refuses the leaf of another sub-network or term under this pot's root", async () => {
      const world = await loadFixture(fixture);
      const payout = { payee: THIEF, cumulative: 60n };
      const leaves = [potId(1, 0), potId(2, 0), potId(1, 1)].map((pot) => payoutLeaf(pot, payout));
      const tree = new MerkleTree(leaves);
      await world.emissions.setBudget(1, 1, 100n);
      await finalise(world, await report(world, 1, 1, { payoutsRoot: tree.root }), 0);
      for (const [i, pot] of [potId(1, 0), potId(2, 0), potId(1, 1)].entries()) {
        if (i === 0) continue;
        for (const named of [potId(1, 0), pot]) {
          await expect(world.distributor.claim(named, i, THIEF, 60n, tree.proof(i)))
            .to.be.revertedWithCustomError(world.distributor, "ClaimProofWrong")
            .withArgs(named, i, THIEF);
        }
      }
    });
  });

  describe("E1: rounding", () => {
    it("[A-E1] pays out a budget to the wei, whatever the points", async () => {
      const trees = await ethers.deployContract("SettlementTreesHarness");
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.bigInt(0n, 10n), fc.bigInt(0n, 10n ** 30n)),
          fc.array(fc.oneof(fc.bigInt(1n, 5n), fc.bigInt(1n, 10n ** 24n)), { minLength: 1, maxLength: 12 }),
          async (budget, points) => {
            const total = points.reduce((a, b) => a + b, 0n);
            let from = 0n;
            let paid = 0n;
            for (const p of points) {
              paid += await trees.payoutOf(budget, from, from + p, total);
              from += p;
            }
            expect(paid).to.equal(budget);
          },
        ),
        { numRuns: 40 },
      );
    });

    it("[A-E1] gains nothing by splitting one's points, and at most 1 wei by moving them", async () => {
      const trees = await ethers.deployContract("SettlementTreesHarness");
      const amount = fc.bigInt(1n, 10n ** 20n);
      await fc.assert(
        fc.asyncProperty(amount, amount, amount, amount, amount, async (budget, others, a, b, more) => {
          const total = others + a + b + more;
          const whole = await trees.payoutOf(budget, others, others + a + b, total);
          const left = await trees.payoutOf(budget, others, others + a, total);
          const right = await trees.payoutOf(budget, others + a, others + a + b, total);
          expect(left + right).to.equal(whole);
          const apart = left + (await trees.payoutOf(budget, others + a + more, total, total));
          expect(apart - whole <= 1n).to.equal(true);
        }),
        { numRuns: 40 },
      );
    });
  });

  describe("E3: claims", () => {
    it("[A-E3] pays nothing twice", async () => {
      const world = await loadFixture(fixture);
      const tree = await settled(world, 1, 1, 300n, [
        { payee: ALICE, cumulative: 100n },
        { payee: BOB, cumulative: 200n },
      ]);
      const [pot, index, payee, cumulative, proof] = tree.claim(0);
      await world.distributor.claim(...tree.claim(0));
      await expect(world.distributor.claim(...tree.claim(0)))
        .to.be.revertedWithCustomError(world.distributor, "ClaimNothingDue")
        .withArgs(pot, ethers.getAddress(payee), 100n);
      await expect(world.distributor.claimMany([{ pot, index, payee, cumulative, proof }]))
        .to.be.revertedWithCustomError(world.distributor, "ClaimNothingDue")
        .withArgs(pot, ethers.getAddress(payee), 100n);
      expect(await world.token.balanceOf(ALICE)).to.equal(100n);
    });

    it("[A-E3] pays the payee when another claims", async () => {
      const world = await loadFixture(fixture);
      const tree = await settled(world, 1, 1, 100n, [{ payee: ALICE, cumulative: 100n }]);
      await world.distributor.connect(world.stranger).claim(...tree.claim(0));
      expect(await world.token.balanceOf(ALICE)).to.equal(100n);
      expect(await world.token.balanceOf(world.stranger.address)).to.equal(0n);
    });
  });

  describe("G5: the guardian", () => {
    it("[A-G5] cannot starve a sub-network: one cancel, then a settlement must become final or a vote decide", async () => {
      const world = await loadFixture(fixture);
      await world.asGuardian.cancel(await report(world, 1, 1), 0);
      const again = await report(world, 1, 1);
      await expect(world.asGuardian.cancel(again, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementGuardianSpent")
        .withArgs(1);
      await finalise(world, again, 0);
      expect(await world.oracle.finalEpochOf(1)).to.equal(1);
    });

    it("[A-G5] gets no second cancel from the parent of what it cancelled", async () => {
      const world = await loadFixture(fixture);
      const first = await report(world, 1, 1);
      await world.asGuardian.cancel(await report(world, 1, 2), 1);
      await finalise(world, first, 0);
      const again = await report(world, 1, 2);
      await expect(world.asGuardian.cancel(again, 1))
        .to.be.revertedWithCustomError(world.oracle, "SettlementGuardianSpent")
        .withArgs(1);
    });

    it("[A-G5] cannot stop at the last moment what may be finalised", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      const { deadline } = await world.oracle.settlementOf(1, 1);
      await time.setNextBlockTimestamp(deadline);
      await expect(world.asGuardian.cancel(s, 0))
        .to.be.revertedWithCustomError(world.oracle, "SettlementWindowClosed")
        .withArgs(deadline);
    });

    it("[A-G5] costs no epoch its budget with a pause and a cancel after it, at the least resettlePeriod", async () => {
      const world = await loadFixture(fixture);
      const guardian = (await ethers.getSigners())[1]!;
      const { epochLength, termLength, minWindow, maxWindow, maxPause } = PERIODS;
      const resettlePeriod = 2 * maxWindow + maxPause;
      const deploy = (period: number) =>
        ethers.deployContract("SettlementOracle", [
          world.manager.target,
          world.genesis,
          epochLength,
          termLength,
          maxWindow,
          minWindow,
          maxWindow,
          period,
          maxPause,
        ]);
      await expect(deploy(resettlePeriod - 1))
        .to.be.revertedWithCustomError(world.oracle, "SettlementBadParameter")
        .withArgs(ethers.encodeBytes32String("resettlePeriod"), resettlePeriod - 1);
      const oracle = await deploy(resettlePeriod);
      await oracle.setReporter(1, identityOf(world.forwarder, world.committee));
      const selectors = ["cancel", "pause"].map((name) => oracle.getFunction(name).fragment.selector);
      await world.manager.setTargetFunctionRole(oracle.target, selectors, GUARDIAN_ROLE);

      const reporter = oracle.connect(await asContract(world.forwarder.target as string));
      const deliverNow = async () => {
        const s = await settlementFor({ ...world, oracle }, 1, 1);
        const payload = encodeSettlement(s);
        await reporter.onReport(metadataOf(signedReport(world.committee, payload)), payload);
        return s;
      };
      // The worst that it can do: a pause from the end of the epoch, a cancel in the last second of the window.
      await time.setNextBlockTimestamp(epochEnd(world, 1));
      await oracle.connect(guardian).pause(oracle.getFunction("onReport").fragment.selector);
      await time.setNextBlockTimestamp(epochEnd(world, 1) + maxPause);
      const s = await deliverNow();
      const { deadline } = await oracle.settlementOf(1, 1);
      await time.setNextBlockTimestamp(deadline - 1n);
      await oracle.connect(guardian).cancel(s, 0);
      await time.setNextBlockTimestamp(deadline);
      const again = await deliverNow();
      expect((await oracle.settlementOf(1, 1)).id).to.equal(settlementId(again));
    });

    it("[A-G5] cannot pause claims or finalising", async () => {
      const world = await loadFixture(fixture);
      const s = await report(world, 1, 1);
      for (const name of ["onReport", "finalise"] as const) {
        await world.asGuardian.pause(world.oracle.getFunction(name).fragment.selector);
      }
      await finalise(world, s, 0);
      expect(await world.oracle.finalEpochOf(1)).to.equal(1);
    });
  });

  describe("low-gas delivery", () => {
    it("either fails and stays deliverable or has its whole effect, for every gas limit", async () => {
      const world = await loadFixture(fixture);
      await endEpoch(world, 1);
      const s = await settlementFor(world, 1, 1);
      const signed = signedReport(world.committee, encodeSettlement(s));
      const receiver = world.oracle.target as string;
      const seen = { reverted: 0, failed: 0, done: 0 };
      const sweep = async (gasLimit: bigint): Promise<void> => {
        const snapshot = await ethers.provider.send("evm_snapshot", []);
        try {
          const { result } = await deliver(world.forwarder, receiver, signed, gasLimit);
          const stored = await world.oracle.settlementOf(1, 1);
          const head = await world.oracle.headOf(1);
          expect(stored.id, `gas limit ${gasLimit}`).to.equal(result ? settlementId(s) : 0n);
          expect(head.id).to.equal(stored.id);
          seen[result ? "done" : "failed"] += 1;
          if (!result) {
            const again = await deliver(world.forwarder, receiver, signed);
            expect(again.result, `retry after ${gasLimit}`).to.equal(true);
          }
        } catch (error) {
          if (!/InsufficientGasForRouting|ran out of gas|out of gas/.test(String(error))) throw error;
          seen.reverted += 1;
          expect((await world.oracle.headOf(1)).id).to.equal(0n);
        } finally {
          await ethers.provider.send("evm_revert", [snapshot]);
        }
      };
      for (let gasLimit = 100_000n; gasLimit <= 300_000n; gasLimit += 2_500n) await sweep(gasLimit);
      expect(seen.reverted).to.be.greaterThan(0);
      expect(seen.done).to.be.greaterThan(0);
      // The forwarder gives a receiver at least 100,000 gas or nothing: the oracle called with less fails as a whole.
      const forwarder = world.oracle.connect(await asContract(world.forwarder.target as string));
      const metadata = metadataOf(signed);
      const payload = encodeSettlement(s);
      const needed = await forwarder.onReport.estimateGas(metadata, payload);
      for (let gas = needed - 45_000n; gas < needed; gas += 1_500n) {
        const failure = await forwarder.onReport(metadata, payload, { gasLimit: gas }).then(
          () => "taken",
          (error: unknown) => String(error),
        );
        expect(failure, `gas limit ${gas}`).to.contain("out of gas");
        expect((await world.oracle.headOf(1)).id).to.equal(0n);
      }
      expect((await deliverSettlement(world, s)).result).to.equal(true);
    });
  });
});
