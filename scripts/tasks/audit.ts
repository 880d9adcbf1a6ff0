// npx hardhat audit: whether every minted token was paid out or is still held.
import { auditMoney } from "../lib/audit";
import { StateError } from "../lib/errors";
import { formatTokens } from "../lib/format";
import { command } from "./define";

command<object>({
  name: "audit",
  description: "Shows where every minted token went: minted = paid + held, from the chain's own records",
  sender: null,
  parameters: (t) => t,
  run: async (_, session) => {
    const audit = await auditMoney({
      token: session.get("NetworkToken"),
      distributor: session.get("RewardDistributor"),
      timelock: session.get("NetworkTimelock"),
      staking: session.get("OperatorStaking"),
    });
    const { minted, atGenesis, paid, held, conserved } = audit;
    const difference = minted + atGenesis - paid - held;
    return {
      data: audit,
      lines: [
        `minted since genesis   ${formatTokens(minted)}`,
        `treasury at genesis    ${formatTokens(atGenesis)}`,
        `paid out               ${formatTokens(paid)}`,
        `held                   ${formatTokens(held)}`,
        conserved ? "conserved to the wei" : `NOT conserved: ${difference} wei too many or too few`,
      ],
      ...(!conserved && {
        failure: new StateError("NOT_CONSERVED", `minted and genesis differ from paid and held by ${difference} wei`),
      }),
    };
  },
});
