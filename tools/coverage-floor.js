#!/usr/bin/env node
// Fails when the coverage that `hardhat coverage` has just measured is below the floor.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const FLOOR = { lines: 95, statements: 95, functions: 95, branches: 90 };

const summary = path.join(path.dirname(__dirname), "coverage", "coverage-summary.json");
const { total } = JSON.parse(fs.readFileSync(summary, "utf8"));
let failed = false;
for (const [kind, floor] of Object.entries(FLOOR)) {
  const { pct, covered, total: count } = total[kind];
  const ok = typeof pct === "number" && pct >= floor;
  console.log(`${ok ? "ok  " : "LOW "} ${kind.padEnd(10)} ${pct} % (${covered}/${count}), floor ${floor} %`);
  failed ||= !ok;
}
process.exit(failed ? 1 : 0);
