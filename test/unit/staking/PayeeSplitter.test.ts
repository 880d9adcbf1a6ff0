import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";

describe("PayeeSplitter", () => {
  /** owner 70 %, host 20 %, operator 9.99 %, another 0.01 %. */
  async function fixture() {
    const [caller, owner, host, operator, other] = await ethers.getSigners();
    const payees = [owner!, host!, operator!, other!];
    const parts = [7_000, 2_000, 999, 1].map((bps, i) => ({ payee: payees[i]!.address, bps }));
    const factory = await ethers.deployContract("PayeeSplitterFactory");
    const token = await ethers.deployContract("Token__RefusingForStaking");
    await factory.create(parts);
    const splitter = await ethers.getContractAt("PayeeSplitter", await factory.addressOf(parts));
    return { caller: caller!, payees, parts, factory, token, splitter };
  }

  describe("factory", () => {
    it("create reverts for no or nine parts, a zero payee, a zero part, a sum that is not 10000", async () => {
      const { factory, payees } = await loadFixture(fixture);
      const part = (bps: number, payee = payees[0]!.address) => ({ payee, bps });
      const nine = Array.from({ length: 9 }, () => part(1_111));
      for (const [parts, error, value] of [
        [[], "SplitterBadParts", 0],
        [nine, "SplitterBadParts", 9],
        [[part(9_999), part(1, ethers.ZeroAddress)], "SplitterBadPart", 1],
        [[part(0), part(10_000)], "SplitterBadPart", 0],
        [[part(9_999)], "SplitterBadSum", 9_999],
        [[part(10_000), part(1)], "SplitterBadSum", 10_001],
      ] as const) {
        await expect(factory.create(parts)).to.be.revertedWithCustomError(factory, error).withArgs(value);
        await expect(factory.addressOf(parts)).to.be.revertedWithCustomError(factory, error).withArgs(value);
      }
      await factory.create(Array.from({ length: 8 }, () => part(1_250)));
    });

    it("makes the same list once, where it said it would", async () => {
      const { factory, parts, splitter } = await loadFixture(fixture);
      const turned = [...parts].reverse();
      const at = await factory.addressOf(turned);
      expect(at).not.to.equal(await splitter.getAddress());
      await expect(factory.create(turned)).to.emit(factory, "SplitterCreated");
      await expect(factory.create(turned)).not.to.emit(factory, "SplitterCreated");
      expect(await factory.create.staticCall(turned)).to.equal(at);
      const made = await ethers.getContractAt("PayeeSplitter", at);
      expect(await made.parts()).to.deep.equal(turned.map((p) => [p.payee, BigInt(p.bps)]));
    });

    it("the implementation itself pays nobody", async () => {
      const { factory, token } = await loadFixture(fixture);
      const bare = await ethers.getContractAt("PayeeSplitter", await factory.implementation());
      await token.mint(bare, 5);
      await expect(bare.release(token)).to.be.reverted;
      expect(await token.balanceOf(bare)).to.equal(5n);
    });
  });

  describe("release", () => {
    it("pays each its part of what arrived, to the wei, whoever calls", async () => {
      const { caller, payees, token, splitter } = await loadFixture(fixture);
      await token.mint(splitter, 10_003);
      expect(await splitter.dueOf(token, 0)).to.equal(7_002n);
      const tx = splitter.connect(caller).release(token);
      await expect(tx).to.changeTokenBalances(token, [...payees, splitter], [7_002, 2_000, 999, 1, -10_002]);
      await expect(tx)
        .to.emit(splitter, "Released")
        .withArgs(await token.getAddress(), payees[0]!.address, 7_002);
      expect(await splitter.totalReleased(token)).to.equal(10_002n);
      await expect(splitter.release(token)).not.to.emit(splitter, "Released");
    });

    it("in any number of parts gives what one release gives, and keeps less than a wei a part", async () => {
      const { payees, parts, token, factory } = await loadFixture(fixture);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 12 }), async (arrivals) => {
          const salt = parts.map((p, i) => (i === 3 ? { payee: ethers.Wallet.createRandom().address, bps: p.bps } : p));
          await factory.create(salt);
          const splitter = await ethers.getContractAt("PayeeSplitter", await factory.addressOf(salt));
          const before = await Promise.all(payees.slice(0, 3).map((p) => token.balanceOf(p)));
          let total = 0n;
          for (const [i, arrival] of arrivals.entries()) {
            await token.mint(splitter, arrival);
            total += BigInt(arrival);
            if (i % 2 === 0) await splitter.release(token);
            else if ((await splitter.dueOf(token, i % 3)) > 0n) await splitter.releaseTo(token, i % 3);
          }
          await splitter.release(token);
          for (const [i, part] of salt.entries()) {
            const had = i < 3 ? before[i]! : 0n;
            expect((await token.balanceOf(part.payee)) - had).to.equal((total * BigInt(part.bps)) / 10_000n);
          }
          expect(await token.balanceOf(splitter)).to.be.lessThan(4n);
        }),
        { seed: 20_805, numRuns: 10, endOnFailure: true },
      );
    });

    it("pays the others when a payee cannot be paid, and that one later", async () => {
      const { payees, token, splitter } = await loadFixture(fixture);
      await token.refuse(payees[1]!);
      await token.mint(splitter, 10_000);
      const tx = splitter.release(token);
      await expect(tx).to.changeTokenBalances(token, [...payees, splitter], [7_000, 0, 999, 1, -8_000]);
      await expect(tx)
        .to.emit(splitter, "ReleaseFailed")
        .withArgs(await token.getAddress(), payees[1]!.address, 2_000);
      await token.mint(splitter, 10_000);
      await splitter.release(token);
      await token.refuse(ethers.ZeroAddress);
      await expect(splitter.release(token)).to.changeTokenBalances(token, [payees[1]!, splitter], [4_000, -4_000]);
    });
  });

  describe("releaseTo", () => {
    it("reverts for an unknown part and for nothing due", async () => {
      const { token, splitter } = await loadFixture(fixture);
      await expect(splitter.releaseTo(token, 4))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownPart")
        .withArgs(4);
      await expect(splitter.releaseTo(token, 0))
        .to.be.revertedWithCustomError(splitter, "SplitterNothingDue")
        .withArgs(await token.getAddress(), 0);
      expect(await splitter.dueOf(token, 4)).to.equal(0n);
    });

    it("pays one part only", async () => {
      const { payees, token, splitter } = await loadFixture(fixture);
      await token.mint(splitter, 10_000);
      await expect(splitter.releaseTo(token, 2)).to.changeTokenBalances(
        token,
        [...payees, splitter],
        [0, 0, 999, 0, -999],
      );
      expect(await splitter.released(token, 2)).to.equal(999n);
    });
  });
});
