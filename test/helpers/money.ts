// The money side of a network, deployed as the constructors say, for any test to build on.
import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import type { AddressLike, BaseContract, ContractTransactionReceipt, ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";
import type {
  AccessManager,
  DataCredits,
  EmissionController,
  HalvingCurve,
  MockV3Aggregator,
  NetworkToken,
  PriceGuard,
} from "../../typechain-types";

export const HOUR = 3600;
export const DAY = 86_400;
export const BPS = 10_000n;

export const TOKEN_NAME = "Groundwork";
export const TOKEN_SYMBOL = "GWK";
export const CAP = ethers.parseEther("1000000000");
export const HOLDING = ethers.parseEther("1000000");

/** 0.5 USD a token: 50,000 credits. */
export const PRICE_E8 = 50_000_000n;
export const MIN_E8 = 1_000_000n; // 0.01 USD
export const MAX_E8 = 10_000_000_000n; // 100 USD
export const DEVIATION_BPS = 200n;
export const BOUNDS = { minE8: MIN_E8, maxE8: MAX_E8, maxDeviationBps: DEVIATION_BPS };
export const WINDOW = HOUR;
export const MAX_AGE = DAY;
export const MAX_PAUSE = 9 * DAY;

export const EPOCH_LENGTH = DAY;
export const INITIAL = ethers.parseEther("1000000");
export const HALVING_EPOCHS = 4n;
export const BUCKETS = { devicesBps: 7000n, stakersBps: 0n, treasuryBps: 3000n };
/** Ten epochs at once, refilled twice as fast as the curve emits at first. */
export const RATE_CAPACITY = 10n * INITIAL;
export const RATE_REFILL = (2n * INITIAL) / BigInt(EPOCH_LENGTH) + 1n;

export const NEVER = 2n ** 64n - 1n;
export const STAKERS = ethers.encodeBytes32String("stakers");
export const TREASURY = ethers.encodeBytes32String("treasury");

/** A signer by its place; tests name their actors. */
export async function signerAt(i: number): Promise<HardhatEthersSigner> {
  const signer = (await ethers.getSigners())[i];
  if (!signer) throw new Error(`no signer ${i}`);
  return signer;
}

export interface Base {
  admin: HardhatEthersSigner;
  guardian: HardhatEthersSigner;
  alice: HardhatEthersSigner;
  bob: HardhatEthersSigner;
  stranger: HardhatEthersSigner;
  manager: AccessManager;
  token: NetworkToken;
}

/** A manager whose admin is `admin`, and a token: HOLDING for alice and bob at genesis, no minter. */
export async function tokenFixture(): Promise<Base> {
  const [admin, guardian, alice, bob, stranger] = await Promise.all([0, 1, 2, 3, 4].map(signerAt));
  if (!admin || !guardian || !alice || !bob || !stranger) throw new Error("too few signers");
  const manager = await ethers.deployContract("AccessManager", [admin]);
  const token = await ethers.deployContract("NetworkToken", [
    manager,
    TOKEN_NAME,
    TOKEN_SYMBOL,
    CAP,
    [alice, bob].map((who) => ({
      beneficiary: who.address,
      amount: HOLDING,
      vestingStart: 0,
      vestingDuration: 0,
    })),
  ]);
  return { admin, guardian, alice, bob, stranger, manager, token };
}

export interface Credits extends Base {
  feed: MockV3Aggregator;
  guard: PriceGuard;
  credits: DataCredits;
}

/** tokenFixture with a guard on one feed of 8 decimals at PRICE_E8 and credits priced by it. */
export async function creditsFixture(): Promise<Credits> {
  const base = await tokenFixture();
  const feed = await ethers.deployContract("MockV3Aggregator", [8, PRICE_E8]);
  const guard = await ethers.deployContract("PriceGuard", [base.manager, WINDOW, 0, BOUNDS]);
  await guard.setSources(await source(feed), NO_SOURCE);
  const credits = await ethers.deployContract("DataCredits", [
    base.manager,
    base.token,
    await time.latest(),
    EPOCH_LENGTH,
    MAX_PAUSE,
  ]);
  await credits.setPriceGuard(guard);
  return { ...base, feed, guard, credits };
}

export const NO_SOURCE = { feed: ethers.ZeroAddress, maxAge: 0 };

export async function source(feed: BaseContract, maxAge = MAX_AGE): Promise<{ feed: string; maxAge: number }> {
  return { feed: await feed.getAddress(), maxAge };
}

export interface Emission extends Base {
  treasury: HardhatEthersSigner;
  distributor: HardhatEthersSigner;
  curve: HalvingCurve;
  emissions: EmissionController;
}

/** tokenFixture with an EmissionController as minter, in epoch 0; `distributor` is an account, so it can call fund. */
export async function emissionFixture(): Promise<Emission> {
  const base = await tokenFixture();
  const [treasury, distributor] = [await signerAt(5), await signerAt(6)];
  const curve = await ethers.deployContract("HalvingCurve", [INITIAL, HALVING_EPOCHS]);
  const emissions = await ethers.deployContract("EmissionController", [
    base.manager,
    base.token,
    0,
    EPOCH_LENGTH,
    curve,
    BUCKETS,
    RATE_CAPACITY,
    RATE_REFILL,
  ]);
  await base.token.setMinter(emissions);
  await emissions.setDistributor(distributor);
  await emissions.setReceiver(TREASURY, treasury);
  return { ...base, treasury, distributor, curve, emissions };
}

/** Weights of the six sub-networks of sixSubNetworksFixture. */
export const WEIGHTS = [3000n, 2500n, 2000n, 1500n, 700n, 300n];

/** emissionFixture with six sub-networks, WEIGHTS from epoch 1, still in epoch 0. */
export async function sixSubNetworksFixture(): Promise<Emission> {
  const f = await emissionFixture();
  for (let i = 0; i < WEIGHTS.length; i++) await f.emissions.addSubNetwork(i + 1, 9500, `sub-network ${i + 1}`);
  await f.emissions.setWeights(WEIGHTS);
  return f;
}

/** Moves the chain's time to the first second of `epoch`. */
export async function toEpoch(contract: EpochKeeper, epoch: number | bigint): Promise<void> {
  const start = (await contract.epochGenesis()) + BigInt(epoch) * (await contract.epochLength());
  if (BigInt(await time.latest()) < start) await time.increaseTo(start);
}

interface EpochKeeper {
  epochGenesis(): Promise<bigint>;
  epochLength(): Promise<bigint>;
}

/** `whole` by `shares`, with prefix sums: the split of docs/accounting.md §2. */
export function split(whole: bigint, shares: readonly bigint[]): bigint[] {
  const total = shares.reduce((a, b) => a + b, 0n);
  let sum = 0n;
  return shares.map((share) => {
    const from = (whole * sum) / total;
    sum += share;
    return (whole * sum) / total - from;
  });
}

/** ⌊tokens · priceE8 / 10²¹⌋. */
export const creditsFor = (tokens: bigint, priceE8: bigint): bigint => (tokens * priceE8) / 10n ** 21n;

/** ⌈credits · 10²¹ / priceE8⌉. */
export const tokensFor = (credits: bigint, priceE8: bigint): bigint => (credits * 10n ** 21n + priceE8 - 1n) / priceE8;

/** Gas of a transaction that must succeed. */
export async function gasOf(tx: Promise<ContractTransactionResponse>): Promise<bigint> {
  return (await receiptOf(tx)).gasUsed;
}

export async function receiptOf(tx: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  const receipt = await (await tx).wait();
  if (!receipt) throw new Error("no receipt");
  return receipt;
}

/** ERC-2612 permit of `owner` for `spender`. */
export async function signPermit(
  token: NetworkToken,
  owner: HardhatEthersSigner,
  spender: AddressLike,
  value: bigint,
  deadline: bigint,
) {
  const { name, version, chainId, verifyingContract } = await token.eip712Domain();
  const signature = await owner.signTypedData(
    { name, version, chainId, verifyingContract },
    {
      Permit: ["owner", "spender", "value", "nonce", "deadline"].map((field) => ({
        name: field,
        type: field === "owner" || field === "spender" ? "address" : "uint256",
      })),
    },
    {
      owner: owner.address,
      spender: await ethers.resolveAddress(spender),
      value,
      nonce: await token.nonces(owner),
      deadline,
    },
  );
  const { v, r, s } = ethers.Signature.from(signature);
  return { v, r, s };
}
