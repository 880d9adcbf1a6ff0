import { loadFixture, setCode } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { type BaseContract, type ContractTransactionResponse, FunctionFragment } from "ethers";
import { ethers } from "hardhat";
import {
  batchLeaf,
  type DeviceSignature,
  encodeOnboarding,
  type Hex,
  KEY_SECP256K1,
  keyHash,
} from "../../oracle/codec";
import {
  deployRegistry,
  deviceCount,
  devicesFixture,
  EPOCH,
  FEE,
  makeDevice,
  makeSecp256k1Device,
  MODEL_BOND,
  nextEpoch,
  onboardingMessage,
  signOnboarding,
  SUB,
  type TestDevice,
  twin,
} from "../helpers/devices";
import vectors from "../vectors/encodings.json";

function leafOf(d: TestDevice): Hex {
  return batchLeaf(d.serialHash, d.keyHash);
}

function nodeOf(left: string, right: string): Hex {
  return ethers.keccak256(ethers.concat([left, right])) as Hex;
}

describe("attacks: devices", () => {
  /** A posted batch of one and the terms to onboard it for alice. */
  async function withBox() {
    const f = await devicesFixture();
    const device = makeDevice();
    const { batchId } = await f.postBatch([device]);
    return {
      ...f,
      device,
      terms: { registry: f.registry, owner: f.alice.address, batchId, index: 0, proof: [] as Hex[] },
    };
  }

  /** Device 1 of alice, attached to operator 1. */
  async function withAttachment() {
    const f = await devicesFixture();
    await f.onboardFor(f.alice, makeDevice(), { operatorId: 1n });
    const now = await nextEpoch(f.registry);
    return { ...f, now };
  }

  describe("[A-D1] devices that nobody made, counted or bonded", () => {
    it("[A-D1] a root hides a fourth leaf behind a count of three", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const boxes = [makeDevice(), makeDevice(), makeDevice(), makeDevice()];
      const [a, b, c, d] = boxes.map(leafOf) as [Hex, Hex, Hex, Hex];
      await makers.connect(maker).postBatch(1, nodeOf(nodeOf(a, b), nodeOf(c, d)), 3, ethers.ZeroHash);
      const check = (box: TestDevice, index: number, proof: Hex[]) =>
        makers.checkInclusion(1, index, box.serialHash, box.keyHash, proof);
      expect((await check(boxes[2]!, 2, [d, nodeOf(a, b)])).modelId).to.equal(1n);
      await expect(check(boxes[3]!, 3, [c, nodeOf(a, b)]))
        .to.be.revertedWithCustomError(makers, "BatchProofWrong")
        .withArgs(1, 3);
    });

    it("[A-D1] a root hides a deeper subtree at a counted place", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const boxes = [makeDevice(), makeDevice(), makeDevice()];
      const [a, b, c] = boxes.map(leafOf) as [Hex, Hex, Hex];
      await makers.connect(maker).postBatch(1, nodeOf(nodeOf(a, b), c), 2, ethers.ZeroHash);
      const check = (box: TestDevice, index: number, proof: Hex[]) =>
        makers.checkInclusion(1, index, box.serialHash, box.keyHash, proof);
      expect((await check(boxes[2]!, 1, [nodeOf(a, b)])).modelId).to.equal(1n);
      for (const [box, index, proof] of [
        [boxes[0]!, 0, [b, c]],
        [boxes[1]!, 1, [a, c]],
      ] as const) {
        await expect(check(box, index, [...proof]))
          .to.be.revertedWithCustomError(makers, "BatchProofWrong")
          .withArgs(1, index);
      }
    });

    it("[A-D1] a maker signs more keys than its quota", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.license(maker.address, 3);
      await makers.connect(maker).postBatch(1, ethers.id("a"), 2, ethers.ZeroHash);
      await expect(makers.connect(maker).postBatch(1, ethers.id("b"), 2, ethers.ZeroHash))
        .to.be.revertedWithCustomError(makers, "MakerQuotaExceeded")
        .withArgs(maker.address, 2, 1);
    });

    it("[A-D1] a key of no maker is onboarded", async () => {
      const { registry, makers, alice, terms } = await loadFixture(withBox);
      const own = makeDevice();
      await expect(registry.connect(alice).onboard(await signOnboarding(own, terms)))
        .to.be.revertedWithCustomError(makers, "BatchProofWrong")
        .withArgs(terms.batchId, 0);
      expect(await registry.deviceOfKey(own.keyHash)).to.equal(0n);
    });

    it("[A-D1] a flood is onboarded without burning the fee", async () => {
      const { registry, credits, stranger, device, terms } = await loadFixture(withBox);
      const errors = await ethers.getContractFactory("DataCredits");
      await expect(registry.connect(stranger).onboard(await signOnboarding(device, terms)))
        .to.be.revertedWithCustomError(errors, "DataCreditsInsufficient")
        .withArgs(stranger.address, 0, FEE);
      expect(await credits.totalSpent()).to.equal(0n);
    });

    it("[A-D1] unattached devices are backed nowhere, however many", async () => {
      const { registry, staking, alice, onboardFor } = await loadFixture(devicesFixture);
      for (let i = 0; i < 3; i++) await onboardFor(alice);
      const epoch = await nextEpoch(registry);
      for (const id of [1, 2, 3]) {
        for (const sub of [0, SUB]) expect(await staking.isBackedAt(id, sub, epoch), `${id} in ${sub}`).to.be.false;
      }
    });

    it("[A-D1] one bond backs two devices", async () => {
      const { registry, staking, alice, controller, onboardFor } = await loadFixture(devicesFixture);
      await staking.connect(controller).requestUnbond(1, MODEL_BOND * 9n);
      for (let i = 0; i < 2; i++) await onboardFor(alice);
      await staking.connect(alice).attachDevice(1, SUB, 1);
      await expect(staking.connect(alice).attachDevice(2, SUB, 1))
        .to.be.revertedWithCustomError(staking, "OperatorUnderBonded")
        .withArgs(1, MODEL_BOND, MODEL_BOND * 2n);
      const epoch = await nextEpoch(registry);
      expect(await staking.isBackedAt(2, SUB, epoch)).to.be.false;
    });

    it("[A-D1] an operator takes back the bond that backs a device", async () => {
      const { staking, controller } = await loadFixture(withAttachment);
      await expect(staking.connect(controller).requestUnbond(1, MODEL_BOND * 10n))
        .to.be.revertedWithCustomError(staking, "OperatorUnderBonded")
        .withArgs(1, 0, MODEL_BOND);
      expect((await staking.trancheOf(1, true)).unbondingShares).to.equal(0n);
    });
  });

  describe("[A-D2] state changes by somebody else", () => {
    /** Every mutator with the call of a stranger and the error it must meet; `self` moves only what is the caller's. */
    async function table() {
      const f = await withAttachment();
      const { registry, makers, staking, controller, alice, stranger, maker } = f;
      await staking.connect(controller).requestUnbond(1, 1);
      const terms = { slashCapBps: 10_000, bountyBps: 0, weightMultiple: 1, minDelegation: 1 };
      const [d, m, s] = [registry.connect(stranger), makers.connect(stranger), staking.connect(stranger)];
      const safe3 = "safeTransferFrom(address,address,uint256)";
      const safe4 = "safeTransferFrom(address,address,uint256,bytes)";
      type Row = [BaseContract, string, string, (() => Promise<ContractTransactionResponse>) | "self"];
      const denied = "AccessManagedUnauthorized";
      const rows: Row[] = [
        [registry, "setPayee", "DeviceNotOwner", () => d.setPayee(1, stranger)],
        [registry, "retire", "DeviceNotOwner", () => d.retire(1)],
        [registry, "transferFrom", "NotOwnerNorApproved", () => d.transferFrom(alice, stranger, 1)],
        [registry, safe3, "NotOwnerNorApproved", () => d[safe3](alice, stranger, 1)],
        [registry, safe4, "NotOwnerNorApproved", () => d[safe4](alice, stranger, 1, "0x")],
        [registry, "approve", "NotOwnerNorApproved", () => d.approve(stranger, 1)],
        [registry, "setApprovalForAll", "", "self"],
        [registry, "onboard", "", "self"], // for the owner whom the device's signature names: A-D5
        [registry, "setOnboardingFee", denied, () => d.setOnboardingFee(0)],
        [registry, "setStaking", denied, () => d.setStaking(stranger)],
        [registry, "pause", denied, () => d.pause("0x00000000")],
        [registry, "unpause", denied, () => d.unpause("0x00000000")],
        [registry, "setAuthority", denied, () => d.setAuthority(stranger)],
        [makers, "postBatch", "MakerNotLicensed", () => m.postBatch(1, ethers.id("root"), 1, ethers.ZeroHash)],
        [makers, "postBond", "", "self"],
        [makers, "withdrawBond", "", "self"],
        [makers, "resign", "MakerNotLicensed", () => m.resign()],
        [makers, "license", denied, () => m.license(stranger, 1)],
        [makers, "suspend", denied, () => m.suspend(maker)],
        [makers, "revoke", denied, () => m.revoke(maker)],
        [makers, "certifyModel", denied, () => m.certifyModel(stranger, 1, 1, 1, 0, "fake")],
        [makers, "setModelCap", denied, () => m.setModelCap(1, 1)],
        [makers, "setModelBond", denied, () => m.setModelBond(1, 1)],
        [makers, "setModelExpiry", denied, () => m.setModelExpiry(1, 0)],
        [makers, "pause", denied, () => m.pause("0x00000000")],
        [makers, "unpause", denied, () => m.unpause("0x00000000")],
        [makers, "setAuthority", denied, () => m.setAuthority(stranger)],
        [staking, "acceptOwner", "OperatorNotController", () => s.acceptOwner(1, stranger, true)],
        [staking, "stake", "OperatorNotController", () => s.stake(1, 1)],
        [staking, "requestUnbond", "OperatorNotController", () => s.requestUnbond(1, 1)],
        [staking, "attachDevice", "StakingNotAllowed", () => s.attachDevice(1, SUB + 1, 1)],
        [staking, "attachAtOnboarding", "StakingNotRegistry", () => s.attachAtOnboarding(1, 1, alice, SUB + 1, 1)],
        [staking, "detachDevice", "StakingNotAllowed", () => s.detachDevice(1, SUB)],
        [staking, "createOperator", "", "self"],
        [staking, "release", "", "self"], // pays the controller, whoever calls
        [staking, "setCommission", "OperatorNotController", () => s.setCommission(1, 1)],
        [staking, "delegate", "", "self"],
        [staking, "undelegate", "StakingExceeds", () => s.undelegate(1, 1)],
        [staking, "cancelUnbond", "UnbondingNotOwner", () => s.cancelUnbond(1)],
        [staking, "leaveRetired", "", "self"],
        [staking, "claim", "", "self"], // pays whom it names
        [staking, "distribute", "", "self"],
        [staking, "refreshWeight", "", "self"],
        [staking, "slash", "StakingNotSlasher", () => s.slash(1, 1, ethers.id("fault"), stranger)],
        [staking, "setUnbondingEpochs", denied, () => s.setUnbondingEpochs(100)],
        [staking, "setTerms", denied, () => s.setTerms(terms)],
        [staking, "setSlasher", denied, () => s.setSlasher(stranger)],
        [staking, "setEmissions", denied, () => s.setEmissions(stranger)],
        [staking, "pause", denied, () => s.pause("0x00000000")],
        [staking, "unpause", denied, () => s.unpause("0x00000000")],
        [staking, "setAuthority", denied, () => s.setAuthority(stranger)],
      ];
      return { ...f, rows };
    }

    it("[A-D2] a stranger calls every mutator", async () => {
      const { rows } = await loadFixture(table);
      for (const [contract, name, error, call] of rows) {
        if (call !== "self") await expect(call(), name).to.be.revertedWithCustomError(contract, error);
      }
    });

    it("[A-D2] a mutator is missing from the table", async () => {
      const { rows, registry, makers, staking } = await loadFixture(table);
      for (const contract of [registry, makers, staking] as BaseContract[]) {
        const inAbi = contract.interface.fragments
          .filter((f): f is FunctionFragment => FunctionFragment.isFragment(f) && !f.constant)
          .map((f) => f.selector);
        const inTable = rows
          .filter((r) => r[0] === contract)
          .map((r) => contract.interface.getFunction(r[1])!.selector);
        expect(inTable.sort()).to.deep.equal(inAbi.sort());
      }
    });

    it("[A-D2] a licensed maker posts devices of another maker's model", async () => {
      const { makers, maker, bob } = await loadFixture(devicesFixture);
      await makers.certifyModel(bob.address, 1, MODEL_BOND, 1, 0, "Bob's");
      await expect(makers.connect(maker).postBatch(2, ethers.id("root"), 1, ethers.ZeroHash))
        .to.be.revertedWithCustomError(makers, "ModelNotOfMaker")
        .withArgs(2, maker.address);
    });

    it("[A-D2] the old owner and another operator's controller act on a device", async () => {
      const { registry, staking, alice, bob, carol } = await loadFixture(withAttachment);
      await staking.connect(carol).createOperator();
      await registry.connect(alice).transferFrom(alice, bob, 1);
      for (const other of [alice, carol]) {
        await expect(staking.connect(other).detachDevice(1, SUB))
          .to.be.revertedWithCustomError(staking, "StakingNotAllowed")
          .withArgs(1, other.address);
        await expect(registry.connect(other).setPayee(1, other))
          .to.be.revertedWithCustomError(registry, "DeviceNotOwner")
          .withArgs(1, other.address);
      }
    });
  });

  describe("[A-D4] one key, two devices", () => {
    it("[A-D4] a used key is onboarded again: same message, another batch, after retirement and transfer", async () => {
      const { registry, alice, bob, device, terms, postBatch } = await loadFixture(withBox);
      await registry.connect(alice).onboard(await signOnboarding(device, terms));
      await registry.connect(alice).retire(1);
      await registry.connect(alice).transferFrom(alice, bob, 1);
      const { batchId } = await postBatch([{ ...device, serialHash: ethers.id("another box") as Hex }]);
      const second = { ...device, serialHash: ethers.id("another box") as Hex };
      const renewed = await signOnboarding(second, { ...terms, batchId, owner: bob.address, nonce: 2n });
      for (const o of [await signOnboarding(device, terms), renewed]) {
        await expect(registry.connect(bob).onboard(o))
          .to.be.revertedWithCustomError(registry, "DeviceKeyUsed")
          .withArgs(device.keyHash, 1);
      }
      expect(await deviceCount(registry)).to.equal(1n);
    });
  });

  describe("[A-D2] stake that a box takes by naming somebody", () => {
    /** A box that names `owner` and operator 1. */
    async function withNaming() {
      const f = await withBox();
      const naming = (owner: string) => signOnboarding(f.device, { ...f.terms, owner, operatorId: 1n });
      return { ...f, naming };
    }

    for (const [name, of] of [
      ["the operator's controller", "controller"],
      ["an owner whom the operator accepts", "alice"],
    ] as const) {
      it(`[A-D2] a stranger's box names ${name}`, async () => {
        const f = await loadFixture(withNaming);
        const { registry, staking, controller, bob, naming } = f;
        const { stake } = await staking.operatorOf(1);
        await expect(registry.connect(bob).onboard(await naming(f[of].address)))
          .to.be.revertedWithCustomError(staking, "OperatorDoesNotAccept")
          .withArgs(1, bob.address);
        expect(await staking.operatorOf(1)).to.deep.equal([controller.address, stake, 0n]);
        await staking.connect(controller).requestUnbond(1, stake); // nobody's box holds it back
      });
    }

    it("[A-D2] one that the operator accepts pays for another", async () => {
      const { registry, staking, controller, alice, bob, naming } = await loadFixture(withNaming);
      await staking.connect(controller).acceptOwner(1, bob, true);
      await registry.connect(bob).onboard(await naming(alice.address));
      expect(await registry.ownerOf(1)).to.equal(alice.address);
      expect((await staking.operatorOf(1)).required).to.equal(MODEL_BOND);
    });
  });

  describe("[A-D8] a signature used in another batch", () => {
    it("[A-D8] a second maker's batch holds the key: the box's signature is good for its own place only", async () => {
      const { registry, alice, device, terms, postBatch } = await loadFixture(withBox);
      const o = await signOnboarding(device, { ...terms, operatorId: 0n });
      const { batchId } = await postBatch([device]);
      await expect(registry.connect(alice).onboard({ ...o, batchId }))
        .to.be.revertedWithCustomError(registry, "DeviceNonceWrong")
        .withArgs(o.nonce, BigInt(o.nonce) + 1n);
      expect(await deviceCount(registry)).to.equal(0n);
      await registry.connect(alice).onboard(o);
    });
  });

  describe("[A-D5] replay of an onboarding", () => {
    it("[A-D5] one field of the signed message is changed", async () => {
      const { registry, alice, bob, device, terms } = await loadFixture(withBox);
      const o = await signOnboarding(device, { ...terms, operatorId: 0n });
      const changed = [
        { ...o, owner: bob.address },
        { ...o, operatorId: 1n },
        { ...o, subNetwork: SUB + 1 },
        { ...o, nonce: 2n },
        { ...o, deadline: BigInt(o.deadline) + 1n },
      ];
      for (const c of changed) {
        const digest = await registry.onboardingDigest(c.owner, c.operatorId, c.subNetwork, c.nonce, c.deadline);
        await expect(registry.connect(alice).onboard(c))
          .to.be.revertedWithCustomError(registry, "DeviceSignatureWrong")
          .withArgs(digest);
      }
      await registry.connect(alice).onboard(o);
    });

    /** A secp256k1 device that signs whatever digest it is given. */
    async function withRawSigner() {
      const f = await devicesFixture();
      const signer = new ethers.SigningKey(ethers.id("a device's secret"));
      const key = {
        keyType: KEY_SECP256K1,
        x: ethers.dataSlice(signer.publicKey, 1, 33) as Hex,
        y: ethers.dataSlice(signer.publicKey, 33, 65) as Hex,
      };
      const device = { ...makeSecp256k1Device(), key, keyHash: keyHash(key) };
      const { batchId } = await f.postBatch([device]);
      const terms = { registry: f.registry, owner: f.alice.address, batchId, index: 0, proof: [] as Hex[] };
      const signed = async (digest: string) => {
        const { r, s } = signer.sign(digest);
        return { ...(await signOnboarding(device, terms)), signature: { r, s } };
      };
      return { ...f, terms, signed };
    }

    it("[A-D5] an onboarding is replayed on another registry", async () => {
      const { registry, manager, makers, credits, alice, terms, signed } = await loadFixture(withRawSigner);
      const args = [manager, makers, credits, 0, EPOCH, 1, 1, "N", "S"];
      const other = await deployRegistry(args);
      await credits.setSpender(other, true);
      const m = await onboardingMessage(terms);
      const fields = [m.owner, m.operatorId, m.subNetwork, m.nonce, m.deadline] as const;
      const o = await signed(await registry.onboardingDigest(...fields));
      await expect(other.connect(alice).onboard(o))
        .to.be.revertedWithCustomError(other, "DeviceSignatureWrong")
        .withArgs(await other.onboardingDigest(...fields));
    });

    it("[A-D5] an onboarding signed for chain 1 is played here", async () => {
      const { registry, alice, terms, signed } = await loadFixture(withRawSigner);
      const m = { ...(await onboardingMessage(terms)), chainId: 1n };
      const o = await signed(ethers.sha256(encodeOnboarding(m)));
      await expect(registry.connect(alice).onboard(o)).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      expect(await deviceCount(registry)).to.equal(0n);
    });

    it("[A-D5] an onboarding is played after its deadline", async () => {
      const { registry, alice, device, terms } = await loadFixture(withBox);
      const o = await signOnboarding(device, { ...terms, deadline: 1n });
      await expect(registry.connect(alice).onboard(o))
        .to.be.revertedWithCustomError(registry, "DeviceSignatureExpired")
        .withArgs(1);
    });
  });

  describe("[A-D6] malleable and void signatures", () => {
    for (const [name, make] of [
      ["P-256", makeDevice],
      ["secp256k1", () => makeSecp256k1Device()],
    ] as const) {
      it(`[A-D6] the twin with high s: ${name}`, async () => {
        const { registry, alice, terms, postBatch } = await loadFixture(withBox);
        const device = make();
        const { batchId } = await postBatch([device]);
        const o = await signOnboarding(device, { ...terms, batchId });
        const signature = o.signature as DeviceSignature;
        await expect(
          registry.connect(alice).onboard({ ...o, signature: twin(device.key.keyType, signature) }),
        ).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
        expect(await deviceCount(registry)).to.equal(0n);
      });

      it(`[A-D6] a zero signature, alone and with a zero key: ${name}`, async () => {
        const { registry, alice, terms, postBatch } = await loadFixture(withBox);
        const zero = ethers.ZeroHash as Hex;
        const key = { keyType: make().key.keyType, x: zero, y: zero };
        const real = make();
        const fake = { ...real, key, keyHash: keyHash(key) };
        for (const [box, error] of [
          [real, "DeviceSignatureWrong"],
          [fake, "DeviceKeyInvalid"],
        ] as const) {
          const { batchId } = await postBatch([box]);
          const o = { ...(await signOnboarding(box, { ...terms, batchId })), signature: { r: zero, s: zero } };
          await expect(registry.connect(alice).onboard(o)).to.be.revertedWithCustomError(registry, error);
        }
        expect(await deviceCount(registry)).to.equal(0n);
      });
    }
  });

  describe("[A-D7] the signed bytes are not those of the specification", () => {
    it("[A-D7] the onboarding digest is the vector's", async () => {
      const { registry } = await loadFixture(devicesFixture);
      const v = vectors.onboarding;
      await setCode(v.registry, await ethers.provider.getCode(registry));
      const there = registry.attach(v.registry) as typeof registry;
      expect(v.chainId).to.equal((await ethers.provider.getNetwork()).chainId.toString());
      expect(await there.onboardingDigest(v.owner, v.operatorId, v.subNetwork, v.nonce, v.deadline)).to.equal(v.sha256);
    });

    it("[A-D7] the batch leaf is the vector's", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      const { leaf, serialHash, keyHash: hash } = vectors.batchLeaf;
      await makers.connect(maker).postBatch(1, leaf, 1, ethers.ZeroHash);
      expect((await makers.checkInclusion(1, 0, serialHash, hash, [])).modelId).to.equal(1n);
    });
  });
});
