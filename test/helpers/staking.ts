// Stake for tests: operator 1 of `controller` with 500 tokens of its own, a device of alice attached, a slasher, delegators.
import { ethers } from "hardhat";
import { devicesFixture, MODEL_BOND, nextEpoch, SUB } from "./devices";

export const ONE = 10n ** 18n;
export const STAKE = MODEL_BOND * 10n; // the operator's own
export const VIRTUAL = 1_000n; // shares a wei, in a fresh bucket
export const TERMS = { slashCapBps: 5_000, bountyBps: 500, weightMultiple: 3, minDelegation: ONE };

/** Device 1 backed since the epoch that runs; bob, carol and stranger hold tokens; admin is the slasher. */
export async function stakingFixture() {
  const f = await devicesFixture();
  const { staking, token, admin, alice, bob, carol, stranger } = f;
  for (const account of [bob, carol, stranger]) {
    await token.mint(account.address, 1_000_000n * ONE);
    await token.connect(account).approve(staking, ethers.MaxUint256);
  }
  await staking.setSlasher(admin.address);
  await f.onboardFor(alice);
  await staking.connect(alice).attachDevice(1, SUB, 1);
  const now = await nextEpoch(staking);

  /** Has the slasher take `amount` for a fault of its own. */
  let faults = 0;
  const slash = (amount: bigint, to: string = ethers.ZeroAddress, operatorId = 1) =>
    staking.slash(operatorId, amount, ethers.id(`fault ${faults++}`), to);

  /** Distributes `amount` over the weights of now. */
  async function reward(amount: bigint): Promise<void> {
    await token.mint(await staking.getAddress(), amount);
    await staking.distribute();
  }

  /** What `account` could claim from operator 1. */
  const claimable = (account: string) => staking.claim.staticCall(1, account).catch(() => 0n);

  return { ...f, now, slash, reward, claimable };
}

/** The same with operator 1 weighed, and 500 tokens delegated by bob in force. */
export async function delegatedFixture() {
  const f = await stakingFixture();
  await f.staking.connect(f.bob).delegate(1, STAKE, STAKE * VIRTUAL);
  const now = await nextEpoch(f.staking);
  await f.staking.refreshWeight(1);
  return { ...f, now };
}
