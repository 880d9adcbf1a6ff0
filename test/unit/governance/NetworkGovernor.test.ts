import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import {
  CAP,
  DELAY,
  FLOOR,
  governanceFixture,
  LATE_QUORUM,
  PARAMETERS,
  tick,
  VOTING_DELAY,
  VOTING_PERIOD,
} from "../../helpers/governance";

const State = { Pending: 0, Active: 1, Canceled: 2, Defeated: 3, Succeeded: 4, Queued: 5, Executed: 7 };

describe("NetworkGovernor", () => {
  async function withVoters() {
    const f = await governanceFixture();
    await f.lockFor(f.alice, FLOOR);
    await f.lockFor(f.bob, FLOOR / 2n);
    await tick();
    return f;
  }

  describe("constructor", () => {
    it("reverts when the quorum floor is below 1 % of the cap, or 0", async () => {
      const { escrow, timelock, governor } = await loadFixture(governanceFixture);
      const deploy = (quorumFloor: bigint, tokenCap: bigint) =>
        ethers.deployContract("NetworkGovernor", ["G", escrow, timelock, { ...PARAMETERS, quorumFloor, tokenCap }]);
      await expect(deploy(FLOOR - 1n, CAP))
        .to.be.revertedWithCustomError(governor, "GovernorQuorumFloorTooLow")
        .withArgs(FLOOR - 1n, FLOOR);
      await expect(deploy(1n, 101n))
        .to.be.revertedWithCustomError(governor, "GovernorQuorumFloorTooLow")
        .withArgs(1n, 2n);
      await expect(deploy(0n, 0n))
        .to.be.revertedWithCustomError(governor, "GovernorQuorumFloorTooLow")
        .withArgs(0n, 0n);
      expect(await governor.quorumFloor()).to.equal(FLOOR);
    });

    it("reverts when the voting delay is 0", async () => {
      const { escrow, timelock, governor } = await loadFixture(governanceFixture);
      await expect(
        ethers.deployContract("NetworkGovernor", ["G", escrow, timelock, { ...PARAMETERS, votingDelay: 0 }]),
      ).to.be.revertedWithCustomError(governor, "GovernorVotingDelayZero");
    });
  });

  describe("quorum", () => {
    it("is the floor while the fraction of the past power is smaller", async () => {
      const { governor } = await loadFixture(withVoters);
      expect(await governor.quorum((await time.latest()) - 1)).to.equal(FLOOR);
    });

    it("is the fraction once it is larger", async () => {
      const { governor, lockFor, carol } = await loadFixture(withVoters);
      await lockFor(carol, CAP / 2n);
      const at = await time.latest();
      await tick();
      expect(await governor.quorum(at)).to.equal(((FLOOR + FLOOR / 2n + CAP / 2n) * 4n) / 100n);
      expect(await governor.quorum(at - 1)).to.equal(FLOOR);
    });
  });

  describe("life of a proposal", () => {
    it("below the floor it is defeated whatever the majority", async () => {
      const { governor, bob, proposeValue, target } = await loadFixture(withVoters);
      const { id, action, hash } = await proposeValue(bob, 7n);
      await governor.connect(bob).castVote(id, 1);
      await time.increaseTo((await governor.proposalDeadline(id)) + 1n);
      expect(await governor.state(id)).to.equal(State.Defeated);
      await expect(governor.queue(...action, hash)).to.be.revertedWithCustomError(
        governor,
        "GovernorUnexpectedProposalState",
      );
      expect(await target.value()).to.equal(0);
    });

    it("is voted, queued and executed by the timelock after its delay", async () => {
      const { governor, timelock, alice, bob, stranger, proposeValue, target } = await loadFixture(withVoters);
      const { id, action, hash } = await proposeValue(alice, 7n);
      await governor.connect(alice).castVote(id, 1);
      await governor.connect(bob).castVote(id, 0);
      expect(await governor.proposalVotes(id)).to.deep.equal([FLOOR / 2n, FLOOR, 0n]);
      await time.increaseTo((await governor.proposalDeadline(id)) + 1n);
      expect(await governor.state(id)).to.equal(State.Succeeded);
      await governor.connect(stranger).queue(...action, hash);
      expect(await governor.state(id)).to.equal(State.Queued);
      const eta = await governor.proposalEta(id);
      expect(eta).to.equal((await time.latest()) + DELAY);
      await time.setNextBlockTimestamp(eta);
      await governor.connect(stranger).execute(...action, hash);
      expect(await governor.state(id)).to.equal(State.Executed);
      expect(await target.value()).to.equal(7);
      expect(await target.setBy()).to.equal(await timelock.getAddress());
    });

    it("cannot be executed before the delay", async () => {
      const { governor, timelock, alice, proposeValue, target } = await loadFixture(withVoters);
      const { id, action, hash } = await proposeValue(alice, 7n);
      await governor.connect(alice).castVote(id, 1);
      await time.increaseTo((await governor.proposalDeadline(id)) + 1n);
      await governor.queue(...action, hash);
      await time.setNextBlockTimestamp((await governor.proposalEta(id)) - 1n);
      await expect(governor.execute(...action, hash)).to.be.revertedWithCustomError(
        timelock,
        "TimelockUnexpectedOperationState",
      );
      expect(await target.value()).to.equal(0);
    });

    it("stays open for the extension when the quorum is reached late", async () => {
      const { governor, alice, proposeValue } = await loadFixture(withVoters);
      const { id } = await proposeValue(alice, 7n);
      const deadline = await governor.proposalDeadline(id);
      await time.setNextBlockTimestamp(deadline - 1n);
      await expect(governor.connect(alice).castVote(id, 1))
        .to.emit(governor, "ProposalExtended")
        .withArgs(id, deadline - 1n + BigInt(LATE_QUORUM));
      expect(await governor.proposalDeadline(id)).to.equal(deadline - 1n + BigInt(LATE_QUORUM));
    });

    it("can be cancelled by its proposer while pending, by nobody later", async () => {
      const { governor, alice, bob, target, proposeValue } = await loadFixture(withVoters);
      const action: [string[], bigint[], string[]] = [[await target.getAddress()], [0n], ["0x"]];
      const hash = ethers.id("nothing");
      await governor.connect(alice).propose(...action, "nothing");
      await expect(governor.connect(bob).cancel(...action, hash)).to.be.revertedWithCustomError(
        governor,
        "GovernorUnableToCancel",
      );
      await governor.connect(alice).cancel(...action, hash);
      expect(await governor.state(await governor.hashProposal(...action, hash))).to.equal(State.Canceled);

      const active = await proposeValue(alice, 7n);
      await expect(governor.connect(alice).cancel(...active.action, active.hash)).to.be.revertedWithCustomError(
        governor,
        "GovernorUnableToCancel",
      );
    });

    it("changes the governor's own settings, but no voting delay of 0", async () => {
      const { governor, alice } = await loadFixture(withVoters);
      const pass = async (data: string, description: string) => {
        const action: [string[], bigint[], string[]] = [[await governor.getAddress()], [0n], [data]];
        const hash = ethers.id(description);
        await governor.connect(alice).propose(...action, description);
        const id = await governor.hashProposal(...action, hash);
        await time.increaseTo((await governor.proposalSnapshot(id)) + 1n);
        await governor.connect(alice).castVote(id, 1);
        await time.increaseTo((await governor.proposalDeadline(id)) + 1n);
        await governor.queue(...action, hash);
        await time.increaseTo(await governor.proposalEta(id));
        return governor.execute(...action, hash);
      };
      await pass(governor.interface.encodeFunctionData("setVotingDelay", [VOTING_DELAY + 1]), "delay");
      expect(await governor.votingDelay()).to.equal(VOTING_DELAY + 1);
      await expect(
        pass(governor.interface.encodeFunctionData("setVotingDelay", [0]), "no delay"),
      ).to.be.revertedWithCustomError(governor, "GovernorVotingDelayZero");
      expect(await governor.votingDelay()).to.equal(VOTING_DELAY + 1);
      await expect(governor.connect(alice).setVotingDelay(5))
        .to.be.revertedWithCustomError(governor, "GovernorOnlyExecutor")
        .withArgs(alice.address);
    });

    it("declares that it needs queueing and acts through the timelock", async () => {
      const { governor, timelock, alice, proposeValue } = await loadFixture(withVoters);
      const { id } = await proposeValue(alice, 1n);
      expect(await governor.proposalNeedsQueuing(id)).to.equal(true);
      expect(await governor.timelock()).to.equal(await timelock.getAddress());
      expect(await governor.proposalThreshold()).to.equal(PARAMETERS.proposalThreshold);
      expect(await governor.votingPeriod()).to.equal(VOTING_PERIOD);
      expect(await governor.CLOCK_MODE()).to.equal("mode=timestamp");
    });
  });
});
