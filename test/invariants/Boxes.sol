// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMakerRegistry} from "../../contracts/interfaces/IMakerRegistry.sol";

/// @dev One licensed maker, one model, and the boxes that it made: key → device id.
contract Boxes {
    address public immutable maker;
    mapping(bytes32 keyHash => uint64) public idOf;

    error NotMade(bytes32 keyHash);

    constructor(address maker_) {
        maker = maker_;
    }

    function make(bytes32 keyHash, uint64 deviceId) external {
        idOf[keyHash] = deviceId;
    }

    function checkInclusion(
        uint32,
        uint32,
        bytes32,
        bytes32 keyHash,
        bytes32[] calldata
    ) external view returns (uint24, uint64 deviceId) {
        deviceId = idOf[keyHash];
        if (deviceId == 0) revert NotMade(keyHash);
        return (1, deviceId);
    }

    function modelOf(uint24) external view returns (IMakerRegistry.Model memory model) {
        model.maker = maker;
    }

    function makerOf(address) external pure returns (IMakerRegistry.Maker memory m) {
        m.status = IMakerRegistry.MakerStatus.Licensed;
    }
}
