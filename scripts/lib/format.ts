// Amounts, times and tables as people read and write them. Pure.
import Table from "cli-table3";
import { formatUnits, parseUnits } from "ethers";
import { stripVTControlCharacters, styleText } from "node:util";
import { UsageError } from "./errors";

export const DECIMALS = 18;
const PRICE_DECIMALS = 8;

/** Wei of "1.5" tokens. Underscores may group digits. */
export function parseTokens(what: string, text: string): bigint {
  const plain = text.trim().replace(/(?<=\d)_(?=\d)/g, "");
  if (!/^\d+(\.\d{1,18})?$/.test(plain)) {
    throw new UsageError(
      "BAD_AMOUNT",
      `${what}: "${text}" is no amount of tokens; write for example 1500 or 1.5 (at most 18 decimals)`,
    );
  }
  return parseUnits(plain, DECIMALS);
}

/** "1,234.5" for wei. */
export function formatTokens(wei: bigint): string {
  return grouped(formatUnits(wei, DECIMALS));
}

export function formatUsd(priceE8: bigint): string {
  return `${grouped(formatUnits(priceE8, PRICE_DECIMALS))} USD`;
}

export function formatBps(bps: number | bigint): string {
  return `${Number(bps) / 100} %`;
}

function grouped(decimal: string): string {
  const [whole = "0", fraction = "0"] = decimal.split(".");
  const sign = whole.startsWith("-") ? "-" : "";
  const digits = whole.replace("-", "").replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + digits + (fraction === "0" ? "" : `.${fraction}`);
}

/** A whole number ≥ 0: decimal or 0x, underscores allowed. */
export function parseWhole(what: string, text: string, max = 2n ** 256n - 1n): bigint {
  const plain = text.trim().replace(/(?<=[0-9a-f])_(?=[0-9a-f])/gi, "");
  if (!/^(\d+|0x[0-9a-f]+)$/i.test(plain)) {
    throw new UsageError("BAD_NUMBER", `${what}: "${text}" is no whole number`);
  }
  const value = BigInt(plain);
  if (value > max) throw new UsageError("BAD_NUMBER", `${what}: ${text} is above ${max}`);
  return value;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Seconds of "90", "90s", "15m", "36h", "30d", "2w" or "4y" (365 days each). */
export function parseDuration(what: string, text: string): number {
  const match = /^(\d+)([smhdwy]?)$/.exec(text.trim());
  const count = Number(match?.[1] ?? NaN);
  const seconds = count * (UNITS[match?.[2] || "s"] ?? 1);
  if (!Number.isSafeInteger(seconds)) {
    throw new UsageError("BAD_DURATION", `${what}: "${text}" is no duration; write 3600, 90s, 15m, 36h, 30d, 2w or 4y`);
  }
  return seconds;
}

export function formatDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [name, size] of [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${name}`);
  }
  return parts.join(" ") || "0 s";
}

/** "2026-11-22 12:00:00 UTC (1795348800)": for people and for the chain. */
export function formatTime(seconds: number | bigint): string {
  const whole = Number(seconds);
  const date = new Date(whole * 1_000);
  if (whole <= 0 || Number.isNaN(date.getTime())) return String(seconds);
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC (${whole})`;
}

export function shortHash(hash: string): string {
  return hash.length > 18 ? `${hash.slice(0, 10)}…${hash.slice(-6)}` : hash;
}

export type Colour = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

/** Colours are always written; `plain` takes them out where nobody sees them. */
export function paint(colour: Colour, text: string): string {
  return styleText(colour, text, { validateStream: false });
}

export function plain(text: string): string {
  return stripVTControlCharacters(text);
}

/** A table; without `head`, the first column is the name of the row. */
export function table(rows: readonly (readonly string[])[], head?: readonly string[]): string {
  const out = new Table({
    head: (head ?? []).map((h) => paint("bold", h)),
    style: { head: [], border: [], compact: true },
    wordWrap: false,
  });
  for (const row of rows)
    out.push(head || row.length === 0 ? [...row] : [paint("bold", row[0] ?? ""), ...row.slice(1)]);
  return out.toString();
}

/** JSON with bigints as decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === "bigint" ? v.toString() : v));
}
