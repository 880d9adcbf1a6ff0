import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { concat, dataLength, dataSlice } from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";
import { type DeviceMessage, encodeMessage, type Hex, hex, messageHash } from "../../../oracle/codec";
import { message as vector } from "../../vectors/encodings.json";

async function fixture() {
  return ethers.deployContract("DeviceMessages__Harness");
}

/** Fields in the order of the layout. */
function fieldsOf(m: DeviceMessage) {
  return [
    m.chainId,
    m.registry,
    m.deviceId,
    m.kind,
    m.epoch,
    m.counter,
    m.time,
    m.latE7,
    m.lonE7,
    m.meter,
    m.payloadHash,
  ] as const;
}

function structOf(m: DeviceMessage) {
  return {
    chainId: m.chainId,
    registry: m.registry,
    deviceId: m.deviceId,
    kind: m.kind,
    epoch: m.epoch,
    counter: m.counter,
    time: m.time,
    latE7: m.latE7,
    lonE7: m.lonE7,
    meter: m.meter,
    payloadHash: m.payloadHash,
  };
}

const bits = (n: bigint) => fc.bigInt({ min: 0n, max: 2n ** n - 1n });
const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n }).map((b) => hex(b));
const messages: fc.Arbitrary<DeviceMessage> = fc.record({
  chainId: bits(64n),
  registry: bytes(20).map((b) => ethers.getAddress(b)),
  deviceId: bits(64n),
  kind: fc.nat(0xffff),
  epoch: fc.nat(0xffffffff),
  counter: bits(64n),
  time: bits(64n),
  latE7: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  lonE7: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  meter: bits(64n),
  payloadHash: bytes(32),
});

describe("DeviceMessages", () => {
  it("parses and hashes the vector, and writes it", async () => {
    const harness = await loadFixture(fixture);
    const m: DeviceMessage = {
      chainId: BigInt(vector.chainId),
      registry: vector.registry,
      deviceId: BigInt(vector.deviceId),
      kind: vector.kind,
      epoch: vector.epoch,
      counter: BigInt(vector.counter),
      time: BigInt(vector.time),
      latE7: vector.latE7,
      lonE7: vector.lonE7,
      meter: BigInt(vector.meter),
      payloadHash: vector.payloadHash as Hex,
    };
    expect(await harness.parse(vector.bytes)).to.deep.equal(
      fieldsOf(m).map((v) => (typeof v === "number" ? BigInt(v) : v)),
    );
    expect(await harness.encode(structOf(m))).to.equal(vector.bytes);
    expect(await harness.digest(vector.bytes)).to.equal(vector.sha256);
  });

  it("agrees with the codec on every message", async () => {
    const harness = await loadFixture(fixture);
    await fc.assert(
      fc.asyncProperty(messages, async (m) => {
        const encoded = encodeMessage(m);
        expect(await harness.encode(structOf(m))).to.equal(hex(encoded));
        expect([...(await harness.parse(encoded))]).to.deep.equal(
          fieldsOf(m).map((v) => (typeof v === "number" ? BigInt(v) : v)),
        );
        expect(await harness.digest(encoded)).to.equal(messageHash(encoded));
      }),
      { numRuns: 50, seed: 7 },
    );
  });

  it("refuses another length, tag or schema", async () => {
    const harness = await loadFixture(fixture);
    const { bytes: good } = vector;
    const head = "0x47574d3101";
    for (const [bad, itsHead] of [
      ["0x", "0x0000000000"],
      ["0x47574d31", "0x0000000000"],
      [dataSlice(good, 0, 110), head],
      [concat([good, "0x00"]), head],
      [concat(["0x47574f31", dataSlice(good, 4)]), "0x47574f3101"],
      [concat(["0x47574d3102", dataSlice(good, 5)]), "0x47574d3102"],
    ] as const) {
      await expect(harness.parse(bad))
        .to.be.revertedWithCustomError(harness, "DeviceMessageMalformed")
        .withArgs(dataLength(bad), itsHead);
    }
  });
});
