import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { asAccount } from "../../helpers/governance";

const LENGTH = 3_600;
const RETRY = 600;
const CALLBACK_GAS = 100_000;
const MAX_VALUE = ethers.parseEther("10");
/** Tag of ExtraArgsV1 ‖ nativePayment = false. */
const EXTRA_ARGS = ethers.concat([ethers.dataSlice(ethers.id("VRF ExtraArgsV1"), 0, 4), ethers.ZeroHash]);
const bytes32 = ethers.encodeBytes32String;

/** Chainlink's coordinator mock with a paid subscription, and a beacon whose period 3 runs. */
async function vrfFixture() {
  const [admin, alice, stranger] = (await ethers.getSigners()) as [
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
  ];
  const manager = await ethers.deployContract("AccessManager", [admin.address]);
  const coordinator = await ethers.deployContract("VRFCoordinatorV2_5Mock", [1, 1, 10n ** 18n]);
  await coordinator.createSubscription();
  const [created] = await coordinator.queryFilter(coordinator.filters.SubscriptionCreated);
  const subscriptionId = created!.args.subId;
  await coordinator.fundSubscription(subscriptionId, 10n ** 24n);
  const terms = {
    keyHash: ethers.id("gas lane"),
    subscriptionId,
    callbackGasLimit: CALLBACK_GAS,
    confirmations: 3,
    nativePayment: false,
  };
  const genesis = BigInt(await time.latest()) + 10n;
  const beacon = await ethers.deployContract("VrfBeacon", [manager, coordinator, terms, genesis, LENGTH, RETRY]);
  await coordinator.addConsumer(subscriptionId, beacon);
  await time.increaseTo(genesis + 3n * BigInt(LENGTH));

  const seedOf = (period: bigint, word: bigint): string =>
    ethers.keccak256(
      ethers.AbiCoder.defaultAbiCoder().encode(["address", "uint64", "uint256"], [beacon.target, period, word]),
    );
  return { admin, alice, stranger, manager, coordinator, terms, genesis, beacon, seedOf };
}

async function blockhashFixture() {
  const genesis = BigInt(await time.latest());
  const beacon = await ethers.deployContract("BlockhashBeacon", [genesis, LENGTH, MAX_VALUE]);
  await time.increaseTo(genesis + 2n * BigInt(LENGTH));
  return { beacon, genesis };
}

describe("RandomBeacon", () => {
  describe("constructor", () => {
    it("reverts for a period or a retry of no length", async () => {
      const { manager, coordinator, terms, beacon } = await loadFixture(vrfFixture);
      for (const [length, retry, name] of [
        [0, RETRY, "length"],
        [LENGTH, 0, "retryAfter"],
      ] as const) {
        await expect(ethers.deployContract("VrfBeacon", [manager, coordinator, terms, 0, length, retry]))
          .to.be.revertedWithCustomError(beacon, "RandomBadParameter")
          .withArgs(bytes32(name), 0);
      }
      expect([await beacon.periodLength(), await beacon.retryAfter(), await beacon.maxValue()]).to.deep.equal([
        BigInt(LENGTH),
        BigInt(RETRY),
        ethers.MaxUint256,
      ]);
    });
  });

  describe("request", () => {
    it("reverts for another period than the running one, and before the first", async () => {
      const { beacon, manager, coordinator, terms } = await loadFixture(vrfFixture);
      for (const period of [2, 4]) {
        await expect(beacon.request(period))
          .to.be.revertedWithCustomError(beacon, "RandomPeriodNotRunning")
          .withArgs(period, 3);
      }
      const later = (await time.latest()) + 1_000;
      const young = await ethers.deployContract("VrfBeacon", [manager, coordinator, terms, later, LENGTH, RETRY]);
      await expect(young.request(0)).to.be.revertedWithCustomError(young, "RandomPeriodNotRunning").withArgs(0, 0);
    });

    it("asks, whoever calls, and reverts while a request is pending", async () => {
      const { beacon, admin, alice, coordinator, terms } = await loadFixture(vrfFixture);
      const call = beacon.connect(alice).request(3);
      await expect(call).to.emit(beacon, "SeedRequested").withArgs(3, 1, alice);
      await expect(call)
        .to.emit(coordinator, "RandomWordsRequested")
        .withArgs(terms.keyHash, 1, 100, terms.subscriptionId, 3, CALLBACK_GAS, 1, EXTRA_ARGS, beacon);
      const retryAt = (await time.latest()) + RETRY;
      await time.setNextBlockTimestamp(retryAt - 1);
      await expect(beacon.request(3))
        .to.be.revertedWithCustomError(beacon, "RandomRequestPending")
        .withArgs(3, retryAt);
      await expect(beacon.request(3)).to.emit(beacon, "SeedRequested").withArgs(3, 2, admin);
    });

    it("asks again when nothing came for retryAfter, at most three times a period", async () => {
      const { beacon } = await loadFixture(vrfFixture);
      for (let i = 0; i < 3; i++) {
        await beacon.request(3);
        await time.increase(RETRY);
      }
      await expect(beacon.request(3)).to.be.revertedWithCustomError(beacon, "RandomTooManyRequests").withArgs(3);
    });

    it("reverts when the seed is known", async () => {
      const { beacon, coordinator } = await loadFixture(vrfFixture);
      await beacon.request(3);
      await coordinator.fulfillRandomWords(1, beacon);
      await time.increase(RETRY);
      await expect(beacon.request(3)).to.be.revertedWithCustomError(beacon, "RandomSeedKnown").withArgs(3);
    });
  });

  describe("an answer", () => {
    it("the first that comes counts, of whichever request; the second is ignored", async () => {
      const { beacon, coordinator, seedOf } = await loadFixture(vrfFixture);
      await beacon.request(3);
      await time.increase(RETRY);
      await beacon.request(3);
      await expect(coordinator.fulfillRandomWordsWithOverride(2, beacon, [77]))
        .to.emit(beacon, "SeedSet")
        .withArgs(3, 2, seedOf(3n, 77n));
      await expect(coordinator.fulfillRandomWordsWithOverride(1, beacon, [78]))
        .to.emit(beacon, "SeedIgnored")
        .withArgs(3, 1);
      expect(await beacon.seedOf(3)).to.equal(seedOf(3n, 77n));
    });

    it("when its period is over, it is ignored: no seed is final", async () => {
      const { beacon, coordinator, genesis } = await loadFixture(vrfFixture);
      await beacon.request(3);
      await time.increaseTo(genesis + 4n * BigInt(LENGTH));
      await expect(coordinator.fulfillRandomWords(1, beacon)).to.emit(beacon, "SeedIgnored").withArgs(3, 1);
      expect([await beacon.seedOf(3), await beacon.seedOf(4)]).to.deep.equal([ethers.ZeroHash, ethers.ZeroHash]);
    });
  });

  describe("seedFor", () => {
    it("reverts without a seed, then gives it, whatever hangs on it", async () => {
      const { beacon, coordinator, seedOf } = await loadFixture(vrfFixture);
      await expect(beacon.seedFor(3, 1)).to.be.revertedWithCustomError(beacon, "RandomNoSeed").withArgs(3);
      await beacon.request(3);
      await coordinator.fulfillRandomWordsWithOverride(1, beacon, [0]);
      expect(await beacon.seedFor(3, ethers.MaxUint256)).to.equal(seedOf(3n, 0n));
    });
  });
});

describe("VrfBeacon", () => {
  describe("constructor and setTerms", () => {
    it("revert for no coordinator and terms out of bounds, by one", async () => {
      const { manager, terms, beacon } = await loadFixture(vrfFixture);
      await expect(ethers.deployContract("VrfBeacon", [manager, ethers.ZeroAddress, terms, 0, LENGTH, RETRY]))
        .to.be.revertedWithCustomError(beacon, "RandomBadParameter")
        .withArgs(bytes32("coordinator"), 0);
      for (const [name, value] of [
        ["callbackGasLimit", 49_999],
        ["callbackGasLimit", 2_500_001],
        ["confirmations", 0],
        ["confirmations", 201],
      ] as const) {
        await expect(beacon.setTerms({ ...terms, [name]: value }))
          .to.be.revertedWithCustomError(beacon, "RandomBadParameter")
          .withArgs(bytes32(name), value);
      }
      const other = { ...terms, callbackGasLimit: 2_500_000, confirmations: 200, nativePayment: true };
      await expect(beacon.setTerms(other)).to.emit(beacon, "TermsSet");
      expect(await beacon.terms()).to.deep.equal(
        Object.values(other).map((v) => (typeof v === "number" ? BigInt(v) : v)),
      );
    });

    it("setTerms reverts for whoever is not the timelock", async () => {
      const { beacon, terms, stranger } = await loadFixture(vrfFixture);
      await expect(beacon.connect(stranger).setTerms(terms))
        .to.be.revertedWithCustomError(beacon, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    });
  });

  describe("rawFulfillRandomWords", () => {
    it("reverts for whoever is not the coordinator, and for a request that is not ours", async () => {
      const { beacon, coordinator, stranger } = await loadFixture(vrfFixture);
      await expect(beacon.connect(stranger).rawFulfillRandomWords(1, [1]))
        .to.be.revertedWithCustomError(beacon, "VrfNotCoordinator")
        .withArgs(stranger, coordinator);
      const as = await asAccount(await coordinator.getAddress());
      await expect(beacon.connect(as).rawFulfillRandomWords(9, [1]))
        .to.be.revertedWithCustomError(beacon, "VrfUnknownRequest")
        .withArgs(9);
    });

    it("takes an answer within the gas it asks for, and pays from the subscription in the coin it says", async () => {
      const { beacon, coordinator, terms } = await loadFixture(vrfFixture);
      await beacon.request(3);
      const call = coordinator.fulfillRandomWords(1, beacon);
      await expect(call).to.emit(coordinator, "RandomWordsFulfilled");
      const [done] = await coordinator.queryFilter(coordinator.filters.RandomWordsFulfilled);
      expect([done!.args.success, done!.args.nativePayment]).to.deep.equal([true, false]);
      expect((await coordinator.getSubscription(terms.subscriptionId)).balance).to.be.below(10n ** 24n);
    });
  });

  describe("setCoordinator", () => {
    it("reverts for whoever is neither the coordinator nor the timelock, its deployer's friends included", async () => {
      const { beacon, stranger } = await loadFixture(vrfFixture);
      await expect(beacon.connect(stranger).setCoordinator(stranger))
        .to.be.revertedWithCustomError(beacon, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    });

    it("moves to the new coordinator: the old one can answer no more", async () => {
      const { beacon, coordinator, admin, stranger } = await loadFixture(vrfFixture);
      await beacon.request(3);
      const as = await asAccount(await coordinator.getAddress());
      await expect(beacon.connect(as).setCoordinator(stranger)).to.emit(beacon, "CoordinatorSet").withArgs(stranger);
      await coordinator.fulfillRandomWords(1, beacon);
      expect(await beacon.seedOf(3)).to.equal(ethers.ZeroHash);
      await expect(beacon.connect(admin).setCoordinator(ethers.ZeroAddress))
        .to.be.revertedWithCustomError(beacon, "RandomBadParameter")
        .withArgs(bytes32("coordinator"), 0);
      await beacon.connect(admin).setCoordinator(coordinator);
      expect(await beacon.coordinator()).to.equal(coordinator);
    });
  });
});

describe("BlockhashBeacon", () => {
  it("refuses every chain but those of development", async () => {
    const harness = await ethers.deployContract("BlockhashBeacon__Harness");
    for (const chain of [1, 10, 137, 80_002, 42_161, 8_453, 11_155_111, 0, 31_336]) {
      await expect(harness.checkChain(chain))
        .to.be.revertedWithCustomError(harness, "BlockhashBeaconPublicChain")
        .withArgs(chain);
    }
    for (const chain of [1_337, 31_337]) await harness.checkChain(chain);
  });

  it("gives a seed at once, once a period", async () => {
    const { beacon } = await loadFixture(blockhashFixture);
    const call = beacon.request(2);
    const { blockNumber } = (await (await call).wait())!;
    const word = BigInt((await ethers.provider.getBlock(blockNumber - 1))!.hash!);
    const seed = ethers.keccak256(
      ethers.AbiCoder.defaultAbiCoder().encode(["address", "uint64", "uint256"], [beacon.target, 2, word]),
    );
    await expect(call).to.emit(beacon, "SeedSet").withArgs(2, 2, seed);
    await expect(beacon.request(2)).to.be.revertedWithCustomError(beacon, "RandomSeedKnown").withArgs(2);
    expect(await beacon.seedFor(2, MAX_VALUE)).to.equal(seed);
  });

  it("refuses more than its value", async () => {
    const { beacon } = await loadFixture(blockhashFixture);
    await beacon.request(2);
    await expect(beacon.seedFor(2, MAX_VALUE + 1n))
      .to.be.revertedWithCustomError(beacon, "RandomValueTooHigh")
      .withArgs(MAX_VALUE + 1n, MAX_VALUE);
  });
});
