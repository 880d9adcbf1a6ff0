// The people of the demonstration: wallets made from the run's seed, with ether for gas on the development chain.
import { id, type JsonRpcProvider, NonceManager, toQuantity, Wallet } from "ethers";

export interface Person {
  readonly name: string;
  readonly address: string;
  /** Counts its own nonces: transactions can follow each other without waiting. */
  readonly signer: NonceManager;
  readonly privateKey: string;
}

export const OWNERS = 12;
export const OPERATORS = 6;

export interface People {
  readonly deployer: Person;
  readonly bank: Person;
  readonly council: Person;
  readonly guardian: Person;
  readonly sponsor: Person;
  readonly customer: Person;
  readonly voters: readonly Person[];
  readonly grantee: Person;
  /** Buys a device; gets one back after a lost wallet; accuses falsely; finds a cheat; delegates. */
  readonly buyer: Person;
  readonly heir: Person;
  readonly accuser: Person;
  readonly finder: Person;
  readonly delegator: Person;
  readonly makers: ReadonlyMap<number, Person>;
  readonly operators: readonly Person[];
  readonly owners: readonly Person[];
  readonly cheats: readonly Person[];
  readonly signers: readonly Person[];
  readonly transmitters: readonly Person[];
}

export function makePeople(seed: string, provider: JsonRpcProvider, counts: { cheats: number; nodes: number }): People {
  const person = (name: string): Person => {
    const privateKey = id(`groundwork demonstration/${seed}/${name}`);
    const wallet = new Wallet(privateKey, provider);
    return { name, address: wallet.address, signer: new NonceManager(wallet), privateKey };
  };
  const people = (name: string, count: number): Person[] =>
    Array.from({ length: count }, (_, i) => person(`${name} ${i + 1}`));
  return {
    deployer: person("deployer"),
    bank: person("bank"),
    council: person("council"),
    guardian: person("guardian"),
    sponsor: person("sponsor"),
    customer: person("customer"),
    voters: people("voter", 3),
    grantee: person("grantee"),
    buyer: person("buyer"),
    heir: person("heir"),
    accuser: person("accuser"),
    finder: person("finder"),
    delegator: person("delegator"),
    makers: new Map([1, 2, 3, 4, 5, 6].map((category) => [category, person(`maker ${category}`)])),
    operators: people("operator", OPERATORS),
    owners: people("owner", OWNERS),
    cheats: people("cheat", counts.cheats),
    signers: people("signer", counts.nodes),
    transmitters: people("transmitter", counts.nodes),
  };
}

/** Gives everyone who sends transactions ether for gas. */
export async function fundGas(people: People, provider: JsonRpcProvider): Promise<void> {
  const { deployer, bank, council, guardian, sponsor, customer, voters, grantee } = people;
  const { buyer, heir, accuser, finder, delegator } = people;
  const all = [deployer, bank, council, guardian, sponsor, customer, grantee, ...voters, ...people.makers.values()];
  const more = [
    buyer,
    heir,
    accuser,
    finder,
    delegator,
    ...people.operators,
    ...people.owners,
    ...people.cheats,
    ...people.transmitters,
  ];
  const balance = toQuantity(10n ** 21n);
  await Promise.all([...all, ...more].map(({ address }) => provider.send("hardhat_setBalance", [address, balance])));
}
