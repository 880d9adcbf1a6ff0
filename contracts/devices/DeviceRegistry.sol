// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ShortString, ShortStrings} from "@openzeppelin/contracts/utils/ShortStrings.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDataCredits} from "../interfaces/IDataCredits.sol";
import {IDeviceLife, KeyChange} from "../interfaces/IDeviceLife.sol";
import {IDeviceMetadata} from "../interfaces/IDeviceMetadata.sol";
import {DeviceKey, DeviceSignature, IDeviceRegistry, Onboarding} from "../interfaces/IDeviceRegistry.sol";
import {IDisputable} from "../interfaces/IDisputable.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {DeviceKeys} from "./DeviceKeys.sol";
import {DeviceLife} from "./DeviceLife.sol";
import {DeviceSettings} from "./DeviceSettings.sol";

/// @title Devices: one box, one ERC-721, one live key at a time
contract DeviceRegistry is IDeviceRegistry, DeviceSettings, ERC721, Epochs {
    using DeviceLife for DeviceLife.State;
    using ShortStrings for ShortString;
    using ShortStrings for string;

    // --- Types ---

    /// @dev One slot: all that an onboarding reads of this contract.
    struct Entry {
        address staking;
        uint48 pausedUntil;
        uint32 fee;
    }

    // --- Constants and immutables ---

    uint256 private constant HAS_CUSTOM = DeviceLife.HAS_CUSTOM;
    /// @dev Bit of the spare eight beside the owner: there was a case about the device, its trace must be asked.
    uint96 private constant HAS_CASES = 1;
    uint32 private constant MAX_CHALLENGE_EPOCHS = 10_000;
    uint256 private constant MAX_FEE = 100_000_000;

    /// @inheritdoc IDeviceRegistry
    address public immutable makers;
    /// @inheritdoc IDeviceRegistry
    address public immutable credits;
    /// @inheritdoc IDeviceRegistry
    uint32 public immutable challengeEpochs;
    ShortString private immutable _name;
    ShortString private immutable _symbol;

    // --- Storage: beside each owner ERC721 keeps modelId(24) | fromEpoch(32) | retiredFrom(32) | flags(8) ---

    Entry private _entry;
    mapping(uint256 deviceId => address) private _customPayees;

    constructor(
        address manager,
        address makers_,
        address credits_,
        uint64 genesis,
        uint32 length,
        uint32 challengeEpochs_,
        uint32 maxPause_,
        string memory name_,
        string memory symbol_
    ) Guarded(manager, maxPause_) Epochs(genesis, length) {
        if (makers_ == address(0) || credits_ == address(0)) revert DeviceZeroAddress();
        if (challengeEpochs_ == 0 || challengeEpochs_ > MAX_CHALLENGE_EPOCHS) {
            revert DeviceRegistryBadParameter("challengeEpochs", challengeEpochs_);
        }
        makers = makers_;
        credits = credits_;
        challengeEpochs = challengeEpochs_;
        _name = name_.toShortString();
        _symbol = symbol_.toShortString();
    }

    // --- Anyone ---

    /// @inheritdoc IDeviceRegistry
    function onboard(Onboarding calldata o) external returns (uint64 deviceId) {
        return _onboard(o);
    }

    /// @inheritdoc IDeviceLife
    function onboardMany(Onboarding[] calldata list) external {
        for (uint256 i = 0; i < list.length; i++) _onboard(list[i]);
    }

    /// @inheritdoc IDeviceLife
    function completeRotation(uint64 deviceId, bytes32 oldKeyHash) external {
        _s.completeRotation(_device(deviceId), oldKeyHash);
    }

    /// @inheritdoc IDeviceLife
    function requestRecovery(
        uint64 deviceId,
        address to,
        uint64 deadline,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external {
        _s.requestRecovery(_device(deviceId), to, deadline, key, signature);
    }

    /// @inheritdoc IDeviceLife
    function completeRecovery(uint64 deviceId) external {
        DeviceLife.Device memory d = _device(deviceId);
        _transfer(d.owner, _s.checkRecovery(d), deviceId);
    }

    /// @inheritdoc IDeviceLife
    function accept(
        uint64 deviceId,
        uint64 deadline,
        bytes calldata ownerSignature,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external {
        DeviceLife.Device memory d = _device(deviceId);
        _s.checkAcceptance(d, deadline, ownerSignature, key, signature);
        _transfer(d.owner, msg.sender, deviceId);
    }

    // --- Owner ---

    /// @inheritdoc IDeviceRegistry
    function setPayee(uint64 deviceId, address payee) external {
        _checkOwner(deviceId);

        uint256 r = _s.payees[deviceId];
        _checkUndisputed(r, deviceId);
        address before = _payee(r, deviceId, msg.sender);
        r = payee == address(0) ? r & ~HAS_CUSTOM : r | HAS_CUSTOM;
        _customPayees[deviceId] = payee;
        _recordPayeeChange(deviceId, r, before, payee == address(0) ? msg.sender : payee);
    }

    /// @inheritdoc IDeviceRegistry
    function retire(uint64 deviceId) external {
        uint32 retiredFrom = _ownDevice(deviceId).fromEpoch;

        _setExtraData(deviceId, _getExtraData(deviceId) | (uint96(retiredFrom) << 8));

        emit DeviceRetired(deviceId, retiredFrom);
        emit MetadataUpdate(deviceId);
    }

    /// @inheritdoc IDeviceLife
    function rotate(KeyChange calldata change, bytes calldata makerSignature) external {
        _s.rotate(_ownDevice(change.deviceId), change, makerSignature);
    }

    /// @inheritdoc IDeviceLife
    function requestRotation(KeyChange calldata change) external {
        _s.requestRotation(_ownDevice(change.deviceId), change);
    }

    /// @inheritdoc IDeviceLife
    function replace(
        KeyChange calldata change,
        uint32 batchId,
        uint32 index,
        bytes32 serialHash,
        bytes32[] calldata proof
    ) external {
        _s.replace(_ownDevice(change.deviceId), change, batchId, index, serialHash, proof);
    }

    /// @inheritdoc IDeviceLife
    function veto(uint64 deviceId) external {
        if (!_exists(deviceId)) revert DeviceUnknown(deviceId);
        if (!_isApprovedOrOwner(msg.sender, deviceId)) revert DeviceNotOwner(deviceId, msg.sender);
        _s.veto(deviceId);
    }

    /// @inheritdoc IDeviceLife
    function assertLocation(uint64 deviceId, uint64 h3Cell) external {
        _s.assertLocation(deviceId, h3Cell, _ownDevice(deviceId).fromEpoch);

        uint32 fee = _s.locationFee;
        if (fee != 0) IDataCredits(credits).spendFrom(msg.sender, 0, fee);
    }

    /// @dev ERC-721 lets these two be payable; nothing could ever take the ether out.
    function transferFrom(address from, address to, uint256 id) public payable override {
        if (msg.value != 0) revert DeviceTakesNoEther();
        super.transferFrom(from, to, id);
    }

    /// @dev See `transferFrom`.
    function approve(address account, uint256 id) public payable override {
        if (msg.value != 0) revert DeviceTakesNoEther();
        super.approve(account, id);
    }

    // --- Disputes ---

    /// @inheritdoc IDisputable
    function onDisputeOpened(uint64 caseId, uint256 subject, uint32 epoch) external returns (address accused) {
        if (msg.sender != _s.disputes) revert DeviceNotDisputes(msg.sender);
        uint64 deviceId = uint64(subject);
        if (deviceId != subject) revert DeviceUnknown(subject);
        DeviceLife.Device memory d = _liveDevice(deviceId);
        if (!isActiveAt(deviceId, epoch)) revert DeviceNotActiveAt(deviceId, epoch);

        accused = d.owner;
        _s.openCase(d, caseId, _payee(_s.payees[deviceId], deviceId, accused), epoch);
        _setExtraData(deviceId, _getExtraData(deviceId) | HAS_CASES);
    }

    /// @inheritdoc IDisputable
    function onDisputeClosed(uint64 caseId, uint256 subject, bool upheld) external {
        _s.closeCase(uint64(subject), caseId, upheld, currentEpoch() + 1);
    }

    // --- Governance ---

    /// @inheritdoc IDeviceRegistry
    function setOnboardingFee(uint256 fee) external restricted {
        if (fee > MAX_FEE) revert DeviceRegistryBadParameter("onboardingFee", fee);

        _entry.fee = uint32(fee);

        emit OnboardingFeeSet(fee);
    }

    /// @inheritdoc IDeviceRegistry
    function setStaking(address staking_) external restricted {
        if (staking_ == address(0)) revert DeviceZeroAddress();
        address before = _entry.staking;
        if (before != address(0)) revert DeviceRegistryBadParameter("staking", uint160(before));

        _entry.staking = staking_;

        emit StakingSet(staking_);
    }

    // --- Views ---

    /// @inheritdoc IDeviceRegistry
    function deviceOfKey(bytes32 keyHash) external view returns (uint64) {
        return uint64(_s.keys[keyHash]);
    }

    /// @inheritdoc IDeviceRegistry
    function deviceOfKeyAt(bytes32 keyHash, uint32 epoch) external view returns (uint64) {
        uint256 use = _s.keys[keyHash];
        return uint32(use >> 64) <= epoch && epoch < uint32(use >> 96) ? uint64(use) : 0;
    }

    /// @inheritdoc IDeviceRegistry
    function payeeAt(uint64 deviceId, uint32 epoch) external view returns (address) {
        (, uint32 knownFrom, ) = _deviceOf(deviceId);
        uint256 r = _s.payees[deviceId];
        uint32 sinceEpoch = uint32(r >> 160);
        if (sinceEpoch != 0) knownFrom = uint32(r >> 192);
        if (epoch < knownFrom) revert DevicePayeeUnknownAt(deviceId, epoch, knownFrom);
        if (_getExtraData(deviceId) & HAS_CASES != 0) {
            address hold = _s.holdAt(deviceId, epoch);
            if (hold != address(0)) return hold;
        }
        return epoch < sinceEpoch ? address(uint160(r)) : _payee(r, deviceId, _ownerOf(deviceId));
    }

    /// @inheritdoc IDeviceRegistry
    function isActiveAt(uint64 deviceId, uint32 epoch) public view returns (bool) {
        uint96 packed = _getExtraData(deviceId);
        (, uint32 fromEpoch, uint32 retiredFrom) = _unpackDevice(packed);
        // Epochs of devices start at 1: zero is an unknown device.
        if (fromEpoch == 0 || epoch < fromEpoch || (retiredFrom != 0 && epoch >= retiredFrom)) return false;
        return packed & HAS_CASES == 0 || !_s.isDeniedAt(deviceId, epoch);
    }

    /// @inheritdoc IDeviceRegistry
    function modelOfDevice(uint64 deviceId) external view returns (uint24 modelId) {
        (modelId, , ) = _deviceOf(deviceId);
    }

    /// @inheritdoc IDeviceRegistry
    function pointsCapAt(uint64 deviceId, uint32 epoch) external view returns (uint128) {
        (uint24 modelId, , ) = _deviceOf(deviceId);
        return IMakerRegistry(makers).pointsCapAt(modelId, epoch);
    }

    /// @inheritdoc IDeviceRegistry
    function transfersOf(uint64 deviceId) external view returns (uint24) {
        return uint24(_s.payees[deviceId] >> 224);
    }

    /// @inheritdoc IDeviceRegistry
    function onboardingFee() external view returns (uint256) {
        return _entry.fee;
    }

    /// @inheritdoc IDeviceRegistry
    function staking() external view returns (address) {
        return _entry.staking;
    }

    /// @inheritdoc IDeviceRegistry
    function onboardingDigest(
        address owner,
        uint64 operatorId,
        uint16 subNetwork,
        uint64 nonce,
        uint64 deadline
    ) public view returns (bytes32) {
        uint104 head = 0x47574f3101 << 64; // "GWO1", 1
        // Ids of chains in use fit 64 bits.
        uint64 chainId = uint64(block.chainid);
        uint208 terms = (uint208(operatorId) << 144) | (uint208(subNetwork) << 128) | (uint208(nonce) << 64) | deadline;
        return sha256(abi.encodePacked(head | chainId, address(this), owner, terms));
    }

    /// @notice Name of the collection (ERC-721).
    function name() public view override returns (string memory) {
        return _name.toString();
    }

    /// @notice Symbol of the collection (ERC-721).
    function symbol() public view override returns (string memory) {
        return _symbol.toString();
    }

    /// @notice Metadata of a device as a JSON data URI (ERC-721).
    function tokenURI(uint256 id) public view override returns (string memory) {
        uint64 deviceId = uint64(id);
        if (deviceId != id) revert DeviceUnknown(id);
        DeviceLife.Device memory d = _device(deviceId);
        address metadata_ = _s.metadata;
        if (metadata_ != address(0)) return IDeviceMetadata(metadata_).tokenURI(deviceId);
        (, , uint32 retiredFrom) = _deviceOf(deviceId);
        return DeviceLife.tokenURI(d, name(), retiredFrom != 0);
    }

    /// @notice ERC-165: ERC-721, its metadata, and ERC-4906.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0x49064906 || super.supportsInterface(interfaceId);
    }

    // --- Internal ---

    function _onboard(Onboarding calldata o) private returns (uint64 deviceId) {
        Entry memory entry = _entry;
        _checkOpen(entry.pausedUntil);
        if (block.timestamp > o.deadline) revert DeviceSignatureExpired(o.deadline);
        if (o.owner == address(0)) revert DeviceZeroAddress();
        bytes32 keyHash = DeviceKeys.hash(o.key);
        uint64 user = uint64(_s.keys[keyHash]);
        if (user != 0) revert DeviceKeyUsed(keyHash, user);
        bytes32 digest = onboardingDigest(o.owner, o.operatorId, o.subNetwork, o.nonce, o.deadline);
        if (!DeviceKeys.verifyNative(o.key, digest, o.signature)) DeviceLife.checkSignature(o.key, digest, o.signature);
        uint24 modelId;
        (modelId, deviceId) = IMakerRegistry(makers).checkInclusion(o.batchId, o.index, o.serialHash, keyHash, o.proof);
        if (o.nonce != deviceId) revert DeviceNonceWrong(o.nonce, deviceId);

        uint32 fromEpoch = currentEpoch() + 1;
        // No other device has this id: a place of a batch has one leaf, and the leaf's key was never used.
        _s.keys[keyHash] = (uint256(DeviceLife.OPEN_END) << 96) | (uint256(fromEpoch) << 64) | deviceId;
        _mintAndSetExtraDataUnchecked(o.owner, deviceId, _packDevice(modelId, fromEpoch, 0));

        emit DeviceOnboarded(deviceId, o.owner, keyHash, modelId, fromEpoch);
        if (entry.fee != 0) IDataCredits(credits).spendFrom(msg.sender, o.subNetwork, entry.fee);
        if (o.operatorId != 0) {
            address staking_ = entry.staking;
            if (staking_ == address(0)) revert DeviceZeroAddress();
            // A box can name any owner: a caller who is neither that owner nor accepted takes nobody's stake.
            if (msg.sender != o.owner && !IOperatorStaking(staking_).accepts(o.operatorId, msg.sender)) {
                revert IOperatorStaking.OperatorDoesNotAccept(o.operatorId, msg.sender);
            }
            IOperatorStaking(staking_).attachAtOnboarding(deviceId, modelId, o.owner, o.subNetwork, o.operatorId);
        }
    }

    function _pauseOf(bytes4 entry) internal view override returns (uint48) {
        return entry == IDeviceRegistry.onboard.selector ? _entry.pausedUntil : super._pauseOf(entry);
    }

    function _setPause(bytes4 entry, uint48 until) internal override {
        if (entry == IDeviceRegistry.onboard.selector) _entry.pausedUntil = until;
        else super._setPause(entry, until);
    }

    /// @dev After Solady has checked owner and approval and has moved the device. Minting is not a change of payee.
    function _afterTokenTransfer(address from, address to, uint256 id) internal override {
        if (from == address(0)) return;
        uint256 r = _s.payees[id];
        _checkUndisputed(r, id);
        address before = _payee(r, id, from);
        unchecked {
            // One transfer more; what overflows 24 bits falls on the flag of the named payee, which ends anyway.
            r = (r + (1 << 224)) & (HAS_CUSTOM - 1);
        }
        _recordPayeeChange(id, r, before, to);
    }

    /// @dev Stores `r` and in it who was paid until now, at most once per challenge window; see IDeviceRegistry.
    function _recordPayeeChange(uint256 id, uint256 r, address before, address payee) private {
        uint32 fromEpoch;
        uint32 nextEpoch;
        uint32 sinceEpoch = uint32(r >> 160);
        unchecked {
            // Epochs number what 136 years have seconds at most, and a window is 10,000 of them.
            fromEpoch = currentEpoch() + 1;
            nextEpoch = sinceEpoch + challengeEpochs;
        }

        if (fromEpoch == sinceEpoch) {
            // Corrects a change that does not count yet: who was paid before it stays.
            before = address(uint160(r));
        } else if (sinceEpoch != 0) {
            if (fromEpoch <= nextEpoch) revert DevicePayeeRecentlyChanged(id, nextEpoch);
            r = _packPast(r, sinceEpoch, fromEpoch, before);
        } else {
            (, uint32 firstEpoch, ) = _unpackDevice(_getExtraData(id));
            // Onboarded in this epoch: nobody was paid before, there is nothing to keep.
            if (fromEpoch == firstEpoch) before = address(0);
            else r = _packPast(r, firstEpoch, fromEpoch, before);
        }
        _s.payees[id] = r;

        emit PayeeChanged(uint64(id), payee, before, fromEpoch);
    }

    function _packPast(
        uint256 r,
        uint32 knownFrom,
        uint32 sinceEpoch,
        address previous
    ) private pure returns (uint256) {
        return
            ((r >> 224) << 224) |
            (uint256(knownFrom) << 192) |
            (uint256(sinceEpoch) << 160) |
            uint256(uint160(previous));
    }

    function _payee(uint256 r, uint256 id, address owner) private view returns (address) {
        return r & HAS_CUSTOM == 0 ? owner : _customPayees[id];
    }

    function _checkOwner(uint64 deviceId) private view {
        address owner = _ownerOf(deviceId);
        if (owner == address(0)) revert DeviceUnknown(deviceId);
        if (owner != msg.sender) revert DeviceNotOwner(deviceId, msg.sender);
    }

    /// @dev A device of the caller that is not retired.
    function _ownDevice(uint64 deviceId) private view returns (DeviceLife.Device memory) {
        _checkOwner(deviceId);
        return _liveDevice(deviceId);
    }

    function _liveDevice(uint64 deviceId) private view returns (DeviceLife.Device memory) {
        (, , uint32 retiredFrom) = _deviceOf(deviceId);
        if (retiredFrom != 0) revert DeviceAlreadyRetired(deviceId);
        return _device(deviceId);
    }

    function _device(uint64 deviceId) private view returns (DeviceLife.Device memory d) {
        (d.modelId, , ) = _deviceOf(deviceId);
        (d.id, d.owner, d.fromEpoch, d.makers) = (deviceId, _ownerOf(deviceId), currentEpoch() + 1, makers);
    }

    function _checkUndisputed(uint256 r, uint256 id) private view {
        if (r & DeviceLife.IN_DISPUTE != 0) _s.checkUndisputed(uint64(id));
    }

    function _deviceOf(uint256 id) private view returns (uint24 modelId, uint32 fromEpoch, uint32 retiredFrom) {
        (modelId, fromEpoch, retiredFrom) = _unpackDevice(_getExtraData(id));
        if (fromEpoch == 0) revert DeviceUnknown(id);
    }

    function _packDevice(uint24 modelId, uint32 fromEpoch, uint32 retiredFrom) private pure returns (uint96) {
        return (uint96(modelId) << 72) | (uint96(fromEpoch) << 40) | (uint96(retiredFrom) << 8);
    }

    function _unpackDevice(uint96 packed) private pure returns (uint24, uint32, uint32) {
        return (uint24(packed >> 72), uint32(packed >> 40), uint32(packed >> 8));
    }
}
