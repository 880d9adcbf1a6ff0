// One embedded database file a node. Every access goes through one queue: SQLite has one writer, and what a node has
// promised must be on disk before the promise leaves the process (journal WAL, synchronous FULL).
import { type Insertable, Kysely, Migrator, sql, type Transaction } from "kysely";
import { LibsqlDialect } from "kysely-libsql";
import { decodeMessage, type DeviceKey, type Hex, hex, keyHash, uint } from "../codec";
import { messageOf, NodeError, Refused } from "../errors";
import { keyBytes, type Proof, signatureBytes } from "../proof";
import type { ScoredProof } from "../settlement/compute";
import { bodyFromJson, type SettlementBody } from "../settlement/body";
import { migrations, type Origin, type Tables } from "./schema";

export interface Rejection {
  readonly reason: string;
  readonly device: bigint | null;
  readonly messageHash: Hex | null;
  readonly epoch: number | null;
  readonly origin: Origin;
  readonly detail: string;
  readonly chainTime: number;
}

export interface StoredProof extends Proof {
  readonly origin: Origin;
}

/** What scoring needs of a proof, without message and payload. */
export interface StoredScore extends ScoredProof {
  readonly origin: Origin;
}

export interface Lock {
  readonly subNetwork: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly settlementId: bigint;
  /** JSON of the certificate and of the set's hashes. */
  readonly certificate: string;
  readonly hashes: string;
}

export interface StoredOutcome {
  readonly hash: Hex;
  readonly device: bigint;
  readonly reason: string | null;
}

/** Most proofs that may wait for the disk, and most that one transaction takes. */
const MAX_WAITING = 5_000;
const MAX_BATCH = 500;
/** Newest rejections that are kept. */
const MAX_REJECTIONS = 100_000;

interface Waiting {
  readonly proof: Proof;
  readonly origin: Origin;
  readonly chainTime: number;
  readonly done: (isNew: boolean) => void;
  readonly failed: (error: unknown) => void;
}

export class Store {
  private queue: Promise<unknown> = Promise.resolve();
  private waiting: Waiting[] = [];
  private flushing = false;
  private rejectionsSincePrune = 0;

  private constructor(private readonly db: Kysely<Tables>) {}

  /** Opens (and if needed makes or migrates) the database file. */
  static async open(path: string): Promise<Store> {
    const db = new Kysely<Tables>({ dialect: new LibsqlDialect({ url: `file:${path}` }) });
    try {
      await sql`PRAGMA journal_mode = WAL`.execute(db);
      const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
    } catch (error) {
      await db.destroy();
      throw new NodeError("store", "node.db", messageOf(error));
    }
    return new Store(db);
  }

  async close(): Promise<void> {
    await this.queue.catch(() => undefined);
    await this.db.destroy();
  }

  private run<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    const result = this.queue.then(() => work(this.db));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private transact<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.run((db) => db.transaction().execute(work));
  }

  // Proofs

  /** Stores a proof; false if it was there. Resolves when it is on disk. Proofs that wait together share a commit. */
  addProof(proof: Proof, origin: Origin, chainTime: number): Promise<boolean> {
    if (this.waiting.length >= MAX_WAITING) return Promise.reject(new Refused("BUSY", "the store is behind", 503));
    return new Promise((done, failed) => {
      this.waiting.push({ proof, origin, chainTime, done, failed });
      if (!this.flushing) void this.flush();
    });
  }

  private async flush(): Promise<void> {
    this.flushing = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, MAX_BATCH);
      try {
        const fresh = await this.transact(async (tx) => {
          const results: boolean[] = [];
          for (const { proof, origin, chainTime } of batch) {
            const { numInsertedOrUpdatedRows } = await tx
              .insertInto("proofs")
              .values(proofRow(proof, origin, chainTime))
              .onConflict((c) => c.column("hash").doNothing())
              .executeTakeFirstOrThrow();
            results.push(numInsertedOrUpdatedRows === 1n);
          }
          return results;
        });
        batch.forEach((item, i) => item.done(fresh[i] === true));
      } catch (error) {
        for (const item of batch) item.failed(error);
      }
    }
    this.flushing = false;
  }

  hasProof(hash: Hex): Promise<boolean> {
    return this.run(async (db) => {
      const row = await db.selectFrom("proofs").select("hash").where("hash", "=", hash).executeTakeFirst();
      return row !== undefined;
    });
  }

  /** Hashes of all proofs of (sub-network, epoch), rising. */
  proofHashes(subNetwork: number, epoch: number): Promise<Hex[]> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("proofs")
        .select("hash")
        .where("sub_network", "=", subNetwork)
        .where("epoch", "=", epoch)
        .orderBy("hash")
        .execute();
      return rows.map((r) => r.hash as Hex);
    });
  }

  /** The named proofs that are here. */
  proofs(hashes: readonly Hex[]): Promise<StoredProof[]> {
    return this.run(async (db) => {
      const found: StoredProof[] = [];
      for (let i = 0; i < hashes.length; i += MAX_BATCH) {
        const chunk = hashes.slice(i, i + MAX_BATCH);
        const rows = await db.selectFrom("proofs").selectAll().where("hash", "in", chunk).execute();
        found.push(...rows.map(proofOf));
      }
      return found;
    });
  }

  /** All proofs of (sub-network, epoch), rising by hash, as scoring needs them. */
  scoredProofs(subNetwork: number, epoch: number): Promise<StoredScore[]> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("proofs")
        .select(["hash", "device", "counter", "key", "units", "origin"])
        .where("sub_network", "=", subNetwork)
        .where("epoch", "=", epoch)
        .orderBy("hash")
        .execute();
      return rows.map((row) => ({
        hash: row.hash as Hex,
        deviceId: BigInt(row.device),
        counter: BigInt(`0x${row.counter}`),
        keyHash: keyHash(keyOf(new Uint8Array(row.key))),
        units: BigInt(row.units),
        origin: row.origin,
      }));
    });
  }

  proofsOfDevice(device: bigint, epoch: number): Promise<StoredProof[]> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("proofs")
        .selectAll()
        .where("device", "=", Number(device))
        .where("epoch", "=", epoch)
        .orderBy("counter")
        .limit(1_000)
        .execute();
      return rows.map(proofOf);
    });
  }

  /** Highest counter that the device has used in an epoch before `epoch`; −1 if none. */
  highestCounterBefore(device: bigint, epoch: number): Promise<bigint> {
    return this.run(async (db) => {
      const row = await db
        .selectFrom("proofs")
        .select((e) => e.fn.max("counter").as("counter"))
        .where("device", "=", Number(device))
        .where("epoch", "<", epoch)
        .executeTakeFirst();
      return row?.counter ? BigInt(`0x${row.counter}`) : -1n;
    });
  }

  countProofs(): Promise<number> {
    return this.run(async (db) => {
      const row = await db
        .selectFrom("proofs")
        .select((e) => e.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    });
  }

  // Rejections

  reject(r: Rejection): Promise<void> {
    this.rejectionsSincePrune += 1;
    const prune = this.rejectionsSincePrune >= 1_000;
    if (prune) this.rejectionsSincePrune = 0;
    return this.run(async (db) => {
      await db.insertInto("rejections").values(rejectionRow(r)).execute();
      if (!prune) return;
      const { newest } = await db
        .selectFrom("rejections")
        .select((e) => e.fn.max("id").as("newest"))
        .executeTakeFirstOrThrow();
      await db
        .deleteFrom("rejections")
        .where("id", "<=", newest - MAX_REJECTIONS)
        .execute();
    });
  }

  /** The same, but once a (message, reason). */
  async rejectOnce(rejections: readonly Rejection[]): Promise<void> {
    await this.transact(async (tx) => {
      for (const r of rejections) {
        const known = await tx
          .selectFrom("rejections")
          .select("id")
          .where("message_hash", "=", r.messageHash)
          .where("reason", "=", r.reason)
          .executeTakeFirst();
        if (known === undefined) await tx.insertInto("rejections").values(rejectionRow(r)).execute();
      }
    });
  }

  rejectionCounts(): Promise<Record<string, number>> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("rejections")
        .select((e) => ["reason", e.fn.countAll<number>().as("count")])
        .groupBy("reason")
        .orderBy("reason")
        .execute();
      return Object.fromEntries(rows.map((r) => [r.reason, Number(r.count)]));
    });
  }

  rejectionsOf(
    device: bigint,
    epoch: number,
  ): Promise<{ reason: string; messageHash: string | null; detail: string }[]> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("rejections")
        .select(["reason", "message_hash", "detail"])
        .where("device", "=", String(device))
        .where("epoch", "=", epoch)
        .orderBy("id", "desc")
        .limit(100)
        .execute();
      return rows.map((r) => ({ reason: r.reason, messageHash: r.message_hash, detail: r.detail }));
    });
  }

  // Promises: what was prepared and signed

  /** Notes what this node prepares in a round; false if it has prepared something else in that round. */
  prepareOnce(p: Insertable<Tables["prepared"]>): Promise<boolean> {
    return this.transact(async (tx) => {
      await tx
        .insertInto("prepared")
        .values(p)
        .onConflict((c) => c.doNothing())
        .execute();
      const row = await tx
        .selectFrom("prepared")
        .select(["proof_set", "block_hash"])
        .where("sub_network", "=", p.sub_network)
        .where("epoch", "=", p.epoch)
        .where("attempt", "=", p.attempt)
        .where("round", "=", p.round)
        .executeTakeFirstOrThrow();
      return row.proof_set === p.proof_set && row.block_hash === p.block_hash;
    });
  }

  /** Locks (sub-network, epoch, attempt) to a settlement, once and for ever. Returns the id that is locked. */
  lock(l: Lock): Promise<bigint> {
    return this.transact(async (tx) => {
      await tx
        .insertInto("locks")
        .values({
          sub_network: l.subNetwork,
          epoch: l.epoch,
          attempt: l.attempt,
          settlement_id: String(l.settlementId),
          certificate: l.certificate,
          hashes: l.hashes,
        })
        .onConflict((c) => c.doNothing())
        .execute();
      const row = await lockQuery(tx, l.subNetwork, l.epoch, l.attempt).executeTakeFirstOrThrow();
      return BigInt(row.settlement_id);
    });
  }

  lockOf(subNetwork: number, epoch: number, attempt: number): Promise<Lock | undefined> {
    return this.run(async (db) => {
      const row = await lockQuery(db, subNetwork, epoch, attempt).executeTakeFirst();
      return (
        row && {
          subNetwork,
          epoch,
          attempt,
          settlementId: BigInt(row.settlement_id),
          certificate: row.certificate,
          hashes: row.hashes,
        }
      );
    });
  }

  /** Locks a price round to one digest. Returns the digest that is locked. */
  lockPrice(round: number, digest: Hex): Promise<string> {
    return this.transact(async (tx) => {
      await tx
        .insertInto("price_locks")
        .values({ round, digest })
        .onConflict((c) => c.doNothing())
        .execute();
      const row = await tx
        .selectFrom("price_locks")
        .select("digest")
        .where("round", "=", round)
        .executeTakeFirstOrThrow();
      return row.digest;
    });
  }

  // Settlements

  async saveSettlement(
    s: { id: bigint; subNetwork: number; epoch: number; body: string },
    outcomes: readonly StoredOutcome[],
  ): Promise<void> {
    await this.transact(async (tx) => {
      const id = String(s.id);
      await tx
        .insertInto("settlements")
        .values({ id, sub_network: s.subNetwork, epoch: s.epoch, body: s.body })
        .onConflict((c) => c.doNothing())
        .execute();
      for (let i = 0; i < outcomes.length; i += MAX_BATCH) {
        await tx
          .insertInto("outcomes")
          .values(
            outcomes.slice(i, i + MAX_BATCH).map((o) => ({
              settlement_id: id,
              message_hash: o.hash,
              device: Number(o.device),
              reason: o.reason,
            })),
          )
          .onConflict((c) => c.doNothing())
          .execute();
      }
    });
  }

  settlementBody(id: bigint): Promise<string | undefined> {
    return this.run(async (db) => {
      const row = await db.selectFrom("settlements").select("body").where("id", "=", String(id)).executeTakeFirst();
      return row?.body;
    });
  }

  /** Id of the last settlement of (sub-network, epoch) that was stored here, whatever the chain says of it. */
  lastSettlementId(subNetwork: number, epoch: number): Promise<bigint | undefined> {
    return this.run(async (db) => {
      const row = await db
        .selectFrom("settlements")
        .select("id")
        .where("sub_network", "=", subNetwork)
        .where("epoch", "=", epoch)
        .orderBy(sql`rowid`, "desc")
        .executeTakeFirst();
      return row && BigInt(row.id);
    });
  }

  /** Whether it is known here what became of the proofs of a settlement. */
  hasOutcomes(settlementId: bigint): Promise<boolean> {
    return this.run(async (db) => {
      const row = await db
        .selectFrom("outcomes")
        .select("message_hash")
        .where("settlement_id", "=", String(settlementId))
        .executeTakeFirst();
      return row !== undefined;
    });
  }

  outcomesOf(settlementId: bigint, device: bigint): Promise<StoredOutcome[]> {
    return this.run(async (db) => {
      const rows = await db
        .selectFrom("outcomes")
        .select(["message_hash", "reason"])
        .where("settlement_id", "=", String(settlementId))
        .where("device", "=", Number(device))
        .orderBy("message_hash")
        .execute();
      return rows.map((r) => ({ hash: r.message_hash as Hex, device, reason: r.reason }));
    });
  }
}

function lockQuery(db: Kysely<Tables>, subNetwork: number, epoch: number, attempt: number) {
  return db
    .selectFrom("locks")
    .selectAll()
    .where("sub_network", "=", subNetwork)
    .where("epoch", "=", epoch)
    .where("attempt", "=", attempt);
}

function proofRow(p: Proof, origin: Origin, chainTime: number): Insertable<Tables["proofs"]> {
  return {
    hash: p.hash,
    sub_network: p.fields.kind,
    epoch: p.fields.epoch,
    device: Number(p.fields.deviceId),
    counter: hex(uint("counter", p.fields.counter, 8)).slice(2),
    message: p.message,
    signature: signatureBytes(p.signature),
    key: keyBytes(p.key),
    payload: p.payload,
    units: String(p.units),
    origin,
    chain_time: chainTime,
  };
}

function proofOf(row: Tables["proofs"]): StoredProof {
  const message = new Uint8Array(row.message);
  const signature = new Uint8Array(row.signature);
  const key = keyOf(new Uint8Array(row.key));
  return {
    hash: row.hash as Hex,
    message,
    fields: decodeMessage(message),
    signature: { r: hex(signature.slice(0, 32)), s: hex(signature.slice(32, 64)) },
    key,
    keyHash: keyHash(key),
    payload: new Uint8Array(row.payload),
    units: BigInt(row.units),
    origin: row.origin,
  };
}

function keyOf(bytes: Uint8Array): DeviceKey {
  return { keyType: bytes[0] ?? 0, x: hex(bytes.slice(1, 33)), y: hex(bytes.slice(33, 65)) };
}

function rejectionRow(r: Rejection): Insertable<Tables["rejections"]> {
  return {
    reason: r.reason,
    device: r.device === null ? null : String(r.device),
    message_hash: r.messageHash,
    epoch: r.epoch,
    origin: r.origin,
    detail: r.detail.slice(0, 200),
    chain_time: r.chainTime,
  };
}

/** A settlement that is stored here, with its lists. */
export async function storedBody(store: Store, id: bigint): Promise<SettlementBody | undefined> {
  const json = await store.settlementBody(id);
  return json === undefined ? undefined : bodyFromJson(json);
}
