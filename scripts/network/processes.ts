// Child processes of a run: started in their own groups, all gone when the run ends, however it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";

export interface Running {
  name: string;
  child: ChildProcess;
  /** Resolves with the exit code (or 128 for a signal) when the process is gone. */
  ended: Promise<number>;
}

/** A process could not be started, or ended when it should not. */
export class ProcessError extends Error {
  constructor(
    readonly processName: string,
    message: string,
  ) {
    super(`${processName}: ${message}`);
    this.name = "ProcessError";
  }
}

const running = new Set<Running>();

/** Starts `node args…` with its output in `logFile`. */
export function start(name: string, args: readonly string[], logFile: string, env: NodeJS.ProcessEnv = {}): Running {
  const log = createWriteStream(logFile, { flags: "a" });
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own: a Ctrl-C in the terminal reaches us alone, and we end the group
  });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = new Promise<number>((resolve) => {
    child.on("error", (error) => {
      log.write(`${error.message}\n`);
      resolve(127);
    });
    child.on("close", (code) => resolve(code ?? 128));
  });
  const entry: Running = { name, child, ended };
  running.add(entry);
  void ended.then(() => {
    running.delete(entry);
    log.end();
  });
  return entry;
}

/** Kills a process and its children and waits until they are gone. */
export async function stop(entry: Running, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (entry.child.exitCode !== null || entry.child.signalCode !== null) return;
  signalGroup(entry, signal);
  const late = setTimeout(() => signalGroup(entry, "SIGKILL"), 5_000);
  await entry.ended;
  clearTimeout(late);
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((entry) => stop(entry)));
}

/** Ends every child on Ctrl-C, SIGTERM, a closed terminal, an uncaught error, and at exit. */
export function endWithUs(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => {
      void stopAll().then(() => process.exit(code));
    });
  }
  process.once("exit", () => {
    for (const entry of running) signalGroup(entry, "SIGKILL");
  });
}

/** A TCP port that is free now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      server.close(() => resolve(address.port));
    });
  });
}

/** Calls `probe` until it gives a value; fails when `entry` ends first or after `seconds`. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  options: { seconds: number; everyMs?: number; entry?: Running },
): Promise<T> {
  const until = process.uptime() + options.seconds;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (options.entry && (options.entry.child.exitCode !== null || options.entry.child.signalCode !== null)) {
      throw new ProcessError(options.entry.name, `ended with code ${options.entry.child.exitCode} before ${what}`);
    }
    if (process.uptime() > until)
      throw new ProcessError(options.entry?.name ?? "run", `no ${what} within ${options.seconds} s`);
    await pause(options.everyMs ?? 100);
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

function signalGroup(entry: Running, signal: NodeJS.Signals): void {
  if (entry.child.pid === undefined) return;
  try {
    process.kill(-entry.child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // already gone
  }
}
