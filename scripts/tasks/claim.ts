// Claims what a payee earned: leaves from any one node, or from a file with none alive; believed only if the chain's root
// says the same.
import { readFileSync } from "node:fs";
import { getAddress, isAddress } from "ethers";
import { types } from "hardhat/config";
import type { Hex } from "../../oracle/codec";
import { potId } from "../../oracle/codec";
import { type ClaimArguments, claimOf, parseSettlement, type ServedSettlement, verifiedPayouts } from "../lib/claims";
import { CommandError, messageOf, StateError, UsageError } from "../lib/errors";
import { formatTokens, paint, parseWhole, table } from "../lib/format";
import { askNode, parseNodeUrl } from "../lib/node-api";
import type { Session } from "../lib/session";
import { command, needed } from "./define";

const CLAIMS_PER_CALL = 50;
const MAX_SUB = 0xffffn;
const MAX_TERM = 0xffffffffn;

interface ClaimTask {
  payee?: string;
  sub?: string;
  term?: string;
  all: boolean;
  node?: string;
  from?: string;
}

interface Pot {
  readonly subNetwork: number;
  readonly term: number;
  /** Epochs of the pot whose settlements are final and funded it, oldest first: the last one's leaves are the pot's. */
  readonly epochs: readonly number[];
}

interface Found {
  readonly pot: Pot;
  readonly claim: ClaimArguments;
  readonly claimed: bigint;
}

command<ClaimTask>({
  name: "claim",
  description: "Claims a payee's rewards, of one sub-network and term or of all; anyone may, the payee is paid",
  sender: "account",
  parameters: (t) =>
    t
      .addOptionalParam("payee", "who is paid (default: the sending account)", undefined, types.string)
      .addOptionalParam("sub", "id of the sub-network", undefined, types.string)
      .addOptionalParam(
        "term",
        "term (epoch ÷ term length); default: the term of the last final settlement",
        undefined,
        types.string,
      )
      .addFlag("all", "every pot that owes the payee something")
      .addOptionalParam("node", "address of a node, http://host:port", undefined, types.string)
      .addOptionalParam(
        "from",
        "FILE with the leaves (an answer of GET /settlements/SUB/EPOCH, or an array of them)",
        undefined,
        types.string,
      ),
  run: async (args, s) => {
    const signer = await s.signer();
    const payee = args.payee === undefined ? signer.address : payeeOf(args.payee);
    const source = sourceOf(args);
    const pots = await chosenPots(args, s);
    const distributor = s.get("RewardDistributor", signer);
    const found: Found[] = [];
    const skipped: string[] = [];
    for (const pot of pots) {
      const leaves = await leavesOf(pot, source, s);
      if (leaves === null) {
        const problem = `${source.name} has no leaves of sub-network ${pot.subNetwork}, term ${pot.term} (epoch ${pot.epochs.at(-1) ?? "?"})`;
        if (!args.all) throw new StateError("NO_LEAVES", `${problem}; ask another node`);
        skipped.push(problem);
        continue;
      }
      const claim = claimOf(leaves.served, leaves.tree, payee);
      const claimed = await distributor.claimedOf(potId(pot.subNetwork, pot.term), payee);
      if (claim && claim.cumulative > claimed) found.push({ pot, claim, claimed });
      else if (!args.all) {
        throw new StateError(
          "NOTHING_DUE",
          claim === null
            ? `${payee} has no leaf in sub-network ${pot.subNetwork}, term ${pot.term}: it earned nothing there`
            : `${payee} has claimed all ${formatTokens(claimed)} tokens of sub-network ${pot.subNetwork}, term ${pot.term}`,
        );
      }
    }
    if (found.length === 0) {
      throw new StateError("NOTHING_DUE", `nothing is due to ${payee}${skipped.map((p) => `; ${p}`).join("")}`);
    }
    const token = s.get("NetworkToken");
    const before = await token.balanceOf(payee);
    const txs: string[] = [];
    let gasUsed = 0n;
    const single = found[0];
    if (found.length === 1 && single) {
      const { pot, index, cumulative, proof } = single.claim;
      const receipt = await s.send("claim", distributor, "claim", [pot, index, payee, cumulative, proof]);
      txs.push(receipt.hash);
      gasUsed += receipt.gasUsed;
    } else {
      for (let i = 0; i < found.length; i += CLAIMS_PER_CALL) {
        const part = found.slice(i, i + CLAIMS_PER_CALL).map((f) => f.claim);
        const receipt = await s.send("claim", distributor, "claimMany", [part]);
        txs.push(receipt.hash);
        gasUsed += receipt.gasUsed;
      }
    }
    const paid = (await token.balanceOf(payee)) - before;
    const rows = found.map(({ pot, claim, claimed }) => ({
      subNetwork: pot.subNetwork,
      term: pot.term,
      amount: claim.cumulative - claimed,
      cumulative: claim.cumulative,
    }));
    return {
      data: { payee, paid, claims: rows, skipped, txs, gasUsed },
      lines: [
        table(
          rows.map((r) => [String(r.subNetwork), String(r.term), formatTokens(r.amount), formatTokens(r.cumulative)]),
          ["sub-network", "term", "claimed now", "of the term so far"],
        ),
        `paid ${paint("bold", formatTokens(paid))} tokens to ${payee} (${gasUsed} gas)`,
        ...skipped.map((p) => paint("yellow", p)),
      ],
    };
  },
});

function payeeOf(text: string): string {
  if (isAddress(text)) return getAddress(text);
  throw new UsageError("BAD_ADDRESS", `--payee: "${text}" is no address`);
}

// ----------------------------------------------------------------------------------------------------------- leaves

type Source =
  | { readonly name: string; readonly node: string }
  | { readonly name: string; readonly file: readonly ServedSettlement[] };

function sourceOf(args: ClaimTask): Source {
  if ((args.node === undefined) === (args.from === undefined)) {
    throw new UsageError("MISSING_PARAMETER", "give either --node URL or --from FILE: where the leaves come from");
  }
  if (args.node !== undefined) return { name: `node ${args.node}`, node: parseNodeUrl(args.node) };
  const path = args.from ?? "";
  let body: unknown;
  try {
    body = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError("BAD_FILE", `--from ${path}: ${messageOf(error)} (the account that sends is --account)`);
  }
  const bodies: unknown[] = Array.isArray(body) ? body : [body];
  return { name: `file ${path}`, file: bodies.map((b) => parseSettlement(`file ${path}`, b)) };
}

/** Verified leaves of a pot: of its last funded epoch; null if the source has none. */
async function leavesOf(
  pot: Pot,
  source: Source,
  s: Session,
): Promise<{ served: ServedSettlement; tree: ReturnType<typeof verifiedPayouts> } | null> {
  const distributor = s.get("RewardDistributor");
  const { root } = await distributor.potOf(potId(pot.subNetwork, pot.term));
  let mismatch: CommandError | null = null;
  if ("file" in source) {
    const served = source.file
      .filter((f) => f.settlement.subNetwork === pot.subNetwork && f.settlement.term === pot.term)
      .sort((a, b) => b.settlement.epoch - a.settlement.epoch);
    for (const leaves of served) {
      try {
        return { served: leaves, tree: verifiedPayouts(source.name, leaves, root as Hex) };
      } catch (error) {
        mismatch ??= mismatchOf(error);
      }
    }
    if (mismatch) throw mismatch;
    return null;
  }
  const epoch = pot.epochs.at(-1);
  const body = epoch === undefined ? undefined : await askNode(source.node, `settlements/${pot.subNetwork}/${epoch}`);
  if (body === undefined) return null;
  const served = parseSettlement(source.name, body);
  if (served.settlement.subNetwork !== pot.subNetwork || served.settlement.term !== pot.term) {
    throw new StateError(
      "WRONG_LEAVES",
      `${source.name} answered with the leaves of another settlement; ask another node`,
    );
  }
  return { served, tree: verifiedPayouts(source.name, served, root as Hex) };
}

function mismatchOf(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  throw error;
}

// ------------------------------------------------------------------------------------------------------------- pots

async function chosenPots(args: ClaimTask, s: Session): Promise<Pot[]> {
  const pots = await fundedPots(s);
  if (args.all) {
    if (args.sub !== undefined || args.term !== undefined)
      throw new UsageError("UNKNOWN_ARGUMENT", "--all takes neither --sub nor --term");
    return pots;
  }
  const sub = Number(parseWhole("--sub", needed("sub", args.sub), MAX_SUB));
  const ofSub = pots.filter((p) => p.subNetwork === sub);
  const term = args.term === undefined ? ofSub.at(-1)?.term : Number(parseWhole("--term", args.term, MAX_TERM));
  const pot = ofSub.find((p) => p.term === term);
  if (pot) return [pot];
  throw new StateError(
    "POT_EMPTY",
    ofSub.length === 0
      ? `sub-network ${sub} has no final settlement with points yet; see npx hardhat status`
      : `sub-network ${sub} has no final settlement in term ${term}; it has some in term ${ofSub.map((p) => p.term).join(", ")}`,
  );
}

/** Pots that a final settlement has funded, by sub-network and term. */
async function fundedPots(s: Session): Promise<Pot[]> {
  const logs = await s.logs(["RewardDistributor"], ["PotFunded"]);
  const byPot = new Map<bigint, number[]>();
  for (const { event } of logs) {
    const pot = BigInt(event.args.getValue("pot") as bigint);
    byPot.set(pot, [...(byPot.get(pot) ?? []), Number(event.args.getValue("epoch"))]);
  }
  return [...byPot]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([pot, epochs]) => ({ subNetwork: Number(pot >> 32n), term: Number(pot & MAX_TERM), epochs }));
}
