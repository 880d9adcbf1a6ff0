// Makers and models: a bond, a licence, a certificate, an end-of-life curve. What needs a vote is proposed (or, with
// --council, scheduled by the bootstrap council).
import { getAddress, isAddress } from "ethers";
import { types } from "hardhat/config";
import { StateError, UsageError } from "../lib/errors";
import { formatTokens, paint, parseTokens, parseWhole } from "../lib/format";
import { propose, scheduleAsCouncil } from "../lib/propose";
import type { Session } from "../lib/session";
import { command, needed, type Result } from "./define";

const MAX_UINT16 = 2n ** 16n - 1n;
const MAX_UINT24 = 2n ** 24n - 1n;
const MAX_UINT32 = 2n ** 32n - 1n;
const MAX_POINTS = 2n ** 96n - 1n;

interface ByVote {
  description?: string;
  council: boolean;
}

type Definition = Parameters<Parameters<typeof command>[0]["parameters"]>[0];

function byVote(t: Definition): Definition {
  return t
    .addOptionalParam("description", "what it is for, in words (default: the call itself)", undefined, types.string)
    .addFlag("council", "schedule it as the bootstrap council (--from its account) instead of proposing it");
}

async function ask(
  s: Session,
  args: ByVote,
  method: string,
  values: readonly unknown[],
  what: string,
): Promise<Result> {
  const makers = s.get("MakerRegistry");
  const data = makers.interface.encodeFunctionData(method as never, values as never);
  const calls = [{ target: s.address("MakerRegistry"), value: 0n, data }];
  const description = args.description ?? what;
  return args.council ? scheduleAsCouncil(s, calls, description) : propose(s, calls, description);
}

function makerOf(text: string | undefined): string {
  const maker = needed("maker", text);
  if (!isAddress(maker)) throw new UsageError("BAD_ADDRESS", `--maker: "${maker}" is no address`);
  return getAddress(maker);
}

command<{ amount?: string }>({
  name: "maker:bond",
  description: "Posts the bond of a maker, from the maker's account: up to the least bond of a licence, or --amount",
  parameters: (t) => t.addOptionalParam("amount", "tokens to add (default: what is missing)", undefined, types.string),
  run: async (args, s) => {
    const signer = await s.signer();
    const [makers, token] = [s.get("MakerRegistry", signer), s.get("NetworkToken", signer)];
    const [minimum, { bond }, balance, allowance] = await Promise.all([
      makers.minBond(),
      makers.makerOf(signer.address),
      token.balanceOf(signer.address),
      token.allowance(signer.address, makers),
    ]);
    const missing = minimum > bond ? minimum - bond : 0n;
    const amount = args.amount === undefined ? missing : parseTokens("--amount", args.amount);
    if (amount === 0n)
      throw new StateError("NOTHING_TO_DO", `the bond of ${signer.address} is ${formatTokens(bond)} tokens: enough`);
    if (balance < amount)
      throw new StateError(
        "BALANCE_TOO_LOW",
        `${signer.address} has ${formatTokens(balance)} tokens, fewer than ${formatTokens(amount)}; choose another account with --from`,
      );
    if (allowance < amount) await s.send("approve", token, "approve", [await makers.getAddress(), amount]);
    const receipt = await s.send("bond", makers, "postBond", [amount]);
    return {
      data: { maker: signer.address, amount, bond: bond + amount, minimum, tx: receipt.hash },
      lines: [
        `${signer.address} has a bond of ${formatTokens(bond + amount)} tokens; a licence needs ${formatTokens(minimum)}`,
        paint("dim", `transaction ${receipt.hash}`),
      ],
    };
  },
});

command<ByVote & { maker?: string; quota?: string }>({
  name: "maker:license",
  description: "Proposes a maker's licence: devices it may post per epoch",
  parameters: (t) =>
    byVote(
      t
        .addOptionalParam("maker", "address of the maker (needed)", undefined, types.string)
        .addOptionalParam("quota", "devices per epoch (needed)", undefined, types.string),
    ),
  run: async (args, s) => {
    const maker = makerOf(args.maker);
    const quota = parseWhole("--quota", needed("quota", args.quota), MAX_UINT32);
    if (quota === 0n) throw new UsageError("BAD_NUMBER", "--quota: a licence for no device is none");
    const makers = s.get("MakerRegistry");
    const [{ bond }, minimum] = await Promise.all([makers.makerOf(maker), makers.minBond()]);
    if (bond < minimum)
      throw new StateError(
        "BOND_TOO_SMALL",
        `${maker} has a bond of ${formatTokens(bond)} tokens, a licence needs ${formatTokens(minimum)}: npx hardhat maker:bond --from ${maker}`,
        { bond, minimum },
      );
    return ask(s, args, "license", [maker, quota], `License maker ${maker} for ${quota} devices an epoch`);
  },
});

interface CertifyArguments extends ByVote {
  maker?: string;
  name?: string;
  category?: string;
  bond?: string;
  points?: string;
  expires?: string;
}

command<CertifyArguments>({
  name: "model:certify",
  description: "Proposes the certificate of a hardware model",
  parameters: (t) =>
    byVote(
      t
        .addOptionalParam("maker", "address of its maker (needed)", undefined, types.string)
        .addOptionalParam("name", "name of the model, at most 64 bytes (needed)", undefined, types.string)
        .addOptionalParam("category", "what it measures: id of the category (needed)", undefined, types.string)
        .addOptionalParam("bond", "tokens that back each device (needed)", undefined, types.string)
        .addOptionalParam("points", "most points a device earns in an epoch (needed)", undefined, types.string)
        .addOptionalParam("expires", "epoch from which none is onboarded (default: open end)", undefined, types.string),
    ),
  run: async (args, s) => {
    const maker = makerOf(args.maker);
    const name = needed("name", args.name);
    const bytes = Buffer.byteLength(name);
    if (bytes > 64) throw new UsageError("BAD_NAME", `--name: ${bytes} bytes, a name has 64 at most`);
    const category = parseWhole("--category", needed("category", args.category), MAX_UINT16);
    const bond = parseTokens("--bond", needed("bond", args.bond));
    if (bond === 0n) throw new UsageError("BAD_AMOUNT", "--bond: a model needs a bond");
    const points = parseWhole("--points", needed("points", args.points), MAX_POINTS);
    const expires = parseWhole("--expires", args.expires ?? "0", MAX_UINT32);
    const values = [maker, category, bond, points, expires, name];
    return ask(s, args, "certifyModel", values, `Certify the model ${name} of maker ${maker}`);
  },
});

interface AgeingArguments extends ByVote {
  model?: string;
  fullUntil?: string;
  floorAge?: string;
  floorBps?: string;
}

command<AgeingArguments>({
  name: "model:ageing",
  description:
    "Proposes a model's end-of-life curve: the points cap falls from --full-until to --floor-age (three zeros: none)",
  parameters: (t) =>
    byVote(
      t
        .addOptionalParam("model", "id of the model (needed)", undefined, types.string)
        .addOptionalParam("fullUntil", "last age, in epochs, with the whole cap (needed)", undefined, types.string)
        .addOptionalParam("floorAge", "age from which the floor counts (needed)", undefined, types.string)
        .addOptionalParam(
          "floorBps",
          "the floor in hundredths of a per cent of the cap (needed)",
          undefined,
          types.string,
        ),
    ),
  run: async (args, s) => {
    const model = parseWhole("--model", needed("model", args.model), MAX_UINT24);
    const fullUntilAge = parseWhole("--full-until", needed("full-until", args.fullUntil), MAX_UINT32);
    const floorAge = parseWhole("--floor-age", needed("floor-age", args.floorAge), MAX_UINT32);
    const floorBps = parseWhole("--floor-bps", needed("floor-bps", args.floorBps), 10_000n);
    if (floorAge <= fullUntilAge && (floorAge !== 0n || fullUntilAge !== 0n || floorBps !== 0n))
      throw new UsageError("BAD_CURVE", `--floor-age: ${floorAge} is not after --full-until ${fullUntilAge}`);
    const curve = { fullUntilAge, floorAge, floorBps };
    return ask(s, args, "setModelAgeing", [model, curve], `Set the end-of-life curve of model ${model}`);
  },
});
