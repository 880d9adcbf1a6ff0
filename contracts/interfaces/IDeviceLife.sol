// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {DeviceKey, DeviceSignature, Onboarding} from "./IDeviceRegistry.sol";

/// @notice What every change of a device's key needs.
/// @param deviceId the device that keeps its id
/// @param oldKeyHash its live key, which ends
/// @param deadline last second at which the signatures count
/// @param key the new key, which was never a device's
/// @param signature of the new key over its life message: it exists, and agrees to become the key of this owner's device
struct KeyChange {
    uint64 deviceId;
    bytes32 oldKeyHash;
    uint64 deadline;
    DeviceKey key;
    DeviceSignature signature;
}

/// @title Device life: keys, hand-over, recovery, location
/// @notice What may happen to a device after its onboarding and before its retirement. Nothing here is authorised by an
/// id: each step needs the owner, a key, the maker or a delay, as said with it.
/// Life message, signed by a device's key, sha256, big endian, 78 bytes: "GWL1" ‖ schema(1)=1 ‖ chainId(8) ‖ registry(20)
/// ‖ purpose(1) ‖ deviceId(8) ‖ account(20) ‖ version(8) ‖ deadline(8). Purposes: 1 rotate, 2 replace (both signed by
/// the new key, account = the owner), 3 accept (the live key, account = the buyer), 4 recover (the live key, account =
/// the new owner).
/// Wallets sign EIP-712, domain ("Groundwork devices", "1", chain, registry): makers
/// KeyChange(uint64 deviceId,bytes32 oldKeyHash,bytes32 newKeyHash,address owner,uint64 deadline), owners
/// Offer(uint64 deviceId,address to,uint64 version,uint64 deadline). Contracts sign by ERC-1271.
/// Version of a device = transfers(24) ‖ revisions(32): a transfer, a change of key and a veto end everything that was
/// signed or asked for before, so nothing can be used twice. Whatever waits, waits whole epochs.
/// A change of key counts from the next epoch: proofs of the current epoch are still those of the old key. A key ends for
/// ever. An offer is a signature and not a slot: it costs nothing until it is used and cannot be forgotten in storage.
/// Warning: a lost key and a lost maker leave the delay; the device key and the owner together are the device.
interface IDeviceLife {
    /// @notice Purposes of life messages.
    enum Purpose {
        None,
        Rotate,
        Replace,
        Accept,
        Recover
    }

    /// @notice `newKeyHash` is the device's key from `fromEpoch` on; `oldKeyHash` was, before.
    event DeviceKeyChanged(
        uint64 indexed deviceId,
        bytes32 indexed oldKeyHash,
        bytes32 indexed newKeyHash,
        uint32 fromEpoch
    );
    /// @notice The device got the body of the box that was to be device `boxId`, which now never will be.
    event DeviceReplaced(uint64 indexed deviceId, uint64 indexed boxId);
    /// @notice The owner asks for another key without a maker; due when epoch `readyFrom` begins.
    event RotationRequested(uint64 indexed deviceId, bytes32 indexed newKeyHash, uint32 readyFrom);
    /// @notice The device's key names another owner; due when epoch `readyFrom` begins.
    event RecoveryRequested(uint64 indexed deviceId, address indexed to, uint32 readyFrom);
    /// @notice The device was recovered for `to`.
    event DeviceRecovered(uint64 indexed deviceId, address indexed from, address indexed to);
    /// @notice The device was handed over by offer and acceptance.
    event DeviceAccepted(uint64 indexed deviceId, address indexed from, address indexed to);
    /// @notice All that was signed or asked for is void: only `version` counts.
    event DeviceVetoed(uint64 indexed deviceId, address indexed by, uint64 version);
    /// @notice The owner asserts that the device is in `h3Cell`; its `count`-th assertion.
    event LocationAsserted(uint64 indexed deviceId, uint64 indexed h3Cell, uint32 count, uint32 fromEpoch);
    /// @notice Metadata of a device changed (ERC-4906).
    event MetadataUpdate(uint256 _tokenId);
    /// @notice Terms of what begins later; see `terms`.
    event TermsSet(uint32 delayEpochs, uint32 denialEpochs, uint32 locationFee);
    /// @notice Contract that writes the metadata.
    event MetadataSet(address indexed metadata);

    error DeviceKeyNotLive(bytes32 keyHash, uint64 deviceId);
    /// @notice Neither the maker's signature over this digest, nor the owner's: whose it had to be is `signer`.
    error DeviceConsentWrong(address signer, bytes32 digest);
    /// @notice Only a licensed maker's signature counts.
    error DeviceMakerNotLicensed(address maker);
    /// @notice The maker can still sign, or is suspended and may come back: no change of key without it.
    error DeviceMakerNotGone(address maker);
    /// @notice The box is of another model.
    error DeviceModelWrong(uint24 modelId, uint24 boxModelId);
    /// @notice Nothing was asked for, or what was asked for is void.
    error DeviceRequestUnknown(uint64 deviceId, Purpose purpose);
    error DeviceRequestPending(uint64 deviceId, Purpose purpose, uint32 readyFrom);
    error DeviceRequestNotReady(uint64 deviceId, Purpose purpose, uint32 readyFrom);
    /// @notice Not a cell of H3, or finer than resolution 7.
    error DeviceCellInvalid(uint64 h3Cell);

    /// @notice Onboards devices as `onboard` does, all or none. The caller pays, and bounds the number.
    function onboardMany(Onboarding[] calldata list) external;

    /// @notice Gives the device a new key, at once, with the signature of its model's maker, who must be licensed. Only
    /// the owner.
    function rotate(KeyChange calldata change, bytes calldata makerSignature) external;

    /// @notice Asks for a new key where the maker is gone (licence revoked, resigned, or none). Only the owner; asking
    /// again begins again.
    function requestRotation(KeyChange calldata change) external;

    /// @notice Completes it after the delay, if the maker is still gone. Anyone. `oldKeyHash` is the live key.
    function completeRotation(uint64 deviceId, bytes32 oldKeyHash) external;

    /// @notice RMA: the device lives on in a box of its model that was never onboarded, and never can be afterwards. Id,
    /// owner, payee, attachments and age stay. Only the owner.
    function replace(
        KeyChange calldata change,
        uint32 batchId,
        uint32 index,
        bytes32 serialHash,
        bytes32[] calldata proof
    ) external;

    /// @notice Takes over the device: the owner offered it to the caller, who has the box (its live key signed).
    function accept(
        uint64 deviceId,
        uint64 deadline,
        bytes calldata ownerSignature,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external;

    /// @notice The device's live key names a new owner, who gets the device after the delay unless the owner objects.
    /// Anyone. Not while disputed, nor while another such request waits.
    function requestRecovery(
        uint64 deviceId,
        address to,
        uint64 deadline,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external;

    /// @notice Completes a recovery after the delay. Anyone. Not while disputed.
    function completeRecovery(uint64 deviceId) external;

    /// @notice Voids every recovery and rotation asked for, every offer and every life message signed so far. The owner
    /// or an account it approved (ERC-721). Exit: never paused.
    function veto(uint64 deviceId) external;

    /// @notice Says in which H3 cell (resolution ≤ 7) the device is, from the next epoch on. Burns the fee from the
    /// caller's credits, booked to the network itself. Only the owner.
    function assertLocation(uint64 deviceId, uint64 h3Cell) external;

    /// @notice transfers(24) ‖ revisions(32): what is signed for the device names it.
    function versionOf(uint64 deviceId) external view returns (uint64);

    /// @notice What waits: the new owner (as a number) of a Recover, the new key's hash of a Rotate, and when it is due.
    /// Zeros if nothing waits.
    function requestOf(uint64 deviceId, Purpose purpose) external view returns (bytes32 what, uint32 readyFrom);

    /// @notice Cell of the last assertion, how many there were, and since when the last counts. Zeros if none.
    function locationOf(uint64 deviceId) external view returns (uint64 h3Cell, uint32 count, uint32 fromEpoch);

    /// @notice Epochs that a recovery, and a change of key without a maker, wait; epochs of a denial; credits burned by
    /// `assertLocation`.
    function terms() external view returns (uint32 delayEpochs, uint32 denialEpochs, uint32 locationFee);

    /// @notice Contract that writes the metadata; zero: the registry writes the little it knows.
    function metadata() external view returns (address);

    /// @notice Sets the terms of later requests, cases and assertions: a delay of 2 to 365 epochs, a denial of 1 to 10,000,
    /// a fee of at most 10^8 credits. Restricted: timelock.
    function setTerms(uint32 delayEpochs, uint32 denialEpochs, uint32 locationFee) external;

    /// @notice Sets the contract that writes the metadata; zero: none. Restricted: timelock.
    function setMetadata(address metadata) external;
}
