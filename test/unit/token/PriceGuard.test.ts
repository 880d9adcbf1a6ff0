import { loadFixture, setCode, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import type { Feed__MockForPriceGuard, PriceGuard } from "../../../typechain-types";
import {
  BOUNDS,
  DAY,
  HOUR,
  MAX_AGE,
  MAX_E8,
  MIN_E8,
  NO_SOURCE,
  PRICE_E8,
  source,
  tokenFixture,
  WINDOW,
} from "../../helpers/money";

const { ZeroAddress, encodeBytes32String } = ethers;
const OK = 0n;
const DEGRADED = 1n;
const HALTED = 2n;
const MODE = { Answer: 0, Revert: 1, BurnGas: 2, ShortAnswer: 3, LongAnswer: 4 };
const BOOTSTRAP_DAYS = 30;

describe("PriceGuard", () => {
  async function bare() {
    const f = await tokenFixture();
    const bootstrapEnd = (await time.latest()) + BOOTSTRAP_DAYS * DAY;
    const guard = await ethers.deployContract("PriceGuard", [f.manager, WINDOW, bootstrapEnd, BOUNDS]);
    return { ...f, guard, bootstrapEnd };
  }

  async function withOne() {
    const f = await bare();
    const a = await ethers.deployContract("Feed__MockForPriceGuard", [8, PRICE_E8]);
    await f.guard.setSources(await source(a), NO_SOURCE);
    return { ...f, a };
  }

  async function withTwo() {
    const f = await bare();
    const a = await ethers.deployContract("Feed__MockForPriceGuard", [8, PRICE_E8]);
    const b = await ethers.deployContract("Feed__MockForPriceGuard", [8, PRICE_E8]);
    await f.guard.setSources(await source(a), await source(b));
    return { ...f, a, b };
  }

  /** A fresh answer now. */
  async function answer(feed: Feed__MockForPriceGuard, priceE8: bigint): Promise<void> {
    await feed.set(MODE.Answer, priceE8, await time.latest());
  }

  async function expectRead(guard: PriceGuard, state: bigint, spotE8: bigint): Promise<void> {
    const now = await guard.read();
    expect([now.state, now.spotE8]).to.deep.equal([state, spotE8]);
    if (state === HALTED) {
      await expect(guard.mintPriceE8()).to.be.revertedWithCustomError(guard, "PriceGuardHalted");
      await expect(guard.poke.staticCall()).to.be.revertedWithCustomError(guard, "PriceGuardHalted");
    }
  }

  const refuses = async (tx: Promise<unknown>, guard: PriceGuard, name: string, value: bigint | number | string) =>
    expect(tx)
      .to.be.revertedWithCustomError(guard, "PriceGuardBadParameter")
      .withArgs(encodeBytes32String(name), value);

  describe("constructor", () => {
    it("reverts for a window of 0 or above 30 days", async () => {
      const { guard, manager } = await loadFixture(bare);
      for (const window of [0, 30 * DAY + 1]) {
        await refuses(
          ethers.deployContract("PriceGuard", [manager, window, 0, BOUNDS]),
          guard,
          "averageWindow",
          window,
        );
      }
      const longest = await ethers.deployContract("PriceGuard", [manager, 30 * DAY, 5, BOUNDS]);
      expect([await longest.averageWindow(), await longest.bootstrapEnd()]).to.deep.equal([BigInt(30 * DAY), 5n]);
    });

    it("reverts for bounds that setBounds refuses", async () => {
      const { guard, manager } = await loadFixture(bare);
      await refuses(
        ethers.deployContract("PriceGuard", [manager, WINDOW, 0, { ...BOUNDS, minE8: 0 }]),
        guard,
        "minE8",
        0,
      );
    });
  });

  describe("sources", () => {
    it("are read with 0 to 36 decimals", async () => {
      const { guard } = await loadFixture(bare);
      for (const decimals of [0, 1, 7, 8, 9, 18, 36]) {
        const shift = BigInt(decimals);
        // 3 USD, and below one E8 where the feed has more digits.
        const value = 3n * 10n ** shift + (decimals > 8 ? 10n ** (shift - 8n) - 1n : 0n);
        const feed = await ethers.deployContract("Feed__MockForPriceGuard", [decimals, value]);
        await guard.setSources(await source(feed), NO_SOURCE);
        await expectRead(guard, OK, 300_000_000n);
      }
    });

    it("are healthy until their age is above maxAge", async () => {
      const { guard, a } = await loadFixture(withOne);
      const updatedAt = await a.updatedAt();
      await time.increaseTo(updatedAt + BigInt(MAX_AGE) - 1n);
      await guard.poke(); // mined at the last second
      expect(await time.latest()).to.equal(updatedAt + BigInt(MAX_AGE));
      await expect(guard.poke()).to.be.revertedWithCustomError(guard, "PriceGuardHalted");
    });

    describe("are unhealthy", () => {
      it("at an answer of zero or below", async () => {
        const { guard, a } = await loadFixture(withOne);
        for (const value of [0n, -1n, -PRICE_E8, ethers.MinInt256]) {
          await answer(a, value);
          await expectRead(guard, HALTED, 0n);
        }
        await answer(a, PRICE_E8);
        await expectRead(guard, OK, PRICE_E8);
      });

      it("at a time of zero or in the future", async () => {
        const { guard, a } = await loadFixture(withOne);
        for (const updatedAt of [0n, BigInt(await time.latest()) + 100n, ethers.MaxUint256]) {
          await a.set(MODE.Answer, PRICE_E8, updatedAt);
          await expectRead(guard, HALTED, 0n);
        }
      });

      it("outside the band, whatever the size of the number", async () => {
        const { guard, a } = await loadFixture(withOne);
        for (const value of [MIN_E8, MAX_E8]) {
          await answer(a, value);
          await expectRead(guard, OK, value);
        }
        for (const value of [MIN_E8 - 1n, MAX_E8 + 1n, ethers.MaxInt256]) {
          await answer(a, value);
          await expectRead(guard, HALTED, 0n);
        }
        for (const decimals of [0, 36]) {
          const feed = await ethers.deployContract("Feed__MockForPriceGuard", [decimals, ethers.MaxInt256]);
          await guard.setSources(await source(feed), NO_SOURCE);
          await expectRead(guard, HALTED, 0n);
        }
      });

      it("when they revert, burn all gas, answer too little or lose their code", async () => {
        const { guard, a, b } = await loadFixture(withTwo);
        const now = await time.latest();
        for (const mode of [MODE.Revert, MODE.BurnGas, MODE.ShortAnswer]) {
          await a.set(mode, PRICE_E8, now);
          await expectRead(guard, DEGRADED, PRICE_E8);
        }
        await guard.poke({ gasLimit: 300_000 });
        await a.set(MODE.LongAnswer, PRICE_E8, now);
        await expectRead(guard, OK, PRICE_E8);
        await setCode(await a.getAddress(), "0x");
        await expectRead(guard, DEGRADED, PRICE_E8);
        await b.set(MODE.BurnGas, PRICE_E8, now);
        await expectRead(guard, HALTED, 0n);
      });
    });
  });

  describe("one source", () => {
    it("healthy: ok", async () => {
      const { guard } = await loadFixture(withOne);
      await expectRead(guard, OK, PRICE_E8);
    });

    it("unhealthy: halted", async () => {
      const { guard, a } = await loadFixture(withOne);
      await a.set(MODE.Revert, 0, 0);
      await expectRead(guard, HALTED, 0n);
    });
  });

  describe("two sources", () => {
    it("agree: ok, at the lower one", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      const high = PRICE_E8 + PRICE_E8 / 50n; // 200 bps of the lower one
      await answer(b, high);
      await expectRead(guard, OK, PRICE_E8);
      await answer(b, PRICE_E8);
      await answer(a, high);
      await expectRead(guard, OK, PRICE_E8);
    });

    it("apart by more than the deviation: halted", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      const high = PRICE_E8 + PRICE_E8 / 50n + 1n;
      await answer(b, high);
      await expectRead(guard, HALTED, 0n);
      await answer(b, PRICE_E8);
      await answer(a, high);
      await expectRead(guard, HALTED, 0n);
    });

    it("one unhealthy: degraded, at the other one", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      await answer(a, 2n * PRICE_E8);
      await answer(b, 0n);
      await expectRead(guard, DEGRADED, 2n * PRICE_E8);
      await a.set(MODE.Revert, 0, 0);
      await answer(b, PRICE_E8);
      await expectRead(guard, DEGRADED, PRICE_E8);
    });

    it("one outside the band: halted, for the price may have left it", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      // The market crashes through the band; the second source follows by capped steps and still is where it was.
      for (const value of [MIN_E8 - 1n, 1n, MAX_E8 + 1n, ethers.MaxInt256]) {
        await answer(a, value);
        await answer(b, PRICE_E8);
        await expectRead(guard, HALTED, 0n);
        await answer(a, PRICE_E8);
        await answer(b, value);
        await expectRead(guard, HALTED, 0n);
      }
      await answer(b, PRICE_E8);
      await expectRead(guard, OK, PRICE_E8);
    });

    it("both unhealthy: halted", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      await answer(a, 0n);
      await b.set(MODE.ShortAnswer, PRICE_E8, await time.latest());
      await expectRead(guard, HALTED, 0n);
    });
  });

  describe("no source", () => {
    it("without a bootstrap price: halted", async () => {
      const { guard } = await loadFixture(bare);
      await expectRead(guard, HALTED, 0n);
    });

    it("with one: ok until its end", async () => {
      const { guard } = await loadFixture(bare);
      const until = (await time.latest()) + DAY;
      await guard.setBootstrapPrice(PRICE_E8, until);
      expect(await guard.bootstrapPrice()).to.deep.equal([PRICE_E8, BigInt(until)]);
      await expectRead(guard, OK, PRICE_E8);
      await time.increaseTo(until - 2);
      await guard.poke();
      await expect(guard.poke()).to.be.revertedWithCustomError(guard, "PriceGuardHalted");
    });

    it("with one outside the band: halted", async () => {
      const { guard, bootstrapEnd } = await loadFixture(bare);
      await guard.setBootstrapPrice(PRICE_E8, bootstrapEnd);
      await guard.setBounds({ ...BOUNDS, maxE8: PRICE_E8 - 1n });
      await expectRead(guard, HALTED, 0n);
    });

    it("counts no more once a source is configured, healthy or not", async () => {
      const { guard, bootstrapEnd, a } = await loadFixture(withOne);
      await guard.setBootstrapPrice(2n * PRICE_E8, bootstrapEnd);
      await expectRead(guard, OK, PRICE_E8);
      await answer(a, 0n);
      await expectRead(guard, HALTED, 0n);
    });
  });

  describe("poke", () => {
    /** Poked once at PRICE_E8; `pokedAt` is the second of it. */
    async function poked() {
      const f = await withOne();
      await f.guard.poke();
      return { ...f, pokedAt: await time.latest() };
    }

    /** Pokes at exactly this second, with a fresh answer. */
    async function pokeAt(f: { guard: PriceGuard; a: Feed__MockForPriceGuard }, second: number, priceE8: bigint) {
      await time.setNextBlockTimestamp(second - 1);
      await f.a.set(MODE.Answer, priceE8, second - 1);
      await time.setNextBlockTimestamp(second);
      return f.guard.poke();
    }

    it("reverts when halted, and leaves the average", async () => {
      const { guard, a } = await loadFixture(poked);
      await answer(a, 0n);
      await expect(guard.poke()).to.be.revertedWithCustomError(guard, "PriceGuardHalted");
      expect((await guard.read()).averageE8).to.equal(PRICE_E8);
    });

    it("starts the average at the first price", async () => {
      const { guard } = await loadFixture(withOne);
      expect(await guard.read()).to.deep.equal([OK, PRICE_E8, PRICE_E8]);
      await expect(guard.poke()).to.emit(guard, "AveragePoked").withArgs(PRICE_E8, PRICE_E8);
      expect(await guard.read()).to.deep.equal([OK, PRICE_E8, PRICE_E8]);
    });

    it("weighs the price seen at the last poke by the time since", async () => {
      const f = await loadFixture(poked);
      const { guard, pokedAt } = f;
      // A quarter of a window passed at PRICE; the double price was first seen now and has no weight yet.
      await expect(pokeAt(f, pokedAt + WINDOW / 4, 2n * PRICE_E8))
        .to.emit(guard, "AveragePoked")
        .withArgs(2n * PRICE_E8, PRICE_E8);
      // Half a window at the double price: half of the way.
      await expect(pokeAt(f, pokedAt + (WINDOW * 3) / 4, 2n * PRICE_E8))
        .to.emit(guard, "AveragePoked")
        .withArgs(2n * PRICE_E8, (PRICE_E8 * 3n) / 2n);
      // A quarter more: a quarter of the rest.
      await expect(pokeAt(f, pokedAt + WINDOW, PRICE_E8))
        .to.emit(guard, "AveragePoked")
        .withArgs(PRICE_E8, (PRICE_E8 * 13n) / 8n);
    });

    it("has caught up after a window", async () => {
      const f = await loadFixture(poked);
      await pokeAt(f, f.pokedAt + 10, 3n * PRICE_E8);
      await expect(pokeAt(f, f.pokedAt + 10 + WINDOW, PRICE_E8))
        .to.emit(f.guard, "AveragePoked")
        .withArgs(PRICE_E8, 3n * PRICE_E8);
    });

    it("moves nothing twice in one second", async () => {
      const { guard, a, pokedAt, bob } = await loadFixture(poked);
      await a.set(MODE.Answer, 2n * PRICE_E8, pokedAt);
      const provider = ethers.provider;
      await provider.send("evm_setAutomine", [false]);
      await time.setNextBlockTimestamp(pokedAt + WINDOW / 2);
      const txs = [await guard.poke({ gasLimit: 200_000 }), await guard.connect(bob).poke({ gasLimit: 200_000 })];
      await provider.send("evm_mine", []);
      await provider.send("evm_setAutomine", [true]);
      const receipts = await Promise.all(txs.map((tx) => provider.getTransactionReceipt(tx.hash)));
      expect(
        receipts.map((r) => [r?.status, r?.logs.length, r?.blockNumber === receipts[0]?.blockNumber]),
      ).to.deep.equal([
        [1, 1, true],
        [1, 0, true],
      ]);
    });

    it("gives a short peak no weight, however long nobody poked", async () => {
      const f = await loadFixture(poked);
      const { guard, a, pokedAt } = f;
      await pokeAt(f, pokedAt + 12 * HOUR, 10n * PRICE_E8);
      expect(await guard.poke.staticCall()).to.be.lessThan(PRICE_E8 + PRICE_E8 / 100n);
      await a.set(MODE.Answer, PRICE_E8, await time.latest());
      await guard.poke();
      const { averageE8 } = await guard.read();
      expect(averageE8).to.be.within(PRICE_E8, PRICE_E8 + (9n * PRICE_E8 * 3n) / BigInt(WINDOW));
    });

    it("moves by frequent pokes as by rare ones", async () => {
      const f = await loadFixture(bare);
      const guard = await ethers.deployContract("PriceGuard", [f.manager, 30 * DAY, 0, BOUNDS]);
      const a = await ethers.deployContract("Feed__MockForPriceGuard", [8, MIN_E8]);
      await guard.setSources(await source(a), NO_SOURCE);
      await guard.poke();
      // One E8 more, poked in 100 consecutive seconds: less than 10^-4 of it may be lost to rounding.
      await a.set(MODE.Answer, MIN_E8 + 30n * 864n, await time.latest());
      const start = await time.latest();
      await guard.poke();
      for (let i = 0; i < 100; i++) await guard.poke();
      expect(await time.latest()).to.equal(start + 101);
      // 30 · 864 E8 over 30 days are 0.01 E8 a second: one E8 in a hundred seconds, less the rounding.
      expect((await guard.read()).averageE8).to.equal(MIN_E8);
      await guard.poke();
      expect((await guard.read()).averageE8).to.equal(MIN_E8 + 1n);
    });

    it("returns the lower of spot and average, as mintPriceE8 says", async () => {
      const f = await loadFixture(poked);
      const { guard, pokedAt } = f;
      await pokeAt(f, pokedAt + 10, 2n * PRICE_E8);
      await time.increaseTo(pokedAt + 10 + WINDOW / 2);
      expect(await guard.mintPriceE8()).to.equal((PRICE_E8 * 3n) / 2n);
      expect(await guard.poke.staticCall()).to.equal((PRICE_E8 * 3n) / 2n);
      await pokeAt(f, pokedAt + 20 + WINDOW / 2, PRICE_E8);
      expect(await guard.mintPriceE8()).to.equal(PRICE_E8);
      expect((await guard.read()).averageE8).to.be.greaterThan(PRICE_E8);
    });
  });

  describe("setSources", () => {
    it("reverts for anyone but the manager's admin", async () => {
      const { guard, alice } = await loadFixture(bare);
      await expect(guard.connect(alice).setSources(NO_SOURCE, NO_SOURCE))
        .to.be.revertedWithCustomError(guard, "AccessManagedUnauthorized")
        .withArgs(alice.address);
    });

    it("reverts for the same feed twice, or a secondary without a primary", async () => {
      const { guard, a } = await loadFixture(withOne);
      const s = await source(a);
      await refuses(guard.setSources(s, s), guard, "secondary", s.feed);
      await refuses(guard.setSources(NO_SOURCE, s), guard, "secondary", s.feed);
    });

    it("reverts for a maxAge of 0 or above 7 days, an account without code, more than 36 decimals", async () => {
      const { guard, a, alice } = await loadFixture(withOne);
      for (const maxAge of [0, 7 * DAY + 1]) {
        await refuses(guard.setSources(await source(a, maxAge), NO_SOURCE), guard, "maxAge", maxAge);
      }
      await guard.setSources(await source(a, 7 * DAY), NO_SOURCE);
      const account = { feed: alice.address, maxAge: DAY };
      await refuses(guard.setSources(account, NO_SOURCE), guard, "feed", alice.address);
      await a.setDecimals(37);
      await refuses(guard.setSources(await source(a), NO_SOURCE), guard, "decimals", 37);
    });

    it("keeps the bounds", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      const [one, two] = [await source(a, 5), await source(b, 6)];
      await expect(guard.setSources(two, one)).to.emit(guard, "SourcesSet").withArgs(two.feed, 6, one.feed, 5);
      expect(await guard.sources()).to.deep.equal([
        [two.feed, 6n],
        [one.feed, 5n],
      ]);
      await guard.setSources(NO_SOURCE, NO_SOURCE);
      expect(await guard.sources()).to.deep.equal([
        [ZeroAddress, 0n],
        [ZeroAddress, 0n],
      ]);
      expect(await guard.bounds()).to.deep.equal(Object.values(BOUNDS));
    });
  });

  describe("setBounds", () => {
    it("reverts for anyone but the manager's admin", async () => {
      const { guard, alice } = await loadFixture(bare);
      await expect(guard.connect(alice).setBounds(BOUNDS))
        .to.be.revertedWithCustomError(guard, "AccessManagedUnauthorized")
        .withArgs(alice.address);
    });

    it("reverts for a minimum of 0, a maximum below it or of 2^56, a deviation of 0 or above 10000", async () => {
      const { guard } = await loadFixture(bare);
      await refuses(guard.setBounds({ ...BOUNDS, minE8: 0 }), guard, "minE8", 0);
      for (const maxE8 of [MIN_E8 - 1n, 2n ** 56n]) {
        await refuses(guard.setBounds({ ...BOUNDS, maxE8 }), guard, "maxE8", maxE8);
      }
      for (const maxDeviationBps of [0, 10_001]) {
        await refuses(guard.setBounds({ ...BOUNDS, maxDeviationBps }), guard, "maxDeviationBps", maxDeviationBps);
      }
      await guard.setBounds({ minE8: 1, maxE8: 2n ** 56n - 1n, maxDeviationBps: 10_000 });
      expect(await guard.bounds()).to.deep.equal([1n, 2n ** 56n - 1n, 10_000n]);
    });

    it("counts at once, and keeps sources and average", async () => {
      const { guard, a, b } = await loadFixture(withTwo);
      await guard.poke();
      await expect(guard.setBounds({ ...BOUNDS, minE8: PRICE_E8 + 1n }))
        .to.emit(guard, "BoundsSet")
        .withArgs(PRICE_E8 + 1n, MAX_E8, BOUNDS.maxDeviationBps);
      expect(await guard.read()).to.deep.equal([HALTED, 0n, PRICE_E8]);
      await guard.setBounds(BOUNDS);
      expect(await guard.read()).to.deep.equal([OK, PRICE_E8, PRICE_E8]);
      expect(await guard.sources()).to.deep.equal([
        [await a.getAddress(), BigInt(MAX_AGE)],
        [await b.getAddress(), BigInt(MAX_AGE)],
      ]);
    });
  });

  describe("setBootstrapPrice", () => {
    it("reverts for anyone but the manager's admin", async () => {
      const { guard, alice } = await loadFixture(bare);
      await expect(guard.connect(alice).setBootstrapPrice(PRICE_E8, 1))
        .to.be.revertedWithCustomError(guard, "AccessManagedUnauthorized")
        .withArgs(alice.address);
    });

    it("reverts for an end after bootstrapEnd, a price outside the band", async () => {
      const { guard, bootstrapEnd } = await loadFixture(bare);
      await refuses(guard.setBootstrapPrice(PRICE_E8, bootstrapEnd + 1), guard, "until", bootstrapEnd + 1);
      for (const price of [MIN_E8 - 1n, MAX_E8 + 1n]) {
        await refuses(guard.setBootstrapPrice(price, bootstrapEnd), guard, "priceE8", price);
      }
    });

    it("may be ended", async () => {
      const { guard, bootstrapEnd } = await loadFixture(bare);
      await expect(guard.setBootstrapPrice(PRICE_E8, bootstrapEnd))
        .to.emit(guard, "BootstrapPriceSet")
        .withArgs(PRICE_E8, bootstrapEnd);
      await expectRead(guard, OK, PRICE_E8);
      await guard.setBootstrapPrice(PRICE_E8, 0);
      await expectRead(guard, HALTED, 0n);
    });
  });
});
