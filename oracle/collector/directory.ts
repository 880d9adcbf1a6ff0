// What the collector asks the chain about a device, remembered. All that decides an epoch is fixed when it begins
// (docs/accounting.md §1), so a positive answer stays true for that epoch. Negative answers are asked again.
import type { Chain, SubNetwork } from "../chain";
import type { Hex } from "../codec";

const MAX_REMEMBERED = 50_000;

export class Directory {
  private readonly devices = new Map<string, bigint>();
  private readonly backed = new Set<string>();
  private subNetworks = new Map<number, SubNetwork>();

  constructor(private readonly chain: Pick<Chain, "deviceOfKeyAt" | "isBackedAt" | "subNetworks">) {}

  async deviceOfKeyAt(keyHash: Hex, epoch: number): Promise<bigint> {
    const slot = `${keyHash}:${epoch}`;
    const known = this.devices.get(slot);
    if (known !== undefined) return known;
    const device = await this.chain.deviceOfKeyAt(keyHash, epoch);
    if (device !== 0n) {
      if (this.devices.size >= MAX_REMEMBERED) this.devices.clear();
      this.devices.set(slot, device);
    }
    return device;
  }

  async isBackedAt(deviceId: bigint, subNetwork: number, epoch: number): Promise<boolean> {
    const slot = `${deviceId}:${subNetwork}:${epoch}`;
    if (this.backed.has(slot)) return true;
    const backed = await this.chain.isBackedAt(deviceId, subNetwork, epoch);
    if (backed) {
      if (this.backed.size >= MAX_REMEMBERED) this.backed.clear();
      this.backed.add(slot);
    }
    return backed;
  }

  /** Category of a sub-network, which never changes; undefined where there is no such sub-network. */
  async categoryOf(subNetwork: number): Promise<number | undefined> {
    if (!this.subNetworks.has(subNetwork)) await this.refresh();
    return this.subNetworks.get(subNetwork)?.category;
  }

  async refresh(): Promise<readonly SubNetwork[]> {
    const all = await this.chain.subNetworks();
    this.subNetworks = new Map(all.map((s) => [s.id, s]));
    return all;
  }
}
