// The roles, and the deployer's leave: after this the timelock is the only admin.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ArgumentType, CallableContractFuture, IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";
import { id, ZeroHash } from "ethers";
import type { Parameters } from "../parameters";
import { guardedContracts, ROLE_IDS, selectorsOf } from "../access";
import type { AuthorityModule } from "./Authority";
import type { DevicesModule } from "./Devices";
import type { DisputesModule } from "./Disputes";
import type { GovernanceModule } from "./Governance";
import type { SettlementModule } from "./Settlement";
import type { TokenModule } from "./Token";
import type { WiringModule } from "./Wiring";

const PROPOSER = id("PROPOSER_ROLE");
const CANCELLER = id("CANCELLER_ROLE");
export const ACCEPT_SALT = id("groundwork: the timelock accepts the forwarder");
export const COMMITTEE_SALT = id("groundwork: the first committee");

export interface Parts {
  authority: AuthorityModule;
  tokens: TokenModule;
  governance: GovernanceModule;
  devices: DevicesModule;
  settlement: SettlementModule;
  disputes: DisputesModule;
  wiring: WiringModule;
}

export const handoverModule = (p: Parameters, parts: Parts) =>
  buildModule("Handover", (m) => {
    const deployer = m.getAccount(0);
    const { manager, timelock } = m.useModule(parts.authority);
    const { governor, council, escrow } = m.useModule(parts.governance);
    const { credits } = m.useModule(parts.tokens);
    const { makers, devices, staking } = m.useModule(parts.devices);
    const { settlement, committee, forwarder, handover } = m.useModule(parts.settlement);
    const { disputes } = m.useModule(parts.disputes);
    const wired = { after: [parts.wiring] };

    // The manager: the guardian's functions and who is guardian.
    const guarded = {
      VoteEscrow: escrow,
      DataCredits: credits,
      MakerRegistry: makers,
      DeviceRegistry: devices,
      OperatorStaking: staking,
      SettlementOracle: settlement,
      Disputes: disputes,
    };
    const stray = guardedContracts().filter((name) => !(name in guarded));
    if (stray.length > 0) throw new Error(`deploy/roles.json names a guardian for ${stray.join(", ")}, unknown here`);
    const roles = Object.entries(guarded).map(([name, target]) =>
      m.call(manager, "setTargetFunctionRole", [target, selectorsOf(name, "GUARDIAN"), ROLE_IDS.GUARDIAN], {
        id: `guard${name}`,
        ...wired,
      }),
    );
    const label = m.call(manager, "labelRole", [ROLE_IDS.GUARDIAN, "GUARDIAN"], wired);
    const grants = [
      m.call(manager, "grantRole", [ROLE_IDS.GUARDIAN, p.guardian, 0], { id: "guardian", ...wired }),
      m.call(manager, "grantRole", [ROLE_IDS.GUARDIAN, timelock, 0], { id: "guardianTimelock", ...wired }),
      m.call(manager, "grantRole", [ROLE_IDS.ADMIN, timelock, 0], { id: "adminTimelock", ...wired }),
    ];

    // The timelock: governor and council propose, the governor cancels, anyone executes.
    const proposers = [
      m.call(timelock, "grantRole", [PROPOSER, governor], { id: "proposerGovernor", ...wired }),
      m.call(timelock, "grantRole", [CANCELLER, governor], { id: "cancellerGovernor", ...wired }),
      m.call(timelock, "grantRole", [PROPOSER, council], { id: "proposerCouncil", ...wired }),
    ];

    // What only the timelock can finish: the deployer schedules it as a proposer of the moment.
    const operations = operationsOf(m, p, { forwarder, committee });
    const scheduled: ReturnType<typeof m.call>[] = [];
    if (operations.accept || operations.list) {
      const propose = m.call(timelock, "grantRole", [PROPOSER, deployer], { id: "proposerDeployer", ...wired });
      if (operations.accept) {
        const offer = m.call(forwarder, "transferOwnership", [handover], wired);
        scheduled.push(
          m.call(handover, "pass", [], { after: [offer] }),
          m.call(timelock, "schedule", [...operations.accept, p.timelock.delay], {
            id: "scheduleAccept",
            after: [propose],
          }),
        );
      }
      if (operations.list) {
        scheduled.push(
          m.call(timelock, "schedule", [...operations.list, p.timelock.delay], {
            id: "scheduleCommittee",
            after: [propose],
          }),
        );
      }
      scheduled.push(
        m.call(timelock, "renounceRole", [PROPOSER, deployer], { id: "deployerNoProposer", after: [...scheduled] }),
      );
    }

    // The deployer leaves.
    const leaveTimelock = m.call(timelock, "renounceRole", [ZeroHash, deployer], {
      id: "deployerNoTimelockAdmin",
      after: [...proposers, ...scheduled],
    });
    m.call(manager, "renounceRole", [ROLE_IDS.ADMIN, deployer], {
      id: "deployerNoAdmin",
      after: [...roles, label, ...grants, leaveTimelock],
    });
    return {};
  });

/**
 * Operations that the deployment leaves in the timelock, as arguments of `hashOperation`: our own forwarder's handover,
 * and the first committee where its members must post bonds first.
 */
export function operationsOf(
  m: IgnitionModuleBuilder,
  p: Parameters,
  contracts: Record<"forwarder" | "committee", CallableContractFuture<string>>,
) {
  const operation = (target: CallableContractFuture<string>, data: ArgumentType, salt: string): ArgumentType[] => [
    target,
    0,
    data,
    ZeroHash,
    salt,
  ];
  const { forwarder, committee } = contracts;
  return {
    accept:
      p.settlement.forwarder === null
        ? operation(forwarder, m.encodeFunctionCall(forwarder, "acceptOwnership", []), ACCEPT_SALT)
        : undefined,
    list:
      p.committee.minBond > 0n
        ? operation(
            committee,
            m.encodeFunctionCall(committee, "setCommittee", [p.committee.f, p.committee.members]),
            COMMITTEE_SALT,
          )
        : undefined,
  };
}
