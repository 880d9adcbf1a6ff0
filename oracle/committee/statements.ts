// What members sign to each other: envelopes of requests, prepares, price observations; and whose turn it is.
import { AbiCoder, id, keccak256 } from "ethers";
import { z } from "zod";
import type { Block, ChainConstants } from "../chain";
import { type Hex, recoverReportSigner } from "../codec";
import type { Member } from "../config";

const coder = AbiCoder.defaultAbiCoder();

export const hex32 = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((v) => v as Hex);
export const signatureHex = z
  .string()
  .regex(/^0x[0-9a-f]{130}$/)
  .transform((v) => v as Hex);
const uint16 = z.int().min(0).max(0xffff);
const uint32 = z.int().min(0).max(0xffffffff);

/** One thing to settle. */
export const subjectSchema = z.strictObject({ subNetwork: uint16, epoch: uint32, attempt: uint16 });
export type Subject = z.infer<typeof subjectSchema>;

export const blockRefSchema = z.strictObject({ number: z.int().min(0), hash: hex32 });

export const certificateSchema = z.strictObject({
  ...subjectSchema.shape,
  round: uint32,
  proofSetHash: hex32,
  block: blockRefSchema,
  prepares: z.array(signatureHex).max(31),
});
/** 2f + 1 members have prepared one set of proofs and one block in one round. */
export type Certificate = z.infer<typeof certificateSchema>;
export type Proposal = Omit<Certificate, "prepares">;

export const proofSetSchema = z.array(hex32).max(1_000_000);

/** Digest of a prepare. */
export function prepareDigest(c: ChainConstants, p: Proposal): Hex {
  return keccak256(
    coder.encode(
      ["bytes32", "uint256", "address", "uint16", "uint32", "uint16", "uint32", "bytes32", "uint256", "bytes32"],
      [
        id("groundwork/prepare/1"),
        c.chainId,
        c.oracle,
        p.subNetwork,
        p.epoch,
        p.attempt,
        p.round,
        p.proofSetHash,
        p.block.number,
        p.block.hash,
      ],
    ),
  ) as Hex;
}

/** Digest of a request from one member to another: binds chain, receiver, path, chain time and body. */
export function envelopeDigest(c: ChainConstants, to: string, path: string, time: number, bodyHash: Hex): Hex {
  return keccak256(
    coder.encode(
      ["bytes32", "uint256", "address", "address", "string", "uint64", "bytes32"],
      [id("groundwork/envelope/1"), c.chainId, c.oracle, to, path, time, bodyHash],
    ),
  ) as Hex;
}

/** Digest of a member's observation of the price. */
export function observationDigest(c: ChainConstants, round: number, priceE8: bigint): Hex {
  return keccak256(
    coder.encode(
      ["bytes32", "uint256", "address", "uint32", "uint64"],
      [id("groundwork/price/1"), c.chainId, c.priceFeed, round, priceE8],
    ),
  ) as Hex;
}

/** Execution id of a report: another settlement or deadline is another report. */
export function executionIdOf(c: ChainConstants, receiver: string, content: Hex, validUntil: number): Hex {
  return keccak256(
    coder.encode(
      ["bytes32", "uint256", "address", "bytes32", "uint64"],
      [id("groundwork/execution/1"), c.chainId, receiver, content, validUntil],
    ),
  ) as Hex;
}

/** The member that signed, or undefined where nobody of the committee did. */
export function memberOf(members: readonly Member[], digest: Hex, signature: Hex): Member | undefined {
  try {
    const signer = recoverReportSigner(digest, signature);
    return members.find((m) => m.signer === signer);
  } catch {
    return undefined; // not a signature at all
  }
}

/** How many different members signed `digest`. */
export function membersSigned(members: readonly Member[], digest: Hex, signatures: readonly Hex[]): number {
  return new Set(signatures.map((s) => memberOf(members, digest, s)?.index).filter((i) => i !== undefined)).size;
}

export function isCertified(c: ChainConstants, members: readonly Member[], f: number, cert: Certificate): boolean {
  return membersSigned(members, prepareDigest(c, cert), cert.prepares) >= 2 * f + 1;
}

/** Round r begins r × roundSeconds after `start`. Negative before it. */
export function roundAt(time: number, start: number, roundSeconds: number): number {
  return Math.floor((time - start) / roundSeconds);
}

/** The member whose turn round `round` of (sub-network, epoch) is. */
export function leaderOf(subNetwork: number, epoch: number, round: number, n: number): number {
  const seed = BigInt(keccak256(coder.encode(["uint16", "uint32"], [subNetwork, epoch])));
  return Number((seed + BigInt(round)) % BigInt(n));
}

export function sameBlock(a: Pick<Block, "number" | "hash">, b: Pick<Block, "number" | "hash">): boolean {
  return a.number === b.number && a.hash === b.hash;
}
