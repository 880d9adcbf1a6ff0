// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDataCredits} from "../interfaces/IDataCredits.sol";
import {IDeviceRegistry, Onboarding} from "../interfaces/IDeviceRegistry.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {DeviceKeys} from "./DeviceKeys.sol";

/// @title Devices: one box, one ERC-721, one live key at a time
contract DeviceRegistry is IDeviceRegistry, ERC721, Guarded, Epochs {
    // --- Types ---

    /// @dev One slot: all that an onboarding reads of this contract.
    struct Entry {
        address staking;
        uint48 pausedUntil;
        uint32 fee;
    }

    // --- Constants and immutables ---

    uint256 private constant HAS_CUSTOM = 1 << 248;
    uint32 private constant OPEN_END = type(uint32).max;
    uint32 private constant MAX_CHALLENGE_EPOCHS = 10_000;
    uint256 private constant MAX_ONBOARDING_FEE = 100_000_000;

    /// @inheritdoc IDeviceRegistry
    address public immutable makers;
    /// @inheritdoc IDeviceRegistry
    address public immutable credits;
    /// @inheritdoc IDeviceRegistry
    uint32 public immutable challengeEpochs;

    // --- Storage: beside each owner ERC721 keeps modelId(24) | fromEpoch(32) | retiredFrom(32) | 8 spare bits ---

    Entry private _entry;
    string private _name;
    string private _symbol;
    /// @dev untilEpoch(32) | fromEpoch(32) | deviceId(64): the device of which the key is or was the live one, in force
    /// for fromEpoch ≤ e < untilEpoch. By hand, so that one write needs no read. Never cleared.
    mapping(bytes32 keyHash => uint256) private _keys;
    /// @dev hasCustom(8) | transfers(24) | knownFrom(32) | sinceEpoch(32) | previous(160), by hand because every transfer
    /// rewrites it: `previous` was paid for knownFrom ≤ e < sinceEpoch; sinceEpoch = 0 until a change has a past.
    mapping(uint256 deviceId => uint256) private _payees;
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
        _name = name_;
        _symbol = symbol_;
    }

    // --- Anyone ---

    /// @inheritdoc IDeviceRegistry
    function onboard(Onboarding calldata o) external returns (uint64 deviceId) {
        Entry memory entry = _entry;
        _checkOpen(entry.pausedUntil);
        if (block.timestamp > o.deadline) revert DeviceSignatureExpired(o.deadline);
        if (o.owner == address(0)) revert DeviceZeroAddress();
        bytes32 keyHash = DeviceKeys.hash(o.key);
        uint64 user = uint64(_keys[keyHash]);
        if (user != 0) revert DeviceKeyUsed(keyHash, user);
        bytes32 digest = onboardingDigest(o.owner, o.operatorId, o.subNetwork, o.nonce, o.deadline);
        DeviceKeys.checkSignature(o.key, digest, o.signature);
        uint24 modelId;
        (modelId, deviceId) = IMakerRegistry(makers).checkInclusion(o.batchId, o.index, o.serialHash, keyHash, o.proof);
        if (o.nonce != deviceId) revert DeviceNonceWrong(o.nonce, deviceId);

        uint32 fromEpoch = currentEpoch() + 1;
        // No other device has this id: a place of a batch has one leaf, and the leaf's key was never used.
        _keys[keyHash] = (uint256(OPEN_END) << 96) | (uint256(fromEpoch) << 64) | deviceId;
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

    // --- Owner ---

    /// @inheritdoc IDeviceRegistry
    function setPayee(uint64 deviceId, address payee) external {
        _checkOwner(deviceId);

        uint256 r = _payees[deviceId];
        address before = _payee(r, deviceId, msg.sender);
        r = payee == address(0) ? r & ~HAS_CUSTOM : r | HAS_CUSTOM;
        _customPayees[deviceId] = payee;
        _recordPayeeChange(deviceId, r, before, payee == address(0) ? msg.sender : payee);
    }

    /// @inheritdoc IDeviceRegistry
    function retire(uint64 deviceId) external {
        _checkOwner(deviceId);
        (uint24 modelId, uint32 fromEpoch, uint32 retiredFrom) = _deviceOf(deviceId);
        if (retiredFrom != 0) revert DeviceAlreadyRetired(deviceId);

        retiredFrom = currentEpoch() + 1;
        _setExtraData(deviceId, _packDevice(modelId, fromEpoch, retiredFrom));

        emit DeviceRetired(deviceId, retiredFrom);
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

    // --- Governance ---

    /// @inheritdoc IDeviceRegistry
    function setOnboardingFee(uint256 fee) external restricted {
        if (fee > MAX_ONBOARDING_FEE) revert DeviceRegistryBadParameter("onboardingFee", fee);

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
        return uint64(_keys[keyHash]);
    }

    /// @inheritdoc IDeviceRegistry
    function deviceOfKeyAt(bytes32 keyHash, uint32 epoch) external view returns (uint64) {
        uint256 use = _keys[keyHash];
        return uint32(use >> 64) <= epoch && epoch < uint32(use >> 96) ? uint64(use) : 0;
    }

    /// @inheritdoc IDeviceRegistry
    function payeeAt(uint64 deviceId, uint32 epoch) external view returns (address) {
        (, uint32 knownFrom, ) = _deviceOf(deviceId);
        uint256 r = _payees[deviceId];
        uint32 sinceEpoch = uint32(r >> 160);
        if (sinceEpoch != 0) knownFrom = uint32(r >> 192);
        if (epoch < knownFrom) revert DevicePayeeUnknownAt(deviceId, epoch, knownFrom);
        return epoch < sinceEpoch ? address(uint160(r)) : _payee(r, deviceId, _ownerOf(deviceId));
    }

    /// @inheritdoc IDeviceRegistry
    function isActiveAt(uint64 deviceId, uint32 epoch) external view returns (bool) {
        (, uint32 fromEpoch, uint32 retiredFrom) = _unpackDevice(_getExtraData(deviceId));
        // Epochs of devices start at 1: zero is an unknown device.
        return fromEpoch != 0 && fromEpoch <= epoch && (retiredFrom == 0 || epoch < retiredFrom);
    }

    /// @inheritdoc IDeviceRegistry
    function modelOfDevice(uint64 deviceId) external view returns (uint24 modelId) {
        (modelId, , ) = _deviceOf(deviceId);
    }

    /// @inheritdoc IDeviceRegistry
    function lifetimeOf(uint64 deviceId) external view returns (uint32 fromEpoch, uint32 retiredFrom) {
        (, fromEpoch, retiredFrom) = _deviceOf(deviceId);
    }

    /// @inheritdoc IDeviceRegistry
    function pointsCapAt(uint64 deviceId, uint32 epoch) external view returns (uint128) {
        (uint24 modelId, uint32 fromEpoch, ) = _deviceOf(deviceId);
        return IMakerRegistry(makers).agedCapAt(modelId, epoch, fromEpoch);
    }

    /// @inheritdoc IDeviceRegistry
    function transfersOf(uint64 deviceId) external view returns (uint24) {
        return uint24(_payees[deviceId] >> 224);
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
        return _name;
    }

    /// @notice Symbol of the collection (ERC-721).
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @notice Metadata of a device as a JSON data URI: name, model, status (ERC-721).
    function tokenURI(uint256 id) public view override returns (string memory) {
        (uint24 modelId, , uint32 retiredFrom) = _deviceOf(id);
        /* solhint-disable quotes */
        string memory json = string.concat(
            '{"name":"',
            LibString.escapeJSON(_name),
            " #",
            LibString.toString(id),
            '","attributes":[{"trait_type":"model","value":"',
            LibString.escapeJSON(IMakerRegistry(makers).modelOf(modelId).name),
            '"},{"trait_type":"status","value":"',
            retiredFrom == 0 ? "active" : "retired",
            '"}]}'
        );
        /* solhint-enable quotes */
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    // --- Internal ---

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
        uint256 r = _payees[id];
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
        _payees[id] = r;

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
