// The network at a glance; red, and exit code 3, while it is not yet what it must be.
import { loadParameters } from "../../deploy/parameters";
import { StateError } from "../lib/errors";
import { formatBps, formatDuration, formatTime, formatTokens, formatUsd, paint, shortHash, table } from "../lib/format";
import { pendingData, pendingLines } from "../lib/governance";
import type { Session } from "../lib/session";
import { readStatus, type Status, type SubNetworkStatus } from "../lib/status";
import { command } from "./define";

command<object>({
  name: "status",
  description:
    "Epochs, sub-networks, price, supply, authority and scheduled changes; exit code 3 while anything is red",
  sender: null,
  parameters: (t) => t,
  run: async (_args, s) => {
    const status = await readStatus(s, isForeignForwarder(s));
    return {
      data: { ...status, green: status.red.length === 0, pending: pendingData(status.pending) },
      lines: statusLines(status),
      ...(status.red.length > 0 ? { failure: new StateError("STATUS_RED", status.red.join("; ")) } : {}),
    };
  },
});

/** Only where the parameters of this very deployment name the forwarder is it somebody else's; in doubt it is ours. */
function isForeignForwarder(s: Session): boolean {
  try {
    const { hash, settlement } = loadParameters(s.chainId, s.hre.config.paths.root);
    const own = hash === s.deployment.parametersHash;
    return own && settlement.forwarder?.toLowerCase() === s.address("KeystoneForwarder").toLowerCase();
  } catch {
    return false; // no parameters to be read here: in doubt
  }
}

const good = (text: string): string => paint("green", text);
const bad = (text: string): string => paint("red", text);
const warn = (text: string): string => paint("yellow", text);

function statusLines(st: Status): string[] {
  const { supply, credits, price, council } = st;
  const rows = [
    ["chain", `${st.chainId}, block ${st.block}, ${formatTime(st.time)}`],
    [
      "epoch",
      `${st.epoch.current}, ends at ${formatTime(st.epoch.endsAt)}, in ${formatDuration(st.epoch.endsAt - st.time)}`,
    ],
    ["last closed epoch", closedText(st)],
    [
      "buckets",
      `devices ${formatBps(st.buckets.devicesBps)}, stakers ${formatBps(st.buckets.stakersBps)}, treasury ${formatBps(st.buckets.treasuryBps)}`,
    ],
    [
      "price",
      `${price.state === "Ok" ? good("Ok") : price.state === "Degraded" ? warn("Degraded") : warn("Halted: credits cannot be minted")}` +
        (price.spotE8 > 0n ? `, spot ${formatUsd(price.spotE8)}, average ${formatUsd(price.averageE8)}` : "") +
        `, round ${price.round}`,
    ],
    [
      "supply",
      `${formatTokens(supply.total)} of at most ${formatTokens(supply.cap)} = genesis ${formatTokens(supply.genesis)} + minted ${formatTokens(supply.minted)} − burned ${formatTokens(supply.burned)}`,
    ],
    [
      "rewards",
      `owed ${formatTokens(supply.owed)}, reserve ${formatTokens(supply.reserve)}, treasury ${formatTokens(supply.treasury)}`,
    ],
    ["credits", `${credits.supply} = minted ${credits.minted} − spent ${credits.spent}`],
    ["devices", `${st.devices.onboarded - st.devices.retired} active, ${st.devices.retired} retired`],
    [
      "operators",
      `${st.operators.count}, staked ${formatTokens(st.operators.staked)}, rewards ${formatTokens(st.operators.rewards)}`,
    ],
    [
      "council",
      council.active
        ? `${warn("active")}: power ${formatTokens(council.power)} of the ${formatTokens(council.floor)} that end it`
        : good("ended"),
    ],
    ["forwarder", forwarderText(st)],
    ["committee", committeeText(st)],
    ...st.paused.map((p) => [warn("paused"), `${p.contract}.${p.entry} until ${formatTime(p.until)}`]),
  ];
  return [
    table(rows),
    paint("bold", "Sub-networks"),
    table(
      st.subNetworks.map((n) => [
        String(n.id),
        n.name,
        String(n.category),
        formatBps(n.weightBps),
        headText(n, st.time),
        n.lastFinalEpoch === null ? "none" : String(n.lastFinalEpoch),
        formatTokens(n.budget),
      ]),
      ["id", "name", "category", "weight", "head", "final to", `budget of epoch ${st.closed.last ?? "–"}`],
    ),
    ...(st.scheduled.length === 0
      ? [paint("dim", "no scheduled parameter change")]
      : [
          paint("bold", "Scheduled parameter changes"),
          table(
            st.scheduled.map((c) => [c.contract, c.change, `${c.fromEpoch}`, formatTime(c.startsAt)]),
            ["contract", "change", "from epoch", "which begins at"],
          ),
        ]),
    ...pendingLines(st.pending, st.time),
    st.red.length === 0 ? good("green") : bad(`red: ${st.red.join("; ")}`),
  ];
}

function closedText({ closed }: Status): string {
  const due = closed.due > 0 ? `, ${warn(`${closed.due} due`)}` : "";
  return `${closed.last ?? "none"}${due}`;
}

function headText({ head }: SubNetworkStatus, now: number): string {
  if (head === null) return "none";
  const attempt = head.attempt > 0 ? `, attempt ${head.attempt}` : "";
  if (head.state !== "pending") return `epoch ${head.epoch}, ${head.state}${attempt}`;
  const left = head.finalAt - now;
  return `epoch ${head.epoch}, pending${attempt}, ${left > 0 ? `final in ${formatDuration(left)}` : "may be made final"}`;
}

function forwarderText({ forwarder: f, time }: Status): string {
  if (!f.ours)
    return `${f.address}, Chainlink's (owner ${f.owner}): bounded by budget and window, see docs/trust-model.md`;
  if (f.handedOver) return `${f.address}, owned by ${good("the timelock")}`;
  const handover =
    f.operation === null || f.readyAt === null
      ? "no acceptOwnership is scheduled: the DAO must schedule it"
      : `acceptOwnership is operation ${shortHash(f.operation)}, ` +
        (f.due
          ? "due now: npx hardhat timelock:run"
          : `executable from ${formatTime(f.readyAt)}, in ${formatDuration(f.readyAt - time)}: npx hardhat timelock:run`);
  return `${f.address}, ${bad(`owned by ${f.ownerName}, not by the timelock`)}\n${handover}`;
}

function committeeText({ committee: c }: Status): string {
  const head = `${c.members} members, f = ${c.f}, don ${c.donId}, version ${c.version}`;
  const stale = c.stale.length > 0 ? `; ${bad(`the forwarder also accepts ${c.stale.join(", ")} (don/version)`)}` : "";
  if (c.equal) return `${head}: ${good("the forwarder's configuration is the same")}${stale}`;
  return `${head}: ${bad(c.forwarderHash === null ? "the forwarder has no such configuration" : "the forwarder's configuration differs")}${stale}`;
}
