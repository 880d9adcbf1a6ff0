import type { TimedPosition } from "../../oracle/scoring/track";
import { decimalToInt } from "../../oracle/scoring/decimal";
import { readPackageFile } from "./packages";

const TRACK_POINT = /<trkpt lat="([-\d.]+)" lon="([-\d.]+)">.*?<time>([^<]+)<\/time>/gs;
const E7_DECIMALS = 7;

/** The recorded bicycle ride in stoplight's gpx/ folder (Los Angeles 2016, 850 points, 7.6 km, MIT). */
export function loadRide(): TimedPosition[] {
  const gpx = readPackageFile("stoplight", "gpx/sample-ride.gpx").toString("utf8");
  const points = [...gpx.matchAll(TRACK_POINT)].map(([, lat = "", lon = "", time = ""]) => ({
    timeMs: Date.parse(time),
    latE7: decimalToInt(lat, E7_DECIMALS),
    lonE7: decimalToInt(lon, E7_DECIMALS),
  }));
  const start = points[0]?.timeMs;
  if (start === undefined) throw new Error("the recorded ride holds no points");
  return points.map((point) => ({ ...point, timeMs: point.timeMs - start }));
}
