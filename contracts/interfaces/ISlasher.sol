// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputable} from "./IDisputable.sol";

/// @title Slashes: proven on-chain, or decided by a dispute
/// @notice A fault costs at most what stands behind it: a device's the bond stored in its attachment of that sub-network
/// and epoch, a committee member's its bond. Each is slashed once, whichever proof shows it, in whatever order its
/// messages come and whoever signed them again: a member once a (sub-network, epoch, attempt); a device's slash settles
/// all that it did in that sub-network with that operator up to the epoch in which it was slashed, so that one counter
/// that once ran away cannot cost a bond for every message before or after it. A dispute and a proof are one fault.
/// Bounty and burning are those of the ledgers (≤ 10 %, the rest burned).
/// Evidence is a policy behind a pointer by kind, in force from the next epoch. Never paused: whoever could stop slashes
/// could let a cheat leave.
/// Age: everything that proves a fault is of epochs with current − epoch ≤ `maxDeviceAge` or `maxMemberAge`. The constructor refuses ages
/// that outlast the unbonding of a stake, the memory of an attachment, or the delay of a member's bond.
/// Warning: whoever sees evidence in the mempool can send it first; the bounty is for whoever comes first.
interface ISlasher is IDisputable {
    /// @notice What a dispute accuses a device of. `caseId` 0 = not in dispute.
    /// @param operatorId operator that backed the device then
    /// @param deviceId device
    /// @param subNetwork sub-network of the attachment
    /// @param epoch epoch of the fault
    /// @param bond most that the fault costs: the bond of the attachment
    /// @param kernel disputes kernel that opened the case
    /// @param caseId case of the claim, kept after its end
    /// @param decided whether the case is over
    struct Claim {
        uint64 operatorId;
        uint64 deviceId;
        uint16 subNetwork;
        uint32 epoch;
        uint104 bond;
        address kernel;
        uint64 caseId;
        bool decided;
    }

    event EvidenceSet(uint16 indexed kind, address indexed evidence, uint32 fromEpoch);
    event EvidenceEnded(uint16 indexed kind);
    event DisputesSet(address indexed disputes);
    event DeviceSlashed(
        bytes32 indexed faultKey,
        uint64 indexed deviceId,
        uint64 indexed operatorId,
        uint16 subNetwork,
        uint32 epoch,
        uint256 slashed
    );
    event MemberSlashed(
        bytes32 indexed faultKey,
        address indexed member,
        uint16 subNetwork,
        uint32 epoch,
        uint16 attempt,
        uint256 slashed
    );
    /// @notice Evidence of `kind` was accepted; `faultHash` says what exactly was done.
    event EvidenceAccepted(uint16 indexed kind, bytes32 indexed faultKey, bytes32 faultHash, address bountyTo);
    event ClaimProposed(
        uint256 indexed claimId,
        uint64 indexed deviceId,
        uint64 indexed operatorId,
        uint16 subNetwork,
        uint32 epoch,
        uint256 bond
    );
    /// @notice The dispute of a claim is over; `slashed` 0 if it was rejected, the fault had been slashed before, or
    /// nothing was left to slash.
    event ClaimDecided(uint256 indexed claimId, uint64 indexed caseId, bool upheld, uint256 slashed);

    error SlasherEvidenceUnknown(uint16 kind);
    error SlasherEpochNotBegun(uint32 epoch, uint32 current);
    /// @notice Older than what can still be slashed.
    error SlasherEvidenceTooOld(uint32 epoch, uint32 oldest);
    /// @notice No operator backed the device in that sub-network and epoch (or not that one).
    error SlasherNothingAttached(uint64 deviceId, uint16 subNetwork, uint32 epoch);
    error SlasherNothingToSlash(bytes32 faultKey);
    /// @notice The device was slashed since: what it did up to `settledUntil` is settled.
    error SlasherFaultSettled(uint64 deviceId, uint32 epoch, uint32 settledUntil);
    error SlasherNotDisputes(address caller);
    error SlasherClaimUnknown(uint256 claimId);
    error SlasherWrongEpoch(uint32 epoch, uint32 claimed);
    /// @notice The claim is or was in dispute; a new claim can be proposed.
    error SlasherClaimSpent(uint256 claimId, uint64 caseId);
    error SlasherBadParameter(bytes32 name, uint256 value);

    /// @notice Slashes what `evidence` proves. Anyone.
    /// @param kind kind of evidence
    /// @param evidence bytes that its contract verifies
    /// @param bountyTo who gets the bounty
    /// @return slashed wei taken, bounty included
    function submit(uint16 kind, bytes calldata evidence, address bountyTo) external returns (uint256 slashed);

    /// @notice Names a device's fault that cannot be proven, for a dispute: `claimId` is its subject. Anyone; costs and
    /// claims nothing until a case with its bond is opened. A claim is good for one case.
    function propose(
        uint64 operatorId,
        uint64 deviceId,
        uint16 subNetwork,
        uint32 epoch
    ) external returns (uint256 claimId);

    /// @notice Sets the evidence of a kind: from the next epoch, at once if the kind has none. Restricted: timelock.
    function setEvidence(uint16 kind, address evidence) external;

    /// @notice Ends a kind of evidence at once. Restricted: timelock.
    function endEvidence(uint16 kind) external;

    /// @notice Sets the kernel that may open cases; those that are open end where they were opened. Restricted: timelock.
    function setDisputes(address disputes) external;

    /// @notice Evidence in force of a kind; zero if none.
    function evidenceOf(uint16 kind) external view returns (address);

    /// @notice Record of a claim. Reverts for an unknown one.
    function claimOf(uint256 claimId) external view returns (Claim memory);

    /// @notice Claims ever proposed = the highest id.
    function claimCount() external view returns (uint256);

    /// @notice Last epoch of which everything that the device did in the sub-network with the operator is settled by a
    /// slash; 0 if never slashed.
    function settledUntil(uint64 deviceId, uint16 subNetwork, uint64 operatorId) external view returns (uint32);

    /// @notice Key of a device's fault: keccak256(abi.encode("device", deviceId, subNetwork, epoch)).
    function deviceFaultKey(uint64 deviceId, uint16 subNetwork, uint32 epoch) external pure returns (bytes32);

    /// @notice Key of a member's fault: keccak256(abi.encode("member", member, subNetwork, epoch, attempt)).
    function memberFaultKey(
        address member,
        uint16 subNetwork,
        uint32 epoch,
        uint16 attempt
    ) external pure returns (bytes32);

    /// @notice Kernel that may open cases.
    function disputes() external view returns (address);

    /// @notice Ledger of the operators' stakes.
    function staking() external view returns (address);

    /// @notice Ledger of the committee's bonds.
    function committee() external view returns (address);

    /// @notice Epochs for which a device's fault can be slashed.
    function maxDeviceAge() external view returns (uint32);

    /// @notice Epochs for which a member's fault can be slashed.
    function maxMemberAge() external view returns (uint32);
}
