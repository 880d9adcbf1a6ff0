import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import {
  BOUNDS,
  creditsFixture,
  creditsFor,
  EPOCH_LENGTH,
  HOLDING,
  MAX_PAUSE,
  NEVER,
  NO_SOURCE,
  PRICE_E8,
  signPermit,
  source,
  toEpoch,
  tokensFor,
  WINDOW,
} from "../../helpers/money";

const { ZeroAddress, parseEther } = ethers;
const TOKENS = parseEther("10");
const CREDITS = 500_000n; // 10 tokens at 0.5 USD

describe("DataCredits", () => {
  async function approved() {
    const f = await creditsFixture();
    await f.token.connect(f.alice).approve(f.credits, HOLDING);
    return f;
  }

  /** Alice holds CREDITS. */
  async function minted() {
    const f = await approved();
    await f.credits.connect(f.alice).mintExactIn(TOKENS, CREDITS, f.alice, NEVER);
    return f;
  }

  /** A guard at a price without a feed, from the next epoch. */
  async function guardAt(f: Awaited<ReturnType<typeof creditsFixture>>, priceE8: bigint) {
    const guard = await ethers.deployContract("PriceGuard", [f.manager, WINDOW, 0, BOUNDS]);
    const feed = await ethers.deployContract("MockV3Aggregator", [8, priceE8]);
    await guard.setSources(await source(feed), NO_SOURCE);
    return guard;
  }

  describe("constructor", () => {
    it("reverts for a token of zero", async () => {
      const { credits, manager } = await loadFixture(creditsFixture);
      await expect(
        ethers.deployContract("DataCredits", [manager, ZeroAddress, 0, EPOCH_LENGTH, MAX_PAUSE]),
      ).to.be.revertedWithCustomError(credits, "DataCreditsZeroAddress");
      expect([await credits.name(), await credits.symbol(), await credits.decimals()]).to.deep.equal([
        "Data Credits",
        "DC",
        0n,
      ]);
    });
  });

  describe("mintExactIn", () => {
    it("reverts after the deadline", async () => {
      const { credits, alice } = await loadFixture(approved);
      const deadline = (await time.latest()) + 10;
      await time.setNextBlockTimestamp(deadline);
      await credits.connect(alice).mintExactIn(TOKENS, 0, alice, deadline);
      await expect(credits.connect(alice).mintExactIn(TOKENS, 0, alice, deadline))
        .to.be.revertedWithCustomError(credits, "DataCreditsExpired")
        .withArgs(deadline);
    });

    it("reverts for a recipient of zero", async () => {
      const { credits, alice } = await loadFixture(approved);
      await expect(credits.connect(alice).mintExactIn(TOKENS, 0, ZeroAddress, NEVER)).to.be.revertedWithCustomError(
        credits,
        "DataCreditsZeroAddress",
      );
    });

    it("reverts when no guard was ever set", async () => {
      const { manager, token, alice } = await loadFixture(approved);
      const credits = await ethers.deployContract("DataCredits", [manager, token, 0, EPOCH_LENGTH, MAX_PAUSE]);
      await expect(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER)).to.be.revertedWithCustomError(
        credits,
        "DataCreditsZeroAddress",
      );
    });

    it("reverts when the price is halted", async () => {
      const { credits, guard, feed, alice } = await loadFixture(approved);
      await feed.updateAnswer(0);
      await expect(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER)).to.be.revertedWithCustomError(
        guard,
        "PriceGuardHalted",
      );
    });

    it("reverts when fewer credits come out than demanded", async () => {
      const { credits, alice } = await loadFixture(approved);
      await expect(credits.connect(alice).mintExactIn(TOKENS, CREDITS + 1n, alice, NEVER))
        .to.be.revertedWithCustomError(credits, "DataCreditsTooFewOut")
        .withArgs(CREDITS, CREDITS + 1n);
    });

    it("reverts when nothing comes out", async () => {
      const { credits, alice } = await loadFixture(approved);
      for (const tokens of [0n, tokensFor(1n, PRICE_E8) - 1n]) {
        await expect(credits.connect(alice).mintExactIn(tokens, 0, alice, NEVER)).to.be.revertedWithCustomError(
          credits,
          "DataCreditsZeroAmount",
        );
      }
    });

    it("reverts without allowance, or without tokens", async () => {
      const { credits, token, bob, stranger } = await loadFixture(approved);
      await expect(credits.connect(bob).mintExactIn(TOKENS, 0, bob, NEVER))
        .to.be.revertedWithCustomError(token, "ERC20InsufficientAllowance")
        .withArgs(await credits.getAddress(), 0, TOKENS);
      await token.connect(stranger).approve(credits, TOKENS);
      await expect(credits.connect(stranger).mintExactIn(TOKENS, 0, stranger, NEVER))
        .to.be.revertedWithCustomError(token, "ERC20InsufficientBalance")
        .withArgs(stranger.address, 0, TOKENS);
      expect(await credits.totalSupply()).to.equal(0n);
    });

    it("reverts while paused, and opens again by itself", async () => {
      const { credits, feed, alice, admin } = await loadFixture(approved);
      const entry = credits.interface.getFunction("mintExactIn").selector;
      await credits.connect(admin).pause(entry);
      const until = await credits.pausedUntil(entry);
      await expect(credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER))
        .to.be.revertedWithCustomError(credits, "GuardedPaused")
        .withArgs(entry, until);
      const call = credits.interface.encodeFunctionData("mintExactIn", [TOKENS, 0, alice.address, NEVER]);
      await expect(credits.connect(alice).multicall([call])).to.be.revertedWithCustomError(credits, "GuardedPaused");
      await credits.connect(alice).mintExactOut(1, TOKENS, alice, NEVER);

      await time.increaseTo(until);
      await feed.updateAnswer(PRICE_E8);
      await credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
      expect(await credits.balanceOf(alice)).to.equal(CREDITS + 1n);
    });

    it("burns the tokens, mints the credits rounded down, in one call", async () => {
      const { credits, token, alice, bob } = await loadFixture(approved);
      const tokens = tokensFor(CREDITS, PRICE_E8) + tokensFor(1n, PRICE_E8) - 1n; // almost one more credit
      const supply = await token.totalSupply();

      const tx = credits.connect(alice).mintExactIn(tokens, CREDITS, bob, NEVER);
      await expect(tx)
        .to.emit(credits, "CreditsMinted")
        .withArgs(alice.address, bob.address, tokens, CREDITS, PRICE_E8);

      expect(await credits.balanceOf(bob)).to.equal(CREDITS);
      expect(await credits.balanceOf(alice)).to.equal(0n);
      expect(await credits.totalSupply()).to.equal(CREDITS);
      expect(await credits.totalMinted()).to.equal(CREDITS);
      expect(await token.totalSupply()).to.equal(supply - tokens);
      expect(await token.balanceOf(alice)).to.equal(HOLDING - tokens);
      expect(await token.balanceOf(credits)).to.equal(0n);
      expect(await credits.tokensBurnedIn(0)).to.equal(tokens);
    });

    it("counts the burn in the epoch in which it happens", async () => {
      const { credits, feed, alice } = await loadFixture(minted);
      await credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
      expect(await credits.tokensBurnedIn(0)).to.equal(2n * TOKENS);
      await toEpoch(credits, 3);
      await feed.updateAnswer(PRICE_E8);
      expect(await credits.tokensBurnedIn(3)).to.equal(0n);
      await credits.connect(alice).mintExactIn(TOKENS / 2n, 0, alice, NEVER);
      await toEpoch(credits, 4);
      await feed.updateAnswer(PRICE_E8);
      await credits.connect(alice).mintExactIn(TOKENS / 5n, 0, alice, NEVER);
      const burned = await Promise.all([0, 1, 2, 3, 4, 5].map((epoch) => credits.tokensBurnedIn(epoch)));
      expect(burned).to.deep.equal([2n * TOKENS, 0n, 0n, TOKENS / 2n, TOKENS / 5n, 0n]);
    });

    it("is never priced by one feed alone because the caller sent little gas", async () => {
      const { credits, guard, token, alice, feed } = await loadFixture(minted);
      const low = PRICE_E8 - PRICE_E8 / 100n;
      const second = await ethers.deployContract("MockV3Aggregator", [8, low]);
      await guard.setSources(await source(second), await source(feed));
      await token.connect(alice).approve(credits, ethers.MaxUint256);
      const reference = await credits.connect(alice).mintExactIn.estimateGas(TOKENS, 0, alice, NEVER);
      let passed = 0;
      for (const sources of [
        [second, feed],
        [feed, second],
      ] as const) {
        await guard.setSources(await source(sources[0]), await source(sources[1]));
        for (let gasLimit = reference - 60_000n; gasLimit < reference + 20_000n; gasLimit += 1_500n) {
          const before = await credits.balanceOf(alice);
          const sent = credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER, { gasLimit });
          const gained = await sent.then(
            async () => (await credits.balanceOf(alice)) - before,
            () => 0n,
          );
          if (gained !== 0n) passed++;
          expect(gained).to.be.oneOf([0n, creditsFor(TOKENS, low)]);
        }
      }
      expect(passed).to.be.greaterThan(10);
    });
  });

  describe("mintExactOut", () => {
    it("reverts after the deadline, for a recipient of zero, for no credits", async () => {
      const { credits, alice } = await loadFixture(approved);
      const mint = (out: bigint, to: string, deadline: bigint) =>
        credits.connect(alice).mintExactOut(out, HOLDING, to, deadline);
      await expect(mint(1n, alice.address, 1n))
        .to.be.revertedWithCustomError(credits, "DataCreditsExpired")
        .withArgs(1);
      await expect(mint(1n, ZeroAddress, NEVER)).to.be.revertedWithCustomError(credits, "DataCreditsZeroAddress");
      await expect(mint(0n, alice.address, NEVER)).to.be.revertedWithCustomError(credits, "DataCreditsZeroAmount");
    });

    it("reverts when it costs more than offered", async () => {
      const { credits, alice } = await loadFixture(approved);
      await expect(credits.connect(alice).mintExactOut(CREDITS, TOKENS - 1n, alice, NEVER))
        .to.be.revertedWithCustomError(credits, "DataCreditsTooManyIn")
        .withArgs(TOKENS, TOKENS - 1n);
    });

    it("reverts while paused, on its own", async () => {
      const { credits, alice, admin } = await loadFixture(approved);
      const entry = credits.interface.getFunction("mintExactOut").selector;
      await credits.connect(admin).pause(entry);
      await expect(credits.connect(alice).mintExactOut(1, TOKENS, alice, NEVER))
        .to.be.revertedWithCustomError(credits, "GuardedPaused")
        .withArgs(entry, await credits.pausedUntil(entry));
      await credits.connect(alice).mintExactIn(TOKENS, CREDITS, alice, NEVER);
    });

    it("burns the tokens rounded up", async () => {
      const { credits, token, feed, alice, bob } = await loadFixture(approved);
      const price = 33_333_333n;
      await feed.updateAnswer(price);
      const tokens = tokensFor(7n, price);
      expect(tokens * price).to.be.greaterThan(7n * 10n ** 21n);
      expect((tokens - 1n) * price).to.be.lessThan(7n * 10n ** 21n);

      await expect(credits.connect(alice).mintExactOut(7, tokens, bob, NEVER))
        .to.emit(credits, "CreditsMinted")
        .withArgs(alice.address, bob.address, tokens, 7, price);
      expect(await credits.balanceOf(bob)).to.equal(7n);
      expect(await token.balanceOf(alice)).to.equal(HOLDING - tokens);
    });
  });

  describe("selfPermit", () => {
    async function permitted() {
      const f = await creditsFixture();
      const { v, r, s } = await signPermit(f.token, f.alice, f.credits, TOKENS, NEVER);
      const calls = [
        f.credits.interface.encodeFunctionData("selfPermit", [TOKENS, NEVER, v, r, s]),
        f.credits.interface.encodeFunctionData("mintExactIn", [TOKENS, CREDITS, f.alice.address, NEVER]),
      ];
      return { ...f, v, r, s, calls };
    }

    it("permits and mints in one multicall", async () => {
      const { credits, token, alice, calls } = await loadFixture(permitted);
      await credits.connect(alice).multicall(calls);
      expect(await credits.balanceOf(alice)).to.equal(CREDITS);
      expect(await token.balanceOf(alice)).to.equal(HOLDING - TOKENS);
      expect(await token.allowance(alice, credits)).to.equal(0n);
    });

    it("is no error when somebody has used the permit before", async () => {
      const { credits, token, alice, stranger, v, r, s, calls } = await loadFixture(permitted);
      await token.connect(stranger).permit(alice, credits, TOKENS, NEVER, v, r, s);
      await credits.connect(alice).multicall(calls);
      expect(await credits.balanceOf(alice)).to.equal(CREDITS);
    });

    it("reverts with the token's error when the permit fails and the allowance does not suffice", async () => {
      const { credits, token, alice, bob, v, r, s } = await loadFixture(permitted);
      await expect(credits.connect(bob).selfPermit(TOKENS, NEVER, v, r, s)).to.be.revertedWithCustomError(
        token,
        "ERC2612InvalidSigner",
      );
      await token.connect(alice).approve(credits, TOKENS - 1n);
      await expect(credits.connect(alice).selfPermit(TOKENS, 1, v, r, s))
        .to.be.revertedWithCustomError(token, "ERC2612ExpiredSignature")
        .withArgs(1);
    });
  });

  describe("spend", () => {
    it("reverts for nothing", async () => {
      const { credits, alice } = await loadFixture(minted);
      await expect(credits.connect(alice).spend(1, 0)).to.be.revertedWithCustomError(credits, "DataCreditsZeroAmount");
    });

    it("reverts for more than the balance", async () => {
      const { credits, alice } = await loadFixture(minted);
      await expect(credits.connect(alice).spend(1, CREDITS + 1n))
        .to.be.revertedWithCustomError(credits, "DataCreditsInsufficient")
        .withArgs(alice.address, CREDITS, CREDITS + 1n);
    });

    it("reverts for a sub-network that cannot be", async () => {
      const { credits, alice } = await loadFixture(minted);
      await expect(credits.connect(alice).spend(17, 1))
        .to.be.revertedWithCustomError(credits, "DataCreditsSubNetworkUnknown")
        .withArgs(17);
      expect(await credits.spentIn(17, 0)).to.equal(0n);
    });

    it("sums what all sub-networks spent, from 0 to 16", async () => {
      const { credits, alice } = await loadFixture(minted);
      for (const subNetwork of [0, 7, 16]) await credits.connect(alice).spend(subNetwork, subNetwork + 1);
      expect(await credits.totalSpent()).to.equal(1n + 8n + 17n);
      expect(await credits.totalSupply()).to.equal(CREDITS - 26n);
      expect(await credits.spentIn(16, 0)).to.equal(17n);
    });

    it("burns credits and counts them by sub-network and epoch", async () => {
      const { credits, alice } = await loadFixture(minted);
      const tx = credits.connect(alice).spend(2, 300);
      await expect(tx).to.emit(credits, "CreditsSpent").withArgs(alice.address, 2, 0, 300, alice.address);
      await credits.connect(alice).spend(2, 20);
      await toEpoch(credits, 1);
      await credits.connect(alice).spend(2, 1);

      expect(await credits.balanceOf(alice)).to.equal(CREDITS - 321n);
      expect(await credits.totalSpent()).to.equal(321n);
      expect(await credits.totalMinted()).to.equal(CREDITS);
      expect(await credits.totalSupply()).to.equal(CREDITS - 321n);
      expect([await credits.spentIn(2, 0), await credits.spentIn(2, 1), await credits.spentIn(1, 0)]).to.deep.equal([
        320n,
        1n,
        0n,
      ]);
    });

    it("works while minting is paused and the price halted", async () => {
      const { credits, feed, alice, admin } = await loadFixture(minted);
      for (const name of ["mintExactIn", "mintExactOut", "spend", "spendFrom"] as const) {
        await credits.connect(admin).pause(credits.interface.getFunction(name).selector);
      }
      await feed.updateAnswer(-1);
      await credits.connect(alice).spend(1, CREDITS);
      expect(await credits.balanceOf(alice)).to.equal(0n);
    });
  });

  describe("spendFrom", () => {
    it("reverts for anyone but a spender", async () => {
      const { credits, admin, alice } = await loadFixture(minted);
      for (const who of [alice, admin]) {
        await expect(credits.connect(who).spendFrom(alice, 1, 1))
          .to.be.revertedWithCustomError(credits, "DataCreditsNotSpender")
          .withArgs(who.address);
      }
    });

    it("burns the payer's credits", async () => {
      const { credits, alice, bob } = await loadFixture(minted);
      await credits.setSpender(bob, true);
      await expect(credits.connect(bob).spendFrom(alice, 3, 11))
        .to.emit(credits, "CreditsSpent")
        .withArgs(alice.address, 3, 0, 11, bob.address);
      expect(await credits.balanceOf(alice)).to.equal(CREDITS - 11n);
      await expect(credits.connect(bob).spendFrom(bob, 3, 1))
        .to.be.revertedWithCustomError(credits, "DataCreditsInsufficient")
        .withArgs(bob.address, 0, 1);
    });
  });

  describe("transfers", () => {
    it("do not exist", async () => {
      const { credits, token, alice, bob } = await loadFixture(minted);
      for (const name of ["transfer", "approve", "transferFrom"] as const) {
        expect(credits.interface.hasFunction(name)).to.equal(false);
        const args = name === "transferFrom" ? [alice.address, bob.address, 1] : [bob.address, 1];
        const data = token.interface.encodeFunctionData(name as "transfer", args as [string, number]);
        await expect(alice.sendTransaction({ to: credits, data })).to.be.revertedWithoutReason();
      }
      expect(await credits.balanceOf(alice)).to.equal(CREDITS);
    });
  });

  describe("quotes", () => {
    it("are what a mint gets at that price", async () => {
      const { credits, feed, alice } = await loadFixture(approved);
      const price = 33_333_333n;
      await feed.updateAnswer(price);
      const [out, cost] = [creditsFor(TOKENS, price), tokensFor(CREDITS, price)];
      expect(await credits.quoteExactIn(TOKENS)).to.equal(out);
      expect(await credits.quoteExactOut(CREDITS)).to.equal(cost);
      await credits.connect(alice).mintExactIn(TOKENS, out, alice, NEVER);
      await credits.connect(alice).mintExactOut(CREDITS, cost, alice, NEVER);
      expect(await credits.balanceOf(alice)).to.equal(out + CREDITS);
      expect(await credits.tokensBurnedIn(0)).to.equal(TOKENS + cost);
    });
  });

  describe("setPriceGuard", () => {
    it("reverts for anyone but the manager's admin, and for zero", async () => {
      const { credits, guard, alice } = await loadFixture(creditsFixture);
      await expect(credits.connect(alice).setPriceGuard(guard))
        .to.be.revertedWithCustomError(credits, "AccessManagedUnauthorized")
        .withArgs(alice.address);
      await expect(credits.setPriceGuard(ZeroAddress)).to.be.revertedWithCustomError(credits, "DataCreditsZeroAddress");
    });

    it("counts at once when none was set", async () => {
      const { manager, token, guard } = await loadFixture(creditsFixture);
      const credits = await ethers.deployContract("DataCredits", [manager, token, 0, EPOCH_LENGTH, MAX_PAUSE]);
      expect(await credits.priceGuard()).to.equal(ZeroAddress);
      await expect(credits.setPriceGuard(guard))
        .to.emit(credits, "PriceGuardScheduled")
        .withArgs(await guard.getAddress(), 0);
      expect(await credits.priceGuard()).to.equal(await guard.getAddress());
    });

    it("counts from the next epoch when one was set", async () => {
      const f = await loadFixture(approved);
      const { credits, alice } = f;
      const next = await guardAt(f, 2n * PRICE_E8);
      await expect(credits.setPriceGuard(next))
        .to.emit(credits, "PriceGuardScheduled")
        .withArgs(await next.getAddress(), 1);
      await credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
      expect(await credits.balanceOf(alice)).to.equal(CREDITS);
      await toEpoch(credits, 1);
      await credits.connect(alice).mintExactIn(TOKENS, 0, alice, NEVER);
      expect(await credits.balanceOf(alice)).to.equal(3n * CREDITS);
      expect(creditsFor(TOKENS, 2n * PRICE_E8)).to.equal(2n * CREDITS);
    });
  });

  describe("setSpender", () => {
    it("reverts for anyone but the manager's admin, and for zero", async () => {
      const { credits, alice } = await loadFixture(creditsFixture);
      await expect(credits.connect(alice).setSpender(alice, true)).to.be.revertedWithCustomError(
        credits,
        "AccessManagedUnauthorized",
      );
      await expect(credits.setSpender(ZeroAddress, true)).to.be.revertedWithCustomError(
        credits,
        "DataCreditsZeroAddress",
      );
    });

    it("allows and forbids", async () => {
      const { credits, alice, bob } = await loadFixture(minted);
      await expect(credits.setSpender(bob, true)).to.emit(credits, "SpenderSet").withArgs(bob.address, true);
      expect(await credits.isSpender(bob)).to.equal(true);
      await credits.setSpender(bob, false);
      await expect(credits.connect(bob).spendFrom(alice, 1, 1)).to.be.revertedWithCustomError(
        credits,
        "DataCreditsNotSpender",
      );
    });
  });
});
