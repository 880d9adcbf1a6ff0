import { assert } from "chai";
import fc from "fast-check";

import { encodeWire, ReasonCode } from "../../../oracle/scoring";
import { decode, gpuSpecs, type GpuPayload } from "../../../oracle/scoring/gpu";
import { expectRejected } from "./helpers";

const job: GpuPayload = {
  v: 1,
  src: "test",
  sku: "GPU/NVIDIA/H100",
  gflops: 267_600,
  minutes: 90,
  result: "ab".repeat(32),
};
const run = (change: Partial<GpuPayload> = {}) => decode(encodeWire({ ...job, ...change }));

describe("scoring/gpu", () => {
  it("reads every SKU of @huggingface/tasks as whole GFLOPS", () => {
    assert.equal(gpuSpecs().size, 251);
    assert.equal(gpuSpecs().get("GPU/NVIDIA/RTX 4090"), 82_580);
    assert.equal(gpuSpecs().get("GPU/NVIDIA/RTX A2000"), 7_987);
    assert.equal(gpuSpecs().get("Apple Silicon/-/Apple M1"), 2_600);
  });

  it("counts GFLOPS-minutes", () => {
    assert.equal(run().units, 24_084_000n);
    assert.equal(run().specGflops, 267_600);
  });

  it("refuses hardware that does not exist", () => {
    expectRejected(() => run({ sku: "GPU/NVIDIA/H900" }), ReasonCode.UNKNOWN_HARDWARE);
    expectRejected(() => run({ sku: "__proto__" }), ReasonCode.UNKNOWN_HARDWARE);
  });

  it("refuses one GFLOPS more than the specification", () => {
    expectRejected(() => run({ gflops: 267_601 }), ReasonCode.BENCHMARK_ABOVE_SPEC);
  });

  it("refuses no time, more than a day, and no throughput", () => {
    expectRejected(() => run({ minutes: 0 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => run({ minutes: 1_441 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => run({ gflops: 0 }), ReasonCode.OUT_OF_RANGE);
    expectRejected(() => run({ result: "ab" }), ReasonCode.PAYLOAD_MALFORMED);
  });

  it("is linear in minutes", () => {
    const minutes = fc.integer({ min: 1, max: 720 });
    fc.assert(
      fc.property(minutes, minutes, fc.integer({ min: 1, max: 267_600 }), (a, b, gflops) => {
        const whole = run({ minutes: a + b, gflops }).units;
        assert.equal(run({ minutes: a, gflops }).units + run({ minutes: b, gflops }).units, whole);
      }),
    );
  });
});
