// Life messages: what a device's key signs about its own life. Layout: docs/accounting.md §3 and IDeviceLife.
import { bytesOf, join, uint } from "./bytes";

/** What the signature is for, as IDeviceLife.Purpose numbers it. */
export const LIFE_PURPOSES = { rotate: 1, replace: 2, accept: 3, recover: 4 } as const;

const SCHEMA = 1;
const LIFE_TAG = new TextEncoder().encode("GWL1");

export interface LifeMessage {
  readonly chainId: bigint;
  readonly registry: string;
  readonly purpose: number;
  readonly deviceId: bigint;
  /** rotate, replace: the owner; accept: the buyer; recover: the new owner. */
  readonly account: string;
  readonly version: bigint;
  readonly deadline: bigint;
}

/** 78 bytes; signed over their sha256. */
export function encodeLife(m: LifeMessage): Uint8Array {
  return join(
    LIFE_TAG,
    uint("schema", SCHEMA, 1),
    uint("chainId", m.chainId, 8),
    bytesOf("registry", m.registry, 20),
    uint("purpose", m.purpose, 1),
    uint("deviceId", m.deviceId, 8),
    bytesOf("account", m.account, 20),
    uint("version", m.version, 8),
    uint("deadline", m.deadline, 8),
  );
}
