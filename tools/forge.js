#!/usr/bin/env node
// Runs forge: the binary of node_modules where npm has one for this machine, else the one on PATH.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);
const name = process.platform === "win32" ? "forge.cmd" : "forge";
const local = path.join(root, "node_modules", ".bin", name);
const command = fs.existsSync(local) ? local : "forge";

const run = spawnSync(command, process.argv.slice(2), {
  cwd: root,
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (run.error?.code === "ENOENT") {
  console.error(
    "forge was not found. npm installs it on Linux x64, macOS arm64 and Windows x64 (optionalDependencies of package.json);\n" +
      "on another machine install Foundry and put forge on PATH.",
  );
  process.exit(127);
}
if (run.error) throw run.error;
process.exit(run.status ?? 1);
