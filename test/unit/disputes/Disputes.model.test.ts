// The kernel against a reference model: random runs of everybody's calls, then everybody leaves.
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";
import {
  ANSWER_HASH,
  ANSWER_PERIOD,
  CASE_BOND,
  disputesFixture,
  EVIDENCE_HASH,
  KIND,
  MOOD,
  QUORUM_FLOOR,
  REASON,
  STATUS,
  VOTE_PERIOD,
} from "../../helpers/disputes";

type Action =
  | { readonly do: "open" | "wait" | "break" | "mend" }
  | { readonly do: "answer" | "resolve" | "retry"; readonly of: number }
  | { readonly do: "vote"; readonly of: number; readonly by: number; readonly uphold: boolean }
  | { readonly do: "withdraw"; readonly by: number };

interface Case {
  status: bigint;
  readonly openedAt: number;
  readonly votes: Map<number, boolean>;
  closed: boolean;
}

const of = fc.nat(4);
const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("break" as const, "mend" as const) }) },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constantFrom("answer" as const, "resolve" as const, "retry" as const), of }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("vote" as const), of, by: fc.nat(1), uphold: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("withdraw" as const), by: fc.nat(1) }) },
);
const POWER = [ethers.parseEther("3000"), ethers.parseEther("2000")] as const;

async function play(script: readonly Action[]): Promise<void> {
  const { disputes, token, target, accuser, accused, bob, carol, books } = await loadFixture(disputesFixture);
  const [voters, parties] = [
    [bob, carol],
    [accuser, accused],
  ];
  const cases: Case[] = [];
  const credit = [0n, 0n];
  let [mood, told]: [number, bigint] = [MOOD.fine, 0n];

  /** The call goes through iff the model says so. */
  async function expectOf(allowed: boolean, call: () => Promise<unknown>): Promise<boolean> {
    if (allowed) await call();
    else await expect(call()).to.be.reverted;
    return allowed;
  }

  for (const action of script) {
    // Calls are mined at the second after the last one's.
    const now = (await time.latest()) + 1;
    const id = "of" in action ? BigInt(action.of) + 1n : 0n;
    const c = "of" in action ? cases[action.of] : undefined;
    await time.setNextBlockTimestamp(now);
    switch (action.do) {
      case "open": {
        const epoch = await disputes.currentEpoch();
        if (
          await expectOf(mood === MOOD.fine && cases.length < 5, () =>
            cases.length < 5
              ? disputes.connect(accuser).open(KIND, 1, epoch, EVIDENCE_HASH, REASON)
              : disputes.connect(accuser).open(KIND + 1, 1, epoch, EVIDENCE_HASH, REASON),
          )
        )
          cases.push({ status: STATUS.open, openedAt: now, votes: new Map(), closed: false });
        break;
      }
      case "wait":
        await time.increase(ANSWER_PERIOD / 2);
        break;
      case "break":
      case "mend":
        mood = action.do === "break" ? MOOD.reverts : MOOD.fine;
        await target.set(accused.address, mood);
        break;
      case "answer": {
        const may = c?.status === STATUS.open && now < c.openedAt + ANSWER_PERIOD;
        if (await expectOf(may, () => disputes.connect(accused).answer(id, ANSWER_HASH))) c!.status = STATUS.answered;
        break;
      }
      case "vote": {
        const may =
          c?.status === STATUS.answered && now < c.openedAt + ANSWER_PERIOD + VOTE_PERIOD && !c.votes.has(action.by);
        const call = () => disputes.connect(voters[action.by]!).vote(id, action.uphold);
        if (await expectOf(may, call)) c!.votes.set(action.by, action.uphold);
        break;
      }
      case "resolve": {
        const open = c?.status === STATUS.open;
        const due = c !== undefined && now >= c.openedAt + ANSWER_PERIOD + (open ? 0 : VOTE_PERIOD);
        if (!(await expectOf(due && c.status <= STATUS.answered, () => disputes.resolve(id)))) break;
        const sum = (side: boolean): bigint =>
          [...c!.votes].reduce((total, [by, uphold]) => total + (uphold === side ? POWER[by]! : 0n), 0n);
        const [pro, contra] = [sum(true), sum(false)];
        const upheld = open || (pro + contra >= QUORUM_FLOOR && pro > contra);
        credit[upheld ? 0 : 1]! += CASE_BOND;
        c!.status = upheld ? STATUS.upheld : STATUS.rejected;
        c!.closed = mood === MOOD.fine;
        if (c!.closed) told += 1n;
        break;
      }
      case "retry": {
        const may = c !== undefined && c.status >= STATUS.upheld && !c.closed && mood === MOOD.fine;
        if (!(await expectOf(may, () => disputes.retryClose(id)))) break;
        c!.closed = true;
        told += 1n;
        break;
      }
      case "withdraw": {
        const party = parties[action.by]!;
        const due = credit[action.by]!;
        const before = await token.balanceOf(party);
        if (!(await expectOf(due !== 0n, () => disputes.withdraw(party)))) break;
        expect(await token.balanceOf(party)).to.equal(before + due);
        credit[action.by] = 0n;
      }
    }
    const held = CASE_BOND * BigInt(cases.filter((x) => x.status <= STATUS.answered).length) + credit[0]! + credit[1]!;
    expect(await books()).to.deep.equal({ owed: held, balance: held });
    expect(await target.closes()).to.equal(told);
  }

  // Everybody leaves: no case is stuck, whatever its target does.
  await time.increase(ANSWER_PERIOD + VOTE_PERIOD);
  for (const [i, c] of cases.entries()) if (c.status <= STATUS.answered) await disputes.resolve(i + 1);
  for (const party of parties) if ((await disputes.creditOf(party)) !== 0n) await disputes.withdraw(party);
  expect(await books()).to.deep.equal({ owed: 0n, balance: 0n });
}

describe("Disputes, against its model", () => {
  const run = (commands: number, runs: number) =>
    fc.assert(fc.asyncProperty(fc.array(actions, { minLength: commands, maxLength: commands }), play), {
      numRuns: runs,
      seed: 20,
      endOnFailure: true,
    });

  it("200 commands", () => run(40, 5));

  it("10,000 commands @deep", () => run(100, 100));
});
