/** "34.0328220" with 7 decimals → 340328220, exactly. Refuses what does not fit: nothing is rounded in silence. */
export function decimalToInt(text: string, decimals: number): number {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  const [, sign, whole, fraction = ""] = match ?? [];
  if (sign === undefined || whole === undefined || fraction.length > decimals) {
    throw new RangeError(`not a decimal with at most ${decimals} places: ${text}`);
  }
  const value = Number(`${sign}${whole}${fraction.padEnd(decimals, "0")}`);
  if (!Number.isSafeInteger(value)) throw new RangeError(`too large: ${text}`);
  return value === 0 ? 0 : value;
}
