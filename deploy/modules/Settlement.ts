// Emission, settlement, rewards, the committee and the forwarder that carries its reports.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { TokenModule } from "./Token";

export const settlementModule = (p: Parameters, authority: AuthorityModule, tokens: TokenModule) =>
  buildModule("Settlement", (m) => {
    const { genesis, manager, timelock } = m.useModule(authority);
    const { token } = m.useModule(tokens);
    const epochGenesis = m.staticCall(genesis, "epochGenesis");
    const curve = m.contract("HalvingCurve", [p.emissions.initialPerEpoch, p.emissions.epochsPerHalving]);
    const emissions = m.contract("EmissionController", [
      manager,
      token,
      epochGenesis,
      p.epochs.length,
      curve,
      p.emissions.buckets,
      p.emissions.rateCapacity,
      p.emissions.rateRefillPerSecond,
    ]);
    const settlement = m.contract("SettlementOracle", [
      manager,
      epochGenesis,
      p.epochs.length,
      p.settlement.termLength,
      p.settlement.window,
      p.settlement.minWindow,
      p.settlement.maxWindow,
      p.settlement.resettlePeriod,
      p.maxPause,
    ]);
    const distributor = m.contract("RewardDistributor", [manager, token, emissions]);
    const committee = m.contract("CommitteeRegistry", [
      manager,
      token,
      p.committee.donId,
      p.committee.minBond,
      p.committee.bondDelay,
    ]);
    const forwarder =
      p.settlement.forwarder === null
        ? m.contract("KeystoneForwarder")
        : m.contractAt("KeystoneForwarder", p.settlement.forwarder);
    // Owner of our forwarder until the timelock may accept it; idle where the forwarder is Chainlink's.
    const handover = m.contract("ForwarderHandover", [forwarder, timelock]);
    return { handover, curve, emissions, settlement, distributor, committee, forwarder };
  });

export type SettlementModule = ReturnType<typeof settlementModule>;
