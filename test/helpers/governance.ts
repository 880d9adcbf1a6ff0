import { mine, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";

export const DAY = 86_400;
export const EPOCH = 60;
export const CAP = ethers.parseEther("1000000000");
export const MIN_DURATION = 7 * DAY;
export const MAX_DURATION = 4 * 365 * DAY;
export const MAX_PAUSE = 9 * DAY;
export const DELAY = 2 * DAY;
export const VOTING_DELAY = 10;
export const VOTING_PERIOD = 100;
export const LATE_QUORUM = 50;
export const THRESHOLD = ethers.parseEther("1000");
export const FLOOR = CAP / 100n;

export const PARAMETERS = {
  votingDelay: VOTING_DELAY,
  votingPeriod: VOTING_PERIOD,
  proposalThreshold: THRESHOLD,
  quorumPercent: 4,
  quorumFloor: FLOOR,
  lateQuorumExtension: LATE_QUORUM,
  tokenCap: CAP,
};

/** A token, VoteEscrow, timelock, governor and council wired as in a deployment, but for the manager's admin: `admin`. */
export async function governanceFixture() {
  const [admin, council, guardian, alice, bob, carol, stranger] = (await ethers.getSigners()) as [
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
  ];
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const token = await ethers.deployContract("LoanToken__MockForVotes");
  const escrow = await ethers.deployContract("VoteEscrow", [
    manager,
    token,
    0,
    EPOCH,
    MIN_DURATION,
    MAX_DURATION,
    MAX_PAUSE,
  ]);
  const timelock = await ethers.deployContract("NetworkTimelock", [DELAY, [], [ethers.ZeroAddress], admin.address]);
  const governor = await ethers.deployContract("NetworkGovernor", ["Groundwork", escrow, timelock, PARAMETERS]);
  const bootstrap = await ethers.deployContract("BootstrapCouncil", [timelock, escrow, council.address, FLOOR]);
  const target = await ethers.deployContract("Target__MockForGovernance");

  await timelock.grantRole(await timelock.PROPOSER_ROLE(), governor);
  await timelock.grantRole(await timelock.CANCELLER_ROLE(), governor);
  await timelock.grantRole(await timelock.PROPOSER_ROLE(), bootstrap);
  await timelock.renounceRole(ethers.ZeroHash, admin.address);

  /** Mints and locks. Returns the lock's id. */
  async function lockFor(owner: HardhatEthersSigner, amount: bigint, duration = MAX_DURATION): Promise<bigint> {
    await token.mint(owner.address, amount);
    await token.connect(owner).approve(escrow, amount);
    await escrow.connect(owner).lock(amount, duration);
    return escrow.lockCount();
  }

  /** A proposal that calls target.setValue(value), in its voting period. */
  async function proposeValue(proposer: HardhatEthersSigner, value: bigint) {
    const action: [string[], bigint[], string[]] = [
      [await target.getAddress()],
      [0n],
      [target.interface.encodeFunctionData("setValue", [value])],
    ];
    const description = `Set the value to ${value}`;
    await governor.connect(proposer).propose(...action, description);
    const hash = ethers.id(description);
    const id = await governor.hashProposal(...action, hash);
    await time.increaseTo((await governor.proposalSnapshot(id)) + 1n);
    return { id, action, hash };
  }

  return {
    admin,
    council,
    guardian,
    alice,
    bob,
    carol,
    stranger,
    manager,
    token,
    escrow,
    timelock,
    governor,
    bootstrap,
    target,
    lockFor,
    proposeValue,
  };
}

/** Runs `action` as `address`, which need not be a signer. */
export async function asAccount(address: string): Promise<HardhatEthersSigner> {
  await setBalance(address, 10n ** 20n);
  return ethers.getImpersonatedSigner(address);
}

/** Moves the clock one second on. */
export async function tick(): Promise<void> {
  await mine(1, { interval: 1 });
}
