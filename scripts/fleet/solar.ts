import { decimalToInt } from "../../oracle/scoring/decimal";
import { readPackageFile } from "./packages";

export interface SolarProfile {
  /** "2015-06-01T05:00" for each quarter of an hour of the year */
  readonly slots: readonly string[];
  /** hourly capacity factors × 10⁶ summed up before slot i; one longer than slots */
  readonly sumE6: Float64Array;
}

const FACTOR_DECIMALS = 6;
const ROW = /^(\d{2})\.(\d{2})\.(\d{4}) (\d{2}:\d{2}),([\d.]+),/;

/**
 * The 2015 PV production profile of @energyweb/solar-simulator (GPL-3.0, read where it is installed). Its values are
 * hourly capacity factors repeated four times, so a slot's energy is a quarter of factor × capacity.
 */
export function loadSolarProfile(): SolarProfile {
  const csv = readPackageFile("@energyweb/solar-simulator", "dist/js/config/data.csv").toString("utf8");
  const rows = csv.trim().split(/\r?\n/).slice(1);
  const sumE6 = new Float64Array(rows.length + 1);
  const slots = rows.map((row, i) => {
    const [, day, month, year, time, factor] = ROW.exec(row) ?? [];
    if (factor === undefined) throw new Error(`solar profile, row ${i + 2}: ${row}`);
    sumE6[i + 1] = (sumE6[i] ?? 0) + decimalToInt(factor, FACTOR_DECIMALS);
    return `${year}-${month}-${day}T${time}`;
  });
  return { slots, sumE6 };
}
