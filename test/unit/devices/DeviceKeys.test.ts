import { expect } from "chai";
import { ethers } from "hardhat";
import { type DeviceKey, type DeviceSignature, KEY_P256, KEY_SECP256K1, ORDER } from "../../../oracle/codec";
import { makeDevice, makeSecp256k1Device, twin } from "../../helpers/devices";
import vectors from "../../vectors/encodings.json";

const MESSAGE = ethers.toUtf8Bytes("groundwork");
const DIGEST = ethers.sha256(MESSAGE);
const FIELD: Record<number, bigint> = {
  [KEY_P256]: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  [KEY_SECP256K1]: 2n ** 256n - 2n ** 32n - 977n,
};

/** The number as 32 bytes. */
function word(value: bigint): `0x${string}` {
  return ethers.toBeHex(value, 32) as `0x${string}`;
}

// Also run without the P-256 precompile: npm run test:no-precompile
describe("DeviceKeys @p256", () => {
  const deploy = () => ethers.deployContract("DeviceKeys__Harness");

  /** Keys that are no points: zero, off the curve by one, and the same point with x a field higher where that fits. */
  function badKeys(key: DeviceKey): DeviceKey[] {
    const zero = word(0n);
    const bad = [
      { ...key, x: zero, y: zero },
      { ...key, y: word(BigInt(key.y) ^ 1n) },
      { ...key, x: word(FIELD[key.keyType]!) },
      { ...key, y: word(2n ** 256n - 1n) },
    ];
    return bad;
  }

  describe("hash", () => {
    it("is keccak256 of type, x, y: the vector", async () => {
      const keys = await deploy();
      const { keyType, x, y, hash } = vectors.deviceKey;
      expect(await keys.hash({ keyType, x, y })).to.equal(hash);
    });
  });

  describe("verify", () => {
    it("reverts for an unknown type of key", async () => {
      const keys = await deploy();
      const registry = await ethers.getContractAt("IDeviceRegistry", ethers.ZeroAddress);
      const device = makeDevice();
      for (const keyType of [0, 3, 255]) {
        await expect(keys.verify({ ...device.key, keyType }, DIGEST, device.sign(MESSAGE)))
          .to.be.revertedWithCustomError(registry, "DeviceKeyTypeUnknown")
          .withArgs(keyType);
        await expect(keys.isOnCurve({ ...device.key, keyType }))
          .to.be.revertedWithCustomError(registry, "DeviceKeyTypeUnknown")
          .withArgs(keyType);
      }
    });

    for (const [name, make] of [
      ["P-256", makeDevice],
      ["secp256k1", () => makeSecp256k1Device()],
    ] as const) {
      describe(name, () => {
        it("accepts a signature of the key", async () => {
          const keys = await deploy();
          const device = make();
          expect(await keys.verify(device.key, DIGEST, device.sign(MESSAGE))).to.be.true;
          expect(await keys.isOnCurve(device.key)).to.be.true;
        });

        it("accepts both parities of the point R", async () => {
          const keys = await deploy();
          const device = make();
          for (let i = 0; i < 8; i++) {
            const message = ethers.toUtf8Bytes(`message ${i}`);
            expect(await keys.verify(device.key, ethers.sha256(message), device.sign(message)), `${i}`).to.be.true;
          }
        });

        it("refuses another message, another key, and the key under the other type", async () => {
          const keys = await deploy();
          const device = make();
          const signature = device.sign(MESSAGE);
          expect(await keys.verify(device.key, ethers.id("other"), signature)).to.be.false;
          expect(await keys.verify(make().key, DIGEST, signature)).to.be.false;
          expect(await keys.verify({ ...device.key, keyType: 3 - device.key.keyType }, DIGEST, signature)).to.be.false;
        });

        it("refuses the twin with high s", async () => {
          const keys = await deploy();
          const device = make();
          const signature = device.sign(MESSAGE);
          expect(await keys.verify(device.key, DIGEST, twin(device.key.keyType, signature))).to.be.false;
        });

        it("refuses r or s of zero or of the order", async () => {
          const keys = await deploy();
          const device = make();
          const good = device.sign(MESSAGE);
          for (const value of [word(0n), word(ORDER[device.key.keyType]!)]) {
            const bad: DeviceSignature[] = [
              { ...good, r: value },
              { ...good, s: value },
              { r: value, s: value },
            ];
            for (const signature of bad) expect(await keys.verify(device.key, DIGEST, signature)).to.be.false;
          }
        });

        it("refuses the zero key and points off the curve", async () => {
          const keys = await deploy();
          const device = make();
          for (const key of badKeys(device.key)) {
            expect(await keys.isOnCurve(key), key.x).to.be.false;
            expect(await keys.verify(key, DIGEST, device.sign(MESSAGE)), key.x).to.be.false;
          }
        });
      });
    }
  });

  describe("checkSignature", () => {
    for (const [name, make] of [
      ["P-256", makeDevice],
      ["secp256k1", () => makeSecp256k1Device()],
    ] as const) {
      it(`passes for a signature of the key: ${name}`, async () => {
        const keys = await deploy();
        const device = make();
        await expect(keys.checkSignature(device.key, DIGEST, device.sign(MESSAGE))).not.to.be.reverted;
      });

      it(`reverts with the key when it is zero, off the curve or out of the field: ${name}`, async () => {
        const keys = await deploy();
        const registry = await ethers.getContractAt("IDeviceRegistry", ethers.ZeroAddress);
        const device = make();
        for (const key of badKeys(device.key)) {
          await expect(keys.checkSignature(key, DIGEST, device.sign(MESSAGE)))
            .to.be.revertedWithCustomError(registry, "DeviceKeyInvalid")
            .withArgs(key.keyType, key.x, key.y);
        }
      });

      it(`reverts with the digest when the key is sound and the signature is not: ${name}`, async () => {
        const keys = await deploy();
        const registry = await ethers.getContractAt("IDeviceRegistry", ethers.ZeroAddress);
        const device = make();
        await expect(keys.checkSignature(device.key, DIGEST, make().sign(MESSAGE)))
          .to.be.revertedWithCustomError(registry, "DeviceSignatureWrong")
          .withArgs(DIGEST);
      });
    }
  });
});
