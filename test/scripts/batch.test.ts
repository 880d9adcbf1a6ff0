// From a maker's CSV to onboarded devices, by the commands alone, on the network that deploy/ makes.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { impersonateAccount, loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id as hashText, parseEther } from "ethers";
import hre, { ethers } from "hardhat";
import { batchLeaf, hex, type Hex, KEY_P256, keyHash, MerkleTree } from "../../oracle/codec";
import { MAX_ROWS } from "../../scripts/lib/batch-file";
import { deviceOfSeed } from "../../scripts/lib/batch-keys";
import { CommandError, EXIT } from "../../scripts/lib/errors";
import { deployedFixture } from "../helpers/deployed";

interface Json {
  [key: string]: Json;
}
const text = (json: Json | undefined): string => json as unknown as string;
const num = (json: Json | undefined): number => json as unknown as number;
const list = (json: Json | undefined): Json[] => json as unknown as Json[];

const MAKER = 3;
const COUNCIL = "8";
const ROWS = 37;
const HEADER = "serial,keyType,x,y";

/** Runs a task with --json; what it printed last, and its error if it failed. */
async function attempt(name: string, args: object): Promise<{ shown: Json; error?: CommandError }> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  const shown = (): Json => JSON.parse(lines.at(-1) ?? "{}") as Json;
  try {
    await hre.run(name, { ...args, json: true });
    return { shown: shown() };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { shown: shown(), error };
  } finally {
    console.log = log;
  }
}

async function run(name: string, args: object = {}): Promise<Json> {
  const { shown, error } = await attempt(name, args);
  if (error) throw error;
  return shown;
}

async function refused(code: string, name: string, args: object, exitCode: number = EXIT.usage): Promise<Json> {
  const { shown, error } = await attempt(name, args);
  expect(error, `${name} was not refused`).to.be.instanceOf(CommandError);
  expect([error!.code, error!.exitCode, text(shown.error!.code)], error!.message).to.deep.equal([code, exitCode, code]);
  return shown.error!;
}

describe("scripts: batches", () => {
  let root: string;

  before(() => {
    root = mkdtempSync(join(tmpdir(), "groundwork-batch-"));
    mkdirSync(join(root, "deployments"));
    process.env.GROUNDWORK_ROOT = root;
  });

  after(() => {
    rmSync(root, { recursive: true });
    delete process.env.GROUNDWORK_ROOT;
  });

  /** The network with a bonded maker of a certified model, licensed by the council through the commands. */
  async function makerFixture() {
    const deployed = await deployedFixture();
    writeFileSync(join(root, "deployments", "31337.json"), JSON.stringify(deployed.deployment));
    const maker = (await ethers.getSigners())[MAKER]!;
    const byCouncil = { maker: maker.address, council: true, from: COUNCIL };
    await refused("BOND_TOO_SMALL", "maker:license", { ...byCouncil, quota: "1000" }, EXIT.state);
    await run("maker:bond", { from: String(MAKER) });
    await run("maker:license", { ...byCouncil, quota: "1000" });
    const terms = { name: "Gateway One", category: "1", bond: "100", points: "10000" };
    await run("model:certify", { ...byCouncil, ...terms });
    await time.increase(Number(await deployed.timelock.getMinDelay()) + 1);
    await run("timelock:run");
    return { ...deployed, maker };
  }

  async function network() {
    const f = await loadFixture(makerFixture);
    writeFileSync(join(root, "deployments", "31337.json"), JSON.stringify(f.deployment));
    return f;
  }

  const path = (name: string): string => join(root, name);

  /** A file of `rows` devices and their keys. */
  async function generated(name: string, rows = ROWS, seed = "seven"): Promise<{ csv: string; keys: string }> {
    const [csv, keys] = [path(`${name}.csv`), path(`${name}.keys`)];
    await run("batch:generate", { rows: String(rows), seed, out: csv, keys, force: true });
    return { csv, keys };
  }

  const rowsOf = (csv: string): string[] => readFileSync(csv, "utf8").trim().split("\n").slice(1);

  describe("maker:license, model:certify, model:ageing", () => {
    it("license and certify by the council's operations", async () => {
      const { makers, maker } = await network();
      expect(await makers.makerOf(maker.address)).to.deep.equal([await makers.minBond(), 0n, 1_000n, 1n]);
      expect(await makers.modelOf(1)).to.deep.equal([maker.address, 1n, parseEther("100"), 0n, "Gateway One"]);
      await refused("NOTHING_TO_DO", "maker:bond", { from: String(MAKER) }, EXIT.state);
    });

    it("propose to the governor without --council, from who has the power", async () => {
      const { maker } = await network();
      const licence = { maker: maker.address, quota: "2000", from: "1" };
      await refused("POWER_TOO_LOW", "maker:license", licence, EXIT.state);
      await run("dao:lock", { amount: "20000000", duration: "4y", from: "1" });
      const proposed = await run("maker:license", licence);
      expect(text(list(proposed.calls)[0]!.text)).to.equal(
        `MakerRegistry.license(maker: ${maker.address}, quotaPerEpoch: 2000)`,
      );
      const curve = { model: "1", fullUntil: "730", floorAge: "1825", floorBps: "2000", from: "1" };
      const aged = await run("model:ageing", curve);
      expect(text(list(aged.calls)[0]!.text)).to.equal(
        "MakerRegistry.setModelAgeing(modelId: 1, ageing: (fullUntilAge: 730, floorAge: 1825, floorBps: 2000))",
      );
    });

    it("refuse what the contract would, before anything is asked", async () => {
      const { maker } = await network();
      const who = { maker: maker.address, council: true, from: COUNCIL };
      await refused("BAD_ADDRESS", "maker:license", { maker: "0x1", quota: "1" });
      await refused("BAD_NUMBER", "maker:license", { ...who, quota: "0" });
      await refused("BAD_NUMBER", "maker:license", { ...who, quota: String(2 ** 32) });
      const model = { ...who, name: "M", category: "1", bond: "1", points: "1" };
      await refused("BAD_NAME", "model:certify", { ...model, name: "é".repeat(33) });
      await refused("BAD_AMOUNT", "model:certify", { ...model, bond: "0" });
      await refused("BAD_NUMBER", "model:certify", { ...model, category: "65536" });
      await refused("BAD_NUMBER", "model:certify", { ...model, points: String(2n ** 96n) });
      const curve = { ...who, model: "1", fullUntil: "9", floorAge: "10", floorBps: "1" };
      await refused("BAD_CURVE", "model:ageing", { ...curve, floorAge: "9" });
      await refused("BAD_NUMBER", "model:ageing", { ...curve, floorBps: "10001" });
      await refused("NOT_COUNCIL", "model:ageing", { ...curve, from: "0" }, EXIT.state);
    });
  });

  describe("batch:generate", () => {
    it("writes the same devices for the same seed, others for another, and keys only when asked", async () => {
      const { csv, keys } = await generated("g1");
      const again = await generated("g2");
      const other = await generated("g3", ROWS, "eight");
      expect(readFileSync(csv)).to.deep.equal(readFileSync(again.csv));
      expect(rowsOf(csv).filter((row) => rowsOf(other.csv).includes(row))).to.deep.equal([]);
      expect(rowsOf(csv).length).to.equal(ROWS);
      expect(statSync(keys).mode & 0o77, "keys are for the owner's eyes").to.equal(0);
      const { serial, key, privateKey } = deviceOfSeed("seven", 11);
      expect(rowsOf(csv)[11]).to.equal(`${serial},${KEY_P256},${key.x},${key.y}`);
      expect(readFileSync(keys, "utf8").split("\n")[11]).to.equal(hex(privateKey));
      await run("batch:generate", { rows: "1", seed: "s", out: path("g4.csv") });
      expect(existsSync(path("g4.csv.keys"))).to.be.false;
    });

    it("refuses no rows, too many, and a file that is there", async () => {
      const { csv } = await generated("g1");
      const args = { seed: "s", out: path("new.csv") };
      await refused("BAD_NUMBER", "batch:generate", { ...args, rows: "0" });
      await refused("BAD_NUMBER", "batch:generate", { ...args, rows: String(MAX_ROWS + 1) });
      await refused("MISSING_PARAMETER", "batch:generate", { rows: "1", out: path("new.csv") });
      await refused("FILE_EXISTS", "batch:generate", { seed: "s", out: csv, rows: "1" });
      expect(existsSync(path("new.csv"))).to.be.false;
    });
  });

  describe("batch:post", () => {
    it("posts root, count and data hash in one transaction, and writes the tree", async () => {
      const { makers, maker } = await network();
      const { csv } = await generated("p1");
      const posted = await run("batch:post", { csv });
      const leaves = Array.from({ length: ROWS }, (_, i) => {
        const { serial, key } = deviceOfSeed("seven", i);
        return batchLeaf(hashText(serial) as Hex, keyHash(key));
      });
      const tree = new MerkleTree(leaves);
      expect(await makers.batchOf(1)).to.deep.equal([tree.root, 1n, BigInt(ROWS), 1n]);
      const [event] = await makers.queryFilter(makers.filters.BatchPosted);
      expect(event!.args.dataHash).to.equal(ethers.sha256(readFileSync(csv)));
      expect([event!.transactionHash, event!.args.maker]).to.deep.equal([text(posted.tx), maker.address]);
      expect([text(posted.root), num(posted.batchId), num(posted.count)]).to.deep.equal([tree.root, 1, ROWS]);
      for (const index of [0, 5, 35, ROWS - 1]) {
        const box = await run("batch:proof", { tree: `${csv}.tree`, index: String(index) });
        expect(list(box.proof)).to.deep.equal(tree.proof(index));
        expect([box.batchId, text(box.deviceId)]).to.deep.equal([1, String(index + 1)]);
      }
    });

    it("of a file that was posted sends nothing, and writes its tree again", async () => {
      const { makers } = await network();
      const { csv } = await generated("p2");
      await run("batch:post", { csv });
      const tree = readFileSync(`${csv}.tree`);
      rmSync(`${csv}.tree`);
      const again = await run("batch:post", { csv, model: "1", from: String(MAKER) });
      expect([again.posted, again.tx, num(again.batchId)]).to.deep.equal([false, null, 1]);
      expect(readFileSync(`${csv}.tree`)).to.deep.equal(tree);
      expect((await makers.queryFilter(makers.filters.BatchPosted)).length).to.equal(1);
    });

    it("takes secp256k1 keys, hex without 0x, CRLF, and a last line without an end", async () => {
      const { makers } = await network();
      const wallet = new ethers.SigningKey(ethers.id("a key")).publicKey.slice(4);
      const p256 = deviceOfSeed("s", 0).key;
      const rows = [
        HEADER,
        `A-1,2,${wallet.slice(0, 64)},${wallet.slice(64)}`,
        `A-2,1,${p256.x},${p256.y.toUpperCase().replace("0X", "0x")}`,
      ];
      writeFileSync(path("mixed.csv"), rows.join("\r\n"));
      await run("batch:post", { csv: path("mixed.csv") });
      const { root: onChain, count } = await makers.batchOf(1);
      const k1 = { keyType: 2, x: `0x${wallet.slice(0, 64)}` as Hex, y: `0x${wallet.slice(64)}` as Hex };
      const leaves = [batchLeaf(hashText("A-1") as Hex, keyHash(k1)), batchLeaf(hashText("A-2") as Hex, keyHash(p256))];
      expect([onChain, count]).to.deep.equal([new MerkleTree(leaves).root, 2n]);
    });

    it("refuses a bad file with the line and the reason, and posts nothing", async () => {
      const { makers } = await network();
      const { csv } = await generated("bad", 5);
      const good = rowsOf(csv);
      const cells = (row: string): string[] => row.split(",");
      const [serial = "", , x = "", y = ""] = cells(good[3]!);
      const off = `0x${(BigInt(y) ^ 1n).toString(16).padStart(64, "0")}`;
      const cases: [string, string[], string, number, string][] = [
        ["an empty file", [], "BATCH_HEADER", 1, `the file is empty; its header is "${HEADER}"`],
        ["no rows", [HEADER], "BATCH_EMPTY", 1, "no row follows the header"],
        ["another header", ["serial,x,y,keyType", ...good], "BATCH_HEADER", 1, `the header is not "${HEADER}"`],
        ["a column too many", [HEADER, `${good[0]},1`], "BATCH_COLUMNS", 2, `5 column(s), needs 4: ${HEADER}`],
        ["an empty line", [HEADER, good[0]!, "", good[1]!], "BATCH_COLUMNS", 3, `1 column(s), needs 4: ${HEADER}`],
        [
          "no serial",
          [HEADER, `,1,${x},${y}`],
          "BATCH_SERIAL",
          2,
          "serial: needs 1 to 64 printable ASCII characters, no blank, comma or quote",
        ],
        [
          "a key of type 3",
          [HEADER, `S,3,${x},${y}`],
          "BATCH_KEY_TYPE",
          2,
          'keyType: "3" is not 1 (P-256) or 2 (secp256k1)',
        ],
        ["half a coordinate", [HEADER, `S,1,${x.slice(0, 40)},${y}`], "BATCH_KEY_FORM", 2, "x: is not 32 bytes in hex"],
        [
          "a key off the curve",
          [HEADER, ...good.slice(0, 3), `S,1,${x},${off}`],
          "BATCH_KEY_OFF_CURVE",
          5,
          "(x, y) is no point of P-256",
        ],
        [
          "a key of the other curve",
          [HEADER, `S,2,${x},${y}`],
          "BATCH_KEY_OFF_CURVE",
          2,
          "(x, y) is no point of secp256k1",
        ],
        [
          "a duplicate key",
          [HEADER, ...good, `S,1,${x},${y.toUpperCase().replace("0X", "0x")}`],
          "BATCH_DUPLICATE_KEY",
          7,
          "the key is that of line 5",
        ],
        [
          "a duplicate serial",
          [HEADER, ...good.slice(0, 4), good[4]!.replace(/^[^,]+/, serial)],
          "BATCH_DUPLICATE_SERIAL",
          6,
          `serial ${serial} is that of line 5`,
        ],
        [
          "a row of 257 bytes",
          [HEADER, good[0]!, "x".repeat(257)],
          "BATCH_ROW_TOO_LONG",
          3,
          "the row has 257 bytes, no row has more than 256",
        ],
      ];
      for (const [what, lines, code, line, reason] of cases) {
        writeFileSync(path("bad.csv"), lines.join("\n"));
        const error = await refused(code, "batch:post", { csv: path("bad.csv") });
        expect([num(error.line), text(error.reason)], what).to.deep.equal([line, reason]);
        expect(text(error.message)).to.contain(`line ${line}: ${reason}`);
      }
      await refused("BATCH_FILE", "batch:post", { csv: path("nowhere.csv") });
      await refused("BATCH_FILE", "batch:post", { csv: root });
      expect(await makers.queryFilter(makers.filters.BatchPosted)).to.deep.equal([]);
      expect(existsSync(path("bad.csv.tree"))).to.be.false;
    });

    it("refuses a row of 10 MB without reading it whole", async () => {
      await network();
      writeFileSync(path("long.csv"), Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.alloc(10_000_000, "a")]));
      const error = await refused("BATCH_ROW_TOO_LONG", "batch:post", { csv: path("long.csv") });
      expect(num(error.line)).to.equal(2);
      expect(text(error.reason)).to.match(/^the row has \d{7} bytes or more, no row has more than 256$/);
    });

    it("refuses what the chain would: quota, model, maker; and a choice that is none", async () => {
      const { makers, maker } = await network();
      const { csv } = await generated("q", 1_001);
      const above = await refused("REVERTED", "batch:post", { csv }, EXIT.state);
      expect(text(above.reason)).to.contain("MakerQuotaExceeded");
      await refused("NO_MODEL", "batch:post", { csv, from: "1" }, EXIT.state);
      await refused("NO_MODEL", "batch:post", { csv, model: "2" }, EXIT.state);
      expect(await makers.queryFilter(makers.filters.BatchPosted)).to.deep.equal([]);
      const second = { maker: maker.address, name: "Two", category: "2", bond: "1", points: "1" };
      await run("model:certify", { ...second, council: true, from: COUNCIL });
      await time.increase(1_000);
      await run("timelock:run");
      const unclear = await refused("MODEL_NEEDED", "batch:post", { csv });
      expect(text(unclear.message)).to.contain("1 (Gateway One,").and.contain("2 (Two,");
    });
  });

  describe("batch:proof", () => {
    it("writes every box's line with --all", async () => {
      await network();
      const { csv } = await generated("all");
      const { root: batchRoot } = await run("batch:post", { csv });
      const { count } = await run("batch:proof", { tree: `${csv}.tree`, all: true, out: path("boxes.jsonl") });
      const boxes = readFileSync(path("boxes.jsonl"), "utf8").trim().split("\n");
      expect([count, boxes.length]).to.deep.equal([ROWS, ROWS]);
      const last = JSON.parse(boxes.at(-1)!) as { index: number; deviceId: string; proof: string[] };
      expect([last.index, last.deviceId, last.proof.length]).to.deep.equal([ROWS - 1, String(ROWS), 6]);
      expect(text(batchRoot)).to.have.length(66);
    });

    it("refuses a file that is no tree, is cut short, or was changed, and places that there are not", async () => {
      await network();
      const { csv } = await generated("cut");
      await run("batch:post", { csv });
      const tree = `${csv}.tree`;
      await refused("TREE_INDEX", "batch:proof", { tree, index: String(ROWS) });
      await refused("MISSING_PARAMETER", "batch:proof", { tree });
      await refused("TREE_FILE", "batch:proof", { tree: csv, index: "0" });
      await refused("TREE_FILE", "batch:proof", { tree: path("none.tree"), index: "0" });
      const bytes = readFileSync(tree);
      bytes[128 + 32] = bytes[128 + 32]! ^ 1;
      writeFileSync(path("changed.tree"), bytes);
      await refused("TREE_FILE", "batch:proof", { tree: path("changed.tree"), index: "0" });
      truncateSync(tree, statSync(tree).size - 1);
      await refused("TREE_FILE", "batch:proof", { tree, index: "0" });
    });
  });

  describe("batch:onboard", () => {
    /** The network with a price at which credits are sold. */
    async function onboarding() {
      const f = await network();
      const timelock = await f.timelock.getAddress();
      await impersonateAccount(timelock);
      await setBalance(timelock, parseEther("1"));
      const asTimelock = await ethers.getSigner(timelock);
      const price = await ethers.deployContract("MockV3Aggregator", [8, 50_000_000n]);
      await f.priceGuard
        .connect(asTimelock)
        .setSources({ feed: price, maxAge: 86_400 }, { feed: ethers.ZeroAddress, maxAge: 0 });
      await time.increase(3_600);
      return f;
    }

    it("onboards 10 devices drawn by a seed, at the account's expense", async () => {
      const { devices, credits, others } = await onboarding();
      const { csv, keys } = await generated("o");
      await run("batch:post", { csv });
      const args = { csv, keys, draw: "10", drawSeed: "a draw", from: "1", owner: others[10]!.address };
      const { onboarded } = await run("batch:onboard", args);
      const drawn = list(onboarded);
      expect(new Set(drawn.map((d) => num(d.index))).size).to.equal(10);
      for (const d of drawn) {
        expect(text(d.deviceId)).to.equal(String(num(d.index) + 1));
        expect(await devices.ownerOf(text(d.deviceId))).to.equal(others[10]!.address);
        expect(text(d.serial)).to.equal(deviceOfSeed("seven", num(d.index)).serial);
      }
      expect(await credits.totalSpent()).to.equal(10n * (await devices.onboardingFee()));
      const again = await refused("REVERTED", "batch:onboard", args, EXIT.state);
      expect(text(again.reason)).to.contain("DeviceKeyUsed");
    });

    it("refuses a batch that is not posted, more than there are, keys of others, and no price", async () => {
      const f = await network();
      const { csv, keys } = await generated("r", 3);
      const args = { csv, keys, draw: "3", drawSeed: "s", from: "1" };
      await refused("TREE_FILE", "batch:onboard", args);
      await run("batch:post", { csv });
      await refused("BAD_NUMBER", "batch:onboard", { ...args, draw: "4" });
      await refused("MISSING_PARAMETER", "batch:onboard", { ...args, drawSeed: undefined });
      await refused("BATCH_KEYS", "batch:onboard", { ...args, keys: path("none.keys") });
      const dear = await refused("REVERTED", "batch:onboard", args, EXIT.state);
      expect(text(dear.reason)).to.contain("PriceGuardHalted");
      expect(await f.devices.balanceOf(f.others[0]!.address)).to.equal(0n);
    });
  });
});
