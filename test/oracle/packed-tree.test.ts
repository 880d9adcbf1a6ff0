import { expect } from "chai";
import { keccak256, toBeHex } from "ethers";
import {
  CodecError,
  depthOf,
  type Hex,
  hex,
  type Keccak,
  levelsOf,
  loadKeccak,
  MerkleTree,
  PackedTree,
  rootThrough,
} from "../../oracle/codec";

const leavesOf = (count: number): Hex[] => Array.from({ length: count }, (_, i) => keccak256(toBeHex(i, 32)) as Hex);

describe("packed tree", () => {
  let keccak: Keccak;

  before(async () => {
    keccak = await loadKeccak();
  });

  const packed = (leaves: readonly Hex[]): PackedTree =>
    PackedTree.of(Buffer.from(leaves.map((l) => l.slice(2)).join(""), "hex"), keccak);

  it("hashes as ethers does, whatever the parts and lengths", () => {
    for (const size of [0, 1, 32, 64, 65, 135, 136, 137, 272, 1_000]) {
      const bytes = Buffer.alloc(size, 7);
      expect(hex(keccak(bytes)), `${size}`).to.equal(keccak256(bytes));
      expect(hex(keccak(bytes.subarray(0, size >> 1), bytes.subarray(size >> 1)))).to.equal(keccak256(bytes));
    }
  });

  it("is the positional tree: root and every proof, for 1 to 34 leaves and about 2^10", () => {
    for (const count of [...Array.from({ length: 34 }, (_, i) => i + 1), 1_023, 1_024, 1_025]) {
      const leaves = leavesOf(count);
      const [slow, fast] = [new MerkleTree(leaves), packed(leaves)];
      expect([fast.root, fast.count], `${count}`).to.deep.equal([slow.root, count]);
      for (let i = 0; i < count; i += count > 34 ? 111 : 1) {
        const proof = fast.proof(i);
        expect(proof).to.deep.equal(slow.proof(i));
        expect(proof.length).to.equal(depthOf(count));
        expect(rootThrough(leaves[i]!, i, proof)).to.equal(fast.root);
      }
      expect(levelsOf(count).at(-1)).to.equal(fast.levels.reduce((sum, level) => sum + level.length / 32, 0));
    }
  });

  it("refuses no leaves, half a leaf, and places that there are not", () => {
    expect(() => PackedTree.of(new Uint8Array(0), keccak)).to.throw(CodecError, "leaves");
    expect(() => PackedTree.of(new Uint8Array(33), keccak)).to.throw(CodecError, "leaves");
    const tree = packed(leavesOf(3));
    for (const index of [-1, 3, 0.5]) expect(() => tree.proof(index)).to.throw(CodecError, "is not a leaf");
  });
});
