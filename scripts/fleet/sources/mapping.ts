import { encodeWire } from "../../../oracle/scoring";
import { type MappingPayload, mappedMetres } from "../../../oracle/scoring/mapping";
import { type Clip, CLIPS, type ClipSample, loadClip } from "../gopro";
import { moveTrack, reverseTrack, thereAndBack } from "../move";
import type { CategorySource } from "./source";

/** About three samples a second are enough for a track; the camera writes 10 to 18. */
const SAMPLES_A_READING = 52;

/** Cameras replay the clip of their model in their own city, there and back. */
export async function openMapping(): Promise<CategorySource> {
  const clips = new Map(
    await Promise.all(
      CLIPS.map(async ({ name, camera }): Promise<[string, Clip]> => [camera, thinned(await loadClip(name))]),
    ),
  );
  return (device, step) => {
    const clip = clips.get(device.model);
    const origin = clip?.samples[0];
    if (clip === undefined || origin === undefined) throw new Error(`no recording of ${device.model}`);
    const { back } = thereAndBack(step, 1);
    const moved = moveTrack(clip.samples, origin, device);
    const samples = back ? reverseTrack(moved) : moved;
    const last = samples.at(-1) ?? device;
    const payload = mappingPayload(clip, samples, back ? "moved, reversed" : "moved");
    return { payload: encodeWire(payload), units: mappedMetres(samples), latE7: last.latE7, lonE7: last.lonE7 };
  };
}

/** A clip as its camera would sign it; `note` says what was done to the recording. */
export function mappingPayload(clip: Clip, samples: readonly ClipSample[], note: string): MappingPayload {
  return {
    v: 1,
    src: `gopro-telemetry ${clip.name}.raw, ${note}`,
    camera: clip.camera,
    samples: samples.map(({ timeMs, latE7, lonE7, fix, dopE2 }) => [timeMs, latE7, lonE7, fix, dopE2]),
  };
}

export function thinned(clip: Clip): Clip {
  const every = Math.ceil(clip.samples.length / SAMPLES_A_READING);
  return { ...clip, samples: clip.samples.filter((_, i) => i % every === 0) };
}
