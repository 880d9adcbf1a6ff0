// A device's life from the owner's side: sell, recover, rotate, retire, show. What only a box can sign is signed with --key,
// a file with the box's private key, as its secure element would.
import { readFileSync, writeFileSync } from "node:fs";
import { getAddress, isAddress, ZeroAddress } from "ethers";
import { types } from "hardhat/config";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { keyFromPem, newKey, publicKeyOf } from "../../oracle/client/client";
import { encodeLife, keyHash, LIFE_PURPOSES } from "../../oracle/codec";
import { messageOf, StateError, UsageError } from "../lib/errors";
import { formatTime, paint, parseDuration, parseWhole, table } from "../lib/format";
import type { Session } from "../lib/session";
import { signForChain } from "../network/boxes";
import { command, needed } from "./define";

const MAX_ID = 2n ** 64n - 1n;
const ONE_DAY = "1d";

interface DeviceArguments {
  device?: string;
}
interface KeyArguments extends DeviceArguments {
  key?: string;
  deadline?: string;
}

const deviceId = (args: DeviceArguments): bigint => parseWhole("--device", needed("device", args.device), MAX_ID);

function addressOf(name: string, text: string | undefined): string {
  const value = needed(name, text);
  if (isAddress(value) && value !== ZeroAddress) return getAddress(value);
  throw new UsageError("BAD_ADDRESS", `--${name}: "${value}" is no address`);
}

function readKey(name: string, file: string | undefined): KeyObject {
  const path = needed(name, file);
  try {
    return keyFromPem(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError("BAD_KEY", `--${name} ${path}: no private key in PEM (PKCS #8): ${messageOf(error)}`);
  }
}

async function deadlineOf(s: Session, args: KeyArguments): Promise<bigint> {
  return BigInt((await s.pendingTime()) + parseDuration("--deadline", args.deadline ?? ONE_DAY));
}

/** What a box signs about its own life. */
async function lifeSignature(
  s: Session,
  key: KeyObject,
  m: { purpose: number; deviceId: bigint; account: string; deadline: bigint },
) {
  const message = encodeLife({
    chainId: BigInt(s.chainId),
    registry: s.address("DeviceRegistry"),
    purpose: m.purpose,
    deviceId: m.deviceId,
    account: m.account,
    version: await s.get("DeviceRegistry").versionOf(m.deviceId),
    deadline: m.deadline,
  });
  return signForChain(key, message);
}

async function domainOf(s: Session) {
  return {
    name: "Groundwork devices",
    version: "1",
    chainId: s.chainId,
    verifyingContract: s.address("DeviceRegistry"),
  };
}

async function ownerOf(s: Session, id: bigint): Promise<string> {
  try {
    return await s.get("DeviceRegistry").ownerOf(id);
  } catch {
    throw new StateError("UNKNOWN_DEVICE", `device ${id} was never onboarded`);
  }
}

// ------------------------------------------------------------------------------------------------------------ transfer

const OFFER_TYPES = {
  Offer: [
    { name: "deviceId", type: "uint64" },
    { name: "to", type: "address" },
    { name: "version", type: "uint64" },
    { name: "deadline", type: "uint64" },
  ],
};

const whole = z
  .string()
  .regex(/^\d+$/)
  .transform((v) => BigInt(v));
const Offer = z.strictObject({
  deviceId: whole,
  to: z.string().refine((v) => isAddress(v)),
  version: whole,
  deadline: whole,
  signature: z.string().regex(/^0x([0-9a-fA-F]{2})+$/),
});

interface TransferArguments extends KeyArguments {
  to?: string;
  accept?: string;
  out?: string;
}

command<TransferArguments>({
  name: "device:transfer",
  description:
    "Sells a device in two steps: the owner signs an offer into a file; the buyer, who has the box, accepts it",
  parameters: (t) =>
    t
      .addOptionalParam("device", "id of the device, to offer it", undefined, types.string)
      .addOptionalParam("to", "address of the buyer, to offer it", undefined, types.string)
      .addOptionalParam("out", "FILE that the offer is written to", undefined, types.string)
      .addOptionalParam("accept", "FILE with an offer, to accept it", undefined, types.string)
      .addOptionalParam("key", "FILE with the box's private key (PEM), to accept", undefined, types.string)
      .addOptionalParam("deadline", "how long the signature counts (default: 1d)", undefined, types.string),
  run: async (args, s) => (args.accept === undefined ? offer(args, s) : accept(args, args.accept, s)),
});

async function offer(args: TransferArguments, s: Session) {
  const [id, to, out] = [deviceId(args), addressOf("to", args.to), needed("out", args.out)];
  const signer = await s.signer();
  const owner = await ownerOf(s, id);
  if (owner !== signer.address)
    throw new StateError("NOT_OWNER", `device ${id} belongs to ${owner}, not to ${signer.address}`);
  const version = await s.get("DeviceRegistry").versionOf(id);
  const deadline = await deadlineOf(s, args);
  const terms = { deviceId: id, to, version, deadline };
  const signature = await signer.signTypedData(await domainOf(s), OFFER_TYPES, terms);
  const text = JSON.stringify({
    deviceId: String(id),
    to,
    version: String(version),
    deadline: String(deadline),
    signature,
  });
  writeFileSync(out, `${text}\n`);
  return {
    data: { ...terms, signature, file: out },
    lines: [
      `offered device ${id} to ${to} until ${formatTime(deadline)}: ${out}`,
      `the buyer accepts: npx hardhat device:transfer --accept ${out} --key BOX.pem --network ${s.hre.network.name}`,
    ],
  };
}

async function accept(args: TransferArguments, file: string, s: Session) {
  const terms = readOffer(file);
  const key = readKey("key", args.key);
  const signer = await s.signer();
  if (getAddress(terms.to) !== signer.address) {
    throw new StateError("NOT_BUYER", `the offer is to ${terms.to}, not to ${signer.address}`);
  }
  const { deviceId: id, deadline } = terms;
  const signature = await lifeSignature(s, key, {
    purpose: LIFE_PURPOSES.accept,
    deviceId: id,
    account: signer.address,
    deadline,
  });
  const registry = s.get("DeviceRegistry", signer);
  const receipt = await s.send("accept", registry, "accept", [
    id,
    deadline,
    terms.signature,
    publicKeyOf(key),
    signature,
  ]);
  const epoch = Number(await registry.currentEpoch());
  return {
    data: { device: id, owner: signer.address, fromEpoch: epoch + 1, tx: receipt.hash },
    lines: [
      `device ${id} belongs to ${signer.address}; it pays the new owner from epoch ${epoch + 1} on`,
      paint("dim", `transaction ${receipt.hash}`),
    ],
  };
}

function readOffer(file: string) {
  try {
    return Offer.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new UsageError("BAD_FILE", `--accept ${file}: no offer of device:transfer: ${messageOf(error)}`);
  }
}

// ------------------------------------------------------------------------------------------------------------ recovery

interface RecoverArguments extends KeyArguments {
  to?: string;
  complete: boolean;
  veto: boolean;
}

command<RecoverArguments>({
  name: "device:recover",
  description: "Recovers a device after a lost wallet: the box names a new owner, a delay passes, anyone completes",
  parameters: (t) =>
    t
      .addOptionalParam("device", "id of the device (needed)", undefined, types.string)
      .addOptionalParam("to", "address of the new owner, to ask", undefined, types.string)
      .addOptionalParam("key", "FILE with the box's private key (PEM), to ask", undefined, types.string)
      .addOptionalParam("deadline", "how long the signature counts (default: 1d)", undefined, types.string)
      .addFlag("complete", "complete what was asked for, after the delay")
      .addFlag("veto", "the owner voids everything that was asked for or signed"),
  run: async (args, s) => {
    const id = deviceId(args);
    const registry = s.get("DeviceRegistry", await s.signer());
    await ownerOf(s, id);
    if (args.complete && args.veto)
      throw new UsageError("UNKNOWN_ARGUMENT", "--complete and --veto exclude each other");
    if (args.veto) {
      const receipt = await s.send("veto", registry, "veto", [id]);
      return {
        data: { device: id, version: await registry.versionOf(id), tx: receipt.hash },
        lines: [`all that was asked for device ${id} is void`],
      };
    }
    if (args.complete) {
      const receipt = await s.send("completeRecovery", registry, "completeRecovery", [id]);
      const owner = await registry.ownerOf(id);
      return { data: { device: id, owner, tx: receipt.hash }, lines: [`device ${id} belongs to ${owner}`] };
    }
    const to = addressOf("to", args.to);
    const key = readKey("key", args.key);
    const deadline = await deadlineOf(s, args);
    const signature = await lifeSignature(s, key, {
      purpose: LIFE_PURPOSES.recover,
      deviceId: id,
      account: to,
      deadline,
    });
    const values = [id, to, deadline, publicKeyOf(key), signature];
    const receipt = await s.send("requestRecovery", registry, "requestRecovery", values);
    const [, readyFrom] = await registry.requestOf(id, LIFE_PURPOSES.recover);
    return {
      data: { device: id, to, readyFrom: Number(readyFrom), tx: receipt.hash },
      lines: [
        `device ${id} goes to ${to} from epoch ${readyFrom} on, unless its owner objects (--veto)`,
        `then: npx hardhat device:recover --device ${id} --complete --network ${s.hre.network.name}`,
      ],
    };
  },
});

// ------------------------------------------------------------------------------------------------------------ rotation

interface RotateArguments extends KeyArguments {
  maker?: string;
  out?: string;
  complete: boolean;
}

command<RotateArguments>({
  name: "device:rotate",
  description: "Gives a device a new key, with its maker's consent, or after a delay where the maker is gone",
  parameters: (t) =>
    t
      .addOptionalParam("device", "id of the device (needed)", undefined, types.string)
      .addOptionalParam("key", "FILE with the live key (PEM)", undefined, types.string)
      .addOptionalParam("out", "FILE that the new private key is written to (PEM)", undefined, types.string)
      .addOptionalParam("maker", "the maker's account among the network's (index or address)", undefined, types.string)
      .addOptionalParam("deadline", "how long the signatures count (default: 1d)", undefined, types.string)
      .addFlag("complete", "complete a change without a maker, after the delay"),
  run: async (args, s) => {
    const id = deviceId(args);
    const owner = await ownerOf(s, id);
    const registry = s.get("DeviceRegistry", await s.signer());
    const oldKeyHash = keyHash(publicKeyOf(readKey("key", args.key)));
    if (args.complete) {
      const receipt = await s.send("completeRotation", registry, "completeRotation", [id, oldKeyHash]);
      return { data: { device: id, tx: receipt.hash }, lines: [`the key of device ${id} changes with the next epoch`] };
    }
    const out = needed("out", args.out);
    const key = newKey();
    writeFileSync(out, key.export({ format: "pem", type: "pkcs8" }), { flag: "wx", mode: 0o600 });
    const deadline = await deadlineOf(s, args);
    const account = owner;
    const signature = await lifeSignature(s, key, { purpose: LIFE_PURPOSES.rotate, deviceId: id, account, deadline });
    const change = { deviceId: id, oldKeyHash, deadline, key: publicKeyOf(key), signature };
    const newKeyHash = keyHash(change.key);
    if (args.maker === undefined) {
      const receipt = await s.send("requestRotation", registry, "requestRotation", [change]);
      const [, readyFrom] = await registry.requestOf(id, LIFE_PURPOSES.rotate);
      return {
        data: { device: id, newKeyHash, readyFrom: Number(readyFrom), tx: receipt.hash },
        lines: [`asked for the new key of device ${id} (${out}): due from epoch ${readyFrom}, then --complete`],
      };
    }
    const maker = await s.signerOf("--maker", args.maker);
    const consent = await maker.signTypedData(
      await domainOf(s),
      {
        KeyChange: [
          { name: "deviceId", type: "uint64" },
          { name: "oldKeyHash", type: "bytes32" },
          { name: "newKeyHash", type: "bytes32" },
          { name: "owner", type: "address" },
          { name: "deadline", type: "uint64" },
        ],
      },
      { deviceId: id, oldKeyHash, newKeyHash, owner, deadline },
    );
    const receipt = await s.send("rotate", registry, "rotate", [change, consent]);
    return {
      data: { device: id, newKeyHash, tx: receipt.hash },
      lines: [`device ${id} signs with the key of ${out} from the next epoch on; the old key never returns`],
    };
  },
});

// ----------------------------------------------------------------------------------------------------- retire and show

command<DeviceArguments>({
  name: "device:retire",
  description: "The device earns nothing from the next epoch on, for ever; only its owner",
  parameters: (t) => t.addOptionalParam("device", "id of the device (needed)", undefined, types.string),
  run: async (args, s) => {
    const id = deviceId(args);
    const registry = s.get("DeviceRegistry", await s.signer());
    const receipt = await s.send("retire", registry, "retire", [id]);
    return { data: { device: id, tx: receipt.hash }, lines: [`device ${id} is retired from the next epoch on`] };
  },
});

interface ShowArguments extends DeviceArguments {
  image?: string;
}

const Metadata = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  attributes: z.array(z.looseObject({ trait_type: z.string(), value: z.union([z.string(), z.number()]) })),
});

command<ShowArguments>({
  name: "device:show",
  description: "A device as the chain describes it; --image writes its picture to a file",
  sender: null,
  parameters: (t) =>
    t
      .addOptionalParam("device", "id of the device (needed)", undefined, types.string)
      .addOptionalParam("image", "FILE.svg that the picture is written to", undefined, types.string),
  run: async (args, s) => {
    const id = deviceId(args);
    const registry = s.get("DeviceRegistry");
    const owner = await ownerOf(s, id);
    const epoch = await registry.currentEpoch();
    const metadata = Metadata.parse(JSON.parse(fromDataUri(await registry.tokenURI(id)).toString("utf8")));
    const [payee, next, active] = await Promise.all([
      registry.payeeAt(id, epoch + 1n),
      registry.isActiveAt(id, epoch + 1n),
      registry.isActiveAt(id, epoch),
    ]);
    const image = metadata.image === undefined ? undefined : fromDataUri(metadata.image);
    if (args.image !== undefined) {
      if (image === undefined) throw new StateError("NO_IMAGE", `the metadata of device ${id} has no picture`);
      writeFileSync(args.image, image);
    }
    return {
      data: { device: id, owner, payee, active, activeNext: next, epoch: Number(epoch), metadata },
      lines: [
        table([
          ["device", metadata.name],
          ["owner", owner],
          ["payee from the next epoch", payee],
          ["active now / next epoch", `${active ? "yes" : "no"} / ${next ? "yes" : "no"}`],
          ...metadata.attributes.map((a) => [a.trait_type, String(a.value)]),
        ]),
        ...(args.image === undefined ? [] : [`picture: ${args.image}`]),
      ],
    };
  },
});

function fromDataUri(uri: string): Buffer {
  const match = /^data:[^,]*?(;base64)?,(.*)$/s.exec(uri);
  if (!match) throw new StateError("BAD_METADATA", "the metadata is no data URI");
  return match[1] ? Buffer.from(match[2] ?? "", "base64") : Buffer.from(decodeURIComponent(match[2] ?? ""), "utf8");
}
