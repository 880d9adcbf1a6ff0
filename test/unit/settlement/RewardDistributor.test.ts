import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";
import { type Hex, type Payout, potId } from "../../../oracle/codec";
import {
  asContract,
  deploySettlement,
  finalise,
  NO_POINTS,
  PayoutTree,
  report,
  settled,
  ZERO_HASH,
} from "../../helpers/settlement";

const POT = potId(1, 0);
const ALICE = "0x00000000000000000000000000000000000000a1";
const BOB = "0x00000000000000000000000000000000000000b2";
const CAROL = "0x00000000000000000000000000000000000000C3";

const payouts = (...amounts: readonly bigint[]): Payout[] =>
  [ALICE, BOB, CAROL].slice(0, amounts.length).map((payee, i) => ({ payee, cumulative: amounts[i]! }));

async function fixture() {
  const world = await deploySettlement();
  const [, guardian, stranger] = await ethers.getSigners();
  const asOracle = world.distributor.connect(await asContract(world.oracle.target as string));
  return { ...world, guardian: guardian!, stranger: stranger!, asOracle };
}

/** A pot of 100 wei, 60 for Alice and 40 for Bob. */
async function funded() {
  const world = await fixture();
  const tree = await settled(world, 1, 1, 100n, payouts(60n, 40n));
  return { ...world, tree };
}

describe("RewardDistributor", () => {
  describe("constructor", () => {
    it("when the token or the controller is zero, it reverts", async () => {
      const { manager, token, emissions, distributor } = await loadFixture(fixture);
      for (const args of [
        [manager.target, ethers.ZeroAddress, emissions.target],
        [manager.target, token.target, ethers.ZeroAddress],
      ] as const) {
        await expect(ethers.deployContract("RewardDistributor", [...args])).to.be.revertedWithCustomError(
          distributor,
          "DistributorZeroAddress",
        );
      }
      expect(await distributor.token()).to.equal(token.target);
      expect(await distributor.emissions()).to.equal(emissions.target);
    });
  });

  describe("settle", () => {
    it("when the caller is not the oracle, it reverts", async () => {
      const { distributor, stranger } = await loadFixture(fixture);
      for (const hasPoints of [true, false]) {
        await expect(distributor.connect(stranger).settle(1, 0, 1, id("root"), hasPoints))
          .to.be.revertedWithCustomError(distributor, "DistributorNotOracle")
          .withArgs(stranger.address);
      }
    });

    it("when there are points, it funds the pot and sets the root", async () => {
      const { distributor, emissions, token, asOracle } = await loadFixture(fixture);
      await emissions.setBudget(1, 5, 1_000n);
      const pot = potId(1, 1);
      await expect(asOracle.settle(1, 1, 5, id("root"), true))
        .to.emit(distributor, "PotFunded")
        .withArgs(pot, 5, 1_000n, id("root"));
      expect(await distributor.potOf(pot)).to.deep.equal([1_000n, 0n, id("root")]);
      expect(await token.balanceOf(distributor.target)).to.equal(1_000n);
      expect(await distributor.totalOwed()).to.equal(1_000n);
      expect(await distributor.potCount()).to.equal(1);
      expect(await distributor.potAt(0)).to.equal(pot);
    });

    it("when there are none, it reclaims the budget and leaves the pot as it is", async () => {
      const world = await loadFixture(funded);
      const before = await world.distributor.potOf(POT);
      await world.emissions.setBudget(1, 2, 70n);
      const s = await report(world, 1, 2, { ...NO_POINTS, payoutsRoot: id("another root") as Hex });
      await finalise(world, s, 1);
      expect(await world.distributor.potOf(POT)).to.deep.equal(before);
      expect(await world.emissions.reserve()).to.equal(70n);
      expect(await world.emissions.isTaken(1, 2)).to.equal(true);
      expect(await world.emissions.totalMinted()).to.equal(100n);
    });

    it("when the budget was taken, it reverts", async () => {
      const { emissions, asOracle } = await loadFixture(fixture);
      await asOracle.settle(1, 0, 1, id("root"), true);
      for (const hasPoints of [true, false]) {
        await expect(asOracle.settle(1, 0, 1, id("root"), hasPoints))
          .to.be.revertedWithCustomError(emissions, "EmissionBudgetTaken")
          .withArgs(1, 1);
      }
    });

    it("when a pot is funded again, it adds to it and lists it once", async () => {
      const { distributor, emissions, asOracle } = await loadFixture(fixture);
      for (const [epoch, budget] of [
        [1, 0n],
        [2, 10n],
        [3, 32n],
      ] as const) {
        await emissions.setBudget(1, epoch, budget);
        await asOracle.settle(1, 0, epoch, epoch === 2 ? ZERO_HASH : id(`root ${epoch}`), true);
      }
      expect(await distributor.potOf(POT)).to.deep.equal([42n, 0n, id("root 3")]);
      expect(await distributor.potCount()).to.equal(1);
      expect(await distributor.totalOwed()).to.equal(42n);
    });

    it("when a budget does not fit, it reverts", async () => {
      const { distributor, emissions, asOracle } = await loadFixture(fixture);
      await emissions.setBudget(1, 1, 2n ** 128n);
      await expect(asOracle.settle(1, 0, 1, id("root"), true))
        .to.be.revertedWithCustomError(distributor, "SafeCastOverflowedUintDowncast")
        .withArgs(128, 2n ** 128n);
    });
  });

  describe("claim", () => {
    it("when the leaf is not under the root at that index, it reverts", async () => {
      const { distributor, tree } = await loadFixture(funded);
      const [pot, index, payee, cumulative, proof] = tree.claim(0);
      for (const args of [
        [pot, 1, payee, cumulative, proof],
        [pot, index, BOB, cumulative, proof],
        [pot, index, payee, cumulative + 1n, proof],
        [potId(2, 0), index, payee, cumulative, proof],
        [potId(1, 1), index, payee, cumulative, proof],
        [pot, index, payee, cumulative, []],
      ] as const) {
        await expect(distributor.claim(args[0], args[1], args[2], args[3], [...args[4]]))
          .to.be.revertedWithCustomError(distributor, "ClaimProofWrong")
          .withArgs(args[0], args[1], ethers.getAddress(args[2]));
      }
    });

    it("when all is right, it pays the payee what is due, whoever calls", async () => {
      const { distributor, token, tree, stranger } = await loadFixture(funded);
      const call = distributor.connect(stranger).claim(...tree.claim(0));
      await expect(call).to.emit(distributor, "Claimed").withArgs(POT, ethers.getAddress(ALICE), 60n, 60n);
      await expect(call).to.changeTokenBalances(token, [ALICE, stranger, distributor], [60n, 0n, -60n]);
      expect(await distributor.claimedOf(POT, ALICE)).to.equal(60n);
      expect(await distributor.potOf(POT)).to.deep.equal([100n, 60n, tree.root]);
      expect(await distributor.totalOwed()).to.equal(40n);
      await distributor.claim(...tree.claim(1));
      expect(await distributor.totalOwed()).to.equal(0n);
      expect(await token.balanceOf(distributor.target)).to.equal(0n);
    });

    it("when nothing is due, it reverts", async () => {
      const { distributor, tree } = await loadFixture(funded);
      await distributor.claim(...tree.claim(0));
      await expect(distributor.claim(...tree.claim(0)))
        .to.be.revertedWithCustomError(distributor, "ClaimNothingDue")
        .withArgs(POT, ethers.getAddress(ALICE), 60n);
    });

    it("when a later root lowers an amount, there is nothing due", async () => {
      const world = await loadFixture(funded);
      await world.distributor.claim(...world.tree.claim(0));
      const lower = await settled(world, 1, 2, 10n, payouts(59n, 51n));
      await expect(world.distributor.claim(...lower.claim(0)))
        .to.be.revertedWithCustomError(world.distributor, "ClaimNothingDue")
        .withArgs(POT, ethers.getAddress(ALICE), 60n);
    });

    it("when the pot holds less, it reverts", async () => {
      const world = await loadFixture(fixture);
      const tree = await settled(world, 1, 1, 100n, payouts(60n, 41n));
      await world.distributor.claim(...tree.claim(0));
      await expect(world.distributor.claim(...tree.claim(1)))
        .to.be.revertedWithCustomError(world.distributor, "ClaimExceedsFunded")
        .withArgs(POT, 41n, 40n);
    });

    it("when the root moves on, it pays the difference, in a tree of one leaf as well", async () => {
      const world = await loadFixture(fixture);
      const one = await settled(world, 1, 1, 10n, payouts(10n));
      expect(one.claim(0)[4]).to.deep.equal([]);
      await world.distributor.claim(...one.claim(0));
      const three = await settled(world, 1, 2, 20n, payouts(15n, 5n, 10n));
      await world.distributor.claim(...three.claim(0));
      await world.distributor.claim(...three.claim(2));
      expect(await world.token.balanceOf(ALICE)).to.equal(15n);
      expect(await world.token.balanceOf(CAROL)).to.equal(10n);
      expect(await world.distributor.potOf(POT)).to.deep.equal([30n, 25n, three.root]);
    });

    it("when a term has ended, its last root stays claimable beside the next term's", async () => {
      const world = await loadFixture(funded);
      const next = await settled(world, 1, 4, 7n, payouts(3n, 4n));
      await world.distributor.claim(...next.claim(0));
      await world.distributor.claim(...world.tree.claim(0));
      expect(await world.token.balanceOf(ALICE)).to.equal(63n);
      expect(await world.distributor.potOf(potId(1, 1))).to.deep.equal([7n, 3n, next.root]);
    });

    it("when the token calls back, it reverts", async () => {
      const world = await loadFixture(fixture);
      const token = await ethers.deployContract("NetworkToken__ReenteringForSettlement");
      const emissions = await ethers.deployContract("EmissionController__MockForSettlement", [token.target]);
      const args = [world.manager.target, token.target, emissions.target];
      const distributor = await ethers.deployContract("RewardDistributor", args);
      await distributor.setOracle(world.oracle.target);
      await emissions.wire(world.oracle.target, distributor.target);
      await emissions.setBudget(1, 1, 100n);
      const tree = new PayoutTree(1, 0, payouts(60n, 40n));
      await distributor.connect(await asContract(world.oracle.target as string)).settle(1, 0, 1, tree.root, true);
      for (const call of [
        distributor.interface.encodeFunctionData("claim", tree.claim(1)),
        distributor.interface.encodeFunctionData("claimMany", [[]]),
        distributor.interface.encodeFunctionData("settle", [1, 0, 2, ZERO_HASH, true]),
      ]) {
        await token.callBack(distributor.target, call);
        await expect(distributor.claim(...tree.claim(0))).to.be.revertedWithCustomError(
          distributor,
          "ReentrancyGuardReentrantCall",
        );
        await expect(distributor.claimMany([claimOf(tree, 0)])).to.be.revertedWithCustomError(
          distributor,
          "ReentrancyGuardReentrantCall",
        );
      }
    });
  });

  describe("claimMany", () => {
    it("pays every payee its sum, neighbours of one payee in one transfer", async () => {
      const world = await loadFixture(funded);
      const other = await settled(world, 2, 1, 9n, payouts(4n, 5n));
      const claims = [claimOf(world.tree, 0), claimOf(other, 0), claimOf(world.tree, 1), claimOf(other, 1)];
      expect(await world.distributor.claimMany.staticCall(claims)).to.equal(109n);
      const tx = await world.distributor.connect(world.stranger).claimMany(claims);
      await expect(tx).to.changeTokenBalances(world.token, [ALICE, BOB, world.distributor], [64n, 45n, -109n]);
      const receipt = await tx.wait();
      const transfers = receipt!.logs.filter((log) => log.address === world.token.target);
      expect(transfers.length).to.equal(2);
      expect(await world.distributor.totalOwed()).to.equal(0n);
    });

    it("pays the payees as they come when they alternate", async () => {
      const world = await loadFixture(funded);
      const other = await settled(world, 2, 1, 9n, payouts(4n, 5n));
      await world.distributor.claimMany([claimOf(world.tree, 0), claimOf(world.tree, 1), claimOf(other, 0)]);
      expect(await world.token.balanceOf(ALICE)).to.equal(64n);
      expect(await world.token.balanceOf(BOB)).to.equal(40n);
    });

    it("when one claim is wrong, it reverts all", async () => {
      const { distributor, tree, token } = await loadFixture(funded);
      const claims = [claimOf(tree, 0), { ...claimOf(tree, 1), cumulative: 41n }];
      await expect(distributor.claimMany(claims))
        .to.be.revertedWithCustomError(distributor, "ClaimProofWrong")
        .withArgs(POT, 1, ethers.getAddress(BOB));
      await expect(distributor.claimMany([claimOf(tree, 0), claimOf(tree, 0)]))
        .to.be.revertedWithCustomError(distributor, "ClaimNothingDue")
        .withArgs(POT, ethers.getAddress(ALICE), 60n);
      expect(await token.balanceOf(ALICE)).to.equal(0n);
    });

    it("when it is empty, it pays nothing", async () => {
      const { distributor, token } = await loadFixture(funded);
      expect(await distributor.claimMany.staticCall([])).to.equal(0n);
      await expect(distributor.claimMany([])).to.changeTokenBalance(token, distributor, 0n);
    });
  });

  describe("setOracle", () => {
    it("when it is zero or the caller is not the timelock, it reverts", async () => {
      const { distributor, stranger } = await loadFixture(fixture);
      await expect(distributor.setOracle(ethers.ZeroAddress)).to.be.revertedWithCustomError(
        distributor,
        "DistributorZeroAddress",
      );
      await expect(distributor.connect(stranger).setOracle(stranger.address))
        .to.be.revertedWithCustomError(distributor, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    });

    it("sets it", async () => {
      const { distributor, stranger } = await loadFixture(fixture);
      await expect(distributor.setOracle(stranger.address))
        .to.emit(distributor, "OracleSet")
        .withArgs(stranger.address);
      expect(await distributor.oracle()).to.equal(stranger.address);
    });
  });
});

function claimOf(
  tree: PayoutTree,
  at: number,
): { pot: bigint; index: number; payee: string; cumulative: bigint; proof: Hex[] } {
  const [pot, index, payee, cumulative, proof] = tree.claim(at);
  return { pot, index, payee, cumulative, proof };
}
