import { expect } from "chai";
import { parseEther } from "ethers";
import { CommandError, EXIT, revertData, StateError } from "../../scripts/lib/errors";
import {
  formatDuration,
  formatTime,
  formatTokens,
  formatUsd,
  paint,
  parseDuration,
  parseTokens,
  parseWhole,
  plain,
  shortHash,
  table,
  toJson,
} from "../../scripts/lib/format";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.exitCode}`;
    throw error;
  }
  return "taken";
}

describe("scripts: format", () => {
  it("reads amounts of tokens", () => {
    expect(parseTokens("x", "1.5")).to.equal(parseEther("1.5"));
    expect(parseTokens("x", " 1_000 ")).to.equal(parseEther("1000"));
    expect(parseTokens("x", "0.000000000000000001")).to.equal(1n);
  });

  for (const text of ["", "1,5", "-1", "1.", ".5", "1e3", "0x10", "1.0000000000000000001", "1__0", "1 5"]) {
    it(`takes no amount from ${JSON.stringify(text)}`, () => {
      expect(codeOf(() => parseTokens("x", text))).to.equal(`BAD_AMOUNT ${EXIT.usage}`);
    });
  }

  it("writes amounts", () => {
    expect(formatTokens(0n)).to.equal("0");
    expect(formatTokens(1n)).to.equal("0.000000000000000001");
    expect(formatTokens(parseEther("1234567.5"))).to.equal("1,234,567.5");
    expect(formatTokens(-parseEther("1234"))).to.equal("-1,234");
    expect(formatUsd(12_345_000_000n)).to.equal("123.45 USD");
  });

  it("reads whole numbers and durations", () => {
    expect(parseWhole("x", "0x1f")).to.equal(31n);
    expect(parseWhole("x", "1_000")).to.equal(1000n);
    expect(codeOf(() => parseWhole("x", "1.5"))).to.equal(`BAD_NUMBER ${EXIT.usage}`);
    expect(codeOf(() => parseWhole("x", "256", 255n))).to.equal(`BAD_NUMBER ${EXIT.usage}`);
    expect(["90", "90s", "15m", "36h", "30d", "2w", "4y"].map((t) => parseDuration("x", t))).to.deep.equal([
      90, 90, 900, 129_600, 2_592_000, 1_209_600, 126_144_000,
    ]);
    for (const text of ["", "d", "1.5d", "-1", "1 month", `${"9".repeat(20)}y`]) {
      expect(codeOf(() => parseDuration("x", text))).to.equal(`BAD_DURATION ${EXIT.usage}`);
    }
  });

  it("writes times in UTC and in chain seconds", () => {
    expect(formatTime(1_795_348_800)).to.equal("2026-11-22 12:00:00 UTC (1795348800)");
    expect(formatTime(0n)).to.equal("0");
    expect(formatTime(2n ** 60n)).to.equal(String(2n ** 60n));
    expect([0, 59, 60, 3_661, 90_061, -5].map(formatDuration)).to.deep.equal([
      "0 s",
      "59 s",
      "1 min",
      "1 h 1 min",
      "1 d 1 h",
      "0 s",
    ]);
  });

  it("writes bigints as strings in JSON", () => {
    expect(toJson({ a: 10n ** 30n, b: [1n], c: null })).to.equal(`{"a":"${10n ** 30n}","b":["1"],"c":null}`);
  });

  it("takes colours out of a table and leaves its text", () => {
    const text = table([[paint("red", "a"), "b"]], ["x", "y"]);
    expect(text).to.contain("\u001b[31m");
    expect(plain(text))
      .to.match(/│ x │ y │[^]*│ a │ b │/)
      .and.not.contain("\u001b");
    expect(shortHash(`0x${"ab".repeat(32)}`)).to.equal("0xabababab…ababab");
    expect(shortHash("0x12")).to.equal("0x12");
  });

  it("finds revert data wherever a client puts them", () => {
    expect(revertData({ data: "0x08c379a0" })).to.equal("0x08c379a0");
    expect(revertData({ error: { data: { data: "0x12345678" } } })).to.equal("0x12345678");
    expect(revertData({ info: { error: { data: "0x" } } })).to.equal("0x");
    expect(revertData(new Error("x"))).to.equal(undefined);
    const loop: Record<string, unknown> = {};
    loop.cause = loop;
    expect(revertData(loop)).to.equal(undefined);
  });

  it("gives every error its class, code and exit code", () => {
    const error = new StateError("X", "text", { a: 1 });
    expect(error).to.be.instanceOf(CommandError).and.instanceOf(StateError);
    expect([error.name, error.code, error.exitCode, error.data]).to.deep.equal([
      "StateError",
      "X",
      EXIT.state,
      { a: 1 },
    ]);
  });
});
