// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A device's public key. `keyType` 1 = P-256, 2 = secp256k1; `x`, `y` affine coordinates.
/// keyHash = keccak256(keyType ‖ x ‖ y), 65 bytes.
struct DeviceKey {
    uint8 keyType;
    bytes32 x;
    bytes32 y;
}

/// @notice A device's signature over the sha256 of a fixed-layout message. `s` must be in the lower half.
struct DeviceSignature {
    bytes32 r;
    bytes32 s;
}

/// @notice Everything needed to onboard a device.
/// @param owner who will own the NFT (the device signed for this owner)
/// @param operatorId operator to attach to in the same call; 0 = attach later
/// @param subNetwork sub-network to attach in; also the one the fee is booked to; 0 = none
/// @param batchId batch the maker posted
/// @param index position of the device in the batch
/// @param serialHash keccak256 of the serial number
/// @param nonce the device's id (firstDeviceId of the batch + index): the signature so names its place, and with it the
/// model; a maker who posts somebody else's key cannot use a signature made for another batch
/// @param deadline last second at which the signature counts
/// @param key the device's key; only its hash is stored
/// @param signature over sha256(onboarding message)
/// @param proof inclusion proof of (serialHash, keyHash) in the batch, positional, leaf to root
struct Onboarding {
    address owner;
    uint64 operatorId;
    uint16 subNetwork;
    uint32 batchId;
    uint32 index;
    bytes32 serialHash;
    uint64 nonce;
    uint64 deadline;
    DeviceKey key;
    DeviceSignature signature;
    bytes32[] proof;
}

/// @title Devices: one box, one ERC-721, one live key at a time
/// @notice Token id = device id = the batch's first id + the device's place in it (IMakerRegistry), known at manufacture
/// and from 1: ids say nothing of the order of onboarding, and not every id is a device. A key is bound to one device for
/// ever and never returns. What a fraud proof asks is kept by epoch. What happens in epoch e counts from e + 1: a device onboarded in e earns from e + 1; the
/// payee of epoch e is the one recorded when e began.
/// Payee: the owner, unless the owner named another. One change of payee or owner per `challengeEpochs` (a change may
/// be corrected within the epoch in which it was made; before the device's first epoch changes are free), so that
/// `payeeAt` can be read for every challengeable epoch. A transfer is a change, and clears the named payee.
/// Onboarding message, sha256, big endian, 79 bytes: "GWO1" ‖ schema(1)=1 ‖ chainId(8) ‖ registry(20) ‖ owner(20) ‖
/// operatorId(8) ‖ subNetwork(2) ‖ nonce(8) ‖ deadline(8).
/// Warning: transferFrom does not ask the receiver; rewards earned up to and including the current epoch stay with the
/// payee of then.
interface IDeviceRegistry {
    /// @notice A device was onboarded; it counts from `fromEpoch`. Its batch is the one whose ids have `deviceId`
    /// (IMakerRegistry.BatchPosted).
    event DeviceOnboarded(
        uint64 indexed deviceId,
        address indexed owner,
        bytes32 indexed keyHash,
        uint24 modelId,
        uint32 fromEpoch
    );
    /// @notice From `fromEpoch` on `payee` is paid; before, `previous`.
    event PayeeChanged(uint64 indexed deviceId, address indexed payee, address indexed previous, uint32 fromEpoch);
    /// @notice The device earns nothing from `fromEpoch` on.
    event DeviceRetired(uint64 indexed deviceId, uint32 fromEpoch);
    /// @notice Fee of an onboarding, in credits.
    event OnboardingFeeSet(uint256 credits);
    /// @notice The staking contract that `onboard` attaches through.
    event StakingSet(address indexed staking);

    error DeviceUnknown(uint256 deviceId);
    error DeviceKeyUsed(bytes32 keyHash, uint64 deviceId);
    error DeviceKeyTypeUnknown(uint8 keyType);
    error DeviceKeyInvalid(uint8 keyType, bytes32 x, bytes32 y);
    error DeviceSignatureWrong(bytes32 digest);
    error DeviceSignatureExpired(uint64 deadline);
    error DeviceNonceWrong(uint64 nonce, uint64 deviceId);
    error DeviceNotOwner(uint256 deviceId, address caller);
    error DeviceAlreadyRetired(uint256 deviceId);
    error DevicePayeeRecentlyChanged(uint256 deviceId, uint32 nextEpoch);
    error DevicePayeeUnknownAt(uint256 deviceId, uint32 epoch, uint32 knownFrom);
    error DeviceZeroAddress();
    error DeviceTakesNoEther();
    error DeviceRegistryBadParameter(bytes32 name, uint256 value);

    /// @notice Onboards a device. Anyone may call and pays the fee from its own credits; the device's signature names
    /// the owner. With `operatorId` the device is attached in the same call if that operator accepts the owner and, where
    /// another pays, the caller too: the owner whom a box names has not consented to anything.
    function onboard(Onboarding calldata o) external returns (uint64 deviceId);

    /// @notice Pays the device's rewards to `payee` from the next epoch (zero = the owner). Only the owner.
    function setPayee(uint64 deviceId, address payee) external;

    /// @notice The device earns nothing from the next epoch on, for ever. Only the owner. Exit: never paused.
    function retire(uint64 deviceId) external;

    /// @notice Device of a key, whatever its state; 0 if the key was never used.
    function deviceOfKey(bytes32 keyHash) external view returns (uint64);

    /// @notice Device for which `keyHash` was the live key in `epoch`; 0 if none.
    function deviceOfKeyAt(bytes32 keyHash, uint32 epoch) external view returns (uint64);

    /// @notice Who is paid for what the device earned in `epoch`. Known from the device's first epoch until its second
    /// change of payee, then from the change before the last one (always ≥ `challengeEpochs` back); reverts for an
    /// earlier epoch. For an epoch that has not begun: who is paid if nothing changes.
    function payeeAt(uint64 deviceId, uint32 epoch) external view returns (address);

    /// @notice Whether the device was onboarded before `epoch` and not retired before it; false for an unknown device.
    function isActiveAt(uint64 deviceId, uint32 epoch) external view returns (bool);

    /// @notice Model of the device.
    function modelOfDevice(uint64 deviceId) external view returns (uint24);

    /// @notice First epoch of the device, and the one from which it is retired (0 = it is not).
    function lifetimeOf(uint64 deviceId) external view returns (uint32 fromEpoch, uint32 retiredFrom);

    /// @notice Most points the device can earn in `epoch` (its model's cap, lowered by age).
    function pointsCapAt(uint64 deviceId, uint32 epoch) external view returns (uint128);

    /// @notice Transfers of the device, modulo 2^24. What an owner granted is good only while owner and count are those
    /// of the grant.
    function transfersOf(uint64 deviceId) external view returns (uint24);

    /// @notice Credits burned by an onboarding.
    function onboardingFee() external view returns (uint256);

    /// @notice Epochs for which past payees must stay readable.
    function challengeEpochs() external view returns (uint32);

    /// @notice Digest that the device signs to be onboarded (sha256 of the 79 bytes above).
    function onboardingDigest(
        address owner,
        uint64 operatorId,
        uint16 subNetwork,
        uint64 nonce,
        uint64 deadline
    ) external view returns (bytes32);

    /// @notice Registry of makers, models and batches.
    function makers() external view returns (address);

    /// @notice Data credits, from which fees are burned.
    function credits() external view returns (address);

    /// @notice Staking contract that `onboard` attaches through; zero until the deployment sets it.
    function staking() external view returns (address);

    /// @notice Sets the onboarding fee, in credits, at most 10^8 (1000 USD). Restricted: timelock.
    function setOnboardingFee(uint256 credits) external;

    /// @notice Sets the staking contract, once. Restricted: timelock (the deployment does it).
    function setStaking(address staking) external;
}
