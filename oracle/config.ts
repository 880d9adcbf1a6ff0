// A node's configuration: one JSON file, keys from the file or from the environment by name.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { computeAddress, getAddress, isAddress, isHexString } from "ethers";
import { z } from "zod";
import { messageOf, NodeError } from "./errors";

const address = z
  .string()
  .refine((value) => isAddress(value), "is not an address")
  .transform((value) => getAddress(value));
const privateKey = z.string().refine((value) => isHexString(value, 32), "is not a private key of 32 bytes");
const seconds = z.int().positive();

/** Reasons whose check a test may turn off, to see what the check prevents. */
export const DISABLEABLE = [
  "WRONG_DOMAIN",
  "UNKNOWN_DEVICE",
  "FORGED_SIGNATURE",
  "STALE_EPOCH",
  "FUTURE_EPOCH",
  "REPLAYED_COUNTER",
  "PAYLOAD_HASH_MISMATCH",
  "NOT_BACKED",
  "CLONED_KEY",
] as const;
export type Check = (typeof DISABLEABLE)[number];

const fileSchema = z.strictObject({
  chain: z.strictObject({ rpcUrl: z.url(), chainId: z.int().positive() }),
  deployment: z.string().min(1),
  node: z
    .strictObject({
      index: z.int().min(0),
      listen: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535) }),
      db: z.string().min(1),
      signerKey: privateKey.optional(),
      signerKeyEnv: z.string().min(1).optional(),
      transmitterKey: privateKey.optional(),
      transmitterKeyEnv: z.string().min(1).optional(),
    })
    .refine((n) => (n.signerKey === undefined) !== (n.signerKeyEnv === undefined), {
      message: "give either signerKey or signerKeyEnv",
      path: ["signerKey"],
    })
    .refine((n) => (n.transmitterKey === undefined) !== (n.transmitterKeyEnv === undefined), {
      message: "give either transmitterKey or transmitterKeyEnv",
      path: ["transmitterKey"],
    }),
  committee: z.strictObject({
    f: z.int().positive(),
    donId: z.int().min(0).max(0xffffffff),
    configVersion: z.int().min(0).max(0xffffffff),
    members: z.array(z.strictObject({ signer: address, url: z.url() })).max(31),
  }),
  workflow: z.strictObject({ name: z.string().min(1), owner: address }),
  timing: z.strictObject({
    graceSeconds: z.int().min(0),
    roundSeconds: seconds,
    pollMs: z.int().min(50),
    windowPollMs: z.int().min(50),
    /** How far a device's time may be ahead of the latest block. */
    toleranceSeconds: z.int().min(0).default(30),
    /** How long a report stays deliverable. */
    validSeconds: seconds.default(3600),
    /** How long a node waits for another node, in milliseconds of its own timer. */
    peerTimeoutMs: z.int().min(100).default(5_000),
  }),
  /** Points a unit, by category; 1 where none is named. Equal in every node, or nothing settles. */
  weights: z.record(z.string().regex(/^\d+$/), z.int().min(0)).default({}),
  price: z
    .strictObject({ kind: z.literal("file"), path: z.string().min(1), everySeconds: seconds.default(300) })
    .optional(),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info"),
  testing: z
    .strictObject({
      disableChecks: z.array(z.enum(DISABLEABLE)).default([]),
      blockExchange: z.boolean().default(false),
    })
    .optional(),
});

const deploymentSchema = z.object({
  contracts: z.object({
    SettlementOracle: address,
    DeviceRegistry: address,
    OperatorStaking: address,
    EmissionController: address,
    NetworkPriceFeed: address,
    KeystoneForwarder: address,
  }),
});
export type Deployment = z.infer<typeof deploymentSchema>["contracts"];

export interface Member {
  readonly index: number;
  readonly signer: string;
  readonly url: string;
}

export interface NodeConfig {
  readonly chain: { readonly rpcUrl: string; readonly chainId: number };
  readonly deployment: Deployment;
  readonly index: number;
  readonly listen: { readonly host: string; readonly port: number };
  readonly db: string;
  readonly signerKey: string;
  readonly transmitterKey: string;
  readonly f: number;
  readonly donId: number;
  readonly configVersion: number;
  readonly members: readonly Member[];
  readonly workflow: { readonly name: string; readonly owner: string };
  readonly timing: z.infer<typeof fileSchema>["timing"];
  readonly weights: Readonly<Record<string, number>>;
  readonly price: { readonly path: string; readonly everySeconds: number } | undefined;
  readonly logLevel: string;
  readonly disabledChecks: ReadonlySet<Check>;
  readonly blockExchange: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads and checks a configuration file. Every problem is a NodeError that names the field. */
export function loadConfig(file: string, env: Env = process.env): NodeConfig {
  return resolveConfig(readJson("config", file), env, dirname(resolve(file)));
}

/** The same from a parsed file; relative paths count from `base`. */
export function resolveConfig(raw: unknown, env: Env, base: string): NodeConfig {
  const file = parse("config", fileSchema, raw);
  const { node, committee } = file;
  const deploymentPath = resolve(base, file.deployment);
  const { contracts } = parse("deployment", deploymentSchema, readJson("deployment", deploymentPath));

  const n = committee.members.length;
  if (n < 3 * committee.f + 1)
    throw bad("committee.members", `${n} members for f = ${committee.f}: needs ${3 * committee.f + 1}`);
  if (new Set(committee.members.map((m) => m.signer)).size !== n)
    throw bad("committee.members", "a signer is listed twice");
  const me = committee.members[node.index];
  if (me === undefined) throw bad("node.index", `${node.index} is not one of ${n} members`);

  const signerKey = node.signerKey ?? keyFromEnv("node.signerKeyEnv", node.signerKeyEnv, env);
  const transmitterKey = node.transmitterKey ?? keyFromEnv("node.transmitterKeyEnv", node.transmitterKeyEnv, env);
  if (computeAddress(signerKey) !== me.signer) {
    throw bad("node.signerKey", `is the key of ${computeAddress(signerKey)}, member ${node.index} is ${me.signer}`);
  }
  if (file.testing !== undefined && (file.chain.chainId !== 31337 || env.GROUNDWORK_TESTING !== "1")) {
    throw bad("testing", "is refused: it needs chain id 31337 and GROUNDWORK_TESTING=1 in the environment");
  }

  return {
    chain: file.chain,
    deployment: contracts,
    index: node.index,
    listen: node.listen,
    db: resolve(base, node.db),
    signerKey,
    transmitterKey,
    f: committee.f,
    donId: committee.donId,
    configVersion: committee.configVersion,
    members: committee.members.map((m, index) => ({ ...m, url: m.url.replace(/\/$/, ""), index })),
    workflow: file.workflow,
    timing: file.timing,
    weights: file.weights,
    price: file.price && { path: resolve(base, file.price.path), everySeconds: file.price.everySeconds },
    logLevel: file.logLevel,
    disabledChecks: new Set(file.testing?.disableChecks ?? []),
    blockExchange: file.testing?.blockExchange ?? false,
  };
}

function bad(where: string, problem: string): NodeError {
  return new NodeError("config", where, problem);
}

function keyFromEnv(field: string, name: string | undefined, env: Env): string {
  const value = name === undefined ? undefined : env[name];
  if (!value) throw bad(field, `the environment has no ${name ?? "key"}`);
  if (!isHexString(value, 32)) throw bad(field, `${name} is not a private key of 32 bytes`);
  return value;
}

function readJson(what: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw bad(what, `cannot read ${path}: ${messageOf(error)}`);
  }
}

function parse<T>(what: string, schema: z.ZodType<T>, raw: unknown): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw bad([what, ...(issue?.path ?? [])].join("."), issue?.message ?? "invalid");
}
