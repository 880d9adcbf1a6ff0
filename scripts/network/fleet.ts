// The fleet of a run: every box signs its readings and sends them to one node. Some boxes cheat; no node is told which.
import { makeProof, type SendResult, sendProof } from "../../oracle/client/client";
import { CATEGORIES } from "../../oracle/scoring";
import { type FleetSource, openSources } from "../fleet/sources";
import { type Box, newKey } from "./boxes";
import type { Committee } from "./nodes";
import type { Device } from "./setup";

/** Readings a device sends in an epoch. */
export const READINGS = 2;
const AT_ONCE = 16;

export class Fleet {
  private readonly counters = new Map<bigint, bigint>();
  private readonly meters = new Map<bigint, bigint>();
  /** Last proof of every honest device: what a cheat on the line could capture. */
  private readonly sent = new Map<bigint, ReturnType<typeof makeProof>>();
  /** What nodes answered, by code; "ACCEPTED" for what they took. */
  readonly answers = new Map<string, number>();

  private constructor(
    private readonly chainId: bigint,
    private readonly registry: string,
    private readonly devices: readonly Device[],
    private readonly outsiders: readonly Box[],
    private readonly source: FleetSource,
  ) {}

  static async open(
    chainId: bigint,
    registry: string,
    devices: readonly Device[],
    boxes: readonly Box[],
  ): Promise<Fleet> {
    const source = await openSources(
      boxes.map((box) => box.place),
      { readingsPerEpoch: READINGS },
    );
    const outsiders = boxes.filter((box) => box.cheat === "unregisteredDevice");
    return new Fleet(chainId, registry, devices, outsiders, source);
  }

  /** Reading `n` of `epoch` of every box, with the chain's `time`. */
  async send(committee: Committee, epoch: number, n: number, time: number): Promise<void> {
    const jobs = [
      ...this.devices.map((device) => () => this.sendOne(committee, device, epoch, n, time)),
      ...this.outsiders.map((box) => () => this.sendUnregistered(committee, box, epoch, n, time)),
    ];
    const worker = async (): Promise<void> => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async sendOne(committee: Committee, device: Device, epoch: number, n: number, time: number): Promise<void> {
    const { cheat } = device.box;
    const home = homeOf(device);
    const urls = committee.urlsFor(home);
    const proof = this.proof(device, epoch, n, time);
    if (cheat === "forgedSignature") {
      // The box's secure element is gone: another key signs under the registered one's name.
      const forged = this.proof({ ...device, box: { ...device.box, privateKey: newKey().privateKey } }, epoch, n, time);
      return this.note(await sendProof(urls, { ...forged, key: proof.key }));
    }
    if (cheat === "replayedCounter") {
      // Sends what an honest neighbour sent, word for word: to its own node, which may not have it yet and then merely
      // passes it on, and to the neighbour's, which has it.
      const victim = this.devices.find((d) => d.subNetwork === device.subNetwork && d.box.cheat === undefined);
      const captured = victim && this.sent.get(victim.id);
      if (victim === undefined || captured === undefined) return;
      this.note(await sendProof(urls, captured));
      return this.note(await sendProof(committee.urlsFor(homeOf(victim)), captured));
    }
    if (cheat === "clonedKey") {
      // A second box with a copy of the key, another reading under the same counter, at another node.
      const copy = this.proof(device, epoch, n, time + 1, false);
      this.note(await sendProof(urls, proof));
      return this.note(await sendProof(committee.urlsFor(home + 1), copy));
    }
    this.note(await sendProof(urls, proof));
    this.sent.set(device.id, proof);
  }

  /** A box that no maker posted feeds the registered device of another cheat, whose payee would be paid. */
  private async sendUnregistered(
    committee: Committee,
    box: Box,
    epoch: number,
    n: number,
    time: number,
  ): Promise<void> {
    const accomplice = this.devices.find((device) => device.box.cheat === "replayedCounter");
    if (accomplice === undefined) return;
    const { privateKey, key, keyHash } = box;
    const pretended: Device = { ...accomplice, box: { ...accomplice.box, privateKey, key, keyHash } };
    this.note(await sendProof(committee.urlsFor(n), this.proof(pretended, epoch, n, time)));
  }

  /** What the device's sensors say in this epoch. */
  reading(device: Device, epoch: number, n: number): ReturnType<FleetSource["readingFor"]> {
    return this.source.readingFor(device.box.place.index, epoch, n);
  }

  /** A signed reading; `fresh` moves the box's counter and meter on. */
  private proof(device: Device, epoch: number, n: number, time: number, fresh = true): ReturnType<typeof makeProof> {
    const reading = this.reading(device, epoch, n);
    const counter = (this.counters.get(device.id) ?? 0n) + (fresh ? 1n : 0n);
    const meter = (this.meters.get(device.id) ?? 0n) + (fresh ? reading.units : 0n);
    if (fresh) {
      this.counters.set(device.id, counter);
      this.meters.set(device.id, meter);
    }
    return makeProof(
      { chainId: this.chainId, registry: this.registry, deviceId: device.id, key: device.box.privateKey },
      {
        subNetwork: device.subNetwork,
        epoch,
        counter,
        time: BigInt(time),
        latE7: reading.latE7,
        lonE7: reading.lonE7,
        meter,
        payload: reading.payload,
      },
    );
  }

  private note(result: SendResult): void {
    const code = result.accepted ? "ACCEPTED" : result.code;
    this.answers.set(code, (this.answers.get(code) ?? 0) + 1);
  }
}

/** The node a device sends to: the devices of each sub-network are spread over all nodes. */
function homeOf({ box }: Device): number {
  return Math.floor(box.place.index / CATEGORIES.length) + box.place.index;
}
