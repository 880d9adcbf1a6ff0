// A device, its dispute and its rewards: the real registry, hold accounts, kernel and votes.
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { devicesFixture, EPOCH, MAX_PAUSE, MIN_UNBONDING, nextEpoch } from "../helpers/devices";
import { ANSWER_HASH, CASE_BOND, EVIDENCE_HASH, REASON, STATUS, termsOf } from "../helpers/disputes";

const DENIAL = 1;
const EARNED = ethers.parseEther("7");
const POWER = ethers.parseEther("1000");

async function fixture() {
  const f = await devicesFixture();
  const holds = await ethers.deployContract("DeviceHolds", [f.registry]);
  const escrow = await ethers.deployContract("VoteEscrow", [f.manager, f.token, f.genesis, EPOCH, 60, 600, 600]);
  const disputes = await ethers.deployContract("Disputes", [
    f.manager,
    f.token,
    escrow,
    f.genesis,
    EPOCH,
    MIN_UNBONDING * EPOCH,
    MAX_PAUSE,
    0,
  ]);
  await disputes.setKind(DENIAL, termsOf(f.registry, { maxAge: 1, answerPeriod: EPOCH, votePeriod: EPOCH }));
  await f.registry.setHolds(holds);
  await f.registry.setDisputes(disputes);
  await f.token.mint(f.bob.address, CASE_BOND);
  await f.token.connect(f.bob).approve(disputes, ethers.MaxUint256);
  await f.token.mint(f.carol.address, POWER);
  await f.token.connect(f.carol).approve(escrow, POWER);
  await escrow.connect(f.carol).lock(POWER, 600);
  const deviceId = await f.onboardFor(f.alice);
  const epoch = Number(await nextEpoch(f.registry));
  await disputes.connect(f.bob).open(DENIAL, deviceId, epoch, EVIDENCE_HASH, REASON);
  const account = await holds.accountOf(deviceId, 1);

  /** The epoch after the opening, with what RewardDistributor pays to its payee. */
  async function earnWhileHeld(): Promise<number> {
    const held = Number(await nextEpoch(f.registry));
    expect(await f.registry.payeeAt(deviceId, held)).to.equal(account);
    await f.token.mint(account, EARNED);
    await expect(holds.settle(deviceId, 1, f.token)).to.be.revertedWithCustomError(holds, "HoldNotDecided");
    return held;
  }

  return { ...f, holds, escrow, disputes, deviceId, epoch, account, earnWhileHeld };
}

describe("disputes of devices", () => {
  it("a false accusation: rewards are held, then released, and the accuser pays the accused", async () => {
    const { disputes, registry, holds, token, alice, bob, carol, deviceId, epoch, earnWhileHeld } =
      await loadFixture(fixture);
    expect((await disputes.caseOf(1)).accused).to.equal(alice);
    await disputes.connect(alice).answer(1, ANSWER_HASH);
    const held = await earnWhileHeld();
    expect(await registry.payeeAt(deviceId, epoch)).to.equal(alice);
    await expect(registry.connect(alice).transferFrom(alice, bob, deviceId)).to.be.revertedWithCustomError(
      registry,
      "DeviceInDispute",
    );
    await disputes.connect(carol).vote(1, false);
    await time.increaseTo((await disputes.caseOf(1)).voteUntil);
    await disputes.resolve(1);
    const c = await disputes.caseOf(1);
    expect([c.status, c.closed]).to.deep.equal([STATUS.rejected, true]);
    await expect(holds.settle(deviceId, 1, token)).to.changeTokenBalance(token, alice, EARNED);
    await expect(disputes.withdraw(alice)).to.changeTokenBalances(token, [disputes, alice], [-CASE_BOND, CASE_BOND]);
    expect(await disputes.creditOf(bob)).to.equal(0);
    const after = Number(await nextEpoch(registry));
    expect(after).to.be.greaterThan(held);
    expect([await registry.payeeAt(deviceId, after), await registry.isActiveAt(deviceId, after)]).to.deep.equal([
      alice.address,
      true,
    ]);
  });

  it("an accusation that nobody answers: rewards are held, then burned, and the device is denied", async () => {
    const { disputes, registry, holds, token, bob, deviceId, earnWhileHeld } = await loadFixture(fixture);
    await earnWhileHeld();
    await time.increase(EPOCH);
    await disputes.resolve(1);
    expect((await disputes.caseOf(1)).closed).to.equal(true);
    const supply = await token.totalSupply();
    await holds.settle(deviceId, 1, token);
    expect(await token.totalSupply()).to.equal(supply - EARNED);
    await expect(disputes.withdraw(bob)).to.changeTokenBalance(token, bob, CASE_BOND);
    const after = Number(await nextEpoch(registry));
    expect([await registry.isDeniedAt(deviceId, after), await registry.isActiveAt(deviceId, after)]).to.deep.equal([
      true,
      false,
    ]);
  });
});
