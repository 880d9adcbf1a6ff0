import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { network } from "hardhat";
import { deviceEvidence, equivocationEvidence } from "../../oracle/evidence";
import {
  ANSWER_HASH,
  committeeEquivocation,
  counterRunBack,
  disputesFixture,
  doubleSignedCounter,
  EVIDENCE_HASH,
  KIND,
  REASON,
  slasherFixture,
} from "../helpers/disputes";
import { expectGas } from "../helpers/gas";

/** Also run without it: npm run test:no-precompile. There every signature costs another sum: a limit, no snapshot. */
const hasPrecompile = (network.config as { hardfork?: string }).hardfork === "osaka";

async function expectP256Gas(
  name: string,
  tx: Promise<ContractTransactionResponse>,
  limit: number,
  bareLimit: number,
): Promise<void> {
  if (hasPrecompile) return void (await expectGas(name, tx, limit));
  const receipt = await (await tx).wait();
  expect(receipt?.gasUsed, `${name}, no precompile`).to.be.within(limit + 1, bareLimit);
}

describe("gas: disputes @gas", () => {
  it("slashes by two messages of a device: ≤ 300,000, without the precompile ≤ 760,000 @p256", async () => {
    const proofs = async () => {
      const f = await loadFixture(slasherFixture);
      return { ...f, submit: (kind: number, bytes: string) => f.slasher.submit(kind, bytes, f.alice) };
    };
    const double = await proofs();
    await expectP256Gas(
      "slash, double-signed counter",
      double.submit(doubleSignedCounter, deviceEvidence(double.sign(), double.sign({ meter: 2n }))),
      300_000,
      760_000,
    );
    const back = await proofs();
    const later = back.sign({ counter: 2n, time: back.startOf(back.epoch) + 1_000n });
    await expectP256Gas(
      "slash, counter run back",
      back.submit(counterRunBack, deviceEvidence(back.sign(), later)),
      300_000,
      760_000,
    );
  });

  it("slashes a committee member by two reports: ≤ 190,000", async () => {
    const { slasher, report, alice } = await loadFixture(slasherFixture);
    const evidence = equivocationEvidence(report(), report({ parent: 6n }));
    await expectGas("slash, equivocation", slasher.submit(committeeEquivocation, evidence, alice), 190_000);
  });

  it("a case: open ≤ 330,000, answer ≤ 60,000, vote ≤ 105,000, resolve ≤ 125,000, withdraw ≤ 60,000", async () => {
    const { disputes, accuser, accused, bob, carol } = await loadFixture(disputesFixture);
    const epoch = await disputes.currentEpoch();
    const open = (subject: number) => disputes.connect(accuser).open(KIND, subject, epoch, EVIDENCE_HASH, REASON);
    await open(1);
    await expectGas("dispute, open", open(2), 330_000);
    await expectGas("dispute, answer", disputes.connect(accused).answer(2, ANSWER_HASH), 60_000);
    await disputes.connect(bob).vote(2, true);
    await expectGas("dispute, vote", disputes.connect(carol).vote(2, true), 105_000);
    await time.increaseTo((await disputes.caseOf(2)).voteUntil);
    await expectGas("dispute, resolve", disputes.resolve(2), 125_000);
    await expectGas("dispute, withdraw", disputes.withdraw(accuser), 60_000);
  });

  it("measures a journey by two signed places: ≤ 120,000, without the precompile ≤ 560,000 @p256", async () => {
    const { travel, sign } = await loadFixture(slasherFixture);
    const evidence = deviceEvidence(sign(), sign({ latE7: 525_200_000 }));
    const gas = await travel.measure.estimateGas(evidence, 100, 1_000);
    expect(gas).to.be.at.most(hasPrecompile ? 120_000 : 560_000);
  });
});
