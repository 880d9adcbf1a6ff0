// Errors of commands: what is wrong, a stable code, an exit code, and no stack for what the user can mend.
import { inspect } from "node:util";
import { HardhatPluginError } from "hardhat/plugins";

const PLUGIN = "groundwork";

/** Exit codes of every command. 1 is an error that nobody foresaw. */
export const EXIT = { usage: 2, state: 3, environment: 4 } as const;

/** A command cannot do what was asked. Hardhat prints the message without a stack. */
export class CommandError extends HardhatPluginError {
  constructor(
    readonly code: string,
    message: string,
    readonly exitCode: number,
    readonly data: Readonly<Record<string, unknown>> = {},
  ) {
    super(PLUGIN, message);
    Object.setPrototypeOf(this, new.target.prototype); // HardhatPluginError sets its own
    this.name = new.target.name;
  }

  /** Where Hardhat would print a stack (on CI): the code alone. The stack is the reader's to ask for. */
  [inspect.custom](): string {
    return `${this.name} ${this.code}`;
  }
}

/** What was given is missing, malformed or unknown. Nothing was sent. */
export class UsageError extends CommandError {
  constructor(code: string, message: string, data?: Readonly<Record<string, unknown>>) {
    super(code, message, EXIT.usage, data);
  }
}

/** The request is well formed but the chain is not in the state for it; the message says what to do, and when. */
export class StateError extends CommandError {
  constructor(code: string, message: string, data?: Readonly<Record<string, unknown>>) {
    super(code, message, EXIT.state, data);
  }
}

/** No deployment, no chain, no node, no account, or the wrong one. */
export class EnvironmentError extends CommandError {
  constructor(code: string, message: string, data?: Readonly<Record<string, unknown>>) {
    super(code, message, EXIT.environment, data);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Revert data inside an error of ethers, Hardhat or a JSON-RPC server; undefined if there are none. */
export function revertData(error: unknown): string | undefined {
  const seen = new Set<unknown>();
  const queue: unknown[] = [error];
  while (queue.length > 0) {
    const item = queue.shift();
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    const { data, error: inner, info, cause, parent } = item as Record<string, unknown>;
    if (typeof data === "string" && /^0x([0-9a-f]{2})*$/i.test(data)) return data;
    queue.push(data, inner, info, cause, parent);
  }
  return undefined;
}
