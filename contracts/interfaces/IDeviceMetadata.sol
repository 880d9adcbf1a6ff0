// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Metadata of devices
/// @notice What DeviceRegistry.tokenURI answers with: a policy, which governance may replace. Reads, keeps nothing.
interface IDeviceMetadata {
    /// @notice JSON of a device, as a data URI (ERC-721 metadata). Reverts for an unknown device.
    function tokenURI(uint64 deviceId) external view returns (string memory);
}
