// The whole network on one machine, from a device's signature to a claimed reward and an executed vote.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { MaxUint256, parseEther } from "ethers";
import { type Hex, potId } from "../../oracle/codec";
import { auditMoney, type MoneyAudit } from "../lib/audit";
import { type ClaimArguments, claimOf, parseSettlement, shareOf, verifiedPayouts } from "../lib/claims";
import { askNode } from "../lib/node-api";
import { type Box, CHEATS, type Cheat, makeBoxes } from "./boxes";
import { DevChain } from "./chain";
import { lockTokens, type PassedProposal, passProposal } from "./dao";
import { type Deployed, deploy } from "./deploy";
import { Fleet } from "./fleet";
import { Life, type LifeResult } from "./life";
import { Committee, type NodeTesting } from "./nodes";
import { fundGas, makePeople, type People, type Person } from "./people";
import { assignBoxes, createOperators, type Device, handOutTokens, licenseMakers, onboardBoxes } from "./setup";

export const NODES = 4;
const PRICES_E8 = [24_900_000n, 25_000_000n, 25_100_000n, 25_200_000n]; // USD 0.25 a token: modelled, there is no market
const GRANT = parseEther("1000");
const SPONSOR_CREDITS = 10_000_000n;
/** Real seconds in which an epoch must settle once it is over. */
const SETTLE_SECONDS = 60;

export interface RunOptions {
  readonly devices: number;
  readonly epochs: number;
  readonly killNodes: number;
  readonly seed: string;
  readonly folder: string;
}

/** Told of every step, so that a person can look on. */
export interface Progress {
  step(text: string): void;
  count(text: string, done: number, total: number): void;
}

export interface Report {
  readonly epoch: number;
  readonly subNetwork: number;
  readonly signatures: number;
  readonly gasUsed: bigint;
  readonly tx: string;
}

export interface Split {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly epoch: number;
  /** Wei of the epoch as closed: budgets of the sub-networks, stakers, treasury. */
  readonly budgets: readonly bigint[];
  readonly stakers: bigint;
  readonly treasury: bigint;
  /** Whether every budget is the new split of the curve's emission, to the wei. */
  readonly exact: boolean;
}

/** What one device earned in one final epoch, in wei. */
export interface Earning {
  readonly epoch: number;
  readonly amount: bigint;
}

export interface RunResult extends MoneyAudit, LifeResult {
  readonly devices: number;
  readonly operators: number;
  readonly epochsSettled: number;
  readonly nodes: readonly { pid: number | undefined; db: string }[];
  readonly reports: readonly Report[];
  readonly creditsMinted: bigint;
  readonly tokensBurned: bigint;
  readonly creditsSpent: bigint;
  readonly claims: { readonly count: number; readonly amount: bigint };
  readonly proposal: PassedProposal | null;
  readonly grant: PassedProposal | null;
  readonly split: Split | null;
  readonly rejected: Readonly<Record<Cheat, number>>;
  readonly cheatPayouts: Readonly<Record<string, bigint>>;
  readonly killed: number;
  readonly problems: readonly string[];
  readonly rpc: string;
  readonly deploymentFile: string;
}

/** Everything a run has in hand; the tests take it from here. */
export class Network {
  readonly problems: string[] = [];
  private proposal: PassedProposal | null = null;
  private grant: PassedProposal | null = null;
  private split: Split | null = null;
  private claimed = { count: 0, amount: 0n };
  private killed = 0;

  private constructor(
    readonly options: RunOptions,
    readonly chain: DevChain,
    readonly people: People,
    readonly deployed: Deployed,
    readonly boxes: readonly Box[],
    readonly progress: Progress,
  ) {}

  committee!: Committee;
  devices: Device[] = [];
  fleet!: Fleet;
  readonly life = new Life(this);

  /** Chain, contracts, nodes: all that must be there before the first device. */
  static async launch(options: RunOptions, progress: Progress): Promise<Network> {
    mkdirSync(options.folder, { recursive: true });
    progress.step("start a Hardhat node");
    const chain = await DevChain.launch(join(options.folder, "chain.log"));
    const people = makePeople(options.seed, chain.provider, { cheats: CHEATS.length, nodes: NODES });
    await fundGas(people, chain.provider);
    progress.step("deploy the contracts, wire them, hand them to the timelock");
    const deployed = await deploy(chain, people, options.folder);
    const boxes = makeBoxes(options.devices, options.seed);
    const network = new Network(options, chain, people, deployed, boxes, progress);
    progress.step("start four oracle nodes");
    network.committee = await network.launchCommittee();
    return network;
  }

  /** Four node processes; again with the same databases when called again. */
  async launchCommittee(testing?: NodeTesting, envOf?: (index: number) => NodeJS.ProcessEnv): Promise<Committee> {
    const { chain, people, deployed, options } = this;
    const { settlement, committee } = deployed.parameters;
    return Committee.launch({
      folder: join(options.folder, "nodes"),
      rpcUrl: chain.rpcUrl,
      deploymentFile: deployed.file,
      signers: people.signers,
      transmitters: people.transmitters,
      f: committee.f,
      donId: committee.donId,
      workflow: { name: settlement.workflowName, owner: settlement.workflowOwner },
      pricesE8: PRICES_E8,
      ...(testing && { testing }),
      ...(envOf && { envOf }),
    });
  }

  get c(): Deployed["contracts"] {
    return this.deployed.contracts;
  }

  /** Makers, models, operators, a price, credits for the fees, and every box onboarded. All in epoch 0. */
  async setUp(): Promise<void> {
    const { c, chain, people, boxes, progress } = this;
    progress.step("finish the hand-over of the forwarder");
    await this.finishHandover();
    progress.step("license makers and certify models through the council");
    await handOutTokens(c, people);
    const models = await licenseMakers(chain, c, people, boxes);
    const assignments = assignBoxes(people, boxes);
    await createOperators(c, people, assignments);
    progress.step("wait for the committee's price");
    await chain.passUntil("price", async () => ((await c.priceFeed.lastRound()) > 0n ? true : undefined), {
      seconds: 60,
    });
    await this.buyCredits(people.sponsor, SPONSOR_CREDITS);
    let done = 0;
    this.devices = await onboardBoxes(chain, c, people, assignments, models, () =>
      progress.count("onboard devices", ++done, assignments.length),
    );
    const { chainId } = await chain.provider.getNetwork();
    this.fleet = await Fleet.open(chainId, await c.devices.getAddress(), this.devices, boxes);
  }

  /** The forwarder's ownership and the committee's list wait in the timelock since the deployment: anyone executes them. */
  private async finishHandover(): Promise<void> {
    const { c, chain, people } = this;
    await chain.advance(Number(await c.timelock.getMinDelay()) + 1);
    const timelock = c.timelock.connect(people.guardian.signer);
    for (const log of await c.timelock.queryFilter(c.timelock.filters.CallScheduled)) {
      const { id, target, value, data, predecessor } = log.args;
      if (!(await c.timelock.isOperationReady(id))) continue;
      const salts = await c.timelock.queryFilter(c.timelock.filters.CallSalt(id));
      const salt = salts[0]?.args.salt ?? `0x${"00".repeat(32)}`;
      await (await timelock.execute(target, value, data, predecessor, salt)).wait();
    }
    const owner = await c.forwarder.owner();
    if (owner !== (await c.timelock.getAddress())) this.problems.push(`the forwarder is owned by ${owner}`);
  }

  /** Burns tokens of `buyer` for exactly `credits`. */
  async buyCredits(buyer: Person, credits: bigint): Promise<void> {
    const { c, chain } = this;
    await (await c.token.connect(buyer.signer).approve(await c.credits.getAddress(), MaxUint256)).wait();
    const deadline = (await chain.now()) + 600;
    await (await c.credits.connect(buyer.signer).mintExactOut(credits, MaxUint256, buyer.address, deadline)).wait();
  }

  /** One epoch of proofs. `midway` runs between the two readings. */
  async proveEpoch(epoch: number, midway: () => Promise<void> = async () => undefined): Promise<void> {
    const { chain, fleet } = this;
    const { genesis, length } = await this.clock();
    const start = genesis + epoch * length;
    await chain.advanceTo(start + 5);
    await fleet.send(this.committee, epoch, 0, await chain.now());
    await midway();
    await chain.advanceTo(start + length - 60);
    await fleet.send(this.committee, epoch, 1, await chain.now());
    await chain.advanceTo(start + length + 1);
  }

  /** Lets time pass until every sub-network's settlement of `epoch` is final. False if that does not come about. */
  async settleEpoch(epoch: number, seconds = SETTLE_SECONDS): Promise<boolean> {
    const { c, chain } = this;
    const count = Number(await c.emissions.subNetworkCount());
    const subNetworks = Array.from({ length: count }, (_, i) => i + 1);
    const finals = async (): Promise<number> => {
      const all = await Promise.all(subNetworks.map((s) => c.settlement.settlementOf(s, epoch)));
      return all.filter(({ status }) => status === FINAL).length;
    };
    const until = process.uptime() + seconds;
    for (;;) {
      const done = await finals();
      this.progress.count(`settle epoch ${epoch}`, done, count);
      if (done === count) return true;
      if (process.uptime() > until) return false;
      await chain.advance(2);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Pays everybody what the pots of `term` owe, with leaves from any node that answers; one transaction a payee. */
  async claimAll(term: number): Promise<void> {
    const { c, people } = this;
    const byPayee = new Map<string, ClaimArguments[]>();
    const count = Number(await c.emissions.subNetworkCount());
    for (let subNetwork = 1; subNetwork <= count; subNetwork++) {
      const pot = potId(subNetwork, term);
      const { funded, root } = await c.distributor.potOf(pot);
      if (funded === 0n) continue;
      const epoch = Number(await c.settlement.finalEpochOf(subNetwork));
      const node = this.committee.alive[0];
      if (node === undefined) throw new Error("no node is alive to ask for leaves");
      const served = parseSettlement(node.url, await askNode(node.url, `settlements/${subNetwork}/${epoch}`));
      const tree = verifiedPayouts(node.url, served, root as Hex);
      for (const { payee, cumulative } of served.payouts) {
        if (cumulative <= (await c.distributor.claimedOf(pot, payee))) continue;
        const claim = claimOf(served, tree, payee);
        if (claim) byPayee.set(payee, [...(byPayee.get(payee) ?? []), claim]);
      }
    }
    const distributor = c.distributor.connect(people.sponsor.signer); // anyone may; the money goes to the payee
    let done = 0;
    for (const claims of byPayee.values()) {
      const args = claims.map(({ proof, ...claim }) => ({ ...claim, proof: [...proof] }));
      this.claimed.amount += await distributor.claimMany.staticCall(args);
      await (await distributor.claimMany(args)).wait();
      this.claimed.count += claims.length;
      this.progress.count("claim", ++done, byPayee.size);
    }
  }

  /** Changes the bucket split by vote; it counts from the next epoch. */
  async voteSplit(): Promise<void> {
    const { c } = this;
    const before = await c.emissions.bucketsNow();
    const after = { devicesBps: 7000n, stakersBps: 1000n, treasuryBps: 2000n };
    const data = c.emissions.interface.encodeFunctionData("setBuckets", [after]);
    const call = { target: await c.emissions.getAddress(), data };
    this.proposal = await passProposal(this.chain, c, this.people, [call], "Give the treasury 20 % of what is emitted");
    const epoch = Number(await c.emissions.currentEpoch()) + 1;
    const numbers = (b: { devicesBps: bigint; stakersBps: bigint; treasuryBps: bigint }): number[] =>
      [b.devicesBps, b.stakersBps, b.treasuryBps].map(Number);
    this.split = {
      before: numbers(before),
      after: numbers(after),
      epoch,
      budgets: [],
      stakers: 0n,
      treasury: 0n,
      exact: false,
    };
  }

  /** Reads what the split made of its first epoch, and works it out again from the curve. */
  private async readSplit(): Promise<void> {
    const { c, split } = this;
    if (split === null) return;
    const [log] = await c.emissions.queryFilter(c.emissions.filters.EpochClosed(split.epoch));
    if (log === undefined) return;
    const { budget, subNetworkBudgets, stakers, treasury } = log.args;
    const emission = await c.curve.emission(split.epoch);
    const [devicesPart, stakersPart, treasuryPart] = portions(emission, split.after.map(BigInt));
    const weights = [...(await c.emissions.weightsNow())];
    const expected = portions(devicesPart ?? 0n, weights);
    const stored = await Promise.all(weights.map((_, i) => c.emissions.budgetOf(i + 1, split.epoch)));
    const exact =
      budget === emission &&
      stakers === stakersPart &&
      treasury === treasuryPart &&
      expected.every((part, i) => part === subNetworkBudgets[i] && part === stored[i]);
    this.split = { ...split, budgets: stored, stakers, treasury, exact };
  }

  /** The treasury collects its bucket and pays a grant by vote. */
  async voteGrant(): Promise<void> {
    const { c, people } = this;
    await (await c.emissions.connect(people.sponsor.signer).collectTreasury()).wait();
    const data = c.token.interface.encodeFunctionData("transfer", [people.grantee.address, GRANT]);
    const call = { target: await c.token.getAddress(), data };
    const before = await c.token.balanceOf(people.grantee.address);
    this.grant = await passProposal(this.chain, c, people, [call], "Pay a grant of 1,000 tokens for coverage maps");
    const got = (await c.token.balanceOf(people.grantee.address)) - before;
    if (got !== GRANT) this.problems.push(`the grant paid ${got} wei instead of ${GRANT}`);
  }

  /** What a device's own points earned in every final epoch: its part of the budget in the order of the entries. */
  async earningsOf(device: Device): Promise<Earning[]> {
    const { c, committee } = this;
    const node = committee.alive[0];
    if (node === undefined) throw new Error("no node is alive to ask for entries");
    const earnings: Earning[] = [];
    const last = Number(await c.settlement.finalEpochOf(device.subNetwork));
    for (let epoch = 1; epoch <= last; epoch++) {
      const served = parseSettlement(node.url, await askNode(node.url, `settlements/${device.subNetwork}/${epoch}`));
      const budget = await c.emissions.budgetOf(device.subNetwork, epoch);
      earnings.push({ epoch, amount: shareOf(served.entries, device.id, budget).amount });
    }
    return earnings;
  }

  async killNodes(count: number): Promise<void> {
    if (count === 0) return;
    await this.committee.kill(count);
    this.killed = count;
    this.progress.step(`killed ${count} of ${NODES} nodes (SIGKILL)`);
  }

  async clock(): Promise<{ genesis: number; length: number }> {
    const { settlement } = this.c;
    return { genesis: Number(await settlement.epochGenesis()), length: Number(await settlement.epochLength()) };
  }

  /** Every figure from its own reads of the chain and of the nodes' databases. */
  async result(): Promise<RunResult> {
    const { c, chain } = this;
    await this.readSplit();
    const reported = await c.settlement.queryFilter(c.settlement.filters.SettlementReported);
    const reports = await Promise.all(
      reported.map(async (log): Promise<Report> => {
        const receipt = await log.getTransactionReceipt();
        const tx = await log.getTransaction();
        const { signatures } = c.forwarder.interface.decodeFunctionData("report", tx.data) as unknown as {
          signatures: string[];
        };
        const [subNetwork, epoch] = [Number(log.args.subNetwork), Number(log.args.epoch)];
        return { epoch, subNetwork, signatures: signatures.length, gasUsed: receipt.gasUsed, tx: receipt.hash };
      }),
    );
    const finals = await c.settlement.queryFilter(c.settlement.filters.SettlementFinalised);
    const perEpoch = new Map<bigint, number>();
    for (const log of finals) perEpoch.set(log.args.epoch, (perEpoch.get(log.args.epoch) ?? 0) + 1);
    const subNetworks = Number(await c.emissions.subNetworkCount());

    const rejections = await this.committee.rejections();
    const rejected = Object.fromEntries(CHEATS.map((cheat) => [cheat, rejections.get(REASON[cheat]) ?? 0])) as Record<
      Cheat,
      number
    >;
    const cheatPayouts = Object.fromEntries(
      await Promise.all(
        this.people.cheats.map(async (p): Promise<[string, bigint]> => [p.name, await c.token.balanceOf(p.address)]),
      ),
    );
    const minted = await c.credits.queryFilter(c.credits.filters.CreditsMinted);
    const money = await auditMoney(c);
    return {
      devices: (await c.devices.queryFilter(c.devices.filters.DeviceOnboarded)).length,
      operators: (await c.staking.queryFilter(c.staking.filters.OperatorCreated)).length,
      epochsSettled: [...perEpoch.values()].filter((count) => count === subNetworks).length,
      nodes: this.committee.nodes.map(({ process, db }) => ({ pid: process.child.pid, db })),
      reports,
      ...money,
      ...this.life.result,
      creditsMinted: minted.reduce((sum, log) => sum + log.args.credits, 0n),
      tokensBurned: minted.reduce((sum, log) => sum + log.args.tokens, 0n),
      creditsSpent: await c.credits.totalSpent(),
      claims: this.claimed,
      proposal: this.proposal,
      grant: this.grant,
      split: this.split,
      rejected,
      cheatPayouts,
      killed: this.killed,
      problems: this.problems,
      rpc: chain.rpcUrl,
      deploymentFile: this.deployed.file,
    };
  }
}

const FINAL = 2n;

/** The nodes' reason for each kind of cheat. */
const REASON: Readonly<Record<Cheat, string>> = {
  forgedSignature: "FORGED_SIGNATURE",
  replayedCounter: "REPLAYED_COUNTER",
  unregisteredDevice: "UNKNOWN_DEVICE",
  clonedKey: "CLONED_KEY",
};

/** Parts of `whole` by `shares`: ⌊B·C(i+1)/T⌋ − ⌊B·C(i)/T⌋ with prefix sums C. */
export function portions(whole: bigint, shares: readonly bigint[]): bigint[] {
  const total = shares.reduce((sum, share) => sum + share, 0n);
  let before = 0n;
  return shares.map((share) => {
    const after = before + share;
    const part = (whole * after) / total - (whole * before) / total;
    before = after;
    return part;
  });
}

/** The demonstration: three or more epochs, a customer, a vote, a grant; with nodes killed in epoch 2 on demand. */
export async function runNetwork(
  options: RunOptions,
  progress: Progress,
): Promise<{ network: Network; result: RunResult }> {
  const network = await Network.launch(options, progress);
  await network.setUp();
  const lives = options.epochs >= 3 && options.killNodes < 2; // a sale, a recovery and a dispute take three epochs
  if (lives) await network.life.at(0);
  let settling = true;
  for (let epoch = 1; epoch <= options.epochs && settling; epoch++) {
    progress.step(`epoch ${epoch}: devices prove`);
    await network.proveEpoch(epoch, async () => {
      if (epoch === 1) {
        await lockTokens(network.c, network.people);
        progress.step("a customer buys credits and spends them");
        await network.buyCredits(network.people.customer, 2_000_000n);
        await (await network.c.credits.connect(network.people.customer.signer).spend(1, 1_500_000n)).wait();
      }
      if (lives) await network.life.at(epoch);
      if (epoch === 2) {
        progress.step("the DAO votes on the bucket split");
        await network.voteSplit();
        await network.killNodes(options.killNodes);
      }
    });
    settling = await network.settleEpoch(epoch);
    if (!settling) {
      const needed = 2 * network.committee.f + 1;
      const alive = network.committee.alive.length;
      network.problems.push(
        alive < needed
          ? `epoch ${epoch} did not settle: ${alive} of ${NODES} nodes are alive, ${needed} must prepare a set of proofs`
          : `epoch ${epoch} did not settle within ${SETTLE_SECONDS} s`,
      );
    }
    await network.claimAll(await termOf(network, epoch));
  }
  if (settling) {
    progress.step("the treasury pays a grant by vote");
    await network.voteGrant();
    if (lives) await network.life.settle();
  }
  const result = await network.result();
  check(network, result);
  return { network, result: { ...result, problems: network.problems } };
}

async function termOf(network: Network, epoch: number): Promise<number> {
  return Math.floor(epoch / Number(await network.c.settlement.termLength()));
}

/** What must hold at the end of a run; what does not is a problem, and the run fails. */
function check(network: Network, r: RunResult): void {
  const { options, problems } = network;
  const want = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  want(r.conserved, `minted ${r.minted} ≠ paid ${r.paid} + held ${r.held}`);
  for (const [name, payout] of Object.entries(r.cheatPayouts)) want(payout === 0n, `${name} was paid ${payout}`);
  for (const cheat of CHEATS) want(r.rejected[cheat] > 0, `no node refused a ${cheat}`);
  if (options.killNodes >= 2) return;
  want(r.epochsSettled >= options.epochs, `${r.epochsSettled} of ${options.epochs} epochs settled`);
  want(r.proposal?.state === "Executed", "the proposal was not executed");
  want(r.split?.exact === true, "the budgets are not the voted split");
}
