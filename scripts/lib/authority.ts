// Who may do what on the running chain, computed from its events and reads; and what the committed files say about it.
import {
  AbiCoder,
  type BaseContract,
  encodeBytes32String,
  type EventLog,
  type FunctionFragment,
  Interface,
  keccak256,
  type Provider,
  ZeroAddress,
} from "ethers";
import { type Access, ROLE_IDS, ROLES } from "../../deploy/access";
import { type Parameters, TREASURY } from "../../deploy/parameters";
import { workflowNameOf } from "../../oracle/codec";
import { connectContracts, CONTRACTS, type ContractName, type Contracts, type Deployment } from "./deployment";

/** One function of one contract and one holder, by way of `role` ("-": the contract itself asks), after `delay` s. */
export interface FunctionRow {
  target: string;
  function: string;
  selector: string;
  role: string;
  delay: number;
  holder: string;
}

/** A role of the AccessManager or of the timelock, an owner, a pointer: `holder` by name where it has one. */
export interface HolderRow {
  where: string;
  what: string;
  holder: string;
  delay: number;
}

export interface Authority {
  functions: FunctionRow[];
  roles: HolderRow[];
  owners: HolderRow[];
  pointers: HolderRow[];
}

/** A line that the chain has and the committed files have not ("stray"), or the other way round ("missing"). */
export interface Difference {
  kind: "stray" | "missing";
  line: string;
}

const ANYONE = "anyone";
const TIMELOCK_ROLES = ["DEFAULT_ADMIN_ROLE", "PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"] as const;

/** Names of the addresses of a deployment; others stay addresses. */
function namesOf(deployment: Deployment, p: Parameters): Map<string, string> {
  const names = new Map<string, string>([[ZeroAddress, "nobody"]]);
  names.set(deployment.deployer.toLowerCase(), "deployer");
  names.set(p.council.toLowerCase(), "council");
  names.set(p.guardian.toLowerCase(), "guardian");
  for (const [name, address] of Object.entries(deployment.contracts)) names.set(address.toLowerCase(), name);
  return names;
}

async function eventsOf(contract: BaseContract, names: readonly string[], from: number): Promise<EventLog[]> {
  const logs = await Promise.all(names.map((name) => contract.queryFilter(contract.filters[name]?.() ?? name, from)));
  return (logs.flat() as EventLog[]).sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
}

/** Reads the running chain. `readCalls` may be turned on another provider than the one that deployed. */
export async function readAuthority(deployment: Deployment, p: Parameters, provider: Provider): Promise<Authority> {
  const c = connectContracts(deployment, provider);
  const names = namesOf(deployment, p);
  const nameOf = (address: string): string => names.get(address.toLowerCase()) ?? address;
  const from = deployment.block;
  const roles = [...(await managerRoles(c, from, nameOf)), ...(await timelockRoles(c, from, nameOf))];
  return {
    functions: await functionRows(c, from, roles, nameOf),
    roles,
    owners: await ownerRows(c, from, nameOf),
    pointers: await pointerRows(c, from, nameOf),
  };
}

async function managerRoles(c: Contracts, from: number, nameOf: (a: string) => string): Promise<HolderRow[]> {
  const { manager, timelock } = c;
  const timelockDelay = Number(await timelock.getMinDelay());
  const grants = await eventsOf(manager, ["RoleGranted", "RoleRevoked"], from);
  const rows: HolderRow[] = [];
  for (const key of new Set(grants.map((e) => `${e.args[0]} ${e.args[1]}`))) {
    const [role = "", account = ""] = key.split(" ");
    const access = await manager.getAccess(role, account);
    if (access.since === 0n) continue;
    const holder = nameOf(account);
    const delay = Number(access.currentDelay) + (holder === "NetworkTimelock" ? timelockDelay : 0);
    rows.push(managerRow(roleName(BigInt(role)), holder, delay));
  }
  // What would let somebody else in later, or shut everybody out.
  for (const e of await eventsOf(manager, ["RoleAdminChanged", "RoleGuardianChanged"], from)) {
    rows.push(managerRow(`${e.eventName} of ${roleName(e.args[0] as bigint)}`, roleName(e.args[1] as bigint), 0));
  }
  for (const e of await eventsOf(manager, ["TargetClosed"], from)) {
    const target = e.args[0] as string;
    if (await manager.isTargetClosed(target)) rows.push(managerRow(`closed: ${nameOf(target)}`, "nobody", 0));
  }
  return rows;
}

const managerRow = (what: string, holder: string, delay: number): HolderRow => ({
  where: "AccessManager",
  what,
  holder,
  delay,
});

const roleName = (id: bigint): string => Object.entries(ROLE_IDS).find(([, i]) => i === id)?.[0] ?? `role ${id}`;

async function timelockRoles(c: Contracts, from: number, nameOf: (a: string) => string): Promise<HolderRow[]> {
  const { timelock } = c;
  const ids = await Promise.all(TIMELOCK_ROLES.map((role) => timelock[role]()));
  const seen = new Map<string, { role: string; account: string }>();
  for (const e of await eventsOf(timelock, ["RoleGranted", "RoleRevoked"], from)) {
    const [role, account] = e.args as unknown as [string, string];
    seen.set(`${role} ${account}`, { role, account });
  }
  const rows: HolderRow[] = [];
  for (const { role, account } of seen.values()) {
    if (!(await timelock.hasRole(role, account))) continue;
    const what = TIMELOCK_ROLES[ids.indexOf(role)] ?? role;
    rows.push({
      where: "NetworkTimelock",
      what,
      holder: account === ZeroAddress ? ANYONE : nameOf(account),
      delay: what === "PROPOSER_ROLE" ? Number(await timelock.getMinDelay()) : 0,
    });
  }
  for (const e of await eventsOf(timelock, ["RoleAdminChanged"], from)) {
    rows.push({ where: "NetworkTimelock", what: `admin of ${e.args[0]}`, holder: String(e.args[2]), delay: 0 });
  }
  return rows;
}

async function functionRows(
  c: Contracts,
  from: number,
  roles: readonly HolderRow[],
  nameOf: (a: string) => string,
): Promise<FunctionRow[]> {
  const rows: FunctionRow[] = [];
  const told = new Set<string>();
  for (const [name, handle] of Object.entries(CONTRACTS)) {
    const contract: BaseContract = c[handle];
    for (const fragment of contract.interface.fragments) {
      if (!isMutator(fragment)) continue;
      const signature = fragment.format("sighash");
      const id = await c.manager.getTargetFunctionRole(contract, fragment.selector);
      const access = ROLES[name]?.[signature];
      told.add(`${name} ${fragment.selector}`);
      rows.push(
        ...functionRowsOf({ target: name, function: signature, selector: fragment.selector }, access, id, roles),
      );
    }
  }
  // Functions that the manager was told of and that no contract of the deployment has.
  for (const e of await eventsOf(c.manager, ["TargetFunctionRoleUpdated"], from)) {
    const [target, selector, id] = e.args as unknown as [string, string, bigint];
    if (told.has(`${nameOf(target)} ${selector}`)) continue;
    rows.push(...functionRowsOf({ target: nameOf(target), function: selector, selector }, "ADMIN", id, roles));
  }
  return rows;
}

function functionRowsOf(
  at: Pick<FunctionRow, "target" | "function" | "selector">,
  access: Access | undefined,
  id: bigint,
  roles: readonly HolderRow[],
): FunctionRow[] {
  // A function that does not ask the manager: what the file says of it. A role that it was given anyway is told.
  if (id === 0n && access !== "ADMIN" && access !== "GUARDIAN") {
    if (access === undefined) return [{ ...at, role: "NO ROW", delay: 0, holder: "?" }];
    return [{ ...at, role: "-", delay: 0, holder: access === "ANYONE" ? ANYONE : access.only }];
  }
  const role = roleName(id);
  return roles
    .filter((r) => r.where === "AccessManager" && r.what === role)
    .map(({ holder, delay }) => ({ ...at, role, delay, holder }));
}

function isMutator(f: { type: string }): f is FunctionFragment {
  return f.type === "function" && !["view", "pure"].includes((f as FunctionFragment).stateMutability);
}

async function ownerRows(c: Contracts, from: number, nameOf: (a: string) => string): Promise<HolderRow[]> {
  const row = (where: string, what: string, holder: string): HolderRow => ({ where, what, holder, delay: 0 });
  const { forwarder } = c;
  const rows = [row("KeystoneForwarder", "owner", nameOf(await forwarder.owner()))];

  const handovers = await eventsOf(forwarder, ["OwnershipTransferRequested", "OwnershipTransferred"], from);
  const last = handovers.at(-1);
  const pending = last?.eventName === "OwnershipTransferRequested" ? (last.args[1] as string) : ZeroAddress;
  rows.push(row("KeystoneForwarder", "pending owner", nameOf(pending)));

  const routes = new Set<string>();
  for (const e of await eventsOf(forwarder, ["ForwarderAdded", "ForwarderRemoved"], from)) {
    const address = e.args[0] as string;
    if (await forwarder.isForwarder(address)) routes.add(address);
  }
  for (const address of routes) rows.push(row("KeystoneForwarder", "may route without signatures", nameOf(address)));

  const vesting = new Interface(["function owner() view returns (address)"]);
  const provider = c.token.runner?.provider;
  for (const e of await eventsOf(c.token, ["GenesisAllocated"], from)) {
    const [beneficiary, holder] = e.args as unknown as [string, string];
    if (beneficiary === holder) continue;
    const data = await provider?.call({ to: holder, data: vesting.encodeFunctionData("owner") });
    const owner = vesting.decodeFunctionResult("owner", data ?? "0x")[0] as string;
    rows.push(row(`VestingWallet of ${nameOf(beneficiary)}`, "owner", nameOf(owner)));
  }
  return rows;
}

async function pointerRows(c: Contracts, from: number, nameOf: (a: string) => string): Promise<HolderRow[]> {
  const rows: HolderRow[] = [];
  const add = (where: ContractName, what: string, holder: string): void => {
    rows.push({ where, what, holder: /^0x[0-9a-fA-F]{40}$/.test(holder) ? nameOf(holder) : holder, delay: 0 });
  };
  for (const name of MANAGED) {
    const contract = c[CONTRACTS[name]] as Contracts["token"];
    add(name, "authority", await contract.authority());
  }
  add("NetworkToken", "minter", await c.token.minter());
  add("DataCredits", "priceGuard", await c.credits.priceGuard());
  for (const e of await eventsOf(c.credits, ["SpenderSet"], from)) {
    const spender = e.args[0] as string;
    if (await c.credits.isSpender(spender)) add("DataCredits", "spender", spender);
  }
  const sources = await c.priceGuard.sources();
  add("PriceGuard", "primary source", sources[0].feed);
  add("PriceGuard", "secondary source", sources[1].feed);
  add("NetworkPriceFeed", "reporter", String(await c.priceFeed.reporterOf(0)));
  add("DeviceRegistry", "staking", await c.devices.staking());
  add("DeviceRegistry", "makers", await c.devices.makers());
  add("DeviceRegistry", "credits", await c.devices.credits());
  add("DeviceRegistry", "holds", await c.devices.holds());
  add("DeviceRegistry", "metadata", await c.devices.metadata());
  add("OperatorStaking", "emissions", await c.staking.emissions());
  add("OperatorStaking", "devices", await c.staking.devices());
  add("OperatorStaking", "makers", await c.staking.makers());
  add("EmissionController", "curve", await c.emissions.curveNow());
  add("EmissionController", "distributor", await c.emissions.distributor());
  add("EmissionController", "settlement", await c.emissions.settlementNow());
  for (const bucket of ["treasury", "stakers"]) {
    add("EmissionController", `receiver of ${bucket}`, await c.emissions.receiverOf(encodeBytes32String(bucket)));
  }
  const term = (await c.settlement.currentEpoch()) / (await c.settlement.termLength());
  add("SettlementOracle", "distributor", await c.settlement.distributorOf(term));
  const count = Number(await c.emissions.subNetworkCount());
  for (let i = 1; i <= count; i++) {
    add("SettlementOracle", `reporter of ${i}`, String(await c.settlement.reporterOf(i)));
  }
  add("RewardDistributor", "oracle", await c.distributor.oracle());
  add("RewardDistributor", "emissions", await c.distributor.emissions());
  add("DeviceRegistry", "disputes", await c.devices.disputes());
  add("OperatorStaking", "slasher", await c.staking.slasher());
  add("CommitteeRegistry", "slasher", await c.committee.slasher());
  add("Slasher", "disputes", await c.slasher.disputes());
  for (const kind of new Set((await eventsOf(c.slasher, ["EvidenceSet"], from)).map((e) => e.args[0] as bigint))) {
    add("Slasher", `evidence of kind ${kind}`, await c.slasher.evidenceOf(kind));
  }
  for (const kind of new Set((await eventsOf(c.disputes, ["KindSet"], from)).map((e) => e.args[0] as bigint))) {
    add("Disputes", `target of kind ${kind}`, (await c.disputes.kindOf(kind)).target);
  }
  add("NetworkGovernor", "timelock", await c.governor.timelock());
  add("NetworkGovernor", "token", await c.governor.token());
  add("BootstrapCouncil", "timelock", await c.council.timelock());
  add("BootstrapCouncil", "votes", await c.council.votes());
  add("BootstrapCouncil", "council", await c.council.council());
  return rows;
}

const MANAGED = [
  "NetworkToken",
  "VoteEscrow",
  "DataCredits",
  "PriceGuard",
  "NetworkPriceFeed",
  "MakerRegistry",
  "DeviceRegistry",
  "OperatorStaking",
  "EmissionController",
  "SettlementOracle",
  "RewardDistributor",
  "CommitteeRegistry",
  "Disputes",
  "Slasher",
] as const satisfies readonly ContractName[];

/** What deploy/roles.json and the parameters say. Two ways are right while our forwarder's handover waits. */
export function expectedAuthority(deployment: Deployment, p: Parameters, now: Authority): Authority {
  const names = namesOf(deployment, p);
  const nameOf = (address: string): string => names.get(address.toLowerCase()) ?? address;
  const row = (where: string, what: string, holder: string, delay = 0): HolderRow => ({ where, what, holder, delay });
  const timelock = p.timelock.delay;
  const roles = [
    row("AccessManager", "ADMIN", "NetworkTimelock", timelock),
    row("AccessManager", "GUARDIAN", "NetworkTimelock", timelock),
    row("AccessManager", "GUARDIAN", "guardian"),
    row("NetworkTimelock", "DEFAULT_ADMIN_ROLE", "NetworkTimelock"),
    row("NetworkTimelock", "PROPOSER_ROLE", "NetworkGovernor", timelock),
    row("NetworkTimelock", "PROPOSER_ROLE", "BootstrapCouncil", timelock),
    row("NetworkTimelock", "CANCELLER_ROLE", "NetworkGovernor"),
    row("NetworkTimelock", "EXECUTOR_ROLE", ANYONE),
  ];
  const c = connectContracts(deployment, null);
  const functions = Object.entries(ROLES).flatMap(([target, rows]) =>
    Object.entries(rows).flatMap(([signature, access]) => {
      const contract: BaseContract = c[CONTRACTS[target as ContractName]];
      const selector = contract.interface.getFunction(signature)?.selector ?? "";
      const id = access === "GUARDIAN" ? ROLE_IDS.GUARDIAN : ROLE_IDS.ADMIN;
      return functionRowsOf({ target, function: signature, selector }, access, id, roles);
    }),
  );

  const waiting = now.owners.some((o) => o.where === "KeystoneForwarder" && o.holder === "ForwarderHandover");
  const chainlinks = now.owners.filter((o) => o.where === "KeystoneForwarder");
  const ours = [
    row("KeystoneForwarder", "owner", waiting ? "ForwarderHandover" : "NetworkTimelock"),
    row("KeystoneForwarder", "pending owner", waiting ? "NetworkTimelock" : "nobody"),
  ];
  const owners = [
    ...(p.settlement.forwarder === null ? ours : chainlinks),
    ...p.token.genesis
      .filter((line) => line.vestingDuration > 0 && line.beneficiary !== TREASURY)
      .map((line) => row(`VestingWallet of ${nameOf(line.beneficiary)}`, "owner", nameOf(line.beneficiary))),
  ];
  return { functions, roles, owners, pointers: expectedPointers(deployment, p) };
}

function expectedPointers(deployment: Deployment, p: Parameters): HolderRow[] {
  const row = (where: ContractName, what: string, holder: string): HolderRow => ({ where, what, holder, delay: 0 });
  const identity = AbiCoder.defaultAbiCoder().encode(
    ["address", "address", "bytes10"],
    [deployment.contracts.KeystoneForwarder, p.settlement.workflowOwner, workflowNameOf(p.settlement.workflowName)],
  );
  const reporter = String(BigInt(keccak256(identity)) & ((1n << 216n) - 1n));
  return [
    ...MANAGED.map((name) => row(name, "authority", "AccessManager")),
    row("NetworkToken", "minter", "EmissionController"),
    row("DataCredits", "priceGuard", "PriceGuard"),
    row("DataCredits", "spender", "DeviceRegistry"),
    row("PriceGuard", "primary source", "NetworkPriceFeed"),
    row("PriceGuard", "secondary source", "nobody"),
    row("NetworkPriceFeed", "reporter", reporter),
    row("DeviceRegistry", "staking", "OperatorStaking"),
    row("DeviceRegistry", "makers", "MakerRegistry"),
    row("DeviceRegistry", "credits", "DataCredits"),
    row("DeviceRegistry", "holds", "DeviceHolds"),
    row("DeviceRegistry", "metadata", "DeviceMetadata"),
    row("OperatorStaking", "emissions", "EmissionController"),
    row("OperatorStaking", "devices", "DeviceRegistry"),
    row("OperatorStaking", "makers", "MakerRegistry"),
    row("EmissionController", "curve", "HalvingCurve"),
    row("EmissionController", "distributor", "RewardDistributor"),
    row("EmissionController", "settlement", "SettlementOracle"),
    row("EmissionController", "receiver of treasury", "NetworkTimelock"),
    row("EmissionController", "receiver of stakers", "OperatorStaking"),
    row("SettlementOracle", "distributor", "RewardDistributor"),
    ...p.emissions.subNetworks.map((_, i) => row("SettlementOracle", `reporter of ${i + 1}`, reporter)),
    row("RewardDistributor", "oracle", "SettlementOracle"),
    row("RewardDistributor", "emissions", "EmissionController"),
    row("DeviceRegistry", "disputes", "Disputes"),
    row("OperatorStaking", "slasher", "Slasher"),
    row("CommitteeRegistry", "slasher", "Slasher"),
    row("Slasher", "disputes", "Disputes"),
    ...["DoubleSignedCounter", "CounterRunBack", "MeterRunBack", "CommitteeEquivocation"].map((name, i) =>
      row("Slasher", `evidence of kind ${i + 1}`, name),
    ),
    row("Disputes", "target of kind 1", "DeviceRegistry"),
    row("Disputes", "target of kind 2", "Slasher"),
    row("NetworkGovernor", "timelock", "NetworkTimelock"),
    row("NetworkGovernor", "token", "VoteEscrow"),
    row("BootstrapCouncil", "timelock", "NetworkTimelock"),
    row("BootstrapCouncil", "votes", "VoteEscrow"),
    row("BootstrapCouncil", "council", "council"),
  ];
}

function linesOf(a: Authority): Set<string> {
  const after = (delay: number): string => (delay === 0 ? "" : ` after ${delay} s`);
  return new Set([
    ...a.functions.map((f) => `${f.target}.${f.function}: ${f.holder} (${f.role})${after(f.delay)}`),
    ...[...a.roles, ...a.owners, ...a.pointers].map((r) => `${r.where} ${r.what}: ${r.holder}${after(r.delay)}`),
  ]);
}

/** Every line in which the chain and the committed files differ. */
export function compareAuthority(now: Authority, expected: Authority): Difference[] {
  const [found, wanted] = [linesOf(now), linesOf(expected)];
  return [
    ...[...found].filter((line) => !wanted.has(line)).map((line): Difference => ({ kind: "stray", line })),
    ...[...wanted].filter((line) => !found.has(line)).map((line): Difference => ({ kind: "missing", line })),
  ];
}
