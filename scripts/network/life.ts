// What happens to devices and stakes in a network's life, each step with the amounts that prove it: a device is sold, a lost
// wallet recovered, a cheat slashed, a false accuser pays, a delegator earns and leaves.
import { id, parseEther } from "ethers";
import { encodeLife, LIFE_PURPOSES } from "../../oracle/codec";
import { deviceEvidence, EVIDENCE_KINDS, REASON_CODES } from "../../oracle/evidence";
import type { Network } from "./run";
import { signForChain } from "./boxes";
import type { Device } from "./setup";

const DELEGATED = parseEther("50000");
const DENIAL = 1;

/** A device sold in two steps: what it earned in the epoch of the sale is the seller's, from the next on the buyer's. */
export interface Sold {
  readonly device: bigint;
  readonly seller: string;
  readonly buyer: string;
  readonly epoch: number;
  readonly tx: string;
  readonly payees: { readonly ofTheSale: string; readonly ofTheNext: string };
  /** What the seller and the buyer were paid for the device, in wei. */
  readonly earned: { readonly seller: bigint; readonly buyer: bigint };
}

export interface Recovered {
  readonly device: bigint;
  readonly lost: string;
  readonly owner: string;
  readonly requestTx: string;
  readonly tx: string;
}

export interface Slashed {
  readonly device: bigint;
  readonly operator: bigint;
  readonly bond: bigint;
  readonly amount: bigint;
  readonly bounty: bigint;
  readonly burned: bigint;
  readonly tx: string;
}

export interface Accusation {
  readonly device: bigint;
  readonly accuser: string;
  readonly accused: string;
  readonly upheld: boolean;
  /** The accuser's bond, which the accused got. */
  readonly bond: bigint;
  /** What the device earned while it was accused: held, then released to its payee. */
  readonly held: bigint;
  readonly released: bigint;
  readonly openTx: string;
  readonly tx: string;
}

export interface Delegator {
  readonly operator: bigint;
  readonly delegated: bigint;
  readonly earned: bigint;
  readonly returned: bigint;
  readonly delegateTx: string;
  readonly claimTx: string;
  readonly tx: string;
}

export interface LifeResult {
  readonly sold: Sold | null;
  readonly recovered: Recovered | null;
  readonly slashed: Slashed | null;
  readonly accusation: Accusation | null;
  readonly delegator: Delegator | null;
}

/** The steps in the order of a run of three epochs. The devices are the first of four owners: none of them a cheat. */
export class Life {
  private sold: Sold | null = null;
  private recovered: Recovered | null = null;
  private slashed: Slashed | null = null;
  private accusation: Accusation | null = null;
  private delegator: Delegator | null = null;
  private caseId = 0n;

  constructor(private readonly network: Network) {}

  get result(): LifeResult {
    const { sold, recovered, slashed, accusation, delegator } = this;
    return { sold, recovered, slashed, accusation, delegator };
  }

  /** What is done between the two readings of an epoch; of epoch 0, once every box is onboarded. */
  async at(epoch: number): Promise<void> {
    if (epoch === 0) await this.requestRecovery();
    else if (epoch === 1) await this.begin();
    else if (epoch === 2) await this.middle(epoch);
    else if (epoch === 3) await this.end();
  }

  /** Epoch 1: requests that need time, and the cheat that both messages give away. */
  private async begin(): Promise<void> {
    const { progress } = this.network;
    progress.step("a delegator delegates; a competitor accuses a device");
    await this.delegate();
    await this.accuse();
    progress.step("somebody shows two messages of a cloned key: its operator is slashed");
    await this.slash();
  }

  /** Epoch 2: the sale, and the end of the accusation. */
  private async middle(epoch: number): Promise<void> {
    const { progress } = this.network;
    progress.step("a device is sold: offered, accepted with the box in hand; the accusation ends");
    await this.sell(epoch);
    await this.resolve();
    await this.distribute();
  }

  /** Epoch 3: what had to wait is due. */
  private async end(): Promise<void> {
    await this.completeRecovery();
    await this.distribute();
  }

  /** After the last claims: held rewards are released, the delegator takes what it earned and leaves. */
  async settle(): Promise<void> {
    this.network.progress.step("held rewards are released; the delegator claims and leaves");
    await this.release();
    await this.readSale();
    await this.leave();
  }

  // ------------------------------------------------------------------------------------------------------------- sale

  private async sell(epoch: number): Promise<void> {
    const { c, people } = this.network;
    const device = this.deviceOf(0);
    const { buyer } = people;
    const deadline = await this.deadline();
    const version = await c.devices.versionOf(device.id);
    const { chainId } = await this.network.chain.provider.getNetwork();
    const domain = {
      name: "Groundwork devices",
      version: "1",
      chainId,
      verifyingContract: await c.devices.getAddress(),
    };
    const types = {
      Offer: [
        { name: "deviceId", type: "uint64" },
        { name: "to", type: "address" },
        { name: "version", type: "uint64" },
        { name: "deadline", type: "uint64" },
      ],
    };
    const offer = { deviceId: device.id, to: buyer.address, version, deadline };
    const consent = await device.owner.signer.signTypedData(domain, types, offer);
    const signature = await this.signLife(device, LIFE_PURPOSES.accept, buyer.address, deadline);
    const tx = await c.devices.connect(buyer.signer).accept(device.id, deadline, consent, device.box.key, signature);
    await tx.wait();
    this.sold = {
      device: device.id,
      seller: device.owner.address,
      buyer: buyer.address,
      epoch,
      tx: tx.hash,
      payees: {
        ofTheSale: await c.devices.payeeAt(device.id, epoch),
        ofTheNext: await c.devices.payeeAt(device.id, epoch + 1),
      },
      earned: { seller: 0n, buyer: 0n },
    };
    this.want(
      this.sold.payees.ofTheSale === device.owner.address,
      "the seller is not the payee of the epoch of the sale",
    );
    this.want(this.sold.payees.ofTheNext === buyer.address, "the buyer is not the payee of the epoch after the sale");
  }

  /** The buyer owns one device only: all that it was paid is that device's. */
  private async readSale(): Promise<void> {
    if (this.sold === null) return;
    const { c } = this.network;
    const buyer = await c.token.balanceOf(this.sold.buyer);
    const earnings = await this.network.earningsOf(this.deviceOf(0));
    const seller = earnings.find((e) => e.epoch === this.sold?.epoch)?.amount ?? 0n;
    const after = earnings.filter((e) => e.epoch > (this.sold?.epoch ?? 0)).reduce((sum, e) => sum + e.amount, 0n);
    this.sold = { ...this.sold, earned: { seller, buyer } };
    this.want(seller > 0n, "the sold device earned nothing in the epoch of the sale");
    this.want(
      buyer === after && buyer > 0n,
      `the buyer was paid ${buyer} wei, the device earned ${after} after the sale`,
    );
  }

  // --------------------------------------------------------------------------------------------------------- recovery

  private async requestRecovery(): Promise<void> {
    const { c, people, progress } = this.network;
    progress.step("a wallet is lost: its box names a new owner");
    const device = this.deviceOf(1);
    const deadline = await this.deadline();
    const signature = await this.signLife(device, LIFE_PURPOSES.recover, people.heir.address, deadline);
    // Anyone may bring it: the owner's wallet is lost, and with it the ether for gas.
    const registry = c.devices.connect(people.sponsor.signer);
    const tx = await registry.requestRecovery(device.id, people.heir.address, deadline, device.box.key, signature);
    await tx.wait();
    this.recovered = {
      device: device.id,
      lost: device.owner.address,
      owner: device.owner.address,
      requestTx: tx.hash,
      tx: "",
    };
  }

  private async completeRecovery(): Promise<void> {
    if (this.recovered === null || this.recovered.tx !== "") return;
    const { c, people } = this.network;
    const tx = await c.devices.connect(people.sponsor.signer).completeRecovery(this.recovered.device);
    await tx.wait();
    const owner = await c.devices.ownerOf(this.recovered.device);
    this.recovered = { ...this.recovered, owner, tx: tx.hash };
    this.want(owner === people.heir.address, `the recovered device belongs to ${owner}`);
  }

  // ------------------------------------------------------------------------------------------------------------ slash

  private async slash(): Promise<void> {
    const { c, people, fleet } = this.network;
    const [first, second] = fleet.doubleSigned;
    if (first === undefined || second === undefined) {
      this.want(false, "no key signed two messages under one counter");
      return;
    }
    const evidence = deviceEvidence(first, second);
    const kind = EVIDENCE_KINDS.doubleSignedCounter;
    const supply = await c.token.totalSupply();
    const tx = await c.slasher.connect(people.finder.signer).submit(kind, evidence, people.finder.address);
    const receipt = await tx.wait();
    const log = receipt?.logs
      .flatMap((l) => c.slasher.interface.parseLog(l) ?? [])
      .find((l) => l.name === "DeviceSlashed");
    if (log === undefined) throw new Error("the slash has no event");
    const { deviceId, operatorId, subNetwork, epoch, slashed } = log.args as unknown as {
      deviceId: bigint;
      operatorId: bigint;
      subNetwork: bigint;
      epoch: bigint;
      slashed: bigint;
    };
    const { bond } = await c.staking.attachmentAt(deviceId, subNetwork, epoch);
    const bounty = await c.token.balanceOf(people.finder.address);
    const burned = supply - (await c.token.totalSupply());
    this.slashed = { device: deviceId, operator: operatorId, bond, amount: slashed, bounty, burned, tx: tx.hash };
    this.want(slashed > 0n && slashed <= bond, `slashed ${slashed} wei of a bond of ${bond}`);
    this.want(
      bounty * 10n <= slashed && bounty + burned === slashed,
      "the bounty and what was burned are not the slash",
    );
  }

  // ------------------------------------------------------------------------------------------------------- accusation

  private async accuse(): Promise<void> {
    const { c, people } = this.network;
    const device = this.deviceOf(2);
    const { bond } = await c.disputes.kindOf(DENIAL);
    await (await c.token.connect(people.accuser.signer).approve(await c.disputes.getAddress(), bond)).wait();
    const disputes = c.disputes.connect(people.accuser.signer);
    const epoch = await c.disputes.currentEpoch();
    const evidence = id("a screenshot of another map");
    const tx = await disputes.open(DENIAL, device.id, epoch, evidence, REASON_CODES.falseLocation);
    await tx.wait();
    this.caseId = await c.disputes.caseCount();
    const answer = c.disputes.connect(device.owner.signer).answer(this.caseId, id("photographs of the site"));
    await (await answer).wait();
    this.accusation = {
      device: device.id,
      accuser: people.accuser.address,
      accused: device.owner.address,
      upheld: false,
      bond,
      held: 0n,
      released: 0n,
      openTx: tx.hash,
      tx: "",
    };
  }

  private async resolve(): Promise<void> {
    if (this.accusation === null) return;
    const { c, people } = this.network;
    const { accused, bond } = this.accusation;
    const tx = await c.disputes.connect(people.sponsor.signer).resolve(this.caseId);
    await tx.wait();
    const before = await c.token.balanceOf(accused);
    await (await c.disputes.connect(people.sponsor.signer).withdraw(accused)).wait();
    const got = (await c.token.balanceOf(accused)) - before;
    const { status } = await c.disputes.caseOf(this.caseId);
    this.accusation = { ...this.accusation, upheld: status !== REJECTED, tx: tx.hash };
    this.want(got === bond, `the falsely accused got ${got} wei of the accuser's ${bond}`);
  }

  private async release(): Promise<void> {
    if (this.accusation === null) return;
    const { c, people } = this.network;
    const { device, accused } = this.accusation;
    const account = await c.holds.accountOf(device, this.caseId);
    const held = await c.token.balanceOf(account);
    const before = await c.token.balanceOf(accused);
    await (await c.holds.connect(people.sponsor.signer).settle(device, this.caseId, await c.token.getAddress())).wait();
    const released = (await c.token.balanceOf(accused)) - before;
    this.accusation = { ...this.accusation, held, released };
    this.want(held > 0n && released === held, `${held} wei were held, ${released} released`);
  }

  // -------------------------------------------------------------------------------------------------------- delegator

  private async delegate(): Promise<void> {
    const { c, people } = this.network;
    const operator = 1n;
    await (await c.token.connect(people.delegator.signer).approve(await c.staking.getAddress(), DELEGATED)).wait();
    const tx = await c.staking.connect(people.delegator.signer).delegate(operator, DELEGATED, 0n);
    await tx.wait();
    this.delegator = {
      operator,
      delegated: DELEGATED,
      earned: 0n,
      returned: 0n,
      delegateTx: tx.hash,
      claimTx: "",
      tx: "",
    };
  }

  /** Anyone may: the stakers' bucket goes to who has weight now. */
  private async distribute(): Promise<void> {
    const { c, people } = this.network;
    const staking = c.staking.connect(people.sponsor.signer);
    for (let operator = 1; operator <= people.operators.length; operator++) {
      await (await staking.refreshWeight(operator)).wait();
    }
    await (await staking.distribute()).wait();
  }

  private async leave(): Promise<void> {
    if (this.delegator === null) return;
    const { c, chain, people } = this.network;
    const { address, signer } = people.delegator;
    const { operator, delegated } = this.delegator;
    const staking = c.staking.connect(signer);
    const start = await c.token.balanceOf(address);
    const claim = await staking.claim(operator, address);
    await claim.wait();
    const earned = (await c.token.balanceOf(address)) - start;
    const { generation } = await c.staking.trancheOf(operator, false);
    const { shares } = await c.staking.delegationOf(operator, generation, address);
    const tx = await staking.undelegate(operator, shares);
    const receipt = await tx.wait();
    const log = receipt?.logs
      .flatMap((l) => c.staking.interface.parseLog(l) ?? [])
      .find((l) => l.name === "UnbondingRequested");
    const unbonding = log?.args.unbondingId as bigint;
    const { releaseAt } = await c.staking.unbondingOf(unbonding);
    await chain.advanceTo(Number(releaseAt) + 1);
    const before = await c.token.balanceOf(address);
    const release = await c.staking.connect(people.sponsor.signer).release(unbonding);
    await release.wait();
    const returned = (await c.token.balanceOf(address)) - before;
    this.delegator = { ...this.delegator, earned, returned, claimTx: claim.hash, tx: release.hash };
    this.want(earned > 0n, "the delegator earned nothing");
    // Its operator backs no cheat, or what it lost is the operator's own: the own bond pays first.
    this.want(returned === delegated, `the delegator delegated ${delegated} wei and got ${returned} back`);
  }

  // --------------------------------------------------------------------------------------------------------- together

  /** The first device of owner `n`. */
  private deviceOf(n: number): Device {
    const { devices, people } = this.network;
    const device = devices.find((d) => d.owner === people.owners[n]);
    if (device === undefined) throw new Error(`owner ${n} has no device`);
    return device;
  }

  private async signLife(device: Device, purpose: number, account: string, deadline: bigint) {
    const { c, chain } = this.network;
    const { chainId } = await chain.provider.getNetwork();
    const message = encodeLife({
      chainId,
      registry: await c.devices.getAddress(),
      purpose,
      deviceId: device.id,
      account,
      version: await c.devices.versionOf(device.id),
      deadline,
    });
    return signForChain(device.box.privateKey, message);
  }

  private async deadline(): Promise<bigint> {
    return BigInt((await this.network.chain.now()) + 86_400);
  }

  private want(holds: boolean, problem: string): void {
    if (!holds) this.network.problems.push(problem);
  }
}

const REJECTED = 4n;
