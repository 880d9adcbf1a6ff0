// A maker's batch as a CSV: one row a device, checked row by row while it streams by. What is wrong is a UsageError with the
// line and the reason, and nothing of the file is used.
//   serial,keyType,x,y
//   GW-2041-000001,1,0x…,0x…
// serial: 1 to 64 printable ASCII characters without comma, quote or blank. keyType: 1 = P-256, 2 = secp256k1. x, y: 32 bytes
// in hex. The place of a device in the batch is its row, counted from 0. docs/accounting.md §3.
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { isOnCurve, type Hex, hex, KEY_P256, KEY_SECP256K1, type Keccak, NODE } from "../../oracle/codec";
import { messageOf, UsageError } from "./errors";

export const HEADER = "serial,keyType,x,y";
/** A batch that one tree of height 20 holds. */
export const MAX_ROWS = 2 ** 20;
const MAX_ROW_BYTES = 256;
const MIN_ROW_BYTES = 132; // one character, one digit, 2 × 64, three commas; a line feed after all but the last
const CHUNK = 1 << 20;
const [LF, CR] = [10, 13];
const LEAF_TAG = Uint8Array.of(0x30);

export interface BatchRow {
  readonly serial: string;
  readonly keyType: number;
  readonly x: Hex;
  readonly y: Hex;
}

/** What a batch file says, once every row was found good. */
export interface CheckedBatch {
  readonly count: number;
  /** 32 bytes a device. */
  readonly leaves: Uint8Array;
  /** sha256 of the file, byte for byte. */
  readonly dataHash: Hex;
}

class BatchReader {
  constructor(private readonly path: string) {}

  fail(code: string, line: number, reason: string): UsageError {
    return new UsageError(`BATCH_${code}`, `${this.path}, line ${line}: ${reason}`, { file: this.path, line, reason });
  }

  size(): number {
    try {
      const stat = statSync(this.path);
      if (!stat.isFile()) throw new Error("is no file");
      return stat.size;
    } catch (error) {
      throw new UsageError("BATCH_FILE", `${this.path}: ${messageOf(error)}`);
    }
  }

  /** Calls `row` with every line after the header, without its end, and `seen` with every piece of the file. */
  async rows(row: (line: Buffer, number: number) => void, seen: (piece: Buffer) => void): Promise<void> {
    let number = 0;
    let rest: Buffer = Buffer.alloc(0);
    const line = (whole: Buffer): void => {
      number++;
      const text = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
      if (text.length > MAX_ROW_BYTES) throw this.fail("ROW_TOO_LONG", number, tooLong(text.length));
      if (number > 1) return row(text, number);
      const header = text.toString("utf8").replace(/^\uFEFF/, "");
      if (header !== HEADER) throw this.fail("HEADER", 1, `the header is not "${HEADER}"`);
    };
    for await (const piece of createReadStream(this.path, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
      seen(piece);
      let from = 0;
      for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, from)) {
        const end = piece.subarray(from, at);
        line(rest.length > 0 ? Buffer.concat([rest, end]) : end);
        if (rest.length > 0) rest = Buffer.alloc(0);
        from = at + 1;
      }
      rest = Buffer.concat([rest, piece.subarray(from)]);
      // Known to be too long before its end has come: never held in memory.
      if (rest.length > MAX_ROW_BYTES + 1) throw this.fail("ROW_TOO_LONG", number + 1, tooLong(rest.length, "or more"));
    }
    if (rest.length > 0) line(rest);
    if (number === 0) throw this.fail("HEADER", 1, `the file is empty; its header is "${HEADER}"`);
  }

  parse(line: Buffer, number: number): BatchRow {
    const cells = line.toString("latin1").split(",");
    const [serial = "", keyType = "", x = "", y = ""] = cells;
    if (cells.length !== 4) throw this.fail("COLUMNS", number, `${cells.length} column(s), needs 4: ${HEADER}`);
    if (!/^[!#-+\--~]{1,64}$/.test(serial))
      throw this.fail("SERIAL", number, "serial: needs 1 to 64 printable ASCII characters, no blank, comma or quote");
    if (keyType !== "1" && keyType !== "2")
      throw this.fail("KEY_TYPE", number, `keyType: ${JSON.stringify(keyType)} is not 1 (P-256) or 2 (secp256k1)`);
    return {
      serial,
      keyType: keyType === "1" ? KEY_P256 : KEY_SECP256K1,
      x: this.coordinate("x", x, number),
      y: this.coordinate("y", y, number),
    };
  }

  private coordinate(name: string, text: string, number: number): Hex {
    if (!/^(0x)?[0-9a-fA-F]{64}$/.test(text)) throw this.fail("KEY_FORM", number, `${name}: is not 32 bytes in hex`);
    return (text.length === 64 ? `0x${text}` : text) as Hex;
  }
}

function tooLong(bytes: number, more = ""): string {
  return `the row has ${bytes} bytes${more && ` ${more}`}, no row has more than ${MAX_ROW_BYTES}`;
}

/** Which row a 32-byte hash was first seen in: a table of places over the hashes themselves. */
class HashIndex {
  private readonly table: Uint32Array; // place + 1; 0 = free
  private readonly hashes: Buffer;
  private readonly mask: number;

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(capacity * 2 + 2));
    this.table = new Uint32Array(size);
    this.mask = size - 1;
    this.hashes = Buffer.alloc(capacity * NODE);
  }

  /** Puts `hash` at `place`; the place that had it before, if any. */
  add(hash: Uint8Array, place: number): number | undefined {
    this.hashes.set(hash, place * NODE);
    let slot = this.hashes.readUInt32LE(place * NODE) & this.mask;
    for (let taken = this.table[slot] ?? 0; taken !== 0; taken = this.table[slot] ?? 0) {
      const at = (taken - 1) * NODE;
      if (this.hashes.compare(hash, 0, NODE, at, at + NODE) === 0) return taken - 1;
      slot = (slot + 1) & this.mask;
    }
    this.table[slot] = place + 1;
    return undefined;
  }
}

/** Reads a batch file, checks every row, and makes the leaves. `tick` hears of every piece: bytes read so far. */
export async function readBatch(path: string, keccak: Keccak, tick?: (bytes: number) => void): Promise<CheckedBatch> {
  const reader = new BatchReader(path);
  const size = reader.size();
  const capacity = Math.min(MAX_ROWS, Math.floor(size / MIN_ROW_BYTES) + 1);
  const [serials, keys] = [new HashIndex(capacity), new HashIndex(capacity)];
  const leaves = new Uint8Array(capacity * NODE);
  const key = Buffer.alloc(65);
  const sha256 = createHash("sha256");
  let count = 0;
  let bytes = 0;
  const lineOf = (place: number): string => `line ${place + 2}`;
  await reader.rows(
    (line, number) => {
      const row = reader.parse(line, number);
      if (count === MAX_ROWS) throw reader.fail("TOO_MANY", number, `a batch has ${MAX_ROWS} rows at most`);
      if (!isOnCurve(row))
        throw reader.fail(
          "KEY_OFF_CURVE",
          number,
          `(x, y) is no point of ${row.keyType === 1 ? "P-256" : "secp256k1"}`,
        );
      const serialHash = keccak(line.subarray(0, row.serial.length));
      const twin = serials.add(serialHash, count);
      if (twin !== undefined)
        throw reader.fail("DUPLICATE_SERIAL", number, `serial ${row.serial} is that of ${lineOf(twin)}`);
      key[0] = row.keyType;
      key.write(row.x.slice(2), 1, "hex");
      key.write(row.y.slice(2), 33, "hex");
      const keyHash = keccak(key);
      const same = keys.add(keyHash, count);
      if (same !== undefined) throw reader.fail("DUPLICATE_KEY", number, `the key is that of ${lineOf(same)}`);
      leaves.set(keccak(LEAF_TAG, serialHash, keyHash), count * NODE);
      count++;
    },
    (piece) => {
      sha256.update(piece);
      tick?.((bytes += piece.length));
    },
  );
  if (count === 0) throw reader.fail("EMPTY", 1, "no row follows the header");
  return { count, leaves: leaves.subarray(0, count * NODE), dataHash: hex(sha256.digest()) };
}

/** The rows at these places (from 0), by place. Reads the file once; no other row is looked at. */
export async function pickRows(path: string, places: ReadonlySet<number>): Promise<Map<number, BatchRow>> {
  const reader = new BatchReader(path);
  reader.size();
  const found = new Map<number, BatchRow>();
  await reader.rows(
    (line, number) => {
      if (places.has(number - 2)) found.set(number - 2, reader.parse(line, number));
    },
    () => undefined,
  );
  return found;
}
