// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {BondHistory} from "../libraries/BondHistory.sol";
import {StakeLedger} from "./StakeLedger.sol";

/// @title Operators and the devices that they back
/// @dev Whether a device's category fits a sub-network is not known here (sub-networks live in EmissionController, which
/// this ledger must not import): a device in the wrong one has a bond there and scores nothing.
abstract contract DeviceBonds is IOperatorStaking, Guarded, Epochs {
    using BondHistory for BondHistory.History;
    using StakeLedger for StakeLedger.State;

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

    /// @inheritdoc IOperatorStaking
    address public immutable devices;
    /// @inheritdoc IOperatorStaking
    address public immutable makers;
    uint32 private immutable _challengeEpochs;
    /// @dev The challengeable epochs and the one before them need so many changes before the latest: at most one an epoch.
    uint32 private immutable _historySize;

    // --- Storage ---

    uint64 private _operatorCount;
    StakeLedger.State internal _state;
    mapping(uint64 operatorId => mapping(address owner => bool)) private _accepted;
    mapping(uint64 deviceId => Place[PLACES]) private _places;

    constructor(address devices_, address makers_) {
        if (makers_ == address(0)) revert StakingBadParameter("makers", 0);
        devices = devices_;
        makers = makers_;
        _challengeEpochs = IDeviceRegistry(devices_).challengeEpochs();
        _historySize = _challengeEpochs + 2;
    }

    // --- Operator ---

    /// @inheritdoc IOperatorStaking
    function createOperator() external whenOpen returns (uint64 operatorId) {
        operatorId = ++_operatorCount;
        _state.operators[operatorId].controller = msg.sender;

        emit OperatorCreated(operatorId, msg.sender);
    }

    /// @inheritdoc IOperatorStaking
    function acceptOwner(uint64 operatorId, address owner, bool accepted) external {
        _state.recordOfController(operatorId);

        _accepted[operatorId][owner] = accepted;

        emit OwnerAccepted(operatorId, owner, accepted);
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
        if (msg.sender != _state.operators[operatorId].controller && msg.sender != IERC721(devices).ownerOf(deviceId)) {
            revert StakingNotAllowed(deviceId, msg.sender);
        }

        uint32 untilEpoch = currentEpoch() + 1;
        p.untilEpoch = untilEpoch;
        _unburden(operatorId, bond);

        emit DeviceDetached(deviceId, subNetwork, operatorId, bond, untilEpoch);
    }

    // --- Views ---

    /// @inheritdoc IOperatorStaking
    function operatorOf(uint64 operatorId) external view returns (Operator memory) {
        StakeLedger.Record memory operator = _state.recordOf(operatorId);
        BondHistory.Bond memory bond = _state.bonds[operatorId].latest;
        return Operator(operator.controller, bond.stake, bond.required);
    }

    /// @inheritdoc IOperatorStaking
    function accepts(uint64 operatorId, address owner) external view returns (bool) {
        return _accepts(operatorId, _state.recordOf(operatorId).controller, owner);
    }

    /// @inheritdoc IOperatorStaking
    function bondAt(uint64 operatorId, uint32 epoch) external view returns (uint256, uint256) {
        BondHistory.Bond memory bond = _state.bonds[operatorId].at(epoch, _historySize);
        return (bond.stake, bond.required);
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
        // Nobody (0) has no history, and is not covered.
        uint64 operatorId = attachmentAt(deviceId, subNetwork, epoch).operatorId;
        if (_isCoveredAt(operatorId, epoch)) return true;
        return epoch != 0 && _isCoveredAt(operatorId, epoch - 1);
    }

    // --- Internal ---

    /// @dev Takes `bond` off what the operator needs.
    function _unburden(uint64 operatorId, uint256 bond) internal virtual;

    function _clock() internal view returns (StakeLedger.Clock memory) {
        return StakeLedger.Clock(currentEpoch(), _historySize);
    }

    function _attach(uint64 deviceId, uint24 modelId, address owner, uint16 subNetwork, uint64 operatorId) private {
        if (subNetwork == 0) revert StakingBadParameter("subNetwork", 0);
        if (!_accepts(operatorId, _state.recordOf(operatorId).controller, owner)) {
            revert OperatorDoesNotAccept(operatorId, owner);
        }
        Place storage p = _freePlace(deviceId, subNetwork);
        (uint104 bond, ) = IMakerRegistry(makers).attachmentTerms(modelId);
        BondHistory.Bond memory latest = _state.bonds[operatorId].latest;
        (uint256 staked, uint256 required) = (latest.stake, uint256(latest.required) + bond);
        if (staked < required) revert OperatorUnderBonded(operatorId, staked, required);

        // The weight may only rise by this: `refreshWeight` sees to it, in a later epoch.
        uint32 fromEpoch = _state.push(_clock(), operatorId, staked, required);
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

    /// @dev An epoch of which nothing is known is not covered.
    function _isCoveredAt(uint64 operatorId, uint32 epoch) private view returns (bool) {
        BondHistory.Bond memory bond = _state.bonds[operatorId].at(epoch, _historySize);
        return bond.fromEpoch != 0 && bond.stake >= bond.required;
    }

    function _accepts(uint64 operatorId, address controller, address owner) private view returns (bool) {
        return owner == controller || _accepted[operatorId][owner];
    }
}
