import { expect } from "chai";
import { dataLength, dataSlice, id, toBeHex, Wallet, ZeroAddress } from "ethers";
import {
  CodecError,
  type DeviceMessage,
  encodeMessage,
  encodeSettlement,
  type Hex,
  hex,
  ORDER,
  rawReport,
  reportContext,
  reportDigest,
  type Settlement,
  signReport,
  workflowNameOf,
} from "../../oracle/codec";
import {
  DEVICE_EVIDENCE_SIZE,
  deviceEvidence,
  equivocationEvidence,
  faultsOf,
  settlementOfReport,
  type SignedMessage,
  type SignedReport,
  signerOf,
} from "../../oracle/evidence";
import { makeDevice, twin } from "../helpers/devices";

const MESSAGE: DeviceMessage = {
  chainId: 31_337n,
  registry: ZeroAddress,
  deviceId: 7n,
  kind: 3,
  epoch: 42,
  counter: 100n,
  time: 5_000n,
  latE7: 1,
  lonE7: -1,
  meter: 50n,
  payloadHash: id("payload") as Hex,
};
const SETTLEMENT: Settlement = {
  schema: 1,
  chainId: 31_337n,
  receiver: "0x1111111111111111111111111111111111111111",
  subNetwork: 3,
  term: 1,
  epoch: 42,
  attempt: 2,
  parent: 77n,
  validUntil: 9n,
  entriesRoot: id("entries") as Hex,
  payoutsRoot: id("payouts") as Hex,
  dataHash: id("data") as Hex,
};
const box = makeDevice();
const member = new Wallet(id("member"));

const bytes = (change: Partial<DeviceMessage> = {}): Uint8Array => encodeMessage({ ...MESSAGE, ...change });

function sign(change: Partial<DeviceMessage> = {}, by = box): SignedMessage {
  const message = bytes(change);
  const { r, s } = by.sign(message);
  return { message, key: by.key, signature: `${r}${s.slice(2)}` };
}

function report(change: Partial<Settlement> = {}): SignedReport {
  const raw = rawReport(
    {
      executionId: id("execution") as Hex,
      timestamp: 1n,
      donId: 1,
      configVersion: 1,
      workflowId: id("workflow") as Hex,
      workflowName: workflowNameOf("settlement"),
      workflowOwner: ZeroAddress,
      reportId: "0x0001",
    },
    encodeSettlement({ ...SETTLEMENT, ...change }),
  );
  const context = reportContext(id("config") as Hex, 1n);
  return {
    rawReport: raw,
    reportContext: context,
    signature: signReport(member.privateKey, reportDigest(raw, context)),
  };
}

describe("evidence", () => {
  it("of a device is key, two low signatures and two messages: 446 bytes", () => {
    const [a, b] = [sign(), sign({ meter: 51n })];
    const evidence = deviceEvidence(a, b);
    expect(dataLength(evidence)).to.equal(DEVICE_EVIDENCE_SIZE).and.to.equal(446);
    expect(dataSlice(evidence, 0, 96)).to.equal(`${toBeHex(a.key.keyType, 32)}${a.key.x.slice(2)}${a.key.y.slice(2)}`);
    expect(dataSlice(evidence, 96, 224)).to.equal(`${a.signature}${b.signature.slice(2)}`);
    expect(dataSlice(evidence, 224)).to.equal(`${hex(a.message)}${hex(b.message).slice(2)}`);
  });

  it("has low signatures, whatever form they come in", () => {
    const [a, b] = [sign(), sign({ meter: 51n })];
    const [r, s] = [dataSlice(a.signature, 0, 32) as Hex, dataSlice(a.signature, 32) as Hex];
    const high = twin(a.key.keyType, { r, s });
    expect(BigInt(high.s)).to.be.greaterThan(ORDER[a.key.keyType]! / 2n);
    const other = { ...a, signature: `${high.r}${high.s.slice(2)}` as Hex };
    expect(deviceEvidence(other, b)).to.equal(deviceEvidence(a, b));
  });

  it("needs one key, one device and one sub-network", () => {
    const other = makeDevice();
    for (const [b, field] of [
      [sign({}, other), "key"],
      [sign({ deviceId: 8n }), "deviceId"],
      [sign({ kind: 4 }), "kind"],
    ] as const) {
      expect(() => deviceEvidence(sign(), b))
        .to.throw(CodecError)
        .with.property("field", field);
    }
  });

  it("tells the faults that two messages show, in either order", () => {
    for (const [a, b, tolerance, faults] of [
      [{}, {}, 0, []],
      [{}, { counter: 101n, time: 5_001n, meter: 51n }, 0, []],
      [{}, { meter: 51n }, 0, ["doubleSignedCounter"]],
      [{}, { counter: 99n, time: 5_001n, meter: 51n }, 0, ["counterRunBack"]],
      [{}, { counter: 101n, time: 5_001n, meter: 49n }, 0, ["meterRunBack"]],
      [{}, { counter: 99n, time: 5_010n, meter: 49n }, 9, ["counterRunBack", "meterRunBack"]],
      [{}, { counter: 99n, time: 5_010n, meter: 49n }, 10, []],
      [{}, { time: 5_001n, meter: 49n }, 0, ["doubleSignedCounter", "meterRunBack"]],
    ] as const) {
      expect(faultsOf(bytes(a), bytes(b), tolerance)).to.deep.equal(faults);
      expect(faultsOf(bytes(b), bytes(a), tolerance)).to.deep.equal(faults);
    }
  });

  it("reads a settlement out of a report, and who signed it", () => {
    const a = report();
    expect(settlementOfReport(a.rawReport)).to.deep.equal(SETTLEMENT);
    expect(signerOf(a)).to.equal(member.address);
    expect(() => settlementOfReport(`${a.rawReport}00`)).to.throw(CodecError, "needs 493");
    expect(() => settlementOfReport(report({ schema: 2 }).rawReport)).to.throw(CodecError, "schema");
    const dirty = `${a.rawReport.slice(0, 2 + 2 * 109)}01${a.rawReport.slice(2 + 2 * 110)}` as Hex;
    expect(() => settlementOfReport(dirty)).to.throw();
  });

  it("of a member needs one slot and two contents", () => {
    for (const [change, field] of [
      [{ subNetwork: 4 }, "subNetwork"],
      [{ epoch: 43 }, "epoch"],
      [{ attempt: 3 }, "attempt"],
      [{ validUntil: 10n }, "rawReport"],
      [{}, "rawReport"],
    ] as const) {
      expect(() => equivocationEvidence(report(), report(change)))
        .to.throw(CodecError)
        .with.property("field", field);
    }
    expect(dataLength(equivocationEvidence(report(), report({ parent: 78n })))).to.be.at.most(2_048);
  });
});
