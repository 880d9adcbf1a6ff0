// Every pointer and the first parameters, set by the deployer while it is the manager's admin.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { encodeBytes32String, ZeroAddress } from "ethers";
import { workflowNameOf } from "../../oracle/codec";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { DevicesModule } from "./Devices";
import type { SettlementModule } from "./Settlement";
import type { TokenModule } from "./Token";

export const wiringModule = (
  p: Parameters,
  parts: { authority: AuthorityModule; tokens: TokenModule; devices: DevicesModule; settlement: SettlementModule },
) =>
  buildModule("Wiring", (m) => {
    const { timelock } = m.useModule(parts.authority);
    const { token, credits, priceGuard, priceFeed } = m.useModule(parts.tokens);
    const { devices, staking } = m.useModule(parts.devices);
    const { emissions, settlement, distributor, committee, forwarder } = m.useModule(parts.settlement);
    const reporter = {
      forwarder,
      workflowOwner: p.settlement.workflowOwner,
      workflowName: workflowNameOf(p.settlement.workflowName),
    };

    m.call(token, "setMinter", [emissions]);
    m.call(credits, "setPriceGuard", [priceGuard]);
    m.call(credits, "setSpender", [devices, true]);
    m.call(priceGuard, "setSources", [
      { feed: priceFeed, maxAge: p.price.maxAge },
      { feed: ZeroAddress, maxAge: 0 },
    ]);
    m.call(priceFeed, "setReporter", [0, reporter]);
    m.call(devices, "setStaking", [staking]);
    m.call(devices, "setOnboardingFee", [p.devices.onboardingFee]);
    m.call(emissions, "setDistributor", [distributor]);
    m.call(emissions, "setSettlement", [settlement]);
    m.call(emissions, "setReceiver", [encodeBytes32String("treasury"), timelock]);
    m.call(settlement, "setDistributor", [distributor]);
    m.call(distributor, "setOracle", [settlement]);

    // Ids are counted: each waits for the one before.
    const added = p.emissions.subNetworks.reduce<ReturnType<typeof m.call>[]>((before, n, i) => {
      const options = { id: `addSubNetwork${i + 1}`, after: before.slice(-1) };
      return [...before, m.call(emissions, "addSubNetwork", [n.category, n.uptimeTargetBps, n.name], options)];
    }, []);
    m.call(emissions, "setWeights", [p.emissions.subNetworks.map((n) => n.weightBps)], { after: added.slice(-1) });
    p.emissions.subNetworks.forEach((_, i) => {
      m.call(settlement, "setReporter", [i + 1, reporter], { id: `setReporter${i + 1}` });
    });

    // Without a bond to wait for, the first committee is listed at once; otherwise see Handover.
    if (p.committee.minBond === 0n) m.call(committee, "setCommittee", [p.committee.f, p.committee.members]);
    if (p.settlement.forwarder === null) {
      m.call(forwarder, "setConfig", [p.committee.donId, 1, p.committee.f, p.committee.members.map((c) => c.signer)]);
    }
    return {};
  });

export type WiringModule = ReturnType<typeof wiringModule>;
