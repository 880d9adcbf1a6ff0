// A bar on the terminal for what takes longer than two seconds; nothing where nobody looks.
import { SingleBar } from "cli-progress";

const BAR_AFTER_MS = 2_000;

export interface Progress {
  (done: number): void;
  stop(): void;
}

/** Call it with what is done so far, and `stop` at the end. */
export function progress(what: string, total: number): Progress {
  const started = process.uptime();
  let bar: SingleBar | undefined;
  const tick = (done: number): void => {
    if (!process.stderr.isTTY || (process.uptime() - started) * 1_000 < BAR_AFTER_MS) return;
    if (bar === undefined) {
      const format = `${what} {bar} {percentage} %, {eta_formatted} left`;
      bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true });
      bar.start(total, 0);
    }
    bar.update(done);
  };
  return Object.assign(tick, { stop: () => bar?.stop() });
}
