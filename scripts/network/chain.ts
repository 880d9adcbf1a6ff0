// A development chain of our own: `hardhat node` on a free port, whose time we move.
import { JsonRpcProvider, Network } from "ethers";
import { freePort, type Running, start, waitFor } from "./processes";

export const DEV_CHAIN_ID = 31337;

export class DevChain {
  private constructor(
    readonly rpcUrl: string,
    readonly provider: JsonRpcProvider,
    readonly process: Running,
  ) {}

  static async launch(logFile: string): Promise<DevChain> {
    const port = await freePort();
    const cli = require.resolve("hardhat/internal/cli/cli");
    const entry = start("chain", [cli, "node", "--hostname", "127.0.0.1", "--port", String(port)], logFile);
    const rpcUrl = `http://127.0.0.1:${port}`;
    await waitFor("answer of the chain", () => answers(rpcUrl), { seconds: 60, entry });
    return new DevChain(rpcUrl, connect(rpcUrl), entry);
  }

  async now(): Promise<number> {
    const block = await this.provider.getBlock("latest");
    if (block === null) throw new Error("the chain has no latest block");
    return block.timestamp;
  }

  /** Mines one block `seconds` after the last one. */
  async advance(seconds: number): Promise<void> {
    await this.provider.send("evm_increaseTime", [seconds]);
    await this.provider.send("evm_mine", []);
  }

  /** Mines one block at `timestamp`, or none if the chain is there already. */
  async advanceTo(timestamp: number): Promise<void> {
    if ((await this.now()) >= timestamp) return;
    await this.provider.send("evm_setNextBlockTimestamp", [timestamp]);
    await this.provider.send("evm_mine", []);
  }

  /** Mines blocks, `seconds` apart on the chain, until `probe` gives a value: time passes while others work. */
  async passUntil<T>(
    what: string,
    probe: () => Promise<T | undefined>,
    options: { seconds: number; step?: number; everyMs?: number },
  ): Promise<T> {
    return waitFor(
      what,
      async () => {
        const value = await probe();
        if (value === undefined) await this.advance(options.step ?? 1);
        return value;
      },
      { seconds: options.seconds, everyMs: options.everyMs ?? 250, entry: this.process },
    );
  }
}

/** A provider of the development chain that trusts no cache: what it reads is what the chain says now. */
export function connect(rpcUrl: string): JsonRpcProvider {
  const network = Network.from(DEV_CHAIN_ID);
  return new JsonRpcProvider(rpcUrl, network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 50 });
}

async function answers(rpcUrl: string): Promise<true | undefined> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  return fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body }).then(
    (response) => (response.ok ? true : undefined),
    () => undefined, // not up yet: the caller asks again until its deadline
  );
}
