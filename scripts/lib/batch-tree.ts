// The tree of a posted batch as a file: from it the inclusion proof of any device is read at once, without the CSV.
// Big endian: "GWT1"(4) ‖ schema(1)=1 ‖ depth(1) ‖ zero(2) ‖ count(4) ‖ modelId(4) ‖ batchId(4; 0 = not posted) ‖ zero(4) ‖
// firstDeviceId(8) ‖ chainId(8) ‖ registry(20) ‖ zero(4) ‖ root(32) ‖ dataHash(32); then the nodes, level by level, leaves
// first, without padding.
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { getAddress } from "ethers";
import {
  bytesOf,
  depthOf,
  type Hex,
  hex,
  join,
  type Keccak,
  levelsOf,
  NODE,
  type PackedTree,
  paddingOf,
  readUint,
  uint,
} from "../../oracle/codec";
import { messageOf, UsageError } from "./errors";

const MAGIC = new TextEncoder().encode("GWT1");
const SCHEMA = 1;
const HEAD = 128;

export interface TreeHead {
  readonly count: number;
  readonly modelId: number;
  /** 0 until the batch is posted. */
  readonly batchId: number;
  readonly firstDeviceId: bigint;
  readonly chainId: number;
  /** MakerRegistry. */
  readonly registry: string;
  readonly root: Hex;
  readonly dataHash: Hex;
}

function headBytes(h: TreeHead): Uint8Array {
  return join(
    MAGIC,
    uint("schema", SCHEMA, 1),
    uint("depth", depthOf(h.count), 1),
    new Uint8Array(2),
    uint("count", h.count, 4),
    uint("modelId", h.modelId, 4),
    uint("batchId", h.batchId, 4),
    new Uint8Array(4),
    uint("firstDeviceId", h.firstDeviceId, 8),
    uint("chainId", h.chainId, 8),
    bytesOf("registry", h.registry, 20),
    new Uint8Array(4),
    bytesOf("root", h.root, 32),
    bytesOf("dataHash", h.dataHash, 32),
  );
}

/** Writes the whole file beside its place and moves it there: it is there whole or not at all. */
export function writeTree(path: string, head: TreeHead, tree: PackedTree): void {
  const part = `${path}.part`;
  const file = openSync(part, "w");
  try {
    writeSync(file, headBytes(head));
    for (const level of tree.levels) {
      for (let at = 0; at < level.length;) at += writeSync(file, level, at);
    }
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}

/** Notes under which number the batch was posted. */
export function markPosted(path: string, head: TreeHead): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, headBytes(head), 0, HEAD, 0);
  } finally {
    closeSync(file);
  }
}

/** What a box is shipped with. */
export interface Inclusion {
  readonly index: number;
  readonly leaf: Hex;
  readonly proof: readonly Hex[];
}

export class TreeFile {
  private constructor(
    private readonly file: number,
    readonly path: string,
    readonly head: TreeHead,
    private readonly starts: readonly number[],
    private readonly padding: readonly Uint8Array[],
    private readonly keccak: Keccak,
  ) {}

  static open(path: string, keccak: Keccak): TreeFile {
    if (!existsSync(path)) throw new UsageError("TREE_FILE", `${path}: no such file; batch:post writes it`);
    const file = openSync(path, "r");
    try {
      const h = new Uint8Array(HEAD);
      const read = readSync(file, h, 0, HEAD, 0);
      if (read !== HEAD || MAGIC.some((b, i) => h[i] !== b) || h[4] !== SCHEMA)
        throw new Error("is no tree of a batch");
      const head: TreeHead = {
        count: Number(readUint(h, 8, 4)),
        modelId: Number(readUint(h, 12, 4)),
        batchId: Number(readUint(h, 16, 4)),
        firstDeviceId: readUint(h, 24, 8),
        chainId: Number(readUint(h, 32, 8)),
        registry: getAddress(hex(h.subarray(40, 60))),
        root: hex(h.subarray(64, 96)),
        dataHash: hex(h.subarray(96, 128)),
      };
      const starts = levelsOf(head.count);
      const size = HEAD + (starts.at(-1) ?? 0) * NODE;
      if (head.count === 0 || fstatSync(file).size !== size) throw new Error(`has not the ${size} bytes of its tree`);
      return new TreeFile(file, path, head, starts, paddingOf(depthOf(head.count), keccak), keccak);
    } catch (error) {
      closeSync(file);
      throw new UsageError("TREE_FILE", `${path}: ${messageOf(error)}`);
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** The proof of place `index`, checked against the root. */
  inclusion(index: number): Inclusion {
    const { count, root } = this.head;
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw new UsageError("TREE_INDEX", `${this.path}: place ${index} is not one of 0 to ${count - 1}`);
    const leaf = this.node(0, index);
    const proof: Uint8Array[] = [];
    let node = leaf;
    for (let k = 0; k < depthOf(count); k++) {
      const place = index >> k;
      const sibling = this.node(k, place ^ 1);
      proof.push(sibling);
      node = place & 1 ? this.keccak(sibling, node) : this.keccak(node, sibling);
    }
    if (hex(node) !== root) throw new UsageError("TREE_FILE", `${this.path}: place ${index} does not lead to its root`);
    return { index, leaf: hex(leaf), proof: proof.map(hex) };
  }

  private node(level: number, place: number): Uint8Array {
    const at = (this.starts[level] ?? 0) + place;
    if (at >= (this.starts[level + 1] ?? 0)) return this.padding[level] ?? new Uint8Array(NODE);
    const bytes = new Uint8Array(NODE);
    readSync(this.file, bytes, 0, NODE, HEAD + at * NODE);
    return bytes;
  }
}
