import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";
import {
  EMPTY_ENTRIES_ROOT,
  entriesRootOf,
  entryLeaf,
  hex,
  payoutLeaf,
  potId,
  proofLeaf,
  sumNodeOf,
  type SumNode,
} from "../../../oracle/codec";
import vectors from "../../vectors/encodings.json";

const MAX_UINT128 = 2n ** 128n - 1n;
const RUNS = { numRuns: 50 };

const bytes = (size: number): fc.Arbitrary<`0x${string}`> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(hex);
const uint = (bits: number): fc.Arbitrary<bigint> =>
  fc.oneof(fc.constantFrom(0n, 1n, (1n << BigInt(bits)) - 1n), fc.bigInt(0n, (1n << BigInt(bits)) - 1n));

const harness = () => ethers.deployContract("SettlementTreesHarness");

describe("SettlementTrees", () => {
  it("agrees with the vectors", async () => {
    const trees = await loadFixture(harness);
    expect(await trees.emptyEntriesRoot()).to.equal(vectors.emptyEntriesRoot);
    expect(EMPTY_ENTRIES_ROOT).to.equal(vectors.emptyEntriesRoot);
    expect(await trees.proofLeaf(vectors.proofLeaf.messageHash)).to.equal(vectors.proofLeaf.leaf);
    for (const { pot, payee, cumulative, leaf } of vectors.payoutLeaves) {
      expect(await trees.payoutLeaf(pot, payee, cumulative)).to.equal(leaf);
    }
    const { entries, leaves } = vectors.entries;
    for (const [i, { payee, deviceId, points, proofsRoot }] of entries.entries()) {
      expect(await trees.entryLeaf(payee, deviceId, points, proofsRoot)).to.equal(leaves[i]);
    }
  });

  it("builds the entries root of the vectors from leaves and nodes", async () => {
    const trees = await loadFixture(harness);
    const { entries, leaves, root } = vectors.entries;
    const zero = hex(new Uint8Array(32));
    let level = leaves.map((hash, i): [string, bigint] => [hash, BigInt(entries[i]!.points)]);
    while (level.length > 1) {
      const above: [string, bigint][] = [];
      for (let i = 0; i < level.length; i += 2) {
        const [left, leftSum] = level[i]!;
        const [right, rightSum] = level[i + 1] ?? [zero, 0n];
        const { node, sum } = await trees.entriesNode(left, leftSum, right, rightSum);
        above.push([node, sum]);
      }
      level = above;
    }
    const [top, total] = level[0]!;
    expect(await trees.entriesRoot(top, total, entries.length)).to.equal(root);
  });

  it("hashes whatever fits as the codec does", async () => {
    const trees = await loadFixture(harness);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(65_535),
        fc.nat(2 ** 32 - 1),
        bytes(20),
        uint(128),
        uint(64),
        bytes(32),
        async (subNetwork, term, payee, amount, deviceId, hash) => {
          const pot = potId(subNetwork, term);
          expect(await trees.potOf(subNetwork, term)).to.equal(pot);
          expect(await trees.payoutLeaf(pot, payee, amount)).to.equal(payoutLeaf(pot, { payee, cumulative: amount }));
          const entry = { payee, deviceId, points: amount, proofsRoot: hash };
          expect(await trees.entryLeaf(payee, deviceId, amount, hash)).to.equal(entryLeaf(entry).hash);
          expect(await trees.proofLeaf(hash)).to.equal(proofLeaf(hash));
          expect(await trees.entriesRoot(hash, amount, term)).to.equal(entriesRootOf({ hash, sum: amount }, term));
        },
      ),
      RUNS,
    );
  });

  it("sums a node, and refuses a sum that does not fit", async () => {
    const trees = await loadFixture(harness);
    await fc.assert(
      fc.asyncProperty(bytes(32), uint(128), bytes(32), uint(128), async (left, leftSum, right, rightSum) => {
        const call = trees.entriesNode(left, leftSum, right, rightSum);
        if (leftSum + rightSum > MAX_UINT128) {
          await expect(call).to.be.revertedWithPanic(0x11);
        } else {
          const expected: SumNode = sumNodeOf({ hash: left, sum: leftSum }, { hash: right, sum: rightSum });
          expect(await call).to.deep.equal([expected.hash, expected.sum]);
        }
      }),
      RUNS,
    );
  });

  it("gives a range of points the difference of two floors", async () => {
    const trees = await loadFixture(harness);
    await fc.assert(
      fc.asyncProperty(uint(128), uint(128), uint(128), uint(128), async (budget, a, b, c) => {
        const [from, to, total] = [a, b, c].sort((x, y) => (x < y ? -1 : 1)) as [bigint, bigint, bigint];
        fc.pre(total > 0n);
        expect(await trees.payoutOf(budget, from, to, total)).to.equal((budget * to) / total - (budget * from) / total);
      }),
      RUNS,
    );
  });
});
