// Where every minted token went, each figure from its own reads of the chain.
import { ZeroAddress } from "ethers";
import type { Contracts } from "./deployment";

export interface MoneyAudit {
  /** Σ Transfer from zero after the genesis list, in wei. */
  readonly minted: bigint;
  /** Σ Transfer out of the distributing contracts to anyone else, and rewards paid to stakers, in wei. */
  readonly paid: bigint;
  /** Σ balances of the distributing contracts, and of the staking contract without what is staked, in wei. */
  readonly held: bigint;
  /** What the genesis list gave to the distributing contracts, in wei. */
  readonly atGenesis: bigint;
  /** minted + atGenesis = paid + held. */
  readonly conserved: boolean;
}

/**
 * Checks that what was minted since genesis was either paid out by those who distribute it (RewardDistributor, the treasury,
 * OperatorStaking for stakers) or is still held by them. A wei that comes from elsewhere, or is missing, shows as a
 * difference. The staking contract holds stakes too: they are told apart by its own total.
 */
export async function auditMoney(
  c: Pick<Contracts, "token" | "distributor" | "timelock" | "staking">,
): Promise<MoneyAudit> {
  const { token, staking } = c;
  const distributing = await Promise.all([c.distributor, c.timelock].map((contract) => contract.getAddress()));
  const own = new Set([...distributing, await staking.getAddress()].map((address) => address.toLowerCase()));
  const isOwn = (address: string): boolean => own.has(address.toLowerCase());
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

  const genesis = await token.queryFilter(token.filters.GenesisAllocated);
  const genesisBlock = genesis.at(-1)?.blockNumber ?? 0;
  const mints = await token.queryFilter(token.filters.Transfer(ZeroAddress), genesisBlock + 1);
  const outs = await Promise.all(
    distributing.map((address) => token.queryFilter(token.filters.Transfer(address), genesisBlock)),
  );
  const balances = await Promise.all(distributing.map((address) => token.balanceOf(address)));
  const rewards = await staking.queryFilter(staking.filters.RewardsClaimed);
  const left = await staking.queryFilter(staking.filters.RetiredLeft);
  const unstaked = (await token.balanceOf(await staking.getAddress())) - (await staking.totalStaked());

  const minted = sum(mints.map((log) => log.args.value));
  const atGenesis = sum(genesis.filter((log) => isOwn(log.args.holder)).map((log) => log.args.amount));
  const gone = outs.flat().filter((log) => !isOwn(log.args.to));
  const paidToStakers = sum([...rewards.map((log) => log.args.amount), ...left.map((log) => log.args.rewards)]);
  const paid = sum(gone.map((log) => log.args.value)) + paidToStakers;
  const held = sum(balances) + unstaked;
  return { minted, paid, held, atGenesis, conserved: minted + atGenesis === paid + held };
}
