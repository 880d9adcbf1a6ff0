// Where every minted token went, each figure from its own reads of the chain.
import { type Provider, ZeroAddress } from "ethers";
import type { NetworkToken } from "../../typechain-types";

export interface MoneyAudit {
  /** Σ Transfer from zero after the genesis list, in wei. */
  readonly minted: bigint;
  /** Σ Transfer out of the distributing contracts to anyone else, in wei. */
  readonly paid: bigint;
  /** Σ balances of the distributing contracts, in wei. */
  readonly held: bigint;
  /** minted = paid + held. */
  readonly conserved: boolean;
}

/**
 * Checks that what was minted since genesis was either paid out by the distributing contracts or is still held by them.
 * The contracts must hold nothing at genesis; a wei that comes from elsewhere shows as a difference.
 */
export async function auditMoney(
  token: NetworkToken,
  distributing: readonly string[],
  genesisBlock: number,
): Promise<MoneyAudit> {
  const own = new Set(distributing.map((address) => address.toLowerCase()));
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

  const mints = await token.queryFilter(token.filters.Transfer(ZeroAddress), genesisBlock + 1);
  const outs = await Promise.all(
    distributing.map((address) => token.queryFilter(token.filters.Transfer(address), genesisBlock + 1)),
  );
  const balances = await Promise.all(distributing.map((address) => token.balanceOf(address)));

  const minted = sum(mints.map((log) => log.args.value));
  const paid = sum(
    outs
      .flat()
      .filter((log) => !own.has(log.args.to.toLowerCase()))
      .map((log) => log.args.value),
  );
  const held = sum(balances);
  return { minted, paid, held, conserved: minted === paid + held };
}

/** Block of a transaction, by its hash. */
export async function blockOf(provider: Provider, tx: string): Promise<number> {
  const receipt = await provider.getTransactionReceipt(tx);
  if (receipt === null) throw new Error(`no receipt of ${tx}`);
  return receipt.blockNumber;
}
