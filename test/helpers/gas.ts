// Gas as a tested output: a limit from the design, and a committed snapshot (snapshots/gas.json) that shows every move.
// UPDATE_SNAPSHOTS=true npx hardhat test --grep @gas rewrites the snapshot.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

export const SNAPSHOTS = join(__dirname, "../../snapshots");
const FILE = join(SNAPSHOTS, "gas.json");
const UPDATE = process.env.UPDATE_SNAPSHOTS === "true";

/** Random signatures and addresses move calldata by some bytes: a step of more than 1 % is a change. */
const TOLERANCE = 100n;

type Snapshot = Record<string, number>;

export function readSnapshot(file: string): Snapshot {
  return JSON.parse(readFileSync(file, "utf8")) as Snapshot;
}

/** Writes one entry, keeping the file sorted. */
export function writeSnapshot(file: string, name: string, value: number): void {
  const entries = Object.entries({ ...readSnapshot(file), [name]: value }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

/** Whole-transaction gas of `tx` is at most `limit` and within 1 % of the snapshot. Returns the receipt. */
export async function expectGas(
  name: string,
  tx: Promise<ContractTransactionResponse>,
  limit: number,
): Promise<ContractTransactionReceipt> {
  const receipt = await (await tx).wait();
  if (receipt === null) throw new Error(`${name}: not mined`);
  expectGasUsed(name, receipt.gasUsed, limit);
  return receipt;
}

/** The same for a measured difference, e.g. the marginal cost of one more item. */
export function expectGasUsed(name: string, gasUsed: bigint, limit: number): void {
  expect(gasUsed, `${name}: gas`).to.be.at.most(BigInt(limit));
  if (UPDATE) return writeSnapshot(FILE, name, Number(gasUsed));
  const known = readSnapshot(FILE)[name];
  if (known === undefined) throw new Error(`${name} is not in snapshots/gas.json: run npm run snapshots`);
  const distance = gasUsed > BigInt(known) ? gasUsed - BigInt(known) : BigInt(known) - gasUsed;
  expect(distance * TOLERANCE, `${name}: ${gasUsed} gas, the snapshot has ${known}`).to.be.at.most(BigInt(known));
}
