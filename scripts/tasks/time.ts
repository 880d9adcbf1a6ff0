// The development chain's clock.
import { types } from "hardhat/config";
import { EnvironmentError, UsageError } from "../lib/errors";
import { formatDuration, formatTime, parseDuration, parseWhole } from "../lib/format";
import { DEVELOPMENT_CHAIN } from "../lib/session";
import { command } from "./define";

const MAX_EPOCHS = 1_000_000n;

command<{ seconds?: string; epochs?: string }>({
  name: "time:advance",
  description: "Moves the clock of a development chain (chain id 31337 only) and mines one block",
  sender: null,
  parameters: (t) =>
    t
      .addOptionalParam("seconds", "how far: seconds, or 15m, 36h, 2d", undefined, types.string)
      .addOptionalParam("epochs", "to the first second of the epoch that is this many on", undefined, types.string),
  run: async (args, s) => {
    if (s.chainId !== DEVELOPMENT_CHAIN) {
      throw new EnvironmentError(
        "NOT_A_DEVELOPMENT_CHAIN",
        `time moves by itself on chain ${s.chainId}; only a development chain (${DEVELOPMENT_CHAIN}) can be moved`,
      );
    }
    if ((args.seconds === undefined) === (args.epochs === undefined)) {
      throw new UsageError("MISSING_PARAMETER", "give either --seconds or --epochs");
    }
    const before = await s.pendingTime();
    const emissions = s.get("EmissionController");
    const [genesis, length] = [Number(await emissions.epochGenesis()), Number(await emissions.epochLength())];
    const epochAt = (time: number): number => (time < genesis ? 0 : Math.floor((time - genesis) / length));
    const { provider } = s.hre.network;
    if (args.seconds !== undefined) {
      const seconds = parseDuration("--seconds", args.seconds);
      if (seconds < 1)
        throw new UsageError("BAD_DURATION", "--seconds: time moves forward only, by at least one second");
      await provider.send("evm_increaseTime", [seconds]);
    } else {
      const epochs = Number(parseWhole("--epochs", args.epochs ?? "", MAX_EPOCHS));
      if (epochs < 1) throw new UsageError("BAD_DURATION", "--epochs: time moves forward only, by at least one epoch");
      await provider.send("evm_setNextBlockTimestamp", [genesis + (epochAt(before) + epochs) * length]);
    }
    await provider.send("evm_mine", []);
    const after = await s.latest();
    return {
      data: { before, after: after.time, epoch: epochAt(after.time) },
      lines: [`${formatDuration(after.time - before)} on: ${formatTime(after.time)}, epoch ${epochAt(after.time)}`],
    };
  },
});
