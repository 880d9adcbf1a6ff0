// Closes epochs that have ended: anyone may, and nodes do; a vote that schedules a parameter needs it done.
import { formatTokens, table } from "../lib/format";
import { command } from "./define";

const EPOCHS_PER_CALL = 20;

command<object>({
  name: "epoch:close",
  description: "Closes every epoch that has ended, the oldest first (anyone may)",
  parameters: (t) => t,
  run: async (_args, s) => {
    const emissions = s.get("EmissionController", await s.signer());
    const first = Number(await emissions.nextEpochToClose());
    const current = Number(await emissions.currentEpoch({ blockTag: "pending" }));
    const txs: string[] = [];
    for (let next = first; next < current; next += EPOCHS_PER_CALL) {
      const count = Math.min(EPOCHS_PER_CALL, current - next);
      txs.push((await s.send("closeEpochs", emissions, "closeEpochs", [count])).hash);
    }
    const logs = txs.length === 0 ? [] : await s.logs(["EmissionController"], ["EpochClosed"]);
    const closed = logs
      .map(({ event }) => ({
        epoch: Number(event.args.getValue("epoch")),
        budget: BigInt(event.args.getValue("budget") as bigint),
      }))
      .filter((e) => e.epoch >= first);
    return {
      data: { closed, txs, next: Math.max(first, current) },
      lines:
        closed.length === 0
          ? [`no epoch is due; epoch ${current} runs`]
          : [
              table(
                closed.map((e) => [String(e.epoch), formatTokens(e.budget)]),
                ["epoch closed", "budget"],
              ),
            ],
    };
  },
});
