// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IEvidence} from "./IEvidence.sol";

/// @notice A report that a member signed: the bytes as KeystoneForwarder takes them. `rawReport` = header(109) ‖
/// settlement(384); `signature` = r ‖ s ‖ v with v 0 or 1 over keccak256(keccak256(rawReport) ‖ reportContext).
struct SignedReport {
    bytes rawReport;
    bytes reportContext;
    bytes signature;
}

/// @title Two settlements signed by one member for one (sub-network, epoch, attempt)
/// @notice Evidence is abi.encode(SignedReport, SignedReport). Different = another settlement id: another validUntil,
/// header or context is a retry, no offence. The payloads must name this chain and the settlement contract: what signs
/// nothing of ours is not ours to judge. The two keys may differ, if both are the same member's.
interface ICommitteeEquivocation is IEvidence {
    error EquivocationMalformed(uint256 length);
    error EquivocationWrongDomain(uint16 schema, uint64 chainId, address receiver);
    error EquivocationBadSignature(uint256 length);
    error EquivocationUnknownSigner(address signer);
    error EquivocationMembersDiffer(address memberA, address memberB);
    /// @notice The two are not for the same sub-network, epoch and attempt.
    error EquivocationSlotsDiffer(uint256 slotA, uint256 slotB);
    error EquivocationSameContent(uint208 id);

    /// @notice Registry that knows whose a signer is.
    function committee() external view returns (address);

    /// @notice Receiver that the settlements must name.
    function settlement() external view returns (address);
}
