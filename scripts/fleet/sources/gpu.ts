import { encodeWire } from "../../../oracle/scoring";
import { gpuSpecs, type GpuPayload } from "../../../oracle/scoring/gpu";
import { sha256 } from "../../../oracle/scoring/piece";
import { draw } from "../draw";
import type { CategorySource } from "./source";

const SRC = "@huggingface/tasks spec, modelled job";
const MAX_MINUTES = 60;
/** Modelled: sustained throughput lies between 55 and 85 percent of the specification. */
const UTILISATION_PERCENT = { least: 55, span: 31 };

export function openGpu(): CategorySource {
  return (device, step) => {
    const spec = gpuSpecs().get(device.model);
    if (spec === undefined) throw new Error(`${device.model} is not in @huggingface/tasks`);
    const seed = String(device.index);
    const percent = UTILISATION_PERCENT.least + draw(seed, "utilisation", step, UTILISATION_PERCENT.span);
    const gflops = Math.floor((spec * percent) / 100);
    const minutes = 1 + draw(seed, "minutes", step, MAX_MINUTES);
    const result = sha256(Buffer.from(`result ${device.index} ${step}`)).toString("hex");
    const payload: GpuPayload = { v: 1, src: SRC, sku: device.model, gflops, minutes, result };
    return {
      payload: encodeWire(payload),
      units: BigInt(gflops) * BigInt(minutes),
      latE7: device.latE7,
      lonE7: device.lonE7,
    };
  };
}
