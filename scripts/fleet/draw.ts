import { createHash } from "node:crypto";

const DRAW_BYTES = 6;

/** A number in [0, below), fixed by seed, label and index: the same fleet on every machine. Bias is below 2⁻¹⁶ for below ≤ 2³². */
export function draw(seed: string, label: string, index: number, below: number): number {
  const digest = createHash("sha256").update(`${seed}/${label}/${index}`).digest();
  return digest.readUIntBE(0, DRAW_BYTES) % below;
}
