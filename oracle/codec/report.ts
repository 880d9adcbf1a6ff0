// Bytes of a report as Chainlink's KeystoneForwarder checks and routes them (@chainlink/contracts 1.5.0).
import {
  concat,
  dataSlice,
  keccak256,
  recoverAddress,
  sha256,
  Signature,
  SigningKey,
  toBeHex,
  toUtf8Bytes,
} from "ethers";
import { bytesOf, CodecError, Hex, hex, join, uint } from "./bytes";

export const REPORT_HEADER_SIZE = 109;

/** Fields of the header. `timestamp` in seconds; `workflowName` ten bytes, see `workflowNameOf`. */
export interface ReportHeader {
  executionId: Hex;
  timestamp: bigint;
  donId: number;
  configVersion: number;
  workflowId: Hex;
  workflowName: Hex;
  workflowOwner: string;
  reportId: Hex;
}

/** First ten hex characters of sha256(name), as ASCII: how Chainlink encodes the name of a workflow. */
export function workflowNameOf(name: string): Hex {
  return hex(toUtf8Bytes(sha256(toUtf8Bytes(name)).slice(2, 12)));
}

/** header(109) ‖ payload. */
export function rawReport(h: ReportHeader, payload: Hex): Hex {
  const header = join(
    uint("version", 1, 1),
    bytesOf("executionId", h.executionId, 32),
    uint("timestamp", h.timestamp, 4),
    uint("donId", h.donId, 4),
    uint("configVersion", h.configVersion, 4),
    bytesOf("workflowId", h.workflowId, 32),
    bytesOf("workflowName", h.workflowName, 10),
    bytesOf("workflowOwner", h.workflowOwner, 20),
    bytesOf("reportId", h.reportId, 2),
  );
  return hex(join(header, bytesOf("payload", payload)));
}

/** configDigest(32) ‖ 27 zero bytes ‖ sequence(4) ‖ round(1) ‖ extraHash(32): 96 bytes, opaque to the forwarder. */
export function reportContext(configDigest: Hex, sequence: bigint): Hex {
  return hex(
    join(
      bytesOf("configDigest", configDigest, 32),
      new Uint8Array(27),
      uint("sequence", sequence, 4),
      new Uint8Array(1),
      new Uint8Array(32),
    ),
  );
}

/** keccak256(keccak256(rawReport) ‖ context): what members sign, without any prefix. */
export function reportDigest(raw: Hex, context: Hex): Hex {
  return keccak256(concat([keccak256(raw), context])) as Hex;
}

/** r ‖ s ‖ v with v = 0 or 1, 65 bytes. */
export function signReport(privateKey: string, digest: Hex): Hex {
  const s = new SigningKey(privateKey).sign(digest);
  return concat([s.r, s.s, toBeHex(s.yParity, 1)]) as Hex;
}

/** Address that signed `digest` with a 65-byte signature whose v is 0 or 1. */
export function recoverReportSigner(digest: Hex, signature: Hex): string {
  const v = bytesOf("signature", signature, 65)[64];
  if (v !== 0 && v !== 1) throw new CodecError("signature", `v is ${v}, must be 0 or 1`);
  return recoverAddress(
    digest,
    Signature.from({ r: dataSlice(signature, 0, 32), s: dataSlice(signature, 32, 64), v: v === 0 ? 27 : 28 }),
  );
}
