// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {CleanText} from "../devices/CleanText.sol";
import {Geography} from "../devices/Geography.sol";

/// @notice Registry, makers and staking in one, saying of every device what the test says.
contract DeviceRegistry__MockForMetadata {
    struct Said {
        uint32 epoch;
        uint32 fromEpoch;
        uint32 retiredFrom;
        uint64 cell;
        uint64 caseId;
        bool denied;
        uint128 cap;
        uint128 whole;
        uint16 category;
        uint16[] subNetworks;
        string name;
        string model;
    }

    Said private _said;

    function say(Said calldata said) external {
        _said = said;
    }

    function name() external view returns (string memory) {
        return _said.name;
    }

    function currentEpoch() external view returns (uint32) {
        return _said.epoch;
    }

    function lifetimeOf(uint64) external view returns (uint32, uint32) {
        return (_said.fromEpoch, _said.retiredFrom);
    }

    function modelOfDevice(uint64 deviceId) external pure returns (uint24) {
        if (deviceId == 0) revert IDeviceRegistry.DeviceUnknown(deviceId);
        return 1;
    }

    function locationOf(uint64) external view returns (uint64, uint32, uint32) {
        return (_said.cell, 1, 1);
    }

    function isDeniedAt(uint64, uint32) external view returns (bool) {
        return _said.denied;
    }

    function caseAt(uint64, uint32) external view returns (uint64) {
        return _said.caseId;
    }

    function pointsCapAt(uint64, uint32) external view returns (uint128) {
        return _said.cap;
    }

    function pointsCapAt(uint24, uint32) external view returns (uint128) {
        return _said.whole;
    }

    function modelOf(uint24) external view returns (IMakerRegistry.Model memory) {
        return IMakerRegistry.Model(address(this), _said.category, 1, 0, _said.model);
    }

    function attachmentAt(
        uint64,
        uint16 sub,
        uint32
    ) external view returns (IOperatorStaking.Attachment memory attachment) {
        for (uint256 i = 0; i < _said.subNetworks.length; i++) {
            if (_said.subNetworks[i] == sub) attachment.operatorId = 7;
        }
    }

    function makers() external view returns (address) {
        return address(this);
    }

    function staking() external view returns (address) {
        return address(this);
    }
}

/// @notice The libraries of the metadata from outside.
contract Metadata__Harness {
    function clean(string calldata text) external pure returns (string memory) {
        return CleanText.clean(text);
    }

    function centreOf(uint64 h3Cell) external pure returns (int256 latitude, int256 longitude) {
        return Geography.centreOf(h3Cell);
    }
}
