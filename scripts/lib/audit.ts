// Where every minted token went, each figure from its own reads of the chain.
import { ZeroAddress } from "ethers";
import type { NetworkToken } from "../../typechain-types";

export interface MoneyAudit {
  /** Σ Transfer from zero after the genesis list, in wei. */
  readonly minted: bigint;
  /** Σ Transfer out of the distributing contracts to anyone else, in wei. */
  readonly paid: bigint;
  /** Σ balances of the distributing contracts, in wei. */
  readonly held: bigint;
  /** What the genesis list gave to the distributing contracts, in wei. */
  readonly atGenesis: bigint;
  /** minted + atGenesis = paid + held. */
  readonly conserved: boolean;
}

/**
 * Checks that what was minted since genesis was either paid out by the distributing contracts (RewardDistributor and the
 * treasury) or is still held by them. A wei that comes from elsewhere, or is missing, shows as a difference.
 */
export async function auditMoney(token: NetworkToken, distributing: readonly string[]): Promise<MoneyAudit> {
  const own = new Set(distributing.map((address) => address.toLowerCase()));
  const isOwn = (address: string): boolean => own.has(address.toLowerCase());
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

  const genesis = await token.queryFilter(token.filters.GenesisAllocated);
  const genesisBlock = genesis.at(-1)?.blockNumber ?? 0;
  const mints = await token.queryFilter(token.filters.Transfer(ZeroAddress), genesisBlock + 1);
  const outs = await Promise.all(
    distributing.map((address) => token.queryFilter(token.filters.Transfer(address), genesisBlock)),
  );
  const balances = await Promise.all(distributing.map((address) => token.balanceOf(address)));

  const minted = sum(mints.map((log) => log.args.value));
  const atGenesis = sum(genesis.filter((log) => isOwn(log.args.holder)).map((log) => log.args.amount));
  const gone = outs.flat().filter((log) => !isOwn(log.args.to));
  const paid = sum(gone.map((log) => log.args.value));
  const held = sum(balances);
  return { minted, paid, held, atGenesis, conserved: minted + atGenesis === paid + held };
}
