import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkParameters, DEVELOPMENT_CHAIN } from "../../deploy/parameters";
import { compareAuthority, expectedAuthority, readAuthority } from "../../scripts/lib/authority";
import { deployGroundwork, forgetDeployment, journalOf, startDeployment } from "../../scripts/lib/deploy";
import { DevChain } from "../../scripts/network/chain";
import { stop, stopAll, waitFor } from "../../scripts/network/processes";
import { DEMO_PARAMETERS } from "../helpers/deployed";

/** Takes the last sent transaction out of the journal, as if the process had been killed before it noted it. */
function forgetLastSent(id: string): void {
  const file = join(journalOf(id), "journal.jsonl");
  const lines = readFileSync(file, "utf8").split("\n");
  const parse = (line: string) => (line === "" ? {} : (JSON.parse(line) as { type?: string; futureId?: string }));
  const at = lines.map((line) => parse(line).type).lastIndexOf("TRANSACTION_SEND");
  const { futureId } = parse(lines[at] ?? "");
  expect(futureId).not.to.equal(undefined);
  writeFileSync(file, lines.filter((line, i) => i < at || parse(line).futureId !== futureId).join("\n"));
}

describe("interrupted deployment @e2e @deep", () => {
  const dir = mkdtempSync(join(tmpdir(), "groundwork-resume-"));
  const ids = [`resume-${process.pid}-whole`, `resume-${process.pid}-killed`] as const;
  const logOf = (name: string): string => join(dir, `${name}.log`);

  after(async () => {
    await stopAll();
    ids.forEach(forgetDeployment);
    rmSync(dir, { recursive: true, force: true });
  });

  it("killed after a third and after two thirds, it ends with the same addresses and the same authority", async function () {
    this.timeout(300_000);
    const [whole, killed] = ids;
    const parameters = checkParameters(DEMO_PARAMETERS, DEVELOPMENT_CHAIN);
    const [one, two] = await Promise.all([DevChain.launch(logOf("chain1")), DevChain.launch(logOf("chain2"))]);
    const reference = await deployGroundwork({ rpcUrl: one.rpcUrl, id: whole, logFile: logOf(whole) });
    const transactions = await one.provider.getTransactionCount(reference.deployer);

    const options = { rpcUrl: two.rpcUrl, id: killed, logFile: logOf(killed) };
    for (const part of [1, 2]) {
      const entry = startDeployment(options);
      await waitFor(
        `transaction ${Math.floor((transactions * part) / 3)}`,
        async () => ((await two.provider.getBlockNumber()) >= (transactions * part) / 3 ? true : undefined),
        { seconds: 60, everyMs: 5, entry },
      );
      await stop(entry, "SIGKILL");
      expect(await two.provider.getTransactionCount(reference.deployer)).to.be.below(transactions);
    }
    forgetLastSent(killed);
    const resumed = await deployGroundwork(options);

    expect(resumed).to.deep.equal(reference);
    expect(await two.provider.getTransactionCount(resumed.deployer)).to.equal(transactions);
    const authorities = await Promise.all(
      [one, two].map((chain) => readAuthority(resumed, parameters, chain.provider)),
    );
    expect(authorities[1]).to.deep.equal(authorities[0]);
    const expected = expectedAuthority(resumed, parameters, authorities[0]!);
    expect(compareAuthority(authorities[1]!, expected)).to.deep.equal([]);
  });
});
