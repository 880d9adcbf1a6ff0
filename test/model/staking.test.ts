// OperatorStaking against its reference model: random lives of two operators, three delegators and four devices.
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";
import { CHALLENGE_EPOCHS, devicesFixture, EPOCH, MODEL_BOND, nextEpoch, SUB, UNBONDING } from "../helpers/devices";
import { type Bucket, type Parameters, StakingModel } from "./staking-model";

const SEED = 20_805;
const LENGTH = 200;
const ONE = 10n ** 18n;
const OPERATORS = [1, 2];
const DEVICES = [1, 2, 3, 4];
const PARAMETERS: Parameters = {
  slashCap: 10_000n,
  bounty: 500n,
  multiple: 3n,
  minDelegation: ONE,
  unbondingTime: BigInt(UNBONDING * EPOCH),
  challengeEpochs: BigInt(CHALLENGE_EPOCHS),
  modelBond: MODEL_BOND,
};

/** Two operators without stake, four devices of alice attached nowhere, a slasher, three delegators with tokens. */
async function fixture() {
  const f = await devicesFixture();
  const { staking, token, controller, alice, bob, carol, stranger, maker } = f;
  const delegators = [carol, stranger, maker, controller];
  for (const d of delegators) {
    await token.mint(d.address, 10n ** 30n);
    await token.connect(d).approve(staking, ethers.MaxUint256);
  }
  await token.mint(bob.address, 10n ** 30n);
  await staking.setSlasher(f.admin.address);
  await staking.setTerms({ slashCapBps: 10_000, bountyBps: 500, weightMultiple: 3, minDelegation: ONE });
  for (const c of [controller, bob]) await staking.connect(c).createOperator(); // 2 and 3: operator 1 stays apart
  for (const id of [2, 3]) await staking.connect(id === 2 ? controller : bob).acceptOwner(id, alice.address, true);
  for (const _ of DEVICES) await f.onboardFor(alice);
  await nextEpoch(staking);
  const apart = await staking.totalStaked();
  return { ...f, delegators, apart };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;

/** The chain beside the model; ids of operators are the model's. */
interface Real extends Fixture {
  prices: Map<string, Bucket>;
  fault: number;
}

/** What a command draws: which operator, account, device, and how much in 1/10000 of something. */
interface Draw {
  kind: (typeof KINDS)[number];
  operator: number;
  account: number;
  device: number;
  part: number;
  amount: bigint;
}

const KINDS = [
  "stake",
  "stake",
  "stake",
  "delegate",
  "delegate",
  "requestUnbond",
  "undelegate",
  "undelegate",
  "cancel",
  "release",
  "release",
  "slash",
  "attach",
  "attach",
  "attach",
  "detach",
  "setCommission",
  "distribute",
  "refreshWeight",
  "claim",
  "leaveRetired",
  "leaveRetired",
  "advance",
  "advance",
] as const;

const draw = fc.record<Draw>({
  kind: fc.constantFrom(...KINDS),
  operator: fc.constantFrom(...OPERATORS),
  account: fc.nat(3),
  device: fc.constantFrom(...DEVICES),
  part: fc.oneof(fc.nat(10_100), fc.constant(10_000)),
  amount: fc.oneof(
    { weight: 6, arbitrary: fc.bigInt(0n, 300n * ONE) },
    { weight: 2, arbitrary: fc.bigInt(ONE, ONE + 1_000n) },
    { weight: 1, arbitrary: fc.bigInt(10n ** 26n, 10n ** 27n) },
  ),
});

const real = (id: number): bigint => BigInt(id) + 1n;

class Step implements fc.AsyncCommand<StakingModel, Real> {
  constructor(private readonly d: Draw) {}

  check(): boolean {
    return true;
  }

  toString(): string {
    return JSON.stringify(this.d, (_, v: unknown) => (typeof v === "bigint" ? v.toString() : v));
  }

  async run(m: StakingModel, r: Real): Promise<void> {
    if (this.d.kind === "advance") {
      await nextEpoch(r.staking, 1 + (this.d.part % 4));
    } else {
      await act(m, r, this.d);
    }
    await check(m, r, this.d);
  }
}

/** One transaction on both sides, in the second after the last block: same error, or same amounts. */
async function act(m: StakingModel, r: Real, d: Draw): Promise<void> {
  const { staking, token } = r;
  const now = BigInt(await time.latest()) + 1n;
  m.s.now = now;
  m.s.epoch = (now - r.genesis) / BigInt(EPOCH);
  const id = d.operator;
  const controller = [r.controller, r.bob][id - 1]!;
  const account = r.delegators[d.account]!;
  const requests = Object.keys(m.s.requests).map(Number);
  const requestId = requests[d.part % Math.max(1, requests.length)] ?? 999_999;
  const ofPart = (whole: bigint): bigint => (whole * BigInt(d.part)) / 10_000n;
  let gain: { to: string; amount: bigint } = { to: account.address, amount: 0n };
  let burned = 0n;

  const steps: Record<
    Exclude<Draw["kind"], "advance">,
    () => [() => void, (s: typeof staking) => Promise<unknown>, HardhatEthersSigner]
  > = {
    stake: () => [
      () => {
        m.stake(id, d.amount);
        gain = { to: controller.address, amount: -d.amount };
      },
      (s) => s.stake(real(id), d.amount),
      controller,
    ],
    delegate: () => [
      () => {
        m.delegate(id, account.address, d.amount);
        gain = { to: account.address, amount: -d.amount };
      },
      (s) => s.delegate(real(id), d.amount, 0),
      account,
    ],
    requestUnbond: () => {
      const b = m.bucket(id, true);
      const amount = ofPart(m.worth(b, b.active));
      return [() => m.requestUnbond(id, amount), (s) => s.requestUnbond(real(id), amount), controller];
    },
    undelegate: () => {
      const shares = ofPart(m.position(id, m.generation(id, false), account.address).shares);
      return [() => m.undelegate(id, account.address, shares), (s) => s.undelegate(real(id), shares), account];
    },
    cancel: () => {
      const owner = m.s.requests[requestId]?.owner;
      const signer = [...r.delegators, r.bob].find((x) => x.address === owner) ?? account;
      return [() => m.cancel(requestId), (s) => s.cancelUnbond(requestId), signer];
    },
    release: () => {
      const owner = m.s.requests[requestId]?.owner ?? account.address;
      return [
        () => {
          gain = { to: owner, amount: m.release(requestId) };
        },
        (s) => s.release(requestId),
        account,
      ];
    },
    slash: () => {
      const amount = d.part > 9_000 ? d.amount : ofPart(m.slashable(id)) / 4n;
      const key = ethers.id(`fault ${r.fault++}`);
      return [
        () => {
          const { slashed, bounty } = m.slash(id, amount);
          gain = { to: r.alice.address, amount: bounty };
          burned = slashed - bounty;
        },
        (s) => s.slash(real(id), amount, key, r.alice.address),
        r.admin,
      ];
    },
    attach: () => [() => m.attach(d.device, id), (s) => s.attachDevice(d.device, SUB, real(id)), r.alice],
    detach: () => [() => m.detach(d.device), (s) => s.detachDevice(d.device, SUB), r.alice],
    setCommission: () => {
      const bps = d.part % 1_200;
      return [() => m.setCommission(id, BigInt(bps)), (s) => s.setCommission(real(id), bps), controller];
    },
    distribute: () => [() => m.distribute(), (s) => s.distribute(), account],
    refreshWeight: () => [() => m.refreshWeight(id), (s) => s.refreshWeight(real(id)), account],
    claim: () => {
      const to = d.part % 2 === 0 ? controller : account;
      return [
        () => {
          gain = { to: to.address, amount: m.claim(id, to.address) };
        },
        (s) => s.claim(real(id), to.address),
        r.alice,
      ];
    },
    leaveRetired: () => {
      // Mostly somebody who has something to leave.
      const left = Object.keys(m.s.buckets).filter((k) => {
        const [op, own, g] = k.split("/");
        return Number(op) === id && Number(g) < m.generation(id, own === "true") && (m.s.buckets[k]?.active ?? 0n) > 0n;
      });
      const [, tranche, g] = (left[d.part % Math.max(1, left.length)] ?? `${id}/${d.part % 3 === 0}/0`).split("/");
      const own = tranche === "true";
      const holder = r.delegators.find((a) => (m.s.positions[`${id}/${g}/${a.address}`]?.shares ?? 0n) > 0n);
      const signer = own ? controller : (holder ?? account);
      const generation = Number(g);
      return [
        () => {
          gain = { to: signer.address, amount: m.leaveRetired(id, own, generation, signer.address) };
        },
        (s) => s.leaveRetired(real(id), own, generation),
        signer,
      ];
    },
  };

  if (d.kind === "advance") return;
  if (d.kind === "distribute" && d.part % 4 !== 0) {
    await time.setNextBlockTimestamp(now);
    await token.mint(await staking.getAddress(), d.amount);
    m.s.waiting += d.amount;
    return act(m, r, { ...d, part: 0 });
  }
  const [expected, call, signer] = steps[d.kind]();
  const slashable = m.slashable(id);
  const error = m.attempt(expected);
  await time.setNextBlockTimestamp(now);
  const tx = call(staking.connect(signer));
  if (error !== undefined) {
    await expect(tx, `${d.kind} must be refused`).to.be.revertedWithCustomError(staking, error);
    return;
  }
  await tx;
  if (d.kind === "requestUnbond" || d.kind === "undelegate" || d.kind === "cancel") {
    expect(await staking.slashableOf(real(id)), "slashable after a request").to.equal(slashable);
  }
  await expect(tx, d.kind).to.changeTokenBalances(token, [gain.to, staking], [gain.amount, -gain.amount - burned]);
}

/** Everything that must be true of the chain after any step, and equal to the model. */
async function check(m: StakingModel, r: Real, d: Draw): Promise<void> {
  const { staking, token } = r;
  const [staked, rewards, weight] = await Promise.all([
    staking.totalStaked(),
    staking.totalRewards(),
    staking.totalWeight(),
  ]);
  expect([staked, rewards, weight]).to.deep.equal([m.s.assets + r.apart, m.s.rewards, m.s.totalWeight]);
  expect(await token.balanceOf(staking), "conservation").to.equal(staked + rewards + m.s.waiting);

  let assets = 0n;
  for (const id of OPERATORS) {
    const operator = await staking.operatorOf(real(id));
    const { stake, required } = m.latest(id);
    expect([operator.stake, operator.required]).to.deep.equal([stake, required]);
    expect(required, "required = Σ attached").to.equal(m.attachedBonds(id));
    const e = await staking.earningOf(real(id));
    expect([e.weight, e.commissionBps]).to.deep.equal([m.operator(id).weight, m.operator(id).commission]);
    for (const own of [true, false]) {
      for (let generation = 0; generation <= m.generation(id, own); generation++) {
        const t = await staking.trancheAt(real(id), own, generation);
        const b = m.bucket(id, own, generation);
        expect([t.assets, t.activeShares, t.unbondingShares]).to.deep.equal([b.assets, b.active, b.unbonding]);
        assets += t.assets;
        const key = `${id}/${own}/${generation}`;
        const was = r.prices.get(key);
        if (was && d.kind !== "slash") {
          const [up, down] = [b.assets + 1n, b.active + b.unbonding + 1_000n];
          const rises = up * (was.active + was.unbonding + 1_000n) >= (was.assets + 1n) * down;
          expect(rises, `the share price of ${key} fell by ${d.kind}`).to.be.true;
        }
        r.prices.set(key, { ...b });
      }
    }
  }
  expect(assets, "Σ assets").to.equal(staked - r.apart);

  const epoch = await staking.currentEpoch();
  for (let e = epoch - BigInt(CHALLENGE_EPOCHS); e <= epoch + 1n; e++) {
    expect(await staking.isBackedAt(d.device, SUB, e), `${d.device} in ${e}`).to.equal(m.isBacked(d.device, e));
  }
}

/** Everybody leaves. What stays is what rounding kept. */
async function drain(m: StakingModel, r: Real): Promise<void> {
  const { staking, token } = r;
  for (const device of DEVICES) {
    if ((m.s.places[device] ?? []).some((p) => p.until === -1n))
      await staking.connect(r.alice).detachDevice(device, SUB);
  }
  for (const id of OPERATORS) {
    const controller = [r.controller, r.bob][id - 1]!;
    const own = m.bucket(id, true);
    const active = m.worth(own, own.active);
    if (active !== 0n) await staking.connect(controller).requestUnbond(real(id), active);
    for (const account of r.delegators) {
      for (let g = 0; g <= m.generation(id, false); g++) {
        const { shares, earned } = await staking.delegationOf(real(id), g, account);
        if (g < m.generation(id, false)) {
          if (shares + earned !== 0n) await staking.connect(account).leaveRetired(real(id), false, g);
        } else if (shares !== 0n) await staking.connect(account).undelegate(real(id), shares);
      }
    }
    for (let g = 0; g < m.generation(id, true); g++) {
      if (m.bucket(id, true, g).active !== 0n) await staking.connect(controller).leaveRetired(real(id), true, g);
    }
  }
  await nextEpoch(staking, UNBONDING + 1);
  for (const event of await staking.queryFilter(staking.filters.UnbondingRequested)) {
    const { unbondingId } = event.args;
    if ((await staking.unbondingOf(unbondingId)).operatorId !== 0n) await staking.release(unbondingId);
  }
  for (const id of OPERATORS) {
    for (const account of [...r.delegators, r.bob]) {
      const amount = await staking.claim.staticCall(real(id), account).catch(() => 0n);
      if (amount !== 0n) await staking.claim(real(id), account);
    }
  }
  const left = (await token.balanceOf(staking)) - m.s.waiting - r.apart;
  expect(left >= 0n && left < 10n ** 12n, `${left} wei are left`).to.be.true;
  expect(await staking.totalWeight()).to.equal(0n);
}

async function live(runs: number): Promise<Record<string, number>> {
  const told: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(draw, { minLength: LENGTH, maxLength: LENGTH }), async (draws) => {
      const f = await loadFixture(fixture);
      const model = new StakingModel(PARAMETERS);
      model.create(1, f.controller.address);
      model.create(2, f.bob.address);
      const r: Real = { ...f, prices: new Map(), fault: 0 };
      await fc.asyncModelRun(
        () => ({ model, real: r }),
        draws.map((d) => new Step(d)),
      );
      for (const event of await f.staking.queryFilter("*")) {
        const name = "fragment" in event ? event.fragment.name : "?";
        told[name] = (told[name] ?? 0) + 1;
      }
      await drain(model, r);
    }),
    { seed: SEED, numRuns: runs, endOnFailure: true },
  );
  return told;
}

const EVENTS = [
  "Staked",
  "Delegated",
  "UnbondingRequested",
  "UnbondingCanceled",
  "UnbondingReleased",
  "Slashed",
  "BucketRetired",
  "RetiredLeft",
  "UnderBonded",
  "DeviceAttached",
  "DeviceDetached",
  "CommissionAnnounced",
  "WeightChanged",
  "RewardsDistributed",
  "RewardsClaimed",
];

describe("OperatorStaking against its model", () => {
  it(`${LENGTH} commands`, async () => {
    const told = await live(1);
    for (const name of EVENTS) expect(told[name], name).to.be.greaterThan(0);
  });

  it("10,000 commands @deep", async () => {
    const told = await live(10_000 / LENGTH);
    for (const name of EVENTS) expect(told[name], name).to.be.greaterThan(10);
  });
});
