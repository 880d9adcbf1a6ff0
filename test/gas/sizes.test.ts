import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { artifacts } from "hardhat";
import { readSnapshot, SNAPSHOTS } from "../helpers/gas";

const FILE = join(SNAPSHOTS, "sizes.json");
/** EIP-170. */
const LIMIT = 24_576;

describe("bytecode sizes @gas", () => {
  it("every contract that is deployed fits, and is as large as the snapshot says", async () => {
    const names = (await artifacts.getAllFullyQualifiedNames()).filter(
      (name) => name.startsWith("contracts/") && !/^contracts\/(test|interfaces)\//.test(name),
    );
    const sizes = new Map<string, number>();
    for (const name of names) {
      const { contractName, deployedBytecode } = await artifacts.readArtifact(name);
      const size = (deployedBytecode.length - 2) / 2;
      if (size > 0) sizes.set(contractName, size);
    }
    for (const [name, size] of sizes) expect(size, name).to.be.at.most(LIMIT);
    const sorted = Object.fromEntries([...sizes].sort(([a], [b]) => (a < b ? -1 : 1)));
    if (process.env.UPDATE_SNAPSHOTS === "true") writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
    expect(sorted).to.deep.equal(readSnapshot(FILE));
  });
});
