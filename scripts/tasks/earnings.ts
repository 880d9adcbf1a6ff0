// What a device earned by epoch, and why a proof earned nothing.
import { types } from "hardhat/config";
import { z } from "zod";
import { entriesRootOf, parseSettlement, type Share, shareOf } from "../lib/claims";
import { EnvironmentError, revertData, StateError } from "../lib/errors";
import { formatTokens, paint, parseWhole, shortHash, table } from "../lib/format";
import { askNode, parseNodeUrl } from "../lib/node-api";
import type { Session } from "../lib/session";
import { command, needed } from "./define";

const DEFAULT_NODE = "http://127.0.0.1:8701";
const EPOCHS_SHOWN = 10;
const MAX_ID = 2n ** 64n - 1n;

const deviceView = z.object({
  cell: z.string().nullable().default(null),
  subNetworks: z.array(
    z.object({
      subNetwork: z.number().int(),
      state: z.string(),
      proofs: z.array(
        z.object({
          hash: z.string(),
          counter: z.string(),
          units: z.string(),
          counted: z.boolean().nullable(),
          reason: z.string().nullable(),
        }),
      ),
    }),
  ),
  rejections: z.array(z.object({ reason: z.string(), messageHash: z.string().nullable(), detail: z.string() })),
});

interface Earned extends Share {
  readonly subNetwork: number;
  readonly state: string;
  readonly proofs: number;
  readonly counted: number;
  readonly payee: string | null;
  /** The entries give the root that the chain has. */
  readonly verified: boolean;
}

interface Refusal {
  readonly epoch: number;
  readonly subNetwork: number | null;
  readonly reason: string;
  readonly proof: string | null;
  readonly detail: string;
}

command<{ device?: string; epoch?: string; node: string }>({
  name: "earnings",
  description: "Points and payout of a device by epoch, and the reason code of every proof that earned nothing",
  sender: null,
  parameters: (t) =>
    t
      .addOptionalParam("device", "id of the device (needed)", undefined, types.string)
      .addOptionalParam("epoch", `one epoch only (default: the last ${EPOCHS_SHOWN})`, undefined, types.string)
      .addOptionalParam("node", "address of a node", DEFAULT_NODE, types.string),
  run: async (args, s) => {
    const device = parseWhole("--device", needed("device", args.device), MAX_ID);
    const node = parseNodeUrl(args.node);
    const registry = s.get("DeviceRegistry");
    try {
      await registry.modelOfDevice(device);
    } catch (error) {
      if (revertData(error) !== registry.interface.encodeErrorResult("DeviceUnknown", [device])) throw error;
      throw new StateError("UNKNOWN_DEVICE", `device ${device} was never onboarded`);
    }
    const current = Number(await registry.currentEpoch());
    const epochs =
      args.epoch === undefined
        ? Array.from(
            { length: Math.min(EPOCHS_SHOWN, current + 1) },
            (_, i) => current - Math.min(EPOCHS_SHOWN, current + 1) + 1 + i,
          )
        : [Number(parseWhole("--epoch", args.epoch, 0xffffffffn))];
    const roots = await reportedRoots(s);
    const earned: (Earned & { epoch: number })[] = [];
    const refused: Refusal[] = [];
    for (const epoch of epochs) {
      const view = await viewOf(node, device, epoch);
      if (view === null) continue;
      for (const sub of view.subNetworks) {
        earned.push({ epoch, ...(await earnedIn(s, node, device, epoch, sub, roots)) });
        for (const p of sub.proofs) {
          if (p.reason !== null)
            refused.push({
              epoch,
              subNetwork: sub.subNetwork,
              reason: p.reason,
              proof: p.hash,
              detail: `counter ${p.counter}, ${p.units} units`,
            });
        }
      }
      for (const r of view.rejections)
        refused.push({ epoch, subNetwork: null, reason: r.reason, proof: r.messageHash, detail: r.detail });
    }
    const total = earned.reduce((sum, e) => sum + (e.state === "final" ? e.amount : 0n), 0n);
    const unverified = earned.filter((e) => e.state !== "none" && !e.verified);
    return {
      data: { device, node, epochs: earned, final: total, refused },
      lines: [
        earned.length === 0
          ? `node ${node} has no proof of device ${device} in epoch ${epochs[0]} to ${epochs.at(-1)}`
          : table(
              earned.map((e) => [
                String(e.epoch),
                String(e.subNetwork),
                `${e.counted}/${e.proofs}`,
                e.points === 0n ? "0" : `${e.points} of ${e.total}`,
                formatTokens(e.amount),
                e.state + (e.state !== "none" && !e.verified ? ` ${paint("red", "not verified")}` : ""),
              ]),
              ["epoch", "sub-network", "proofs counted", "points", "tokens", "settlement"],
            ),
        `final: ${paint("bold", formatTokens(total))} tokens`,
        ...(refused.length === 0
          ? [paint("dim", "no refused proof")]
          : [
              paint("bold", "Refused proofs"),
              table(
                refused.map((r) => [
                  String(r.epoch),
                  paint("yellow", r.reason),
                  r.proof === null ? "–" : shortHash(r.proof),
                  r.detail,
                ]),
                ["epoch", "reason", "proof", "detail"],
              ),
            ]),
      ],
      ...(unverified.length > 0
        ? {
            failure: new StateError(
              "ROOT_MISMATCH",
              `node ${node} serves entries that are not those of the chain; ask another node`,
            ),
          }
        : {}),
    };
  },
});

async function viewOf(node: string, device: bigint, epoch: number): Promise<z.infer<typeof deviceView> | null> {
  const body = await askNode(node, `devices/${device}/${epoch}`);
  if (body === undefined) return null;
  const parsed = deviceView.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EnvironmentError("NODE_REFUSED", `node ${node}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}

/** entriesRoot of the settlement that counts, by "sub/epoch": of several attempts the last one. */
async function reportedRoots(s: Session): Promise<Map<string, string>> {
  const logs = await s.logs(["SettlementOracle"], ["SettlementReported"]);
  return new Map(
    logs.map(({ event }) => {
      const settlement = event.args.getValue("settlement") as { entriesRoot: string };
      return [`${event.args.getValue("subNetwork")}/${event.args.getValue("epoch")}`, settlement.entriesRoot];
    }),
  );
}

async function earnedIn(
  s: Session,
  node: string,
  device: bigint,
  epoch: number,
  sub: z.infer<typeof deviceView>["subNetworks"][number],
  roots: ReadonlyMap<string, string>,
): Promise<Earned> {
  const base = {
    subNetwork: sub.subNetwork,
    proofs: sub.proofs.length,
    counted: sub.proofs.filter((p) => p.counted === true).length,
  };
  const body = await askNode(node, `settlements/${sub.subNetwork}/${epoch}`);
  if (body === undefined)
    return { ...base, state: "none", points: 0n, total: 0n, amount: 0n, payee: null, verified: false };
  const { entries } = parseSettlement(`node ${node}`, body);
  const oracle = s.get("SettlementOracle");
  const { status } = await oracle.settlementOf(sub.subNetwork, epoch);
  const budget = await s.get("EmissionController").budgetOf(sub.subNetwork, epoch);
  return {
    ...base,
    ...shareOf(entries, device, budget),
    state: ["none", "pending", "final"][Number(status)] ?? "none",
    payee: entries.find((e) => e.deviceId === device)?.payee ?? null,
    verified: roots.get(`${sub.subNetwork}/${epoch}`) === entriesRootOf(entries),
  };
}
