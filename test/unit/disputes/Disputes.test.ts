import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { EPOCH } from "../../helpers/devices";
import {
  ACCOUNTABLE,
  ANSWER_HASH,
  ANSWER_PERIOD,
  CASE_BOND,
  disputesFixture,
  EVIDENCE_HASH,
  KIND,
  MAX_AGE,
  MAX_PAUSE,
  MOOD,
  QUORUM_FLOOR,
  REASON,
  STATUS,
  termsOf,
  VOTE_PERIOD,
  YEAR,
} from "../../helpers/disputes";

const bytes32 = ethers.encodeBytes32String;
const CLOSE_GAS = 1_000_000;

describe("Disputes", () => {
  describe("constructor", () => {
    it("reverts for a zero token, and for votes on another clock than seconds", async () => {
      const { manager, escrow, token, genesis, disputes } = await loadFixture(disputesFixture);
      const deploy = (t: unknown, v: unknown) =>
        ethers.deployContract("Disputes", [manager, t, v, genesis, EPOCH, ACCOUNTABLE, MAX_PAUSE, 0]);
      await expect(deploy(ethers.ZeroAddress, escrow))
        .to.be.revertedWithCustomError(disputes, "DisputesBadParameter")
        .withArgs(bytes32("token"), 0);
      await expect(deploy(token, token)).to.be.revertedWithoutReason();
      expect(await disputes.token()).to.equal(token);
      expect(await disputes.votes()).to.equal(escrow);
      expect(await disputes.accountableTime()).to.equal(ACCOUNTABLE);
    });
  });

  describe("setKind", () => {
    it("reverts for whoever is not the timelock", async () => {
      const { disputes, target, stranger } = await loadFixture(disputesFixture);
      await expect(disputes.connect(stranger).setKind(KIND, termsOf(target)))
        .to.be.revertedWithCustomError(disputes, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    });

    it("reverts for kind 0, a target without code, no bond, no period, no floor, a share above the whole", async () => {
      const { disputes, target, stranger } = await loadFixture(disputesFixture);
      await expect(disputes.setKind(0, termsOf(target)))
        .to.be.revertedWithCustomError(disputes, "DisputesBadParameter")
        .withArgs(bytes32("kind"), 0);
      for (const [name, value] of [
        ["bond", 0],
        ["answerPeriod", 0],
        ["votePeriod", 0],
        ["quorumFloor", 0],
        ["quorumBps", 10_001],
      ] as const) {
        await expect(disputes.setKind(KIND, termsOf(target, { [name]: value })))
          .to.be.revertedWithCustomError(disputes, "DisputesBadParameter")
          .withArgs(bytes32(name), value);
      }
      await expect(disputes.setKind(KIND, termsOf(stranger.address)))
        .to.be.revertedWithCustomError(disputes, "DisputesBadParameter")
        .withArgs(bytes32("target"), BigInt(stranger.address));
    });

    it("reverts when a case could outlast what is accountable, by one epoch or one second", async () => {
      const { disputes, target } = await loadFixture(disputesFixture);
      for (const change of [
        { maxAge: MAX_AGE + 1 },
        { answerPeriod: ANSWER_PERIOD + 1 },
        { votePeriod: VOTE_PERIOD + 1 },
      ]) {
        const terms = termsOf(target, change);
        await expect(disputes.setKind(KIND, terms))
          .to.be.revertedWithCustomError(disputes, "DisputesBadParameter")
          .withArgs(bytes32("maxAge"), terms.maxAge);
      }
      await expect(disputes.setKind(2, termsOf(target))).to.emit(disputes, "KindSet");
      expect((await disputes.kindOf(2)).target).to.equal(target);
    });

    it("counts for later cases only", async () => {
      const { disputes, target, token, accuser, accused, open, answered, bob, toEnd } =
        await loadFixture(disputesFixture);
      const before = await answered();
      const other = await ethers.deployContract("Disputable__Mock");
      await other.set(accused.address, MOOD.fine);
      await disputes.setKind(
        KIND,
        termsOf(other, { bond: 1n, votePeriod: 60, answerPeriod: 60, quorumFloor: 10n ** 30n }),
      );
      const later = await open();
      expect((await disputes.caseOf(later)).bond).to.equal(1n);
      expect((await disputes.caseOf(later)).target).to.equal(other);
      const c = await disputes.caseOf(before);
      expect([c.target, c.bond, c.voteUntil - c.openedAt, c.quorum]).to.deep.equal([
        target.target,
        CASE_BOND,
        BigInt(ANSWER_PERIOD + VOTE_PERIOD),
        QUORUM_FLOOR,
      ]);
      await disputes.connect(bob).vote(before, true);
      await toEnd(before);
      await expect(disputes.resolve(before))
        .to.emit(disputes, "CaseResolved")
        .withArgs(before, true, accuser, CASE_BOND);
      expect([await target.closes(), await other.closes()]).to.deep.equal([1n, 0n]);
      expect(await token.balanceOf(disputes)).to.equal(CASE_BOND + 1n);
    });

    it("closes a kind with a zero target: open cases go on", async () => {
      const { disputes, accuser, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await disputes.setKind(KIND, termsOf(ethers.ZeroAddress));
      await expect(disputes.connect(accuser).open(KIND, 1, 10, EVIDENCE_HASH, REASON))
        .to.be.revertedWithCustomError(disputes, "DisputesKindUnknown")
        .withArgs(KIND);
      await toEnd(id);
      await disputes.resolve(id);
      expect((await disputes.caseOf(id)).status).to.equal(STATUS.upheld);
    });
  });

  describe("open", () => {
    it("reverts while paused, for at most the longest pause", async () => {
      const { disputes, open } = await loadFixture(disputesFixture);
      const entry = disputes.getFunction("open").fragment.selector;
      await disputes.pause(entry);
      const until = await disputes.pausedUntil(entry);
      await expect(open()).to.be.revertedWithCustomError(disputes, "GuardedPaused").withArgs(entry, until);
      await time.increaseTo(until);
      await open();
      expect(await disputes.caseCount()).to.equal(1);
    });

    it("reverts for an unknown kind, no evidence, no reason", async () => {
      const { disputes, accuser } = await loadFixture(disputesFixture);
      const from = disputes.connect(accuser);
      await expect(from.open(3, 1, 10, EVIDENCE_HASH, REASON))
        .to.be.revertedWithCustomError(disputes, "DisputesKindUnknown")
        .withArgs(3);
      await expect(from.open(KIND, 1, 10, ethers.ZeroHash, REASON)).to.be.revertedWithCustomError(
        disputes,
        "DisputesNoEvidence",
      );
      await expect(from.open(KIND, 1, 10, EVIDENCE_HASH, 0)).to.be.revertedWithCustomError(
        disputes,
        "DisputesNoReason",
      );
    });

    it("reverts for an epoch that has not begun, and for one older than the maximum age", async () => {
      const { disputes, accuser } = await loadFixture(disputesFixture);
      const from = disputes.connect(accuser);
      await expect(from.open(KIND, 1, 11, EVIDENCE_HASH, REASON))
        .to.be.revertedWithCustomError(disputes, "DisputesEpochNotBegun")
        .withArgs(11, 10);
      await expect(from.open(KIND, 1, 10 - MAX_AGE - 1, EVIDENCE_HASH, REASON))
        .to.be.revertedWithCustomError(disputes, "DisputesEpochTooOld")
        .withArgs(10 - MAX_AGE - 1, 10 - MAX_AGE);
      await from.open(KIND, 1, 10 - MAX_AGE, EVIDENCE_HASH, REASON);
      expect((await disputes.caseOf(1)).epoch).to.equal(10 - MAX_AGE);
    });

    it("reverts when the target refuses, or names nobody or the accuser", async () => {
      const { disputes, target, accuser, accused, open } = await loadFixture(disputesFixture);
      await target.set(accused.address, MOOD.reverts);
      await expect(open()).to.be.revertedWithCustomError(target, "NotNow");
      for (const nobody of [ethers.ZeroAddress, accuser.address]) {
        await target.set(nobody, MOOD.fine);
        await expect(open()).to.be.revertedWithCustomError(disputes, "DisputesBadAccused").withArgs(nobody);
      }
      expect(await disputes.caseCount()).to.equal(0);
    });

    it("reverts when the target enters again", async () => {
      const { disputes, target, accused, open } = await loadFixture(disputesFixture);
      await target.set(accused.address, MOOD.reenters);
      await expect(open()).to.be.revertedWithCustomError(disputes, "ReentrancyGuardReentrantCall");
    });

    it("reverts without the bond", async () => {
      const { token, disputes, stranger, open } = await loadFixture(disputesFixture);
      await expect(open(1n, stranger))
        .to.be.revertedWithCustomError(token, "ERC20InsufficientAllowance")
        .withArgs(disputes, 0, CASE_BOND);
    });

    it("takes the bond, tells the target and keeps the terms", async () => {
      const { disputes, target, token, accuser, accused, books } = await loadFixture(disputesFixture);
      const call = disputes.connect(accuser).open(KIND, 7, 9, EVIDENCE_HASH, REASON);
      await expect(call).to.changeTokenBalances(token, [accuser, disputes], [-CASE_BOND, CASE_BOND]);
      const at = BigInt(await time.latest());
      const [answerUntil, voteUntil] = [at + BigInt(ANSWER_PERIOD), at + BigInt(ANSWER_PERIOD + VOTE_PERIOD)];
      await expect(call)
        .to.emit(disputes, "CaseOpened")
        .withArgs(
          1,
          KIND,
          7,
          9,
          accuser,
          accused,
          CASE_BOND,
          REASON,
          EVIDENCE_HASH,
          answerUntil,
          voteUntil,
          QUORUM_FLOOR,
        );
      expect(await disputes.caseOf(1)).to.deep.equal([
        accuser.address,
        CASE_BOND,
        accused.address,
        BigInt(KIND),
        BigInt(REASON),
        9n,
        STATUS.open,
        false,
        target.target,
        at,
        answerUntil,
        voteUntil,
        QUORUM_FLOOR,
        0n,
        0n,
        7n,
        EVIDENCE_HASH,
        ethers.ZeroHash,
      ]);
      expect([await target.lastCase(), await target.lastSubject(), await target.lastEpoch()]).to.deep.equal([
        1n,
        7n,
        9n,
      ]);
      expect(await books()).to.deep.equal({ owed: CASE_BOND, balance: CASE_BOND });
    });
  });

  describe("answer", () => {
    it("reverts for an unknown case, a stranger, an empty answer, when the time is over, and the second time", async () => {
      const { disputes, accused, stranger, open } = await loadFixture(disputesFixture);
      await expect(disputes.connect(accused).answer(1, ANSWER_HASH))
        .to.be.revertedWithCustomError(disputes, "DisputesCaseUnknown")
        .withArgs(1);
      const id = await open();
      await expect(disputes.connect(stranger).answer(id, ANSWER_HASH))
        .to.be.revertedWithCustomError(disputes, "DisputesNotAccused")
        .withArgs(id, stranger);
      await expect(disputes.connect(accused).answer(id, ethers.ZeroHash)).to.be.revertedWithCustomError(
        disputes,
        "DisputesNoEvidence",
      );
      const { answerUntil } = await disputes.caseOf(id);
      await time.setNextBlockTimestamp(answerUntil);
      await expect(disputes.connect(accused).answer(id, ANSWER_HASH))
        .to.be.revertedWithCustomError(disputes, "DisputesTooLate")
        .withArgs(id, answerUntil);
      const second = await open();
      await disputes.connect(accused).answer(second, ANSWER_HASH);
      await expect(disputes.connect(accused).answer(second, ANSWER_HASH))
        .to.be.revertedWithCustomError(disputes, "DisputesWrongStatus")
        .withArgs(second, STATUS.answered);
    });

    it("keeps the answer, in the last second too", async () => {
      const { disputes, accused, open } = await loadFixture(disputesFixture);
      const id = await open();
      await time.setNextBlockTimestamp((await disputes.caseOf(id)).answerUntil - 1n);
      await expect(disputes.connect(accused).answer(id, ANSWER_HASH))
        .to.emit(disputes, "CaseAnswered")
        .withArgs(id, accused, ANSWER_HASH);
      const c = await disputes.caseOf(id);
      expect([c.status, c.answerHash]).to.deep.equal([STATUS.answered, ANSWER_HASH]);
    });
  });

  describe("vote", () => {
    it("reverts before the answer, after the vote, without power, and the second time", async () => {
      const { disputes, accused, bob, carol, stranger, open } = await loadFixture(disputesFixture);
      const id = await open();
      await expect(disputes.connect(bob).vote(id, true))
        .to.be.revertedWithCustomError(disputes, "DisputesWrongStatus")
        .withArgs(id, STATUS.open);
      await disputes.connect(accused).answer(id, ANSWER_HASH);
      const { openedAt, voteUntil } = await disputes.caseOf(id);
      await expect(disputes.connect(stranger).vote(id, true))
        .to.be.revertedWithCustomError(disputes, "DisputesNoPower")
        .withArgs(stranger, openedAt - 1n);
      await disputes.connect(bob).vote(id, true);
      await expect(disputes.connect(bob).vote(id, false))
        .to.be.revertedWithCustomError(disputes, "DisputesAlreadyVoted")
        .withArgs(id, bob);
      await time.setNextBlockTimestamp(voteUntil);
      await expect(disputes.connect(carol).vote(id, true))
        .to.be.revertedWithCustomError(disputes, "DisputesTooLate")
        .withArgs(id, voteUntil);
    });

    it("counts the power before the case, not what was locked since", async () => {
      const { disputes, escrow, token, bob, stranger, answered } = await loadFixture(disputesFixture);
      const id = await answered();
      await token.mint(stranger.address, CASE_BOND);
      await token.connect(stranger).approve(escrow, CASE_BOND);
      await escrow.connect(stranger).lock(CASE_BOND, YEAR);
      await escrow.connect(bob).startCoolDown(1);
      const { openedAt } = await disputes.caseOf(id);
      await expect(disputes.connect(stranger).vote(id, true))
        .to.be.revertedWithCustomError(disputes, "DisputesNoPower")
        .withArgs(stranger, openedAt - 1n);
      await expect(disputes.connect(bob).vote(id, true))
        .to.emit(disputes, "CaseVoted")
        .withArgs(id, bob, true, ethers.parseEther("3000"));
    });

    it("adds to its side", async () => {
      const { disputes, bob, carol, answered } = await loadFixture(disputesFixture);
      const id = await answered();
      await disputes.connect(bob).vote(id, false);
      await disputes.connect(carol).vote(id, true);
      const c = await disputes.caseOf(id);
      expect([c.forPower, c.againstPower]).to.deep.equal([ethers.parseEther("2000"), ethers.parseEther("3000")]);
      expect([await disputes.hasVoted(id, bob), await disputes.hasVoted(id, c.accused)]).to.deep.equal([true, false]);
    });
  });

  describe("resolve", () => {
    it("reverts for an unknown case, before its time, and the second time", async () => {
      const { disputes, open, answered, toEnd } = await loadFixture(disputesFixture);
      await expect(disputes.resolve(5)).to.be.revertedWithCustomError(disputes, "DisputesCaseUnknown").withArgs(5);
      const [silent, spoken] = [await open(), await answered()];
      const { answerUntil } = await disputes.caseOf(silent);
      await time.setNextBlockTimestamp(answerUntil - 1n);
      await expect(disputes.resolve(silent))
        .to.be.revertedWithCustomError(disputes, "DisputesTooEarly")
        .withArgs(silent, answerUntil);
      const { voteUntil } = await disputes.caseOf(spoken);
      await time.setNextBlockTimestamp(voteUntil - 1n);
      await expect(disputes.resolve(spoken))
        .to.be.revertedWithCustomError(disputes, "DisputesTooEarly")
        .withArgs(spoken, voteUntil);
      await toEnd(spoken);
      await disputes.resolve(spoken);
      await expect(disputes.resolve(spoken))
        .to.be.revertedWithCustomError(disputes, "DisputesWrongStatus")
        .withArgs(spoken, STATUS.rejected);
    });

    it("unanswered: upheld when the time for the answer is over, the bond goes back", async () => {
      const { disputes, target, accuser, stranger, open, books } = await loadFixture(disputesFixture);
      const id = await open(8n);
      await time.setNextBlockTimestamp((await disputes.caseOf(id)).answerUntil);
      const call = disputes.connect(stranger).resolve(id);
      await expect(call).to.emit(disputes, "CaseResolved").withArgs(id, true, accuser, CASE_BOND);
      await expect(call).to.emit(disputes, "CaseClosed").withArgs(id, target);
      expect(await disputes.creditOf(accuser)).to.equal(CASE_BOND);
      expect([await target.lastCase(), await target.lastSubject(), await target.lastUpheld()]).to.deep.equal([
        id,
        8n,
        true,
      ]);
      const c = await disputes.caseOf(id);
      expect([c.status, c.closed]).to.deep.equal([STATUS.upheld, true]);
      expect(await disputes.totalBonded()).to.equal(0);
      expect(await books()).to.deep.equal({ owed: CASE_BOND, balance: CASE_BOND });
    });

    it("answered, quorum reached and more for than against: upheld", async () => {
      const { disputes, accuser, bob, carol, answered, toEnd } = await loadFixture(disputesFixture);
      const id = await answered();
      await disputes.connect(bob).vote(id, true);
      await disputes.connect(carol).vote(id, false);
      await toEnd(id);
      await expect(disputes.resolve(id)).to.emit(disputes, "CaseResolved").withArgs(id, true, accuser, CASE_BOND);
    });

    it("answered without quorum, or with more against: rejected, the accused gets the bond", async () => {
      const { disputes, target, accused, carol, answered, toEnd, books } = await loadFixture(disputesFixture);
      await disputes.setKind(KIND, termsOf(target, { quorumFloor: ethers.parseEther("2000") + 1n }));
      const few = await answered();
      await disputes.setKind(KIND, termsOf(target, { quorumFloor: ethers.parseEther("2000") }));
      const [enough, against] = [await answered(), await answered()];
      for (const id of [few, enough]) await disputes.connect(carol).vote(id, true);
      await disputes.connect(carol).vote(against, false);
      await toEnd(against);
      for (const [id, upheld] of [
        [few, false],
        [enough, true],
        [against, false],
      ] as const) {
        await expect(disputes.resolve(id))
          .to.emit(disputes, "CaseResolved")
          .withArgs(id, upheld, (await disputes.caseOf(id))[upheld ? "accuser" : "accused"], CASE_BOND);
      }
      expect(await disputes.creditOf(accused)).to.equal(2n * CASE_BOND);
      expect(await books()).to.deep.equal({ owed: 3n * CASE_BOND, balance: 3n * CASE_BOND });
    });

    it("a tie: rejected", async () => {
      const { disputes, token, escrow, accused, bob, carol, answered, toEnd } = await loadFixture(disputesFixture);
      await token.mint(carol.address, ethers.parseEther("1000"));
      await escrow.connect(carol).lock(ethers.parseEther("1000"), YEAR);
      const id = await answered();
      await disputes.connect(bob).vote(id, true);
      await disputes.connect(carol).vote(id, false);
      await toEnd(id);
      await expect(disputes.resolve(id)).to.emit(disputes, "CaseResolved").withArgs(id, false, accused, CASE_BOND);
    });

    it("the quorum is the larger of floor and share, at the begin of the case", async () => {
      const { disputes, target, escrow, token, carol, open } = await loadFixture(disputesFixture);
      await disputes.setKind(KIND, termsOf(target, { quorumBps: 5_000 }));
      const first = await open();
      await token.mint(carol.address, ethers.parseEther("5001"));
      await escrow.connect(carol).lock(ethers.parseEther("5001"), YEAR);
      const second = await open();
      expect((await disputes.caseOf(first)).quorum).to.equal(ethers.parseEther("2500"));
      expect((await disputes.caseOf(second)).quorum).to.equal(ethers.parseEther("5000.5"));
    });

    it("works, as answer, vote and withdraw do, while open is paused", async () => {
      const { disputes, accused, bob, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await disputes.pause(disputes.getFunction("open").fragment.selector);
      await disputes.connect(accused).answer(id, ANSWER_HASH);
      await disputes.connect(bob).vote(id, false);
      await toEnd(id);
      await disputes.resolve(id);
      await disputes.withdraw(accused);
      expect(await disputes.creditOf(accused)).to.equal(0);
    });

    it("reverts when the caller sends too little gas for the close call", async () => {
      const { disputes, target, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await toEnd(id);
      await expect(disputes.resolve(id, { gasLimit: CLOSE_GAS + 60_000 })).to.be.revertedWithCustomError(
        disputes,
        "DisputesGasTooLow",
      );
      await disputes.resolve(id, { gasLimit: CLOSE_GAS + 200_000 });
      expect(await target.closes()).to.equal(1);
    });

    for (const [mood, name] of [
      [MOOD.reverts, "reverts"],
      [MOOD.burnsGas, "burns its gas"],
      [MOOD.returnsALot, "returns a lot"],
      [MOOD.reenters, "enters again"],
    ] as const) {
      it(`when the target ${name}: decided, credited, noted, and told later`, async () => {
        const { disputes, target, token, accuser, accused, open, toEnd, books } = await loadFixture(disputesFixture);
        const id = await open();
        await target.set(accused.address, mood);
        await toEnd(id);
        const call = disputes.resolve(id);
        await expect(call).to.emit(disputes, "CaseCloseFailed").withArgs(id, target);
        const receipt = await (await call).wait();
        expect(receipt!.gasUsed).to.be.at.most(CLOSE_GAS + 200_000);
        const c = await disputes.caseOf(id);
        expect([c.status, c.closed, await target.closes()]).to.deep.equal([STATUS.upheld, false, 0n]);
        await expect(disputes.withdraw(accuser)).to.changeTokenBalance(token, accuser, CASE_BOND);
        expect(await books()).to.deep.equal({ owed: 0n, balance: 0n });
        await target.set(accused.address, MOOD.fine);
        await disputes.retryClose(id);
        expect([(await disputes.caseOf(id)).closed, await target.closes()]).to.deep.equal([true, 1n]);
      });
    }
  });

  describe("retryClose", () => {
    it("reverts for an unknown case, an open one and one that is closed", async () => {
      const { disputes, open, toEnd } = await loadFixture(disputesFixture);
      await expect(disputes.retryClose(1)).to.be.revertedWithCustomError(disputes, "DisputesCaseUnknown").withArgs(1);
      const id = await open();
      await expect(disputes.retryClose(id))
        .to.be.revertedWithCustomError(disputes, "DisputesWrongStatus")
        .withArgs(id, STATUS.open);
      await toEnd(id);
      await disputes.resolve(id);
      await expect(disputes.retryClose(id))
        .to.be.revertedWithCustomError(disputes, "DisputesAlreadyClosed")
        .withArgs(id);
    });

    it("reverts as the target does, then tells it once", async () => {
      const { disputes, target, accused, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await target.set(accused.address, MOOD.reverts);
      await toEnd(id);
      await disputes.resolve(id);
      await expect(disputes.retryClose(id)).to.be.revertedWithCustomError(target, "NotNow");
      await target.set(accused.address, MOOD.fine);
      await expect(disputes.retryClose(id)).to.emit(disputes, "CaseClosed").withArgs(id, target);
      expect([await target.lastUpheld(), await target.closes()]).to.deep.equal([true, 1n]);
      await expect(disputes.retryClose(id)).to.be.revertedWithCustomError(disputes, "DisputesAlreadyClosed");
    });
  });

  describe("withdraw", () => {
    it("reverts for nothing", async () => {
      const { disputes, accuser } = await loadFixture(disputesFixture);
      await expect(disputes.withdraw(accuser))
        .to.be.revertedWithCustomError(disputes, "DisputesNothingCredited")
        .withArgs(accuser);
    });

    it("pays what is credited, to the account, whoever calls", async () => {
      const { disputes, token, accuser, stranger, open, toEnd, books } = await loadFixture(disputesFixture);
      const ids = [await open(), await open()];
      await toEnd(ids[1]!);
      for (const id of ids) await disputes.resolve(id);
      const call = disputes.connect(stranger).withdraw(accuser);
      await expect(call)
        .to.emit(disputes, "CreditWithdrawn")
        .withArgs(accuser, 2n * CASE_BOND);
      await expect(call).to.changeTokenBalances(token, [disputes, accuser], [-2n * CASE_BOND, 2n * CASE_BOND]);
      expect(await books()).to.deep.equal({ owed: 0n, balance: 0n });
    });
  });
});
