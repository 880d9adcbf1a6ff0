// Locked power, the governor, and the council of the first days.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { TokenModule } from "./Token";

export const governanceModule = (p: Parameters, authority: AuthorityModule, tokens: TokenModule) =>
  buildModule("Governance", (m) => {
    const { genesis, manager, timelock } = m.useModule(authority);
    const { token } = m.useModule(tokens);
    const epochGenesis = m.staticCall(genesis, "epochGenesis");
    const escrow = m.contract("VoteEscrow", [
      manager,
      token,
      epochGenesis,
      p.epochs.length,
      p.escrow.minDuration,
      p.escrow.maxDuration,
      p.maxPause,
    ]);
    const { name, ...settings } = p.governor;
    const governor = m.contract("NetworkGovernor", [name, escrow, timelock, { ...settings, tokenCap: p.token.cap }]);
    const council = m.contract("BootstrapCouncil", [timelock, escrow, p.council, p.governor.quorumFloor]);
    return { escrow, governor, council };
  });

export type GovernanceModule = ReturnType<typeof governanceModule>;
