import { createHash } from "node:crypto";

/** A stored piece: the bytes of a CAR file, cut into chunks of 4 KiB, each a raw IPLD block with a CID of its own. */
export interface Piece {
  readonly name: string;
  readonly bytes: number;
  /** Root of the sha256 tree over the chunks' digests, hex. */
  readonly root: string;
}

export interface PieceProof {
  readonly chunk: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export const CHUNK_BYTES = 4_096;
const NODE_TAG = Uint8Array.of(1);
const EMPTY = new Uint8Array(32);

export const sha256 = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

export const chunkCount = (bytes: number): number => Math.ceil(bytes / CHUNK_BYTES);

/** Length of chunk `index`: only the last may be short. */
export const chunkLength = (bytes: number, index: number): number => Math.min(CHUNK_BYTES, bytes - index * CHUNK_BYTES);

/** Levels above the leaves; the tree is filled up to a power of two with zero digests. */
export const treeDepth = (count: number): number => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

/** Inner nodes carry a tag, and size and depth are fixed by the piece: a node can never pass for a chunk. */
const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE_TAG, left, right);

export function pieceRoot(data: Uint8Array): string {
  const top = levels(data).at(-1)?.[0] ?? EMPTY;
  return Buffer.from(top).toString("hex");
}

export function provePiece(data: Uint8Array, index: number): PieceProof {
  const tree = levels(data);
  const path = tree.slice(0, -1).map((level, height) => level[(index >> height) ^ 1] ?? EMPTY);
  return { chunk: data.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES), path };
}

export function rootOfProof(digest: Uint8Array, index: number, path: readonly Uint8Array[]): string {
  const top = path.reduce(
    (below, sibling, height) => (((index >> height) & 1) === 0 ? node(below, sibling) : node(sibling, below)),
    digest,
  );
  return Buffer.from(top).toString("hex");
}

function levels(data: Uint8Array): Uint8Array[][] {
  const count = chunkCount(data.length);
  let level: Uint8Array[] = Array.from({ length: 1 << treeDepth(count) }, (_, i) =>
    i < count ? sha256(data.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)) : EMPTY,
  );
  const tree = [level];
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, i) => node(below[2 * i] ?? EMPTY, below[2 * i + 1] ?? EMPTY));
    tree.push(level);
  }
  return tree;
}

// ── CIDs ────────────────────────────────────────────────────────────────────

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
/** CIDv1, codec raw (0x55), multihash sha2-256 (0x12) of 32 bytes. */
const RAW_SHA256 = Uint8Array.of(0x01, 0x55, 0x12, 0x20);

/** The IPFS address of a raw block, from its sha256: "bafkrei…". */
export function rawCid(digest: Uint8Array): string {
  let text = "b";
  let bits = 0;
  let held = 0;
  for (const byte of [...RAW_SHA256, ...digest]) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32.charAt((held >> bits) & 31);
    }
  }
  return bits > 0 ? text + BASE32.charAt((held << (5 - bits)) & 31) : text;
}
