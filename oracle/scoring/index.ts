import { decode as energy } from "./energy";
import { decode as gpu } from "./gpu";
import { decode as lorawan } from "./lorawan";
import { decode as mapping } from "./mapping";
import { decode as mobility } from "./mobility";
import { ReadingRejected, ReasonCode } from "./reasons";
import { decode as storage } from "./storage";
import type { Decoder, Reading } from "./wire";

/** Ids of the categories we ship. On-chain a category is an open uint16, registered by vote: others may follow. */
export const CATEGORY = { lorawan: 1, gpu: 2, storage: 3, mapping: 4, mobility: 5, energy: 6 } as const;
export type CategoryName = keyof typeof CATEGORY;

export interface Category {
  readonly id: number;
  readonly name: CategoryName;
  readonly unit: string;
  readonly decode: Decoder;
}

export const CATEGORIES: readonly Category[] = [
  { id: CATEGORY.lorawan, name: "lorawan", unit: "frames relayed", decode: lorawan },
  { id: CATEGORY.gpu, name: "gpu", unit: "GFLOPS-minutes", decode: gpu },
  { id: CATEGORY.storage, name: "storage", unit: "bytes proven", decode: storage },
  { id: CATEGORY.mapping, name: "mapping", unit: "metres mapped", decode: mapping },
  { id: CATEGORY.mobility, name: "mobility", unit: "metres driven", decode: mobility },
  { id: CATEGORY.energy, name: "energy", unit: "Wh", decode: energy },
];

const byId = new Map(CATEGORIES.map((category) => [category.id, category]));

export function categoryOf(id: number): Category {
  const category = byId.get(id);
  if (category === undefined) throw new ReadingRejected(ReasonCode.UNKNOWN_CATEGORY, String(id));
  return category;
}

/** What a payload of a category is worth, or ReadingRejected with the reason. */
export function decode(category: number, payload: Uint8Array): Reading {
  return categoryOf(category).decode(payload);
}

export { ReadingRejected, ReasonCode } from "./reasons";
export { scoreUnits, type ScoreInput } from "./score";
export { type Decoder, encodeWire, MAX_PAYLOAD_BYTES, type Reading } from "./wire";
