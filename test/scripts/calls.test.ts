import { expect } from "chai";
import { encodeBytes32String, Interface, parseEther } from "ethers";
import { AddressBook } from "../../scripts/lib/book";
import { bytes32Text, decodeCall, encodeCall, getterOf, parseCall } from "../../scripts/lib/calls";
import { CommandError, EXIT } from "../../scripts/lib/errors";

const EMISSIONS = "0x00000000000000000000000000000000000000E1";
const TIMELOCK = "0x00000000000000000000000000000000000000a1";
const STRANGER = "0x00000000000000000000000000000000000000b1";

const emissions = new Interface([
  "function setBuckets((uint16 devicesBps, uint16 stakersBps, uint16 treasuryBps) buckets)",
  "function bucketsNow() view returns ((uint16 devicesBps, uint16 stakersBps, uint16 treasuryBps))",
  "function setWeights(uint16[] weights)",
  "function weightsNow() view returns (uint16[])",
  "function setReceiver(bytes32 bucket, address receiver)",
  "function receiverOf(bytes32 bucket) view returns (address)",
  "function setCurve(address curve)",
  "function addSubNetwork(uint16 category, uint16 uptimeTargetBps, string name)",
  "function pay(address to, uint256 amount)",
  "function pay(address to, bool urgent)",
  "function setFlag(bool on, int16 level, bytes data, bytes4 id)",
  "function execute(address target, bytes data)",
  "function setModelCap(uint24 modelId, uint128 pointsCap)",
  "function modelOf(uint24 modelId) view returns (address)",
  "function nothing() view returns (uint256)",
]);
const timelock = new Interface([
  "function updateDelay(uint256 newDelay)",
  "function getMinDelay() view returns (uint256)",
]);
const book = new AddressBook([
  { name: "EmissionController", address: EMISSIONS, iface: emissions },
  { name: "NetworkTimelock", address: TIMELOCK, iface: timelock },
]);

const encode = (source: string): string => encodeCall("EmissionController", emissions, source, book).data;

function refused(code: string, run: () => unknown): CommandError {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(CommandError);
    const found = error as CommandError;
    expect(found.code).to.equal(code);
    expect(found.exitCode).to.equal(EXIT.usage);
    return found;
  }
  throw new Error(`nothing was refused; ${code} was expected`);
}

describe("scripts: calls", () => {
  describe("parsing", () => {
    it("reads tuples, lists, texts and bare words", () => {
      expect(parseCall(' f ( (1, 2) , [a,b], "x, \\"y\\")", z ) ')).to.deep.equal({
        name: "f",
        args: [
          [
            { text: "1", quoted: false },
            { text: "2", quoted: false },
          ],
          [
            { text: "a", quoted: false },
            { text: "b", quoted: false },
          ],
          { text: 'x, "y")', quoted: true },
          { text: "z", quoted: false },
        ],
      });
    });

    it("reads a call without arguments", () => {
      expect(parseCall("acceptOwnership()")).to.deep.equal({ name: "acceptOwnership", args: [] });
    });

    for (const source of ["", "f", "f(", "f(1", "f(1,)", "f(1))", "f(1) g", 'f("a)', "f(1]", "(1)", "f(1 (2))"]) {
      it(`refuses ${JSON.stringify(source)}`, () => {
        expect(refused("CALL_SYNTAX", () => parseCall(source)).message).to.contain("setBuckets((7000, 0, 3000))");
      });
    }
  });

  describe("encoding", () => {
    it("encodes a tuple", () => {
      expect(encode("setBuckets((7000,0,3_000))")).to.equal(
        emissions.encodeFunctionData("setBuckets", [[7000, 0, 3000]]),
      );
    });

    it("takes names of the deployment for addresses, whatever their case", () => {
      expect(encode("setCurve(networktimelock)")).to.equal(emissions.encodeFunctionData("setCurve", [TIMELOCK]));
    });

    it("takes a quoted text for a bytes32", () => {
      expect(encode('setReceiver("treasury", NetworkTimelock)')).to.equal(
        emissions.encodeFunctionData("setReceiver", [encodeBytes32String("treasury"), TIMELOCK]),
      );
    });

    it("chooses the overload that the arguments fit", () => {
      expect(encode(`pay(${STRANGER}, 1.5e18)`)).to.equal(
        emissions.encodeFunctionData("pay(address,uint256)", [STRANGER, parseEther("1.5")]),
      );
      expect(encode(`pay(${STRANGER}, true)`)).to.equal(
        emissions.encodeFunctionData("pay(address,bool)", [STRANGER, true]),
      );
    });

    it("encodes bool, signed numbers, bytes and short bytes", () => {
      expect(encode("setFlag(false, -3, 0x0102, 0xdeadbeef)")).to.equal(
        emissions.encodeFunctionData("setFlag", [false, -3, "0x0102", "0xdeadbeef"]),
      );
    });

    it("says which functions there are when the name is unknown, views left out", () => {
      const { message } = refused("UNKNOWN_FUNCTION", () => encode("setBukets((1,2,3))"));
      expect(message).to.contain("setBuckets").and.not.contain("bucketsNow");
    });

    for (const [what, source, says] of [
      ["too few arguments", "setBuckets()", "0 argument(s)"],
      ["a short tuple", "setBuckets((7000, 0))", "devicesBps, stakersBps, treasuryBps"],
      ["a number that does not fit", "setBuckets((70000, 0, 0))", "uint16"],
      ["a negative unsigned number", "setBuckets((-1, 0, 0))", "uint16"],
      ["a fraction", "setBuckets((1.5, 0, 0))", "whole number"],
      ["a fraction of a wei", "setBuckets((1.55e1, 0, 0))", "whole number"],
      ["a scalar for a list", "setWeights(1)", "list"],
      ["an unquoted bytes32 text", "setReceiver(treasury, NetworkTimelock)", "quotes"],
      ["a bytes32 text that is too long", `setReceiver("${"x".repeat(32)}", NetworkTimelock)`, "31 bytes"],
      ["a word for a bool", "setFlag(yes, 1, 0x, 0xdeadbeef)", "true or false"],
      ["bytes of another length", "setFlag(true, 1, 0x, 0xdead)", "bytes4"],
    ] as const) {
      it(`refuses ${what}`, () => {
        expect(refused("WRONG_ARGUMENTS", () => encode(source)).message).to.contain(says);
      });
    }

    it("refuses a name that is no contract of the deployment", () => {
      expect(refused("UNKNOWN_TARGET", () => encode("setCurve(Curve)")).message).to.contain(
        "EmissionController, NetworkTimelock",
      );
    });
  });

  describe("decoding", () => {
    it("gives back what was encoded, with names", () => {
      const call = decodeCall(book, EMISSIONS, 0n, encode("setBuckets((7000,0,3000))"));
      expect(call.contract).to.equal("EmissionController");
      expect(call.function).to.equal("setBuckets((uint16,uint16,uint16))");
      expect(call.text).to.equal(
        "EmissionController.setBuckets(buckets: (devicesBps: 7000, stakersBps: 0, treasuryBps: 3000))",
      );
    });

    it("shows names for addresses, texts in bytes32 and tokens beside wei", () => {
      expect(decodeCall(book, EMISSIONS, 0n, encode('setReceiver("treasury", NetworkTimelock)')).text).to.equal(
        'EmissionController.setReceiver(bucket: "treasury", receiver: NetworkTimelock)',
      );
      expect(decodeCall(book, EMISSIONS, 0n, encode(`pay(${STRANGER}, 1.5e18)`)).args[1]).to.deep.equal({
        name: "amount",
        type: "uint256",
        value: "1500000000000000000 (1.5 tokens)",
      });
    });

    it("decodes a call inside a call", () => {
      const data = timelock.encodeFunctionData("updateDelay", [5]);
      const call = decodeCall(book, EMISSIONS, 0n, emissions.encodeFunctionData("execute", [TIMELOCK, data]));
      expect(call.inner.map((c) => c.text)).to.deep.equal(["NetworkTimelock.updateDelay(newDelay: 5)"]);
    });

    it("shows raw what it does not know: a target, a selector, arguments cut short", () => {
      expect(decodeCall(book, STRANGER, 0n, "0x12345678").text).to.equal(
        `${decodeCall(book, STRANGER, 0n, "0x").contract}.0x12345678(0 bytes)`,
      );
      expect(decodeCall(book, EMISSIONS, 0n, "0x12345678ff").text).to.equal("EmissionController.0x12345678(1 bytes)");
      expect(decodeCall(book, EMISSIONS, 0n, encode("setCurve(NetworkTimelock)").slice(0, 40)).function).to.equal(null);
    });

    it("shows a payment of native coins", () => {
      expect(decodeCall(book, TIMELOCK, parseEther("2"), "0x").text).to.equal("pay 2 native to NetworkTimelock");
    });

    it("keeps a bytes32 that is no text as hex", () => {
      const hash = `0x${"ab".repeat(32)}`;
      expect(bytes32Text(hash)).to.equal(hash);
      expect(bytes32Text(`0x${"00".repeat(32)}`)).to.equal(`0x${"00".repeat(32)}`);
      expect(bytes32Text(`0x61${"00".repeat(30)}62`)).to.equal(`0x61${"00".repeat(30)}62`);
    });
  });

  describe("present values", () => {
    const getter = (iface: Interface, setter: string): [string, number] | null => {
      const fragment = iface.getFunction(setter);
      const found = fragment && getterOf(iface, fragment);
      return found ? [found.fragment.name, found.keys] : null;
    };

    it("finds xNow, xOf with its key, and the getters that are named otherwise", () => {
      expect(getter(emissions, "setBuckets")).to.deep.equal(["bucketsNow", 0]);
      expect(getter(emissions, "setWeights")).to.deep.equal(["weightsNow", 0]);
      expect(getter(emissions, "setReceiver")).to.deep.equal(["receiverOf", 1]);
      expect(getter(emissions, "setModelCap")).to.deep.equal(["modelOf", 1]);
      expect(getter(timelock, "updateDelay")).to.deep.equal(["getMinDelay", 0]);
    });

    it("finds none where there is none", () => {
      expect(getter(emissions, "setCurve")).to.equal(null);
      expect(getter(emissions, "addSubNetwork")).to.equal(null);
    });
  });
});
