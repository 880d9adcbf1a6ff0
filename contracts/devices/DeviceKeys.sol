// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {DeviceKey, DeviceSignature, IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";

/// @title Keys of devices: P-256 (secure elements) and secp256k1
/// @notice A signature has one accepted form: s in the lower half of the order. P-256 is checked by the precompile of
/// RIP-7212 / EIP-7951 where the chain has it and in Solidity elsewhere.
library DeviceKeys {
    /// @notice NIST P-256.
    uint8 internal constant KEY_P256 = 1;
    /// @notice secp256k1.
    uint8 internal constant KEY_SECP256K1 = 2;

    uint256 private constant P256_HALF_N = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8;
    uint256 private constant SECP256K1_P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    uint256 private constant SECP256K1_HALF_N = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice keccak256(keyType ‖ x ‖ y): the name of the key.
    function hash(DeviceKey calldata key) internal pure returns (bytes32 keyHash) {
        uint8 keyType = key.keyType;
        assembly ("memory-safe") {
            // Beyond the free memory pointer, which stays: 65 bytes that are forgotten at once.
            let at := mload(0x40)
            mstore8(at, keyType)
            calldatacopy(add(at, 1), add(key, 32), 64)
            keyHash := keccak256(at, 65)
        }
    }

    /// @notice Reverts unless `signature` over `digest` was made with `key`.
    function checkSignature(DeviceKey calldata key, bytes32 digest, DeviceSignature calldata signature) internal view {
        if (verify(key, digest, signature)) return;
        // No signature verifies under a point off its curve: the cheap check of the key is needed for the error only.
        if (!isOnCurve(key)) revert IDeviceRegistry.DeviceKeyInvalid(key.keyType, key.x, key.y);
        revert IDeviceRegistry.DeviceSignatureWrong(digest);
    }

    /// @notice Whether `signature` over `digest` was made with `key`; false for a high s, zero values and a point that is
    /// not on the curve. Reverts for an unknown type of key.
    function verify(
        DeviceKey calldata key,
        bytes32 digest,
        DeviceSignature calldata signature
    ) internal view returns (bool) {
        if (key.keyType == KEY_P256) return P256.verify(digest, signature.r, signature.s, key.x, key.y);
        if (key.keyType == KEY_SECP256K1) return _verifySecp256k1(key, digest, signature);
        revert IDeviceRegistry.DeviceKeyTypeUnknown(key.keyType);
    }

    /// @notice Whether the precompile of RIP-7212 / EIP-7951 says that a P-256 `signature` over `digest` was made with `key`.
    /// False says nothing: no precompile, another type of key, a high s or a wrong signature; ask `verify`.
    function verifyNative(
        DeviceKey calldata key,
        bytes32 digest,
        DeviceSignature calldata signature
    ) internal view returns (bool valid) {
        if (key.keyType != KEY_P256 || uint256(signature.s) > P256_HALF_N) return false;
        assembly ("memory-safe") {
            // Beyond the free memory pointer: hash, r, s, x, y. The precompile checks that r, s and the point are in range,
            // and returns one word, or nothing.
            let at := mload(0x40)
            mstore(at, digest)
            calldatacopy(add(at, 32), signature, 64)
            calldatacopy(add(at, 96), add(key, 32), 64)
            mstore(0, 0)
            valid := staticcall(gas(), 0x100, at, 160, 0, 32)
            valid := and(valid, eq(mload(0), 1))
        }
    }

    /// @notice Whether the key is a point of its curve (zero is none). Reverts for an unknown type of key.
    function isOnCurve(DeviceKey calldata key) internal pure returns (bool) {
        if (key.keyType == KEY_P256) return P256.isValidPublicKey(key.x, key.y);
        if (key.keyType != KEY_SECP256K1) revert IDeviceRegistry.DeviceKeyTypeUnknown(key.keyType);

        (uint256 x, uint256 y, uint256 p) = (uint256(key.x), uint256(key.y), SECP256K1_P);
        return x < p && y < p && mulmod(y, y, p) == addmod(mulmod(mulmod(x, x, p), x, p), 7, p);
    }

    /// @dev A device sends no recovery id, so both are tried. ecrecover answers zero for r or s out of range.
    function _verifySecp256k1(
        DeviceKey calldata key,
        bytes32 digest,
        DeviceSignature calldata signature
    ) private pure returns (bool) {
        if (uint256(signature.s) > SECP256K1_HALF_N) return false;
        address signer = address(uint160(uint256(keccak256(abi.encodePacked(key.x, key.y)))));
        return
            signer != address(0) &&
            (ecrecover(digest, 27, signature.r, signature.s) == signer ||
                ecrecover(digest, 28, signature.r, signature.s) == signer);
    }
}
