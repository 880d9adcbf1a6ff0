// deploy/roles.json: who may call which function of which contract. One file, read by the deployment, by `authority`
// and by the tests; a function without a row fails them.
import { FunctionFragment } from "ethers";
import { z } from "zod";
import table from "./roles.json";

export const ROLE_IDS = { ADMIN: 0n, GUARDIAN: 1n } as const;
export type Role = keyof typeof ROLE_IDS;

/**
 * Who may call: a role of the AccessManager; "ANYONE"; or, checked by the contract itself, the holder of the position or
 * another contract (`only`), with the error that everybody else gets.
 */
const Access = z.union([
  z.enum(["ADMIN", "GUARDIAN", "ANYONE"]),
  z.strictObject({ only: z.string().min(1), error: z.string().min(1) }),
]);
export type Access = z.infer<typeof Access>;

export const ROLES = z.record(z.string(), z.record(z.string(), Access)).parse(table);

/** Selectors of a contract that a role of the AccessManager may call. */
export function selectorsOf(contract: string, role: Role): string[] {
  return Object.entries(ROLES[contract] ?? {})
    .filter(([, access]) => access === role)
    .map(([signature]) => FunctionFragment.from(`function ${signature}`).selector);
}

/** Contracts with functions for the guardian. */
export function guardedContracts(): string[] {
  return Object.keys(ROLES).filter((contract) => selectorsOf(contract, "GUARDIAN").length > 0);
}
