// Makers, devices, and the operators that back them.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { TokenModule } from "./Token";

export const devicesModule = (p: Parameters, authority: AuthorityModule, tokens: TokenModule) =>
  buildModule("Devices", (m) => {
    const { genesis, manager } = m.useModule(authority);
    const { token, credits } = m.useModule(tokens);
    const epochGenesis = m.staticCall(genesis, "epochGenesis");
    const makers = m.contract("MakerRegistry", [
      manager,
      token,
      epochGenesis,
      p.epochs.length,
      p.makers.minBond,
      p.makers.bondDelay,
      p.maxPause,
    ]);
    const devices = m.contract(
      "DeviceRegistry",
      [
        manager,
        makers,
        credits,
        epochGenesis,
        p.epochs.length,
        p.devices.challengeEpochs,
        p.maxPause,
        p.devices.name,
        p.devices.symbol,
      ],
      { libraries: { DeviceLife: m.library("DeviceLife") } },
    );
    const staking = m.contract(
      "OperatorStaking",
      [
        manager,
        token,
        devices,
        makers,
        epochGenesis,
        p.epochs.length,
        p.minUnbondingEpochs,
        p.staking.unbondingEpochs,
        p.maxPause,
      ],
      { libraries: { StakeLedger: m.library("StakeLedger") } },
    );
    return { makers, devices, staking };
  });

export type DevicesModule = ReturnType<typeof devicesModule>;
