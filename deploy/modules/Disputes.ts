// Accusations and slashes: the disputes kernel, the slasher, and the evidence that it takes.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { DevicesModule } from "./Devices";
import type { GovernanceModule } from "./Governance";
import type { SettlementModule } from "./Settlement";
import type { TokenModule } from "./Token";

export interface DisputesParts {
  authority: AuthorityModule;
  tokens: TokenModule;
  governance: GovernanceModule;
  devices: DevicesModule;
  settlement: SettlementModule;
}

export const disputesModule = (p: Parameters, parts: DisputesParts) =>
  buildModule("Disputes", (m) => {
    const { genesis, manager } = m.useModule(parts.authority);
    const { token } = m.useModule(parts.tokens);
    const { escrow } = m.useModule(parts.governance);
    const { devices, staking } = m.useModule(parts.devices);
    const { committee, settlement } = m.useModule(parts.settlement);
    const epochGenesis = m.staticCall(genesis, "epochGenesis");
    // After all the others, and one after the other: an interrupted deployment that goes on must not change the order, and
    // with it the addresses.
    const others = [parts.governance, parts.devices, parts.settlement];
    const disputes = m.contract(
      "Disputes",
      [
        manager,
        token,
        escrow,
        epochGenesis,
        p.epochs.length,
        p.minUnbondingEpochs * p.epochs.length,
        p.maxPause,
        0, // the first kernel: no case was opened before it
      ],
      { after: others },
    );
    const slasher = m.contract(
      "Slasher",
      [manager, staking, committee, epochGenesis, p.epochs.length, p.ages.device, p.ages.member],
      { after: [disputes] },
    );
    const after = <T>(before: T) => ({ after: [before] });
    const clock = [epochGenesis, p.epochs.length, p.disputes.clockTolerance];
    const doubleSignedCounter = m.contract("DoubleSignedCounter", [devices], after(slasher));
    const counterRunBack = m.contract("CounterRunBack", [devices, ...clock], after(doubleSignedCounter));
    const meterRunBack = m.contract("MeterRunBack", [devices, ...clock], after(counterRunBack));
    const equivocation = m.contract("CommitteeEquivocation", [committee, settlement], after(meterRunBack));
    const impossibleTravel = m.contract("ImpossibleTravel", [devices], after(equivocation));
    return { disputes, slasher, doubleSignedCounter, counterRunBack, meterRunBack, equivocation, impossibleTravel };
  });

export type DisputesModule = ReturnType<typeof disputesModule>;
