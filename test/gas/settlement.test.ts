// Whole transactions, as receipts count them: osaka, optimizer runs 10,000.
import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { getBytes, id, keccak256, toBeHex, zeroPadValue } from "ethers";
import { ethers } from "hardhat";
import { expectGas, expectGasUsed } from "../helpers/gas";
import { encodeSettlement, type Hex, payoutLeaf, potId, rootThrough } from "../../oracle/codec";
import {
  deliver,
  deploySettlement,
  endEpoch,
  report,
  settlementFor,
  type SettlementWorld,
  finalise,
  signedReport,
} from "../helpers/settlement";
import type { ClaimStruct } from "../../typechain-types/contracts/settlement/RewardDistributor";

const DEPTH = 20;

const fourOne = (): Promise<SettlementWorld> => deploySettlement(4, 1);
const sevenTwo = (): Promise<SettlementWorld> => deploySettlement(7, 2);

/** A leaf at a place of a tree of 2^20 leaves whose other leaves are made up: the same bytes and hashes as a real one. */
function deepClaim(
  subNetwork: number,
  payee: string,
  cumulative: bigint,
): { root: Hex; args: [pot: bigint, index: number, payee: string, cumulative: bigint, proof: Hex[]] } {
  const pot = potId(subNetwork, 0);
  const index = 0b1010_1100_1110_0001_0111;
  const proof = Array.from({ length: DEPTH }, (_, k) => id(`sibling ${k}`) as Hex);
  const root = rootThrough(payoutLeaf(pot, { payee, cumulative }), index, proof)!;
  return { root, args: [pot, index, payee, cumulative, proof] };
}

/** Makes `root` the final root of (subNetwork, epoch), with a budget that covers every claim. */
async function settleRoot(world: SettlementWorld, subNetwork: number, epoch: number, root: Hex): Promise<void> {
  const parentEpoch = Number((await world.oracle.headOf(subNetwork)).epoch);
  await world.emissions.setBudget(subNetwork, epoch, 10n ** 21n);
  await finalise(world, await report(world, subNetwork, epoch, { payoutsRoot: root }), parentEpoch);
}

describe("gas: settlement @gas", () => {
  for (const { name, fixture, limit } of [
    { name: "4/1 committee, 2 signatures", fixture: fourOne, limit: 128_000 },
    { name: "7/2 committee, 3 signatures", fixture: sevenTwo, limit: 137_000 },
  ]) {
    it(`delivers a settlement through the forwarder for ≤ ${limit} gas (${name})`, async () => {
      const world = await loadFixture(fixture);
      await report(world, 1, 1);
      await endEpoch(world, 2);
      const payload = encodeSettlement(await settlementFor(world, 1, 2));
      const { result, gasUsed } = await deliver(
        world.forwarder,
        world.oracle.target as string,
        signedReport(world.committee, payload),
      );
      expect(result).to.equal(true);
      expectGasUsed(`settlement, ${name}`, gasUsed, limit);
    });
  }

  it("claims from a tree of 2^20 leaves again for ≤ 70,000 gas and ≤ 840 bytes", async () => {
    const world = await loadFixture(fourOne);
    const payee = (await ethers.getSigners())[5]!.address;
    const first = deepClaim(1, payee, 3n * 10n ** 18n);
    await settleRoot(world, 1, 1, first.root);
    await world.distributor.claim(...first.args);

    const again = deepClaim(1, payee, 5n * 10n ** 18n + 123_456_789n);
    await settleRoot(world, 1, 2, again.root);
    const call = world.distributor.claim(...again.args);
    await expectGas("claim, 2^20 leaves, repeat", call, 70_000);
    const bytes = getBytes((await call).data).length;
    expect(await world.token.balanceOf(payee)).to.equal(5n * 10n ** 18n + 123_456_789n);
    expect(bytes).to.be.lte(840);
  });

  it("claims the next item of a call for ≤ 30,000 gas (same payee, another pot)", async () => {
    const world = await loadFixture(fourOne);
    const payee = (await ethers.getSigners())[5]!.address;
    const claims = async (amount: bigint): Promise<ClaimStruct[]> => {
      const list = [];
      for (const subNetwork of [1, 2]) {
        const { root, args } = deepClaim(subNetwork, payee, amount);
        await settleRoot(world, subNetwork, amount === 10n ** 18n ? 1 : 2, root);
        const [pot, index, , cumulative, proof] = args;
        list.push({ pot, index, payee, cumulative, proof });
      }
      return list;
    };
    await world.distributor.claimMany(await claims(10n ** 18n));
    const again: ClaimStruct[] = await claims(5n * 10n ** 18n + 1n);
    const snapshot = await ethers.provider.send("evm_snapshot", []);
    const one = (await (await world.distributor.claimMany(again.slice(0, 1))).wait())!.gasUsed;
    await ethers.provider.send("evm_revert", [snapshot]);
    const two = (await (await world.distributor.claimMany(again)).wait())!.gasUsed;
    expect(await world.token.balanceOf(payee)).to.equal(2n * (5n * 10n ** 18n + 1n));
    expectGasUsed("claim, 2^20 leaves, next in the call", two - one, 30_000);
  });

  it("claims the next item of a call for ≤ 32,000 gas (same pot, another payee: one more transfer)", async () => {
    const world = await loadFixture(fourOne);
    const payees = (await ethers.getSigners()).slice(5, 7).map((s) => s.address);
    // Two leaves side by side at the bottom of the tree, 19 made-up siblings above.
    const upper = Array.from({ length: DEPTH - 1 }, (_, k) => id(`sibling ${k}`) as Hex);
    const claims = async (epoch: number, amount: bigint): Promise<ClaimStruct[]> => {
      const pot = potId(1, 0);
      const leaves = payees.map((payee) => payoutLeaf(pot, { payee, cumulative: amount }));
      const list = payees.map((payee, i) => ({
        pot,
        index: 2 * 0b101_0110_0111_0000_1011 + i,
        payee,
        cumulative: amount,
        proof: [leaves[1 - i]!, ...upper],
      }));
      await settleRoot(world, 1, epoch, rootThrough(leaves[0]!, list[0]!.index, list[0]!.proof)!);
      return list;
    };
    await world.distributor.claimMany(await claims(1, 10n ** 18n));
    const again: ClaimStruct[] = await claims(2, 5n * 10n ** 18n + 1n);
    const snapshot = await ethers.provider.send("evm_snapshot", []);
    const one = (await (await world.distributor.claimMany(again.slice(0, 1))).wait())!.gasUsed;
    await ethers.provider.send("evm_revert", [snapshot]);
    const two = (await (await world.distributor.claimMany(again)).wait())!.gasUsed;
    for (const payee of payees) expect(await world.token.balanceOf(payee)).to.equal(5n * 10n ** 18n + 1n);
    expectGasUsed("claim, 2^20 leaves, next in the call, another payee", two - one, 32_000);
  });

  it("answers the forwarder's ERC-165 queries within 30,000 gas each", async () => {
    const { oracle } = await loadFixture(fourOne);
    for (const [interfaceId, supported] of [
      ["0x01ffc9a7", true],
      ["0xffffffff", false],
      [zeroPadValue(toBeHex(BigInt(keccak256("0x")) >> 224n), 4), false],
      [oracle.getFunction("onReport").fragment.selector, true],
    ] as const) {
      expect(await oracle.supportsInterface(interfaceId)).to.equal(supported);
      expect(await oracle.supportsInterface.estimateGas(interfaceId)).to.be.lt(21_000n + 30_000n);
    }
  });
});
