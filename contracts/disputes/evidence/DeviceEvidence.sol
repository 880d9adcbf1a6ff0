// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DeviceKeys} from "../../devices/DeviceKeys.sol";
import {IDeviceEvidence} from "../../interfaces/IDeviceEvidence.sol";
import {DeviceKey, DeviceSignature, IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {Fault, Liable} from "../../interfaces/IEvidence.sol";
import {DeviceMessage, DeviceMessages} from "../../libraries/DeviceMessages.sol";

/// @title Two messages signed by one live key of one device
abstract contract DeviceEvidence is IDeviceEvidence {
    uint256 private constant SIZE = 224 + 2 * DeviceMessages.SIZE;

    /// @inheritdoc IDeviceEvidence
    address public immutable devices;

    constructor(address devices_) {
        devices = devices_;
    }

    /// @dev Both messages, as their places in the evidence have them, and their hashes. The key's own struct and the two
    /// signatures lie in the calldata as the compiler would lay them out.
    function _read(
        bytes calldata evidence
    ) internal view returns (DeviceMessage memory a, DeviceMessage memory b, bytes32 hashA, bytes32 hashB) {
        if (evidence.length != SIZE) revert EvidenceMalformed(evidence.length);
        DeviceKey calldata key;
        DeviceSignature calldata signatureA;
        DeviceSignature calldata signatureB;
        assembly {
            key := evidence.offset
            signatureA := add(evidence.offset, 96)
            signatureB := add(evidence.offset, 160)
        }
        if (uint256(bytes32(evidence[:32])) > type(uint8).max) revert EvidenceMalformed(evidence.length);
        bytes32 keyHash = DeviceKeys.hash(key);
        (a, hashA) = _message(evidence[224:335], key, keyHash, signatureA);
        (b, hashB) = _message(evidence[335:446], key, keyHash, signatureB);
        if (a.deviceId != b.deviceId) revert EvidenceDevicesDiffer(a.deviceId, b.deviceId);
        if (a.kind != b.kind) revert EvidenceKindsDiffer(a.kind, b.kind);
    }

    /// @dev The fault of the later epoch.
    function _fault(
        DeviceMessage memory a,
        DeviceMessage memory b,
        bytes32 faultHash
    ) internal pure returns (Fault memory f) {
        f.liable = Liable.Device;
        (f.deviceId, f.subNetwork, f.faultHash) = (a.deviceId, a.kind, faultHash);
        (f.earliest, f.epoch) = a.epoch < b.epoch ? (a.epoch, b.epoch) : (b.epoch, a.epoch);
    }

    function _message(
        bytes calldata message,
        DeviceKey calldata key,
        bytes32 keyHash,
        DeviceSignature calldata signature
    ) private view returns (DeviceMessage memory m, bytes32 digest) {
        m = DeviceMessages.parse(message);
        if (m.chainId != block.chainid || m.registry != devices) revert EvidenceWrongDomain(m.chainId, m.registry);
        if (m.deviceId == 0 || IDeviceRegistry(devices).deviceOfKeyAt(keyHash, m.epoch) != m.deviceId) {
            revert EvidenceKeyNotLive(keyHash, m.deviceId, m.epoch);
        }
        digest = DeviceMessages.digest(message);
        DeviceKeys.checkSignature(key, digest, signature);
    }
}
