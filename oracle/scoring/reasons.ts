/** Why a payload earned nothing. The codes are published, so they are stable: add, never rename. */
export enum ReasonCode {
  // any category
  UNKNOWN_CATEGORY = "UNKNOWN_CATEGORY",
  PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE",
  PAYLOAD_MALFORMED = "PAYLOAD_MALFORMED",
  PAYLOAD_NOT_CANONICAL = "PAYLOAD_NOT_CANONICAL",
  OUT_OF_RANGE = "OUT_OF_RANGE",
  // lorawan
  FRAME_MALFORMED = "FRAME_MALFORMED",
  FRAME_NOT_UPLINK = "FRAME_NOT_UPLINK",
  FRAME_REPEATED = "FRAME_REPEATED",
  UNKNOWN_DEVADDR = "UNKNOWN_DEVADDR",
  MIC_INVALID = "MIC_INVALID",
  // gpu
  UNKNOWN_HARDWARE = "UNKNOWN_HARDWARE",
  BENCHMARK_ABOVE_SPEC = "BENCHMARK_ABOVE_SPEC",
  // storage
  UNKNOWN_PIECE = "UNKNOWN_PIECE",
  CID_MISMATCH = "CID_MISMATCH",
  PROOF_INVALID = "PROOF_INVALID",
  // mapping, mobility
  NO_GNSS_FIX = "NO_GNSS_FIX",
  WEAK_GNSS_FIX = "WEAK_GNSS_FIX",
  TIME_NOT_RISING = "TIME_NOT_RISING",
  IMPOSSIBLE_SPEED = "IMPOSSIBLE_SPEED",
  // energy
  METER_RAN_BACK = "METER_RAN_BACK",
}

/** The only error a decoder throws. `code` is for machines and the record, `detail` for people. */
export class ReadingRejected extends Error {
  readonly code: ReasonCode;
  readonly detail: string;

  constructor(code: ReasonCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = "ReadingRejected";
    this.code = code;
    this.detail = detail;
  }
}
