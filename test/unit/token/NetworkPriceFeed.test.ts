import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { DAY, EPOCH_LENGTH, NO_SOURCE, PRICE_E8, signerAt, source, tokenFixture } from "../../helpers/money";

const { AbiCoder, concat, encodeBytes32String, ZeroHash } = ethers;
const STEP_BPS = 1000n;
const MIN = 3;
const NAME = "0x30313233343536373839";
const PRICE_REPORT = "(uint16,uint64,address,uint32,uint64,uint64,uint64[])";

describe("NetworkPriceFeed", () => {
  async function fixture() {
    const base = await tokenFixture();
    const [forwarder, owner] = [await signerAt(5), await signerAt(6)];
    const feed = await ethers.deployContract("NetworkPriceFeed", [
      base.manager,
      0,
      EPOCH_LENGTH,
      STEP_BPS,
      MIN,
      "GWK / USD",
    ]);
    await feed.setReporter(0, { forwarder: forwarder.address, workflowOwner: owner.address, workflowName: NAME });
    const metadata = concat([ZeroHash, NAME, owner.address, "0x0001"]);

    interface Fields {
      schema?: bigint;
      chainId?: bigint;
      receiver?: string;
      round?: bigint;
      observedAt?: bigint;
      validUntil?: bigint;
      observations?: bigint[];
    }
    async function encode(fields: Fields): Promise<string> {
      const now = BigInt(await time.latest());
      return AbiCoder.defaultAbiCoder().encode(
        [PRICE_REPORT],
        [
          [
            fields.schema ?? 1n,
            fields.chainId ?? 31337n,
            fields.receiver ?? (await feed.getAddress()),
            fields.round ?? (await feed.lastRound()) + 1n,
            fields.observedAt ?? now,
            fields.validUntil ?? now + 60n,
            fields.observations ?? [PRICE_E8, PRICE_E8, PRICE_E8],
          ],
        ],
      );
    }
    const report = async (fields: Fields = {}) => feed.connect(forwarder).onReport(metadata, await encode(fields));
    return { ...base, forwarder, owner, feed, metadata, encode, report };
  }

  /** Round 5 at PRICE_E8. */
  async function withRound() {
    const f = await fixture();
    await f.report({ round: 5n });
    return { ...f, observedAt: (await f.feed.latestRoundData()).updatedAt };
  }

  describe("constructor", () => {
    it("reverts for a step of 0 or above 10000, and for no observations", async () => {
      const { feed, manager } = await loadFixture(fixture);
      for (const step of [0, 10_001]) {
        await expect(ethers.deployContract("NetworkPriceFeed", [manager, 0, EPOCH_LENGTH, step, MIN, ""]))
          .to.be.revertedWithCustomError(feed, "PriceFeedBadParameter")
          .withArgs(encodeBytes32String("maxStepBps"), step);
      }
      await expect(ethers.deployContract("NetworkPriceFeed", [manager, 0, EPOCH_LENGTH, 1, 0, ""]))
        .to.be.revertedWithCustomError(feed, "PriceFeedBadParameter")
        .withArgs(encodeBytes32String("minObservations"), 0);
    });

    it("keeps its parameters", async () => {
      const { feed } = await loadFixture(fixture);
      expect(await feed.maxStepBps()).to.equal(STEP_BPS);
      expect(await feed.minObservations()).to.equal(MIN);
      expect(await feed.decimals()).to.equal(8);
      expect(await feed.version()).to.equal(1);
      expect(await feed.description()).to.equal("GWK / USD");
      expect(await feed.lastRound()).to.equal(0);
    });
  });

  describe("onReport", () => {
    it("reverts for anyone but the reporter of channel 0", async () => {
      const { feed, alice, owner, metadata, encode } = await loadFixture(fixture);
      await expect(feed.connect(alice).onReport(metadata, await encode({})))
        .to.be.revertedWithCustomError(feed, "ReporterUnknown")
        .withArgs(0, alice.address, owner.address, NAME);
    });

    it("reverts for another schema, chain or receiver", async () => {
      const { feed, alice, report } = await loadFixture(fixture);
      const address = await feed.getAddress();
      for (const [schema, chainId, receiver] of [
        [2n, 31337n, address],
        [1n, 137n, address],
        [1n, 31337n, alice.address],
      ] as const) {
        await expect(report({ schema, chainId, receiver }))
          .to.be.revertedWithCustomError(feed, "PriceFeedWrongDomain")
          .withArgs(schema, chainId, receiver);
      }
    });

    it("reverts for a round or a time that does not follow the last", async () => {
      const { feed, report, observedAt } = await loadFixture(withRound);
      for (const [round, at] of [
        [5n, observedAt + 1n],
        [4n, observedAt + 1n],
        [6n, observedAt],
        [6n, observedAt - 1n],
      ] as const) {
        await expect(report({ round, observedAt: at }))
          .to.be.revertedWithCustomError(feed, "PriceFeedStale")
          .withArgs(round, 5, at);
      }
      await report({ round: 6n, observedAt: observedAt + 1n });
      expect(await feed.lastRound()).to.equal(6n);
    });

    it("reverts from the future, and after validUntil", async () => {
      const { feed, report } = await loadFixture(withRound);
      for (const [observed, valid] of [
        [1n, 60n],
        [0n, -1n],
      ] as const) {
        const now = BigInt(await time.latest()) + 10n;
        await time.setNextBlockTimestamp(now);
        await expect(report({ observedAt: now + observed, validUntil: now + valid }))
          .to.be.revertedWithCustomError(feed, "PriceFeedBadTime")
          .withArgs(now + observed, now + valid, now);
      }
      const next = BigInt(await time.latest()) + 10n;
      await time.setNextBlockTimestamp(next);
      await report({ observedAt: next, validUntil: next });
      expect((await feed.latestRoundData()).updatedAt).to.equal(next);
    });

    it("reverts for too few observations, not rising ones, or a zero", async () => {
      const { feed, report } = await loadFixture(fixture);
      for (const observations of [[], [1n, 2n], [1n, 3n, 2n], [0n, 1n, 2n], [2n, 1n, 3n, 4n]]) {
        await expect(report({ observations }))
          .to.be.revertedWithCustomError(feed, "PriceFeedBadObservations")
          .withArgs(observations.length, MIN);
      }
    });

    it("takes the median, the lower one of two", async () => {
      const { feed, report } = await loadFixture(fixture);
      const observedAt = BigInt(await time.latest());
      await expect(report({ observedAt, observations: [1n, 50n, 50n, 51n, 2n ** 64n - 1n] }))
        .to.emit(feed, "PriceUpdated")
        .withArgs(1, 50, 50, observedAt, 5);
      await report({ observations: [1n, 51n, 53n, 2n ** 64n - 1n] });
      expect((await feed.latestRoundData()).answer).to.equal(51n);
    });

    it("caps a step up and down, rounded up", async () => {
      const { feed, report } = await loadFixture(withRound);
      const three = (price: bigint) => [price, price, price];
      await report({ observations: three(2n ** 64n - 1n) });
      expect((await feed.latestRoundData()).answer).to.equal((PRICE_E8 * 11n) / 10n);
      await report({ observations: three(1n) });
      const last = (PRICE_E8 * 11n) / 10n;
      expect((await feed.latestRoundData()).answer).to.equal(last - last / 10n);
      const answer = last - last / 10n;
      await report({ observations: three(answer + answer / 10n) });
      expect((await feed.latestRoundData()).answer).to.equal(answer + answer / 10n);
    });

    it("does not cap the first round, and lets the smallest price move", async () => {
      const { feed, report } = await loadFixture(fixture);
      await report({ observations: [1n, 1n, 1n] });
      expect((await feed.latestRoundData()).answer).to.equal(1n);
      await report({ observations: [9n, 9n, 9n] });
      expect((await feed.latestRoundData()).answer).to.equal(2n);
      await report({ observations: [1n, 1n, 1n] });
      expect((await feed.latestRoundData()).answer).to.equal(1n);
    });

    it("caps at the top of the type without overflow", async () => {
      const { feed, report } = await loadFixture(fixture);
      const max = 2n ** 64n - 1n;
      await report({ observations: [max, max, max] });
      await report({ observations: [max, max, max] });
      expect((await feed.latestRoundData()).answer).to.equal(max);
    });
  });

  describe("latestRoundData", () => {
    it("reverts before the first round", async () => {
      const { feed } = await loadFixture(fixture);
      await expect(feed.latestRoundData()).to.be.revertedWithCustomError(feed, "PriceFeedNoData").withArgs(0);
    });

    it("is the last round, at the time of its observation", async () => {
      const { feed, report } = await loadFixture(withRound);
      const observedAt = BigInt(await time.latest());
      await time.increase(30);
      await report({ round: 9n, observedAt, observations: [PRICE_E8, PRICE_E8 + 1n, PRICE_E8 + 2n] });
      expect(await feed.latestRoundData()).to.deep.equal([9n, PRICE_E8 + 1n, observedAt, observedAt, 9n]);
    });

    it("prices credits: a guard takes the feed as a source", async () => {
      const { feed, manager } = await loadFixture(withRound);
      const bounds = { minE8: 1, maxE8: 2n ** 56n - 1n, maxDeviationBps: 1 };
      const guard = await ethers.deployContract("PriceGuard", [manager, DAY, 0, bounds]);
      await guard.setSources(await source(feed), NO_SOURCE);
      expect(await guard.read()).to.deep.equal([0n, PRICE_E8, PRICE_E8]);
    });
  });

  describe("getRoundData", () => {
    it("reverts for rounds that never were", async () => {
      const { feed } = await loadFixture(withRound);
      for (const round of [0n, 4n, 6n, 2n ** 32n + 5n, 2n ** 80n - 1n]) {
        await expect(feed.getRoundData(round)).to.be.revertedWithCustomError(feed, "PriceFeedNoData").withArgs(round);
      }
    });

    it("is the round, also after later ones", async () => {
      const { feed, report, observedAt } = await loadFixture(withRound);
      await report({ observations: [PRICE_E8 + 5n, PRICE_E8 + 5n, PRICE_E8 + 5n] });
      expect(await feed.getRoundData(5)).to.deep.equal([5n, PRICE_E8, observedAt, observedAt, 5n]);
      expect((await feed.getRoundData(6)).answer).to.equal(PRICE_E8 + 5n);
    });
  });

  describe("setters", () => {
    it("revert for anyone but the manager's admin, and out of bounds", async () => {
      const { feed, alice } = await loadFixture(fixture);
      const by = feed.connect(alice);
      for (const call of [() => by.setMaxStepBps(1), () => by.setMinObservations(1)]) {
        await expect(call()).to.be.revertedWithCustomError(feed, "AccessManagedUnauthorized").withArgs(alice.address);
      }
      await expect(feed.setMaxStepBps(10_001)).to.be.revertedWithCustomError(feed, "PriceFeedBadParameter");
      await expect(feed.setMinObservations(0)).to.be.revertedWithCustomError(feed, "PriceFeedBadParameter");
    });

    it("count from the next round", async () => {
      const { feed, report } = await loadFixture(withRound);
      await expect(feed.setMaxStepBps(10_000)).to.emit(feed, "ParametersSet").withArgs(10_000, MIN);
      await expect(feed.setMinObservations(1)).to.emit(feed, "ParametersSet").withArgs(10_000, 1);
      await report({ observations: [3n * PRICE_E8] });
      expect((await feed.latestRoundData()).answer).to.equal(2n * PRICE_E8);
    });
  });
});
