// Operators and their delegators: create, stake, delegate, unbond, withdraw, show.
import { MaxUint256, ZeroAddress } from "ethers";
import { types } from "hardhat/config";
import { StateError, UsageError } from "../lib/errors";
import {
  formatBps,
  formatDuration,
  formatTime,
  formatTokens,
  paint,
  parseTokens,
  parseWhole,
  table,
} from "../lib/format";
import type { Session } from "../lib/session";
import { command, needed, type Result } from "./define";

const MAX_ID = 2n ** 64n - 1n;
const MAX_UNBONDING = 2n ** 128n - 1n;

interface OperatorArguments {
  operator?: string;
  amount?: string;
}

const operatorId = (args: OperatorArguments): bigint =>
  parseWhole("--operator", needed("operator", args.operator), MAX_ID);

const amountOf = (args: OperatorArguments): bigint => {
  const amount = parseTokens("--amount", needed("amount", args.amount));
  if (amount > 0n) return amount;
  throw new UsageError("BAD_AMOUNT", "--amount is 0");
};

/** Lets the staking contract take `amount` where it may not yet. */
async function allow(s: Session, amount: bigint): Promise<void> {
  const signer = await s.signer();
  const staking = s.address("OperatorStaking");
  const token = s.get("NetworkToken", signer);
  const balance = await token.balanceOf(signer.address);
  if (balance < amount) {
    throw new StateError(
      "BALANCE",
      `${signer.address} has ${formatTokens(balance)} tokens, not ${formatTokens(amount)}`,
    );
  }
  if ((await token.allowance(signer.address, staking)) < amount)
    await s.send("approve", token, "approve", [staking, amount]);
}

command<object>({
  name: "operator:create",
  description: "Creates an operator that the sending account controls",
  parameters: (t) => t,
  run: async (_args, s) => {
    const signer = await s.signer();
    const receipt = await s.send("createOperator", s.get("OperatorStaking", signer), "createOperator", []);
    const log = receipt.logs.flatMap((l) => s.get("OperatorStaking").interface.parseLog(l) ?? [])[0];
    const id = BigInt((log?.args.operatorId as bigint | undefined) ?? 0n);
    return {
      data: { operator: id, controller: signer.address, tx: receipt.hash },
      lines: [
        `operator ${paint("bold", String(id))}, controlled by ${signer.address}`,
        `next: npx hardhat operator:stake --operator ${id} --amount TOKENS --network ${s.hre.network.name}`,
      ],
    };
  },
});

command<OperatorArguments>({
  name: "operator:stake",
  description: "Adds to an operator's own bond; only its controller. Counts from the next epoch",
  parameters: (t) =>
    t
      .addOptionalParam("operator", "id of the operator (needed)", undefined, types.string)
      .addOptionalParam("amount", "tokens (needed)", undefined, types.string),
  run: async (args, s) => {
    const [id, amount] = [operatorId(args), amountOf(args)];
    await allow(s, amount);
    const receipt = await s.send("stake", s.get("OperatorStaking", await s.signer()), "stake", [id, amount]);
    return shown(s, id, { amount, tx: receipt.hash }, `staked ${formatTokens(amount)} tokens`);
  },
});

interface DelegateArguments extends OperatorArguments {
  minShares?: string;
}

command<DelegateArguments>({
  name: "operator:delegate",
  description: "Delegates tokens of the sending account to an operator. Counts from the next epoch",
  parameters: (t) =>
    t
      .addOptionalParam("operator", "id of the operator (needed)", undefined, types.string)
      .addOptionalParam("amount", "tokens (needed)", undefined, types.string)
      .addOptionalParam(
        "minShares",
        "least shares, in 10^-18 (default: what the bucket gives now)",
        undefined,
        types.string,
      ),
  run: async (args, s) => {
    const [id, amount] = [operatorId(args), amountOf(args)];
    await allow(s, amount);
    const staking = s.get("OperatorStaking", await s.signer());
    const expected = await tried(s, () => staking.delegate.staticCall(id, amount, 0n));
    const least = args.minShares === undefined ? expected : parseWhole("--min-shares", args.minShares, MaxUint256);
    const receipt = await s.send("delegate", staking, "delegate", [id, amount, least]);
    return shown(s, id, { amount, shares: expected, tx: receipt.hash }, `delegated ${formatTokens(amount)} tokens`);
  },
});

interface UnbondArguments extends OperatorArguments {
  own: boolean;
  shares?: string;
}

command<UnbondArguments>({
  name: "operator:unbond",
  description: "Starts unbonding: shares of the sender's delegation, or with --own tokens of the operator's own bond",
  parameters: (t) =>
    t
      .addOptionalParam("operator", "id of the operator (needed)", undefined, types.string)
      .addOptionalParam("amount", "tokens of the own bond, with --own", undefined, types.string)
      .addOptionalParam("shares", "shares of the delegation, in 10^-18 (default: all)", undefined, types.string)
      .addFlag("own", "the operator's own bond; only its controller"),
  run: async (args, s) => {
    const id = operatorId(args);
    const signer = await s.signer();
    const staking = s.get("OperatorStaking", signer);
    const receipt = args.own
      ? await s.send("requestUnbond", staking, "requestUnbond", [id, amountOf(args)])
      : await s.send("undelegate", staking, "undelegate", [id, await sharesOf(args, s, id, signer.address)]);
    const log = receipt.logs
      .flatMap((l) => staking.interface.parseLog(l) ?? [])
      .find((l) => l.name === "UnbondingRequested");
    const unbonding = BigInt((log?.args.unbondingId as bigint | undefined) ?? 0n);
    const { releaseAt } = await staking.unbondingOf(unbonding);
    return {
      data: { operator: id, unbonding, releaseAt, tx: receipt.hash },
      lines: [
        `unbonding ${paint("bold", String(unbonding))}: released from ${formatTime(releaseAt)}, slashable until then`,
        `then: npx hardhat operator:withdraw --unbonding ${unbonding} --network ${s.hre.network.name}`,
      ],
    };
  },
});

async function sharesOf(args: UnbondArguments, s: Session, id: bigint, account: string): Promise<bigint> {
  const staking = s.get("OperatorStaking");
  const { generation } = await staking.trancheOf(id, false);
  const { shares } = await staking.delegationOf(id, generation, account);
  const wanted = args.shares === undefined ? shares : parseWhole("--shares", args.shares, MAX_UNBONDING);
  if (shares === 0n) throw new StateError("NOTHING_DELEGATED", `${account} delegates nothing to operator ${id}`);
  return wanted;
}

interface WithdrawArguments extends OperatorArguments {
  unbonding?: string;
}

command<WithdrawArguments>({
  name: "operator:withdraw",
  description: "Pays a due unbonding to its owner, or with --operator the rewards that the sender earned there",
  parameters: (t) =>
    t
      .addOptionalParam("unbonding", "id of the unbonding", undefined, types.string)
      .addOptionalParam("operator", "id of the operator whose rewards are paid", undefined, types.string),
  run: async (args, s) => {
    if ((args.unbonding === undefined) === (args.operator === undefined)) {
      throw new UsageError("MISSING_PARAMETER", "give either --unbonding ID or --operator ID");
    }
    const signer = await s.signer();
    const staking = s.get("OperatorStaking", signer);
    const token = s.get("NetworkToken");
    if (args.unbonding !== undefined) {
      const id = parseWhole("--unbonding", args.unbonding, MAX_UNBONDING);
      const { owner, releaseAt } = await staking.unbondingOf(id);
      const now = await s.pendingTime();
      if (owner !== ZeroAddress && releaseAt > BigInt(now)) {
        const wait = formatDuration(Number(releaseAt) - now);
        throw new StateError("TOO_EARLY", `unbonding ${id} is released from ${formatTime(releaseAt)}, in ${wait}`);
      }
      const before = await token.balanceOf(owner);
      const receipt = await s.send("release", staking, "release", [id]);
      const amount = (await token.balanceOf(owner)) - before;
      return {
        data: { unbonding: id, owner, amount, tx: receipt.hash },
        lines: [`paid ${paint("bold", formatTokens(amount))} tokens to ${owner}`],
      };
    }
    const id = operatorId(args);
    const before = await token.balanceOf(signer.address);
    const receipt = await s.send("claim", staking, "claim", [id, signer.address]);
    const amount = (await token.balanceOf(signer.address)) - before;
    return {
      data: { operator: id, account: signer.address, amount, tx: receipt.hash },
      lines: [`paid ${paint("bold", formatTokens(amount))} tokens of rewards to ${signer.address}`],
    };
  },
});

command<OperatorArguments>({
  name: "operator:show",
  description: "An operator: bond, delegations, what they back, what it earns, what could be slashed",
  sender: null,
  parameters: (t) => t.addOptionalParam("operator", "id of the operator (needed)", undefined, types.string),
  run: async (args, s) => shown(s, operatorId(args), {}),
});

/** The operator as it is now, after what was done. */
async function shown(s: Session, id: bigint, done: object, line?: string): Promise<Result> {
  const staking = s.get("OperatorStaking");
  const o = await tried(s, () => staking.operatorOf(id));
  const [own, delegated, earning, slashable, totalWeight, epoch] = await Promise.all([
    staking.trancheOf(id, true),
    staking.trancheOf(id, false),
    staking.earningOf(id),
    staking.slashableOf(id),
    staking.totalWeight(),
    staking.currentEpoch(),
  ]);
  const [stakeNow, requiredNow] = await staking.bondAt(id, epoch);
  const part = totalWeight === 0n ? 0 : Number((earning.weight * 10_000n) / totalWeight);
  const next =
    earning.commissionFromEpoch === 0n
      ? ""
      : `, ${formatBps(earning.nextCommissionBps)} from epoch ${earning.commissionFromEpoch}`;
  const covered = o.stake >= o.required;
  return {
    data: {
      ...done,
      operator: id,
      controller: o.controller,
      stake: o.stake,
      required: o.required,
      now: { epoch: Number(epoch), stake: stakeNow, required: requiredNow },
      own: own.assets,
      delegated: delegated.assets,
      unbonding: { ownShares: own.unbondingShares, delegatedShares: delegated.unbondingShares },
      slashable,
      weight: earning.weight,
      totalWeight,
      commissionBps: Number(earning.commissionBps),
      covered,
    },
    lines: [
      ...(line === undefined ? [] : [line]),
      table([
        ["operator", String(id)],
        ["controller", o.controller],
        ["own bond", `${formatTokens(own.assets)} (unbonding ones among them)`],
        ["delegated", `${formatTokens(delegated.assets)} (unbonding ones among them)`],
        ["stake / required", `${formatTokens(o.stake)} / ${formatTokens(o.required)} from the next epoch`],
        [`in epoch ${epoch}`, `${formatTokens(stakeNow)} / ${formatTokens(requiredNow)}`],
        ["slashable", formatTokens(slashable)],
        ["weight", `${formatTokens(earning.weight)}, ${part / 100} % of all`],
        ["commission", `${formatBps(earning.commissionBps)}${next}`],
      ]),
      covered
        ? paint("green", "covers its devices")
        : paint("red", "under-bonded: its devices earn nothing after one epoch of grace"),
    ],
  };
}

/** A read or a trial whose revert is told by name. */
async function tried<T>(s: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw s.explained("this", error);
  }
}
