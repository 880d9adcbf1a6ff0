// Header and context of our reports, from the configuration that every member shares.
import { AbiCoder, id, keccak256 } from "ethers";
import { type Hex, type ReportHeader, workflowNameOf } from "../codec";
import type { NodeConfig } from "../config";

/** Fields of the header that do not change from report to report, and those that do. */
export function reportHeader(config: NodeConfig, executionId: Hex, timestamp: number): ReportHeader {
  return {
    executionId,
    timestamp: BigInt(timestamp),
    donId: config.donId,
    configVersion: config.configVersion,
    workflowId: id(config.workflow.name) as Hex,
    workflowName: workflowNameOf(config.workflow.name),
    workflowOwner: config.workflow.owner,
    reportId: "0x0001",
  };
}

/** CommitteeRegistry's hash of a configuration. The forwarder does not look at it; members of one committee agree on it. */
export function configDigestOf({ donId, configVersion, f, members }: NodeConfig): Hex {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["uint32", "uint32", "uint8", "address[]"],
      [donId, configVersion, f, members.map((m) => m.signer)],
    ),
  ) as Hex;
}
