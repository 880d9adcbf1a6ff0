// Positional Merkle trees, padded with zero to a power of two, and their sum-carrying sister. docs/accounting.md §3.
import { keccak256 } from "ethers";
import { bytesOf, CodecError, Hex, hex, join, uint } from "./bytes";

const ZERO = hex(new Uint8Array(32));

function nodeOf(left: Hex, right: Hex): Hex {
  return keccak256(join(bytesOf("left", left, 32), bytesOf("right", right, 32))) as Hex;
}

/** Levels from the leaves up; absent positions are zero. A subtree of padding is not zero: it is the hash of zeros. */
export class MerkleTree {
  private readonly levels: Hex[][];
  private readonly padding: Hex[]; // padding[k] = root of an all-zero subtree of height k

  constructor(leaves: readonly Hex[]) {
    this.levels = [[...leaves]];
    this.padding = [ZERO];
    for (let k = 0; (this.levels[k]?.length ?? 0) > 1; k++) {
      const below = this.levels[k] ?? [];
      const pad = this.padding[k] ?? ZERO;
      const level: Hex[] = [];
      for (let i = 0; i < below.length; i += 2) level.push(nodeOf(below[i] ?? pad, below[i + 1] ?? pad));
      this.levels.push(level);
      this.padding.push(nodeOf(pad, pad));
    }
  }

  get root(): Hex {
    return this.levels[this.levels.length - 1]?.[0] ?? ZERO;
  }

  /** Siblings from leaf to root. */
  proof(index: number): Hex[] {
    if (this.levels[0]?.[index] === undefined) throw new CodecError("index", `${index} is not a leaf`);
    return this.levels.slice(0, -1).map((level, k) => level[(index >> k) ^ 1] ?? this.padding[k] ?? ZERO);
  }
}

/** Root that `leaf` at `index` gives through `proof`, or null where the index does not fit the proof. */
export function rootThrough(leaf: Hex, index: number, proof: readonly Hex[]): Hex | null {
  if (index < 0 || index >= 2 ** proof.length) return null;
  return proof.reduce<Hex>(
    (node, sibling, k) => ((index >> k) & 1 ? nodeOf(sibling, node) : nodeOf(node, sibling)),
    leaf,
  );
}

export interface SumNode {
  hash: Hex;
  sum: bigint;
}

export function sumNodeOf(left: SumNode, right: SumNode): SumNode {
  const hash = keccak256(
    join(
      bytesOf("left", left.hash, 32),
      uint("leftSum", left.sum, 16),
      bytesOf("right", right.hash, 32),
      uint("rightSum", right.sum, 16),
    ),
  ) as Hex;
  return { hash, sum: left.sum + right.sum };
}

/** Tree of entries: every node carries the sum of the points below it. */
export class SumTree {
  private readonly levels: SumNode[][];
  private readonly padding: SumNode[];

  constructor(leaves: readonly SumNode[]) {
    this.levels = [[...leaves]];
    this.padding = [{ hash: ZERO, sum: 0n }];
    for (let k = 0; (this.levels[k]?.length ?? 0) > 1; k++) {
      const below = this.levels[k] ?? [];
      const pad = this.padding[k] ?? { hash: ZERO, sum: 0n };
      const level: SumNode[] = [];
      for (let i = 0; i < below.length; i += 2) level.push(sumNodeOf(below[i] ?? pad, below[i + 1] ?? pad));
      this.levels.push(level);
      this.padding.push(sumNodeOf(pad, pad));
    }
  }

  get top(): SumNode {
    return this.levels[this.levels.length - 1]?.[0] ?? { hash: ZERO, sum: 0n };
  }

  get leafCount(): number {
    return this.levels[0]?.length ?? 0;
  }

  /** keccak256(0x41 ‖ top ‖ totalPoints ‖ leafCount). */
  get root(): Hex {
    return entriesRootOf(this.top, this.leafCount);
  }

  proof(index: number): SumNode[] {
    if (this.levels[0]?.[index] === undefined) throw new CodecError("index", `${index} is not a leaf`);
    return this.levels
      .slice(0, -1)
      .map((level, k) => level[(index >> k) ^ 1] ?? this.padding[k] ?? { hash: ZERO, sum: 0n });
  }
}

export function entriesRootOf(top: SumNode, leafCount: number): Hex {
  return keccak256(
    join(
      uint("tag", 0x41, 1),
      bytesOf("top", top.hash, 32),
      uint("totalPoints", top.sum, 16),
      uint("leafCount", leafCount, 4),
    ),
  ) as Hex;
}

export function batchLeaf(serialHash: Hex, keyHash: Hex): Hex {
  return keccak256(
    join(uint("tag", 0x30, 1), bytesOf("serialHash", serialHash, 32), bytesOf("keyHash", keyHash, 32)),
  ) as Hex;
}

export function proofLeaf(messageHash: Hex): Hex {
  return keccak256(join(uint("tag", 0x20, 1), bytesOf("messageHash", messageHash, 32))) as Hex;
}

/** (sub-network, term) as the contract's PotId. */
export function potId(subNetwork: number, term: number): bigint {
  return (BigInt(subNetwork) << 32n) | BigInt(term);
}

export interface Payout {
  payee: string;
  cumulative: bigint;
}

export function payoutLeaf(pot: bigint, payout: Payout): Hex {
  return keccak256(
    join(
      uint("tag", 0x10, 1),
      uint("pot", pot, 6),
      bytesOf("payee", payout.payee, 20),
      uint("cumulative", payout.cumulative, 16),
    ),
  ) as Hex;
}

export interface Entry {
  payee: string;
  deviceId: bigint;
  points: bigint;
  proofsRoot: Hex;
}

export function entryLeaf(entry: Entry): SumNode {
  const hash = keccak256(
    join(
      uint("tag", 0x40, 1),
      bytesOf("payee", entry.payee, 20),
      uint("deviceId", entry.deviceId, 8),
      uint("points", entry.points, 16),
      bytesOf("proofsRoot", entry.proofsRoot, 32),
    ),
  ) as Hex;
  return { hash, sum: entry.points };
}
