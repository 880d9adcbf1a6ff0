// Logs over any number of blocks, whatever range the RPC server allows.
import { SingleBar } from "cli-progress";
import type { Filter, Log, Provider } from "ethers";
import { EnvironmentError, messageOf } from "./errors";

const BAR_AFTER_MS = 2_000;
const MIN_RANGE = 16;

/** All logs of `filter` in [from, to]. A range that the server refuses is halved, one that it takes is doubled. */
export async function readLogs(
  provider: Pick<Provider, "getLogs">,
  filter: Filter,
  from: number,
  to: number,
): Promise<Log[]> {
  const out: Log[] = [];
  const started = process.uptime();
  let bar: SingleBar | undefined;
  try {
    for (let at = from, range = Math.max(1, to - from + 1); at <= to;) {
      const end = Math.min(to, at + range - 1);
      try {
        out.push(...(await provider.getLogs({ ...filter, fromBlock: at, toBlock: end })));
      } catch (error) {
        if (range <= MIN_RANGE)
          throw new EnvironmentError(
            "LOGS_REFUSED",
            `the chain gave no logs of blocks ${at} to ${end}: ${messageOf(error)}`,
          );
        range = Math.max(MIN_RANGE, Math.floor(range / 2));
        continue;
      }
      at = end + 1;
      range *= 2;
      if (process.stderr.isTTY && (process.uptime() - started) * 1_000 > BAR_AFTER_MS) {
        bar ??= startBar(to - from + 1);
        bar.update(at - from);
      }
    }
  } finally {
    bar?.stop();
  }
  return out;
}

function startBar(total: number): SingleBar {
  const bar = new SingleBar({
    format: "reading events {bar} {percentage} %",
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  return bar;
}
