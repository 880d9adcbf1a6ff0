import { expect } from "chai";
import { generateKeyPairSync, sign } from "node:crypto";
import { ethers, network } from "hardhat";

const P256_PRECOMPILE = "0x0000000000000000000000000000000000000100";

/** What the precompile of RIP-7212 reads: hash, r, s, x, y. */
function signedByHardware(message: Buffer): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signature = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const { x, y } = publicKey.export({ format: "jwk" });
  if (!x || !y) throw new Error("no public key");
  return ethers.concat([ethers.sha256(message), signature, Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}

describe("Toolchain", () => {
  const hasPrecompile = (network.config as { hardfork?: string }).hardfork === "osaka";

  it("estimates gas below the cap of a transaction (EIP-7825)", async () => {
    const forwarder = await ethers.getContractFactory("KeystoneForwarder");
    const gas = await ethers.provider.estimateGas(await forwarder.getDeployTransaction());
    expect(gas).to.be.greaterThan(1_000_000n).and.lessThan(16_777_216n);
  });

  it("compiles the contracts of others that the suite uses as they are", async () => {
    const forwarder = await ethers.deployContract("KeystoneForwarder");
    expect(await forwarder.getFunction("typeAndVersion")()).to.equal("KeystoneForwarder 1.0.0");
    const feed = await ethers.deployContract("MockV3Aggregator", [8, 42n]);
    expect(await feed.getFunction("latestAnswer")()).to.equal(42n);
    for (const name of ["AccessManager", "TimelockController", "VestingWallet"]) {
      expect((await ethers.getContractFactory(name)).bytecode.length, name).to.be.greaterThan(2);
    }
  });

  it("has the P-256 precompile on osaka and lacks it before @p256", async () => {
    const data = signedByHardware(Buffer.from("groundwork"));
    const answer = await ethers.provider.call({ to: P256_PRECOMPILE, data });
    expect(answer).to.equal(hasPrecompile ? ethers.toBeHex(1, 32) : "0x");
    const forged = ethers.concat([ethers.id("another message"), ethers.dataSlice(data, 32)]);
    expect(await ethers.provider.call({ to: P256_PRECOMPILE, data: forged })).to.equal("0x");
  });
});
