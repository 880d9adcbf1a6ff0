// A maker's batches: make a file of devices, post it in one transaction, take proofs from its tree, onboard some.
import { closeSync, createReadStream, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { createHash, sign } from "node:crypto";
import { createInterface } from "node:readline";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { getAddress, id as hashText, isAddress } from "ethers";
import { types } from "hardhat/config";
import { encodeOnboarding, type Hex, keyHash, loadKeccak, PackedTree, signatureFrom } from "../../oracle/codec";
import { MAX_ROWS, pickRows, readBatch } from "../lib/batch-file";
import { signingKey, writeBatch } from "../lib/batch-keys";
import { markPosted, type TreeHead, TreeFile, writeTree } from "../lib/batch-tree";
import { EnvironmentError, StateError, UsageError } from "../lib/errors";
import { formatTokens, paint, parseWhole } from "../lib/format";
import { progress } from "../lib/progress";
import type { Session } from "../lib/session";
import { command, fileCommand, needed } from "./define";

const MAX_UINT24 = 2n ** 24n - 1n;
const MAX_DRAW = 1_000n;
const DEADLINE = 3_600;
const MAX_UINT64 = 2n ** 64n - 1n;

// -------------------------------------------------------------------------------------------------------- generate

interface GenerateArguments {
  rows?: string;
  seed?: string;
  out?: string;
  keys?: string;
  force: boolean;
}

fileCommand<GenerateArguments>({
  name: "batch:generate",
  description: "Writes a batch file of devices with P-256 keys made from a seed, for trials; needs no chain",
  parameters: (t) =>
    t
      .addOptionalParam("rows", `how many devices, 1 to ${MAX_ROWS} (needed)`, undefined, types.string)
      .addOptionalParam("seed", "any text; the same seed makes the same devices (needed)", undefined, types.string)
      .addOptionalParam("out", "FILE to write (needed)", undefined, types.string)
      .addOptionalParam(
        "keys",
        "FILE for the private keys, one a line (default: none is written)",
        undefined,
        types.string,
      )
      .addFlag("force", "write over files that are there"),
  run: async (args) => {
    const rows = Number(parseWhole("--rows", needed("rows", args.rows), BigInt(MAX_ROWS)));
    if (rows === 0) throw new UsageError("BAD_NUMBER", "--rows: a batch has one device at least");
    const seed = needed("seed", args.seed);
    const out = needed("out", args.out);
    for (const path of [out, args.keys]) {
      if (path !== undefined && existsSync(path) && !args.force)
        throw new UsageError("FILE_EXISTS", `${path} is there already; --force writes over it`);
    }
    const bar = progress("making keys", rows);
    try {
      writeBatch(out, args.keys, rows, seed, bar);
    } finally {
      bar.stop();
    }
    return {
      data: { file: out, rows, seed, bytes: statSync(out).size, keys: args.keys ?? null },
      lines: [
        `${rows} device(s) in ${out}${args.keys === undefined ? "" : `, their private keys in ${args.keys}`}`,
        paint("dim", `post: npx hardhat batch:post --csv ${out} --network NAME`),
      ],
    };
  },
});

// ------------------------------------------------------------------------------------------------------------ post

interface PostArguments {
  csv?: string;
  model?: string;
  tree?: string;
  from?: string;
}

command<PostArguments>({
  name: "batch:post",
  description:
    "Checks a batch file row by row and posts it in one transaction; writes its tree, which holds every proof",
  parameters: (t) =>
    t
      .addOptionalParam("csv", "FILE of the batch: serial,keyType,x,y (needed)", undefined, types.string)
      .addOptionalParam("model", "id of the model (default: the account's only one)", undefined, types.string)
      .addOptionalParam(
        "tree",
        "FILE for the tree (default: the batch file's name and .tree)",
        undefined,
        types.string,
      ),
  run: async (args, s) => {
    const started = process.uptime();
    const csv = needed("csv", args.csv);
    const treePath = args.tree ?? `${csv}.tree`;
    const keccak = await loadKeccak();
    const reading = progress("checking rows", existsSync(csv) ? statSync(csv).size : 1);
    const batch = await readBatch(csv, keccak, reading).finally(() => reading.stop());
    const building = progress("building the tree", batch.count);
    const tree = PackedTree.of(batch.leaves, keccak, (nodes) => building(batch.count - nodes));
    building.stop();
    await new Promise(setImmediate); // the chain may have closed an idle connection meanwhile: let that be heard

    const { modelId, signer } = await modelToPost(s, args);
    const head: TreeHead = {
      count: batch.count,
      modelId,
      batchId: 0,
      firstDeviceId: 0n,
      chainId: s.chainId,
      registry: s.address("MakerRegistry"),
      root: tree.root,
      dataHash: batch.dataHash,
    };
    let posted = await findPosted(s, signer.address, head);
    const again = posted !== undefined;
    let tx: string | null = null;
    let gasUsed = 0n;
    if (!again) {
      writeTree(treePath, head, tree);
      const makers = s.get("MakerRegistry", signer);
      const values = [modelId, tree.root, batch.count, batch.dataHash];
      const receipt = await s.send("post", makers, "postBatch", values);
      [tx, gasUsed] = [receipt.hash, receipt.gasUsed];
      posted = await findPosted(s, signer.address, head);
    }
    if (posted === undefined) throw new EnvironmentError("NO_EVENT", `the chain does not show batch ${tree.root}`);
    const done = { ...head, ...posted };
    if (again) writeTree(treePath, done, tree);
    else markPosted(treePath, done);
    const seconds = Math.round((process.uptime() - started) * 10) / 10;
    const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
    return {
      data: {
        ...done,
        maker: signer.address,
        file: csv,
        tree: treePath,
        posted: !again,
        tx,
        gasUsed,
        seconds,
        peakMb,
      },
      lines: [
        again
          ? `this file is batch ${done.batchId} already: nothing was sent`
          : `batch ${paint("bold", String(done.batchId))} of model ${modelId}: ${done.count} device(s), one transaction, ${gasUsed} gas`,
        `devices ${done.firstDeviceId} to ${done.firstDeviceId + BigInt(done.count) - 1n}, root ${done.root}`,
        `tree in ${treePath} (${seconds} s, ${peakMb} MB)`,
        paint("dim", `for a box: npx hardhat batch:proof --tree ${treePath} --index 0`),
      ],
    };
  },
});

/** The model and its maker's account: as given, or the only ones that fit. */
async function modelToPost(s: Session, args: PostArguments): Promise<{ modelId: number; signer: HardhatEthersSigner }> {
  const makers = s.get("MakerRegistry");
  const accounts = args.from === undefined && s.development ? await s.hre.ethers.getSigners() : [await s.signer()];
  const asked = args.model === undefined ? undefined : Number(parseWhole("--model", args.model, MAX_UINT24));
  const [logs, now] = await Promise.all([s.logs(["MakerRegistry"], ["ModelCertified"]), makers.currentEpoch()]);
  const fitting: { modelId: number; name: string; signer: HardhatEthersSigner }[] = [];
  for (const { event } of logs) {
    const modelId = Number(event.args.modelId);
    const signer = accounts.find((a) => a.address === event.args.maker);
    if (signer === undefined || (asked !== undefined && asked !== modelId)) continue;
    const [{ expiresAtEpoch }, { status }] = await Promise.all([
      makers.modelOf(modelId),
      makers.makerOf(signer.address),
    ]);
    const live = status === 1n && (expiresAtEpoch === 0n || now < expiresAtEpoch);
    if (live || asked !== undefined) fitting.push({ modelId, name: String(event.args.name), signer });
  }
  const [found, ...others] = fitting;
  if (found === undefined) {
    const who = accounts.length === 1 ? `${accounts[0]?.address} is not` : "no account of this network is";
    const what = asked === undefined ? "the licensed maker of a live model" : `the maker of model ${asked}`;
    throw new StateError(
      "NO_MODEL",
      `${who} ${what}; a maker needs maker:bond, maker:license and model:certify first (docs/operations.md), or choose its account with --from`,
    );
  }
  if (others.length > 0)
    throw new UsageError(
      "MODEL_NEEDED",
      `choose with --model: ${fitting.map((f) => `${f.modelId} (${f.name}, maker ${f.signer.address})`).join(", ")}`,
    );
  return found;
}

/** Batch number and first id of the file, if its maker has posted it: same root, same model, same data hash. */
async function findPosted(
  s: Session,
  maker: string,
  head: TreeHead,
): Promise<{ batchId: number; firstDeviceId: bigint } | undefined> {
  const logs = await s.logs(["MakerRegistry"], ["BatchPosted"]);
  const ours = logs.find(
    ({ event: { args: a } }) =>
      a.root === head.root && a.dataHash === head.dataHash && a.maker === maker && Number(a.modelId) === head.modelId,
  );
  if (ours === undefined) return undefined;
  const { batchId, firstDeviceId } = ours.event.args;
  return { batchId: Number(batchId), firstDeviceId: BigInt(firstDeviceId as bigint) };
}

// ----------------------------------------------------------------------------------------------------------- proof

fileCommand<{ tree?: string; index?: string; all: boolean; out?: string }>({
  name: "batch:proof",
  description: "The inclusion proof of a device, from the tree of its batch: what is put into the box; needs no chain",
  parameters: (t) =>
    t
      .addOptionalParam("tree", "FILE that batch:post wrote (needed)", undefined, types.string)
      .addOptionalParam("index", "place of the device in the batch file, from 0", undefined, types.string)
      .addFlag("all", "every device, one JSON a line, into --out")
      .addOptionalParam("out", "FILE for --all", undefined, types.string),
  run: async (args) => {
    const tree = TreeFile.open(needed("tree", args.tree), await loadKeccak());
    try {
      const { batchId, firstDeviceId, modelId, count, registry, chainId } = tree.head;
      const boxOf = (index: number): object => {
        const { leaf, proof } = tree.inclusion(index);
        const deviceId = batchId === 0 ? null : firstDeviceId + BigInt(index);
        return { chainId, registry, modelId, batchId: batchId || null, index, deviceId, leaf, proof };
      };
      if (!args.all) {
        const index = Number(parseWhole("--index", needed("index", args.index), 2n ** 32n - 1n));
        const box = boxOf(index);
        const { proof } = tree.inclusion(index);
        return {
          data: box,
          lines: [
            `place ${index} of ${batchId === 0 ? "a batch not posted yet" : `batch ${batchId}: device ${firstDeviceId + BigInt(index)}`}`,
            ...proof,
          ],
        };
      }
      const out = needed("out", args.out);
      const bar = progress("writing proofs", count);
      const part = `${out}.part`;
      const file = openSync(part, "w");
      try {
        for (let i = 0; i < count; i++) {
          const text = JSON.stringify(boxOf(i), (_, v: unknown) => (typeof v === "bigint" ? String(v) : v));
          writeSync(file, `${text}\n`);
          if (i % 1_000 === 0) bar(i);
        }
      } finally {
        closeSync(file);
        bar.stop();
      }
      renameSync(part, out);
      return { data: { file: out, count }, lines: [`${count} proof(s) in ${out}`] };
    } finally {
      tree.close();
    }
  },
});

// --------------------------------------------------------------------------------------------------------- onboard

interface OnboardArguments {
  csv?: string;
  keys?: string;
  tree?: string;
  draw?: string;
  drawSeed?: string;
  owner?: string;
}

command<OnboardArguments>({
  name: "batch:onboard",
  description:
    "Onboards devices of a posted batch, drawn by a seed, each signed by its own key; the account pays the fees",
  parameters: (t) =>
    t
      .addOptionalParam("csv", "FILE of the batch (needed)", undefined, types.string)
      .addOptionalParam("keys", "FILE with the private keys, one a row (needed)", undefined, types.string)
      .addOptionalParam("tree", "FILE of the tree (default: the batch file's name and .tree)", undefined, types.string)
      .addOptionalParam("draw", "how many devices (default: 10)", undefined, types.string)
      .addOptionalParam("drawSeed", "any text: which devices (needed)", undefined, types.string)
      .addOptionalParam("owner", "address that will own them (default: the account)", undefined, types.string),
  run: async (args, s) => {
    const csv = needed("csv", args.csv);
    const keys = needed("keys", args.keys);
    const seed = needed("draw-seed", args.drawSeed);
    const wanted = Number(parseWhole("--draw", args.draw ?? "10", MAX_DRAW));
    const signer = await s.signer();
    const owner = args.owner ?? signer.address;
    if (!isAddress(owner)) throw new UsageError("BAD_ADDRESS", `--owner: "${owner}" is no address`);
    const tree = TreeFile.open(args.tree ?? `${csv}.tree`, await loadKeccak());
    try {
      const { batchId, firstDeviceId, count, registry, chainId } = tree.head;
      if (batchId === 0)
        throw new StateError("NOT_POSTED", `${tree.path}: this batch is not posted; npx hardhat batch:post`);
      if (chainId !== s.chainId || registry !== s.address("MakerRegistry"))
        throw new EnvironmentError("WRONG_CHAIN", `${tree.path} is of registry ${registry} on chain ${chainId}`);
      const places = drawn(seed, count, wanted);
      const [rows, secrets] = await Promise.all([pickRows(csv, new Set(places)), pickLines(keys, new Set(places))]);
      const devices = s.get("DeviceRegistry", signer);
      await payFor(s, signer, BigInt(places.length));
      const deadline = BigInt((await s.pendingTime()) + DEADLINE);
      const onboarded: object[] = [];
      for (const index of places) {
        const [row, secret] = [rows.get(index), secrets.get(index)];
        if (row === undefined || !/^0x[0-9a-f]{64}$/i.test(secret ?? ""))
          throw new UsageError("BATCH_KEYS", `${row === undefined ? csv : keys} has no device at place ${index}`);
        const nonce = firstDeviceId + BigInt(index);
        const terms = { owner: getAddress(owner), operatorId: 0n, subNetwork: 0, nonce, deadline };
        const message = encodeOnboarding({ chainId: BigInt(chainId), registry: await devices.getAddress(), ...terms });
        const key = { keyType: row.keyType, x: row.x, y: row.y };
        const signature = signatureFrom(key.keyType, sign("sha256", message, signingKey(secret as Hex)));
        const { proof } = tree.inclusion(index);
        const receipt = await s.send(`onboard place ${index}`, devices, "onboard", [
          { ...terms, batchId, index, serialHash: hashText(row.serial), key, signature, proof },
        ]);
        const deviceId = await devices.deviceOfKey(keyHash(key));
        onboarded.push({ index, serial: row.serial, deviceId, tx: receipt.hash, gasUsed: receipt.gasUsed });
      }
      return {
        data: { batchId, owner: getAddress(owner), onboarded },
        lines: onboarded.map((o) => JSON.stringify(o, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v))),
      };
    } finally {
      tree.close();
    }
  },
});

/** `wanted` different places of `count`, by the seed. */
function drawn(seed: string, count: number, wanted: number): number[] {
  if (wanted > count) throw new UsageError("BAD_NUMBER", `--draw: the batch has ${count} device(s), not ${wanted}`);
  const places = new Set<number>();
  for (let i = 0; places.size < wanted; i++) {
    const hash = createHash("sha256").update(`${seed}/${i}`).digest();
    places.add(Number(hash.readBigUInt64BE() % BigInt(count)));
  }
  return [...places];
}

/** Lines of a file, by place from 0. */
async function pickLines(path: string, places: ReadonlySet<number>): Promise<Map<number, string>> {
  if (!existsSync(path)) throw new UsageError("BATCH_KEYS", `${path}: no such file; batch:generate --keys writes it`);
  const found = new Map<number, string>();
  let place = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (places.has(place)) found.set(place, line.trim());
    place++;
  }
  return found;
}

/** Credits for the fees, bought with the account's tokens where it has too few. */
async function payFor(s: Session, signer: HardhatEthersSigner, devices: bigint): Promise<void> {
  const [credits, token] = [s.get("DataCredits", signer), s.get("NetworkToken", signer)];
  const need = (await s.get("DeviceRegistry").onboardingFee()) * devices;
  const have = await credits.balanceOf(signer.address);
  if (have >= need) return;
  let price: bigint;
  try {
    price = await credits.quoteExactOut(need - have);
  } catch (error) {
    throw s.explained("buy credits", error);
  }
  const balance = await token.balanceOf(signer.address);
  if (balance < price)
    throw new StateError(
      "BALANCE_TOO_LOW",
      `the fees are ${need} credits, ${signer.address} has ${have} and ${formatTokens(balance)} tokens; choose another account with --from`,
    );
  await s.send("approve", token, "approve", [await credits.getAddress(), price]);
  await s.send("buy credits", credits, "mintExactOut", [need - have, price, signer.address, MAX_UINT64]);
}
