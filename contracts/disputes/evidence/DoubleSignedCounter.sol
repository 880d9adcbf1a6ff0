// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDoubleSignedCounter} from "../../interfaces/IDeviceEvidence.sol";
import {Fault, IEvidence} from "../../interfaces/IEvidence.sol";
import {DeviceMessage} from "../../libraries/DeviceMessages.sol";
import {DeviceEvidence} from "./DeviceEvidence.sol";

/// @title A device signed one counter twice
contract DoubleSignedCounter is IDoubleSignedCounter, DeviceEvidence {
    constructor(address devices_) DeviceEvidence(devices_) {}

    /// @inheritdoc IEvidence
    function verify(bytes calldata evidence) external view returns (Fault memory) {
        (DeviceMessage memory a, DeviceMessage memory b, bytes32 hashA, bytes32 hashB) = _read(evidence);
        if (a.counter != b.counter) revert EvidenceCountersDiffer(a.counter, b.counter);
        if (hashA == hashB) revert EvidenceSameMessage(hashA);
        return _fault(a, b, keccak256(abi.encode("counter", a.deviceId, a.kind, a.counter)));
    }
}
