import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { concat, dataLength, dataSlice, ethers as e, getBytes, toBeHex, zeroPadValue } from "ethers";
import { ethers } from "hardhat";
import { type Hex, KEY_P256, ORDER, rawReport, reportDigest, signReport, workflowNameOf } from "../../../oracle/codec";
import { deviceEvidence, equivocationEvidence, type SignedReport } from "../../../oracle/evidence";
import { makeDevice, makeSecp256k1Device, nextEpoch, SUB } from "../../helpers/devices";
import { CLOCK_TOLERANCE, doubleSignedCounter, MEMBER_KEYS, slasherFixture } from "../../helpers/disputes";

/** `bytes` with `patch` at `offset`. */
function patched(bytes: string, offset: number, patch: string): string {
  return concat([dataSlice(bytes, 0, offset), patch, dataSlice(bytes, offset + dataLength(patch))]);
}

const REPORT = "tuple(bytes rawReport, bytes reportContext, bytes signature)";
const encodeReports = (a: SignedReport, b: SignedReport): string =>
  e.AbiCoder.defaultAbiCoder().encode([REPORT, REPORT], [a, b]);

describe("evidence", () => {
  describe("what all evidence of devices asks", () => {
    it("reverts for another length, and for a type of key that fills more than its byte", async () => {
      const { double, sign } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      expect(dataLength(evidence)).to.equal(446);
      for (const bad of [concat([evidence, "0x00"]), dataSlice(evidence, 0, 445), "0x"]) {
        await expect(double.verify(bad))
          .to.be.revertedWithCustomError(double, "EvidenceMalformed")
          .withArgs(dataLength(bad));
      }
      await expect(double.verify(patched(evidence, 30, "0x01")))
        .to.be.revertedWithCustomError(double, "EvidenceMalformed")
        .withArgs(446);
      await expect(double.verify(patched(evidence, 31, "0x03"))).to.be.revertedWithCustomError(
        double,
        "EvidenceKeyNotLive",
      );
    });

    it("reverts for a message of another tag, chain or registry", async () => {
      const { double, sign, stranger, registry } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      const messages = await ethers.getContractAt("DeviceMessages__Harness", ethers.ZeroAddress);
      await expect(double.verify(patched(evidence, 335, "0x00")))
        .to.be.revertedWithCustomError(messages, "DeviceMessageMalformed")
        .withArgs(111, "0x00574d3101");
      await expect(double.verify(deviceEvidence(sign(), sign({ chainId: 1n }))))
        .to.be.revertedWithCustomError(double, "EvidenceWrongDomain")
        .withArgs(1, registry);
      await expect(double.verify(deviceEvidence(sign({ registry: stranger.address }), sign())))
        .to.be.revertedWithCustomError(double, "EvidenceWrongDomain")
        .withArgs(31_337, stranger);
    });

    it("reverts for two devices and for two kinds", async () => {
      const { double, sign, deviceId, box } = await loadFixture(slasherFixture);
      const [a, b] = [sign(), sign({ kind: SUB + 1 })];
      const kinds = patched(deviceEvidence(a, sign({ meter: 2n })), 335, e.hexlify(b.message));
      const { r, s } = box.sign(b.message);
      await expect(double.verify(patched(kinds, 160, concat([r, s]))))
        .to.be.revertedWithCustomError(double, "EvidenceKindsDiffer")
        .withArgs(SUB, SUB + 1);
      // Another device's id is refused with its key: a key is one device's for ever.
      await expect(double.verify(deviceEvidence(sign({ deviceId: deviceId + 1n }), sign({ deviceId: deviceId + 1n }))))
        .to.be.revertedWithCustomError(double, "EvidenceKeyNotLive")
        .withArgs(box.keyHash, deviceId + 1n, await double.devices().then(() => a.message[46]));
    });

    it("reverts for a key that was not the device's live one in an epoch", async () => {
      const { double, sign, deviceId, epoch, box } = await loadFixture(slasherFixture);
      await expect(double.verify(deviceEvidence(sign({ epoch: epoch - 1 }), sign({ epoch: epoch - 1, meter: 2n }))))
        .to.be.revertedWithCustomError(double, "EvidenceKeyNotLive")
        .withArgs(box.keyHash, deviceId, epoch - 1);
      const other = makeDevice();
      await expect(double.verify(deviceEvidence(sign({}, other), sign({ meter: 2n }, other))))
        .to.be.revertedWithCustomError(double, "EvidenceKeyNotLive")
        .withArgs(other.keyHash, deviceId, epoch);
      await expect(
        double.verify(deviceEvidence(sign({ deviceId: 0n }, other), sign({ deviceId: 0n, meter: 2n }, other))),
      )
        .to.be.revertedWithCustomError(double, "EvidenceKeyNotLive")
        .withArgs(other.keyHash, 0, epoch);
    });

    it("reverts for a wrong or a high-s signature", async () => {
      const { double, sign } = await loadFixture(slasherFixture);
      const evidence = deviceEvidence(sign(), sign({ meter: 2n }));
      const registry = await ethers.getContractAt("DeviceRegistry", ethers.ZeroAddress);
      const digest = e.sha256(dataSlice(evidence, 224, 335));
      const s = BigInt(dataSlice(evidence, 128, 160));
      for (const [offset, patch] of [
        [128, toBeHex(ORDER[KEY_P256]! - s, 32)],
        [96, dataSlice(evidence, 160, 224)],
      ] as const) {
        await expect(double.verify(patched(evidence, offset, patch)))
          .to.be.revertedWithCustomError(registry, "DeviceSignatureWrong")
          .withArgs(digest);
      }
    });

    it("takes secp256k1 as it takes P-256", async () => {
      const { double, sign, onboardFor, alice, registry, epoch } = await loadFixture(slasherFixture);
      const box = makeSecp256k1Device();
      const deviceId = await onboardFor(alice, box);
      await nextEpoch(registry);
      const at = { deviceId, epoch: epoch + 1 };
      const fault = await double.verify(deviceEvidence(sign(at, box), sign({ ...at, meter: 2n }, box)));
      expect([fault.deviceId, fault.epoch]).to.deep.equal([deviceId, BigInt(epoch + 1)]);
    });
  });

  describe("DoubleSignedCounter", () => {
    it("reverts for two counters, and for one message in two signatures", async () => {
      const { double, sign } = await loadFixture(slasherFixture);
      await expect(double.verify(deviceEvidence(sign({ counter: 11n }), sign({ counter: 12n }))))
        .to.be.revertedWithCustomError(double, "EvidenceCountersDiffer")
        .withArgs(11, 12);
      const [a, b] = [sign(), sign()];
      expect(a.signature).to.not.equal(b.signature);
      await expect(double.verify(deviceEvidence(a, b)))
        .to.be.revertedWithCustomError(double, "EvidenceSameMessage")
        .withArgs(e.sha256(a.message));
    });

    it("names device, sub-network, later epoch; the same for either order", async () => {
      const { double, sign, deviceId, epoch } = await loadFixture(slasherFixture);
      const [a, b] = [sign(), sign({ epoch: epoch + 2 })];
      const fault = await double.verify(deviceEvidence(a, b));
      expect(fault.slice(0, 7)).to.deep.equal([
        0n,
        deviceId,
        ethers.ZeroAddress,
        BigInt(SUB),
        BigInt(epoch + 2),
        BigInt(epoch),
        0n,
      ]);
      expect(await double.verify(deviceEvidence(b, a))).to.deep.equal(fault);
    });
  });

  for (const [name, field, pick] of [
    ["CounterRunBack", "counter", "counter"],
    ["MeterRunBack", "meter", "meter"],
  ] as const) {
    describe(name, () => {
      const at = 500n;

      it("reverts for a time outside its epoch", async () => {
        const f = await loadFixture(slasherFixture);
        const [contract, start, end] = [f[pick], f.startOf(f.epoch), f.startOf(f.epoch + 1)];
        for (const time of [start - 1n, end]) {
          const evidence = deviceEvidence(f.sign({ [field]: 5n, time: start }), f.sign({ [field]: 4n, time }));
          await expect(contract.verify(evidence))
            .to.be.revertedWithCustomError(contract, "EvidenceTimeOutsideEpoch")
            .withArgs(time, f.epoch);
        }
        const bounds = [f.sign({ [field]: 5n, time: start }), f.sign({ [field]: 4n, time: end - 1n })] as const;
        expect((await contract.verify(deviceEvidence(...bounds))).epoch).to.equal(f.epoch);
      });

      it("reverts for times within the tolerance", async () => {
        const f = await loadFixture(slasherFixture);
        const time = f.startOf(f.epoch) + at;
        const later = (by: number) =>
          deviceEvidence(f.sign({ [field]: 5n, time }), f.sign({ [field]: 4n, time: time + BigInt(by) }));
        for (const by of [0, 1, CLOCK_TOLERANCE]) {
          await expect(f[pick].verify(later(by)))
            .to.be.revertedWithCustomError(f[pick], "EvidenceTimesTooClose")
            .withArgs(time, time + BigInt(by), CLOCK_TOLERANCE);
        }
        expect((await f[pick].verify(later(CLOCK_TOLERANCE + 1))).deviceId).to.equal(f.deviceId);
      });

      it("reverts for what did not fall, be it equal", async () => {
        const f = await loadFixture(slasherFixture);
        const time = f.startOf(f.epoch) + at;
        for (const value of [5n, 6n]) {
          const evidence = deviceEvidence(f.sign({ [field]: value, time: time + 100n }), f.sign({ [field]: 5n, time }));
          await expect(f[pick].verify(evidence))
            .to.be.revertedWithCustomError(f[pick], "EvidenceNotRunBack")
            .withArgs(5, value);
        }
      });

      it("names device, sub-network, later epoch; the same for either order", async () => {
        const f = await loadFixture(slasherFixture);
        const [a, b] = [f.sign({ [field]: 5n }), f.sign({ [field]: 4n, epoch: f.epoch + 1 })];
        const fault = await f[pick].verify(deviceEvidence(a, b));
        expect(fault.slice(0, 7)).to.deep.equal([
          0n,
          f.deviceId,
          ethers.ZeroAddress,
          BigInt(SUB),
          BigInt(f.epoch + 1),
          BigInt(f.epoch),
          0n,
        ]);
        expect(await f[pick].verify(deviceEvidence(b, a))).to.deep.equal(fault);
      });
    });
  }

  describe("CommitteeEquivocation", () => {
    it("reverts for another length, a field with bits above its type, another schema, chain or receiver", async () => {
      const { equivocation, report, settlement, stranger } = await loadFixture(slasherFixture);
      const [a, b] = [report(), report({ parent: 6n })];
      const evidence = getBytes(equivocationEvidence(a, b)).length;
      expect(evidence).to.be.at.most(2_048);
      const resigned = (raw: string): SignedReport => ({
        rawReport: raw as Hex,
        reportContext: a.reportContext,
        signature: signReport(MEMBER_KEYS[0]!.privateKey, reportDigest(raw as Hex, a.reportContext)),
      });
      for (const raw of [concat([a.rawReport, "0x00"]), dataSlice(a.rawReport, 0, 492)]) {
        await expect(equivocation.verify(encodeReports(resigned(raw), b)))
          .to.be.revertedWithCustomError(equivocation, "EquivocationMalformed")
          .withArgs(dataLength(raw));
      }
      await expect(equivocation.verify(encodeReports(resigned(patched(a.rawReport, 109, "0x01")), b))).to.be.reverted;
      for (const change of [{ schema: 2 }, { chainId: 1n }, { receiver: stranger.address }]) {
        const s = { schema: 1, chainId: 31_337n, receiver: settlement, ...change };
        await expect(equivocation.verify(encodeReports(report(change), b)))
          .to.be.revertedWithCustomError(equivocation, "EquivocationWrongDomain")
          .withArgs(s.schema, s.chainId, s.receiver);
      }
    });

    it("reverts for a signature of another length or v, and for a signer of nobody", async () => {
      const { equivocation, report } = await loadFixture(slasherFixture);
      const [a, b] = [report(), report({ parent: 6n })];
      const with_ = (signature: string): string => encodeReports({ ...a, signature: signature as Hex }, b);
      for (const signature of [
        dataSlice(a.signature, 0, 64),
        concat([a.signature, "0x00"]),
        patched(a.signature, 64, "0x1b"),
        zeroPadValue("0x00", 65),
      ]) {
        await expect(equivocation.verify(with_(signature)))
          .to.be.revertedWithCustomError(equivocation, "EquivocationBadSignature")
          .withArgs(dataLength(signature));
      }
      await expect(equivocation.verify(encodeReports(report({}, MEMBER_KEYS[6]), b)))
        .to.be.revertedWithCustomError(equivocation, "EquivocationUnknownSigner")
        .withArgs(MEMBER_KEYS[6]!.address);
    });

    it("reverts for two members, another sub-network, epoch or attempt", async () => {
      const { equivocation, report, members, epoch } = await loadFixture(slasherFixture);
      await expect(equivocation.verify(encodeReports(report(), report({ parent: 6n }, MEMBER_KEYS[1]))))
        .to.be.revertedWithCustomError(equivocation, "EquivocationMembersDiffer")
        .withArgs(members[0], members[1]);
      const slot = (sub: number, at: number, attempt: number): bigint =>
        (BigInt(sub) << 48n) | (BigInt(at) << 16n) | BigInt(attempt);
      for (const [change, other] of [
        [{ subNetwork: SUB + 1 }, slot(SUB + 1, epoch, 0)],
        [{ epoch: epoch + 1 }, slot(SUB, epoch + 1, 0)],
        [{ attempt: 1 }, slot(SUB, epoch, 1)],
      ] as const) {
        await expect(equivocation.verify(encodeReports(report(), report(change))))
          .to.be.revertedWithCustomError(equivocation, "EquivocationSlotsDiffer")
          .withArgs(slot(SUB, epoch, 0), other);
      }
    });

    it("reverts for the same content in another validUntil, header, context or form of signature", async () => {
      const { equivocation, report } = await loadFixture(slasherFixture);
      const a = report();
      const order = ORDER[2]!;
      const twin = concat([
        dataSlice(a.signature, 0, 32),
        toBeHex(order - BigInt(dataSlice(a.signature, 32, 64)), 32),
        dataSlice(a.signature, 64) === "0x00" ? "0x01" : "0x00",
      ]) as Hex;
      for (const b of [report({ validUntil: 1n }), report({}, MEMBER_KEYS[0], 2n), { ...a, signature: twin }]) {
        await expect(equivocation.verify(encodeReports(a, b))).to.be.revertedWithCustomError(
          equivocation,
          "EquivocationSameContent",
        );
      }
    });

    it("names the member, whichever of its keys signed; the same for either order", async () => {
      const { equivocation, committee, report, seats, members, epoch } = await loadFixture(slasherFixture);
      const rotated = { ...seats[0]!, signer: MEMBER_KEYS[5]!.address };
      await committee.setCommittee(1, [rotated, ...seats.slice(1)]);
      const [a, b] = [report(), report({ entriesRoot: e.ZeroHash as Hex }, MEMBER_KEYS[5])];
      const fault = await equivocation.verify(equivocationEvidence(a, b));
      expect(fault.slice(0, 7)).to.deep.equal([
        1n,
        0n,
        members[0]!.address,
        BigInt(SUB),
        BigInt(epoch),
        BigInt(epoch),
        0n,
      ]);
      expect(await equivocation.verify(equivocationEvidence(b, a))).to.deep.equal(fault);
    });

    it("recovers what KeystoneForwarder recovers, from any header", async () => {
      const { equivocation, report, members } = await loadFixture(slasherFixture);
      const a = report();
      const header = {
        executionId: e.id("another execution") as Hex,
        timestamp: 1n,
        donId: 99,
        configVersion: 3,
        workflowId: e.ZeroHash as Hex,
        workflowName: workflowNameOf("another"),
        workflowOwner: members[2]!.address,
        reportId: "0xffff" as Hex,
      };
      const raw = rawReport(header, dataSlice(report({ parent: 9n }).rawReport, 109) as Hex);
      const b = {
        rawReport: raw,
        reportContext: a.reportContext,
        signature: signReport(MEMBER_KEYS[0]!.privateKey, reportDigest(raw, a.reportContext)),
      };
      const forwarder = await ethers.deployContract("KeystoneForwarder");
      await forwarder.setConfig(
        99,
        3,
        1,
        MEMBER_KEYS.slice(0, 4).map((k) => k.address),
      );
      const second = signReport(MEMBER_KEYS[1]!.privateKey, reportDigest(raw, a.reportContext));
      await expect(
        forwarder.report(members[3]!, raw, a.reportContext, [b.signature, second], { gasLimit: 1_000_000 }),
      ).to.emit(forwarder, "ReportProcessed");
      expect((await equivocation.verify(equivocationEvidence(a, b))).member).to.equal(members[0]);
    });
  });

  describe("ImpossibleTravel", () => {
    const BERLIN = { latE7: 525_200_000, lonE7: 134_050_000 };
    const MUNICH = { latE7: 481_371_540, lonE7: 115_761_240 };

    it("reverts for a wrong signature and a place that is none", async () => {
      const { travel, sign } = await loadFixture(slasherFixture);
      const registry = await ethers.getContractAt("DeviceRegistry", ethers.ZeroAddress);
      const evidence = deviceEvidence(sign(), sign(BERLIN));
      await expect(
        travel.measure(patched(evidence, 96, dataSlice(evidence, 160, 224)), 1, 0),
      ).to.be.revertedWithCustomError(registry, "DeviceSignatureWrong");
      const nowhere = { latE7: 900_000_001, lonE7: 0 };
      await expect(travel.measure(deviceEvidence(sign(), sign(nowhere)), 1, 0))
        .to.be.revertedWithCustomError(travel, "GreatCircleBadPosition")
        .withArgs(nowhere.latE7, nowhere.lonE7);
    });

    it("measures, and judges by speed and slack; the order says nothing", async () => {
      const { travel, sign, deviceId, epoch, startOf } = await loadFixture(slasherFixture);
      const time = startOf(epoch) + 100n;
      const [a, b] = [sign({ ...MUNICH, time }), sign({ ...BERLIN, time: time + 999n })];
      const metres = await travel.distance(MUNICH.latE7, MUNICH.lonE7, BERLIN.latE7, BERLIN.lonE7);
      // 504.4 km on the mean sphere.
      expect(metres).to.be.within(500_500, 504_400);
      for (const evidence of [deviceEvidence(a, b), deviceEvidence(b, a)]) {
        expect(await travel.measure(evidence, 500, 0)).to.deep.equal([
          deviceId,
          BigInt(SUB),
          BigInt(epoch),
          metres,
          1_000n,
          true,
        ]);
        expect((await travel.measure(evidence, 500, metres - 500_000n)).impossible).to.equal(false);
        expect((await travel.measure(evidence, 500, metres - 500_001n)).impossible).to.equal(true);
        expect((await travel.measure(evidence, 510, 0)).impossible).to.equal(false);
      }
    });

    it("is no evidence of a slash", async () => {
      const { slasher, travel, sign, bob } = await loadFixture(slasherFixture);
      await slasher.endEvidence(doubleSignedCounter);
      await slasher.setEvidence(doubleSignedCounter, travel);
      await expect(
        slasher.submit(doubleSignedCounter, deviceEvidence(sign(), sign(BERLIN)), bob),
      ).to.be.revertedWithoutReason();
    });
  });
});
