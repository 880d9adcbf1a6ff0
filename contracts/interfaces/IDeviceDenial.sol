// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputable} from "./IDisputable.sol";

/// @title Denial of devices, after due process
/// @notice The subject of a case is a device. From the epoch after the opening to the epoch of the outcome the device's
/// payee is the hold account of (device, case); what is earned there is paid on to the beneficiary, the payee of when the
/// case began to count, or burned if the claim is upheld (IDeviceHolds). Upheld, the device is denied (not active) for
/// `denialEpochs` epochs (IDeviceLife.terms, as of the opening) from the next one, then free again. What it earned before is not touched. One live case a
/// device; while it lives the device cannot be transferred and its payee not be changed, but it can be retired.
/// Assumption: ids of cases are unique over all the kernels that ever were `disputes`.
interface IDeviceDenial is IDisputable {
    /// @notice State of a case about a device.
    enum CaseStatus {
        None,
        Open,
        Rejected,
        Upheld
    }

    /// @notice The device's rewards are held from `fromEpoch` on.
    event DeviceDisputed(
        uint64 indexed deviceId,
        uint64 indexed caseId,
        address indexed beneficiary,
        uint32 claimedEpoch,
        uint32 fromEpoch
    );
    /// @notice The dispute ended with the epoch before `fromEpoch`; the claim was rejected.
    event DeviceReleased(uint64 indexed deviceId, uint64 indexed caseId, uint32 fromEpoch);
    /// @notice The claim was upheld: the device is denied for fromEpoch ≤ e < untilEpoch.
    event DeviceDenied(uint64 indexed deviceId, uint64 indexed caseId, uint32 fromEpoch, uint32 untilEpoch);
    /// @notice The kernel that opens cases from now on. Cases that an earlier one opened stay its own.
    event DisputesSet(address indexed disputes);
    /// @notice The contract that names and settles hold accounts.
    event HoldsSet(address indexed holds);

    error DeviceNotDisputes(address caller);
    /// @notice There is a live case about the device.
    error DeviceInDispute(uint256 deviceId, uint64 caseId);
    error DeviceStillDenied(uint256 deviceId, uint32 untilEpoch);
    /// @notice The claim is about an epoch in which the device was not active.
    error DeviceNotActiveAt(uint256 deviceId, uint32 epoch);
    /// @notice No such case is live, or its id was used before.
    error DeviceCaseUnknown(uint256 deviceId, uint64 caseId);

    /// @notice Case that was live in `epoch`; 0 if none. For an epoch that has not begun: if nothing changes.
    function caseAt(uint64 deviceId, uint32 epoch) external view returns (uint64 caseId);

    /// @notice Whether the device was denied in `epoch`.
    function isDeniedAt(uint64 deviceId, uint32 epoch) external view returns (bool);

    /// @notice State of a case, and to whom its hold account is released.
    function caseOutcome(uint64 deviceId, uint64 caseId) external view returns (CaseStatus status, address beneficiary);

    /// @notice The kernel that may open cases; zero until set.
    function disputes() external view returns (address);

    /// @notice Contract that names and settles hold accounts; zero until set.
    function holds() external view returns (address);

    /// @notice Sets the kernel; zero closes the entry. Restricted: timelock.
    function setDisputes(address disputes) external;

    /// @notice Sets the holds, once: past payees are addresses that it names. Restricted: timelock (the deployment does
    /// it).
    function setHolds(address holds) external;
}
