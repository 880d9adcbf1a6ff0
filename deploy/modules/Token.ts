// The token with its genesis list, the credits, and what prices them.
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { type Parameters, TREASURY } from "../parameters";
import type { AuthorityModule } from "./Authority";

export const tokenModule = (p: Parameters, authority: AuthorityModule) =>
  buildModule("Token", (m) => {
    const { genesis, manager, timelock } = m.useModule(authority);
    const epochGenesis = m.staticCall(genesis, "epochGenesis");
    const allocations = p.token.genesis.map((line) => ({
      ...line,
      beneficiary: line.beneficiary === TREASURY ? timelock : line.beneficiary,
    }));
    const token = m.contract("NetworkToken", [manager, p.token.name, p.token.symbol, p.token.cap, allocations]);
    const credits = m.contract("DataCredits", [manager, token, epochGenesis, p.epochs.length, p.maxPause]);
    const priceGuard = m.contract("PriceGuard", [
      manager,
      p.price.averageWindow,
      p.price.bootstrapEnd,
      { minE8: p.price.minE8, maxE8: p.price.maxE8, maxDeviationBps: p.price.maxDeviationBps },
    ]);
    const priceFeed = m.contract("NetworkPriceFeed", [
      manager,
      epochGenesis,
      p.epochs.length,
      p.price.maxStepBps,
      2 * p.committee.f + 1,
      p.price.description,
    ]);
    return { token, credits, priceGuard, priceFeed };
  });

export type TokenModule = ReturnType<typeof tokenModule>;
