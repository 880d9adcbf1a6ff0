// The positional tree of tree.ts for batches of a million: nodes in one array of bytes a level, hashed in WebAssembly.
import { createKeccak } from "hash-wasm";
import { CodecError, type Hex, hex } from "./bytes";

export const NODE = 32;

/** keccak256, synchronous once it is loaded. */
export type Keccak = (...parts: readonly Uint8Array[]) => Uint8Array;

export async function loadKeccak(): Promise<Keccak> {
  const hasher = await createKeccak(256);
  return (...parts) => {
    hasher.init();
    for (const part of parts) hasher.update(part);
    return hasher.digest("binary");
  };
}

/** Nodes of the level above `below`, which an absent right end is padded with `pad`. */
function levelAbove(below: Uint8Array, pad: Uint8Array, keccak: Keccak): Uint8Array {
  const pairs = Math.ceil(below.length / (2 * NODE));
  const level = new Uint8Array(pairs * NODE);
  const whole = Math.floor(below.length / (2 * NODE));
  for (let i = 0; i < whole; i++) level.set(keccak(below.subarray(i * 2 * NODE, (i + 1) * 2 * NODE)), i * NODE);
  if (whole < pairs) level.set(keccak(below.subarray(whole * 2 * NODE), pad), whole * NODE);
  return level;
}

/** Roots of all-zero subtrees of height 0 to `depth`. */
export function paddingOf(depth: number, keccak: Keccak): Uint8Array[] {
  const padding: Uint8Array[] = [new Uint8Array(NODE)];
  for (let pad = keccak(new Uint8Array(2 * NODE)); padding.length <= depth; pad = keccak(pad, pad)) padding.push(pad);
  return padding;
}

/** Height of the tree over `count` leaves: ⌈log₂ count⌉. */
export function depthOf(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** Where each level of a tree of `count` leaves begins, counted in nodes, leaves first; one entry more: the end. */
export function levelsOf(count: number): number[] {
  const starts = [0];
  let at = 0;
  for (let k = 0; k <= depthOf(count); k++) starts.push((at += Math.ceil(count / 2 ** k)));
  return starts;
}

export class PackedTree {
  private constructor(
    readonly levels: readonly Uint8Array[],
    private readonly padding: readonly Uint8Array[],
  ) {}

  /** `leaves`: 32 bytes each, in the order of the places. */
  static of(leaves: Uint8Array, keccak: Keccak, tick?: (nodes: number) => void): PackedTree {
    if (leaves.length === 0 || leaves.length % NODE !== 0) throw new CodecError("leaves", "are not 32 bytes each");
    const padding = paddingOf(depthOf(leaves.length / NODE), keccak);
    const levels = [leaves];
    for (let below = leaves; below.length > NODE;) {
      below = levelAbove(below, padding[levels.length - 1] ?? below, keccak);
      levels.push(below);
      tick?.(below.length / NODE);
    }
    return new PackedTree(levels, padding);
  }

  get count(): number {
    return (this.levels[0]?.length ?? 0) / NODE;
  }

  get root(): Hex {
    return hex(this.levels.at(-1) ?? new Uint8Array(NODE));
  }

  /** Siblings from leaf to root. */
  proof(index: number): Hex[] {
    if (!Number.isInteger(index) || index < 0 || index >= this.count)
      throw new CodecError("index", `${index} is not a leaf`);
    return this.levels.slice(0, -1).map((level, k) => {
      const at = ((index >> k) ^ 1) * NODE;
      return hex(at < level.length ? level.subarray(at, at + NODE) : (this.padding[k] ?? level));
    });
  }
}
