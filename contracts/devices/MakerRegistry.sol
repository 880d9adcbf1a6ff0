// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";

/// @title Licensed makers, certified models, posted batches
contract MakerRegistry is IMakerRegistry, Guarded, Epochs, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    // --- Types ---

    /// @dev What a maker posted in the last epoch in which it posted, and when its last suspension ends or ended.
    struct Activity {
        uint32 epoch;
        uint64 count;
        uint48 suspendedUntil;
    }

    /// @dev Two slots: the first is all that an inclusion reads, the second all that an attachment reads. `caps` keeps by
    /// epoch, in one word, what bounds the points: floorBps(16) | floorAge(32) | fullUntilAge(32) | cap(96).
    struct ModelRecord {
        address maker;
        uint32 expiresAtEpoch;
        uint104 bond;
        uint16 category;
        string name;
        Checkpoints.Trace208 caps;
    }

    /// @dev What an inclusion asks of a batch, found by the root that the proof leads to: one slot to read, not two.
    struct BatchTerms {
        uint24 modelId;
        uint32 count;
        uint8 depth;
        uint64 firstDeviceId;
    }

    // --- Constants and immutables ---

    /// @dev 2^32 entries of this cap stay below 2^128, the width of a sum of points.
    uint128 private constant MAX_POINTS_CAP = type(uint96).max;
    uint256 private constant MAX_NAME_LENGTH = 64;
    uint32 private constant MAX_BOND_DELAY = 365 days;
    uint16 private constant BPS = 10_000;

    /// @inheritdoc IMakerRegistry
    address public immutable token;
    /// @inheritdoc IMakerRegistry
    uint128 public immutable minBond;
    /// @inheritdoc IMakerRegistry
    uint32 public immutable bondDelay;

    // --- Storage ---

    uint24 private _modelCount;
    uint32 private _batchCount;
    uint64 private _posted;
    mapping(address maker => Maker) private _makers;
    mapping(address maker => Activity) private _activities;
    mapping(uint24 modelId => ModelRecord) private _models;
    mapping(uint32 batchId => bytes32) private _roots;
    mapping(uint32 batchId => mapping(bytes32 root => BatchTerms)) private _batches;

    constructor(
        address manager,
        address token_,
        uint64 genesis,
        uint32 length,
        uint128 minBond_,
        uint32 bondDelay_,
        uint32 maxPause_
    ) Guarded(manager, maxPause_) Epochs(genesis, length) {
        if (token_ == address(0)) revert MakerRegistryBadParameter("token", 0);
        if (minBond_ == 0) revert MakerRegistryBadParameter("minBond", 0);
        if (bondDelay_ == 0 || bondDelay_ > MAX_BOND_DELAY) revert MakerRegistryBadParameter("bondDelay", bondDelay_);
        token = token_;
        minBond = minBond_;
        bondDelay = bondDelay_;
    }

    // --- Maker ---

    /// @inheritdoc IMakerRegistry
    function postBond(uint256 amount) external whenOpen nonReentrant {
        if (amount == 0) revert MakerRegistryBadParameter("amount", 0);

        Maker storage m = _makers[msg.sender];
        uint128 bond = (m.bond + amount).toUint128();
        m.bond = bond;

        emit MakerBondPosted(msg.sender, amount, bond);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IMakerRegistry
    function withdrawBond() external nonReentrant {
        Maker storage m = _makers[msg.sender];
        // While licensed, suspended or not, there is no date: the delay starts with `resign` or `revoke`.
        if (m.status == MakerStatus.Licensed) revert MakerBondLocked(type(uint64).max);
        if (block.timestamp < m.bondFreeAt) revert MakerBondLocked(m.bondFreeAt);
        uint256 bond = m.bond;
        if (bond == 0) revert MakerBondTooSmall(0, 1);

        m.bond = 0;

        emit MakerBondWithdrawn(msg.sender, bond);
        IERC20(token).safeTransfer(msg.sender, bond);
    }

    /// @inheritdoc IMakerRegistry
    function resign() external {
        _end(msg.sender);
    }

    /// @inheritdoc IMakerRegistry
    function postBatch(
        uint24 modelId,
        bytes32 root,
        uint32 count,
        bytes32 dataHash
    ) external whenOpen returns (uint32 batchId) {
        _checkLicensed(msg.sender);
        if (_knownModel(modelId).maker != msg.sender) revert ModelNotOfMaker(modelId, msg.sender);
        _checkNotExpired(modelId);
        if (count == 0 || root == 0) revert BatchEmpty();
        uint256 left = quotaLeft(msg.sender);
        if (count > left) revert MakerQuotaExceeded(msg.sender, count, left);

        _countPosted(msg.sender, count);
        batchId = ++_batchCount;
        _roots[batchId] = root;
        uint64 firstDeviceId = _posted + 1;
        _posted += count;
        uint8 depth = uint8(Math.log2(count, Math.Rounding.Ceil));
        _batches[batchId][root] = BatchTerms(modelId, count, depth, firstDeviceId);

        emit BatchPosted(batchId, modelId, msg.sender, root, count, firstDeviceId, dataHash);
    }

    // --- Governance ---

    /// @inheritdoc IMakerRegistry
    function license(address maker, uint32 quotaPerEpoch) external restricted {
        Maker storage m = _makers[maker];
        if (m.bond < minBond) revert MakerBondTooSmall(m.bond, minBond);
        if (quotaPerEpoch == 0) revert MakerRegistryBadParameter("quotaPerEpoch", 0);

        (m.status, m.bondFreeAt, m.quotaPerEpoch) = (MakerStatus.Licensed, 0, quotaPerEpoch);
        // The vote knew of the suspension; the guardian's cool-down runs from here.
        if (block.timestamp < _activities[maker].suspendedUntil) _lift(maker);

        emit MakerLicensed(maker, quotaPerEpoch);
    }

    /// @inheritdoc IMakerRegistry
    function suspend(address maker) external restricted {
        _checkLicensed(maker);
        Activity storage a = _activities[maker];
        uint48 last = a.suspendedUntil;
        if (last != 0 && block.timestamp < uint256(last) + maxPause) revert MakerCoolingDown(maker, last + maxPause);

        uint48 until = uint48(block.timestamp) + maxPause;
        a.suspendedUntil = until;

        emit MakerSuspended(maker, until);
    }

    /// @inheritdoc IMakerRegistry
    function lift(address maker) external restricted {
        MakerStatus status = _statusOf(maker);
        if (status != MakerStatus.Suspended) revert MakerNotSuspended(maker, status);

        _lift(maker);
    }

    /// @inheritdoc IMakerRegistry
    function revoke(address maker) external restricted {
        _end(maker);
    }

    /// @inheritdoc IMakerRegistry
    function certifyModel(
        address maker,
        uint16 category,
        uint104 bond,
        uint128 pointsCap,
        uint32 expiresAtEpoch,
        string calldata name
    ) external restricted returns (uint24 modelId) {
        if (maker == address(0)) revert MakerRegistryBadParameter("maker", 0);
        uint256 nameLength = bytes(name).length;
        if (nameLength == 0 || nameLength > MAX_NAME_LENGTH) revert MakerRegistryBadParameter("name", nameLength);

        modelId = ++_modelCount;
        ModelRecord storage m = _models[modelId];
        (m.maker, m.category, m.name) = (maker, category, name);
        emit ModelCertified(modelId, maker, category, bond, pointsCap, name);
        _setBond(modelId, bond);
        _setExpiry(modelId, expiresAtEpoch);
        _setCap(modelId, pointsCap);
    }

    /// @inheritdoc IMakerRegistry
    function setModelCap(uint24 modelId, uint128 pointsCap) external restricted {
        _knownModel(modelId);
        _setCap(modelId, pointsCap);
    }

    /// @inheritdoc IMakerRegistry
    function setModelAgeing(uint24 modelId, Ageing calldata ageing) external restricted {
        Checkpoints.Trace208 storage caps = _knownModel(modelId).caps;
        (uint32 fullUntilAge, uint32 floorAge, uint16 floorBps) = (
            ageing.fullUntilAge,
            ageing.floorAge,
            ageing.floorBps
        );
        if (floorBps > BPS) revert MakerRegistryBadParameter("floorBps", floorBps);
        // A floor after the full years, or three zeros: no curve.
        if (floorAge <= fullUntilAge && (fullUntilAge | floorAge | floorBps != 0)) {
            revert MakerRegistryBadParameter("floorAge", floorAge);
        }

        uint32 fromEpoch = currentEpoch() + 1;
        caps.push(fromEpoch, _packCaps(uint96(caps.latest()), fullUntilAge, floorAge, floorBps));

        emit ModelAgeingSet(modelId, fullUntilAge, floorAge, floorBps, fromEpoch);
    }

    /// @inheritdoc IMakerRegistry
    function setModelBond(uint24 modelId, uint104 bond) external restricted {
        _knownModel(modelId);
        _setBond(modelId, bond);
    }

    /// @inheritdoc IMakerRegistry
    function setModelExpiry(uint24 modelId, uint32 expiresAtEpoch) external restricted {
        _knownModel(modelId);
        _setExpiry(modelId, expiresAtEpoch);
    }

    // --- Views ---

    /// @inheritdoc IMakerRegistry
    function checkInclusion(
        uint32 batchId,
        uint32 index,
        bytes32 serialHash,
        bytes32 keyHash,
        bytes32[] calldata proof
    ) external view returns (uint24 modelId, uint64 deviceId) {
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0x30), serialHash, keyHash));
        BatchTerms memory b = _batches[batchId][MerkleTree.rootOf(leaf, index, proof)];
        // Places from `count` on (all of them where no batch has this root), and paths of another length, are where a
        // root could hide uncounted devices.
        if (index >= b.count) revert BatchProofWrong(batchId, index);
        if (proof.length != b.depth) revert BatchProofWrong(batchId, index);

        modelId = b.modelId;
        _checkNotExpired(modelId);
        unchecked {
            // Ids of the batch were counted, with a check, when it was posted.
            deviceId = b.firstDeviceId + index;
        }
    }

    /// @inheritdoc IMakerRegistry
    function makerOf(address maker) external view returns (Maker memory) {
        Maker memory m = _makers[maker];
        m.status = _statusOf(maker);
        return m;
    }

    /// @inheritdoc IMakerRegistry
    function suspendedUntil(address maker) external view returns (uint48) {
        return _activities[maker].suspendedUntil;
    }

    /// @inheritdoc IMakerRegistry
    function modelOf(uint24 modelId) external view returns (Model memory) {
        ModelRecord storage m = _knownModel(modelId);
        return Model(m.maker, m.category, m.bond, m.expiresAtEpoch, m.name);
    }

    /// @inheritdoc IMakerRegistry
    function attachmentTerms(uint24 modelId) external view returns (uint104 bond, uint16 category) {
        ModelRecord storage m = _models[modelId];
        (bond, category) = (m.bond, m.category);
        // Every certified model has a bond.
        if (bond == 0) revert ModelUnknown(modelId);
    }

    /// @inheritdoc IMakerRegistry
    function batchOf(uint32 batchId) external view returns (Batch memory) {
        bytes32 root = _roots[batchId];
        if (root == 0) revert BatchUnknown(batchId);
        BatchTerms memory b = _batches[batchId][root];
        return Batch(root, b.modelId, b.count, b.firstDeviceId);
    }

    /// @inheritdoc IMakerRegistry
    function pointsCapAt(uint24 modelId, uint32 epoch) external view returns (uint128) {
        return uint96(_knownModel(modelId).caps.upperLookupRecent(epoch));
    }

    /// @inheritdoc IMakerRegistry
    function ageingAt(uint24 modelId, uint32 epoch) external view returns (Ageing memory) {
        uint208 caps = _knownModel(modelId).caps.upperLookupRecent(epoch);
        return Ageing(uint32(caps >> 96), uint32(caps >> 128), uint16(caps >> 160));
    }

    /// @inheritdoc IMakerRegistry
    function agedCapAt(uint24 modelId, uint32 epoch, uint32 firstEpoch) external view returns (uint128) {
        uint208 caps = _knownModel(modelId).caps.upperLookupRecent(epoch);
        (uint256 cap, uint256 full, uint256 end) = (uint96(caps), uint32(caps >> 96), uint32(caps >> 128));
        unchecked {
            // Below 2^96 · 2^32 · 2^14; ages are sorted by the branches, and floorBps ≤ BPS.
            uint256 age = epoch > firstEpoch ? epoch - firstEpoch : 0;
            if (end == 0 || age <= full) return uint128(cap);
            uint256 floorBps = uint16(caps >> 160);
            if (age >= end) return uint128((cap * floorBps) / BPS);
            return uint128((cap * (BPS * (end - age) + floorBps * (age - full))) / (BPS * (end - full)));
        }
    }

    /// @inheritdoc IMakerRegistry
    function quotaLeft(address maker) public view returns (uint256) {
        if (_statusOf(maker) != MakerStatus.Licensed) return 0;
        Activity storage a = _activities[maker];
        // A smaller quota may have been voted after the maker posted.
        return Math.saturatingSub(_makers[maker].quotaPerEpoch, a.epoch == currentEpoch() ? a.count : 0);
    }

    // --- Internal ---

    function _end(address maker) private {
        Maker storage m = _makers[maker];
        if (m.status != MakerStatus.Licensed) revert MakerNotLicensed(maker, m.status);

        // The delay does not run while a suspension does: leaving early frees the bond no earlier.
        uint64 freeAt = uint64(Math.max(block.timestamp, _activities[maker].suspendedUntil)) + bondDelay;
        (m.status, m.bondFreeAt, m.quotaPerEpoch) = (MakerStatus.Revoked, freeAt, 0);

        emit MakerRevoked(maker, freeAt);
    }

    function _countPosted(address maker, uint32 count) private {
        Activity storage a = _activities[maker];
        uint32 epoch = currentEpoch();
        (a.epoch, a.count) = (epoch, (a.epoch == epoch ? a.count : 0) + count);
    }

    function _lift(address maker) private {
        _activities[maker].suspendedUntil = uint48(block.timestamp);

        emit MakerLifted(maker);
    }

    function _setCap(uint24 modelId, uint128 pointsCap) private {
        if (pointsCap > MAX_POINTS_CAP) revert MakerRegistryBadParameter("pointsCap", pointsCap);
        uint32 fromEpoch = currentEpoch() + 1;

        Checkpoints.Trace208 storage caps = _models[modelId].caps;
        uint208 last = caps.latest();
        caps.push(fromEpoch, ((last >> 96) << 96) | uint208(pointsCap));

        emit ModelCapSet(modelId, pointsCap, fromEpoch);
    }

    function _setBond(uint24 modelId, uint104 bond) private {
        if (bond == 0) revert MakerRegistryBadParameter("bond", 0);

        _models[modelId].bond = bond;

        emit ModelBondSet(modelId, bond);
    }

    function _setExpiry(uint24 modelId, uint32 expiresAtEpoch) private {
        if (expiresAtEpoch != 0 && expiresAtEpoch <= currentEpoch()) {
            revert MakerRegistryBadParameter("expiresAtEpoch", expiresAtEpoch);
        }

        _models[modelId].expiresAtEpoch = expiresAtEpoch;

        emit ModelExpirySet(modelId, expiresAtEpoch);
    }

    function _knownModel(uint24 modelId) private view returns (ModelRecord storage m) {
        m = _models[modelId];
        if (m.maker == address(0)) revert ModelUnknown(modelId);
    }

    function _packCaps(
        uint96 cap,
        uint32 fullUntilAge,
        uint32 floorAge,
        uint16 floorBps
    ) private pure returns (uint208) {
        return (uint208(floorBps) << 160) | (uint208(floorAge) << 128) | (uint208(fullUntilAge) << 96) | cap;
    }

    /// @dev A suspension is a time, not a state: it ends by itself.
    function _statusOf(address maker) private view returns (MakerStatus status) {
        status = _makers[maker].status;
        if (status == MakerStatus.Licensed && block.timestamp < _activities[maker].suspendedUntil) {
            status = MakerStatus.Suspended;
        }
    }

    function _checkLicensed(address maker) private view {
        MakerStatus status = _statusOf(maker);
        if (status != MakerStatus.Licensed) revert MakerNotLicensed(maker, status);
    }

    function _checkNotExpired(uint24 modelId) private view {
        uint32 end = _models[modelId].expiresAtEpoch;
        if (end != 0 && currentEpoch() >= end) revert ModelExpired(modelId, end);
    }
}
