// The timelock's operations, put together from its events. Pure.
import type { LogDescription } from "ethers";
import type { AddressBook } from "./book";
import { decodeCall, type DecodedCall } from "./calls";

const ZERO = `0x${"00".repeat(32)}`;

export interface Operation {
  readonly id: string;
  readonly targets: string[];
  readonly values: bigint[];
  readonly payloads: string[];
  readonly predecessor: string;
  readonly delay: number;
  readonly block: number;
  salt: string;
  done: "executed" | "cancelled" | null;
}

export interface TimelockLog {
  readonly block: number;
  readonly event: LogDescription;
}

/** Every operation ever scheduled, oldest first. A cancelled id that was scheduled again is the later one. */
export function operationsFrom(logs: readonly TimelockLog[]): Operation[] {
  const byId = new Map<string, Operation>();
  for (const { block, event } of logs) {
    const id = String(event.args[0]);
    const op = byId.get(id);
    if (event.name === "CallScheduled") {
      const [, , target, value, payload, predecessor, delay] = event.args.toArray() as [
        string,
        bigint,
        string,
        bigint,
        string,
        string,
        bigint,
      ];
      if (op && op.done === null) {
        op.targets.push(target);
        op.values.push(value);
        op.payloads.push(payload);
        continue;
      }
      byId.delete(id);
      byId.set(id, {
        id,
        targets: [target],
        values: [value],
        payloads: [payload],
        predecessor,
        delay: Number(delay),
        block,
        salt: ZERO,
        done: null,
      });
    } else if (op && event.name === "CallSalt") op.salt = String(event.args[1]);
    else if (op && event.name === "CallExecuted") op.done = "executed";
    else if (op && event.name === "Cancelled") op.done = "cancelled";
  }
  return [...byId.values()];
}

export function operationCalls(op: Operation, book: AddressBook): DecodedCall[] {
  return op.targets.map((target, i) => decodeCall(book, target, op.values[i] ?? 0n, op.payloads[i] ?? "0x"));
}

export function hasPredecessor(op: Operation): boolean {
  return op.predecessor !== ZERO;
}
