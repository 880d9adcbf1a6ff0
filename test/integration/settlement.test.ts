// The settlement line on the real token and the real EmissionController: report → close → finalise → claim.
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";
import { type Hex, type Settlement } from "../../oracle/codec";
import { signerAt, sixSubNetworksFixture, toEpoch } from "../helpers/money";
import {
  committeeOf,
  deliver,
  deployForwarder,
  identityOf,
  NO_POINTS,
  PayoutTree,
  signedReport,
} from "../helpers/settlement";
import { encodeSettlement } from "../../oracle/codec";

const TERM = 30;
const WINDOW = 3_600;
const RESETTLE = 8 * 86_400;

async function fixture() {
  const f = await sixSubNetworksFixture();
  const oracle = await ethers.deployContract("SettlementOracle", [
    f.manager.target,
    await f.emissions.epochGenesis(),
    await f.emissions.epochLength(),
    TERM,
    WINDOW,
    WINDOW,
    WINDOW,
    RESETTLE,
    86_400,
  ]);
  const distributor = await ethers.deployContract("RewardDistributor", [
    f.manager.target,
    f.token.target,
    f.emissions.target,
  ]);
  const committee = committeeOf(4, 1);
  const forwarder = await deployForwarder(committee);
  await distributor.setOracle(oracle);
  await oracle.setDistributor(distributor);
  await oracle.setReporter(1, identityOf(forwarder, committee));
  await f.emissions.setDistributor(distributor);
  await f.emissions.setSettlement(oracle);

  /** Delivers a settlement of sub-network 1 through the forwarder. */
  const settle = async (epoch: number, fields: Partial<Settlement>): Promise<Settlement> => {
    await toEpoch(oracle, epoch + 1);
    const head = await oracle.headOf(1);
    const s: Settlement = {
      schema: 1,
      chainId: 31_337n,
      receiver: oracle.target as string,
      subNetwork: 1,
      term: Math.floor(epoch / TERM),
      epoch,
      attempt: Number(head.attempt),
      parent: head.id,
      validUntil: 4_000_000_000n,
      entriesRoot: id("entries") as Hex,
      payoutsRoot: id("payouts") as Hex,
      dataHash: id("data") as Hex,
      ...fields,
    };
    const { result } = await deliver(forwarder, oracle.target as string, signedReport(committee, encodeSettlement(s)));
    expect(result).to.equal(true);
    return s;
  };
  return { ...f, oracle, distributor, settle };
}

describe("settlement on the real token and controller", () => {
  it("mints exactly what a final settlement funds, and pays it out to the wei", async () => {
    const { oracle, distributor, emissions, token, settle } = await loadFixture(fixture);
    await toEpoch(emissions, 2);
    await emissions.closeEpochs(2);
    const budget = await emissions.budgetOf(1, 1);
    expect(budget).to.be.greaterThan(0n);
    const payees = [await signerAt(7), await signerAt(8)]
      .map((s) => s.address)
      .sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const [first, second] = payees as [string, string];
    const part = (budget * 3n) / 10n;
    const tree = new PayoutTree(1, 0, [
      { payee: first, cumulative: part },
      { payee: second, cumulative: budget - part },
    ]);
    const s = await settle(1, { payoutsRoot: tree.root });
    await time.increase(WINDOW);
    const supply = await token.totalSupply();
    await oracle.finalise(s, 0);
    expect((await token.totalSupply()) - supply).to.equal(budget);
    expect(await distributor.totalOwed()).to.equal(budget);
    await distributor.claim(...tree.claim(0));
    await distributor.claim(...tree.claim(1));
    expect(await token.balanceOf(first)).to.equal(part);
    expect(await token.balanceOf(second)).to.equal(budget - part);
    expect(await token.balanceOf(distributor)).to.equal(0n);
    expect(await emissions.isTaken(1, 1)).to.equal(true);
  });

  it("waits for the epoch to be closed", async () => {
    const { oracle, emissions, settle } = await loadFixture(fixture);
    const s = await settle(1, {});
    await time.increase(WINDOW);
    await expect(oracle.finalise(s, 0)).to.be.revertedWithCustomError(emissions, "EmissionEpochNotClosed").withArgs(1);
    await emissions.closeEpochs(2);
    await oracle.finalise(s, 0);
    expect(await oracle.finalEpochOf(1)).to.equal(1);
  });

  it("returns the budget of an epoch without points to the reserve, unminted", async () => {
    const { oracle, emissions, token, settle } = await loadFixture(fixture);
    const s = await settle(1, { ...NO_POINTS, payoutsRoot: `0x${"00".repeat(32)}` });
    await emissions.closeEpochs(2);
    const budget = await emissions.budgetOf(1, 1);
    const [supply, reserve] = [await token.totalSupply(), await emissions.reserve()];
    await time.increase(WINDOW);
    await oracle.finalise(s, 0);
    expect(await token.totalSupply()).to.equal(supply);
    expect((await emissions.reserve()) - reserve).to.equal(budget);
  });

  it("lets nobody reclaim what may still be settled, and anybody what may not", async () => {
    const { oracle, emissions, settle } = await loadFixture(fixture);
    await settle(2, {});
    await emissions.closeEpochs(3);
    for (const epoch of [1, 2]) {
      await expect(emissions.reclaim(1, epoch))
        .to.be.revertedWithCustomError(emissions, "EmissionStillSettleable")
        .withArgs(1, epoch);
    }
    await time.increaseTo((await oracle.resettleBy(2)) + 1n);
    const budget = await emissions.budgetOf(1, 1);
    await expect(emissions.reclaim(1, 1)).to.emit(emissions, "BudgetReclaimed").withArgs(1, 1, budget);
    await expect(emissions.reclaim(1, 2)).to.be.revertedWithCustomError(emissions, "EmissionStillSettleable");
  });
});
