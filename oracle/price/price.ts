// The token's price: members sign what they observe, the leader of a round delivers the sorted observations.
import { readFile } from "node:fs/promises";
import { keccak256 } from "ethers";
import { z } from "zod";
import type { Chain } from "../chain";
import type { Clock } from "../clock";
import {
  encodePriceReport,
  type Hex,
  type PriceReport,
  rawReport,
  reportContext,
  reportDigest,
  signReport,
} from "../codec";
import type { Peers } from "../committee/peers";
import { configDigestOf, reportHeader } from "../committee/report";
import { executionIdOf, memberOf, observationDigest, roundAt, signatureHex } from "../committee/statements";
import type { NodeConfig } from "../config";
import { messageOf, Refused } from "../errors";
import type { Log } from "../log";
import type { Store } from "../store/store";

const priceFile = z.object({
  priceE8: z
    .string()
    .regex(/^[1-9]\d{0,18}$/)
    .transform((v) => BigInt(v)),
});
const round = z.int().min(1).max(0xffffffff);

export const observeRequest = z.strictObject({ round });
export const observationSchema = z.strictObject({
  priceE8: z.string().regex(/^[1-9]\d{0,18}$/),
  signature: signatureHex,
});
export type Observation = z.infer<typeof observationSchema>;
export const priceSignRequest = z.strictObject({
  round,
  observedAt: z.int().min(0),
  validUntil: z.int().min(0),
  observations: z.array(observationSchema).max(31),
});
type PriceSignRequest = z.infer<typeof priceSignRequest>;
export const priceSignAnswer = z.object({ signature: signatureHex });

export class PriceReporter {
  /** What this node proposed as a leader, last. */
  private mine: PriceSignRequest | undefined;

  constructor(
    private readonly config: NodeConfig,
    private readonly chain: Chain,
    private readonly clock: Clock,
    private readonly store: Store,
    private readonly peers: Peers,
    private readonly log: Log,
  ) {}

  /** This member's signed observation for a round that is not in the future. */
  async observe(at: number): Promise<Observation> {
    const { price, signerKey } = this.config;
    if (price === undefined) throw new Refused("NO_PRICE", "this node observes no price", 404);
    this.mustBeNear(at, (await this.clock.now()).time);
    const { priceE8 } = priceFile.parse(JSON.parse(await readFile(price.path, "utf8")));
    const digest = observationDigest(this.chain.constants, at, priceE8);
    return { priceE8: String(priceE8), signature: signReport(signerKey, digest) };
  }

  /** Signs a report of 2f + 1 members' observations; one content a round. */
  async sign(request: PriceSignRequest): Promise<Hex> {
    const now = (await this.clock.now()).time;
    const { toleranceSeconds, validSeconds } = this.config.timing;
    this.mustBeNear(request.round, now);
    if (
      Math.abs(request.observedAt - now) > toleranceSeconds + validSeconds ||
      request.observedAt > now + toleranceSeconds
    ) {
      throw new Refused("BAD_VALIDITY", `observedAt ${request.observedAt}, the chain is at ${now}`);
    }
    if (request.validUntil <= now || request.validUntil > now + validSeconds + toleranceSeconds) {
      throw new Refused("BAD_VALIDITY", `validUntil ${request.validUntil}, the chain is at ${now}`);
    }
    const { digest } = this.reportOf(request);
    const content = contentOf(request);
    const locked = await this.store.lockPrice(request.round, content);
    if (locked !== content)
      throw new Refused("DOUBLE_SIGN", `this node has signed another price for round ${request.round}`, 409);
    return signReport(this.config.signerKey, digest);
  }

  /** Collects, signs and delivers, if it is this node's turn and the round is not on the chain. True if delivered. */
  async tick(): Promise<boolean> {
    const { config, chain } = this;
    if (config.price === undefined) return false;
    const { time } = await this.clock.now();
    const at = this.roundOf(time);
    if (at < 1 || at % config.members.length !== config.index) return false;
    if ((await chain.lastPriceRound()) >= at) return false;

    const failed = (member: { index: number }, error: unknown): void =>
      this.log.debug({ member: member.index, error: messageOf(error) }, "no price from it");
    const request = this.mine?.round === at ? this.mine : await this.gather(at, time, failed);
    if (request === undefined) return false;
    this.mine = request; // a second try in this round repeats the content: nobody signs another one

    const { raw, context, digest } = this.reportOf(request);
    const signatures = [await this.sign(request)];
    for (const { member, answer } of await this.peers.callAll("/peer/price/sign", request, priceSignAnswer, failed)) {
      if (signatures.length > config.f) break;
      if (memberOf([member], digest, answer.signature) !== undefined) signatures.push(answer.signature);
    }
    if (signatures.length <= config.f) return false;
    const delivery = await chain.deliver({ receiver: chain.constants.priceFeed, raw, context, signatures });
    if (delivery.kind === "refused") this.log.warn({ round: at, why: delivery.why }, "price refused");
    if (delivery.kind === "delivered") this.log.info({ round: at, tx: delivery.tx }, "price delivered");
    return delivery.kind === "delivered";
  }

  private async gather(
    at: number,
    time: number,
    failed: (member: { index: number }, error: unknown) => void,
  ): Promise<PriceSignRequest | undefined> {
    const { config } = this;
    const others = await this.peers.callAll("/peer/price/observe", { round: at }, observationSchema, failed);
    const theirs = others.filter(({ member, answer }) => this.observerOf(at, answer) === member.index);
    const mine = await this.observe(at).then(
      (o) => [o],
      (error: unknown) => {
        failed(this.peers.me, error); // those of the others may be enough
        return [];
      },
    );
    const observations = [...mine, ...theirs.map((o) => o.answer)];
    if (observations.length < 2 * config.f + 1) {
      this.log.info({ round: at, observations: observations.length }, "too few prices");
      return undefined;
    }
    return { round: at, observedAt: time, validUntil: time + config.timing.validSeconds, observations };
  }

  private roundOf(time: number): number {
    const every = this.config.price?.everySeconds ?? 1;
    return roundAt(time, this.chain.constants.epochGenesis, every) + 1;
  }

  private mustBeNear(at: number, now: number): void {
    const here = this.roundOf(now);
    if (Math.abs(at - here) > 1) throw new Refused("WRONG_ROUND", `price round ${at}, here it is ${here}`, 409);
  }

  private observerOf(at: number, o: Observation): number | undefined {
    const digest = observationDigest(this.chain.constants, at, BigInt(o.priceE8));
    return memberOf(this.config.members, digest, o.signature)?.index;
  }

  /** The report, after checking that 2f + 1 different members observed and nobody twice. */
  private reportOf(request: PriceSignRequest): { raw: Hex; context: Hex; digest: Hex } {
    const { config } = this;
    const { chainId, priceFeed } = this.chain.constants;
    const observers = request.observations.map((o) => this.observerOf(request.round, o));
    if (observers.includes(undefined) || new Set(observers).size !== observers.length) {
      throw new Refused("BAD_OBSERVATIONS", "an observation is by nobody, or a member observed twice");
    }
    if (observers.length < 2 * config.f + 1)
      throw new Refused("BAD_OBSERVATIONS", `only ${observers.length} observations`);
    const report: PriceReport = {
      schema: 1,
      chainId,
      receiver: priceFeed,
      round: request.round,
      observedAt: BigInt(request.observedAt),
      validUntil: BigInt(request.validUntil),
      observations: request.observations.map((o) => BigInt(o.priceE8)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    };
    const executionId = executionIdOf(this.chain.constants, priceFeed, contentOf(request), request.validUntil);
    const raw = rawReport(reportHeader(config, executionId, request.observedAt), encodePriceReport(report));
    const context = reportContext(configDigestOf(config), BigInt(request.round));
    return { raw, context, digest: reportDigest(raw, context) };
  }
}

/** What a member commits to for a round: who observed what, and when. Another validUntil is a retry. */
function contentOf({ round: at, observedAt, observations }: PriceSignRequest): Hex {
  const text = JSON.stringify([at, observedAt, observations.map((o) => [o.priceE8, o.signature])]);
  return keccak256(new TextEncoder().encode(text)) as Hex;
}
