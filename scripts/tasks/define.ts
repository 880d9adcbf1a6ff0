// How every command is declared: --json, an account to send from, one result, one exit code.
import { task, types } from "hardhat/config";
import type { ConfigurableTaskDefinition } from "hardhat/types";
import { CommandError, UsageError } from "../lib/errors";
import { plain, toJson } from "../lib/format";
import { Session } from "../lib/session";

/** What a command found or did: data for machines, lines for people, and what is not good about it. */
export interface Result {
  readonly data: unknown;
  readonly lines: readonly string[];
  /** Thrown after the output: the command worked, what it found is not good. */
  readonly failure?: CommandError;
}

export interface CommonArguments {
  readonly json: boolean;
  readonly account?: string;
}

interface Command<A> {
  readonly name: string;
  readonly description: string;
  /** Name of the parameter for the sender: "from" unless the command means something else by it; null = sends nothing. */
  readonly sender?: "from" | "account" | null;
  readonly parameters: (t: ConfigurableTaskDefinition) => ConfigurableTaskDefinition;
  readonly run: (args: A, session: Session) => Promise<Result>;
}

let failed: CommandError | undefined;

/** Declares a task. It returns the data; a failure is a CommandError, and the exit code of the process is the error's. */
export function command<A extends object>(c: Command<A>): void {
  const sender = c.sender === undefined ? "from" : c.sender;
  let definition = c.parameters(task(c.name, c.description));
  if (sender !== null) {
    definition = definition.addOptionalParam(
      sender,
      "account that sends: an address or index among the network's accounts (default: 0)",
      undefined,
      types.string,
    );
  }
  definition
    .addFlag("json", "print one JSON object (amounts in wei as decimal strings)")
    .setAction(async (args: A & { json: boolean; from?: string; account?: string }, hre) => {
      return told(args.json, async () =>
        c.run(args, await Session.open(hre, sender === null ? undefined : args[sender])),
      );
    });
}

/** The same for a command that works on files alone: no chain, no deployment, no account. */
export function fileCommand<A extends object>(
  c: Omit<Command<A>, "run" | "sender"> & { readonly run: (args: A) => Promise<Result> },
): void {
  c.parameters(task(c.name, c.description))
    .addFlag("json", "print one JSON object")
    .setAction((args: A & { json: boolean }) => told(args.json, () => c.run(args)));
}

async function told(json: boolean, run: () => Promise<Result>): Promise<unknown> {
  try {
    const result = await run();
    print(json ? [toJson(result.data)] : result.lines);
    if (result.failure) throw result.failure;
    return result.data;
  } catch (error) {
    throw fail(error, json);
  }
}

function print(lines: readonly string[]): void {
  const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const text = lines.join("\n");
  console.log(coloured ? text : plain(text));
}

/** Hardhat ends every failed task with 1; the process ends with the error's own code instead. */
function fail(error: unknown, json: boolean): unknown {
  if (!(error instanceof CommandError)) return error;
  if (failed === undefined) {
    process.once("exit", (code) => {
      if (code === 1 && failed) process.exitCode = failed.exitCode;
    });
  }
  failed = error;
  if (json) print([toJson({ error: { code: error.code, message: error.message, ...error.data } })]);
  return error;
}

/** The value of a parameter without which the command cannot work. */
export function needed(name: string, value: string | undefined): string {
  if (value !== undefined && value.trim() !== "") return value;
  throw new UsageError("MISSING_PARAMETER", `--${name} is missing (see npx hardhat help, then the command's name)`);
}
