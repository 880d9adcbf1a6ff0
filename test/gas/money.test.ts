import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";
import {
  creditsFixture,
  gasOf,
  HOLDING,
  NEVER,
  PRICE_E8,
  sixSubNetworksFixture,
  source,
  toEpoch,
} from "../helpers/money";
import { expectGas, expectGasUsed } from "../helpers/gas";

describe("gas: money @gas", () => {
  const TOKENS = ethers.parseEther("10");

  /** Alice has minted and spent before, in this epoch, at two feeds. */
  async function withTwoFeeds() {
    const f = await creditsFixture();
    const second = await ethers.deployContract("MockV3Aggregator", [18, PRICE_E8 * 10n ** 10n]);
    await f.guard.setSources(await source(f.feed), await source(second));
    await f.token.connect(f.alice).approve(f.credits, HOLDING);
    await f.credits.connect(f.alice).mintExactIn(TOKENS, 0, f.alice, NEVER);
    await f.credits.connect(f.alice).spend(1, 5);
    await time.increase(60);
    return f;
  }

  it("credits mint with two feeds, again ≤ 96,000 with an unlimited allowance, ≤ 98,000 with a limited one", async () => {
    const { credits, token, alice } = await loadFixture(withTwoFeeds);
    const limited = credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
    await expectGas("credits mint, two feeds, repeat, limited allowance", limited, 98_000);
    await token.connect(alice).approve(credits, ethers.MaxUint256);
    const unlimited = credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
    await expectGas("credits mint, two feeds, repeat", unlimited, 96_000);
  });

  it("a price that moves, or an average on its way, adds ≤ 5,000 to a mint", async () => {
    const { credits, feed, alice } = await loadFixture(withTwoFeeds);
    const steady = await gasOf(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER));
    await feed.updateAnswer(PRICE_E8 - 1000n);
    const moving = await gasOf(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER));
    expectGasUsed("credits mint, a price that moves, more by", moving - steady, 5_000);
  });

  it("the first mint of an epoch adds ≤ 22,300", async () => {
    const { credits, alice } = await loadFixture(withTwoFeeds);
    const again = await gasOf(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER));
    await toEpoch(credits, 1);
    const first = await gasOf(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER));
    expectGasUsed("credits mint, first of the epoch, more by", first - again, 22_300);
  });

  it("credits spend, again ≤ 38,000", async () => {
    const { credits, alice } = await loadFixture(withTwoFeeds);
    await expectGas("credits spend, repeat", credits.connect(alice).spend(1, 5), 38_000);
  });

  it("closeEpoch with six sub-networks ≤ 170,000", async () => {
    const { emissions } = await loadFixture(sixSubNetworksFixture);
    await toEpoch(emissions, 3);
    await emissions.closeEpochs(2);
    await expectGas("closeEpoch, six sub-networks", emissions.closeEpoch(), 170_000);
  });

  it("further sub-networks, two a slot, cost closeEpoch ≤ 22,000 each", async () => {
    const { emissions } = await loadFixture(sixSubNetworksFixture);
    await toEpoch(emissions, 2);
    await emissions.closeEpoch();
    const six = await gasOf(emissions.closeEpoch());
    await emissions.addSubNetwork(7, 0, "seven");
    await emissions.addSubNetwork(8, 0, "eight");
    await emissions.setWeights([3000, 2000, 2000, 1500, 500, 300, 500, 200]);
    await toEpoch(emissions, 4);
    await emissions.closeEpoch();
    const eight = await gasOf(emissions.closeEpoch());
    expectGasUsed("closeEpoch, one sub-network more", (eight - six) / 2n, 22_000);
  });
});
