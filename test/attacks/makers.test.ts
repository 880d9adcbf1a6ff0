import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ethers } from "hardhat";
import {
  CodecError,
  KEY_P256,
  keyFromJwk,
  loadKeccak,
  rawFromDer,
  readAssertion,
  signatureFrom,
} from "../../oracle/codec";
import { HEADER, readBatch } from "../../scripts/lib/batch-file";
import { deviceOfSeed } from "../../scripts/lib/batch-keys";
import { UsageError } from "../../scripts/lib/errors";
import { BOND_DELAY, devicesFixture, MAX_PAUSE, nextEpoch, POINTS_CAP, QUOTA } from "../helpers/devices";

describe("attacks: makers", () => {
  describe("[A-D1] makers that may not, and devices that are worn out", () => {
    it("[A-D1] a suspended maker posts a batch of fake keys", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      await expect(makers.connect(maker).postBatch(1, ethers.id("fake"), QUOTA, ethers.ZeroHash))
        .to.be.revertedWithCustomError(makers, "MakerNotLicensed")
        .withArgs(maker.address, 2);
      expect(await makers.queryFilter(makers.filters.BatchPosted)).to.deep.equal([]);
    });

    it("[A-D1] a suspended maker resigns, to have its bond back before the vote", async () => {
      const { makers, maker, token } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      const until = await makers.suspendedUntil(maker.address);
      await makers.connect(maker).resign();
      await time.increaseTo(until + BigInt(BOND_DELAY) - 2n);
      await expect(makers.connect(maker).withdrawBond())
        .to.be.revertedWithCustomError(makers, "MakerBondLocked")
        .withArgs(until + BigInt(BOND_DELAY));
      await time.increase(2);
      await expect(makers.connect(maker).withdrawBond()).to.changeTokenBalance(
        token,
        makers,
        -(await makers.minBond()),
      );
    });

    it("[A-D1] a maker resigns and is licensed again, for a second quota in one epoch", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.connect(maker).postBatch(1, ethers.id("a"), QUOTA, ethers.ZeroHash);
      await makers.connect(maker).resign();
      await makers.license(maker.address, QUOTA);
      await expect(makers.connect(maker).postBatch(1, ethers.id("b"), 1, ethers.ZeroHash))
        .to.be.revertedWithCustomError(makers, "MakerQuotaExceeded")
        .withArgs(maker.address, 1, 0);
    });

    it("[A-D1] a device beyond its life earns as a new one", async () => {
      const { makers, registry, alice, onboardFor } = await loadFixture(devicesFixture);
      await makers.setModelAgeing(1, { fullUntilAge: 0, floorAge: 2, floorBps: 100 });
      const id = await onboardFor(alice);
      const first = await nextEpoch(registry);
      expect(await registry.pointsCapAt(id, first)).to.equal(POINTS_CAP);
      expect(await registry.pointsCapAt(id, first + 2n)).to.equal(POINTS_CAP / 100n);
    });
  });

  describe("[A-D4] one key, two places of a batch", () => {
    it("[A-D4] a batch file has a key twice, written in two ways", async () => {
      const dir = mkdtempSync(join(tmpdir(), "groundwork-attack-"));
      try {
        const { key } = deviceOfSeed("twice", 0);
        const path = join(dir, "twice.csv");
        writeFileSync(path, `${HEADER}\nA,1,${key.x},${key.y}\nB,1,${key.x.slice(2).toUpperCase()},${key.y}\n`);
        let refused: unknown;
        await readBatch(path, await loadKeccak()).catch((error: unknown) => (refused = error));
        expect(refused).to.be.instanceOf(UsageError);
        expect((refused as UsageError).code).to.equal("BATCH_DUPLICATE_KEY");
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
  });

  describe("[A-D6] a second form of what an authenticator signed", () => {
    it("[A-D6] DER with a needless zero", () => {
      const plain = Buffer.from("3006020101020102", "hex");
      const padded = Buffer.from("300702020001020102", "hex");
      expect(rawFromDer(plain)).to.equal(ethers.toBeHex((1n << 256n) + 2n, 64));
      expect(() => signatureFrom(KEY_P256, padded)).to.throw(CodecError, "a needless zero");
    });

    it("[A-D6] a challenge whose last character has spare bits", () => {
      const { key } = deviceOfSeed("challenge", 0);
      const challenge = new Uint8Array(32);
      const text = Buffer.from(challenge).toString("base64url");
      const twin = `${text.slice(0, -1)}B`;
      expect(Buffer.from(twin, "base64url")).to.deep.equal(Buffer.from(challenge));
      const assertion = (spelt: string) => ({
        authenticatorData: Buffer.concat([Buffer.alloc(32), Uint8Array.of(5, 0, 0, 0, 1)]),
        clientDataJSON: Buffer.from(JSON.stringify({ type: "webauthn.get", challenge: spelt })),
        signature: Buffer.from("3006020101020102", "hex"),
      });
      const asked = { key: keyFromJwk(jwkOf(key)), challenge };
      expect(readAssertion(assertion(text), asked).signCount).to.equal(1);
      expect(() => readAssertion(assertion(twin), asked)).to.throw(CodecError, "is not the one that was asked");
    });
  });

  describe("[A-G5] a guardian that keeps a maker down", () => {
    it("[A-G5] suspends it again when a suspension ends, and when one is lifted", async () => {
      const { makers, maker } = await loadFixture(devicesFixture);
      await makers.suspend(maker.address);
      await time.increaseTo(await makers.suspendedUntil(maker.address));
      await expect(makers.suspend(maker.address)).to.be.revertedWithCustomError(makers, "MakerCoolingDown");
      await time.increase(MAX_PAUSE);
      await makers.suspend(maker.address);
      await makers.lift(maker.address);
      await expect(makers.suspend(maker.address)).to.be.revertedWithCustomError(makers, "MakerCoolingDown");
      await makers.connect(maker).postBatch(1, ethers.id("a"), 1, ethers.ZeroHash);
    });
  });
});

function jwkOf({ x, y }: { x: string; y: string }): { kty: string; crv: string; x: string; y: string } {
  const part = (value: string): string => Buffer.from(value.slice(2), "hex").toString("base64url");
  return { kty: "EC", crv: "P-256", x: part(x), y: part(y) };
}
