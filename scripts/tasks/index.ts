// The project's Hardhat tasks, one file each: import it here and hardhat.config.ts knows it.
// This file is loaded before the contracts are compiled, so tasks take typechain types by `import type` only.
import "./dao";
import "./claim";
import "./epoch";
import "./time";
import "./timelock";
import "./earnings";
import "./status";
import "./authority";
import "./deploy";
import "./audit";
import "./operator";
import "./device";
import "./maker";
import "./batch";
import "./disputes";
