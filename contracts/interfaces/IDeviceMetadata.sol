// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Metadata of devices
/// @notice What DeviceRegistry.tokenURI answers with: a policy, which governance may replace. Reads, keeps nothing.
/// Everything comes from the chain: model, maker, category, status, age, points cap, region (about 400 km across, from the
/// asserted H3 cell), backing. What a device earned is in no contract by device (payouts are by payee) and so is not here:
/// `npx hardhat earnings` shows it. Names are cleaned and escaped: a name cannot break out of JSON or SVG.
interface IDeviceMetadata {
    error DeviceMetadataZeroAddress();

    /// @notice JSON of a device, as a data URI (ERC-721 metadata). Reverts for an unknown device.
    function tokenURI(uint64 deviceId) external view returns (string memory);

    /// @notice The picture in that JSON, as SVG text. Reverts for an unknown device.
    function svgOf(uint64 deviceId) external view returns (string memory);

    /// @notice The registry whose devices these are.
    function devices() external view returns (address);
}
