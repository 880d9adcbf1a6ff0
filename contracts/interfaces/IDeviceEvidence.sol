// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IEvidence} from "./IEvidence.sol";

/// @title Two messages of one device that an honest device does not sign both
/// @notice Evidence is 446 bytes: key (keyType(32) ‖ x(32) ‖ y(32)) ‖ r₁(32) ‖ s₁(32) ‖ r₂(32) ‖ s₂(32) ‖ message₁(111) ‖
/// message₂(111). Both messages name this chain, the registry, the same device and the same kind, and are signed (low s)
/// by the same key, which was the device's live one in the epoch of each: counters and meters belong to a box, and a
/// replaced box or element starts anew with a new key.
/// The fault is of the epoch of the later message (the higher epoch of the two).
interface IDeviceEvidence {
    error EvidenceMalformed(uint256 length);
    error EvidenceWrongDomain(uint64 chainId, address registry);
    error EvidenceDevicesDiffer(uint64 deviceA, uint64 deviceB);
    error EvidenceKindsDiffer(uint16 kindA, uint16 kindB);
    /// @notice The key was not the device's live one in `epoch`.
    error EvidenceKeyNotLive(bytes32 keyHash, uint64 deviceId, uint32 epoch);

    /// @notice Registry that the messages must name.
    function devices() external view returns (address);
}

/// @title Same counter, different content
interface IDoubleSignedCounter is IDeviceEvidence, IEvidence {
    error EvidenceCountersDiffer(uint64 counterA, uint64 counterB);
    /// @notice The two are one message: two signatures of it, in whatever form, are no fault.
    error EvidenceSameMessage(bytes32 messageHash);
}

/// @title A counter or a meter that runs back while time runs on
/// @notice Times must lie in the messages' epochs (a node takes no others), and the later one must be later by more than
/// `clockTolerance` seconds, so that a clock that was set back a little proves nothing.
interface IRunBack is IDeviceEvidence, IEvidence {
    /// @notice The time of a message is outside its epoch.
    error EvidenceTimeOutsideEpoch(uint64 time, uint32 epoch);
    /// @notice The times are too close to say which message is the later one.
    error EvidenceTimesTooClose(uint64 earlier, uint64 later, uint32 tolerance);
    /// @notice What must not fall has not fallen.
    error EvidenceNotRunBack(uint64 earlier, uint64 later);

    /// @notice Seconds by which the times must differ, and more.
    function clockTolerance() external view returns (uint32);
}

/// @title Two places too far apart for the time between them
/// @notice Evidence of a dispute, never of a slash: this contract has no `verify`. A satellite receiver has glitches, and
/// a spoofed one lies without its device's help.
interface IImpossibleTravel is IDeviceEvidence {
    /// @notice What two signed positions say. `metres` is a lower bound of the distance; `elapsed` an upper bound of the
    /// time in seconds (messages tell whole seconds).
    struct Travel {
        uint64 deviceId;
        uint16 kind;
        uint32 epoch;
        uint256 metres;
        uint256 elapsed;
        bool impossible;
    }

    /// @notice Checks both signatures and measures. Impossible = metres > maxSpeed × elapsed + slack.
    /// @param evidence 446 bytes, see IDeviceEvidence
    /// @param maxSpeed metres a second
    /// @param slack metres of error that are granted
    function measure(
        bytes calldata evidence,
        uint256 maxSpeed,
        uint256 slack
    ) external view returns (Travel memory travel);

    /// @notice Lower bound of the distance of two positions (10⁻⁷ degrees) in metres.
    function distance(int32 latE7a, int32 lonE7a, int32 latE7b, int32 lonE7b) external pure returns (uint256 metres);
}
