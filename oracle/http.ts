// The node's HTTP interface: devices and everybody on one side, members on the other.
import { keccak256 } from "ethers";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { latLngToCell } from "h3-js";
import { z } from "zod";
import { type Chain, epochAt } from "./chain";
import type { Clock } from "./clock";
import type { Collector } from "./collector/collector";
import { type CommitteeMember, haveRequest, prepareRequest, signRequest } from "./committee/member";
import { type Exchange, MAX_PROOFS_A_CALL, PULL_PATH, PUSH_PATH } from "./committee/exchange";
import { MAX_PEER_BYTES, senderOf } from "./committee/peers";
import { hex32 } from "./committee/statements";
import type { Member, NodeConfig } from "./config";
import { messageOf, Refused } from "./errors";
import type { Log } from "./log";
import { observeRequest, priceSignRequest, type PriceReporter } from "./price/price";
import { bodyToJson } from "./settlement/body";
import { type Store, storedBody } from "./store/store";

const MAX_DEVICE_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 15_000;
/** Public data hold nothing finer. */
const PUBLIC_H3_RESOLUTION = 7;

export interface HttpParts {
  readonly config: NodeConfig;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly store: Store;
  readonly collector: Collector;
  readonly exchange: Exchange;
  readonly member: CommitteeMember;
  readonly price: PriceReporter;
  readonly log: Log;
  /** Adds what only the process knows: its id, what it is waiting for. */
  readonly status: () => Promise<Record<string, unknown>>;
}

declare module "fastify" {
  interface FastifyRequest {
    rawBody: Buffer | null;
    sender: { member: Member; bodyHash: string } | null;
  }
}

const uint16Path = z.coerce.number().int().min(0).max(0xffff);
const uint32Path = z.coerce.number().int().min(0).max(0xffffffff);
const devicePath = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform((v) => BigInt(v));

export function makeServer(parts: HttpParts): FastifyInstance {
  const { log, collector } = parts;
  const app = fastify({
    logger: false,
    bodyLimit: MAX_DEVICE_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    maxRequestsPerSocket: 10_000,
  });
  app.decorateRequest("rawBody", null);
  app.decorateRequest("sender", null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    request.rawBody = body as Buffer;
    try {
      done(null, JSON.parse(request.rawBody.toString("utf8")));
    } catch {
      done(new Refused("MALFORMED", "body: is not JSON", 400));
    }
  });
  app.setNotFoundHandler(() => {
    throw new Refused("NOT_FOUND", "there is no such page", 404);
  });
  app.setErrorHandler(async (error, request, reply) => {
    const refused = asRefusal(error);
    if (refused.status >= 500 && refused.code !== "BUSY")
      log.error({ path: request.url, error: messageOf(error) }, "request failed");
    if (
      request.url === "/proofs" &&
      (refused.code === "BODY_TOO_LARGE" || (refused.code === "MALFORMED" && refused.status === 400))
    ) {
      await collector
        .refuseUnread(refused.code, refused.detail)
        .catch((e: unknown) => log.error({ error: messageOf(e) }, "row lost"));
    }
    return reply.status(refused.status).send({ code: refused.code, detail: refused.detail, data: refused.data });
  });

  addPublic(app, parts);
  addPeer(app, parts);
  return app;
}

function addPublic(app: FastifyInstance, { config, chain, clock, store, collector, log, status }: HttpParts): void {
  app.post("/proofs", async (request, reply) => {
    const hash = await collector.submit(request.body);
    return reply.status(201).send({ hash });
  });

  app.get("/health", async () => ({ ok: true }));
  app.get("/status", async () => status());

  app.get("/config", async () => {
    const { time } = await clock.now(); // devices without a clock of their own take it from here
    return {
      chainId: config.chain.chainId,
      registry: chain.constants.registry,
      settlementOracle: chain.constants.oracle,
      epochGenesis: chain.constants.epochGenesis,
      epochLength: chain.constants.epochLength,
      graceSeconds: config.timing.graceSeconds,
      nodes: config.members.map((m) => m.url),
      time,
      epoch: epochAt(chain.constants, time),
    };
  });

  app.get("/settlements/:sub/:epoch", async (request, reply) => {
    const { sub, epoch } = parse(z.object({ sub: uint16Path, epoch: uint32Path }), request.params);
    const found = await chain.settlementOf(sub, epoch).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, "the chain does not answer");
      return undefined;
    });
    const id = found?.id ?? (await store.lastSettlementId(sub, epoch));
    const body = id === undefined || id === 0n ? undefined : await storedBody(store, id);
    if (body === undefined) throw new Refused("NOT_SETTLED", `sub-network ${sub}, epoch ${epoch}`, 404);
    const state = found === undefined ? "unknown" : found.state;
    return reply.type("application/json").send(`${bodyToJson(body).slice(0, -1)},"state":"${state}"}`);
  });

  app.get("/devices/:id/:epoch", async (request) => {
    const { id, epoch } = parse(z.object({ id: devicePath, epoch: uint32Path }), request.params);
    return deviceView(chain, store, id, epoch);
  });
}

/** What a device's proofs of an epoch earned, and why not more. Of its place only the cell of resolution 7. */
async function deviceView(chain: Chain, store: Store, device: bigint, epoch: number): Promise<Record<string, unknown>> {
  const proofs = await store.proofsOfDevice(device, epoch);
  const last = proofs[proofs.length - 1];
  const subNetworks = [...new Set(proofs.map((p) => p.fields.kind))].sort((a, b) => a - b);
  const views = await Promise.all(
    subNetworks.map(async (subNetwork) => {
      const { id, state } = await chain.settlementOf(subNetwork, epoch);
      const body = id === 0n ? undefined : await storedBody(store, id);
      const entry = body?.entries.find((e) => e.deviceId === device);
      const isKnown = body !== undefined && (await store.hasOutcomes(id));
      const outcomes = new Map((await store.outcomesOf(id, device)).map((o) => [o.hash, o.reason]));
      return {
        subNetwork,
        settlement: id === 0n ? null : String(id),
        state,
        payee: entry?.payee ?? null,
        points: entry === undefined ? null : String(entry.points),
        proofs: proofs
          .filter((p) => p.fields.kind === subNetwork)
          .map((p) => {
            const reason = outcomes.get(p.hash) ?? (isKnown && !outcomes.has(p.hash) ? "NOT_IN_SET" : null);
            const counted = isKnown ? reason === null : null;
            return {
              hash: p.hash,
              counter: String(p.fields.counter),
              units: String(p.units),
              counted,
              reason,
            };
          }),
      };
    }),
  );
  return {
    device: String(device),
    epoch,
    cell: last === undefined ? null : cellOf(last.fields.latE7, last.fields.lonE7),
    subNetworks: views,
    rejections: await store.rejectionsOf(device, epoch),
  };
}

/** The cell in which a position lies, or null where it is no position. */
function cellOf(latE7: number, lonE7: number): string | null {
  if (Math.abs(latE7) > 900_000_000 || Math.abs(lonE7) > 1_800_000_000) return null;
  return latLngToCell(latE7 / 1e7, lonE7 / 1e7, PUBLIC_H3_RESOLUTION);
}

function addPeer(app: FastifyInstance, parts: HttpParts): void {
  const { config, chain, clock, collector, exchange, member, price } = parts;
  const me = config.members[config.index];
  if (me === undefined) throw new RangeError(`no member ${config.index}`);

  const post = <T>(path: string, schema: z.ZodType<T>, answer: (body: T, from: Member) => Promise<unknown>): void => {
    app.post(path, {
      bodyLimit: MAX_PEER_BYTES,
      // Who sends is known from the headers: a stranger's body is not read.
      onRequest: async (request) => {
        const { time } = await clock.now();
        request.sender = senderOf(request.headers, path, time, me, config.members, chain.constants);
      },
      handler: async (request) => {
        const from = authenticated(request);
        return answer(parse(schema, request.body), from);
      },
    });
  };

  post(PUSH_PATH, z.strictObject({ proofs: z.array(z.unknown()).max(MAX_PROOFS_A_CALL) }), async ({ proofs }) => {
    if (exchange.blocked) throw new Refused("EXCHANGE_BLOCKED", "this node exchanges nothing", 403);
    return collector.take(proofs);
  });
  post(PULL_PATH, z.strictObject({ hashes: z.array(hex32).max(MAX_PROOFS_A_CALL) }), async ({ hashes }) => ({
    proofs: await exchange.answerPull(hashes),
  }));
  post("/peer/have", haveRequest, async (subject) => member.have(subject));
  post("/peer/prepare", prepareRequest, async (request, from) => ({ signature: await member.prepare(request, from) }));
  post("/peer/sign", signRequest, async (request, from) => {
    const { settlementId, signature } = await member.sign(request, from);
    return { settlementId: String(settlementId), signature };
  });
  post("/peer/price/observe", observeRequest, async ({ round }) => price.observe(round));
  post("/peer/price/sign", priceSignRequest, async (request) => ({ signature: await price.sign(request) }));
}

function authenticated(request: FastifyRequest): Member {
  const { sender, rawBody } = request;
  if (sender === null || rawBody === null || keccak256(rawBody) !== sender.bodyHash) {
    throw new Refused("NOT_A_MEMBER", "the body is not the signed one", 401);
  }
  return sender.member;
}

function parse<T>(schema: z.ZodType<T>, raw: unknown): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refused("MALFORMED", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "invalid"}`, 400);
}

function asRefusal(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new Refused("BODY_TOO_LARGE", `at most ${MAX_DEVICE_BYTES} bytes`, 413);
  if (typeof code === "string" && code.startsWith("FST_ERR_CTP"))
    return new Refused("MALFORMED", messageOf(error), 400);
  return new Refused("INTERNAL", "the node could not answer", 500);
}
