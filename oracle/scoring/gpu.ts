import { SKUS } from "@huggingface/tasks";
import { z } from "zod";

import { decimalToInt } from "./decimal";
import { ReadingRejected, ReasonCode } from "./reasons";
import { decodeWire, type Decoder, header, hexBytes, type Reading } from "./wire";

const MINUTES_PER_DAY = 1_440;
const GFLOPS_PER_TFLOPS_DECIMALS = 3;

const schema = z.strictObject({
  ...header,
  /** class/vendor/name in @huggingface/tasks, e.g. GPU/NVIDIA/H100 */
  sku: z.string().min(1).max(96),
  /** the job's benchmark: sustained GFLOPS */
  gflops: z.int().min(1).max(10_000_000),
  minutes: z.int().min(1).max(MINUTES_PER_DAY),
  /** sha256 of the job's result */
  result: hexBytes(32),
});
export type GpuPayload = z.infer<typeof schema>;

export interface GpuReading extends Reading {
  readonly sku: string;
  readonly gflops: number;
  readonly specGflops: number;
  readonly minutes: number;
  readonly result: string;
}

let specs: ReadonlyMap<string, number> | undefined;

/** Every SKU with its published throughput in GFLOPS (integer). */
export function gpuSpecs(): ReadonlyMap<string, number> {
  specs ??= new Map(
    Object.entries(SKUS).flatMap(([kind, vendors]) =>
      Object.entries(vendors).flatMap(([vendor, models]) =>
        Object.entries(models as Record<string, { tflops: number }>).map(([name, { tflops }]): [string, number] => [
          `${kind}/${vendor}/${name}`,
          decimalToInt(String(tflops), GFLOPS_PER_TFLOPS_DECIMALS),
        ]),
      ),
    ),
  );
  return specs;
}

/**
 * A compute job. Unit: GFLOPS-minutes (one GFLOPS held for a minute), so that units are exact integers and linear: 60 of
 * them are a GFLOPS-hour. The hardware must exist and may not claim more than its published specification. That the job
 * ran is attested by the device's signature only.
 */
export const decode: Decoder<GpuReading> = (payload) => {
  const { sku, gflops, minutes, result } = decodeWire(schema, payload);
  const specGflops = gpuSpecs().get(sku);
  if (specGflops === undefined) throw new ReadingRejected(ReasonCode.UNKNOWN_HARDWARE, sku);
  if (gflops > specGflops) {
    throw new ReadingRejected(ReasonCode.BENCHMARK_ABOVE_SPEC, `${sku} claims ${gflops} GFLOPS of ${specGflops}`);
  }
  return { units: BigInt(gflops) * BigInt(minutes), sku, gflops, specGflops, minutes, result };
};
