import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import { CAP, DAY, HOLDING, NEVER, signPermit, tokenFixture, TOKEN_NAME, TOKEN_SYMBOL } from "../../helpers/money";

const { ZeroAddress, parseEther } = ethers;

describe("NetworkToken", () => {
  const line = (beneficiary: string, amount: bigint, vestingStart = 0, vestingDuration = 0) => ({
    beneficiary,
    amount,
    vestingStart,
    vestingDuration,
  });

  async function withMinter() {
    const f = await tokenFixture();
    await f.token.setMinter(f.bob);
    return f;
  }

  describe("constructor", () => {
    it("reverts for a manager, a cap, a beneficiary or an amount of zero", async () => {
      const { token, manager, alice } = await loadFixture(tokenFixture);
      const bad: [string, bigint, ReturnType<typeof line>[]][] = [
        [ZeroAddress, CAP, []],
        [await manager.getAddress(), 0n, []],
        [await manager.getAddress(), CAP, [line(ZeroAddress, 1n)]],
        [await manager.getAddress(), CAP, [line(alice.address, 1n), line(alice.address, 0n)]],
      ];
      for (const [authority, cap, genesis] of bad) {
        await expect(
          ethers.deployContract("NetworkToken", [authority, "T", "T", cap, genesis]),
        ).to.be.revertedWithCustomError(token, "NetworkTokenZeroArgument");
      }
    });

    it("reverts when genesis is above the cap", async () => {
      const { token, manager, alice, bob } = await loadFixture(tokenFixture);
      const genesis = [line(alice.address, CAP - 1n), line(bob.address, 2n)];
      await expect(ethers.deployContract("NetworkToken", [manager, "T", "T", CAP, genesis]))
        .to.be.revertedWithCustomError(token, "NetworkTokenCapExceeded")
        .withArgs(CAP + 1n, CAP);
      genesis[1] = line(bob.address, 1n);
      const full = await ethers.deployContract("NetworkToken", [manager, "T", "T", CAP, genesis]);
      expect(await full.totalSupply()).to.equal(CAP);
    });

    it("mints a liquid line to its beneficiary", async () => {
      const { token, manager, alice } = await loadFixture(tokenFixture);
      expect(await token.name()).to.equal(TOKEN_NAME);
      expect(await token.symbol()).to.equal(TOKEN_SYMBOL);
      expect(await token.cap()).to.equal(CAP);
      expect(await token.authority()).to.equal(await manager.getAddress());
      expect(await token.minter()).to.equal(ZeroAddress);
      expect(await token.balanceOf(alice)).to.equal(HOLDING);
      expect(await token.genesisSupply()).to.equal(2n * HOLDING);
      expect(await token.totalSupply()).to.equal(2n * HOLDING);
      await expect(token.deploymentTransaction())
        .to.emit(token, "GenesisAllocated")
        .withArgs(alice.address, alice.address, HOLDING);
    });

    it("mints a vested line to a VestingWallet of its beneficiary", async () => {
      const { manager, alice } = await loadFixture(tokenFixture);
      const start = (await time.latest()) + 10 * DAY;
      const genesis = [line(alice.address, 1000n, start, 100 * DAY)];
      const token = await ethers.deployContract("NetworkToken", [manager, "T", "T", CAP, genesis]);
      const [event] = await token.queryFilter(token.filters.GenesisAllocated(alice));
      const wallet = await ethers.getContractAt("VestingWallet", event!.args.holder);

      expect(await wallet.owner()).to.equal(alice.address);
      expect(await token.balanceOf(wallet)).to.equal(1000n);
      expect(await token.balanceOf(alice)).to.equal(0n);
      await wallet["release(address)"](token);
      expect(await token.balanceOf(alice)).to.equal(0n);

      await time.increaseTo(start + 25 * DAY);
      await wallet["release(address)"](token);
      expect(await token.balanceOf(alice)).to.equal(250n);
      await time.increaseTo(start + 100 * DAY);
      await wallet["release(address)"](token);
      expect(await token.balanceOf(alice)).to.equal(1000n);
      expect(await token.balanceOf(wallet)).to.equal(0n);
    });

    it("starts the vesting of a line without a start at deployment", async () => {
      const { manager, alice } = await loadFixture(tokenFixture);
      const genesis = [line(alice.address, 1000n, 0, DAY)];
      const token = await ethers.deployContract("NetworkToken", [manager, "T", "T", CAP, genesis]);
      const [event] = await token.queryFilter(token.filters.GenesisAllocated(alice));
      const wallet = await ethers.getContractAt("VestingWallet", event!.args.holder);
      expect(await wallet.start()).to.equal(await time.latest());
      expect(await wallet.duration()).to.equal(DAY);
    });

    it("may have no genesis at all", async () => {
      const { manager } = await loadFixture(tokenFixture);
      const token = await ethers.deployContract("NetworkToken", [manager, "T", "T", CAP, []]);
      expect(await token.totalSupply()).to.equal(0n);
      expect(await token.genesisSupply()).to.equal(0n);
    });
  });

  describe("mint", () => {
    it("reverts for anyone but the minter", async () => {
      const { token, admin, alice } = await loadFixture(tokenFixture);
      for (const who of [admin, alice]) {
        await expect(token.connect(who).mint(alice, 1))
          .to.be.revertedWithCustomError(token, "NetworkTokenNotMinter")
          .withArgs(who.address);
      }
    });

    it("reverts above the cap", async () => {
      const { token, alice, bob } = await loadFixture(withMinter);
      await expect(token.connect(bob).mint(alice, CAP - 2n * HOLDING + 1n))
        .to.be.revertedWithCustomError(token, "NetworkTokenCapExceeded")
        .withArgs(CAP + 1n, CAP);
    });

    it("mints up to the cap, and again what was burned", async () => {
      const { token, alice, bob } = await loadFixture(withMinter);
      await token.connect(bob).mint(alice, CAP - 2n * HOLDING);
      expect(await token.totalSupply()).to.equal(CAP);
      expect(await token.balanceOf(alice)).to.equal(CAP - HOLDING);
      await token.connect(bob).burn(5);
      await token.connect(bob).mint(alice, 5);
      await expect(token.connect(bob).mint(alice, 1)).to.be.revertedWithCustomError(token, "NetworkTokenCapExceeded");
      expect(await token.totalSupply()).to.equal(CAP);
    });
  });

  describe("burn", () => {
    it("takes from balance and supply, never from genesisSupply", async () => {
      const { token, alice } = await loadFixture(tokenFixture);
      await token.connect(alice).burn(7);
      expect(await token.balanceOf(alice)).to.equal(HOLDING - 7n);
      expect(await token.totalSupply()).to.equal(2n * HOLDING - 7n);
      expect(await token.genesisSupply()).to.equal(2n * HOLDING);
    });
  });

  describe("burnFrom", () => {
    it("reverts beyond the allowance", async () => {
      const { token, alice, bob } = await loadFixture(tokenFixture);
      await token.connect(alice).approve(bob, 6);
      await expect(token.connect(bob).burnFrom(alice, 7))
        .to.be.revertedWithCustomError(token, "ERC20InsufficientAllowance")
        .withArgs(bob.address, 6, 7);
    });

    it("takes from balance, supply and allowance", async () => {
      const { token, alice, bob } = await loadFixture(tokenFixture);
      await token.connect(alice).approve(bob, 10);
      await token.connect(bob).burnFrom(alice, 7);
      expect(await token.balanceOf(alice)).to.equal(HOLDING - 7n);
      expect(await token.totalSupply()).to.equal(2n * HOLDING - 7n);
      expect(await token.allowance(alice, bob)).to.equal(3n);
    });
  });

  describe("permit", () => {
    it("sets an allowance by signature", async () => {
      const { token, alice, bob } = await loadFixture(tokenFixture);
      const { v, r, s } = await signPermit(token, alice, bob, parseEther("3"), NEVER);
      await token.connect(bob).permit(alice, bob, parseEther("3"), NEVER, v, r, s);
      expect(await token.allowance(alice, bob)).to.equal(parseEther("3"));
    });
  });

  describe("setMinter", () => {
    it("reverts for anyone but the manager's admin", async () => {
      const { token, alice } = await loadFixture(tokenFixture);
      await expect(token.connect(alice).setMinter(alice))
        .to.be.revertedWithCustomError(token, "AccessManagedUnauthorized")
        .withArgs(alice.address);
    });

    it("reverts for zero", async () => {
      const { token } = await loadFixture(tokenFixture);
      await expect(token.setMinter(ZeroAddress)).to.be.revertedWithCustomError(token, "NetworkTokenZeroArgument");
    });

    it("replaces the minter", async () => {
      const { token, alice, bob } = await loadFixture(withMinter);
      await expect(token.setMinter(alice)).to.emit(token, "MinterSet").withArgs(alice.address);
      expect(await token.minter()).to.equal(alice.address);
      await expect(token.connect(bob).mint(bob, 1)).to.be.revertedWithCustomError(token, "NetworkTokenNotMinter");
    });
  });
});
