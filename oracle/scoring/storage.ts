import { z } from "zod";

import { chunkCount, chunkLength, type Piece, rawCid, rootOfProof, sha256, treeDepth } from "./piece";
import { DEMO_PIECES } from "./pieces-demo";
import { ReadingRejected, ReasonCode } from "./reasons";
import { decodeWire, type Decoder, header, hexBytes, type Reading } from "./wire";

const DIGEST_BYTES = 32;
const MAX_DEPTH = 25;

const schema = z.strictObject({
  ...header,
  /** Root of the piece, as the deal names it. */
  piece: hexBytes(DIGEST_BYTES),
  index: z
    .int()
    .min(0)
    .max(2 ** MAX_DEPTH - 1),
  /** Address of the chunk as a raw IPLD block (CIDv1, base32). */
  cid: z.string().max(64),
  chunk: z.base64().max(5_464),
  /** Sibling digests from the chunk up. */
  path: z.array(hexBytes(DIGEST_BYTES)).max(MAX_DEPTH),
});
export type StoragePayload = z.infer<typeof schema>;

export interface StorageReading extends Reading {
  readonly piece: Piece;
  readonly index: number;
  readonly cid: string;
}

/** Proof of possession of one chunk of a piece under a deal. Unit: bytes proven. */
export function storageDecoder(pieces: readonly Piece[]): Decoder<StorageReading> {
  const byRoot = new Map(pieces.map((piece) => [piece.root, piece]));
  return (payload) => {
    const claim = decodeWire(schema, payload);
    const piece = byRoot.get(claim.piece);
    if (piece === undefined) throw new ReadingRejected(ReasonCode.UNKNOWN_PIECE, claim.piece);
    const count = chunkCount(piece.bytes);
    if (claim.index >= count) throw new ReadingRejected(ReasonCode.OUT_OF_RANGE, `chunk ${claim.index} of ${count}`);

    const chunk = Buffer.from(claim.chunk, "base64");
    if (chunk.toString("base64") !== claim.chunk) {
      throw new ReadingRejected(ReasonCode.PAYLOAD_NOT_CANONICAL, "chunk: spare bits of the last base64 digit are set");
    }
    const digest = sha256(chunk);
    const cid = rawCid(digest);
    if (cid !== claim.cid) throw new ReadingRejected(ReasonCode.CID_MISMATCH, `bytes are ${cid}, not ${claim.cid}`);
    if (chunk.length !== chunkLength(piece.bytes, claim.index) || claim.path.length !== treeDepth(count)) {
      throw new ReadingRejected(
        ReasonCode.PROOF_INVALID,
        `chunk of ${chunk.length} bytes, path of ${claim.path.length}`,
      );
    }
    const path = claim.path.map((hex) => Buffer.from(hex, "hex"));
    if (rootOfProof(digest, claim.index, path) !== piece.root) {
      throw new ReadingRejected(ReasonCode.PROOF_INVALID, `chunk ${claim.index} does not lead to ${piece.root}`);
    }
    return { units: BigInt(chunk.length), piece, index: claim.index, cid };
  };
}

export const decode = storageDecoder(DEMO_PIECES);
