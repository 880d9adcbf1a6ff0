// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IImpossibleTravel} from "../../interfaces/IDeviceEvidence.sol";
import {DeviceMessage} from "../../libraries/DeviceMessages.sol";
import {GreatCircle} from "../../libraries/GreatCircle.sol";
import {DeviceEvidence} from "./DeviceEvidence.sol";

/// @title Two places too far apart for the time between them
contract ImpossibleTravel is IImpossibleTravel, DeviceEvidence {
    constructor(address devices_) DeviceEvidence(devices_) {}

    /// @inheritdoc IImpossibleTravel
    function measure(bytes calldata evidence, uint256 maxSpeed, uint256 slack) external view returns (Travel memory t) {
        (DeviceMessage memory a, DeviceMessage memory b, , ) = _read(evidence);
        (t.deviceId, t.kind) = (a.deviceId, a.kind);
        t.epoch = a.epoch > b.epoch ? a.epoch : b.epoch;
        t.metres = GreatCircle.lowerBound(a.latE7, a.lonE7, b.latE7, b.lonE7);
        // Each time was cut to whole seconds: the true distance in time is below this.
        t.elapsed = (a.time > b.time ? a.time - b.time : b.time - a.time) + uint256(1);
        t.impossible = t.metres > maxSpeed * t.elapsed + slack;
    }

    /// @inheritdoc IImpossibleTravel
    function distance(int32 latE7a, int32 lonE7a, int32 latE7b, int32 lonE7b) external pure returns (uint256) {
        return GreatCircle.lowerBound(latE7a, lonE7a, latE7b, lonE7b);
    }
}
