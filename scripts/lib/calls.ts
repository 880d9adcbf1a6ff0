// Calls as people write them, `setBuckets((7000, 0, 3000))`, to calldata and back. Pure.
import { encodeBytes32String, type FunctionFragment, type Interface, isHexString, type ParamType } from "ethers";
import type { AddressBook } from "./book";
import { messageOf, UsageError } from "./errors";
import { formatTokens } from "./format";

// ------------------------------------------------------------------------------------------------------- parsing

export type Argument = { readonly text: string; readonly quoted: boolean } | readonly Argument[];

export interface ParsedCall {
  readonly name: string;
  readonly args: readonly Argument[];
}

const OPEN: Readonly<Record<string, string>> = { "(": ")", "[": "]" };

/** `name(arg, (tuple), [array], "text")`. */
export function parseCall(source: string): ParsedCall {
  let at = 0;
  const fail = (problem: string): UsageError =>
    new UsageError(
      "CALL_SYNTAX",
      `call "${source}", character ${at + 1}: ${problem}; write it like setBuckets((7000, 0, 3000))`,
    );
  const skip = (): void => {
    while (/\s/.test(source[at] ?? "")) at++;
  };
  const text = (quote: string): Argument => {
    let value = "";
    for (at++; source[at] !== quote; at++) {
      if (at >= source.length) throw fail(`the text has no closing ${quote}`);
      if (source[at] === "\\") at++;
      value += source[at] ?? "";
    }
    at++;
    return { text: value, quoted: true };
  };
  const argument = (): Argument => {
    const c = source[at] ?? "";
    if (c === '"' || c === "'") return text(c);
    const close = OPEN[c];
    if (close !== undefined) return list(close);
    const start = at;
    while (at < source.length && !"()[],\"'".includes(source[at] ?? "")) at++;
    const value = source.slice(start, at).trim();
    if (value === "") throw fail("an argument is missing");
    return { text: value, quoted: false };
  };
  const list = (close: string): Argument[] => {
    at++;
    const out: Argument[] = [];
    skip();
    if (source[at] === close) {
      at++;
      return out;
    }
    for (;;) {
      skip();
      out.push(argument());
      skip();
      if (source[at] === ",") at++;
      else if (source[at] === close) break;
      else throw fail(at >= source.length ? `no closing ${close}` : `"${source[at]}" is not expected here`);
    }
    at++;
    return out;
  };

  const name = /^\s*([A-Za-z_$][\w$]*)\s*/.exec(source);
  if (!name) throw fail("no function name");
  at = name[0].length;
  if (source[at] !== "(") throw fail('no "(" after the name');
  const args = list(")");
  skip();
  if (at !== source.length) throw fail("something follows the call");
  return { name: name[1] ?? "", args };
}

// ------------------------------------------------------------------------------------------------------ encoding

export interface EncodedCall {
  readonly fragment: FunctionFragment;
  readonly data: string;
}

/** Calldata of a call that a person wrote; addresses may be names of the deployment. */
export function encodeCall(contract: string, iface: Interface, source: string, book: AddressBook): EncodedCall {
  const { name, args } = parseCall(source);
  const named = functionsOf(iface).filter((f) => f.name === name);
  if (named.length === 0) {
    const writable = functionsOf(iface)
      .filter((f) => !f.constant)
      .map((f) => f.name);
    throw new UsageError(
      "UNKNOWN_FUNCTION",
      `${contract} has no function ${name}; it has ${[...new Set(writable)].sort().join(", ")}`,
    );
  }
  const fitting = named.filter((f) => f.inputs.length === args.length);
  if (fitting.length === 0) {
    throw new UsageError(
      "WRONG_ARGUMENTS",
      `${contract}.${name} takes ${named.map((f) => f.format("full").replace(/^function /, "")).join(" or ")}; ${args.length} argument(s) given`,
    );
  }
  let refused: unknown;
  for (const fragment of fitting) {
    try {
      const values = fragment.inputs.map((type, i) =>
        valueOf(type, args[i], `${name}: ${type.name || `#${i + 1}`}`, book),
      );
      return { fragment, data: iface.encodeFunctionData(fragment, values) };
    } catch (error) {
      refused ??= error;
    }
  }
  if (refused instanceof UsageError) throw refused;
  throw new UsageError("WRONG_ARGUMENTS", `${contract}.${name}: ${messageOf(refused)}`);
}

function valueOf(type: ParamType, arg: Argument | undefined, where: string, book: AddressBook): unknown {
  const bad = (needs: string): UsageError =>
    new UsageError("WRONG_ARGUMENTS", `${where} needs ${needs}, not ${arg === undefined ? "nothing" : textOf(arg)}`);
  if (type.isArray()) {
    if (!isList(arg)) throw bad(`a list like [a, b] of ${type.arrayChildren.type}`);
    if (type.arrayLength !== -1 && arg.length !== type.arrayLength) throw bad(`${type.arrayLength} items`);
    return arg.map((item, i) => valueOf(type.arrayChildren, item, `${where}[${i}]`, book));
  }
  if (type.isTuple()) {
    const names = type.components.map((c) => c.name || c.type).join(", ");
    if (!isList(arg) || arg.length !== type.components.length) throw bad(`(${names})`);
    return type.components.map((c, i) => valueOf(c, arg[i], `${where}.${c.name || i}`, book));
  }
  if (arg === undefined || isList(arg)) throw bad(`one ${type.type}`);
  const { text, quoted } = arg;
  if (type.type === "string") return text;
  if (type.type === "address") return book.addressOf(where, text);
  if (type.type === "bool") {
    if (text !== "true" && text !== "false") throw bad("true or false");
    return text === "true";
  }
  if (/^u?int/.test(type.type)) return integerOf(type.type, text, bad);
  if (type.type === "bytes32" && !isHexString(text)) {
    if (!quoted || Buffer.byteLength(text) > 31)
      throw bad('32 bytes as 0x…, or a text of at most 31 bytes in quotes like "treasury"');
    return encodeBytes32String(text);
  }
  const size = Number(/^bytes(\d+)$/.exec(type.type)?.[1] ?? NaN);
  if (!isHexString(text, Number.isNaN(size) ? true : size)) throw bad(`${type.type} as 0x…`);
  return text;
}

/** Exact: 12, 1_000, 0x1f, -3, 1.5e18. */
function integerOf(type: string, text: string, bad: (needs: string) => UsageError): bigint {
  const [, kind = "", bits = "256"] = /^(u?int)(\d*)$/.exec(type) ?? [];
  const plain = text.replace(/(?<=\d)_(?=\d)/g, "");
  const scientific = /^(-?)(\d+)(?:\.(\d+))?e(\d{1,2})$/i.exec(plain);
  let value: bigint;
  if (scientific) {
    const [, sign = "", whole = "0", fraction = "", exponent = "0"] = scientific;
    const shift = Number(exponent) - fraction.length;
    if (shift < 0) throw bad(`a whole number (${type})`);
    value = BigInt(`${sign}${whole}${fraction}`) * 10n ** BigInt(shift);
  } else if (/^(-?\d+|0x[0-9a-f]+)$/i.test(plain)) {
    value = BigInt(plain);
  } else {
    throw bad(`a whole number (${type}) like 7000 or 1.5e18`);
  }
  const width = BigInt(bits || "256");
  const [low, high] = kind === "uint" ? [0n, 1n << width] : [-(1n << (width - 1n)), 1n << (width - 1n)];
  if (value < low || value >= high) throw bad(`a ${type}`);
  return value;
}

function isList(arg: Argument | undefined): arg is readonly Argument[] {
  return Array.isArray(arg);
}

function textOf(arg: Argument): string {
  return isList(arg) ? `(${arg.map(textOf).join(", ")})` : arg.text;
}

export function functionsOf(iface: Interface): FunctionFragment[] {
  const out: FunctionFragment[] = [];
  iface.forEachFunction((f) => out.push(f));
  return out;
}

// ------------------------------------------------------------------------------------------------------ decoding

export interface DecodedArgument {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

export interface DecodedCall {
  readonly target: string;
  /** Name of the target in the deployment, else its address. */
  readonly contract: string;
  readonly value: bigint;
  readonly data: string;
  /** Signature of the function; null where the target or the function is unknown. */
  readonly function: string | null;
  readonly args: readonly DecodedArgument[];
  /** Calls inside the arguments (target, data), as in AccessManager.execute. */
  readonly inner: readonly DecodedCall[];
  /** One line. */
  readonly text: string;
}

const ETHER = "native";

export function decodeCall(book: AddressBook, target: string, value: bigint, data: string): DecodedCall {
  const contract = book.label(target);
  const pays = value > 0n ? ` paying ${formatTokens(value)} ${ETHER}` : "";
  const base = { target, contract, value, data, args: [], inner: [] };
  if (data === "0x") return { ...base, function: null, text: `pay ${formatTokens(value)} ${ETHER} to ${contract}` };
  const known = book.at(target);
  const parsed = known ? parseTransaction(known.iface, data) : null;
  if (parsed === null) {
    return {
      ...base,
      function: null,
      text: `${contract}.${data.slice(0, 10)}(${(data.length - 10) / 2} bytes)${pays}`,
    };
  }
  const { fragment, values } = parsed;
  const args = fragment.inputs.map((type, i) => ({
    name: type.name || `#${i + 1}`,
    type: type.format("sighash"),
    value: formatValue(type, values[i], book),
  }));
  const text = `${contract}.${fragment.name}(${args.map((a) => `${a.name}: ${a.value}`).join(", ")})${pays}`;
  return { ...base, function: fragment.format("sighash"), args, inner: innerCalls(book, fragment, values), text };
}

function parseTransaction(iface: Interface, data: string): { fragment: FunctionFragment; values: unknown[] } | null {
  try {
    const parsed = iface.parseTransaction({ data });
    return parsed && { fragment: parsed.fragment, values: parsed.args.toArray() as unknown[] };
  } catch {
    return null; // a known selector with other bytes behind it: shown raw
  }
}

function innerCalls(book: AddressBook, fragment: FunctionFragment, values: readonly unknown[]): DecodedCall[] {
  const at = fragment.inputs.findIndex((p) => p.type === "address");
  const bytes = fragment.inputs.findIndex((p) => p.type === "bytes");
  const [target, data] = [values[at], values[bytes]];
  if (typeof target !== "string" || typeof data !== "string" || data.length < 10 || !book.at(target)) return [];
  const inner = decodeCall(book, target, 0n, data);
  return inner.function === null ? [] : [inner];
}

const WEI_NAMES = /(amount|value|bond|wei|tokens?|threshold|cap|floor|cumulative)$/i;
const LARGE = 10n ** 14n;

/** A value as people read it: names for addresses, texts in bytes32, tokens beside wei. */
export function formatValue(type: ParamType, value: unknown, book: AddressBook): string {
  if (type.isArray())
    return `[${items(value)
      .map((v) => formatValue(type.arrayChildren, v, book))
      .join(", ")}]`;
  if (type.isTuple()) {
    const parts = items(value);
    return `(${type.components.map((c, i) => `${c.name ? `${c.name}: ` : ""}${formatValue(c, parts[i], book)}`).join(", ")})`;
  }
  if (type.type === "address") return book.label(String(value));
  if (type.type === "string") return JSON.stringify(value);
  if (type.type === "bytes32") return bytes32Text(String(value));
  if (typeof value === "bigint" && value >= LARGE && value < 1n << 128n && (WEI_NAMES.test(type.name) || !type.name)) {
    return `${value} (${formatTokens(value)} tokens)`;
  }
  return String(value);
}

function items(value: unknown): unknown[] {
  return Array.from(value as Iterable<unknown>);
}

/** A short text in a bytes32 as that text in quotes, anything else as hex. */
export function bytes32Text(hex: string): string {
  const bytes = Buffer.from(hex.slice(2), "hex");
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end === -1 ? 32 : end).toString("latin1");
  const padded = end !== -1 && bytes.subarray(end).every((b) => b === 0);
  return padded && /^[ -~]+$/.test(text) ? JSON.stringify(text) : hex;
}

// ------------------------------------------------------------------------------------------------ present values

export interface Getter {
  readonly fragment: FunctionFragment;
  /** How many of the setter's first arguments it takes. */
  readonly keys: number;
}

const GETTERS: Readonly<Record<string, string>> = {
  updateDelay: "getMinDelay",
  transferOwnership: "owner",
  acceptOwnership: "owner",
  setCommittee: "config",
  setModelCap: "modelOf",
  setModelBond: "modelOf",
  setModelExpiry: "modelOf",
  license: "makerOf",
  suspend: "makerOf",
  lift: "makerOf",
  revoke: "makerOf",
};

/** The view that shows what a setter would change: setX → x, xNow, getX, xOf; with no key or the setter's first ones. */
export function getterOf(iface: Interface, setter: FunctionFragment): Getter | null {
  const base = setter.name.replace(/^(set|update)(?=[A-Z])/, "");
  const lower = base.charAt(0).toLowerCase() + base.slice(1);
  const special = GETTERS[setter.name];
  if (special === undefined && base === setter.name) return null;
  const names = special === undefined ? [`${lower}Now`, lower, `get${base}`, `${lower}Of`] : [special];
  const views = functionsOf(iface).filter((f) => f.constant && (f.outputs?.length ?? 0) > 0);
  for (const name of names) {
    for (const fragment of views.filter((f) => f.name === name)) {
      const keys = fragment.inputs.length;
      if (
        keys < Math.max(1, setter.inputs.length) &&
        fragment.inputs.every((p, i) => p.type === setter.inputs[i]?.type)
      ) {
        return { fragment, keys };
      }
      if (keys === 1 && setter.inputs.length === 1 && fragment.inputs[0]?.type === setter.inputs[0]?.type) {
        return { fragment, keys };
      }
    }
  }
  return null;
}
