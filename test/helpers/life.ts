// What devices, owners and makers sign for the life of a device after its onboarding.
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { ethers } from "hardhat";
import { encodeLife, LIFE_PURPOSES } from "../../oracle/codec";
import type { DeviceRegistry } from "../../typechain-types";
import { devicesFixture, makeDevice, nextEpoch, type TestDevice } from "./devices";

export const DEADLINE = 2n ** 40n;
export const RECOVER = LIFE_PURPOSES.recover;
export const ROTATE = LIFE_PURPOSES.rotate;

async function chainId(): Promise<bigint> {
  return (await ethers.provider.getNetwork()).chainId;
}

/** The device's signature over its life message, for its version of now unless another is given. */
export async function signLife(
  registry: DeviceRegistry,
  box: TestDevice,
  purpose: keyof typeof LIFE_PURPOSES,
  t: { deviceId: bigint; account: string; version?: bigint; deadline?: bigint },
) {
  return box.sign(
    encodeLife({
      chainId: await chainId(),
      registry: await registry.getAddress(),
      purpose: LIFE_PURPOSES[purpose],
      deviceId: t.deviceId,
      account: t.account,
      version: t.version ?? (await registry.versionOf(t.deviceId)),
      deadline: t.deadline ?? DEADLINE,
    }),
  );
}

/** A change of the device's key from `old` to `box`, signed by `box`. */
export async function keyChange(
  registry: DeviceRegistry,
  purpose: "rotate" | "replace",
  t: { deviceId: bigint; owner: string; old: TestDevice; box: TestDevice; deadline?: bigint },
) {
  const deadline = t.deadline ?? DEADLINE;
  return {
    deviceId: t.deviceId,
    oldKeyHash: t.old.keyHash,
    deadline,
    key: t.box.key,
    signature: await signLife(registry, t.box, purpose, { deviceId: t.deviceId, account: t.owner, deadline }),
  };
}

async function domainOf(registry: DeviceRegistry) {
  return {
    name: "Groundwork devices",
    version: "1",
    chainId: await chainId(),
    verifyingContract: await registry.getAddress(),
  };
}

/** A maker's consent to a change of key. */
export async function signChange(
  registry: DeviceRegistry,
  maker: HardhatEthersSigner,
  owner: string,
  c: Awaited<ReturnType<typeof keyChange>>,
  newKeyHash: string,
): Promise<string> {
  const types = {
    KeyChange: [
      { name: "deviceId", type: "uint64" },
      { name: "oldKeyHash", type: "bytes32" },
      { name: "newKeyHash", type: "bytes32" },
      { name: "owner", type: "address" },
      { name: "deadline", type: "uint64" },
    ],
  };
  const value = { deviceId: c.deviceId, oldKeyHash: c.oldKeyHash, newKeyHash, owner, deadline: c.deadline };
  return maker.signTypedData(await domainOf(registry), types, value);
}

/** An owner's offer of the device to `to`. */
export async function signOffer(
  registry: DeviceRegistry,
  owner: HardhatEthersSigner,
  deviceId: bigint,
  to: string,
  deadline = DEADLINE,
): Promise<string> {
  const types = {
    Offer: [
      { name: "deviceId", type: "uint64" },
      { name: "to", type: "address" },
      { name: "version", type: "uint64" },
      { name: "deadline", type: "uint64" },
    ],
  };
  const version = await registry.versionOf(deviceId);
  return owner.signTypedData(await domainOf(registry), types, { deviceId, to, version, deadline });
}

/** Device 1 of alice in its first epoch; hold accounts; `kernel` is the account that opens and closes cases. */
export async function lifeFixture() {
  const f = await devicesFixture();
  const kernel = f.carol;
  const holds = await ethers.deployContract("DeviceHolds", [f.registry]);
  await f.registry.setHolds(holds);
  await f.registry.setDisputes(kernel);
  const box = makeDevice();
  await f.onboardFor(f.alice, box);
  const first = await nextEpoch(f.registry);
  const disputes = f.registry.connect(kernel);
  return { ...f, kernel, disputes, holds, box, first, id: 1n };
}
