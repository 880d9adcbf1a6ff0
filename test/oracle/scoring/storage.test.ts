import { assert } from "chai";
import fc from "fast-check";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { chunkCount, pieceRoot, rawCid, rootOfProof, sha256, treeDepth } from "../../../oracle/scoring/piece";
import { DEMO_PIECES } from "../../../oracle/scoring/pieces-demo";
import { decode, storageDecoder, type StoragePayload } from "../../../oracle/scoring/storage";
import { CAR_FILES, loadCar } from "../../../scripts/fleet/cars";
import { storagePayload } from "../../../scripts/fleet/sources/storage";
import { expectRejected } from "./helpers";

const car = loadCar("comic.car");
const root = pieceRoot(car);
const proof = (index: number): StoragePayload => storagePayload("comic.car", car, root, index);
const prove = (index: number, change: Partial<StoragePayload> = {}) =>
  decode(encodeWire({ ...proof(index), ...change }));

describe("scoring/storage", () => {
  it("writes the CIDs that the real CAR files hold", async () => {
    const { CarReader } = await import("@ipld/car");
    const { CID } = await import("multiformats/cid");
    let raw = 0;
    for (const name of CAR_FILES) {
      const reader = await CarReader.fromBytes(loadCar(name));
      for await (const { cid, bytes } of reader.blocks()) {
        if (cid.code !== 0x55) continue;
        assert.equal(rawCid(sha256(bytes)), cid.toString());
        assert.deepEqual(CID.parse(rawCid(sha256(bytes))).multihash.digest, new Uint8Array(sha256(bytes)));
        raw++;
      }
    }
    assert.equal(raw, 4);
  });

  it("keeps deals for the CAR files as they are installed", () => {
    const installed = CAR_FILES.map((name) => ({ name, bytes: loadCar(name).length, root: pieceRoot(loadCar(name)) }));
    assert.deepEqual(DEMO_PIECES, installed);
  });

  it("counts the bytes of every chunk: together the whole file", () => {
    let total = 0n;
    for (let index = 0; index < chunkCount(car.length); index++) total += prove(index).units;
    assert.equal(total, 85_155n);
    assert.equal(prove(0).units, 4_096n);
    assert.equal(prove(20).units, 3_235n);
    assert.equal(prove(3).cid, proof(3).cid);
  });

  it("refuses bytes that are not the CID's", () => {
    expectRejected(() => prove(3, { cid: proof(4).cid }), ReasonCode.CID_MISMATCH);
    expectRejected(() => prove(3, { chunk: proof(4).chunk }), ReasonCode.CID_MISMATCH);
    expectRejected(() => prove(3, { cid: proof(3).cid.toUpperCase() }), ReasonCode.CID_MISMATCH);
  });

  it("refuses other bytes under their own CID", () => {
    const forged = Buffer.alloc(4_096, 7);
    const change = { chunk: forged.toString("base64"), cid: rawCid(sha256(forged)) };
    expectRejected(() => prove(3, change), ReasonCode.PROOF_INVALID);
  });

  it("refuses the right chunk at another index, and a changed, short or long path", () => {
    const { path } = proof(3);
    expectRejected(() => prove(3, { index: 2 }), ReasonCode.PROOF_INVALID);
    expectRejected(() => prove(3, { path: [...path].reverse() }), ReasonCode.PROOF_INVALID);
    expectRejected(() => prove(3, { path: path.slice(1) }), ReasonCode.PROOF_INVALID);
    expectRejected(() => prove(3, { path: [...path, "00".repeat(32)] }), ReasonCode.PROOF_INVALID);
  });

  it("refuses an index past the end and a piece without a deal", () => {
    expectRejected(() => prove(3, { index: 21 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => prove(3, { piece: "00".repeat(32) }), ReasonCode.UNKNOWN_PIECE);
  });

  it("refuses base64 in a second form", () => {
    const { chunk } = proof(20); // 3,235 bytes: the last digit has four spare bits
    const loose = chunk.replace(/[AQgw]==$/, (end) => `${{ A: "B", Q: "R", g: "h", w: "x" }[end.charAt(0)]}==`);
    assert.notEqual(loose, chunk);
    assert.deepEqual(Buffer.from(loose, "base64"), Buffer.from(chunk, "base64"));
    expectRejected(() => prove(20, { chunk: loose }), ReasonCode.PAYLOAD_NOT_CANONICAL);
    expectRejected(() => prove(20, { chunk: chunk.replace(/==$/, "") }), ReasonCode.PAYLOAD_MALFORMED);
  });

  it("refuses an inner node passed off as a chunk", () => {
    const { path } = proof(1);
    const [left = "", ...above] = path;
    const node = Buffer.concat([Buffer.of(1), Buffer.from(left, "hex"), sha256(Buffer.from(proof(1).chunk, "base64"))]);
    const change = { chunk: node.toString("base64"), cid: rawCid(sha256(node)), path: above };
    expectRejected(() => prove(0, change), ReasonCode.PROOF_INVALID);
  });

  it("refuses a chunk or a path of a length that the piece's size does not give", () => {
    const { chunk, cid } = proof(0);
    const sibling = sha256(Buffer.of(1));
    const short = Buffer.from("short");
    const withRoot = (bytes: number, leaf: Buffer) =>
      storageDecoder([{ name: "made", bytes, root: rootOfProof(sha256(leaf), 0, [sibling]) }]);
    const claim = (leaf: Buffer): Uint8Array =>
      encodeWire({
        ...proof(0),
        piece: rootOfProof(sha256(leaf), 0, [sibling]),
        chunk: leaf.toString("base64"),
        cid: rawCid(sha256(leaf)),
        path: [sibling.toString("hex")],
      });
    const whole = Buffer.from(chunk, "base64");
    assert.equal(rawCid(sha256(whole)), cid);
    assert.equal(withRoot(8_192, whole)(claim(whole)).units, 4_096n);
    expectRejected(() => withRoot(8_192, short)(claim(short)), ReasonCode.PROOF_INVALID);
    expectRejected(() => withRoot(4_096, whole)(claim(whole)), ReasonCode.PROOF_INVALID);
  });

  it("proves every chunk of any piece", () => {
    const sized = fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.nat());
    fc.assert(
      fc.property(sized, ([length, seed]) => {
        const data = Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
        const piece = { name: "made", bytes: length, root: pieceRoot(data) };
        const index = seed % chunkCount(length);
        const payload = storagePayload("made", data, piece.root, index);
        assert.equal(payload.path.length, treeDepth(chunkCount(length)));
        const { units } = storageDecoder([piece])(encodeWire(payload));
        assert.equal(units, BigInt(Math.min(4_096, length - index * 4_096)));
      }),
    );
  });
});
