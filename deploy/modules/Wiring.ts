// Every pointer and the first parameters, set by the deployer while it is the manager's admin.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { encodeBytes32String, ZeroAddress } from "ethers";
import { workflowNameOf } from "../../oracle/codec";
import { EVIDENCE_KINDS, type EvidenceName } from "../../oracle/evidence";
import type { Parameters } from "../parameters";
import type { AuthorityModule } from "./Authority";
import type { DevicesModule } from "./Devices";
import type { DisputesModule } from "./Disputes";
import type { SettlementModule } from "./Settlement";
import type { TokenModule } from "./Token";

/** Kinds of disputes, as they are set here. */
export const DISPUTE_KINDS = { denial: 1, slash: 2 } as const;
export const wiringModule = (
  p: Parameters,
  parts: {
    authority: AuthorityModule;
    tokens: TokenModule;
    devices: DevicesModule;
    settlement: SettlementModule;
    disputes: DisputesModule;
  },
) =>
  buildModule("Wiring", (m) => {
    const { timelock } = m.useModule(parts.authority);
    const { token, credits, priceGuard, priceFeed } = m.useModule(parts.tokens);
    const { devices, staking, holds, metadata } = m.useModule(parts.devices);
    const { emissions, settlement, distributor, committee, forwarder } = m.useModule(parts.settlement);
    const k = m.useModule(parts.disputes);
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
    m.call(emissions, "setReceiver", [encodeBytes32String("stakers"), staking], { id: "stakersReceiver" });
    m.call(settlement, "setDistributor", [distributor]);
    m.call(distributor, "setOracle", [settlement]);

    // Kinds of disputes and of evidence: docs/accounting.md.
    const terms = {
      bond: p.disputes.bond,
      answerPeriod: p.disputes.answerPeriod,
      votePeriod: p.disputes.votePeriod,
      maxAge: p.ages.dispute,
      quorumBps: p.disputes.quorumBps,
      quorumFloor: p.disputes.quorumFloor,
    };
    m.call(k.disputes, "setKind", [DISPUTE_KINDS.denial, { target: devices, ...terms }], { id: "disputeDenial" });
    m.call(k.disputes, "setKind", [DISPUTE_KINDS.slash, { target: k.slasher, ...terms }], { id: "disputeSlash" });
    m.call(k.slasher, "setDisputes", [k.disputes], { id: "slasherDisputes" });
    const evidence = {
      doubleSignedCounter: k.doubleSignedCounter,
      counterRunBack: k.counterRunBack,
      meterRunBack: k.meterRunBack,
      committeeEquivocation: k.equivocation,
    };
    for (const [name, contract] of Object.entries(evidence)) {
      const kind = EVIDENCE_KINDS[name as EvidenceName];
      m.call(k.slasher, "setEvidence", [kind, contract], { id: `evidence${kind}` });
    }
    m.call(devices, "setDisputes", [k.disputes], { id: "devicesDisputes" });
    m.call(devices, "setHolds", [holds]);
    m.call(devices, "setMetadata", [metadata]);
    m.call(devices, "setTerms", [p.devices.delayEpochs, p.devices.denialEpochs, p.devices.locationFee]);
    m.call(staking, "setSlasher", [k.slasher], { id: "stakingSlasher" });
    m.call(staking, "setEmissions", [emissions]);
    m.call(committee, "setSlasher", [k.slasher], { id: "committeeSlasher" });

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
