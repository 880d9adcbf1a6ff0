// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDeviceDenial} from "../interfaces/IDeviceDenial.sol";
import {IDeviceHolds} from "../interfaces/IDeviceHolds.sol";
import {HoldAccount} from "./HoldAccount.sol";

/// @title Hold accounts of disputed devices
contract DeviceHolds is IDeviceHolds, ReentrancyGuardTransient {
    // --- Immutables ---

    /// @inheritdoc IDeviceHolds
    address public immutable devices;
    address private immutable _original;

    constructor(address devices_) {
        if (devices_ == address(0)) revert HoldZeroAddress();
        devices = devices_;
        _original = address(new HoldAccount());
    }

    // --- Anyone ---

    /// @inheritdoc IDeviceHolds
    function settle(uint64 deviceId, uint64 caseId, address token) external nonReentrant returns (uint256 amount) {
        (IDeviceDenial.CaseStatus status, address to) = IDeviceDenial(devices).caseOutcome(deviceId, caseId);
        if (status == IDeviceDenial.CaseStatus.Upheld) to = address(0);
        else if (status != IDeviceDenial.CaseStatus.Rejected) revert HoldNotDecided(deviceId, caseId);

        address account = accountOf(deviceId, caseId);
        if (account.code.length == 0) Clones.cloneDeterministic(_original, _salt(deviceId, caseId));
        amount = HoldAccount(account).release(token, to);

        emit HoldSettled(deviceId, caseId, to, token, amount);
    }

    // --- Views ---

    /// @inheritdoc IDeviceHolds
    function accountOf(uint64 deviceId, uint64 caseId) public view returns (address) {
        return Clones.predictDeterministicAddress(_original, _salt(deviceId, caseId));
    }

    // --- Internal ---

    function _salt(uint64 deviceId, uint64 caseId) private pure returns (bytes32) {
        return keccak256(abi.encode(deviceId, caseId));
    }
}
