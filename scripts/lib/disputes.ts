// The kernel of disputes and the slasher, as commands use them: of the deployment, or at an address.
import { readFileSync } from "node:fs";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import {
  type BaseContract,
  Contract,
  type ContractTransactionReceipt,
  getAddress,
  getBytes,
  Interface,
  isAddress,
  isHexString,
  keccak256,
} from "ethers";
import { z } from "zod";
import { bytesOf, CodecError, type Hex } from "../../oracle/codec";
import {
  deviceEvidence,
  equivocationEvidence,
  type EvidenceName,
  faultsOf,
  REASON_CODES,
  type SignedMessage,
  type SignedReport,
} from "../../oracle/evidence";
import { wireProofSchema } from "../../oracle/proof";
import type { Disputes, Slasher } from "../../typechain-types";
import { EnvironmentError, messageOf, StateError, UsageError } from "./errors";
import { parseWhole } from "./format";
import type { Session } from "./session";

export const STATUSES = ["none", "open", "answered", "upheld", "rejected"] as const;
const TOKEN = new Interface([
  "function allowance(address,address) view returns (uint256)",
  "function approve(address,uint256) returns (bool)",
  "function balanceOf(address) view returns (uint256)",
]);
const ZERO_HASH = `0x${"00".repeat(32)}`;
const MAX_UINT64 = 2n ** 64n - 1n;

/** A contract by its name, where the deployment has it or where `at` says. */
async function contractOf(
  s: Session,
  name: string,
  option: string,
  at: string | undefined,
  signer?: HardhatEthersSigner,
): Promise<BaseContract> {
  if (at !== undefined && !isAddress(at)) throw new UsageError("BAD_ADDRESS", `--${option}: "${at}" is no address`);
  const address = at ?? s.book.named(name)?.address;
  if (address === undefined) {
    throw new EnvironmentError("NOT_DEPLOYED", `this deployment has no ${name}; give its address with --${option}`);
  }
  const runner = signer ?? s.hre.ethers.provider;
  if ((await s.hre.ethers.provider.getCode(address)) === "0x") {
    throw new EnvironmentError("NOT_DEPLOYED", `there is no contract at ${getAddress(address)} (${name})`);
  }
  const { abi } = await s.hre.artifacts.readArtifact(name);
  return new Contract(getAddress(address), new Interface(abi as string[]), runner) as BaseContract;
}

export async function kernelOf(s: Session, at?: string, signer?: HardhatEthersSigner): Promise<Disputes> {
  return (await contractOf(s, "Disputes", "kernel", at, signer)) as Disputes;
}

export async function slasherOf(s: Session, at?: string, signer?: HardhatEthersSigner): Promise<Slasher> {
  return (await contractOf(s, "Slasher", "slasher", at, signer)) as Slasher;
}

/** Sends; a revert is told by the contract's own errors, be it of the deployment or not. */
export async function send(
  s: Session,
  what: string,
  contract: BaseContract,
  method: string,
  args: readonly unknown[],
): Promise<ContractTransactionReceipt> {
  try {
    return await s.send(what, contract, method, args);
  } catch (error) {
    throw explained(contract, what, error);
  }
}

export function explained(contract: BaseContract, what: string, error: unknown): unknown {
  if (!(error instanceof StateError) || typeof error.data.data !== "string") return error;
  const parsed = contract.interface.parseError(error.data.data);
  if (parsed === null) return error;
  const reason = `${parsed.name}(${parsed.args.map(String).join(", ")})`;
  return new StateError("REVERTED", `${what} would fail: ${reason}`, { reason, data: error.data.data });
}

/** Lets `spender` take `amount` of the token, if it may not yet. */
export async function allow(
  s: Session,
  token: string,
  spender: string,
  amount: bigint,
  signer: HardhatEthersSigner,
): Promise<void> {
  const erc20 = new Contract(token, TOKEN, signer);
  const balance = (await erc20.getFunction("balanceOf")(signer.address)) as bigint;
  if (balance < amount) {
    throw new StateError("NO_FUNDS", `${signer.address} has ${balance} wei of the token, the bond is ${amount}`);
  }
  const allowance = (await erc20.getFunction("allowance")(signer.address, spender)) as bigint;
  if (allowance < amount) await s.send("approve", erc20, "approve", [spender, amount]);
}

/** A hash given as such, or that of a file's bytes. */
export function hashOf(what: string, text: string): Hex {
  const hash = isHexString(text, 32) ? text : hashOfFile(what, text);
  if (hash === ZERO_HASH) throw new UsageError("BAD_HASH", `${what}: zero is the hash of nothing`);
  return hash as Hex;
}

function hashOfFile(what: string, path: string): string {
  try {
    return keccak256(getBytes(readFileSync(path)));
  } catch (error) {
    throw new UsageError("BAD_FILE", `${what}: neither 32 bytes of hex nor a file: ${messageOf(error)}`);
  }
}

/** A reason by its name or number. */
export function reasonOf(text: string): number {
  const known = Object.entries(REASON_CODES).find(([name]) => name.toLowerCase() === text.trim().toLowerCase());
  if (known) return known[1];
  if (/^\d+$/.test(text.trim())) {
    const code = Number(parseWhole("--reason", text, 0xffffn));
    if (code > 0) return code;
  }
  throw new UsageError(
    "BAD_REASON",
    `--reason: "${text}" is none of ${Object.entries(REASON_CODES)
      .map(([name, code]) => `${name} (${code})`)
      .join(", ")}`,
  );
}

export function reasonName(code: number): string {
  return Object.entries(REASON_CODES).find(([, c]) => c === code)?.[0] ?? String(code);
}

export function caseIdOf(text: string): bigint {
  return parseWhole("--id", text, MAX_UINT64);
}

// -------------------------------------------------------------------------------------------------------- evidence

const bytes = (min: number, max = min) =>
  z.string().regex(new RegExp(`^0x([0-9a-fA-F]{2}){${min},${max}}$`), `needs ${min} bytes of hex`);
const reportSchema = z.strictObject({
  rawReport: bytes(493),
  reportContext: bytes(0, 1_024),
  signature: bytes(65),
});

/** Evidence read from a file: its bytes by kind, in the order in which they are tried. */
export interface FileEvidence {
  readonly about: string;
  readonly candidates: readonly { readonly name: EvidenceName; readonly bytes: Hex }[];
}

/**
 * Two proofs as a node serves and stores them, or two signed reports. `fault` names one kind; else every kind that the two
 * show is a candidate.
 */
export function readEvidence(path: string, fault?: string): FileEvidence {
  let body: unknown;
  try {
    body = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError("BAD_FILE", `--proofs ${path}: ${messageOf(error)}`);
  }
  if (!Array.isArray(body) || body.length !== 2) {
    throw new UsageError("BAD_FILE", `--proofs ${path}: needs an array of two proofs, or of two signed reports`);
  }
  try {
    const reports = z.tuple([reportSchema, reportSchema]).safeParse(body);
    if (reports.success) return ofReports(...(reports.data as [SignedReport, SignedReport]));
    const proofs = z.tuple([wireProofSchema, wireProofSchema]).safeParse(body);
    if (!proofs.success) {
      const issue = proofs.error.issues[0];
      throw new UsageError("BAD_FILE", `--proofs ${path}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
    }
    return ofProofs(proofs.data, fault);
  } catch (error) {
    if (error instanceof CodecError) throw new UsageError("NO_FAULT", `--proofs ${path}: ${error.message}`);
    throw error;
  }
}

function ofReports(a: SignedReport, b: SignedReport): FileEvidence {
  for (const [i, report] of [a, b].entries()) {
    const v = bytesOf("signature", report.signature)[64];
    if (v !== 0 && v !== 1) throw new UsageError("BAD_FILE", `signature of report ${i} has v ${v}, must be 0 or 1`);
  }
  return {
    about: "two signed reports",
    candidates: [{ name: "committeeEquivocation", bytes: equivocationEvidence(a, b) }],
  };
}

function ofProofs(wire: readonly z.infer<typeof wireProofSchema>[], fault?: string): FileEvidence {
  const [a, b] = wire.map(({ message, signature, key }): SignedMessage => ({
    message: bytesOf("message", message, 111),
    signature: signature as Hex,
    key: { keyType: key.type, x: key.x as Hex, y: key.y as Hex },
  })) as [SignedMessage, SignedMessage];
  const encoded = deviceEvidence(a, b);
  const names = faultsOf(a.message, b.message).filter((name) => fault === undefined || name === fault);
  if (names.length === 0) {
    throw new UsageError(
      "NO_FAULT",
      fault === undefined
        ? "an honest device may sign both: counters and meters rise with time, or the two are one message"
        : `the two messages do not show ${fault}`,
    );
  }
  return { about: "two messages of one device", candidates: names.map((name) => ({ name, bytes: encoded })) };
}
