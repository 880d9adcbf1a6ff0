import { expect } from "chai";
import { ethers } from "hardhat";

const MAX_EPOCH = 2n ** 32n - 1n;

describe("HalvingCurve", () => {
  const deploy = (initial: bigint, period: bigint) => ethers.deployContract("HalvingCurve", [initial, period]);

  it("reverts for an initial amount or a period of zero", async () => {
    const curve = await deploy(1n, 1n);
    for (const [initial, period] of [
      [0n, 1n],
      [1n, 0n],
    ] as const) {
      await expect(deploy(initial, period)).to.be.revertedWithCustomError(curve, "HalvingCurveZeroArgument");
    }
  });

  it("[golden] is Helium's HIP-20: 5,000,000 a month, halved every 24 months", async () => {
    // HIP-20: 5,000,000 HNT a month from August 2019, 2,500,000 from August 2021, 1,250,000 from August 2023.
    const curve = await deploy(ethers.parseEther("5000000"), 24n);
    const months = [0, 23, 24, 47, 48, 71, 72];
    const expected = ["5000000", "5000000", "2500000", "2500000", "1250000", "1250000", "625000"];
    expect(await Promise.all(months.map((month) => curve.emission(month)))).to.deep.equal(
      expected.map((amount) => ethers.parseEther(amount)),
    );
  });

  it("halves at the very epoch, rounds down, and ends at 0", async () => {
    const initial = 2n ** 256n - 1n;
    const curve = await deploy(initial, 3n);
    for (const epoch of [0n, 2n, 3n, 5n, 6n, 764n, 765n, 767n, 768n, 769n, MAX_EPOCH]) {
      expect(await curve.emission(epoch)).to.equal(initial >> (epoch / 3n));
    }
    expect(await curve.emission(767)).to.equal(1n);
    expect(await curve.emission(768)).to.equal(0n);
  });

  it("emits less than twice initial × period in all", async () => {
    const [initial, period] = [1_000_003n, 2n];
    const curve = await deploy(initial, period);
    let sum = 0n;
    for (let k = 0n; k < 21n; k++) sum += period * (await curve.emission(k * period));
    expect(await curve.emission(21n * period)).to.equal(0n);
    expect(sum).to.be.lessThan(2n * initial * period);
    expect(sum).to.be.greaterThan((19n * initial * period) / 10n);
  });
});
