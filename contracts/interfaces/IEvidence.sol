// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Who answers for a fault.
enum Liable {
    Device,
    Member
}

/// @notice A fault that is proven. A device's fault is one of (deviceId, subNetwork, epoch), a member's of (member,
/// subNetwork, epoch, attempt); what is not used is zero. `earliest` is the first epoch of what proves it, at most
/// `epoch`. `faultHash` says what exactly was done: for the event, not for the key under which the fault is slashed once.
struct Fault {
    Liable liable;
    uint64 deviceId;
    address member;
    uint16 subNetwork;
    uint32 epoch;
    uint32 earliest;
    uint16 attempt;
    bytes32 faultHash;
}

/// @title Proof of a fault
/// @notice A policy behind the Slasher's pointer: it verifies or reverts, holds nothing, moves nothing. The same fault
/// gives the same answer whatever the order of its two messages and the form of their signatures.
interface IEvidence {
    /// @notice The fault that `evidence` proves. Reverts if it proves none.
    function verify(bytes calldata evidence) external view returns (Fault memory fault);
}
