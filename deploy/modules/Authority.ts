// The clock, the one authority, and the timelock that ends as its only admin.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ZeroAddress } from "ethers";
import type { Parameters } from "../parameters";

export const authorityModule = (p: Parameters) =>
  buildModule("Authority", (m) => {
    const deployer = m.getAccount(0);
    const genesis = m.contract("NetworkGenesis", [p.epochs.genesis, p.epochs.delay]);
    const manager = m.contract("AccessManager", [deployer]);
    // No proposer yet, anyone executes; the deployer is admin until the handover.
    const timelock = m.contract("NetworkTimelock", [p.timelock.delay, [], [ZeroAddress], deployer]);
    return { genesis, manager, timelock };
  });

export type AuthorityModule = ReturnType<typeof authorityModule>;
