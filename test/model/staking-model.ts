// Reference model of OperatorStaking: the algebra of docs/accounting.md "Stake", on bigint and plain maps, with the whole
// history and without a packed slot.

const V = 1_000n;
const WORN = V << 16n;
const BITS = 56n;
const UNIT = 1n << 128n;
const BPS = 10_000n;

const min = (...values: bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a));
const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** The contract must refuse with this error. */
export class Refusal extends Error {
  constructor(readonly error: string) {
    super(error);
  }
}

function refuseIf(condition: boolean, error: string): void {
  if (condition) throw new Refusal(error);
}

export interface Bucket {
  assets: bigint;
  active: bigint;
  unbonding: bigint;
  rewardPerShare: bigint;
}

interface Position {
  shares: bigint;
  earned: bigint;
  rewardPerShare: bigint;
}

interface Bond {
  fromEpoch: bigint;
  stake: bigint;
  required: bigint;
}

interface Operator {
  controller: string;
  generations: { own: number; delegated: number };
  history: Bond[];
  weight: bigint;
  accumulated: bigint;
  commission: bigint;
  next: bigint;
  nextFrom: bigint; // 0 = none
  earned: bigint;
  slash: { epoch: bigint; taken: bigint; cap: bigint };
}

export interface Request {
  operator: number;
  own: boolean;
  generation: number;
  shares: bigint;
  owner: string;
  releaseAt: bigint;
}

interface Place {
  from: bigint;
  until: bigint; // -1 while attached
  operator: number;
}

export interface Parameters {
  slashCap: bigint;
  bounty: bigint;
  multiple: bigint;
  minDelegation: bigint;
  unbondingTime: bigint;
  challengeEpochs: bigint;
  modelBond: bigint;
}

interface State {
  epoch: bigint;
  now: bigint;
  operators: Record<number, Operator>;
  buckets: Record<string, Bucket>;
  positions: Record<string, Position>;
  requests: Record<number, Request>;
  places: Record<number, Place[]>;
  requestCount: number;
  accumulator: bigint;
  totalWeight: bigint;
  carry: bigint;
  assets: bigint;
  rewards: bigint;
  waiting: bigint; // arrived, not distributed
}

export class StakingModel {
  s: State = {
    epoch: 0n,
    now: 0n,
    operators: {},
    buckets: {},
    positions: {},
    requests: {},
    places: {},
    requestCount: 0,
    accumulator: 0n,
    totalWeight: 0n,
    carry: 0n,
    assets: 0n,
    rewards: 0n,
    waiting: 0n,
  };

  constructor(readonly p: Parameters) {}

  /** Runs `action` whole or not at all; returns the error that the contract must give, if any. */
  attempt(action: () => void): string | undefined {
    const before = structuredClone(this.s);
    try {
      action();
      return undefined;
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.s = before;
      return e.error;
    }
  }

  // --- Reads ---

  bucket(id: number, own: boolean, generation = this.generation(id, own)): Bucket {
    return (this.s.buckets[`${id}/${own}/${generation}`] ??= {
      assets: 0n,
      active: 0n,
      unbonding: 0n,
      rewardPerShare: 0n,
    });
  }

  position(id: number, generation: number, account: string): Position {
    return (this.s.positions[`${id}/${generation}/${account}`] ??= { shares: 0n, earned: 0n, rewardPerShare: 0n });
  }

  generation(id: number, own: boolean): number {
    const { generations } = this.operator(id);
    return own ? generations.own : generations.delegated;
  }

  operator(id: number): Operator {
    const operator = this.s.operators[id];
    if (!operator) throw new Error(`the model has no operator ${id}`);
    return operator;
  }

  latest(id: number): Bond {
    return this.operator(id).history.at(-1) ?? { fromEpoch: 0n, stake: 0n, required: 0n };
  }

  bondAt(id: number, epoch: bigint): Bond {
    const none = { fromEpoch: 0n, stake: 0n, required: 0n };
    return this.operator(id).history.findLast((b) => b.fromEpoch <= epoch) ?? none;
  }

  worth(b: Bucket, shares: bigint): bigint {
    return (shares * (b.assets + 1n)) / (b.active + b.unbonding + V);
  }

  slashable(id: number): bigint {
    return this.bucket(id, true).assets + this.bucket(id, false).assets;
  }

  /** Σ bonds of what is attached to the operator from the next epoch. */
  attachedBonds(id: number): bigint {
    const live = Object.values(this.s.places).flat();
    return BigInt(live.filter((p) => p.until === -1n && p.operator === id).length) * this.p.modelBond;
  }

  isBacked(device: number, epoch: bigint): boolean {
    const place = (this.s.places[device] ?? []).find((p) => p.from <= epoch && (p.until === -1n || epoch < p.until));
    if (!place) return false;
    const covered = (e: bigint): boolean => {
      const bond = this.bondAt(place.operator, e);
      return bond.fromEpoch !== 0n && bond.stake >= bond.required;
    };
    return covered(epoch) || (epoch > 0n && covered(epoch - 1n));
  }

  // --- Commands ---

  create(id: number, controller: string): void {
    this.s.operators[id] = {
      controller,
      generations: { own: 0, delegated: 0 },
      history: [],
      weight: 0n,
      accumulated: 0n,
      commission: 0n,
      next: 0n,
      nextFrom: 0n,
      earned: 0n,
      slash: { epoch: -1n, taken: 0n, cap: 0n },
    };
  }

  stake(id: number, amount: bigint): void {
    refuseIf(amount === 0n, "StakingZeroAmount");
    this.settle(id);
    this.deposit(id, true, amount);
  }

  delegate(id: number, account: string, amount: bigint): bigint {
    refuseIf(amount < this.p.minDelegation, "StakingBelowMinimum");
    this.settle(id);
    const position = this.settlePosition(id, this.generation(id, false), account);
    const shares = this.deposit(id, false, amount);
    position.shares += shares;
    this.weigh(id);
    return shares;
  }

  requestUnbond(id: number, amount: bigint): void {
    refuseIf(amount === 0n, "StakingZeroAmount");
    this.settle(id);
    const b = this.bucket(id, true);
    const active = this.worth(b, b.active);
    refuseIf(amount > active, "StakingExceeds");
    const shares = amount === active ? b.active : ceilDiv(amount * (b.active + b.unbonding + V), b.assets + 1n);
    this.request(id, true, this.operator(id).controller, shares);
    const { stake, required } = this.latest(id);
    refuseIf(stake < required, "OperatorUnderBonded");
  }

  undelegate(id: number, account: string, shares: bigint): void {
    refuseIf(shares === 0n, "StakingZeroAmount");
    this.settle(id);
    const position = this.settlePosition(id, this.generation(id, false), account);
    refuseIf(shares > position.shares, "StakingExceeds");
    position.shares -= shares;
    this.request(id, false, account, shares);
  }

  cancel(requestId: number): void {
    const r = this.take(requestId);
    refuseIf(r.generation !== this.generation(r.operator, r.own), "BucketGeneration");
    this.settle(r.operator);
    if (!r.own) this.settlePosition(r.operator, r.generation, r.owner).shares += r.shares;
    const b = this.bucket(r.operator, r.own);
    b.unbonding -= r.shares;
    b.active += r.shares;
    this.record(r.operator);
  }

  release(requestId: number): bigint {
    const r = this.take(requestId);
    refuseIf(this.s.now < r.releaseAt, "UnbondingNotReleased");
    const b = this.bucket(r.operator, r.own, r.generation);
    const amount = this.worth(b, r.shares);
    b.unbonding -= r.shares;
    b.assets -= amount;
    this.s.assets -= amount;
    return amount;
  }

  leaveRetired(id: number, own: boolean, generation: number, account: string): bigint {
    refuseIf(generation >= this.generation(id, own), "BucketGeneration");
    const b = this.bucket(id, own, generation);
    let shares = b.active;
    let earned = 0n;
    if (!own) {
      const position = this.settlePosition(id, generation, account);
      [shares, earned] = [position.shares, position.earned];
      [position.shares, position.earned] = [0n, 0n];
    }
    refuseIf(shares === 0n && earned === 0n, "StakingZeroAmount");
    const amount = this.worth(b, shares);
    b.assets -= amount;
    b.active -= shares;
    this.s.assets -= amount;
    this.s.rewards -= earned;
    return amount + earned;
  }

  claim(id: number, account: string): bigint {
    this.settle(id);
    const position = this.settlePosition(id, this.generation(id, false), account);
    const operator = this.operator(id);
    let amount = position.earned;
    position.earned = 0n;
    if (account === operator.controller) {
      amount += operator.earned;
      operator.earned = 0n;
    }
    refuseIf(amount === 0n, "StakingZeroAmount");
    this.s.rewards -= amount;
    return amount;
  }

  distribute(): void {
    refuseIf(this.s.totalWeight < 1n << 60n, "StakingNoWeight");
    refuseIf(this.s.waiting === 0n, "StakingZeroAmount");
    const pot = this.s.waiting + this.s.carry;
    const step = (pot << BITS) / this.s.totalWeight;
    this.s.accumulator += step;
    this.s.carry = pot - ceilDiv(step * this.s.totalWeight, 1n << BITS);
    this.s.rewards += this.s.waiting;
    this.s.waiting = 0n;
  }

  refreshWeight(id: number): void {
    this.settle(id);
    this.weigh(id);
  }

  setCommission(id: number, bps: bigint): void {
    this.settle(id);
    const operator = this.operator(id);
    refuseIf(bps > min(BPS, operator.commission + 500n), "CommissionStep");
    [operator.next, operator.nextFrom] = [bps, this.s.epoch + 2n];
  }

  /** What is taken, and the part of it that is bounty. */
  slash(id: number, amount: bigint): { slashed: bigint; bounty: bigint } {
    const operator = this.operator(id);
    const available = this.slashable(id);
    const slash =
      operator.slash.epoch === this.s.epoch
        ? operator.slash
        : { epoch: this.s.epoch, taken: 0n, cap: (available * this.p.slashCap) / BPS };
    const slashed = min(amount, available, slash.cap - slash.taken);
    if (slashed === 0n) return { slashed, bounty: 0n };
    operator.slash = { ...slash, taken: slash.taken + slashed };
    this.settle(id);
    const own = min(slashed, this.bucket(id, true).assets);
    for (const [isOwn, part] of [
      [true, own],
      [false, slashed - own],
    ] as const) {
      if (part === 0n) continue;
      const b = this.bucket(id, isOwn);
      b.assets -= part;
      const shares = b.active + b.unbonding;
      if (shares === 0n || (b.assets !== 0n && shares + V <= (b.assets + 1n) * WORN)) continue;
      if (isOwn) operator.generations.own++;
      else operator.generations.delegated++;
    }
    this.record(id);
    this.s.assets -= slashed;
    return { slashed, bounty: (slashed * this.p.bounty) / BPS };
  }

  attach(device: number, id: number): void {
    const places = (this.s.places[device] ??= []);
    const free = (p: Place): boolean =>
      p.until !== -1n && (p.until === p.from || this.s.epoch >= p.until + this.p.challengeEpochs);
    refuseIf(
      places.some((p) => p.until === -1n),
      "AttachmentExists",
    );
    const spare = places.findIndex(free);
    refuseIf(spare === -1 && places.length === 4, "AttachmentRecentlyEnded");
    const { stake, required } = this.latest(id);
    refuseIf(stake < required + this.p.modelBond, "OperatorUnderBonded");
    if (spare !== -1) places.splice(spare, 1);
    places.push({ from: this.s.epoch + 1n, until: -1n, operator: id });
    this.push(id, stake, required + this.p.modelBond);
  }

  detach(device: number): void {
    const place = (this.s.places[device] ?? []).find((p) => p.until === -1n);
    if (!place) throw new Refusal("AttachmentUnknown");
    place.until = this.s.epoch + 1n;
    this.settle(place.operator);
    this.record(place.operator, this.p.modelBond);
  }

  // --- Parts ---

  private settle(id: number): void {
    const operator = this.operator(id);
    const earned = (operator.weight * (this.s.accumulator - operator.accumulated)) >> BITS;
    operator.accumulated = this.s.accumulator;
    const [own, delegated] = [this.bucket(id, true), this.bucket(id, false)];
    const theirs = this.worth(delegated, delegated.active);
    let net = 0n;
    if (theirs !== 0n && earned !== 0n) {
      net = (earned * theirs) / (this.worth(own, own.active) + theirs);
      net -= (net * operator.commission) / BPS;
      delegated.rewardPerShare += (net * UNIT) / delegated.active;
    }
    operator.earned += earned - net;
    if (operator.nextFrom !== 0n && this.s.epoch >= operator.nextFrom) {
      [operator.commission, operator.nextFrom] = [operator.next, 0n];
    }
  }

  private settlePosition(id: number, generation: number, account: string): Position {
    const position = this.position(id, generation, account);
    const { rewardPerShare } = this.bucket(id, false, generation);
    position.earned += (position.shares * (rewardPerShare - position.rewardPerShare)) / UNIT;
    position.rewardPerShare = rewardPerShare;
    return position;
  }

  private deposit(id: number, own: boolean, amount: bigint): bigint {
    const b = this.bucket(id, own);
    const before = this.worth(b, b.active);
    const shares = (amount * (b.active + b.unbonding + V)) / (b.assets + 1n);
    b.assets += amount;
    b.active += shares;
    this.s.assets += amount;
    const { stake, required } = this.latest(id);
    this.push(id, stake + this.worth(b, b.active) - before, required);
    return shares;
  }

  private request(id: number, own: boolean, owner: string, shares: bigint): void {
    const b = this.bucket(id, own);
    b.active -= shares;
    b.unbonding += shares;
    this.record(id);
    const releaseAt = this.s.now + this.p.unbondingTime;
    const generation = this.generation(id, own);
    this.s.requests[++this.s.requestCount] = { operator: id, own, generation, shares, owner, releaseAt };
  }

  private take(requestId: number): Request {
    const r = this.s.requests[requestId];
    if (!r) throw new Refusal("UnbondingUnknown");
    delete this.s.requests[requestId];
    return r;
  }

  private record(id: number, bond = 0n): void {
    const [own, delegated] = [this.bucket(id, true), this.bucket(id, false)];
    const stake = this.worth(own, own.active) + this.worth(delegated, delegated.active);
    this.push(id, stake, this.latest(id).required - bond);
    this.weigh(id);
  }

  private push(id: number, stake: bigint, required: bigint): void {
    const { history } = this.operator(id);
    const fromEpoch = this.s.epoch + 1n;
    if (history.at(-1)?.fromEpoch === fromEpoch) history.pop();
    history.push({ fromEpoch, stake, required });
  }

  private weigh(id: number): void {
    const operator = this.operator(id);
    const of = (b: Bond): bigint => min(b.stake, b.required * this.p.multiple);
    const weight = min(of(this.latest(id)), of(this.bondAt(id, this.s.epoch)));
    this.s.totalWeight += weight - operator.weight;
    operator.weight = weight;
  }
}
