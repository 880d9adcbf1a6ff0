// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Guarded} from "../access/Guarded.sol";
import {IDeviceDenial} from "../interfaces/IDeviceDenial.sol";
import {IDeviceLife} from "../interfaces/IDeviceLife.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {DeviceLife} from "./DeviceLife.sol";

/// @title State of DeviceRegistry beyond the tokens: what governance sets in it, and what is read from it as it stands
abstract contract DeviceSettings is IDeviceLife, IDeviceDenial, Guarded {
    using DeviceLife for DeviceLife.State;

    // --- Storage ---

    DeviceLife.State internal _s;

    constructor() {
        (_s.delayEpochs, _s.denialEpochs) = (7, 90);
    }

    // --- Governance ---

    /// @inheritdoc IDeviceDenial
    function setDisputes(address disputes_) external restricted {
        _s.disputes = disputes_;

        emit DisputesSet(disputes_);
    }

    /// @inheritdoc IDeviceDenial
    function setHolds(address holds_) external restricted {
        if (holds_ == address(0)) revert IDeviceRegistry.DeviceZeroAddress();
        address before = _s.holds;
        if (before != address(0)) revert IDeviceRegistry.DeviceRegistryBadParameter("holds", uint160(before));

        _s.holds = holds_;

        emit HoldsSet(holds_);
    }

    /// @inheritdoc IDeviceLife
    function setTerms(uint32 delayEpochs, uint32 denialEpochs, uint32 locationFee) external restricted {
        _s.setTerms(delayEpochs, denialEpochs, locationFee);
    }

    /// @inheritdoc IDeviceLife
    function setMetadata(address metadata_) external restricted {
        _s.metadata = metadata_;

        emit MetadataSet(metadata_);
    }

    // --- Views ---

    /// @inheritdoc IDeviceDenial
    function caseAt(uint64 deviceId, uint32 epoch) external view returns (uint64) {
        return _s.caseAt(deviceId, epoch);
    }

    /// @inheritdoc IDeviceDenial
    function isDeniedAt(uint64 deviceId, uint32 epoch) external view returns (bool) {
        return _s.isDeniedAt(deviceId, epoch);
    }

    /// @inheritdoc IDeviceDenial
    function caseOutcome(uint64 deviceId, uint64 caseId) external view returns (CaseStatus, address) {
        DeviceLife.Case storage c = _s.outcomes[deviceId][caseId];
        return (c.status, c.beneficiary);
    }

    /// @inheritdoc IDeviceDenial
    function disputes() external view returns (address) {
        return _s.disputes;
    }

    /// @inheritdoc IDeviceDenial
    function holds() external view returns (address) {
        return _s.holds;
    }

    /// @inheritdoc IDeviceLife
    function versionOf(uint64 deviceId) external view returns (uint64) {
        return _s.versionOf(deviceId);
    }

    /// @inheritdoc IDeviceLife
    function requestOf(uint64 deviceId, Purpose purpose) external view returns (bytes32, uint32) {
        return _s.requestOf(deviceId, purpose);
    }

    /// @inheritdoc IDeviceLife
    function locationOf(uint64 deviceId) external view returns (uint64, uint32, uint32) {
        DeviceLife.Location storage last = _s.locations[deviceId];
        return (last.h3Cell, last.count, last.fromEpoch);
    }

    /// @inheritdoc IDeviceLife
    function terms() external view returns (uint32, uint32, uint32) {
        return (_s.delayEpochs, _s.denialEpochs, _s.locationFee);
    }

    /// @inheritdoc IDeviceLife
    function metadata() external view returns (address) {
        return _s.metadata;
    }
}
