// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";

/// @title Operators and what they have to lose
/// @dev Whether a device's category fits a sub-network is not known here (sub-networks live in EmissionController, which
/// this ledger must not import): a device in the wrong one has a bond there and scores nothing.
contract OperatorStaking is IOperatorStaking, Guarded, Epochs, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    // --- Types ---

    /// @dev One slot. A place is taken while its attachment is in force, and kept while an epoch of it can be challenged.
    struct Place {
        uint64 operatorId;
        uint32 fromEpoch;
        uint32 untilEpoch; // OPEN_END while attached
        uint104 bond;
        uint16 subNetwork;
    }

    // --- Constants and immutables ---

    uint256 private constant PLACES = 4;
    uint32 private constant OPEN_END = type(uint32).max;
    uint256 private constant MAX_UNBONDING_TIME = 365 days;

    /// @inheritdoc IOperatorStaking
    address public immutable token;
    /// @inheritdoc IOperatorStaking
    address public immutable devices;
    /// @inheritdoc IOperatorStaking
    address public immutable makers;
    /// @inheritdoc IOperatorStaking
    uint32 public immutable minUnbondingEpochs;
    uint32 private immutable _challengeEpochs;

    // --- Storage ---

    uint128 private _totalStaked;
    uint128 private _totalUnbonding;
    uint64 private _operatorCount;
    /// @inheritdoc IOperatorStaking
    uint32 public unbondingEpochs;
    uint128 private _unbondingCount;
    mapping(uint64 operatorId => address) private _controllers;
    /// @dev stake(104) ‖ required(104) by the epoch from which they count.
    mapping(uint64 operatorId => Checkpoints.Trace208) private _bonds;
    mapping(uint64 operatorId => mapping(address owner => bool)) private _accepted;
    mapping(uint64 deviceId => Place[PLACES]) private _places;
    mapping(uint256 unbondingId => Unbonding) private _unbondings;

    constructor(
        address manager,
        address token_,
        address devices_,
        address makers_,
        uint64 genesis,
        uint32 length,
        uint32 minUnbondingEpochs_,
        uint32 unbondingEpochs_,
        uint32 maxPause_
    ) Guarded(manager, maxPause_) Epochs(genesis, length) {
        if (token_ == address(0)) revert StakingBadParameter("token", 0);
        if (makers_ == address(0)) revert StakingBadParameter("makers", 0);
        if (minUnbondingEpochs_ == 0) revert StakingBadParameter("minUnbondingEpochs", 0);
        token = token_;
        devices = devices_;
        makers = makers_;
        minUnbondingEpochs = minUnbondingEpochs_;
        _challengeEpochs = IDeviceRegistry(devices_).challengeEpochs();
        _setUnbondingEpochs(unbondingEpochs_, minUnbondingEpochs_);
    }

    // --- Operator ---

    /// @inheritdoc IOperatorStaking
    function createOperator() external whenOpen returns (uint64 operatorId) {
        operatorId = ++_operatorCount;
        _controllers[operatorId] = msg.sender;

        emit OperatorCreated(operatorId, msg.sender);
    }

    /// @inheritdoc IOperatorStaking
    function acceptOwner(uint64 operatorId, address owner, bool accepted) external {
        _checkController(operatorId);

        _accepted[operatorId][owner] = accepted;

        emit OwnerAccepted(operatorId, owner, accepted);
    }

    /// @inheritdoc IOperatorStaking
    function stake(uint64 operatorId, uint256 amount) external whenOpen nonReentrant {
        _checkController(operatorId);
        if (amount == 0) revert StakingZeroAmount();
        (uint256 staked, uint256 required) = _latest(operatorId);

        staked += amount;
        uint32 fromEpoch = _push(operatorId, staked, required);
        _totalStaked += amount.toUint128();

        emit Staked(operatorId, amount, staked, fromEpoch);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IOperatorStaking
    function requestUnbond(uint64 operatorId, uint256 amount) external returns (uint256 unbondingId) {
        _checkController(operatorId);
        if (amount == 0) revert StakingZeroAmount();
        (uint256 staked, uint256 required) = _latest(operatorId);
        if (amount > staked || staked - amount < required) revert OperatorUnderBonded(operatorId, staked, required);

        uint32 fromEpoch = _push(operatorId, staked - amount, required);
        uint64 releaseAt = uint64(block.timestamp + uint256(unbondingEpochs) * epochLength);
        // At most the operator's stake, so both casts are safe.
        _totalStaked -= uint128(amount);
        _totalUnbonding += uint128(amount);
        unbondingId = ++_unbondingCount;
        _unbondings[unbondingId] = Unbonding(operatorId, uint104(amount), releaseAt);

        emit UnbondingRequested(unbondingId, operatorId, amount, releaseAt, fromEpoch);
    }

    // --- Anyone ---

    /// @inheritdoc IOperatorStaking
    function release(uint256 unbondingId) external nonReentrant {
        Unbonding memory u = _unbondings[unbondingId];
        if (u.operatorId == 0) revert UnbondingUnknown(unbondingId);
        if (block.timestamp < u.releaseAt) revert UnbondingNotReleased(unbondingId, u.releaseAt);

        address to = _controllers[u.operatorId];
        delete _unbondings[unbondingId];
        _totalUnbonding -= u.amount;

        emit UnbondingReleased(unbondingId, u.operatorId, to, u.amount);
        IERC20(token).safeTransfer(to, u.amount);
    }

    // --- Owner of a device, and the registry for it ---

    /// @inheritdoc IOperatorStaking
    function attachDevice(uint64 deviceId, uint16 subNetwork, uint64 operatorId) external whenOpen {
        address owner = _checkMayAttach(deviceId);
        if (!IDeviceRegistry(devices).isActiveAt(deviceId, currentEpoch() + 1)) {
            revert IDeviceRegistry.DeviceAlreadyRetired(deviceId);
        }
        _attach(deviceId, IDeviceRegistry(devices).modelOfDevice(deviceId), owner, subNetwork, operatorId);
    }

    /// @inheritdoc IOperatorStaking
    function attachAtOnboarding(
        uint64 deviceId,
        uint24 modelId,
        address owner,
        uint16 subNetwork,
        uint64 operatorId
    ) external {
        // No pause of its own: its only caller's entry point, onboard, has one.
        if (msg.sender != devices) revert StakingNotRegistry(msg.sender);
        _attach(deviceId, modelId, owner, subNetwork, operatorId);
    }

    /// @inheritdoc IOperatorStaking
    function detachDevice(uint64 deviceId, uint16 subNetwork) external {
        Place storage p = _livePlace(deviceId, subNetwork);
        (uint64 operatorId, uint104 bond) = (p.operatorId, p.bond);
        if (msg.sender != _controllers[operatorId] && msg.sender != IERC721(devices).ownerOf(deviceId)) {
            revert StakingNotAllowed(deviceId, msg.sender);
        }

        (uint256 staked, uint256 required) = _latest(operatorId);
        uint32 untilEpoch = _push(operatorId, staked, required - bond);
        p.untilEpoch = untilEpoch;

        emit DeviceDetached(deviceId, subNetwork, operatorId, bond, untilEpoch);
    }

    // --- Governance ---

    /// @inheritdoc IOperatorStaking
    function setUnbondingEpochs(uint32 epochs) external restricted {
        _setUnbondingEpochs(epochs, minUnbondingEpochs);
    }

    // --- Views ---

    /// @inheritdoc IOperatorStaking
    function operatorOf(uint64 operatorId) external view returns (Operator memory) {
        address controller = _controllerOf(operatorId);
        (uint256 staked, uint256 required) = _latest(operatorId);
        return Operator(controller, uint104(staked), uint104(required));
    }

    /// @inheritdoc IOperatorStaking
    function accepts(uint64 operatorId, address owner) external view returns (bool) {
        return _accepts(operatorId, _controllerOf(operatorId), owner);
    }

    /// @inheritdoc IOperatorStaking
    function bondAt(uint64 operatorId, uint32 epoch) public view returns (uint256, uint256) {
        return _unpack(_bonds[operatorId].upperLookupRecent(epoch));
    }

    /// @inheritdoc IOperatorStaking
    function attachmentAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) public view returns (Attachment memory a) {
        for (uint256 i = 0; i < PLACES; i++) {
            Place memory p = _places[deviceId][i];
            if (p.subNetwork == subNetwork && p.fromEpoch <= epoch && epoch < p.untilEpoch) {
                return Attachment(p.operatorId, p.fromEpoch, p.untilEpoch, p.bond);
            }
        }
    }

    /// @inheritdoc IOperatorStaking
    function isBackedAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) external view returns (bool) {
        uint64 operatorId = attachmentAt(deviceId, subNetwork, epoch).operatorId;
        if (operatorId == 0) return false;
        (uint256 staked, uint256 required) = bondAt(operatorId, epoch);
        return staked >= required;
    }

    /// @inheritdoc IOperatorStaking
    function unbondingOf(uint256 unbondingId) external view returns (Unbonding memory) {
        return _unbondings[unbondingId];
    }

    /// @inheritdoc IOperatorStaking
    function totalStaked() external view returns (uint256) {
        return _totalStaked;
    }

    /// @inheritdoc IOperatorStaking
    function totalUnbonding() external view returns (uint256) {
        return _totalUnbonding;
    }

    // --- Internal ---

    function _attach(uint64 deviceId, uint24 modelId, address owner, uint16 subNetwork, uint64 operatorId) private {
        if (subNetwork == 0) revert StakingBadParameter("subNetwork", 0);
        if (!_accepts(operatorId, _controllerOf(operatorId), owner)) revert OperatorDoesNotAccept(operatorId, owner);
        Place storage p = _freePlace(deviceId, subNetwork);
        (uint104 bond, ) = IMakerRegistry(makers).attachmentTerms(modelId);
        (uint256 staked, uint256 required) = _latest(operatorId);
        required += bond;
        if (staked < required) revert OperatorUnderBonded(operatorId, staked, required);

        uint32 fromEpoch = _push(operatorId, staked, required);
        (p.operatorId, p.fromEpoch, p.untilEpoch) = (operatorId, fromEpoch, OPEN_END);
        (p.bond, p.subNetwork) = (bond, subNetwork);

        emit DeviceAttached(deviceId, subNetwork, operatorId, bond, fromEpoch);
    }

    /// @dev A place that was never used, never came into force, or ended before every epoch that can be challenged.
    function _freePlace(uint64 deviceId, uint16 subNetwork) private view returns (Place storage place) {
        uint32 epoch = currentEpoch();
        uint32 nextFree = OPEN_END;
        uint256 found = PLACES;
        for (uint256 i = 0; i < PLACES; i++) {
            Place memory p = _places[deviceId][i];
            if (p.operatorId == 0) {
                // Places are taken in order: the rest was never used either.
                if (found == PLACES) found = i;
                break;
            }
            if (p.untilEpoch == OPEN_END) {
                if (p.subNetwork == subNetwork) revert AttachmentExists(deviceId, subNetwork);
                continue;
            }
            uint32 freeFrom = p.untilEpoch == p.fromEpoch ? 0 : p.untilEpoch + _challengeEpochs;
            if (epoch >= freeFrom) found = i;
            else if (freeFrom < nextFree) nextFree = freeFrom;
        }
        if (found < PLACES) return _places[deviceId][found];
        if (nextFree == OPEN_END) revert AttachmentsFull(deviceId);
        revert AttachmentRecentlyEnded(deviceId, subNetwork, nextFree);
    }

    function _livePlace(uint64 deviceId, uint16 subNetwork) private view returns (Place storage place) {
        for (uint256 i = 0; i < PLACES; i++) {
            place = _places[deviceId][i];
            if (place.subNetwork == subNetwork && place.untilEpoch == OPEN_END) return place;
        }
        revert AttachmentUnknown(deviceId, subNetwork);
    }

    function _checkMayAttach(uint64 deviceId) private view returns (address owner) {
        owner = IERC721(devices).ownerOf(deviceId);
        if (
            msg.sender != owner &&
            msg.sender != IERC721(devices).getApproved(deviceId) &&
            !IERC721(devices).isApprovedForAll(owner, msg.sender)
        ) revert StakingNotAllowed(deviceId, msg.sender);
    }

    function _push(uint64 operatorId, uint256 staked, uint256 required) private returns (uint32 fromEpoch) {
        fromEpoch = currentEpoch() + 1;
        // Required never exceeds what was staked when it rose, so it fits where the stake does.
        _bonds[operatorId].push(fromEpoch, (uint208(staked.toUint104()) << 104) | uint208(required.toUint104()));
    }

    function _setUnbondingEpochs(uint32 epochs, uint32 minimum) private {
        if (epochs < minimum || uint256(epochs) * epochLength > MAX_UNBONDING_TIME) {
            revert StakingBadParameter("unbondingEpochs", epochs);
        }

        unbondingEpochs = epochs;

        emit UnbondingEpochsSet(epochs);
    }

    function _latest(uint64 operatorId) private view returns (uint256 staked, uint256 required) {
        return _unpack(_bonds[operatorId].latest());
    }

    function _unpack(uint208 bond) private pure returns (uint256 staked, uint256 required) {
        return (bond >> 104, uint104(bond));
    }

    function _accepts(uint64 operatorId, address controller, address owner) private view returns (bool) {
        return owner == controller || _accepted[operatorId][owner];
    }

    function _controllerOf(uint64 operatorId) private view returns (address controller) {
        controller = _controllers[operatorId];
        if (controller == address(0)) revert OperatorUnknown(operatorId);
    }

    function _checkController(uint64 operatorId) private view {
        if (_controllerOf(operatorId) != msg.sender) revert OperatorNotController(operatorId, msg.sender);
    }
}
