// Tables of a node. Integers that may pass 2^53 are text: counters as 16 hex digits (so that text order is number
// order), amounts and ids as decimals.
import type { Generated, Kysely, Migration } from "kysely";

export interface Tables {
  proofs: {
    hash: string;
    sub_network: number;
    epoch: number;
    device: number;
    counter: string;
    message: Uint8Array;
    signature: Uint8Array;
    key: Uint8Array;
    payload: Uint8Array;
    units: string;
    origin: Origin;
    chain_time: number;
  };
  rejections: {
    id: Generated<number>;
    reason: string;
    device: string | null;
    message_hash: string | null;
    epoch: number | null;
    origin: Origin;
    detail: string;
    chain_time: number;
  };
  /** One row a (sub-network, epoch, attempt): what this node has signed, and the certificate that let it. */
  locks: {
    sub_network: number;
    epoch: number;
    attempt: number;
    settlement_id: string;
    certificate: string;
    hashes: string;
  };
  /** One row a (sub-network, epoch, attempt, round): the one set this node has prepared in it. */
  prepared: {
    sub_network: number;
    epoch: number;
    attempt: number;
    round: number;
    proof_set: string;
    block_hash: string;
  };
  settlements: {
    id: string;
    sub_network: number;
    epoch: number;
    body: string;
  };
  outcomes: { settlement_id: string; message_hash: string; device: number; reason: string | null };
  price_locks: { round: number; digest: string };
}

/** Who handed a proof in. */
export type Origin = "device" | "peer";

export const migrations: Readonly<Record<string, Migration>> = {
  "001": {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable("proofs")
        .addColumn("hash", "text", (c) => c.primaryKey())
        .addColumn("sub_network", "integer", (c) => c.notNull())
        .addColumn("epoch", "integer", (c) => c.notNull())
        .addColumn("device", "integer", (c) => c.notNull())
        .addColumn("counter", "text", (c) => c.notNull())
        .addColumn("message", "blob", (c) => c.notNull())
        .addColumn("signature", "blob", (c) => c.notNull())
        .addColumn("key", "blob", (c) => c.notNull())
        .addColumn("payload", "blob", (c) => c.notNull())
        .addColumn("units", "text", (c) => c.notNull())
        .addColumn("origin", "text", (c) => c.notNull())
        .addColumn("chain_time", "integer", (c) => c.notNull())
        .execute();
      await db.schema.createIndex("proofs_by_epoch").on("proofs").columns(["sub_network", "epoch", "hash"]).execute();
      await db.schema.createIndex("proofs_by_device").on("proofs").columns(["device", "epoch", "counter"]).execute();
      await db.schema
        .createTable("rejections")
        .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
        .addColumn("reason", "text", (c) => c.notNull())
        .addColumn("device", "text")
        .addColumn("message_hash", "text")
        .addColumn("epoch", "integer")
        .addColumn("origin", "text", (c) => c.notNull())
        .addColumn("detail", "text", (c) => c.notNull())
        .addColumn("chain_time", "integer", (c) => c.notNull())
        .execute();
      await db.schema.createIndex("rejections_by_device").on("rejections").columns(["device", "epoch"]).execute();
      await db.schema
        .createIndex("rejections_by_message")
        .on("rejections")
        .columns(["message_hash", "reason"])
        .execute();
      await db.schema
        .createTable("locks")
        .addColumn("sub_network", "integer", (c) => c.notNull())
        .addColumn("epoch", "integer", (c) => c.notNull())
        .addColumn("attempt", "integer", (c) => c.notNull())
        .addColumn("settlement_id", "text", (c) => c.notNull())
        .addColumn("certificate", "text", (c) => c.notNull())
        .addColumn("hashes", "text", (c) => c.notNull())
        .addPrimaryKeyConstraint("locks_key", ["sub_network", "epoch", "attempt"])
        .execute();
      await db.schema
        .createTable("prepared")
        .addColumn("sub_network", "integer", (c) => c.notNull())
        .addColumn("epoch", "integer", (c) => c.notNull())
        .addColumn("attempt", "integer", (c) => c.notNull())
        .addColumn("round", "integer", (c) => c.notNull())
        .addColumn("proof_set", "text", (c) => c.notNull())
        .addColumn("block_hash", "text", (c) => c.notNull())
        .addPrimaryKeyConstraint("prepared_key", ["sub_network", "epoch", "attempt", "round"])
        .execute();
      await db.schema
        .createTable("settlements")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("sub_network", "integer", (c) => c.notNull())
        .addColumn("epoch", "integer", (c) => c.notNull())
        .addColumn("body", "text", (c) => c.notNull())
        .execute();
      await db.schema.createIndex("settlements_by_epoch").on("settlements").columns(["sub_network", "epoch"]).execute();
      await db.schema
        .createTable("outcomes")
        .addColumn("settlement_id", "text", (c) => c.notNull())
        .addColumn("message_hash", "text", (c) => c.notNull())
        .addColumn("device", "integer", (c) => c.notNull())
        .addColumn("reason", "text")
        .addPrimaryKeyConstraint("outcomes_key", ["settlement_id", "message_hash"])
        .execute();
      await db.schema
        .createTable("price_locks")
        .addColumn("round", "integer", (c) => c.primaryKey())
        .addColumn("digest", "text", (c) => c.notNull())
        .execute();
    },
  },
};
