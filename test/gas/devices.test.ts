import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { ethers } from "hardhat";
import {
  CHALLENGE_EPOCHS,
  devicesOnRealCreditsFixture,
  makeDevice,
  MODEL_BOND,
  nextEpoch,
  signOnboarding,
  sparseBatch,
} from "../helpers/devices";
import { expectGas } from "../helpers/gas";
import { DEADLINE, keyChange, lifeFixture, signChange, signLife, signOffer } from "../helpers/life";

const HEIGHT = 20;
const INDEX = 0xaaaab;

describe("gas: devices @gas", () => {
  /**
   * Devices at odd places of batches of 2^20. One device is onboarded, so that nothing but the owner is new: the
   * sub-network and the sponsor have spent credits in this epoch, and the sponsor has some left.
   */
  async function fixture() {
    const f = await devicesOnRealCreditsFixture();
    /** The argument of `onboard` for a fresh device of a fresh batch. */
    async function fresh(owner: string, operatorId = 0n) {
      const device = makeDevice();
      const { root, count, index, proof } = sparseBatch(device, INDEX, HEIGHT);
      await f.makers.license(f.maker.address, 2 ** 31);
      await f.makers.connect(f.maker).postBatch(1, root, count, ethers.ZeroHash);
      const batchId = await f.makers.connect(f.maker).postBatch.staticCall(1, root, count, ethers.ZeroHash);
      return signOnboarding(device, {
        registry: f.registry,
        owner,
        batchId: batchId - 1n,
        index,
        proof,
        operatorId,
      });
    }
    await f.registry.connect(f.alice).onboard(await fresh(f.alice.address));
    return { ...f, fresh, first: INDEX + 1 };
  }

  it("onboards with a 2^20 proof and P-256: ≤ 135,000, an owner's first ≤ 152,000", async () => {
    const { registry, alice, bob, fresh } = await loadFixture(fixture);
    const next = await fresh(alice.address);
    await expectGas("onboard, 2^20 leaves", registry.connect(alice).onboard(next), 135_000);
    const first = await fresh(bob.address);
    await expectGas("onboard, 2^20 leaves, an owner's first", registry.connect(alice).onboard(first), 152_000);
  });

  it("onboards and attaches: again ≤ 190,000, first of the operator in an epoch ≤ 205,000", async () => {
    const { registry, alice, fresh } = await loadFixture(fixture);
    await nextEpoch(registry);
    await registry.connect(alice).onboard(await fresh(alice.address));
    const first = await fresh(alice.address, 1n);
    const attach = "onboard and attach, 2^20 leaves";
    await expectGas(`${attach}, the operator's first of the epoch`, registry.connect(alice).onboard(first), 205_000);
    const again = await fresh(alice.address, 1n);
    await expectGas(attach, registry.connect(alice).onboard(again), 190_000);
  });

  it("transfers a device to a holder: first ≤ 68,000, again ≤ 50,000", async () => {
    const { registry, alice, bob, onboardFor, first } = await loadFixture(fixture);
    await onboardFor(bob);
    const second = await onboardFor(bob);
    await nextEpoch(registry);
    await expectGas("device transfer, first", registry.connect(alice).transferFrom(alice, bob, first), 68_000);
    await registry.connect(bob).transferFrom(bob, alice, second);
    await nextEpoch(registry, CHALLENGE_EPOCHS + 1);
    await expectGas("device transfer, repeat", registry.connect(bob).transferFrom(bob, alice, first), 50_000);
  });

  it("changes a key, recovers and accepts, whatever the fleet: each ≤ 140,000", async () => {
    const { registry, maker, alice, bob, box, id } = await loadFixture(lifeFixture);
    const own = registry.connect(alice);
    const next = makeDevice();
    const change = await keyChange(registry, "rotate", { deviceId: id, owner: alice.address, old: box, box: next });
    const consent = await signChange(registry, maker, alice.address, change, next.keyHash);
    await expectGas("device key, rotate", own.rotate(change, consent), 140_000);
    const recovery = await signLife(registry, next, "recover", { deviceId: id, account: bob.address });
    const request = registry.requestRecovery(id, bob, DEADLINE, next.key, recovery);
    await expectGas("device recovery, request", request, 140_000);
    await nextEpoch(registry, 8);
    await expectGas("device recovery, complete", registry.completeRecovery(id), 140_000);
    const offer = await signOffer(registry, bob, id, alice.address);
    const taking = await signLife(registry, next, "accept", { deviceId: id, account: alice.address });
    await expectGas("device accept", own.accept(id, DEADLINE, offer, next.key, taking), 140_000);
  });

  it("stakes: first in an epoch ≤ 97,000, again ≤ 74,000", async () => {
    const { registry, staking, controller } = await loadFixture(fixture);
    await nextEpoch(registry);
    const operator = staking.connect(controller);
    await expectGas("stake, first of the epoch", operator.stake(1, MODEL_BOND), 97_000);
    await expectGas("stake, repeat", operator.stake(1, MODEL_BOND), 74_000);
  });
});
