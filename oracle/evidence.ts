// Evidence of faults, encoded as contracts/disputes/evidence/ verifies it. Pure. docs/accounting.md, "Disputes and slashes".
import { AbiCoder, dataSlice } from "ethers";
import {
  bytesOf,
  CodecError,
  decodeMessage,
  type DeviceKey,
  type DeviceMessage,
  encodeSettlement,
  type Hex,
  hex,
  join,
  keyHash,
  messageHash,
  MESSAGE_SIZE,
  normaliseSignature,
  readUint,
  recoverReportSigner,
  reportDigest,
  REPORT_HEADER_SIZE,
  type Settlement,
  SETTLEMENT_SCHEMA,
  SETTLEMENT_TYPES,
  settlementId,
  uint,
} from "./codec";

/** Kinds of evidence that the Slasher knows (ISlasher.setEvidence), as deployed. */
export const EVIDENCE_KINDS = {
  doubleSignedCounter: 1,
  counterRunBack: 2,
  meterRunBack: 3,
  committeeEquivocation: 4,
} as const;
export type EvidenceName = keyof typeof EVIDENCE_KINDS;

/** Why a device or operator is accused: what `reasonCode` of a case says. Published and stable: add, never rename. */
export const REASON_CODES = {
  notARealDevice: 1,
  falseLocation: 2,
  impossibleTravel: 3,
  relayedSignal: 4,
  copiedData: 5,
  falseMeter: 6,
  serviceNotGiven: 7,
  collusion: 8,
  other: 99,
} as const;

/** Length of a device's evidence: key(96) ‖ two signatures(64) ‖ two messages(111). */
export const DEVICE_EVIDENCE_SIZE = 96 + 2 * 64 + 2 * MESSAGE_SIZE;

/** A message, who signed it, and r ‖ s in either form. */
export interface SignedMessage {
  readonly message: Uint8Array;
  readonly key: DeviceKey;
  readonly signature: Hex;
}

/** A member's signature over a report, as it goes to the forwarder. */
export interface SignedReport {
  readonly rawReport: Hex;
  readonly reportContext: Hex;
  readonly signature: Hex;
}

/** Two messages of one device as 446 bytes. Throws where the contract would refuse them whatever they say. */
export function deviceEvidence(a: SignedMessage, b: SignedMessage): Hex {
  const [first, second] = [decodeMessage(a.message), decodeMessage(b.message)];
  if (keyHash(a.key) !== keyHash(b.key)) {
    throw new CodecError("key", "the messages are signed by two keys: a counter belongs to one box");
  }
  if (first.deviceId !== second.deviceId) {
    throw new CodecError("deviceId", `${first.deviceId} and ${second.deviceId} are two devices`);
  }
  if (first.kind !== second.kind) {
    throw new CodecError(
      "kind",
      `${first.kind} and ${second.kind} are two sub-networks: each has a counter of its own`,
    );
  }
  const signature = ({ key, signature }: SignedMessage): Uint8Array[] => {
    const { r, s } = normaliseSignature(key.keyType, signature);
    return [bytesOf("r", r, 32), bytesOf("s", s, 32)];
  };
  return hex(
    join(
      uint("keyType", a.key.keyType, 32),
      bytesOf("x", a.key.x, 32),
      bytesOf("y", a.key.y, 32),
      ...signature(a),
      ...signature(b),
      a.message,
      b.message,
    ),
  );
}

/** Faults that two messages of one device show; none for one message in two forms. */
export function faultsOf(a: Uint8Array, b: Uint8Array, clockTolerance = 0): EvidenceName[] {
  if (messageHash(a) === messageHash(b)) return [];
  const pair = [decodeMessage(a), decodeMessage(b)].sort((x, y) => (x.time < y.time ? -1 : 1));
  const [earlier, later] = pair as [DeviceMessage, DeviceMessage];
  const ordered = later.time - earlier.time > BigInt(clockTolerance);
  return [
    ...(earlier.counter === later.counter ? (["doubleSignedCounter"] as const) : []),
    ...(ordered && later.counter < earlier.counter ? (["counterRunBack"] as const) : []),
    ...(ordered && later.meter < earlier.meter ? (["meterRunBack"] as const) : []),
  ];
}

/** The settlement inside a report. Strict: what re-encodes to other bytes is refused. */
export function settlementOfReport(rawReport: Hex): Settlement {
  const bytes = bytesOf("rawReport", rawReport);
  const size = REPORT_HEADER_SIZE + 32 * SETTLEMENT_TYPES.length;
  if (bytes.length !== size) throw new CodecError("rawReport", `has ${bytes.length} bytes, needs ${size}`);
  const word = (i: number): bigint => readUint(bytes, REPORT_HEADER_SIZE + 32 * i, 32);
  const text = (i: number): Hex => hex(bytes.slice(REPORT_HEADER_SIZE + 32 * i, REPORT_HEADER_SIZE + 32 * (i + 1)));
  const values = AbiCoder.defaultAbiCoder().decode(SETTLEMENT_TYPES, dataSlice(rawReport, REPORT_HEADER_SIZE));
  const s: Settlement = {
    schema: Number(word(0)),
    chainId: word(1),
    receiver: String(values[2]),
    subNetwork: Number(word(3)),
    term: Number(word(4)),
    epoch: Number(word(5)),
    attempt: Number(word(6)),
    parent: word(7),
    validUntil: word(8),
    entriesRoot: text(9),
    payoutsRoot: text(10),
    dataHash: text(11),
  };
  if (s.schema !== SETTLEMENT_SCHEMA) throw new CodecError("schema", `${s.schema} is unknown, 1 is known`);
  if (encodeSettlement(s) !== dataSlice(rawReport, REPORT_HEADER_SIZE)) {
    throw new CodecError("rawReport", "the payload is no settlement");
  }
  return s;
}

/** Who signed a report. */
export function signerOf(report: SignedReport): string {
  return recoverReportSigner(reportDigest(report.rawReport, report.reportContext), report.signature);
}

/** Two reports of one member as abi.encode(SignedReport, SignedReport). Throws where the contract would refuse them. */
export function equivocationEvidence(a: SignedReport, b: SignedReport): Hex {
  const [first, second] = [settlementOfReport(a.rawReport), settlementOfReport(b.rawReport)];
  for (const field of ["subNetwork", "epoch", "attempt"] as const) {
    if (first[field] !== second[field]) {
      throw new CodecError(field, `${first[field]} and ${second[field]}: a member may sign both`);
    }
  }
  if (settlementId(first) === settlementId(second)) {
    throw new CodecError("rawReport", "the two say the same: another validUntil or header is a retry, no fault");
  }
  const report = "tuple(bytes rawReport, bytes reportContext, bytes signature)";
  return AbiCoder.defaultAbiCoder().encode([report, report], [a, b]) as Hex;
}
