import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { attacksPage, readGuards } from "../../scripts/attacks";

const ROOT = join(__dirname, "../..");
/** What this stage must withstand. */
const REQUIRED = ["D1", "D2", "D4", "D5", "D6", "D7", "O1", "O2", "O3", "O4", "O5", "E1", "E2", "E3", "G1", "G4", "G7"];

describe("docs/attacks.md", () => {
  const guards = readGuards();

  it("is what the guard files say (npm run attacks -- --docs)", () => {
    expect(readFileSync(join(ROOT, "docs/attacks.md"), "utf8")).to.equal(attacksPage(guards));
  });

  it("names every attack of the stage, each with a test whose title begins with the id", () => {
    const ids = new Set(guards.map((g) => g.id));
    for (const id of REQUIRED) expect(ids, id).to.include(`A-${id}`);
    for (const guard of guards) {
      expect(existsSync(join(ROOT, guard.test)), guard.test).to.equal(true);
      expect(readFileSync(join(ROOT, guard.test), "utf8"), guard.name).to.include(`[${guard.id}]`);
    }
  });

  it("gives every guard a patch that fits its file exactly once", () => {
    for (const guard of guards) {
      const parts = readFileSync(join(ROOT, guard.file), "utf8").split(guard.find);
      expect(parts.length, `${guard.name}: ${guard.find}`).to.equal(2);
      expect(guard.replace, guard.name).to.not.equal(guard.find);
    }
  });
});
