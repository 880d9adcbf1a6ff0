// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Epochs} from "../../access/Epochs.sol";
import {IRunBack} from "../../interfaces/IDeviceEvidence.sol";
import {Fault, IEvidence} from "../../interfaces/IEvidence.sol";
import {DeviceMessage} from "../../libraries/DeviceMessages.sol";
import {DeviceEvidence} from "./DeviceEvidence.sol";

/// @title Something that only rises fell
abstract contract RunBack is IRunBack, DeviceEvidence, Epochs {
    /// @inheritdoc IRunBack
    uint32 public immutable clockTolerance;

    constructor(
        address devices_,
        uint64 genesis,
        uint32 length,
        uint32 clockTolerance_
    ) DeviceEvidence(devices_) Epochs(genesis, length) {
        clockTolerance = clockTolerance_;
    }

    /// @inheritdoc IEvidence
    function verify(bytes calldata evidence) external view returns (Fault memory) {
        (DeviceMessage memory a, DeviceMessage memory b, bytes32 hashA, bytes32 hashB) = _read(evidence);
        _checkTime(a);
        _checkTime(b);
        if (a.time > b.time) (a, b, hashA, hashB) = (b, a, hashB, hashA);
        if (b.time - a.time <= clockTolerance) revert EvidenceTimesTooClose(a.time, b.time, clockTolerance);
        (uint64 before, uint64 later) = (_riser(a), _riser(b));
        if (later >= before) revert EvidenceNotRunBack(before, later);
        return _fault(a, b, keccak256(abi.encode("run back", hashA, hashB)));
    }

    /// @dev What must not fall.
    function _riser(DeviceMessage memory m) internal pure virtual returns (uint64);

    function _checkTime(DeviceMessage memory m) private view {
        uint256 start = epochGenesis + uint256(m.epoch) * epochLength;
        if (m.time < start || m.time >= start + epochLength) revert EvidenceTimeOutsideEpoch(m.time, m.epoch);
    }
}

/// @title A later message with a lower counter
contract CounterRunBack is RunBack {
    constructor(
        address devices_,
        uint64 genesis,
        uint32 length,
        uint32 clockTolerance_
    ) RunBack(devices_, genesis, length, clockTolerance_) {}

    function _riser(DeviceMessage memory m) internal pure override returns (uint64) {
        return m.counter;
    }
}

/// @title A later message with a lower meter
contract MeterRunBack is RunBack {
    constructor(
        address devices_,
        uint64 genesis,
        uint32 length,
        uint32 clockTolerance_
    ) RunBack(devices_, genesis, length, clockTolerance_) {}

    function _riser(DeviceMessage memory m) internal pure override returns (uint64) {
        return m.meter;
    }
}
