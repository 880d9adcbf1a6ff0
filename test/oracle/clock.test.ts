import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type Block, epochAt, epochEnd, lastBlockBefore } from "../../oracle/chain";
import { Clock } from "../../oracle/clock";
import { leaderOf, roundAt } from "../../oracle/committee/statements";
import { FakeChain, GENESIS, LENGTH } from "../helpers/oracle";

describe("oracle: time", () => {
  it("comes from the chain: no source reads this machine's clock", () => {
    const root = join(__dirname, "../../oracle");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
    expect(files.length).to.be.greaterThan(30);
    const reading = files.filter((f) =>
      /Date\.now|new Date\b|performance\.now|hrtime/.test(readFileSync(join(root, f), "utf8")),
    );
    expect(reading).to.deep.equal([]);
  });

  it("is read afresh for whoever asks later, once for those who wait together", async () => {
    const answers: ((block: Block) => void)[] = [];
    const clock = new Clock({ latest: () => new Promise((done) => answers.push(done)) });
    const block = (number: number): Block => ({ number, time: number, hash: "0x" });
    const first = clock.now();
    const [second, third] = [clock.now(), clock.now()];
    expect(answers.length).to.equal(1);
    answers[0]!(block(1));
    expect((await first).number).to.equal(1);
    await Promise.resolve();
    expect(answers.length).to.equal(2);
    answers[1]!(block(2));
    expect([(await second).number, (await third).number]).to.deep.equal([2, 2]);
    expect(clock.lastSeen?.number).to.equal(2);
  });

  it("goes on after a failed read", async () => {
    let fail = true;
    const clock = new Clock({
      latest: async () => {
        if (fail) throw new Error("no answer");
        return { number: 7, time: 7, hash: "0x" };
      },
    });
    const [first, second] = [clock.now(), clock.now()].map((p) =>
      p.then(
        (b) => b.number,
        () => -1,
      ),
    );
    fail = false;
    expect(await first).to.equal(-1);
    expect(await second).to.equal(7);
  });

  it("finds the last block before an epoch's end, wherever it lies", async () => {
    for (const times of [[1], [999], [1, 2, 999, 1_000], [5, 1_000, 1_001, 5_000], [500, 998, 2_000]]) {
      const chain = new FakeChain([]);
      for (const t of times) chain.mine(GENESIS + t);
      const before = [0, ...times].filter((t) => t < LENGTH);
      const found = await lastBlockBefore(chain, GENESIS + LENGTH);
      const isOver = times.some((t) => t >= LENGTH);
      expect(found?.time).to.equal(isOver ? GENESIS + before[before.length - 1]! : undefined);
    }
  });

  it("counts epochs and rounds, and gives every member its turn", () => {
    const { constants } = new FakeChain([]);
    expect(
      [GENESIS - 1, GENESIS, GENESIS + LENGTH - 1, GENESIS + LENGTH].map((t) => epochAt(constants, t)),
    ).to.deep.equal([0, 0, 0, 1]);
    expect(epochEnd(constants, 1)).to.equal(GENESIS + 2 * LENGTH);
    expect([-1, 0, 19, 20].map((t) => roundAt(t, 0, 20))).to.deep.equal([-1, 0, 0, 1]);
    expect(new Set([0, 1, 2, 3].map((r) => leaderOf(1, 5, r, 4))).size).to.equal(4);
    expect(leaderOf(1, 5, 4, 4)).to.equal(leaderOf(1, 5, 0, 4));
  });
});
