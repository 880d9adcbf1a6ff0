// npx hardhat ignition deploy deploy/modules/Groundwork.ts --network NAME
// Deploys the network, wires it, hands it over, and checks itself: its last contract reverts unless all is right.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { AbiCoder, keccak256, ZeroHash } from "ethers";
import hre from "hardhat";
import { workflowNameOf } from "../../oracle/codec";
import { DEVELOPMENT_CHAIN, loadParameters, type Parameters } from "../parameters";
import { ROLE_IDS, selectorsOf } from "../access";
import { authorityModule } from "./Authority";
import { devicesModule } from "./Devices";
import { disputesModule } from "./Disputes";
import { governanceModule } from "./Governance";
import { handoverModule, operationsOf } from "./Handover";
import { settlementModule } from "./Settlement";
import { tokenModule } from "./Token";
import { wiringModule } from "./Wiring";

export function groundworkModule(p: Parameters) {
  const authority = authorityModule(p);
  const tokens = tokenModule(p, authority);
  const governance = governanceModule(p, authority, tokens);
  const devices = devicesModule(p, authority, tokens);
  const settlement = settlementModule(p, authority, tokens);
  const disputes = disputesModule(p, { authority, tokens, governance, devices, settlement });
  const wiring = wiringModule(p, { authority, tokens, devices, settlement, disputes });
  const handover = handoverModule(p, { authority, tokens, governance, devices, settlement, disputes, wiring });

  return buildModule("Groundwork", (m) => {
    const a = m.useModule(authority);
    const t = m.useModule(tokens);
    const g = m.useModule(governance);
    const d = m.useModule(devices);
    const s = m.useModule(settlement);
    const k = m.useModule(disputes);

    const operations = operationsOf(m, p, s);
    const idOf = (name: string, args: typeof operations.accept) =>
      args ? m.staticCall(a.timelock, "hashOperation", args, 0, { id: `${name}Id` }) : ZeroHash;
    const signers = p.committee.members.map((c) => c.signer);
    const managed = {
      NetworkToken: t.token,
      VoteEscrow: g.escrow,
      DataCredits: t.credits,
      PriceGuard: t.priceGuard,
      NetworkPriceFeed: t.priceFeed,
      MakerRegistry: d.makers,
      DeviceRegistry: d.devices,
      OperatorStaking: d.staking,
      EmissionController: s.emissions,
      SettlementOracle: s.settlement,
      RewardDistributor: s.distributor,
      CommitteeRegistry: s.committee,
      Disputes: k.disputes,
      Slasher: k.slasher,
    };
    const check = m.contract(
      "DeploymentCheck",
      [
        { ...a, ...t, ...g, ...d, ...s, ...k },
        {
          deployer: m.getAccount(0),
          guardian: p.guardian,
          council: p.council,
          forwarderIsOurs: p.settlement.forwarder === null,
          acceptOwnershipId: idOf("acceptOwnership", operations.accept),
          setCommitteeId: idOf("setCommittee", operations.list),
          timelockDelay: p.timelock.delay,
          epochGenesis: m.staticCall(a.genesis, "epochGenesis"),
          epochLength: p.epochs.length,
          maxPause: p.maxPause,
          minUnbondingEpochs: p.minUnbondingEpochs,
          disputeAge: p.ages.dispute,
          committeeHash: keccak256(
            AbiCoder.defaultAbiCoder().encode(
              ["uint32", "uint32", "uint8", "address[]"],
              [p.committee.donId, 1, p.committee.f, signers],
            ),
          ),
          workflowOwner: p.settlement.workflowOwner,
          workflowName: workflowNameOf(p.settlement.workflowName),
          weights: p.emissions.subNetworks.map((n) => n.weightBps),
          rows: Object.entries(managed).flatMap(([name, target]) =>
            (["GUARDIAN", "ADMIN"] as const).map((role) => ({
              target,
              role: ROLE_IDS[role],
              selectors: selectorsOf(name, role),
            })),
          ),
        },
      ],
      { after: [handover] },
    );
    return { ...a, ...t, ...g, ...d, ...s, ...k, check };
  });
}

export default groundworkModule(loadParameters(hre.network.config.chainId ?? DEVELOPMENT_CHAIN, hre.config.paths.root));
