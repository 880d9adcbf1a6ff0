import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expectGas } from "../helpers/gas";
import { FLOOR, governanceFixture, MIN_DURATION, tick } from "../helpers/governance";

describe("gas: governance @gas", () => {
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
    await expectGas("vote, the one that reaches the quorum", governor.connect(alice).castVote(id, 1), 135_000);
    await governor.connect(bob).castVote(id, 1);
    await expectGas("vote, 12 checkpoints", governor.connect(carol).castVote(id, 1), 72_000);
  });
});
