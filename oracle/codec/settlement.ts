// A settlement: 12 words, its id, and the hashes it binds. docs/accounting.md §3, ISettlementOracle.sol.
import { AbiCoder, keccak256 } from "ethers";
import { bytesOf, compareBytes, Hex, hex, join } from "./bytes";
import { entriesRootOf } from "./tree";

export interface Settlement {
  schema: number;
  chainId: bigint;
  receiver: string;
  subNetwork: number;
  term: number;
  epoch: number;
  attempt: number;
  parent: bigint;
  validUntil: bigint;
  entriesRoot: Hex;
  payoutsRoot: Hex;
  dataHash: Hex;
}

export const SETTLEMENT_SCHEMA = 1;
/** ABI types of the twelve words. */
export const SETTLEMENT_TYPES = [
  "uint16",
  "uint64",
  "address",
  "uint16",
  "uint32",
  "uint32",
  "uint16",
  "uint208",
  "uint64",
  "bytes32",
  "bytes32",
  "bytes32",
];
const coder = AbiCoder.defaultAbiCoder();

/** entriesRoot of an epoch without points. */
export const EMPTY_ENTRIES_ROOT = entriesRootOf({ hash: hex(new Uint8Array(32)), sum: 0n }, 0);

export function encodeSettlement(s: Settlement): Hex {
  return coder.encode(SETTLEMENT_TYPES, [
    s.schema,
    s.chainId,
    s.receiver,
    s.subNetwork,
    s.term,
    s.epoch,
    s.attempt,
    s.parent,
    s.validUntil,
    s.entriesRoot,
    s.payoutsRoot,
    s.dataHash,
  ]) as Hex;
}

/** Low 208 bits of keccak256 of the encoding with validUntil = 0: a retry with a later deadline is the same settlement. */
export function settlementId(s: Settlement): bigint {
  return BigInt(keccak256(encodeSettlement({ ...s, validUntil: 0n }))) & ((1n << 208n) - 1n);
}

/** Hash of a set of proofs: its message hashes, rising, joined. */
export function proofSetHash(messageHashes: readonly Hex[]): Hex {
  const sorted = messageHashes.map((h) => bytesOf("messageHash", h, 32)).sort(compareBytes);
  return keccak256(join(...sorted)) as Hex;
}

/** Binds the block whose state was used, and the set of proofs. */
export function dataHash(blockHash: Hex, blockNumber: number, setHash: Hex): Hex {
  return keccak256(
    coder.encode(["uint8", "bytes32", "uint256", "bytes32"], [1, blockHash, blockNumber, setHash]),
  ) as Hex;
}

export interface PriceReport {
  schema: number;
  chainId: bigint;
  receiver: string;
  round: number;
  observedAt: bigint;
  validUntil: bigint;
  observations: bigint[];
}

export function encodePriceReport(p: PriceReport): Hex {
  return coder.encode(
    ["tuple(uint16,uint64,address,uint32,uint64,uint64,uint64[])"],
    [[p.schema, p.chainId, p.receiver, p.round, p.observedAt, p.validUntil, p.observations]],
  ) as Hex;
}
