// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Licensed makers, certified models, posted batches
/// @notice A maker holds a licence (vote, bond, quota of devices per epoch). A model is certified by vote: its
/// category, the bond a device of it needs, the most points it can earn in an epoch (kept by epoch). A maker posts a
/// batch once: the root of a positional tree over its devices, with the number of leaves: device `index` of batch `b`
/// has the one leaf keccak256(0x30 ‖ serialHash ‖ keyHash), so a root cannot hide more devices than were counted
/// against the quota. Devices get their ids here, a run per batch in the order of posting: device `index` of a batch is
/// device `firstDeviceId + index` of the network, whenever it is onboarded. A maker that lapses posts no more; what it
/// posted lives on.
/// Warning: a bad maker can sign fake keys; quota, bond and vote bound the harm. Serial hashes can be guessed.
interface IMakerRegistry {
    /// @notice Standing of a maker. Suspended is a licensed maker within a suspension: it ends by itself.
    enum MakerStatus {
        None,
        Licensed,
        Suspended,
        Revoked
    }

    /// @notice A maker's record. `bond` in wei, `bondFreeAt` seconds (0 while licensed or suspended).
    struct Maker {
        uint128 bond;
        uint64 bondFreeAt;
        uint32 quotaPerEpoch;
        MakerStatus status;
    }

    /// @notice A certified hardware type. `bond` in wei binds later attachments only. Not certified for onboarding
    /// from `expiresAtEpoch` on (0 = open end).
    struct Model {
        address maker;
        uint16 category;
        uint104 bond;
        uint32 expiresAtEpoch;
        string name;
    }

    /// @notice End-of-life curve of a model: how the points cap falls with a device's age, in epochs since its first one.
    /// The whole cap up to `fullUntilAge`, `floorBps` of it from `floorAge` on, a straight line between. Three zeros: no
    /// curve.
    struct Ageing {
        uint32 fullUntilAge;
        uint32 floorAge;
        uint16 floorBps;
    }

    /// @notice A posted batch; its devices have the ids from `firstDeviceId` to `firstDeviceId + count − 1`.
    struct Batch {
        bytes32 root;
        uint24 modelId;
        uint32 count;
        uint64 firstDeviceId;
    }

    event MakerBondPosted(address indexed maker, uint256 amount, uint256 bond);
    event MakerBondWithdrawn(address indexed maker, uint256 amount);
    event MakerLicensed(address indexed maker, uint32 quotaPerEpoch);
    /// @notice The maker may post nothing before `until` (seconds).
    event MakerSuspended(address indexed maker, uint48 until);
    /// @notice A suspension was ended early.
    event MakerLifted(address indexed maker);
    event MakerRevoked(address indexed maker, uint64 bondFreeAt);
    event ModelCertified(
        uint24 indexed modelId,
        address indexed maker,
        uint16 category,
        uint104 bond,
        uint128 pointsCap,
        string name
    );
    event ModelCapSet(uint24 indexed modelId, uint128 pointsCap, uint32 fromEpoch);
    event ModelAgeingSet(
        uint24 indexed modelId,
        uint32 fullUntilAge,
        uint32 floorAge,
        uint16 floorBps,
        uint32 fromEpoch
    );
    event ModelBondSet(uint24 indexed modelId, uint104 bond);
    event ModelExpirySet(uint24 indexed modelId, uint32 expiresAtEpoch);
    event BatchPosted(
        uint32 indexed batchId,
        uint24 indexed modelId,
        address indexed maker,
        bytes32 root,
        uint32 count,
        uint64 firstDeviceId,
        bytes32 dataHash
    );

    error MakerNotLicensed(address maker, MakerStatus status);
    error MakerNotSuspended(address maker, MakerStatus status);
    /// @notice The maker was suspended recently and cannot be before `notBefore`.
    error MakerCoolingDown(address maker, uint48 notBefore);
    error MakerBondTooSmall(uint256 bond, uint256 minimum);
    error MakerBondLocked(uint64 freeAt);
    error MakerQuotaExceeded(address maker, uint256 wanted, uint256 left);
    error ModelUnknown(uint24 modelId);
    error ModelNotOfMaker(uint24 modelId, address maker);
    error ModelExpired(uint24 modelId, uint32 expiresAtEpoch);
    error BatchUnknown(uint32 batchId);
    error BatchEmpty();
    /// @notice The proof does not lead from place `index` to the root of that batch (also: there is no such batch).
    error BatchProofWrong(uint32 batchId, uint32 index);
    error MakerRegistryBadParameter(bytes32 name, uint256 value);

    /// @notice Adds `amount` wei to the caller's bond (allowance needed). Anyone may prepare a bond before the vote.
    function postBond(uint256 amount) external;

    /// @notice Pays the whole bond back to a maker that was revoked (delay over) or never licensed. Exit: never paused.
    /// Reverts with MakerBondLocked(2^64 − 1) while licensed or suspended: resign first.
    function withdrawBond() external;

    /// @notice The maker gives its licence back; the bond is free after the delay, which begins with the end of a running
    /// suspension. Posted batches live on. Exit: never paused.
    function resign() external;

    /// @notice Posts a batch: one transaction, whatever its size. Only a licensed maker, within its quota of the
    /// current epoch. `dataHash` binds the published batch file.
    function postBatch(uint24 modelId, bytes32 root, uint32 count, bytes32 dataHash) external returns (uint32 batchId);

    /// @notice Licenses (or re-licenses) a maker whose bond is at least the minimum; ends a suspension. What it posted in
    /// this epoch stays counted. Restricted: timelock.
    function license(address maker, uint32 quotaPerEpoch) external;

    /// @notice Stops a maker from posting for `maxPause` seconds (one governance cycle and some, so that a vote can
    /// `revoke`); for as long after its end the maker cannot be suspended again. Restricted: timelock and guardian.
    function suspend(address maker) external;

    /// @notice Ends a suspension early; the cool-down counts from now. Restricted: timelock and guardian.
    function lift(address maker) external;

    /// @notice Ends a licence; the bond is free after the delay, which begins with the end of a running suspension.
    /// Restricted: timelock.
    function revoke(address maker) external;

    /// @notice Certifies a model of `maker`. Restricted: timelock.
    function certifyModel(
        address maker,
        uint16 category,
        uint104 bond,
        uint128 pointsCap,
        uint32 expiresAtEpoch,
        string calldata name
    ) external returns (uint24 modelId);

    /// @notice Sets the points cap from the next epoch. Restricted: timelock.
    function setModelCap(uint24 modelId, uint128 pointsCap) external;

    /// @notice Sets the end-of-life curve from the next epoch: `floorBps` ≤ 10000 and `floorAge` > `fullUntilAge`, or three
    /// zeros for none. Restricted: timelock.
    function setModelAgeing(uint24 modelId, Ageing calldata ageing) external;

    /// @notice Sets the bond of later attachments. Restricted: timelock.
    function setModelBond(uint24 modelId, uint104 bond) external;

    /// @notice Sets when the certificate ends for onboarding (0 = open end, else > current epoch). Restricted: timelock.
    function setModelExpiry(uint24 modelId, uint32 expiresAtEpoch) external;

    /// @notice Model and id of the device with these hashes, or reverts: wrong proof, or model expired. `proof` is
    /// positional, from leaf to root, of length ⌈log2 count⌉.
    function checkInclusion(
        uint32 batchId,
        uint32 index,
        bytes32 serialHash,
        bytes32 keyHash,
        bytes32[] calldata proof
    ) external view returns (uint24 modelId, uint64 deviceId);

    /// @notice Record of a maker.
    function makerOf(address maker) external view returns (Maker memory);

    /// @notice Second at which the last suspension of `maker` ends or ended; 0 if it never was suspended.
    function suspendedUntil(address maker) external view returns (uint48);

    /// @notice Record of a model.
    function modelOf(uint24 modelId) external view returns (Model memory);

    /// @notice Bond in wei that an attachment of a device of `modelId` needs now, and its category.
    function attachmentTerms(uint24 modelId) external view returns (uint104 bond, uint16 category);

    /// @notice Record of a batch.
    function batchOf(uint32 batchId) external view returns (Batch memory);

    /// @notice Most points a new device of `modelId` can earn in `epoch`; 0 up to and including the epoch of its
    /// certification. Never above 2^96 − 1, so that the points of 2^32 entries fit 128 bits.
    function pointsCapAt(uint24 modelId, uint32 epoch) external view returns (uint128);

    /// @notice The end-of-life curve of `modelId` in force in `epoch`.
    function ageingAt(uint24 modelId, uint32 epoch) external view returns (Ageing memory);

    /// @notice Most points that a device of `modelId` with first epoch `firstEpoch` can earn in `epoch`: `pointsCapAt`
    /// lowered by the model's curve, rounded down. Age is epoch − firstEpoch.
    function agedCapAt(uint24 modelId, uint32 epoch, uint32 firstEpoch) external view returns (uint128);

    /// @notice Devices `maker` may still post in the current epoch; 0 unless it is licensed.
    function quotaLeft(address maker) external view returns (uint256);

    /// @notice Token of the bonds.
    function token() external view returns (address);

    /// @notice Least bond of a licence, in wei.
    function minBond() external view returns (uint128);

    /// @notice Seconds between the end of a licence and the freedom of its bond.
    function bondDelay() external view returns (uint32);
}
