import { CATEGORY, encodeWire, ReasonCode } from "../../oracle/scoring";
import type { EnergyPayload } from "../../oracle/scoring/energy";
import type { GpuPayload } from "../../oracle/scoring/gpu";
import type { LorawanPayload } from "../../oracle/scoring/lorawan";
import { pieceRoot, rawCid, sha256 } from "../../oracle/scoring/piece";
import { loadCar } from "./cars";
import { loadClip } from "./gopro";
import { BODGED_MIC, DOWNLINK, JOIN_REQUEST } from "./recorded-frames";
import { mappingPayload } from "./sources/mapping";
import { storagePayload } from "./sources/storage";

export interface Refused {
  readonly category: number;
  readonly what: string;
  readonly payload: Uint8Array;
  readonly reason: ReasonCode;
}

/** Recordings in which the camera never found its position. */
export const CLIPS_WITHOUT_FIX = ["consecutive1", "consecutive2", "hero6", "hero6+ble"] as const;

/** Readings that must earn nothing: real ones where there are any, else real ones with one thing changed. */
export async function refusedReadings(): Promise<Refused[]> {
  const { lorawan, gpu, storage, energy } = CATEGORY;
  const job: GpuPayload = {
    v: 1,
    src: "refused",
    sku: "GPU/NVIDIA/H100",
    gflops: 200_000,
    minutes: 60,
    result: "00".repeat(32),
  };
  const meter: EnergyPayload = {
    v: 1,
    src: "refused",
    slot: "2015-06-01T12:00",
    capacityW: 5_000,
    fromWh: 1_000,
    toWh: 2_000,
  };
  const car = loadCar("comic.car");
  const chunk = storagePayload("comic.car", car, pieceRoot(car), 3);
  return [
    {
      category: lorawan,
      what: "recorded frame, MIC bodged",
      payload: relay(BODGED_MIC),
      reason: ReasonCode.MIC_INVALID,
    },
    { category: lorawan, what: "recorded downlink", payload: relay(DOWNLINK), reason: ReasonCode.FRAME_NOT_UPLINK },
    {
      category: lorawan,
      what: "recorded join request",
      payload: relay(JOIN_REQUEST),
      reason: ReasonCode.FRAME_NOT_UPLINK,
    },
    {
      category: gpu,
      what: "a card that does not exist",
      payload: encodeWire({ ...job, sku: "GPU/NVIDIA/H900" }),
      reason: ReasonCode.UNKNOWN_HARDWARE,
    },
    {
      category: gpu,
      what: "faster than its specification",
      payload: encodeWire({ ...job, gflops: 267_601 }),
      reason: ReasonCode.BENCHMARK_ABOVE_SPEC,
    },
    {
      category: storage,
      what: "another block under the CID",
      payload: encodeWire({ ...chunk, cid: rawCid(sha256(car)) }),
      reason: ReasonCode.CID_MISMATCH,
    },
    {
      category: storage,
      what: "the right block at the wrong index",
      payload: encodeWire({ ...chunk, index: 4 }),
      reason: ReasonCode.PROOF_INVALID,
    },
    ...(await Promise.all(CLIPS_WITHOUT_FIX.map(withoutFix))),
    {
      category: energy,
      what: "more than the inverter can yield",
      payload: encodeWire({ ...meter, toWh: meter.fromWh + 1_251 }),
      reason: ReasonCode.OUT_OF_RANGE,
    },
    {
      category: energy,
      what: "a register that ran back",
      payload: encodeWire({ ...meter, toWh: meter.fromWh - 1 }),
      reason: ReasonCode.METER_RAN_BACK,
    },
  ];
}

function relay(frame: string): Uint8Array {
  const payload: LorawanPayload = { v: 1, src: "lora-packet recorded frame", frames: [frame] };
  return encodeWire(payload);
}

async function withoutFix(name: string): Promise<Refused> {
  const clip = await loadClip(name);
  return {
    category: CATEGORY.mapping,
    what: `${name}.raw, recorded without a GNSS fix`,
    payload: encodeWire(mappingPayload(clip, clip.samples, "as recorded")),
    reason: ReasonCode.NO_GNSS_FIX,
  };
}
