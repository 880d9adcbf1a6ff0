// What a node asks of the chain. Nodes take time from here and from nowhere else.
import type { DeviceFacts } from "./settlement/compute";
import type { Hex, Settlement } from "./codec";

export interface Block {
  readonly number: number;
  readonly hash: Hex;
  /** Seconds. */
  readonly time: number;
}

/** Constants of a deployment. */
export interface ChainConstants {
  readonly chainId: bigint;
  readonly oracle: string;
  readonly registry: string;
  readonly priceFeed: string;
  readonly epochGenesis: number;
  readonly epochLength: number;
  readonly termLength: number;
}

export interface SubNetwork {
  readonly id: number;
  readonly category: number;
}

export interface Head {
  readonly id: bigint;
  readonly epoch: number;
  readonly attempt: number;
}

export type SettlementState = "none" | "pending" | "final";

export interface StoredSettlement {
  readonly id: bigint;
  readonly deadline: number;
  readonly state: SettlementState;
}

/** What came of a delivery: `gasUsed` and `tx` where there is a receipt. */
export type Delivery =
  | { readonly kind: "delivered"; readonly tx: string; readonly gasUsed: bigint }
  | { readonly kind: "already" }
  | { readonly kind: "refused"; readonly tx: string | null; readonly why: string };

export interface SignedReport {
  readonly receiver: string;
  readonly raw: Hex;
  readonly context: Hex;
  readonly signatures: readonly Hex[];
}

export interface Facts {
  /** By device id. */
  readonly devices: ReadonlyMap<bigint, DeviceFacts>;
  /** Device whose live key it was in the epoch, 0 if none; by key hash. */
  readonly keys: ReadonlyMap<Hex, bigint>;
}

export interface Chain {
  readonly constants: ChainConstants;

  latest(): Promise<Block>;
  /** Last block that the chain calls finalised. */
  finalised(): Promise<Block>;
  block(number: number): Promise<Block | undefined>;

  subNetworks(): Promise<readonly SubNetwork[]>;
  deviceOfKeyAt(keyHash: Hex, epoch: number): Promise<bigint>;
  isBackedAt(deviceId: bigint, subNetwork: number, epoch: number): Promise<boolean>;
  /** Everything that scoring needs, as it stood in `block`. */
  facts(
    subNetwork: number,
    epoch: number,
    devices: readonly bigint[],
    keys: readonly Hex[],
    block: Block,
  ): Promise<Facts>;

  headOf(subNetwork: number): Promise<Head>;
  settlementOf(subNetwork: number, epoch: number): Promise<StoredSettlement>;
  isSettleable(subNetwork: number, epoch: number): Promise<boolean>;
  /** The payload of a settlement on the chain, from its event. */
  reported(subNetwork: number, epoch: number, id: bigint): Promise<Settlement | undefined>;
  nextEpochToClose(): Promise<number>;
  budgetOf(subNetwork: number, epoch: number): Promise<bigint>;
  lastPriceRound(): Promise<number>;

  closeEpochs(n: number): Promise<void>;
  deliver(report: SignedReport): Promise<Delivery>;
  finalise(settlement: Settlement, parentEpoch: number): Promise<void>;
}

/** First second of an epoch. */
export function epochStart(c: ChainConstants, epoch: number): number {
  return c.epochGenesis + epoch * c.epochLength;
}

/** First second after an epoch. */
export function epochEnd(c: ChainConstants, epoch: number): number {
  return epochStart(c, epoch + 1);
}

/** The epoch that contains `time`; 0 before genesis. */
export function epochAt(c: ChainConstants, time: number): number {
  return time < c.epochGenesis ? 0 : Math.floor((time - c.epochGenesis) / c.epochLength);
}

/**
 * The last block before `time`, if it is finalised and the block after it is not before `time`: the block whose state
 * decides an epoch. Undefined while that is not so.
 */
export async function lastBlockBefore(chain: Chain, time: number): Promise<Block | undefined> {
  const finalised = await chain.finalised();
  if (finalised.time < time) return undefined;
  let low: Block | undefined; // before time
  let high = finalised; // not before time
  while ((low?.number ?? -1) + 1 < high.number) {
    const middle = await chain.block(Math.floor(((low?.number ?? -1) + high.number) / 2));
    if (middle === undefined) return undefined;
    if (middle.time < time) low = middle;
    else high = middle;
  }
  return low;
}
