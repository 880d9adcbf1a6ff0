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
    // Calls come after the last contract: a nonce that a call takes would move the address of a contract behind it.
    const call: typeof m.call = (contract, name, args, options = {}) =>
      m.call(contract, name, args, { ...options, after: [...(options.after ?? []), parts.disputes] });
    const reporter = {
      forwarder,
      workflowOwner: p.settlement.workflowOwner,
      workflowName: workflowNameOf(p.settlement.workflowName),
    };

    call(token, "setMinter", [emissions]);
    call(credits, "setPriceGuard", [priceGuard]);
    call(credits, "setSpender", [devices, true]);
    call(priceGuard, "setSources", [
      { feed: priceFeed, maxAge: p.price.maxAge },
      { feed: ZeroAddress, maxAge: 0 },
    ]);
    call(priceFeed, "setReporter", [0, reporter]);
    call(devices, "setStaking", [staking]);
    call(devices, "setOnboardingFee", [p.devices.onboardingFee]);
    call(emissions, "setDistributor", [distributor]);
    call(emissions, "setSettlement", [settlement]);
    call(emissions, "setReceiver", [encodeBytes32String("treasury"), timelock]);
    call(emissions, "setReceiver", [encodeBytes32String("stakers"), staking], { id: "stakersReceiver" });
    call(settlement, "setDistributor", [distributor]);
    call(distributor, "setOracle", [settlement]);

    // Kinds of disputes and of evidence: docs/accounting.md.
    const terms = {
      bond: p.disputes.bond,
      answerPeriod: p.disputes.answerPeriod,
      votePeriod: p.disputes.votePeriod,
      maxAge: p.ages.dispute,
      quorumBps: p.disputes.quorumBps,
      quorumFloor: p.disputes.quorumFloor,
    };
    call(k.disputes, "setKind", [DISPUTE_KINDS.denial, { target: devices, ...terms }], { id: "disputeDenial" });
    call(k.disputes, "setKind", [DISPUTE_KINDS.slash, { target: k.slasher, ...terms }], { id: "disputeSlash" });
    call(k.slasher, "setDisputes", [k.disputes], { id: "slasherDisputes" });
    const evidence = {
      doubleSignedCounter: k.doubleSignedCounter,
      counterRunBack: k.counterRunBack,
      meterRunBack: k.meterRunBack,
      committeeEquivocation: k.equivocation,
    };
    for (const [name, contract] of Object.entries(evidence)) {
      const kind = EVIDENCE_KINDS[name as EvidenceName];
      call(k.slasher, "setEvidence", [kind, contract], { id: `evidence${kind}` });
    }
    call(devices, "setDisputes", [k.disputes], { id: "devicesDisputes" });
    call(devices, "setHolds", [holds]);
    call(devices, "setMetadata", [metadata]);
    call(devices, "setTerms", [p.devices.delayEpochs, p.devices.denialEpochs, p.devices.locationFee]);
    call(staking, "setSlasher", [k.slasher], { id: "stakingSlasher" });
    call(staking, "setEmissions", [emissions]);
    call(committee, "setSlasher", [k.slasher], { id: "committeeSlasher" });

    // Ids are counted: each waits for the one before.
    const added = p.emissions.subNetworks.reduce<ReturnType<typeof m.call>[]>((before, n, i) => {
      const options = { id: `addSubNetwork${i + 1}`, after: before.slice(-1) };
      return [...before, call(emissions, "addSubNetwork", [n.category, n.uptimeTargetBps, n.name], options)];
    }, []);
    call(emissions, "setWeights", [p.emissions.subNetworks.map((n) => n.weightBps)], { after: added.slice(-1) });
    p.emissions.subNetworks.forEach((_, i) => {
      call(settlement, "setReporter", [i + 1, reporter], { id: `setReporter${i + 1}` });
    });

    // Without a bond to wait for, the first committee is listed at once; otherwise see Handover.
    if (p.committee.minBond === 0n) call(committee, "setCommittee", [p.committee.f, p.committee.members]);
    if (p.settlement.forwarder === null) {
      call(forwarder, "setConfig", [p.committee.donId, 1, p.committee.f, p.committee.members.map((c) => c.signer)]);
    }
    return {};
  });

export type WiringModule = ReturnType<typeof wiringModule>;
