// The chain's time, read afresh and never from this machine's clock.
import type { Block, Chain } from "./chain";

/** The latest block. Callers that come while a read is under way share the next one: at most two reads at a time. */
export class Clock {
  private running: Promise<Block> | undefined;
  private next: Promise<Block> | undefined;
  private last: Block | undefined;

  constructor(private readonly chain: Pick<Chain, "latest">) {}

  /** The latest block as of now or later. */
  now(): Promise<Block> {
    if (this.running === undefined) return this.read();
    this.next ??= this.running.then(
      () => this.read(),
      () => this.read(),
    );
    return this.next;
  }

  /** The last block that was read, for logs. */
  get lastSeen(): Block | undefined {
    return this.last;
  }

  private read(): Promise<Block> {
    this.next = undefined;
    const reading = this.chain.latest().then((block) => {
      this.last = block;
      return block;
    });
    this.running = reading;
    const clear = (): void => {
      if (this.running === reading) this.running = undefined;
    };
    reading.then(clear, clear);
    return reading;
  }
}
