// The device side for tests: keys, batches, onboarding signatures, and a fixture of the three contracts with a maker, a
// certified model and an operator.
import { createPrivateKey, generateKeyPairSync, sign as signWith, type KeyObject } from "node:crypto";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import type { BaseContract, ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";
import {
  batchLeaf,
  encodeOnboarding,
  type Hex,
  hex,
  KEY_P256,
  KEY_SECP256K1,
  keyHash,
  type DeviceKey,
  type DeviceSignature,
  MerkleTree,
  normaliseSignature,
  ORDER,
  type OnboardingMessage,
} from "../../oracle/codec";
import type { AccessManager, DeviceRegistry, OperatorStaking } from "../../typechain-types";
import type { OnboardingStruct } from "../../typechain-types/contracts/devices/DeviceRegistry";

export const EPOCH = 3_600;
export const CHALLENGE_EPOCHS = 5;
export const MIN_UNBONDING = 4;
export const UNBONDING = 6;
export const MAX_PAUSE = 9 * 86_400;
export const MIN_BOND = ethers.parseEther("1000");
export const BOND_DELAY = 14 * 86_400;
export const QUOTA = 2 ** 21;
export const MODEL_BOND = ethers.parseEther("50");
export const POINTS_CAP = 1_000_000n;
export const FEE = 4_000_000n;
export const SUB = 2;

/** A box: its key, its serial number, and the power to sign. */
export interface TestDevice {
  key: DeviceKey;
  keyHash: Hex;
  serialHash: Hex;
  /** Signs sha256(bytes), low s. */
  sign(bytes: Uint8Array): DeviceSignature;
}

function p256Device(privateKey: KeyObject, serialHash: Hex): TestDevice {
  const { x, y } = privateKey.export({ format: "jwk" });
  if (x === undefined || y === undefined) throw new Error("not a key of an elliptic curve");
  const key = { keyType: KEY_P256, x: hex(Buffer.from(x, "base64url")), y: hex(Buffer.from(y, "base64url")) };
  return {
    key,
    keyHash: keyHash(key),
    serialHash,
    sign: (bytes) =>
      normaliseSignature(KEY_P256, hex(signWith("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }))),
  };
}

let serial = 0;

function nextSerialHash(): Hex {
  return ethers.id(`serial-${serial++}`) as Hex;
}

/** A device with a fresh P-256 key. */
export function makeDevice(): TestDevice {
  return p256Device(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, nextSerialHash());
}

/** A device with a P-256 key from PKCS #8, for runs that must repeat. */
export function deviceOfPkcs8(der: Buffer): TestDevice {
  return p256Device(createPrivateKey({ key: der, format: "der", type: "pkcs8" }), nextSerialHash());
}

/** A device with a secp256k1 key. */
export function makeSecp256k1Device(privateKey: string = ethers.Wallet.createRandom().privateKey): TestDevice {
  const signer = new ethers.SigningKey(privateKey);
  const key = {
    keyType: KEY_SECP256K1,
    x: ethers.dataSlice(signer.publicKey, 1, 33) as Hex,
    y: ethers.dataSlice(signer.publicKey, 33, 65) as Hex,
  };
  return {
    key,
    keyHash: keyHash(key),
    serialHash: nextSerialHash(),
    sign: (bytes) => {
      const { r, s } = signer.sign(ethers.sha256(bytes));
      return normaliseSignature(KEY_SECP256K1, ethers.concat([r, s]));
    },
  };
}

/** The other signature of the same message: s and order − s. */
export function twin(keyType: number, signature: DeviceSignature): DeviceSignature {
  const order = ORDER[keyType];
  if (order === undefined) throw new Error(`no key type ${keyType}`);
  return { r: signature.r, s: ethers.toBeHex(order - BigInt(signature.s), 32) as Hex };
}

export function batchTree(devices: readonly TestDevice[]): MerkleTree {
  return new MerkleTree(devices.map((d) => batchLeaf(d.serialHash, d.keyHash)));
}

/** Root and proof of a batch of 2^height devices in which only place `index` is ours: no million leaves are built. */
export function sparseBatch(
  device: TestDevice,
  index: number,
  height: number,
): { root: Hex; count: number; index: number; proof: Hex[] } {
  const proof = Array.from({ length: height }, (_, k) => ethers.id(`sibling-${k}`) as Hex);
  const root = proof.reduce<Hex>(
    (node, sibling, k) => ethers.keccak256(ethers.concat((index >> k) & 1 ? [sibling, node] : [node, sibling])) as Hex,
    batchLeaf(device.serialHash, device.keyHash),
  );
  return { root, count: 2 ** height, index, proof };
}

/** What an onboarding needs beyond the device; what is left out is free of choice. */
export interface OnboardingTerms {
  registry: DeviceRegistry;
  owner: string;
  batchId: bigint | number;
  index: number;
  proof: readonly Hex[];
  operatorId?: bigint;
  subNetwork?: number;
  nonce?: bigint;
  deadline?: bigint;
}

/** The id of a batch's place, which the message names. */
async function idOf({ registry, batchId, index }: OnboardingTerms): Promise<bigint> {
  const makers = await ethers.getContractAt("MakerRegistry", await registry.makers());
  return (await makers.batchOf(batchId)).firstDeviceId + BigInt(index);
}

/** The message a device signs to be onboarded on this chain. */
export async function onboardingMessage(t: OnboardingTerms): Promise<OnboardingMessage> {
  return {
    chainId: (await ethers.provider.getNetwork()).chainId,
    registry: await t.registry.getAddress(),
    owner: t.owner,
    operatorId: t.operatorId ?? 0n,
    subNetwork: t.subNetwork ?? SUB,
    nonce: t.nonce ?? (await idOf(t)),
    deadline: t.deadline ?? 2n ** 40n,
  };
}

/** The argument of `onboard`, signed by the device. */
export async function signOnboarding(device: TestDevice, t: OnboardingTerms): Promise<OnboardingStruct> {
  const m = await onboardingMessage(t);
  return {
    owner: m.owner,
    operatorId: m.operatorId,
    subNetwork: m.subNetwork,
    batchId: t.batchId,
    index: t.index,
    serialHash: device.serialHash,
    nonce: m.nonce,
    deadline: m.deadline,
    key: device.key,
    signature: device.sign(encodeOnboarding(m)),
    proof: [...t.proof],
  };
}

/** A DeviceRegistry, linked with its library. */
export async function deployRegistry(args: unknown[]): Promise<DeviceRegistry> {
  const life = await ethers.deployContract("DeviceLife");
  const factory = await ethers.getContractFactory("DeviceRegistry", { libraries: { DeviceLife: life } });
  return (await factory.deploy(...(args as Parameters<typeof factory.deploy>))) as unknown as DeviceRegistry;
}

/** What this fixture asks of credits. */
type SpenderKeeper = BaseContract & {
  setSpender(spender: BaseContract, allowed: boolean): Promise<ContractTransactionResponse>;
};

/** Devices ever onboarded. */
export async function deviceCount(registry: DeviceRegistry): Promise<bigint> {
  return BigInt((await registry.queryFilter(registry.filters.DeviceOnboarded)).length);
}

/** Moves the clock to the first second of `n` epochs later. */
export async function nextEpoch(registry: { epochGenesis(): Promise<bigint> }, n = 1): Promise<bigint> {
  const genesis = await registry.epochGenesis();
  const epoch = (BigInt(await time.latest()) - genesis) / BigInt(EPOCH) + BigInt(n);
  await time.increaseTo(genesis + epoch * BigInt(EPOCH));
  return epoch;
}

/** The credits of a fixture, and how an account gets some. */
export interface CreditsOf<C> {
  credits: C;
  give(account: string, amount: bigint): Promise<unknown>;
}

/** OperatorStaking, linked. */
export async function deployStaking(args: unknown[]): Promise<OperatorStaking> {
  const ledger = await ethers.deployContract("StakeLedger");
  const libraries = { StakeLedger: await ledger.getAddress() };
  return (await ethers.deployContract("OperatorStaking", args, { libraries })) as unknown as OperatorStaking;
}

/** MakerRegistry, DeviceRegistry, OperatorStaking; a licensed maker, a model, an operator with stake that accepts alice. */
export function devicesFixture() {
  return devicesFixtureOn(async (_manager, genesis) => {
    const credits = await ethers.deployContract("DataCredits__MockForDevices", [genesis, EPOCH]);
    return { credits, give: (account, amount) => credits.mint(account, amount) };
  });
}

/** The same on the real DataCredits, bought at a fixed price. */
export function devicesOnRealCreditsFixture() {
  return devicesFixtureOn(async (manager, genesis) => {
    const [admin] = await ethers.getSigners();
    const supply = ethers.parseEther("1000000000");
    const token = await ethers.deployContract("NetworkToken", [
      manager,
      "Groundwork",
      "GWK",
      supply,
      [{ beneficiary: admin!.address, amount: supply, vestingStart: 0, vestingDuration: 0 }],
    ]);
    const price = 50_000_000n;
    const feed = await ethers.deployContract("MockV3Aggregator", [8, price]);
    const guard = await ethers.deployContract("PriceGuard", [
      manager,
      EPOCH,
      0,
      { minE8: price, maxE8: price, maxDeviationBps: 200 },
    ]);
    await guard.setSources({ feed, maxAge: 86_400 }, { feed: ethers.ZeroAddress, maxAge: 0 });
    const credits = await ethers.deployContract("DataCredits", [manager, token, genesis, EPOCH, MAX_PAUSE]);
    await credits.setPriceGuard(guard);
    await token.approve(credits, ethers.MaxUint256);
    return {
      credits,
      give: (account, amount) => credits.mintExactOut(amount, ethers.MaxUint256, account, 2n ** 64n - 1n),
    };
  });
}

async function devicesFixtureOn<C extends SpenderKeeper>(
  deployCredits: (manager: AccessManager, genesis: bigint) => Promise<CreditsOf<C>>,
) {
  const [admin, maker, controller, alice, bob, carol, stranger] = (await ethers.getSigners()) as [
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
  ];
  const genesis = BigInt(await time.latest()) + 100n;
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const token = await ethers.deployContract("Token__MockForDevices");
  const { credits, give } = await deployCredits(manager, genesis);
  const makers = await ethers.deployContract("MakerRegistry", [
    manager,
    token,
    genesis,
    EPOCH,
    MIN_BOND,
    BOND_DELAY,
    MAX_PAUSE,
  ]);
  const registry = await deployRegistry([
    manager,
    makers,
    credits,
    genesis,
    EPOCH,
    CHALLENGE_EPOCHS,
    MAX_PAUSE,
    "Groundwork devices",
    "GWD",
  ]);
  const staking = await deployStaking([
    manager,
    token,
    registry,
    makers,
    genesis,
    EPOCH,
    MIN_UNBONDING,
    UNBONDING,
    MAX_PAUSE,
  ]);
  await credits.setSpender(registry, true);
  await registry.setStaking(staking);
  await registry.setOnboardingFee(FEE);
  await time.increaseTo(genesis + 10n * BigInt(EPOCH));

  for (const account of [maker, controller, alice, bob]) {
    await token.mint(account.address, ethers.parseEther("1000000"));
    await give(account.address, 100n * FEE);
    for (const spender of [makers, staking]) await token.connect(account).approve(spender, ethers.MaxUint256);
  }
  await makers.connect(maker).postBond(MIN_BOND);
  await makers.license(maker.address, QUOTA);
  await makers.certifyModel(maker.address, 1, MODEL_BOND, POINTS_CAP, 0, "Gateway One");
  await staking.connect(controller).createOperator();
  await staking.connect(controller).acceptOwner(1, alice.address, true);
  await staking.connect(controller).stake(1, MODEL_BOND * 10n);
  await nextEpoch(registry);

  /** Posts a batch of the devices as the maker. Returns its id and tree. */
  async function postBatch(devices: readonly TestDevice[]): Promise<{ batchId: bigint; tree: MerkleTree }> {
    const tree = batchTree(devices);
    const batchId = await makers.connect(maker).postBatch.staticCall(1, tree.root, devices.length, ethers.ZeroHash);
    await makers.connect(maker).postBatch(1, tree.root, devices.length, ethers.ZeroHash);
    return { batchId, tree };
  }

  /** Posts a batch of one, onboards it for `owner` at the owner's expense. Returns the device's id. */
  async function onboardFor(
    owner: HardhatEthersSigner,
    device: TestDevice = makeDevice(),
    terms: { operatorId?: bigint; subNetwork?: number } = {},
  ): Promise<bigint> {
    const { batchId } = await postBatch([device]);
    const o = await signOnboarding(device, { registry, owner: owner.address, batchId, index: 0, proof: [], ...terms });
    await registry.connect(owner).onboard(o);
    return registry.deviceOfKey(device.keyHash);
  }

  return {
    admin,
    maker,
    controller,
    alice,
    bob,
    carol,
    stranger,
    genesis,
    manager,
    token,
    credits,
    makers,
    registry,
    staking,
    postBatch,
    onboardFor,
  };
}
