import { expect } from "chai";
import fc from "fast-check";
import { getAddress, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { EMPTY_ENTRIES_ROOT, type Hex } from "../../oracle/codec";
import { isConsistent, bodyFromJson, bodyToJson } from "../../oracle/settlement/body";
import {
  clonedProofs,
  type DeviceFacts,
  payoutsAfter,
  score,
  type ScoredProof,
  settle,
} from "../../oracle/settlement/compute";

const hashOf = (text: string): Hex => keccak256(toUtf8Bytes(text)) as Hex;
const payeeOf = (n: bigint): string => getAddress(toBeHex(n, 20));
const keyOf = (device: bigint): Hex => hashOf(`key ${device}`);

const proof = (deviceId: bigint, counter: bigint, units: bigint, salt = ""): ScoredProof => ({
  hash: hashOf(`${deviceId}/${counter}/${units}/${salt}`),
  deviceId,
  counter,
  keyHash: keyOf(deviceId),
  units,
});

const facts = (over: Partial<DeviceFacts> = {}): DeviceFacts => ({
  active: true,
  backed: true,
  payee: payeeOf(1n),
  cap: 1_000n,
  ...over,
});

function world(devices: readonly (readonly [bigint, DeviceFacts])[]) {
  return {
    devices: new Map(devices),
    keys: new Map(devices.map(([id]) => [keyOf(id), id] as const)),
    weight: 1n,
  };
}

/** Up to 40 proofs of up to 6 devices of 3 payees, with counters that collide now and then. */
const arbitrary = fc.record({
  proofs: fc.uniqueArray(
    fc.record({ device: fc.bigInt(1n, 6n), counter: fc.bigInt(0n, 20n), units: fc.bigInt(0n, 500n) }),
    { maxLength: 40, selector: (p) => `${p.device}/${p.counter}/${p.units}` },
  ),
  caps: fc.array(fc.bigInt(0n, 2_000n), { minLength: 6, maxLength: 6 }),
  payees: fc.array(fc.bigInt(1n, 3n), { minLength: 6, maxLength: 6 }),
  flags: fc.array(fc.record({ active: fc.boolean(), backed: fc.boolean() }), { minLength: 6, maxLength: 6 }),
  weight: fc.bigInt(0n, 5n),
  budget: fc.bigInt(0n, 10n ** 27n),
  shuffle: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
});

type Arbitrary = typeof arbitrary extends fc.Arbitrary<infer T> ? T : never;

function inputOf(a: Arbitrary) {
  const devices = a.caps.map((cap, i) => {
    const flags = a.flags[i] ?? { active: true, backed: true };
    return [BigInt(i + 1), facts({ cap, payee: payeeOf(a.payees[i] ?? 1n), ...flags })] as const;
  });
  return { ...world(devices), weight: a.weight, proofs: a.proofs.map((p) => proof(p.device, p.counter, p.units)) };
}

describe("oracle: scoring and payouts", () => {
  it("scores the capped sum of the units", () => {
    const { entries, devices } = score({
      ...world([
        [1n, facts({ cap: 100n })],
        [2n, facts({ payee: payeeOf(2n), cap: 100n })],
      ]),
      weight: 2n,
      proofs: [proof(1n, 1n, 20n), proof(1n, 2n, 10n), proof(2n, 1n, 90n)],
    });
    expect(entries.map((e) => [e.payee, e.deviceId, e.points])).to.deep.equal([
      [payeeOf(1n), 1n, 60n],
      [payeeOf(2n), 2n, 100n],
    ]);
    expect(devices.map((d) => d.capped)).to.deep.equal([false, true]);
  });

  it("drops both messages that share a counter, and only these", () => {
    const a = proof(1n, 7n, 10n, "a");
    const b = proof(1n, 7n, 10n, "b");
    const c = proof(1n, 8n, 5n);
    expect([...clonedProofs([a, b, c])].sort()).to.deep.equal([a.hash, b.hash].sort());
    expect([...clonedProofs([b, c, a])].sort()).to.deep.equal([a.hash, b.hash].sort());
    expect([...clonedProofs([a, a])]).to.deep.equal([]);
    const { entries, outcomes } = score({ ...world([[1n, facts()]]), proofs: [a, b, c] });
    expect(entries[0]?.points).to.equal(5n);
    expect(new Map(outcomes.map((o) => [o.hash, o.reason]))).to.deep.equal(
      new Map([
        [a.hash, "CLONED_KEY"],
        [b.hash, "CLONED_KEY"],
        [c.hash, null],
      ]),
    );
  });

  it("pays both when the clone check is turned off", () => {
    const proofs = [proof(1n, 7n, 10n, "a"), proof(1n, 7n, 10n, "b")];
    const { entries } = score({ ...world([[1n, facts()]]), proofs, disabled: new Set(["CLONED_KEY"]) });
    expect(entries[0]?.points).to.equal(20n);
  });

  it("gives the reason of everything that earns nothing", () => {
    const { entries, devices } = score({
      ...world([
        [1n, facts({ active: false })],
        [2n, facts({ backed: false })],
        [3n, facts({ cap: 0n })],
      ]),
      proofs: [
        proof(1n, 1n, 1n),
        proof(2n, 1n, 1n),
        proof(3n, 1n, 1n),
        proof(4n, 1n, 1n),
        { ...proof(3n, 2n, 1n), keyHash: keyOf(9n) },
      ],
    });
    expect(entries).to.deep.equal([]);
    expect(devices.map((d) => [d.deviceId, d.reason])).to.deep.equal([
      [1n, "NOT_ACTIVE"],
      [2n, "NOT_BACKED"],
      [3n, "NO_POINTS"],
      [4n, "UNKNOWN_DEVICE"],
    ]);
  });

  it("pays exactly the budget, whatever the points", () => {
    fc.assert(
      fc.property(arbitrary, (a) => {
        const { entries } = score(inputOf(a));
        const parent = [{ payee: payeeOf(2n), cumulative: 77n }];
        const total = (p: readonly { cumulative: bigint }[]) => p.reduce((sum, x) => sum + x.cumulative, 0n);
        const payouts = payoutsAfter(parent, entries, a.budget);
        expect(total(payouts) - total(parent)).to.equal(entries.length === 0 ? 0n : a.budget);
        const payees = payouts.map((p) => BigInt(p.payee));
        expect(payees).to.deep.equal([...payees].sort((x, y) => (x < y ? -1 : 1)));
        expect(new Set(payees).size).to.equal(payees.length);
        expect(payouts.find((p) => p.payee === payeeOf(2n))?.cumulative).to.be.at.least(77n);
      }),
    );
  });

  it("does not depend on the order of the proofs", () => {
    fc.assert(
      fc.property(arbitrary, (a) => {
        const input = inputOf(a);
        const shuffled = input.proofs
          .map((p, i) => [p, a.shuffle[i] ?? 0] as const)
          .sort(([, x], [, y]) => x - y)
          .map(([p]) => p);
        expect(score({ ...input, proofs: shuffled })).to.deep.equal(score(input));
      }),
    );
  });

  it("keeps entries rising by (payee, device), each device once, above zero and under its cap", () => {
    fc.assert(
      fc.property(arbitrary, (a) => {
        const input = inputOf(a);
        const { entries } = score(input);
        entries.forEach((entry, i) => {
          expect(entry.points > 0n && entry.points <= (input.devices.get(entry.deviceId)?.cap ?? 0n)).to.equal(true);
          const before = entries[i - 1];
          if (before === undefined) return;
          const [p, q] = [BigInt(before.payee), BigInt(entry.payee)];
          expect(p < q || (p === q && before.deviceId < entry.deviceId)).to.equal(true);
        });
        expect(new Set(entries.map((e) => e.deviceId)).size).to.equal(entries.length);
      }),
    );
  });

  it("pays a fleet that is split over neighbouring wallets the same, to the wei", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(1n, 1_000n), { minLength: 2, maxLength: 10 }),
        fc.bigInt(0n, 10n ** 24n),
        (points, budget) => {
          const entry = (payee: bigint, deviceId: bigint, p: bigint) => ({
            payee: payeeOf(payee),
            deviceId,
            points: p,
            proofsRoot: hashOf(""),
          });
          const whole = payoutsAfter(
            [],
            points.map((p, i) => entry(5n, BigInt(i), p)).concat(entry(9n, 99n, 500n)),
            budget,
          );
          const split = payoutsAfter(
            [],
            points
              .map((p, i) => entry(5n + (BigInt(i) % 3n), BigInt(i), p))
              .sort((x, y) => (BigInt(x.payee) < BigInt(y.payee) ? -1 : 1))
              .concat(entry(9n, 99n, 500n)),
            budget,
          );
          const of = (payouts: typeof whole, from: bigint, to: bigint) =>
            payouts
              .filter((p) => BigInt(p.payee) >= from && BigInt(p.payee) <= to)
              .reduce((sum, p) => sum + p.cumulative, 0n);
          expect(of(split, 5n, 7n)).to.equal(of(whole, 5n, 7n));
        },
      ),
    );
  });

  it("keeps the parent's payouts where nobody scored", () => {
    const parent = [{ payee: payeeOf(3n), cumulative: 5n }];
    const payouts = payoutsAfter(parent, [], 1_000n);
    expect(payouts).to.deep.equal(parent);
    const base = {
      chainId: 31337n,
      oracle: payeeOf(1n),
      subNetwork: 1,
      term: 0,
      epoch: 1,
      attempt: 0,
      parent: 0n,
      block: { hash: hashOf("block"), number: 5 },
      proofSetHash: hashOf("set"),
      entries: [],
      payouts,
    };
    const { settlement, id } = settle(base);
    expect(settlement.entriesRoot).to.equal(EMPTY_ENTRIES_ROOT);
    const body = {
      id,
      settlement,
      block: base.block,
      proofSetHash: base.proofSetHash,
      budget: 0n,
      entries: [],
      payouts,
    };
    expect(isConsistent(bodyFromJson(bodyToJson(body)))).to.equal(true);
    expect(isConsistent({ ...body, payouts: [{ payee: payeeOf(3n), cumulative: 6n }] })).to.equal(false);
  });
});
