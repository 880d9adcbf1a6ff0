// Names and interfaces of a deployment's contracts: from a name to an address and back.
import { getAddress, type Interface, isAddress } from "ethers";
import { UsageError } from "./errors";

export interface Known {
  readonly name: string;
  readonly address: string;
  readonly iface: Interface;
}

export class AddressBook {
  private readonly byName = new Map<string, Known>();
  private readonly byAddress = new Map<string, Known>();

  constructor(readonly entries: readonly Known[]) {
    for (const entry of entries) {
      this.byName.set(entry.name.toLowerCase(), entry);
      if (!this.byAddress.has(entry.address.toLowerCase())) this.byAddress.set(entry.address.toLowerCase(), entry);
    }
  }

  named(name: string): Known | undefined {
    return this.byName.get(name.toLowerCase());
  }

  at(address: string): Known | undefined {
    return this.byAddress.get(address.toLowerCase());
  }

  /** Name of a contract of the deployment, else the address. */
  label(address: string): string {
    return this.at(address)?.name ?? getAddress(address);
  }

  /** Address of a name or address. */
  addressOf(what: string, nameOrAddress: string): string {
    const text = nameOrAddress.trim();
    const known = this.named(text);
    if (known) return known.address;
    if (isAddress(text)) return getAddress(text);
    throw new UsageError(
      "UNKNOWN_TARGET",
      `${what}: "${text}" is neither an address nor a contract of this deployment (${this.entries.map((e) => e.name).join(", ")})`,
    );
  }
}
