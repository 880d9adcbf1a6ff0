import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { AbiCoder, concat, dataSlice, toBeHex, ZeroHash } from "ethers";
import { ethers } from "hardhat";
import { type Hex, ORDER } from "../../oracle/codec";
import { deviceEvidence, equivocationEvidence } from "../../oracle/evidence";
import { EPOCH, makeDevice, MAX_PAUSE, MIN_UNBONDING, nextEpoch, SUB } from "../helpers/devices";
import {
  ANSWER_HASH,
  CASE_BOND,
  committeeEquivocation,
  counterRunBack,
  DEVICE_BOND,
  disputesFixture,
  doubleSignedCounter,
  EVIDENCE_HASH,
  KIND,
  MAX_DEVICE_AGE,
  MAX_MEMBER_AGE,
  MEMBER_BOND,
  MOOD,
  OPERATOR,
  REASON,
  slasherFixture,
  STAKE,
  termsOf,
  YEAR,
} from "../helpers/disputes";

const CLAIM_KIND = 2;

/** A kernel for claims of the slasher: bob accuses, nobody has power. */
async function claimsFixture() {
  const f = await slasherFixture();
  const escrow = await ethers.deployContract("VoteEscrow", [f.manager, f.burnable, f.genesis, EPOCH, 60, 600, 600]);
  const disputes = await ethers.deployContract("Disputes", [
    f.manager,
    f.burnable,
    escrow,
    f.genesis,
    EPOCH,
    MIN_UNBONDING * EPOCH,
    MAX_PAUSE,
    0,
  ]);
  await disputes.setKind(CLAIM_KIND, termsOf(f.slasher, { maxAge: 1, answerPeriod: EPOCH, votePeriod: EPOCH }));
  await f.slasher.setDisputes(disputes);
  await f.burnable.mint(f.bob.address, 10n * CASE_BOND);
  await f.burnable.connect(f.bob).approve(disputes, ethers.MaxUint256);

  async function accuse(): Promise<bigint> {
    const claimId = await f.slasher.propose.staticCall(OPERATOR, f.deviceId, SUB, f.epoch);
    await f.slasher.propose(OPERATOR, f.deviceId, SUB, f.epoch);
    await disputes.connect(f.bob).open(CLAIM_KIND, claimId, f.epoch, EVIDENCE_HASH, REASON);
    return disputes.caseCount();
  }

  async function end(caseId: bigint): Promise<void> {
    const { voteUntil } = await disputes.caseOf(caseId);
    if (BigInt(await time.latest()) < voteUntil) await time.increaseTo(voteUntil);
    await disputes.resolve(caseId);
  }

  return { ...f, disputes, accuse, end };
}

describe("attacks: disputes and slashes", () => {
  describe("[A-D3] accusations", () => {
    it("[A-D3] a false accusation costs its accuser the bond, and the accused gets it", async () => {
      const { disputes, token, accuser, accused, bob, answered, toEnd } = await loadFixture(disputesFixture);
      const [before, beforeAccused] = [await token.balanceOf(accuser), await token.balanceOf(accused)];
      const id = await answered();
      await disputes.connect(bob).vote(id, false);
      await toEnd(id);
      await disputes.resolve(id);
      for (const account of [accuser, accused]) {
        if ((await disputes.creditOf(account)) !== 0n) await disputes.withdraw(account);
      }
      expect(await token.balanceOf(accuser)).to.equal(before - CASE_BOND);
      expect(await token.balanceOf(accused)).to.equal(beforeAccused + CASE_BOND);
    });

    it("[A-D3] a few voters, or none, do not convict", async () => {
      const { disputes, token, escrow, accuser, target, answered, toEnd } = await loadFixture(disputesFixture);
      await escrow.connect(accuser).lock(ethers.parseEther("1"), YEAR);
      await token.connect(accuser).approve(disputes, ethers.MaxUint256);
      const id = await answered();
      await disputes.connect(accuser).vote(id, true);
      await toEnd(id);
      await disputes.resolve(id);
      expect(await target.lastUpheld()).to.equal(false);
    });

    it("[A-D3] power that is bought once the accusation is known does not vote", async () => {
      const { disputes, escrow, accuser, answered } = await loadFixture(disputesFixture);
      const id = await answered();
      await escrow.connect(accuser).lock(ethers.parseEther("50000"), YEAR);
      await expect(disputes.connect(accuser).vote(id, true)).to.be.revertedWithCustomError(disputes, "DisputesNoPower");
    });

    it("[A-D3] one account votes once", async () => {
      const { disputes, bob, carol, target, answered, toEnd } = await loadFixture(disputesFixture);
      const id = await answered();
      await disputes.connect(bob).vote(id, false);
      for (let i = 0; i < 2; i++) {
        await disputes
          .connect(carol)
          .vote(id, true)
          .catch(() => undefined);
      }
      await toEnd(id);
      await disputes.resolve(id);
      expect(await target.lastUpheld()).to.equal(false);
    });

    it("[A-D3] a target that burns all gas holds nobody's bond", async () => {
      const { disputes, target, token, accuser, accused, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await target.set(accused.address, MOOD.burnsGas);
      await toEnd(id);
      const receipt = await (await disputes.resolve(id, { gasLimit: 8_000_000 })).wait();
      expect(receipt!.gasUsed).to.be.at.most(1_300_000);
      await expect(disputes.withdraw(accuser)).to.changeTokenBalance(token, accuser, CASE_BOND);
    });

    it("[A-D3] nobody ends a case so that its target does not hear of it", async () => {
      const { disputes, target, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await toEnd(id);
      for (const gasLimit of [260_000, 300_000, 500_000, 900_000]) {
        await disputes.resolve(id, { gasLimit }).catch(() => undefined);
      }
      expect((await disputes.caseOf(id)).status).to.equal(1n);
      await disputes.resolve(id);
      expect(await target.closes()).to.equal(1);
    });
  });

  describe("[A-D4] equivocation costs once", () => {
    it("[A-D4] one counter that ran away is not paid for again with every later message", async () => {
      const { slasher, ledger, registry, epoch, sign, bob } = await loadFixture(slasherFixture);
      const far = sign({ counter: 1_000_000n });
      await nextEpoch(registry);
      const later = [1, 2].map((by) => sign({ epoch: epoch + by, counter: BigInt(by) }));
      await slasher.submit(counterRunBack, deviceEvidence(far, later[0]!), bob);
      await nextEpoch(registry);
      await expect(slasher.submit(counterRunBack, deviceEvidence(later[1]!, far), bob)).to.be.revertedWithCustomError(
        slasher,
        "SlasherFaultSettled",
      );
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });

    it("[A-D4] two keys in a device's name are no device's fault", async () => {
      const { slasher, ledger, sign, bob } = await loadFixture(slasherFixture);
      const forger = makeDevice();
      const evidence = deviceEvidence(sign({}, forger), sign({ meter: 2n }, forger));
      await expect(slasher.submit(doubleSignedCounter, evidence, bob)).to.be.reverted;
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE);
    });

    it("[A-D4] a clock that was set back a little is no fault", async () => {
      const { slasher, startOf, epoch, sign, bob } = await loadFixture(slasherFixture);
      const at = startOf(epoch) + 300n;
      const evidence = deviceEvidence(sign({ counter: 10n, time: at + 5n }), sign({ counter: 11n, time: at }));
      await expect(slasher.submit(counterRunBack, evidence, bob)).to.be.reverted;
    });

    it("[A-D4] a member is slashed once for one slot, though it posts a bond again", async () => {
      const { slasher, committee, burnable, members, report, bob } = await loadFixture(slasherFixture);
      const [a, b, c] = [report(), report({ parent: 6n }), report({ parent: 7n })];
      await slasher.submit(committeeEquivocation, equivocationEvidence(a, b), bob);
      const member = members[0]!;
      await burnable.mint(member.address, MEMBER_BOND);
      await committee.connect(member).postBond(MEMBER_BOND);
      for (const evidence of [equivocationEvidence(b, a), equivocationEvidence(b, c)]) {
        await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.reverted;
      }
      expect(await committee.bondOf(member)).to.equal(MEMBER_BOND);
    });

    it("[A-D4] a retry with another deadline is no second content", async () => {
      const { slasher, committee, members, report, bob } = await loadFixture(slasherFixture);
      const report_ = "tuple(bytes rawReport, bytes reportContext, bytes signature)";
      const evidence = AbiCoder.defaultAbiCoder().encode(
        [report_, report_],
        [report(), report({ validUntil: 2_100_000_000n }, undefined, 2n)],
      );
      await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.reverted;
      expect(await committee.bondOf(members[0]!)).to.equal(MEMBER_BOND);
    });
  });

  describe("[A-D5] what was signed elsewhere", () => {
    it("[A-D5] messages of another chain are no evidence", async () => {
      const { slasher, sign, bob } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign({ chainId: 80_002n }), sign({ chainId: 80_002n, meter: 2n }));
      await expect(slasher.submit(doubleSignedCounter, evidence, bob)).to.be.reverted;
    });

    it("[A-D5] messages for another registry are no evidence", async () => {
      const { slasher, sign, bob, stranger } = await loadFixture(slasherFixture);
      const registry = stranger.address;
      const evidence = deviceEvidence(sign({ registry }), sign({ registry, meter: 2n }));
      await expect(slasher.submit(doubleSignedCounter, evidence, bob)).to.be.reverted;
    });

    it("[A-D5] a message for another sub-network has a counter of its own", async () => {
      const { slasher, double, sign, box, bob } = await loadFixture(slasherFixture);
      const [a, b] = [sign(), sign({ kind: SUB + 1 })];
      const { r, s } = box.sign(b.message);
      const both = deviceEvidence(a, sign({ meter: 2n }));
      const evidence = concat([dataSlice(both, 0, 160), r, s, dataSlice(both, 224, 335), b.message]);
      await expect(slasher.submit(doubleSignedCounter, evidence, bob)).to.be.revertedWithCustomError(
        double,
        "EvidenceKindsDiffer",
      );
    });

    it("[A-D5] settlements of another chain are no evidence", async () => {
      const { slasher, report, bob } = await loadFixture(slasherFixture);
      const evidence = equivocationEvidence(report({ chainId: 137n }), report({ chainId: 137n, parent: 6n }));
      await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.reverted;
    });

    it("[A-D5] settlements for another receiver are no evidence", async () => {
      const { slasher, report, bob, stranger } = await loadFixture(slasherFixture);
      const receiver = stranger.address;
      const evidence = equivocationEvidence(report({ receiver }), report({ receiver, parent: 6n }));
      await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.reverted;
    });
  });

  describe("[A-D6] two signatures of one thing", () => {
    it("[A-D6] two signatures of one message are no evidence, low or high", async () => {
      const { slasher, ledger, sign, bob } = await loadFixture(slasherFixture);
      const [a, b] = [sign(), sign()];
      expect(a.signature).to.not.equal(b.signature);
      const evidence = deviceEvidence(a, b);
      const s = BigInt(dataSlice(evidence, 192, 224));
      const twin = concat([
        dataSlice(evidence, 0, 192),
        toBeHex(ORDER[a.key.keyType]! - s, 32),
        dataSlice(evidence, 224),
      ]);
      for (const bytes of [evidence, twin]) {
        await expect(slasher.submit(doubleSignedCounter, bytes, bob)).to.be.reverted;
      }
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE);
    });

    it("[A-D6] a report with its signature's twin is no equivocation", async () => {
      const { slasher, committee, members, report, bob } = await loadFixture(slasherFixture);
      const a = report();
      const twin = {
        ...a,
        signature: concat([
          dataSlice(a.signature, 0, 32),
          toBeHex(ORDER[2]! - BigInt(dataSlice(a.signature, 32, 64)), 32),
          dataSlice(a.signature, 64) === "0x00" ? "0x01" : "0x00",
        ]) as Hex,
      };
      const report_ = "tuple(bytes rawReport, bytes reportContext, bytes signature)";
      const evidence = AbiCoder.defaultAbiCoder().encode([report_, report_], [a, twin]);
      await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.reverted;
      expect(await committee.bondOf(members[0]!)).to.equal(MEMBER_BOND);
    });

    it("[A-D6] a signature that recovers nobody is nobody's", async () => {
      const { equivocation, committee, seats, slasher, report, bob } = await loadFixture(slasherFixture);
      // The zero address can never be listed as a signer: what recovers to it has no member to slash.
      await expect(
        committee.setCommittee(1, [{ ...seats[0]!, signer: ethers.ZeroAddress }, ...seats.slice(1)]),
      ).to.be.revertedWithCustomError(committee, "CommitteeBadSigner");
      const report_ = "tuple(bytes rawReport, bytes reportContext, bytes signature)";
      const nobody = { ...report(), signature: concat([ZeroHash, ZeroHash, "0x00"]) };
      const other = { ...report({ parent: 6n }), signature: nobody.signature };
      const evidence = AbiCoder.defaultAbiCoder().encode([report_, report_], [nobody, other]);
      await expect(slasher.submit(committeeEquivocation, evidence, bob)).to.be.revertedWithCustomError(
        equivocation,
        "EquivocationBadSignature",
      );
    });
  });

  describe("[A-S1] leaving before the slash", () => {
    it("[A-S1] a member's bond is free only after the last evidence against it", async () => {
      const { slasher, manager, ledger, genesis, burnable } = await loadFixture(slasherFixture);
      const hasty = await ethers.deployContract("CommitteeRegistry", [
        manager,
        burnable,
        7,
        MEMBER_BOND,
        (MAX_MEMBER_AGE + 1) * EPOCH - 1,
      ]);
      await expect(
        ethers.deployContract("Slasher", [manager, ledger, hasty, genesis, EPOCH, MAX_DEVICE_AGE, MAX_MEMBER_AGE]),
      ).to.be.revertedWithCustomError(slasher, "SlasherBadParameter");
    });

    it("[A-S1] a stake is free only after the last evidence against it", async () => {
      const { slasher, manager, ledger, committee, genesis } = await loadFixture(slasherFixture);
      await expect(
        ethers.deployContract("Slasher", [manager, ledger, committee, genesis, EPOCH, MIN_UNBONDING, MAX_MEMBER_AGE]),
      ).to.be.revertedWithCustomError(slasher, "SlasherBadParameter");
    });

    it("[A-S1] a case cannot outlast the stake that it is about", async () => {
      const { disputes, slasher } = await loadFixture(claimsFixture);
      const terms = termsOf(slasher, { maxAge: 1, answerPeriod: EPOCH, votePeriod: EPOCH + 1 });
      await expect(disputes.setKind(CLAIM_KIND, terms)).to.be.revertedWithCustomError(disputes, "DisputesBadParameter");
    });

    it("[A-S1] who asked for his stake before the fault is known is slashed all the same", async () => {
      const { slasher, ledger, registry, controller, deviceId, alice, sign, bob } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      await ledger.connect(alice).detachDevice(deviceId, SUB);
      await ledger.connect(controller).requestUnbond(OPERATOR, STAKE);
      await nextEpoch(registry, MAX_DEVICE_AGE);
      await slasher.submit(doubleSignedCounter, evidence, bob);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });
  });

  describe("[A-S6] too much, twice, or never again", () => {
    it("[A-S6] a failed accusation does not stand in the way of the next", async () => {
      const { disputes, slasher, ledger, controller, accuse, end } = await loadFixture(claimsFixture);
      await disputes.setKind(CLAIM_KIND, termsOf(slasher, { maxAge: 1, answerPeriod: 600, votePeriod: 600 }));
      const first = await accuse();
      await disputes.connect(controller).answer(first, ANSWER_HASH);
      await end(first);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE);
      await end(await accuse());
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });

    it("[A-S6] two accusations of one fault are two cases, each with its own claim", async () => {
      const { disputes, accuse } = await loadFixture(claimsFixture);
      const [first, second] = [await accuse(), await accuse()];
      expect((await disputes.caseOf(first)).subject).to.not.equal((await disputes.caseOf(second)).subject);
    });

    it("[A-S6] a device's fault costs its bond, however much its operator has", async () => {
      const { slasher, ledger, sign, bob } = await loadFixture(slasherFixture);
      await slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign({ meter: 2n })), bob);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });

    it("[A-S6] a dispute and a proof of the same time are one fault", async () => {
      const { slasher, ledger, registry, epoch, accuse, end, sign, bob } = await loadFixture(claimsFixture);
      const id = await accuse();
      await nextEpoch(registry);
      await slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign({ epoch: epoch + 1 })), bob);
      await end(id);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });

    it("[A-S6] a case that is closed is closed once", async () => {
      const { disputes, target, open, toEnd } = await loadFixture(disputesFixture);
      const id = await open();
      await toEnd(id);
      await disputes.resolve(id);
      await disputes.retryClose(id).catch(() => undefined);
      expect(await target.closes()).to.equal(1);
    });

    it("[A-S6] old evidence is refused", async () => {
      const { slasher, registry, ledger, sign, bob } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      await nextEpoch(registry, MAX_DEVICE_AGE + 1);
      await expect(slasher.submit(doubleSignedCounter, evidence, bob)).to.be.reverted;
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE);
    });

    it("[A-S6] accusing is never for nothing: a kind without a bond is refused", async () => {
      const { disputes, target } = await loadFixture(disputesFixture);
      await expect(disputes.setKind(KIND, termsOf(target, { bond: 0 }))).to.be.revertedWithCustomError(
        disputes,
        "DisputesBadParameter",
      );
    });

    it("[A-S6] who opens a thousand cases posts a thousand bonds, and each is its own", async () => {
      const { disputes, token, accuser, open, books } = await loadFixture(disputesFixture);
      const before = await token.balanceOf(accuser);
      for (let i = 0n; i < 5n; i++) await open(i);
      expect(await token.balanceOf(accuser)).to.equal(before - 5n * CASE_BOND);
      expect(await books()).to.deep.equal({ owed: 5n * CASE_BOND, balance: 5n * CASE_BOND });
      expect(await disputes.caseCount()).to.equal(5);
    });
  });

  describe("[A-S7] a friend takes the bounty", () => {
    it("[A-S7] a member that slashes itself keeps a tenth, where leaving would have paid all", async () => {
      const { slasher, committee, burnable, members, report } = await loadFixture(slasherFixture);
      const member = members[0]!;
      const before = await burnable.balanceOf(member);
      const supply = await burnable.totalSupply();
      const evidence = equivocationEvidence(report(), report({ parent: 6n }));
      await slasher.connect(member).submit(committeeEquivocation, evidence, member);
      const gained = (await burnable.balanceOf(member)) - before;
      expect(gained).to.equal(MEMBER_BOND / 10n);
      expect(await burnable.totalSupply()).to.equal(supply - (MEMBER_BOND - gained));
      await expect(committee.connect(member).withdrawBond()).to.be.reverted;
    });

    it("[A-S7] an operator that slashes itself keeps at most a tenth, where unbonding would have paid all", async () => {
      const { slasher, burnable, controller, sign } = await loadFixture(slasherFixture);
      const before = await burnable.balanceOf(controller);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      await slasher.connect(controller).submit(doubleSignedCounter, evidence, controller);
      const gained = (await burnable.balanceOf(controller)) - before;
      expect(gained).to.be.within(1n, DEVICE_BOND / 10n);
    });

    it("[A-S7] accusing oneself pays nobody: the accuser is not the accused", async () => {
      const { disputes, accused, open } = await loadFixture(disputesFixture);
      await expect(open(7n, accused)).to.be.revertedWithCustomError(disputes, "DisputesBadAccused");
    });
  });
});
