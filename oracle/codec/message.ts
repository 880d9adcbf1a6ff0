// What devices sign: fixed bytes, hashed with sha256 (secure elements). Layouts: docs/accounting.md §3.
import { getAddress, sha256 } from "ethers";
import { bytesOf, CodecError, Hex, hex, int, join, readInt, readUint, uint } from "./bytes";

export const MESSAGE_SIZE = 111;
export const ONBOARDING_SIZE = 79;
const MESSAGE_TAG = new TextEncoder().encode("GWM1");
const ONBOARDING_TAG = new TextEncoder().encode("GWO1");
const SCHEMA = 1;

/** One measurement. `kind` is the sub-network it is meant for; `time` in seconds; `meter` the running total of units. */
export interface DeviceMessage {
  chainId: bigint;
  registry: string;
  deviceId: bigint;
  kind: number;
  epoch: number;
  counter: bigint;
  time: bigint;
  latE7: number;
  lonE7: number;
  meter: bigint;
  payloadHash: Hex;
}

export interface OnboardingMessage {
  chainId: bigint;
  registry: string;
  owner: string;
  operatorId: bigint;
  subNetwork: number;
  nonce: bigint;
  deadline: bigint;
}

export function encodeMessage(m: DeviceMessage): Uint8Array {
  return join(
    MESSAGE_TAG,
    uint("schema", SCHEMA, 1),
    uint("chainId", m.chainId, 8),
    bytesOf("registry", m.registry, 20),
    uint("deviceId", m.deviceId, 8),
    uint("kind", m.kind, 2),
    uint("epoch", m.epoch, 4),
    uint("counter", m.counter, 8),
    uint("time", m.time, 8),
    int("latE7", m.latE7, 4),
    int("lonE7", m.lonE7, 4),
    uint("meter", m.meter, 8),
    bytesOf("payloadHash", m.payloadHash, 32),
  );
}

export function decodeMessage(bytes: Uint8Array): DeviceMessage {
  if (bytes.length !== MESSAGE_SIZE)
    throw new CodecError("message", `has ${bytes.length} bytes, needs ${MESSAGE_SIZE}`);
  if (MESSAGE_TAG.some((b, i) => bytes[i] !== b)) throw new CodecError("tag", 'is not "GWM1"');
  if (bytes[4] !== SCHEMA) throw new CodecError("schema", `${bytes[4]} is unknown, 1 is known`);
  return {
    chainId: readUint(bytes, 5, 8),
    registry: getAddress(hex(bytes.slice(13, 33))),
    deviceId: readUint(bytes, 33, 8),
    kind: Number(readUint(bytes, 41, 2)),
    epoch: Number(readUint(bytes, 43, 4)),
    counter: readUint(bytes, 47, 8),
    time: readUint(bytes, 55, 8),
    latE7: Number(readInt(bytes, 63, 4)),
    lonE7: Number(readInt(bytes, 67, 4)),
    meter: readUint(bytes, 71, 8),
    payloadHash: hex(bytes.slice(79, 111)),
  };
}

export function encodeOnboarding(m: OnboardingMessage): Uint8Array {
  return join(
    ONBOARDING_TAG,
    uint("schema", SCHEMA, 1),
    uint("chainId", m.chainId, 8),
    bytesOf("registry", m.registry, 20),
    bytesOf("owner", m.owner, 20),
    uint("operatorId", m.operatorId, 8),
    uint("subNetwork", m.subNetwork, 2),
    uint("nonce", m.nonce, 8),
    uint("deadline", m.deadline, 8),
  );
}

/** sha256: what the device signs, and the name of a proof. */
export function messageHash(bytes: Uint8Array): Hex {
  return sha256(bytes) as Hex;
}
