import { expect } from "chai";
import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";
import { type Hex, MerkleTree } from "../../../oracle/codec";
import encodings from "../../vectors/encodings.json";

async function fixture() {
  return ethers.deployContract("MerkleTreeHarness");
}

describe("MerkleTree", () => {
  it("agrees with the codec and the vectors on every leaf of every tree", async () => {
    const harness = await loadFixture(fixture);
    for (const { leaves, root } of encodings.trees.filter((t) => t.leaves.length > 0)) {
      const tree = new MerkleTree(leaves as Hex[]);
      for (const [index, leaf] of leaves.entries()) {
        expect(await harness.verify(root, leaf, index, tree.proof(index))).to.equal(true);
      }
    }
  });

  it("refuses another index, a shorter or longer proof, a node as a leaf, and index + 2^depth", async () => {
    const harness = await loadFixture(fixture);
    const leaves = Array.from({ length: 8 }, (_, i) => ethers.id(`leaf ${i}`) as Hex);
    const tree = new MerkleTree(leaves);
    const leaf = leaves[5] ?? "0x";
    const proof = tree.proof(5);
    expect(await harness.verify(tree.root, leaf, 5, proof)).to.equal(true);
    for (const index of [0, 1, 2, 3, 4, 6, 7, 13, 5 + 2 ** 32]) {
      expect(await harness.verify(tree.root, leaf, index, proof)).to.equal(false);
    }
    expect(await harness.verify(tree.root, leaf, 1, proof.slice(0, 2))).to.equal(false);
    expect(await harness.verify(tree.root, leaf, 5, [...proof, ethers.ZeroHash])).to.equal(false);
    // The root itself stands at index 0 of its own empty path: only a leaf's encoding keeps nodes out (docs/accounting.md).
    expect(await harness.verify(tree.root, leaf, 0, [])).to.equal(false);
    const long = Array.from({ length: 64 }, () => ethers.ZeroHash);
    expect(await harness.verify(tree.root, leaf, 5, long)).to.equal(false);
  });
});
