import type { CategoryName } from "../../oracle/scoring";
import { CLIPS } from "./gopro";

/** GPUs of the demo fleet: names in @huggingface/tasks. */
export const GPU_MODELS = [
  "GPU/NVIDIA/H100",
  "GPU/NVIDIA/A100",
  "GPU/NVIDIA/L40s",
  "GPU/NVIDIA/RTX 4090",
  "GPU/NVIDIA/RTX 3090",
  "GPU/AMD/MI300",
] as const;

/** Inverters of the demo fleet: model name and rated watts. Modelled; no real maker is meant. */
export const INVERTERS: ReadonlyMap<string, number> = new Map([
  ["Demo inverter 3.6 kW", 3_600],
  ["Demo inverter 5 kW", 5_000],
  ["Demo inverter 10 kW", 10_000],
  ["Demo inverter 30 kW", 30_000],
]);

const MODELS: Record<CategoryName, readonly string[]> = {
  lorawan: ["Demo LoRaWAN gateway"],
  gpu: GPU_MODELS,
  storage: ["Demo storage node"],
  mapping: CLIPS.map(({ camera }) => camera),
  mobility: ["Demo bicycle tracker"],
  energy: [...INVERTERS.keys()],
};

export function modelOf(category: CategoryName, choice: number): string {
  const models = MODELS[category];
  const model = models[choice % models.length];
  if (model === undefined) throw new Error(`no model for ${category}`);
  return model;
}
