import { expect } from "chai";
import { getAddress } from "ethers";
import { makeProof, sendProof, signMessage } from "../../oracle/client/client";
import { type Hex, hex, ORDER, readUint, uint } from "../../oracle/codec";
import type { NodeConfig } from "../../oracle/config";
import { type FakeDevice, GENESIS, LENGTH, makeWorld, proofOfDevice, REGISTRY, type World } from "../helpers/oracle";

const bytes = (h: string): Buffer => Buffer.from(h.slice(2), "hex");

/** The same signature with the other s. */
function twin(signature: string): Hex {
  const raw = bytes(signature);
  const order = ORDER[1] ?? 0n;
  return hex(Buffer.concat([raw.subarray(0, 32), uint("s", order - readUint(raw, 32, 32), 32)]));
}

describe("oracle: the collector", () => {
  let world: World;
  let device: FakeDevice;
  let other: FakeDevice;

  async function start(change: Partial<NodeConfig> = {}): Promise<void> {
    world = await makeWorld(change);
    device = world.chain.addDevice({ id: 1n });
    other = world.chain.addDevice({ id: 2n, backedIn: new Set() });
    world.chain.mine(GENESIS + LENGTH + 20); // in epoch 1
  }

  beforeEach(() => start());
  afterEach(() => world.end());

  const post = async (
    body: unknown,
    node = 0,
  ): Promise<{ status: number; code?: string; detail?: string; hash?: string }> => {
    const response = await fetch(`${world.urls[node]}/proofs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const counts = () => world.nodes[0]!.store.rejectionCounts();

  async function refused(body: unknown, code: string, status = 422): Promise<void> {
    const before = await counts();
    const answer = await post(body);
    expect([answer.code, answer.status]).to.deep.equal([code, status]);
    expect(await counts()).to.deep.equal({ ...before, [code]: (before[code] ?? 0) + 1 });
    expect(await world.nodes[0]!.store.countProofs()).to.equal(0);
  }

  it("takes a proof and names it by its message hash", async () => {
    const answer = await post(proofOfDevice(device, 5));
    expect(answer.status).to.equal(201);
    const [stored] = await world.nodes[0]!.store.proofsOfDevice(1n, 1);
    expect(stored?.hash).to.equal(answer.hash);
    expect([stored?.units, stored?.origin]).to.deep.equal([5n, "device"]);
    expect(await counts()).to.deep.equal({});
  });

  it("takes a signature with a high s, stores the low one, and knows both as one proof", async () => {
    const proof = proofOfDevice(device, 5);
    const high = readUint(bytes(proof.signature), 32, 32) > ORDER[1]! / 2n ? proof.signature : twin(proof.signature);
    expect((await post({ ...proof, signature: high })).status).to.equal(201);
    const [stored] = await world.nodes[0]!.store.proofsOfDevice(1n, 1);
    expect(stored?.signature.s).to.equal(`0x${twin(high).slice(66)}`);
    expect((await post({ ...proof, signature: twin(high) })).code).to.equal("REPLAYED_COUNTER");
  });

  describe("refuses, in this order,", () => {
    it("MALFORMED: no JSON", () => refused("{", "MALFORMED", 400));
    it("MALFORMED: no fields", () => refused({}, "MALFORMED"));
    it("MALFORMED: a short message", () => refused({ ...proofOfDevice(device, 5), message: "0x00" }, "MALFORMED"));
    it("MALFORMED: a signature of 65 bytes", () =>
      refused({ ...proofOfDevice(device, 5), signature: `0x${"11".repeat(65)}` }, "MALFORMED"));
    it("MALFORMED: a key of another length", () =>
      refused({ ...proofOfDevice(device, 5), key: { type: 1, x: "0x11", y: "0x11" } }, "MALFORMED"));
    it("MALFORMED: a payload over 16 KiB", () =>
      refused({ ...proofOfDevice(device, 5), payload: Buffer.alloc(16_385).toString("base64") }, "MALFORMED"));
    it("BODY_TOO_LARGE: ten megabytes", () =>
      refused(JSON.stringify({ payload: "A".repeat(10_000_000) }), "BODY_TOO_LARGE", 413));

    const foreign = (chainId: bigint, registry: string) =>
      makeProof(
        { chainId, registry, deviceId: 1n, key: device.key },
        {
          subNetwork: 1,
          epoch: 1,
          counter: 1n,
          time: BigInt(GENESIS + LENGTH + 10),
          latE7: 0,
          lonE7: 0,
          meter: 0n,
          payload: Buffer.from("5"),
        },
      );
    it("WRONG_DOMAIN: another chain", () => refused(foreign(1n, REGISTRY), "WRONG_DOMAIN"));
    it("WRONG_DOMAIN: another registry", () =>
      refused(foreign(31337n, getAddress(`0x${"77".repeat(20)}`)), "WRONG_DOMAIN"));
    it("WRONG_DOMAIN: another tag", () => {
      const proof = proofOfDevice(device, 5);
      return refused({ ...proof, message: `0x00${proof.message.slice(4)}` }, "WRONG_DOMAIN");
    });

    it("UNKNOWN_DEVICE: a key that was never onboarded", () => {
      world.chain.owners.clear();
      return refused(proofOfDevice(device, 5), "UNKNOWN_DEVICE");
    });
    it("UNKNOWN_DEVICE: the key of another device", () =>
      refused(proofOfDevice({ ...other, id: 1n }, 5), "UNKNOWN_DEVICE"));

    it("FORGED_SIGNATURE: signed by another key", () => {
      const proof = proofOfDevice(device, 5);
      return refused({ ...proof, signature: signMessage(other.key, bytes(proof.message)) }, "FORGED_SIGNATURE");
    });
    it("FORGED_SIGNATURE: r = 0", () =>
      refused(
        { ...proofOfDevice(device, 5), signature: `0x${"00".repeat(32)}${"11".repeat(32)}` },
        "FORGED_SIGNATURE",
      ));
    it("FORGED_SIGNATURE: a message changed after signing", () => {
      const proof = proofOfDevice(device, 5);
      const changed = `${proof.message.slice(0, 2 + 2 * 55)}00000000000f4e55${proof.message.slice(2 + 2 * 63)}`;
      return refused({ ...proof, message: changed }, "FORGED_SIGNATURE");
    });

    it("STALE_EPOCH: an epoch over its grace", () => {
      world.chain.endEpoch(1, 50);
      return refused(proofOfDevice(device, 5), "STALE_EPOCH");
    });
    it("STALE_EPOCH: a time before the epoch", () =>
      refused(proofOfDevice(device, 5, { time: BigInt(GENESIS + LENGTH - 1) }), "STALE_EPOCH"));
    it("FUTURE_EPOCH: an epoch that has not begun", () =>
      refused(proofOfDevice(device, 5, { epoch: 2 }), "FUTURE_EPOCH"));
    it("FUTURE_EPOCH: a time beyond the tolerance", () =>
      refused(proofOfDevice(device, 5, { time: BigInt(GENESIS + LENGTH + 51) }), "FUTURE_EPOCH"));
    it("FUTURE_EPOCH: a time after the epoch", () =>
      refused(proofOfDevice(device, 5, { time: BigInt(GENESIS + 2 * LENGTH) }), "FUTURE_EPOCH"));

    it("PAYLOAD_HASH_MISMATCH: another payload than the signed one", () =>
      refused({ ...proofOfDevice(device, 5), payload: Buffer.from("6").toString("base64") }, "PAYLOAD_HASH_MISMATCH"));
    it("the decoder's own code", () => refused(proofOfDevice(device, "five"), "PAYLOAD_MALFORMED"));
    it("NOT_BACKED: no operator backs the device", () => refused(proofOfDevice(other, 5), "NOT_BACKED"));
    it("NOT_BACKED: no such sub-network", () => refused(proofOfDevice(device, 5, { subNetwork: 9 }), "NOT_BACKED"));
  });

  it("takes the just-ended epoch within the grace", async () => {
    world.chain.endEpoch(1, 49);
    expect((await post(proofOfDevice(device, 5))).status).to.equal(201);
  });

  it("refuses the same message again, and a counter that an earlier epoch has reached", async () => {
    const proof = proofOfDevice(device, 5, { counter: 9n });
    expect((await post(proof)).status).to.equal(201);
    expect(await post(proof)).to.include({ status: 409, code: "REPLAYED_COUNTER" });
    world.chain.mine(GENESIS + 2 * LENGTH + 20);
    expect((await post(proofOfDevice(device, 5, { epoch: 2, counter: 9n }))).code).to.equal("REPLAYED_COUNTER");
    expect((await post(proofOfDevice(device, 5, { epoch: 2, counter: 10n }))).status).to.equal(201);
    expect(await counts()).to.deep.equal({ REPLAYED_COUNTER: 2 });
  });

  it("takes two messages with one counter: they are the evidence of a cloned key", async () => {
    expect((await post(proofOfDevice(device, 5))).status).to.equal(201);
    expect((await post(proofOfDevice(device, 6))).status).to.equal(201);
    expect((await world.nodes[0]!.store.proofsOfDevice(1n, 1)).length).to.equal(2);
  });

  it("writes of a refusal who, what, when and why", async () => {
    await post(proofOfDevice(other, 5));
    const [row] = await world.nodes[0]!.store.rejectionsOf(2n, 1);
    expect(row).to.include({ reason: "NOT_BACKED", detail: "not backed in sub-network 1 in epoch 1" });
    expect(row?.messageHash).to.match(/^0x[0-9a-f]{64}$/);
  });

  it("shows of a device the cell of resolution 7, and neither place nor payload", async () => {
    await post(proofOfDevice(device, 54_321));
    const view = await (await fetch(`${world.urls[0]}/devices/1/1`)).text();
    expect(JSON.parse(view)).to.include({ device: "1", epoch: 1, cell: "8760145b4ffffff" });
    expect(view).not.to.match(/lat|lon|129719400|775936900|payload"|position/);
  });

  it("answers unknown pages and bad paths with a code", async () => {
    const get = async (path: string) => {
      const response = await fetch(world.urls[0] + path);
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    expect(await get("/nothing")).to.deep.equal([404, "NOT_FOUND"]);
    expect(await get("/settlements/1/x")).to.deep.equal([400, "MALFORMED"]);
    expect(await get("/settlements/1/1")).to.deep.equal([404, "NOT_SETTLED"]);
    expect(await get("/devices/-1/1")).to.deep.equal([400, "MALFORMED"]);
  });

  it("refuses requests that no member signed, without reading them", async () => {
    const response = await fetch(`${world.urls[0]}/peer/proofs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ proofs: [proofOfDevice(device, 5)] }),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).to.deep.equal([401, "NOT_A_MEMBER"]);
    expect(await world.nodes[0]!.store.countProofs()).to.equal(0);
  });

  it("lets a device go on to the next node when one is dead", async () => {
    await world.stop(0);
    const result = await sendProof([world.urls[0]!, world.urls[1]!], proofOfDevice(device, 5));
    expect(result).to.include({ accepted: true, node: world.urls[1] });
  });

  it("is final in what it refuses: the client does not shop around", async () => {
    const result = await sendProof(world.urls, proofOfDevice(other, 5));
    expect(result).to.include({ accepted: false, code: "NOT_BACKED", node: world.urls[0] });
    expect(await world.nodes[1]!.store.rejectionCounts()).to.deep.equal({});
  });

  describe("with a check turned off", () => {
    const takes = async (
      check: "FORGED_SIGNATURE" | "UNKNOWN_DEVICE" | "REPLAYED_COUNTER",
      body: () => Promise<unknown>,
    ) => {
      await world.end();
      await start({ disabledChecks: new Set([check]) });
      expect((await post(await body())).status).to.equal(201);
    };
    it("FORGED_SIGNATURE: takes a forgery", () =>
      takes("FORGED_SIGNATURE", async () => {
        const proof = proofOfDevice(device, 5);
        return { ...proof, signature: signMessage(other.key, bytes(proof.message)) };
      }));
    it("UNKNOWN_DEVICE: takes a stranger", () =>
      takes("UNKNOWN_DEVICE", async () => {
        world.chain.owners.clear();
        return proofOfDevice(device, 5);
      }));
    it("REPLAYED_COUNTER: takes an old counter in a new epoch", () =>
      takes("REPLAYED_COUNTER", async () => {
        await post(proofOfDevice(device, 5, { counter: 9n }));
        world.chain.mine(GENESIS + 2 * LENGTH + 20);
        return proofOfDevice(device, 5, { epoch: 2, counter: 9n });
      }));
  });
});
