import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { FLOOR, governanceFixture, MIN_DURATION, tick } from "../helpers/governance";

describe("gas: governance", () => {
  /** Alice reached the quorum; bob and carol have 12 checkpoints each, made by twelve locks. */
  async function withHistory() {
    const f = await governanceFixture();
    await f.lockFor(f.alice, FLOOR);
    for (let i = 0; i < 12; i++) {
      await f.lockFor(f.bob, 10n ** 18n, MIN_DURATION);
      await f.lockFor(f.carol, 10n ** 18n, MIN_DURATION);
    }
    await tick();
    return f;
  }

  it("castVote at 12 checkpoints ≤ 72,000; the vote that reaches the quorum ≤ 135,000", async () => {
    const { governor, alice, bob, carol, proposeValue } = await loadFixture(withHistory);
    const { id } = await proposeValue(alice, 1n);
    const gasOf = async (tx: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) =>
      (await (await tx).wait())?.gasUsed;
    expect(await gasOf(governor.connect(alice).castVote(id, 1))).to.be.at.most(135_000n);
    await governor.connect(bob).castVote(id, 1);
    expect(await gasOf(governor.connect(carol).castVote(id, 1))).to.be.at.most(72_000n);
  });
});
