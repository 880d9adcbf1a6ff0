import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { AbiCoder, keccak256, MaxUint256, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

const DON = 7;
const MIN_BOND = 1_000n;
const DELAY = 86_400;
const MAX_UINT64 = 2n ** 64n - 1n;

interface Member {
  account: string;
  signer: string;
  endpoint: string;
}

const address = (n: number): string => ethers.getAddress(`0x${n.toString(16).padStart(40, "0")}`);

async function fixture() {
  const [admin, ...accounts] = await ethers.getSigners();
  const manager = await ethers.deployContract("AccessManager", [admin!.address]);
  const token = await ethers.deployContract("NetworkToken__MockForSettlement");
  const registry = await ethers.deployContract("CommitteeRegistry", [
    manager.target,
    token.target,
    DON,
    MIN_BOND,
    DELAY,
  ]);
  for (const account of accounts.slice(0, 8)) {
    await token.mint(account.address, 10_000n);
    await token.connect(account).approve(registry.target, MaxUint256);
    await registry.connect(account).postBond(MIN_BOND);
  }
  const members = (from: number, to: number, signers = 100): Member[] =>
    accounts.slice(from, to).map((a, i) => ({
      account: a.address,
      signer: address(signers + from + i),
      endpoint: `https://node${from + i}.example`,
    }));
  return { registry, token, manager, accounts, members };
}

describe("CommitteeRegistry", () => {
  describe("constructor", () => {
    it("when the token is zero, it reverts", async () => {
      const { manager, registry } = await loadFixture(fixture);
      await expect(ethers.deployContract("CommitteeRegistry", [manager.target, ZeroAddress, DON, MIN_BOND, DELAY]))
        .to.be.revertedWithCustomError(registry, "CommitteeBadAccount")
        .withArgs(ZeroAddress);
    });

    it("keeps its parameters", async () => {
      const { registry, token } = await loadFixture(fixture);
      expect(await registry.token()).to.equal(token.target);
      expect(await registry.minBond()).to.equal(MIN_BOND);
      expect(await registry.bondDelay()).to.equal(DELAY);
      expect((await registry.config()).donId).to.equal(DON);
      expect((await registry.config()).version).to.equal(0);
    });
  });

  describe("postBond", () => {
    it("when the amount is zero, it reverts", async () => {
      const { registry, accounts } = await loadFixture(fixture);
      await expect(registry.connect(accounts[0]).postBond(0)).to.be.revertedWithCustomError(
        registry,
        "CommitteeZeroAmount",
      );
    });

    it("takes the tokens", async () => {
      const { registry, token, accounts } = await loadFixture(fixture);
      const account = accounts[0]!;
      const call = registry.connect(account).postBond(500n);
      await expect(call)
        .to.emit(registry, "BondPosted")
        .withArgs(account.address, 500n, MIN_BOND + 500n);
      await expect(call).to.changeTokenBalances(token, [account, registry], [-500n, 500n]);
      expect(await registry.bondOf(account.address)).to.equal(MIN_BOND + 500n);
    });
  });

  describe("withdrawBond", () => {
    it("when nothing is bonded, it reverts", async () => {
      const { registry, accounts } = await loadFixture(fixture);
      await expect(registry.connect(accounts[10]).withdrawBond()).to.be.revertedWithCustomError(
        registry,
        "CommitteeZeroAmount",
      );
    });

    it("when the account never was a member, it pays at once, once", async () => {
      const { registry, token, accounts } = await loadFixture(fixture);
      const account = accounts[0]!;
      const call = registry.connect(account).withdrawBond();
      await expect(call).to.emit(registry, "BondWithdrawn").withArgs(account.address, MIN_BOND);
      await expect(call).to.changeTokenBalances(token, [account, registry], [MIN_BOND, -MIN_BOND]);
      await expect(registry.connect(account).withdrawBond()).to.be.revertedWithCustomError(
        registry,
        "CommitteeZeroAmount",
      );
    });

    it("when it is a member, it reverts", async () => {
      const { registry, accounts, members } = await loadFixture(fixture);
      await registry.setCommittee(1, members(0, 4));
      await time.increase(10 * DELAY);
      await expect(registry.connect(accounts[0]).withdrawBond())
        .to.be.revertedWithCustomError(registry, "CommitteeBondLocked")
        .withArgs(accounts[0]!.address, MAX_UINT64);
    });

    it("when it left, it waits for bondDelay", async () => {
      const { registry, token, accounts, members } = await loadFixture(fixture);
      const account = accounts[0]!;
      await registry.setCommittee(1, members(0, 4));
      await registry.setCommittee(1, members(1, 5));
      const freeAt = (await time.latest()) + DELAY;
      await time.setNextBlockTimestamp(freeAt - 1);
      await expect(registry.connect(account).withdrawBond())
        .to.be.revertedWithCustomError(registry, "CommitteeBondLocked")
        .withArgs(account.address, freeAt);
      await time.setNextBlockTimestamp(freeAt);
      await expect(registry.connect(account).withdrawBond()).to.changeTokenBalance(token, account, MIN_BOND);
    });

    it("when it left and came back, it is locked again, and later committees do not move the time of one that left", async () => {
      const { registry, accounts, members } = await loadFixture(fixture);
      await registry.setCommittee(1, members(0, 4));
      await registry.setCommittee(1, members(1, 5));
      const left = await time.latest();
      await registry.setCommittee(1, members(1, 5));
      await expect(registry.connect(accounts[0]).withdrawBond())
        .to.be.revertedWithCustomError(registry, "CommitteeBondLocked")
        .withArgs(accounts[0]!.address, left + DELAY);
      await registry.setCommittee(1, members(0, 4));
      await time.increase(2 * DELAY);
      await expect(registry.connect(accounts[0]).withdrawBond())
        .to.be.revertedWithCustomError(registry, "CommitteeBondLocked")
        .withArgs(accounts[0]!.address, MAX_UINT64);
    });
  });

  describe("setSlasher", () => {
    it("when the caller is not the timelock, it reverts", async () => {
      const { registry, accounts } = await loadFixture(fixture);
      await expect(registry.connect(accounts[0]).setSlasher(accounts[0]!))
        .to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized")
        .withArgs(accounts[0]!.address);
    });

    it("names who may slash", async () => {
      const { registry, accounts } = await loadFixture(fixture);
      await expect(registry.setSlasher(accounts[9]!)).to.emit(registry, "SlasherSet").withArgs(accounts[9]);
      expect(await registry.slasher()).to.equal(accounts[9]);
    });
  });

  describe("slash", () => {
    const KEY = ethers.id("fault");

    async function slashing() {
      const f = await fixture();
      const [slasher, bounty] = [f.accounts[9]!, f.accounts[10]!];
      await f.registry.setSlasher(slasher);
      return { ...f, slasher, bounty, by: f.registry.connect(slasher) };
    }

    it("when the caller is not the slasher, it reverts", async () => {
      const { registry, accounts, bounty } = await loadFixture(slashing);
      const { address } = accounts[0]!;
      await expect(registry.connect(accounts[0]).slash(address, 1n, KEY, bounty))
        .to.be.revertedWithCustomError(registry, "CommitteeNotSlasher")
        .withArgs(address);
      await registry.setSlasher(ZeroAddress);
      await expect(registry.connect(accounts[9]).slash(address, 1n, KEY, bounty))
        .to.be.revertedWithCustomError(registry, "CommitteeNotSlasher")
        .withArgs(accounts[9]!.address);
    });

    it("when the fault is slashed, it reverts, whoever is named", async () => {
      const { registry, accounts, bounty, by } = await loadFixture(slashing);
      await by.slash(accounts[0]!, 1n, KEY, bounty);
      expect(await registry.isFaultSlashed(KEY)).to.equal(true);
      await expect(by.slash(accounts[1]!, 1n, KEY, bounty))
        .to.be.revertedWithCustomError(registry, "CommitteeFaultAlreadySlashed")
        .withArgs(KEY);
    });

    it("takes what is asked, a tenth of it as bounty rounded down, and burns the rest", async () => {
      const { registry, token, accounts, bounty, by } = await loadFixture(slashing);
      const supply = await token.totalSupply();
      const call = by.slash(accounts[0]!, 109n, KEY, bounty);
      await expect(call).to.emit(registry, "BondSlashed").withArgs(accounts[0], KEY, 109n, bounty, 10n);
      await expect(call).to.changeTokenBalances(token, [registry, bounty], [-109n, 10n]);
      expect(await token.totalSupply()).to.equal(supply - 99n);
      expect(await registry.bondOf(accounts[0]!)).to.equal(MIN_BOND - 109n);
    });

    it("takes no more than the bond, and nothing from nothing", async () => {
      const { registry, token, accounts, bounty, by } = await loadFixture(slashing);
      expect(await by.slash.staticCall(accounts[0]!, MaxUint256, KEY, bounty)).to.equal(MIN_BOND);
      await expect(by.slash(accounts[0]!, MaxUint256, KEY, bounty)).to.changeTokenBalances(
        token,
        [registry, bounty],
        [-MIN_BOND, MIN_BOND / 10n],
      );
      await expect(by.slash(accounts[0]!, 5n, ethers.id("another"), bounty))
        .to.emit(registry, "BondSlashed")
        .withArgs(accounts[0], ethers.id("another"), 0n, bounty, 0n);
      expect(await token.balanceOf(registry)).to.equal(7n * MIN_BOND);
    });

    it("without a receiver, everything is burned", async () => {
      const { registry, token, accounts, by } = await loadFixture(slashing);
      const supply = await token.totalSupply();
      await by.slash(accounts[0]!, MIN_BOND, KEY, ZeroAddress);
      expect(await token.totalSupply()).to.equal(supply - MIN_BOND);
      expect(await token.balanceOf(registry)).to.equal(7n * MIN_BOND);
    });

    it("reaches a member that left until its bond is free, and what is left is paid", async () => {
      const { registry, token, accounts, members, bounty, by } = await loadFixture(slashing);
      const account = accounts[0]!;
      await registry.setCommittee(1, members(0, 4));
      await registry.setCommittee(1, members(1, 5));
      await time.increase(DELAY - 2);
      await by.slash(account, 400n, KEY, bounty);
      await time.increase(DELAY);
      await expect(registry.connect(account).withdrawBond()).to.changeTokenBalance(token, account, MIN_BOND - 400n);
    });
  });

  describe("setCommittee", () => {
    it("when the caller is not the timelock, it reverts", async () => {
      const { registry, accounts, members } = await loadFixture(fixture);
      await expect(registry.connect(accounts[0]).setCommittee(1, members(0, 4)))
        .to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized")
        .withArgs(accounts[0]!.address);
    });

    it("when the size is wrong, it reverts", async () => {
      const { registry, members } = await loadFixture(fixture);
      const many = Array.from({ length: 32 }, (_, i) => ({
        account: address(i + 1),
        signer: address(i + 100),
        endpoint: "",
      }));
      for (const [f, list] of [
        [0, members(0, 4)],
        [1, members(0, 3)],
        [2, members(0, 6)],
        [85, members(0, 4)],
        [1, many],
        [1, []],
      ] as const) {
        await expect(registry.setCommittee(f, [...list]))
          .to.be.revertedWithCustomError(registry, "CommitteeBadSize")
          .withArgs(list.length, f);
      }
    });

    it("when an account is zero or listed twice, it reverts", async () => {
      const { registry, members } = await loadFixture(fixture);
      const list = members(0, 4);
      for (const account of [ZeroAddress, list[0]!.account]) {
        await expect(registry.setCommittee(1, [...list.slice(0, 3), { ...list[3]!, account }]))
          .to.be.revertedWithCustomError(registry, "CommitteeBadAccount")
          .withArgs(account);
      }
    });

    it("when a bond is too small, it reverts", async () => {
      const { registry, accounts, members } = await loadFixture(fixture);
      const list = [...members(0, 3), ...members(8, 9)];
      await expect(registry.setCommittee(1, list))
        .to.be.revertedWithCustomError(registry, "CommitteeBondTooSmall")
        .withArgs(accounts[8]!.address, 0, MIN_BOND);
    });

    it("when a signer is zero, listed twice or another account's, it reverts", async () => {
      const { registry, members } = await loadFixture(fixture);
      const list = members(0, 4);
      await registry.setCommittee(1, list);
      const next = members(4, 8);
      for (const signer of [ZeroAddress, next[0]!.signer, list[2]!.signer]) {
        await expect(registry.setCommittee(1, [...next.slice(0, 3), { ...next[3]!, signer }]))
          .to.be.revertedWithCustomError(registry, "CommitteeBadSigner")
          .withArgs(signer);
      }
    });

    it("stores members and configuration, and counts the version up", async () => {
      const { registry, accounts, members } = await loadFixture(fixture);
      for (const [version, list] of [
        [1, members(0, 4)],
        [2, members(2, 6)],
      ] as const) {
        const signers = list.map((m) => m.signer);
        const hash = keccak256(
          AbiCoder.defaultAbiCoder().encode(["uint32", "uint32", "uint8", "address[]"], [DON, version, 1, signers]),
        );
        expect(await registry.setCommittee.staticCall(1, list)).to.equal(version);
        const call = registry.setCommittee(1, list);
        await expect(call).to.emit(registry, "CommitteeSet").withArgs(DON, version, 1, signers, hash);
        for (const m of list) {
          await expect(call).to.emit(registry, "MemberListed").withArgs(m.account, m.signer, m.endpoint, version);
        }
        const since = BigInt(await time.latest());
        expect(await registry.config()).to.deep.equal([BigInt(DON), BigInt(version), 1n, since, hash]);
        expect(await registry.members()).to.deep.equal(list.map((m) => [m.account, m.signer, m.endpoint]));
        for (const m of list) expect(await registry.accountOfSigner(m.signer)).to.equal(m.account);
      }
      expect(await registry.isMember(accounts[1]!.address)).to.equal(false);
      expect(await registry.isMember(accounts[2]!.address)).to.equal(true);
      expect(await registry.isMember(accounts[5]!.address)).to.equal(true);
      expect(await registry.isMember(accounts[9]!.address)).to.equal(false);
    });

    it("when a member changes its signer, both keys stay its own", async () => {
      const { registry, members } = await loadFixture(fixture);
      const old = members(0, 4);
      await registry.setCommittee(1, old);
      const rotated = members(0, 4, 200);
      await registry.setCommittee(1, rotated);
      for (const m of [...old, ...rotated]) expect(await registry.accountOfSigner(m.signer)).to.equal(m.account);
      await registry.setCommittee(1, old);
      expect((await registry.config()).version).to.equal(3);
    });

    it("gives a configuration that the forwarder takes, with 31 members as well", async () => {
      const { registry, token, accounts } = await loadFixture(fixture);
      const list: Member[] = [];
      for (let i = 0; i < 31; i++) {
        const account = ethers.Wallet.createRandom(ethers.provider);
        await accounts[0]!.sendTransaction({ to: account.address, value: 10n ** 18n });
        await token.mint(account.address, MIN_BOND);
        await token.connect(account).approve(registry.target, MIN_BOND);
        await registry.connect(account).postBond(MIN_BOND);
        list.push({ account: account.address, signer: address(1_000 + i), endpoint: `https://node-${i}.example:8443` });
      }
      await registry.setCommittee(10, list, { gasLimit: 10_000_000 });
      const { donId, version, f } = await registry.config();
      const signers = (await registry.members()).map((m) => m.signer);
      const forwarder = await ethers.deployContract("KeystoneForwarder");
      await expect(forwarder.setConfig(donId, version, f, signers))
        .to.emit(forwarder, "ConfigSet")
        .withArgs(DON, 1, 10, signers);
    });
  });
});
