import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { deviceEvidence, equivocationEvidence } from "../../../oracle/evidence";
import {
  CHALLENGE_EPOCHS,
  deployStaking,
  EPOCH,
  MAX_PAUSE,
  MIN_UNBONDING,
  nextEpoch,
  SUB,
} from "../../helpers/devices";
import {
  BOUNTY_PART,
  CASE_BOND,
  committeeEquivocation,
  counterRunBack,
  DEVICE_BOND,
  doubleSignedCounter,
  EVIDENCE_HASH,
  MAX_DEVICE_AGE,
  MAX_MEMBER_AGE,
  MEMBER_BOND,
  OPERATOR,
  REASON,
  slasherFixture,
  STAKE,
  termsOf,
} from "../../helpers/disputes";
import { asAccount } from "../../helpers/governance";

const bytes32 = ethers.encodeBytes32String;
const CLAIM_KIND = 2;

/** With a staking that unbonds for longer than attachments can be read. */
async function patientFixture() {
  const f = await slasherFixture();
  const long = CHALLENGE_EPOCHS + 2;
  const patient = await deployStaking([
    f.manager,
    f.token,
    f.registry,
    f.makers,
    f.genesis,
    EPOCH,
    long,
    long,
    MAX_PAUSE,
  ]);
  return { ...f, patient };
}

/** With a kernel for claims: kind 2, nobody votes here. */
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

  /** Bob proposes a claim on the device's epoch and opens its case. */
  async function accuse(): Promise<{ claimId: bigint; caseId: bigint }> {
    await f.slasher.propose(OPERATOR, f.deviceId, SUB, f.epoch);
    const claimId = await f.slasher.claimCount();
    await disputes.connect(f.bob).open(CLAIM_KIND, claimId, f.epoch, EVIDENCE_HASH, REASON);
    return { claimId, caseId: await disputes.caseCount() };
  }

  async function toEnd(caseId: bigint): Promise<void> {
    await time.increaseTo((await disputes.caseOf(caseId)).voteUntil);
  }

  return { ...f, escrow, disputes, accuse, toEnd };
}

describe("Slasher", () => {
  describe("constructor", () => {
    it("reverts when evidence could outlast an attachment's memory, an unbonding or the delay of a member's bond", async () => {
      const { manager, ledger, committee, genesis, slasher, patient } = await loadFixture(patientFixture);
      const deploy = (staking: unknown, device: number, member: number) =>
        ethers.deployContract("Slasher", [manager, staking, committee, genesis, EPOCH, device, member]);
      await expect(deploy(ledger, MAX_DEVICE_AGE + 1, MAX_MEMBER_AGE))
        .to.be.revertedWithCustomError(slasher, "SlasherBadParameter")
        .withArgs(bytes32("maxDeviceAge"), MAX_DEVICE_AGE + 1);
      await deploy(patient, CHALLENGE_EPOCHS, MAX_MEMBER_AGE);
      await expect(deploy(patient, CHALLENGE_EPOCHS + 1, MAX_MEMBER_AGE))
        .to.be.revertedWithCustomError(slasher, "SlasherBadParameter")
        .withArgs(bytes32("maxDeviceAge"), CHALLENGE_EPOCHS + 1);
      await expect(deploy(ledger, MAX_DEVICE_AGE, MAX_MEMBER_AGE + 1))
        .to.be.revertedWithCustomError(slasher, "SlasherBadParameter")
        .withArgs(bytes32("maxMemberAge"), MAX_MEMBER_AGE + 1);
      expect([
        await slasher.staking(),
        await slasher.committee(),
        await slasher.maxDeviceAge(),
        await slasher.maxMemberAge(),
      ]).to.deep.equal([ledger.target, committee.target, BigInt(MAX_DEVICE_AGE), BigInt(MAX_MEMBER_AGE)]);
    });
  });

  describe("submit", () => {
    it("reverts for an unknown kind, and with what the evidence reverts with", async () => {
      const { slasher, double, sign, bob } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2_000n }));
      await expect(slasher.submit(77, evidence, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherEvidenceUnknown")
        .withArgs(77);
      await expect(
        slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign()), bob),
      ).to.be.revertedWithCustomError(double, "EvidenceSameMessage");
    });

    it("reverts for an epoch that has not begun, and for one that is too old", async () => {
      const { slasher, registry, epoch, sign, bob } = await loadFixture(slasherFixture);
      const early = deviceEvidence(sign({ epoch: epoch + 1 }), sign({ epoch: epoch + 1, meter: 2_000n }));
      await expect(slasher.submit(doubleSignedCounter, early, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherEpochNotBegun")
        .withArgs(epoch + 1, epoch);
      const evidence = deviceEvidence(sign(), sign({ meter: 2_000n }));
      await nextEpoch(registry, MAX_DEVICE_AGE + 1);
      await expect(slasher.submit(doubleSignedCounter, evidence, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherEvidenceTooOld")
        .withArgs(epoch, epoch + 1);
    });

    it("takes evidence in the last epoch of its age", async () => {
      const { slasher, registry, sign, bob } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2_000n }));
      await nextEpoch(registry, MAX_DEVICE_AGE);
      expect(await slasher.submit.staticCall(doubleSignedCounter, evidence, bob)).to.equal(DEVICE_BOND);
    });

    it("reverts when nobody backed the device, and when nothing is left", async () => {
      const { slasher, ledger, registry, deviceId, epoch, sign, bob, controller } = await loadFixture(slasherFixture);
      const elsewhere = deviceEvidence(sign({ kind: SUB + 1 }), sign({ kind: SUB + 1, meter: 2_000n }));
      await expect(slasher.submit(doubleSignedCounter, elsewhere, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherNothingAttached")
        .withArgs(deviceId, SUB + 1, epoch);
      const terms = await ledger.terms();
      await ledger.setTerms({
        slashCapBps: 10_000,
        bountyBps: terms.bountyBps,
        weightMultiple: terms.weightMultiple,
        minDelegation: terms.minDelegation,
      });
      const itself = await asAccount(await slasher.getAddress());
      await ledger.connect(itself).slash(OPERATOR, STAKE, ethers.id("another fault"), ethers.ZeroAddress);
      const evidence = deviceEvidence(sign(), sign({ meter: 2_000n }));
      const key = await slasher.deviceFaultKey(deviceId, SUB, epoch);
      await expect(slasher.submit(doubleSignedCounter, evidence, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherNothingToSlash")
        .withArgs(key);
      // Nothing taken is nothing done.
      await ledger.connect(controller).stake(OPERATOR, 10n);
      await nextEpoch(registry); // the epoch's cap is spent
      expect(await slasher.submit.staticCall(doubleSignedCounter, evidence, bob)).to.equal(10);
    });

    it("a device's fault: takes its bond and no more, from the operator of that attachment and epoch", async () => {
      const { slasher, ledger, burnable, deviceId, epoch, sign, bob, stranger } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2_000n }));
      const supply = await burnable.totalSupply();
      const call = slasher.connect(stranger).submit(doubleSignedCounter, evidence, bob);
      await expect(call).to.changeTokenBalances(burnable, [bob, ledger], [DEVICE_BOND / BOUNTY_PART, -DEVICE_BOND]);
      const key = await slasher.deviceFaultKey(deviceId, SUB, epoch);
      await expect(call).to.emit(slasher, "DeviceSlashed").withArgs(key, deviceId, OPERATOR, SUB, epoch, DEVICE_BOND);
      const fault = ethers.keccak256(
        ethers.AbiCoder.defaultAbiCoder().encode(
          ["string", "uint64", "uint16", "uint64"],
          ["counter", deviceId, SUB, 10n],
        ),
      );
      await expect(call).to.emit(slasher, "EvidenceAccepted").withArgs(doubleSignedCounter, key, fault, bob);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
      expect(await burnable.totalSupply()).to.equal(supply - DEVICE_BOND + DEVICE_BOND / BOUNTY_PART);
      expect(await slasher.settledUntil(deviceId, SUB, OPERATOR)).to.equal(epoch);
    });

    it("reverts for a fault that is slashed, in every form of it; what comes after is another fault", async () => {
      const { slasher, ledger, registry, deviceId, epoch, sign, bob } = await loadFixture(slasherFixture);
      const [a, b, c] = [sign({ meter: 5n }), sign({ meter: 6n }), sign({ meter: 7n })];
      await slasher.submit(doubleSignedCounter, deviceEvidence(a, b), bob);
      const late = sign({ counter: 9n, time: (await registry.epochGenesis()) + BigInt(epoch) * BigInt(EPOCH) + 900n });
      for (const [kind, evidence] of [
        [doubleSignedCounter, deviceEvidence(b, a)],
        [doubleSignedCounter, deviceEvidence(a, sign({ meter: 6n }))],
        [doubleSignedCounter, deviceEvidence(a, c)],
        [counterRunBack, deviceEvidence(a, late)],
      ] as const) {
        await expect(slasher.submit(kind, evidence, bob))
          .to.be.revertedWithCustomError(slasher, "SlasherFaultSettled")
          .withArgs(deviceId, epoch, epoch);
      }
      await nextEpoch(registry);
      const [d, e] = [sign({ epoch: epoch + 1, meter: 5n }), sign({ epoch: epoch + 1, meter: 6n })];
      // One message that ran away is not paid for again with every later one.
      await expect(slasher.submit(doubleSignedCounter, deviceEvidence(a, d), bob))
        .to.be.revertedWithCustomError(slasher, "SlasherFaultSettled")
        .withArgs(deviceId, epoch, epoch);
      await slasher.submit(doubleSignedCounter, deviceEvidence(d, e), bob);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - 2n * DEVICE_BOND);
    });

    it("a member's fault: takes its bond, also when it has left, and once a slot", async () => {
      const { slasher, committee, burnable, members, seats, epoch, report, bob } = await loadFixture(slasherFixture);
      const account = (await ethers.getSigners())[14]!;
      await burnable.mint(account.address, MEMBER_BOND);
      await burnable.connect(account).approve(committee, MEMBER_BOND);
      await committee.connect(account).postBond(MEMBER_BOND);
      const signer = ethers.Wallet.createRandom().address;
      await committee.setCommittee(1, [...seats.slice(1), { account: account.address, signer, endpoint: "" }]);
      const evidence = equivocationEvidence(report(), report({ dataHash: ethers.ZeroHash as `0x${string}` }));
      const call = slasher.submit(committeeEquivocation, evidence, bob);
      await expect(call).to.changeTokenBalances(burnable, [bob, committee], [MEMBER_BOND / 10n, -MEMBER_BOND]);
      const member = members[0]!;
      const key = await slasher.memberFaultKey(member, SUB, epoch, 0);
      await expect(call).to.emit(slasher, "MemberSlashed").withArgs(key, member, SUB, epoch, 0, MEMBER_BOND);
      expect(await committee.bondOf(member)).to.equal(0);
      await expect(slasher.submit(committeeEquivocation, evidence, bob))
        .to.be.revertedWithCustomError(committee, "CommitteeFaultAlreadySlashed")
        .withArgs(key);
      const another = equivocationEvidence(report({ attempt: 1 }), report({ attempt: 1, parent: 6n }));
      await expect(slasher.submit(committeeEquivocation, another, bob)).to.be.revertedWithCustomError(
        slasher,
        "SlasherNothingToSlash",
      );
    });

    it("a member's fault has an age of its own", async () => {
      const { slasher, registry, epoch, report, bob } = await loadFixture(slasherFixture);
      const evidence = equivocationEvidence(report(), report({ parent: 6n }));
      await nextEpoch(registry, MAX_MEMBER_AGE);
      expect(await slasher.submit.staticCall(committeeEquivocation, evidence, bob)).to.equal(MEMBER_BOND);
      await nextEpoch(registry);
      await expect(slasher.submit(committeeEquivocation, evidence, bob))
        .to.be.revertedWithCustomError(slasher, "SlasherEvidenceTooOld")
        .withArgs(epoch, epoch + 1);
    });
  });

  describe("propose", () => {
    it("reverts for an epoch that has not begun or is too old, and for another operator", async () => {
      const { slasher, registry, deviceId, epoch } = await loadFixture(slasherFixture);
      await expect(slasher.propose(OPERATOR, deviceId, SUB, epoch + 1))
        .to.be.revertedWithCustomError(slasher, "SlasherEpochNotBegun")
        .withArgs(epoch + 1, epoch);
      await expect(slasher.propose(OPERATOR + 1n, deviceId, SUB, epoch))
        .to.be.revertedWithCustomError(slasher, "SlasherNothingAttached")
        .withArgs(deviceId, SUB, epoch);
      await nextEpoch(registry, MAX_DEVICE_AGE + 1);
      await expect(slasher.propose(OPERATOR, deviceId, SUB, epoch))
        .to.be.revertedWithCustomError(slasher, "SlasherEvidenceTooOld")
        .withArgs(epoch, epoch + 1);
    });

    it("keeps what is claimed", async () => {
      const { slasher, deviceId, epoch } = await loadFixture(slasherFixture);
      await expect(slasher.claimOf(1)).to.be.revertedWithCustomError(slasher, "SlasherClaimUnknown").withArgs(1);
      await expect(slasher.propose(OPERATOR, deviceId, SUB, epoch))
        .to.emit(slasher, "ClaimProposed")
        .withArgs(1, deviceId, OPERATOR, SUB, epoch, DEVICE_BOND);
      expect(await slasher.claimOf(1)).to.deep.equal([
        OPERATOR,
        deviceId,
        BigInt(SUB),
        BigInt(epoch),
        DEVICE_BOND,
        ethers.ZeroAddress,
        0n,
        false,
      ]);
    });
  });

  describe("onDisputeOpened", () => {
    it("reverts for whoever is not the kernel", async () => {
      const { slasher, deviceId, epoch, stranger } = await loadFixture(claimsFixture);
      await slasher.propose(OPERATOR, deviceId, SUB, epoch);
      await expect(slasher.connect(stranger).onDisputeOpened(1, 1, epoch))
        .to.be.revertedWithCustomError(slasher, "SlasherNotDisputes")
        .withArgs(stranger);
    });

    it("reverts for an unknown claim, another epoch, a claim that had its case, a fault that is slashed", async () => {
      const { slasher, disputes, registry, deviceId, epoch, accuse, sign, bob } = await loadFixture(claimsFixture);
      const open = (claimId: bigint, e: number) =>
        disputes.connect(bob).open(CLAIM_KIND, claimId, e, EVIDENCE_HASH, REASON);
      await expect(open(9n, epoch)).to.be.revertedWithCustomError(slasher, "SlasherClaimUnknown").withArgs(9);
      const { claimId, caseId } = await accuse();
      await expect(open(claimId, epoch))
        .to.be.revertedWithCustomError(slasher, "SlasherClaimSpent")
        .withArgs(claimId, caseId);
      await slasher.propose(OPERATOR, deviceId, SUB, epoch);
      await nextEpoch(registry);
      await expect(open(2n, epoch + 1))
        .to.be.revertedWithCustomError(slasher, "SlasherWrongEpoch")
        .withArgs(epoch + 1, epoch);
      await slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign({ meter: 2_000n })), bob);
      await expect(open(2n, epoch))
        .to.be.revertedWithCustomError(slasher, "SlasherFaultSettled")
        .withArgs(deviceId, epoch, epoch + 1);
    });

    it("names the operator's controller", async () => {
      const { disputes, slasher, accuse, controller } = await loadFixture(claimsFixture);
      const { claimId, caseId } = await accuse();
      expect((await disputes.caseOf(caseId)).accused).to.equal(controller);
      const claim = await slasher.claimOf(claimId);
      expect([claim.kernel, claim.caseId, claim.decided]).to.deep.equal([disputes.target, caseId, false]);
    });
  });

  describe("onDisputeClosed", () => {
    it("reverts for whoever did not open the case, and the second time", async () => {
      const { slasher, disputes, accuse, toEnd, stranger } = await loadFixture(claimsFixture);
      const { claimId, caseId } = await accuse();
      await expect(slasher.connect(stranger).onDisputeClosed(caseId, claimId, true))
        .to.be.revertedWithCustomError(slasher, "SlasherNotDisputes")
        .withArgs(stranger);
      const kernel = await asAccount(await disputes.getAddress());
      await expect(slasher.connect(kernel).onDisputeClosed(caseId + 1n, claimId, true))
        .to.be.revertedWithCustomError(slasher, "SlasherNotDisputes")
        .withArgs(kernel);
      await toEnd(caseId);
      await disputes.resolve(caseId);
      await expect(slasher.connect(kernel).onDisputeClosed(caseId, claimId, true))
        .to.be.revertedWithCustomError(slasher, "SlasherClaimSpent")
        .withArgs(claimId, caseId);
    });

    it("rejected: nothing is slashed, and the same fault can be claimed anew", async () => {
      const { slasher, disputes, ledger, burnable, accuse, toEnd, controller, bob } = await loadFixture(claimsFixture);
      const { claimId, caseId } = await accuse();
      await disputes.connect(controller).answer(caseId, EVIDENCE_HASH);
      const again = await accuse();
      await toEnd(again.caseId);
      await expect(disputes.resolve(caseId)).to.emit(slasher, "ClaimDecided").withArgs(claimId, caseId, false, 0);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE);
      await expect(disputes.withdraw(controller)).to.changeTokenBalance(burnable, controller, CASE_BOND);
      await disputes.resolve(again.caseId);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
      expect(await disputes.creditOf(bob)).to.equal(CASE_BOND);
    });

    it("upheld: takes the bond, the bounty is the accuser's", async () => {
      const { slasher, disputes, ledger, burnable, deviceId, epoch, accuse, toEnd, bob } =
        await loadFixture(claimsFixture);
      const { claimId, caseId } = await accuse();
      await toEnd(caseId);
      const call = disputes.resolve(caseId);
      await expect(call).to.emit(slasher, "ClaimDecided").withArgs(claimId, caseId, true, DEVICE_BOND);
      const key = await slasher.deviceFaultKey(deviceId, SUB, epoch);
      await expect(call).to.emit(slasher, "DeviceSlashed").withArgs(key, deviceId, OPERATOR, SUB, epoch, DEVICE_BOND);
      await expect(call).to.changeTokenBalances(burnable, [bob, ledger], [DEVICE_BOND / BOUNTY_PART, -DEVICE_BOND]);
      expect((await slasher.claimOf(claimId)).decided).to.equal(true);
    });

    it("upheld after the fault was proven: nothing more is taken, the case ends", async () => {
      const { slasher, disputes, ledger, accuse, toEnd, sign, bob } = await loadFixture(claimsFixture);
      const { claimId, caseId } = await accuse();
      await slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign({ meter: 2_000n })), bob);
      await toEnd(caseId);
      await expect(disputes.resolve(caseId)).to.emit(slasher, "ClaimDecided").withArgs(claimId, caseId, true, 0);
      expect((await disputes.caseOf(caseId)).closed).to.equal(true);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });

    it("is taken from the kernel that opened the case, whatever the pointer says now", async () => {
      const { slasher, disputes, ledger, accuse, toEnd } = await loadFixture(claimsFixture);
      const { caseId } = await accuse();
      await expect(slasher.setDisputes(ethers.ZeroAddress))
        .to.emit(slasher, "DisputesSet")
        .withArgs(ethers.ZeroAddress);
      await toEnd(caseId);
      await disputes.resolve(caseId);
      expect(await ledger.slashableOf(OPERATOR)).to.equal(STAKE - DEVICE_BOND);
    });
  });

  describe("governance", () => {
    it("setEvidence, endEvidence and setDisputes revert for whoever is not the timelock", async () => {
      const { slasher, double, stranger } = await loadFixture(slasherFixture);
      const from = slasher.connect(stranger);
      for (const call of [
        () => from.setEvidence(1, double),
        () => from.endEvidence(1),
        () => from.setDisputes(stranger),
      ]) {
        await expect(call())
          .to.be.revertedWithCustomError(slasher, "AccessManagedUnauthorized")
          .withArgs(stranger.address);
      }
    });

    it("setEvidence reverts for kind 0 and an address without code", async () => {
      const { slasher, double, stranger } = await loadFixture(slasherFixture);
      await expect(slasher.setEvidence(0, double))
        .to.be.revertedWithCustomError(slasher, "SlasherBadParameter")
        .withArgs(bytes32("kind"), 0);
      await expect(slasher.setEvidence(1, stranger))
        .to.be.revertedWithCustomError(slasher, "SlasherBadParameter")
        .withArgs(bytes32("evidence"), BigInt(stranger.address));
    });

    it("setEvidence counts from the next epoch, at once for a kind without evidence", async () => {
      const { slasher, registry, double, counter, epoch } = await loadFixture(slasherFixture);
      await expect(slasher.setEvidence(9, double)).to.emit(slasher, "EvidenceSet").withArgs(9, double, epoch);
      expect(await slasher.evidenceOf(9)).to.equal(double);
      await expect(slasher.setEvidence(9, counter))
        .to.emit(slasher, "EvidenceSet")
        .withArgs(9, counter, epoch + 1);
      expect(await slasher.evidenceOf(9)).to.equal(double);
      await nextEpoch(registry);
      expect(await slasher.evidenceOf(9)).to.equal(counter);
    });

    it("endEvidence ends a kind at once, scheduled or not, and it can be set again", async () => {
      const { slasher, registry, double, counter } = await loadFixture(slasherFixture);
      await slasher.setEvidence(doubleSignedCounter, counter);
      await expect(slasher.endEvidence(doubleSignedCounter))
        .to.emit(slasher, "EvidenceEnded")
        .withArgs(doubleSignedCounter);
      expect(await slasher.evidenceOf(doubleSignedCounter)).to.equal(ethers.ZeroAddress);
      await nextEpoch(registry);
      expect(await slasher.evidenceOf(doubleSignedCounter)).to.equal(ethers.ZeroAddress);
      await expect(slasher.endEvidence(doubleSignedCounter))
        .to.be.revertedWithCustomError(slasher, "SlasherEvidenceUnknown")
        .withArgs(doubleSignedCounter);
      await slasher.setEvidence(doubleSignedCounter, double);
      expect(await slasher.evidenceOf(doubleSignedCounter)).to.equal(double);
    });
  });
});
