import goproTelemetry from "gopro-telemetry";
import { z } from "zod";

import { readPackageFile } from "./packages";

export interface ClipSample {
  /** since the clip's first sample */
  readonly timeMs: number;
  readonly latE7: number;
  readonly lonE7: number;
  readonly fix: number;
  readonly dopE2: number;
}

export interface Clip {
  readonly name: string;
  readonly camera: string;
  readonly samples: readonly ClipSample[];
}

/** Recordings that the fleet replays: a walk (about 30 m) and a camera nearly at rest (about 2 m). */
export const CLIPS = [
  { name: "hero7", camera: "Hero7 Black" },
  { name: "hero11", camera: "HERO11 Black" },
] as const;

const E7 = 10_000_000;

const telemetry = z.object({
  "1": z.object({
    "device name": z.string(),
    streams: z.object({
      GPS5: z.object({
        samples: z.array(
          z.object({
            value: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]),
            date: z.date(),
            sticky: z.object({ fix: z.number().optional(), precision: z.number().optional() }).optional(),
          }),
        ),
      }),
    }),
  }),
});

/** Reads the GPS5 stream of a recording in gopro-telemetry's samples/ folder (real cameras, ISC). */
export async function loadClip(name: string): Promise<Clip> {
  const rawData = readPackageFile("gopro-telemetry", `samples/${name}.raw`);
  const output: unknown = await goproTelemetry({ rawData }, { stream: ["GPS5"], ellipsoid: true });
  const device = telemetry.parse(output)["1"];
  const { samples } = device.streams.GPS5;
  const start = samples[0]?.date.getTime() ?? 0;
  let fix = 0; // the camera writes both only when they change
  let dopE2 = 9_999;
  return {
    name,
    camera: device["device name"],
    samples: samples.map(({ value: [lat, lon], date, sticky }) => {
      fix = sticky?.fix ?? fix;
      dopE2 = sticky?.precision ?? dopE2;
      return { timeMs: date.getTime() - start, latE7: Math.round(lat * E7), lonE7: Math.round(lon * E7), fix, dopE2 };
    }),
  };
}
