// Proofs in: from devices and from the other nodes. What is refused leaves a row; what is accepted is on disk before
// the answer, then goes to the other nodes.
import type { Clock } from "../clock";
import type { Hex } from "../codec";
import { Refused } from "../errors";
import type { Proof } from "../proof";
import type { Store } from "../store/store";
import type { Origin } from "../store/schema";
import { type ParsedProof, parseProof, ProofRefused, verifyProof, type VerifyRules } from "./verify";

/** Most proofs that are being checked at one time: more are told to come again. */
const MAX_IN_HAND = 1_000;

export interface TakenFromPeer {
  readonly stored: number;
  readonly refused: readonly { hash: Hex | null; code: string; detail: string }[];
}

export class Collector {
  private inHand = 0;

  constructor(
    private readonly rules: VerifyRules,
    private readonly store: Store,
    private readonly clock: Clock,
    /** Told of every proof that a device handed in and that is on disk. */
    private readonly accepted: (proof: Proof) => void,
  ) {}

  /** A device's proof. Resolves when it is on disk. */
  async submit(raw: unknown): Promise<Hex> {
    return this.bounded(async () => {
      const now = await this.clock.now();
      try {
        const parsed = parseProof(raw);
        const proof = await verifyProof(this.rules, parsed, "device", now);
        await this.checkCounter(proof);
        if (!(await this.store.addProof(proof, "device", now.time))) throw repeated(proof);
        this.accepted(proof);
        return proof.hash;
      } catch (error) {
        if (error instanceof ProofRefused) await this.note(error, "device", now.time);
        throw error;
      }
    });
  }

  /** A refusal that came before the proof could be read. */
  async refuseUnread(code: string, detail: string): Promise<void> {
    const now = await this.clock.now();
    await this.note(new ProofRefused(code, detail), "device", now.time);
  }

  /** Proofs of another node: each is checked as if it came from the device, but for the deadline. */
  async take(raws: readonly unknown[]): Promise<TakenFromPeer> {
    return this.bounded(async () => {
      const now = await this.clock.now();
      const refused: { hash: Hex | null; code: string; detail: string }[] = [];
      let stored = 0;
      await Promise.all(
        raws.map(async (raw) => {
          try {
            const parsed: ParsedProof = parseProof(raw);
            if (await this.store.hasProof(parsed.hash)) return;
            const proof = await verifyProof(this.rules, parsed, "peer", now);
            if (await this.store.addProof(proof, "peer", now.time)) stored += 1;
          } catch (error) {
            if (!(error instanceof ProofRefused)) throw error;
            await this.note(error, "peer", now.time);
            refused.push({ hash: error.proof.hash ?? null, code: error.code, detail: error.detail });
          }
        }),
      );
      return { stored, refused };
    });
  }

  private async checkCounter(proof: Proof): Promise<void> {
    if (await this.store.hasProof(proof.hash)) throw repeated(proof);
    if (this.rules.disabled.has("REPLAYED_COUNTER")) return;
    const { deviceId, epoch, counter } = proof.fields;
    const highest = await this.store.highestCounterBefore(deviceId, epoch);
    if (counter <= highest) {
      throw new ProofRefused("REPLAYED_COUNTER", `counter ${counter}, an earlier epoch has ${highest}`, {
        hash: proof.hash,
        deviceId,
        epoch,
      });
    }
  }

  private async note(error: ProofRefused, origin: Origin, chainTime: number): Promise<void> {
    const { hash = null, deviceId = null, epoch = null } = error.proof;
    await this.store.reject({
      reason: error.code,
      device: deviceId,
      messageHash: hash,
      epoch,
      origin,
      detail: error.detail,
      chainTime,
    });
  }

  private async bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.inHand >= MAX_IN_HAND)
      throw new Refused("BUSY", "too many proofs in hand, try again or another node", 503);
    this.inHand += 1;
    try {
      return await work();
    } finally {
      this.inHand -= 1;
    }
  }
}

function repeated({ hash, fields }: Proof): ProofRefused {
  return new ProofRefused("REPLAYED_COUNTER", "this message is stored already", {
    hash,
    deviceId: fields.deviceId,
    epoch: fields.epoch,
  });
}
