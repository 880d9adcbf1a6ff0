// From a bare deployment to a network that can earn: makers licensed and models certified through the council's timelock,
// batches posted, operators staked, boxes onboarded and attached.
import { id, MaxUint256, parseEther, ZeroHash } from "ethers";
import { batchLeaf, encodeOnboarding, MerkleTree } from "../../oracle/codec";
import type { Contracts } from "../lib/deployment";
import { type Box, signForChain } from "./boxes";
import type { DevChain } from "./chain";
import type { People, Person } from "./people";

export const MODEL_BOND = parseEther("100");
const MAKER_BOND = parseEther("10000");
const VOTER_TOKENS = parseEther("20000000");
const CUSTOMER_TOKENS = parseEther("100000");
const QUOTA = 100_000;

/** Most points a device of a category earns in an epoch, in the category's unit. */
const POINTS_CAP: Readonly<Record<number, bigint>> = {
  1: 10_000n, // frames
  2: 10_000_000_000n, // GFLOPS-minutes
  3: 1_000_000n, // bytes
  4: 10_000n, // metres
  5: 100_000n, // metres
  6: 200_000n, // Wh
};

export interface Device {
  readonly id: bigint;
  readonly box: Box;
  readonly owner: Person;
  readonly operatorId: bigint;
  /** Equal to the category here: sub-networks are created in the order of the categories. */
  readonly subNetwork: number;
}

/** A call for the timelock. */
export interface Call {
  readonly target: string;
  readonly data: string;
}

/** Schedules a batch through the council, waits the timelock's delay, and executes it. */
export async function actAsCouncil(
  chain: DevChain,
  c: Contracts,
  people: People,
  calls: readonly Call[],
  salt: string,
): Promise<void> {
  const council = c.council.connect(people.council.signer);
  const asked: [string[], bigint[], string[]] = [
    calls.map((call) => call.target),
    calls.map(() => 0n),
    calls.map((call) => call.data),
  ];
  await (await council.schedule(...asked, ZeroHash, id(salt))).wait();
  await chain.advance(Number(await c.timelock.getMinDelay()) + 1);
  const [targets, values, payloads] = await council.guardedBatch(...asked);
  const batch: [string[], bigint[], string[]] = [[...targets], [...values], [...payloads]];
  await (await c.timelock.connect(people.council.signer).executeBatch(...batch, ZeroHash, id(salt))).wait();
}

/** Tokens for everyone who needs them, from the bank's genesis allocation. */
export async function handOutTokens(c: Contracts, people: People): Promise<void> {
  const token = c.token.connect(people.bank.signer);
  const stake = MODEL_BOND * 10_000n;
  const sends: [Person, bigint][] = [
    ...people.operators.map((p): [Person, bigint] => [p, stake]),
    ...[...people.makers.values()].map((p): [Person, bigint] => [p, MAKER_BOND]),
    ...people.voters.map((p): [Person, bigint] => [p, VOTER_TOKENS]),
    [people.sponsor, CUSTOMER_TOKENS],
    [people.customer, CUSTOMER_TOKENS],
    [people.delegator, CUSTOMER_TOKENS],
    [people.accuser, (await c.disputes.kindOf(1)).bond],
  ];
  await inTurn(
    sends.map(
      ([person, amount]) =>
        () =>
          token.transfer(person.address, amount),
    ),
  );
}

/** Licences for the makers and certificates for every model of the fleet. Returns model ids by name. */
export async function licenseMakers(
  chain: DevChain,
  c: Contracts,
  people: People,
  boxes: readonly Box[],
): Promise<Map<string, bigint>> {
  const makers = await c.makers.getAddress();
  for (const maker of people.makers.values()) {
    await c.token.connect(maker.signer).approve(makers, MaxUint256);
    await (await c.makers.connect(maker.signer).postBond(MAKER_BOND)).wait();
  }
  const models = new Map(boxes.map(({ place }) => [place.model, place.category]));
  const call = (data: string): Call => ({ target: makers, data });
  const calls = [
    ...[...people.makers.values()].map((maker) =>
      call(c.makers.interface.encodeFunctionData("license", [maker.address, QUOTA])),
    ),
    ...[...models].map(([name, category]) =>
      call(
        c.makers.interface.encodeFunctionData("certifyModel", [
          makerOf(people, category).address,
          category,
          MODEL_BOND,
          POINTS_CAP[category] ?? 0n,
          0,
          name,
        ]),
      ),
    ),
  ];
  await actAsCouncil(chain, c, people, calls, "makers and models");
  return new Map([...models.keys()].map((name, i) => [name, BigInt(i + 1)]));
}

/** Who owns a box, and which operator backs it. */
export interface Assignment {
  readonly box: Box;
  readonly owner: Person;
  readonly operatorId: bigint;
}

/** Owners and operators take turns; every cheat owns its own box. Unregistered boxes have neither. */
export function assignBoxes(people: People, boxes: readonly Box[]): Assignment[] {
  const registered = boxes.filter((box) => box.cheat !== "unregisteredDevice");
  const cheats = registered.filter((box) => box.cheat !== undefined);
  return registered.map((box, i) => {
    const owner = box.cheat ? people.cheats[cheats.indexOf(box)] : people.owners[i % people.owners.length];
    if (owner === undefined) throw new Error(`nobody owns box ${i}`);
    return { box, owner, operatorId: BigInt((i % people.operators.length) + 1) };
  });
}

/** One operator a person, staked for many devices, accepting the owners whose boxes it will back. */
export async function createOperators(c: Contracts, people: People, assignments: readonly Assignment[]): Promise<void> {
  const staking = await c.staking.getAddress();
  for (const [i, operator] of people.operators.entries()) {
    const operatorId = BigInt(i + 1);
    const as = c.staking.connect(operator.signer);
    const mine = assignments.filter((a) => a.operatorId === operatorId);
    const owners = [...new Set(mine.map((a) => a.owner.address))];
    await inTurn([
      () => as.createOperator(),
      () => c.token.connect(operator.signer).approve(staking, MaxUint256),
      () => as.stake(operatorId, MODEL_BOND * 10_000n),
      ...owners.map((owner) => () => as.acceptOwner(operatorId, owner, true)),
      () => as.acceptOwner(operatorId, people.sponsor.address, true), // who pays for those owners
    ]);
  }
}

/**
 * Posts one batch a model and onboards every box whose key is in one. The sponsor pays fees and gas; the box's own
 * signature names its owner and operator.
 */
export async function onboardBoxes(
  chain: DevChain,
  c: Contracts,
  people: People,
  assignments: readonly Assignment[],
  models: ReadonlyMap<string, bigint>,
  progress: () => void,
): Promise<Device[]> {
  const registered = assignments.map((a) => a.box);
  const batches = new Map<string, { batchId: bigint; firstDeviceId: bigint; tree: MerkleTree; members: Box[] }>();
  for (const model of new Set(registered.map((box) => box.place.model))) {
    const members = registered.filter((box) => box.place.model === model);
    const tree = new MerkleTree(members.map((box) => batchLeaf(box.serialHash, box.keyHash)));
    const maker = makerOf(people, members[0]?.place.category ?? 0);
    const file = id(JSON.stringify(members.map((box) => [box.serialHash, box.keyHash])));
    await (
      await c.makers.connect(maker.signer).postBatch(models.get(model) ?? 0n, tree.root, members.length, file)
    ).wait();
    const batchId = BigInt(batches.size + 1);
    const { firstDeviceId } = await c.makers.batchOf(batchId);
    batches.set(model, { batchId, firstDeviceId, tree, members });
  }

  const registry = await c.devices.getAddress();
  const { chainId } = await chain.provider.getNetwork();
  const deadline = BigInt((await chain.now()) + 86_400);
  const devices = c.devices.connect(people.sponsor.signer);
  const onboarded: Device[] = [];
  for (const { box, owner, operatorId } of assignments) {
    const batch = batches.get(box.place.model);
    if (batch === undefined) throw new Error(`no batch of ${box.place.model}`);
    const subNetwork = box.place.category;
    const index = batch.members.indexOf(box);
    const nonce = batch.firstDeviceId + BigInt(index);
    const message = encodeOnboarding({
      chainId,
      registry,
      owner: owner.address,
      operatorId,
      subNetwork,
      nonce,
      deadline,
    });
    const tx = await devices.onboard({
      owner: owner.address,
      operatorId,
      subNetwork,
      batchId: batch.batchId,
      index,
      serialHash: box.serialHash,
      nonce,
      deadline,
      key: box.key,
      signature: signForChain(box.privateKey, message),
      proof: batch.tree.proof(index),
    });
    await tx.wait();
    onboarded.push({ id: await c.devices.deviceOfKey(box.keyHash), box, owner, operatorId, subNetwork });
    progress();
  }
  return onboarded;
}

function makerOf(people: People, category: number): Person {
  const maker = people.makers.get(category);
  if (maker === undefined) throw new Error(`no maker for category ${category}`);
  return maker;
}

/** Sends transactions one after the other: a chain that mines at once takes no nonce before its turn. */
async function inTurn(sends: readonly (() => Promise<{ wait(): Promise<unknown> }>)[]): Promise<void> {
  for (const send of sends) await (await send()).wait();
}
