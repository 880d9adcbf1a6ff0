import { expect } from "chai";
import { createSign, createVerify, generateKeyPairSync } from "node:crypto";
import { id, keccak256, toUtf8Bytes, Wallet } from "ethers";
import fc from "fast-check";
import * as codec from "../../oracle/codec";
import encodings from "../vectors/encodings.json";
import report from "../vectors/report.json";

const h = (value: string): codec.Hex => value as codec.Hex;

describe("codec", () => {
  describe("vectors", () => {
    it("hashes a device key", () => {
      const { keyType, x, y, hash } = encodings.deviceKey;
      expect(codec.keyHash({ keyType, x: h(x), y: h(y) })).to.equal(hash);
    });

    it("encodes and decodes a device message of 111 bytes", () => {
      const v = encodings.message;
      const message: codec.DeviceMessage = {
        chainId: BigInt(v.chainId),
        registry: v.registry,
        deviceId: BigInt(v.deviceId),
        kind: v.kind,
        epoch: v.epoch,
        counter: BigInt(v.counter),
        time: BigInt(v.time),
        latE7: v.latE7,
        lonE7: v.lonE7,
        meter: BigInt(v.meter),
        payloadHash: h(v.payloadHash),
      };
      const bytes = codec.encodeMessage(message);
      expect(bytes.length).to.equal(codec.MESSAGE_SIZE);
      expect(codec.hex(bytes)).to.equal(v.bytes);
      expect(codec.messageHash(bytes)).to.equal(v.sha256);
      expect(codec.decodeMessage(bytes)).to.deep.equal(message);
    });

    it("encodes an onboarding message of 79 bytes", () => {
      const v = encodings.onboarding;
      const bytes = codec.encodeOnboarding({
        chainId: BigInt(v.chainId),
        registry: v.registry,
        owner: v.owner,
        operatorId: BigInt(v.operatorId),
        subNetwork: v.subNetwork,
        nonce: BigInt(v.nonce),
        deadline: BigInt(v.deadline),
      });
      expect(bytes.length).to.equal(codec.ONBOARDING_SIZE);
      expect(codec.hex(bytes)).to.equal(v.bytes);
      expect(codec.messageHash(bytes)).to.equal(v.sha256);
    });

    it("encodes a life message of 78 bytes", () => {
      const v = encodings.life;
      const bytes = codec.encodeLife({
        chainId: BigInt(v.chainId),
        registry: v.registry,
        purpose: v.purpose,
        deviceId: BigInt(v.deviceId),
        account: v.account,
        version: BigInt(v.version),
        deadline: BigInt(v.deadline),
      });
      expect(bytes.length).to.equal(78);
      expect(codec.hex(bytes)).to.equal(v.bytes);
      expect(codec.messageHash(bytes)).to.equal(v.sha256);
    });

    it("builds leaves, trees and roots", () => {
      const { batchLeaf, proofLeaf, payoutLeaves, trees, entries, emptyEntriesRoot } = encodings;
      expect(codec.batchLeaf(h(batchLeaf.serialHash), h(batchLeaf.keyHash))).to.equal(batchLeaf.leaf);
      expect(codec.proofLeaf(h(proofLeaf.messageHash))).to.equal(proofLeaf.leaf);
      for (const p of payoutLeaves) {
        expect(codec.payoutLeaf(BigInt(p.pot), { payee: p.payee, cumulative: BigInt(p.cumulative) })).to.equal(p.leaf);
      }
      for (const t of trees) expect(new codec.MerkleTree(t.leaves.map(h)).root).to.equal(t.root);
      const leaves = entries.entries.map((e) =>
        codec.entryLeaf({
          payee: e.payee,
          deviceId: BigInt(e.deviceId),
          points: BigInt(e.points),
          proofsRoot: h(e.proofsRoot),
        }),
      );
      expect(leaves.map((l) => l.hash)).to.deep.equal(entries.leaves);
      const tree = new codec.SumTree(leaves);
      expect(tree.top).to.deep.equal({ hash: entries.top.hash, sum: BigInt(entries.top.sum) });
      expect(tree.root).to.equal(entries.root);
      expect(new codec.SumTree([]).root).to.equal(emptyEntriesRoot);
      expect(codec.EMPTY_ENTRIES_ROOT).to.equal(emptyEntriesRoot);
    });

    it("names a settlement, whatever its validUntil", () => {
      const v = encodings.settlement;
      const s: codec.Settlement = {
        schema: v.schema,
        chainId: BigInt(v.chainId),
        receiver: v.receiver,
        subNetwork: v.subNetwork,
        term: v.term,
        epoch: v.epoch,
        attempt: v.attempt,
        parent: BigInt(v.parent),
        validUntil: BigInt(v.validUntil),
        entriesRoot: h(v.entriesRoot),
        payoutsRoot: h(v.payoutsRoot),
        dataHash: h(v.dataHash),
      };
      expect(codec.encodeSettlement(s)).to.equal(v.encoded);
      expect(codec.settlementId(s)).to.equal(BigInt(v.id));
      expect(codec.settlementId({ ...s, validUntil: 1n })).to.equal(BigInt(v.id));
      expect(codec.settlementId({ ...s, attempt: 3 })).to.not.equal(BigInt(v.id));
    });

    it("hashes a proof set in any order, and the data", () => {
      const { proofSet, dataHash } = encodings;
      expect(codec.proofSetHash(proofSet.messageHashes.map(h))).to.equal(proofSet.hash);
      expect(codec.proofSetHash([...proofSet.messageHashes].reverse().map(h))).to.equal(proofSet.hash);
      expect(codec.dataHash(h(dataHash.blockHash), dataHash.blockNumber, h(dataHash.proofSetHash))).to.equal(
        dataHash.hash,
      );
    });

    it("builds the report that KeystoneForwarder accepted, and its signature", () => {
      const header: codec.ReportHeader = {
        executionId: h(report.header.executionId),
        timestamp: BigInt(report.header.timestamp),
        donId: report.header.donId,
        configVersion: report.header.configVersion,
        workflowId: h(report.header.workflowId),
        workflowName: codec.workflowNameOf(report.workflow),
        workflowOwner: report.header.workflowOwner,
        reportId: h(report.header.reportId),
      };
      expect(header.workflowName).to.equal(report.header.workflowName);
      const raw = codec.rawReport(header, h(report.payload));
      expect(raw).to.equal(report.rawReport);
      const context = codec.reportContext(h(report.configDigest), BigInt(report.sequence));
      expect(context).to.equal(report.context);
      const digest = codec.reportDigest(raw, context);
      expect(digest).to.equal(report.digest);
      const key = keccak256(toUtf8Bytes("node4-0"));
      expect(codec.signReport(key, digest)).to.equal(report.signature);
      expect(codec.recoverReportSigner(digest, h(report.signature))).to.equal(new Wallet(key).address);
    });
  });

  describe("properties", () => {
    it("gives every leaf a proof that leads to the root, and to no other place", () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (n, pick) => {
          const leaves = Array.from({ length: n }, (_, i) => h(id(`leaf ${i}`)));
          const tree = new codec.MerkleTree(leaves);
          const index = pick % n;
          const leaf = leaves[index] ?? h("0x");
          const proof = tree.proof(index);
          expect(codec.rootThrough(leaf, index, proof)).to.equal(tree.root);
          if (proof.length > 0) expect(codec.rootThrough(leaf, index ^ 1, proof)).to.not.equal(tree.root);
          expect(codec.rootThrough(leaf, index + 2 ** proof.length, proof)).to.equal(null);
        }),
        { seed: 1, numRuns: 200 },
      );
    });

    it("carries sums to the top", () => {
      fc.assert(
        fc.property(fc.array(fc.bigInt(1n, 1n << 64n), { maxLength: 40 }), (points) => {
          const leaves = points.map((p, i) =>
            codec.entryLeaf({
              payee: Wallet.createRandom().address,
              deviceId: BigInt(i),
              points: p,
              proofsRoot: h(id("")),
            }),
          );
          expect(new codec.SumTree(leaves).top.sum).to.equal(points.reduce((a, b) => a + b, 0n));
        }),
        { seed: 1, numRuns: 10 },
      );
    });

    it("makes a high-s and a low-s P-256 signature the same valid one", () => {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const order = codec.ORDER[codec.KEY_P256] ?? 0n;
      for (let i = 0; i < 20; i++) {
        const data = Buffer.from(`reading ${i}`);
        const raw = createSign("sha256").update(data).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
        const s = codec.readUint(raw, 32, 32);
        const twin = codec.join(raw.subarray(0, 32), codec.uint("s", order - s, 32));
        const low = codec.normaliseSignature(codec.KEY_P256, codec.hex(raw));
        expect(codec.normaliseSignature(codec.KEY_P256, codec.hex(twin))).to.deep.equal(low);
        expect(BigInt(low.s) <= order / 2n).to.equal(true);
        const joined = codec.join(codec.bytesOf("r", low.r), codec.bytesOf("s", low.s));
        const ok = createVerify("sha256").update(data).verify({ key: publicKey, dsaEncoding: "ieee-p1363" }, joined);
        expect(ok).to.equal(true);
      }
    });
  });

  describe("bad input names the field", () => {
    const cases: [string, () => unknown, string][] = [
      ["a short message", () => codec.decodeMessage(new Uint8Array(110)), "message: has 110 bytes, needs 111"],
      ["a foreign tag", () => codec.decodeMessage(new Uint8Array(111)), 'tag: is not "GWM1"'],
      ["an overflow", () => codec.uint("counter", 1n << 64n, 8), `counter: ${1n << 64n} does not fit 8 unsigned bytes`],
      ["a negative", () => codec.uint("meter", -1n, 8), "meter: -1 does not fit 8 unsigned bytes"],
      [
        "a longitude out of range",
        () => codec.int("lonE7", 1n << 31n, 4),
        `lonE7: ${1n << 31n} does not fit 4 signed bytes`,
      ],
      ["odd hex", () => codec.bytesOf("key", "0x123"), "key: not a hex string of whole bytes"],
      ["a short signature", () => codec.normaliseSignature(1, "0x12"), "signature: has 1 bytes, needs 64"],
      [
        "a zero signature",
        () => codec.normaliseSignature(1, `0x${"00".repeat(64)}`),
        "signature: r or s is outside 1 … order − 1",
      ],
      ["an unknown key type", () => codec.normaliseSignature(3, "0x"), "keyType: 3 is not 1 (P-256) or 2 (secp256k1)"],
      ["a proof of no leaf", () => new codec.MerkleTree([]).proof(0), "index: 0 is not a leaf"],
    ];
    for (const [name, run, message] of cases) {
      it(name, () => expect(run).to.throw(codec.CodecError, message));
    }
  });
});
