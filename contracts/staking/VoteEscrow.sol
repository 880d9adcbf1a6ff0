// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IVoteEscrow} from "../interfaces/IVoteEscrow.sol";

/// @title Locked positions that vote
contract VoteEscrow is IVoteEscrow, ERC721, Votes, Guarded, Epochs, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for IERC20;

    // ------------------------------------------------------------------------------------------------ constants

    /// @notice Most sub-networks over which a position may spread its power.
    uint256 public constant MAX_WEIGHTS = 8;

    uint256 private constant BPS = 10_000;

    // ----------------------------------------------------------------------------------------------- immutables

    /// @notice The token that is locked.
    IERC20 public immutable token;

    /// @notice Shortest lock, in seconds.
    uint32 public immutable minDuration;

    /// @notice Longest lock, in seconds: the one at which power equals the amount.
    uint32 public immutable maxDuration;

    // -------------------------------------------------------------------------------------------------- storage

    /// @inheritdoc IVoteEscrow
    uint256 public totalLocked;

    /// @notice Locks ever made = the highest id.
    uint256 public lockCount;

    mapping(uint256 lockId => Lock) private _locks;

    /// @dev Eight times subNetwork(16) ‖ bps(16), the first one lowest; 0 ends the list.
    mapping(uint256 lockId => uint256 packed) private _weights;

    mapping(address account => uint256) private _units;

    /// @dev Keyed by epoch.
    mapping(uint16 subNetwork => Checkpoints.Trace208) private _subNetworkWeights;

    // ---------------------------------------------------------------------------------------------- constructor

    /// @param manager AccessManager
    /// @param token_ the token that is locked
    /// @param epochGenesis start of epoch 0 in seconds; 0 = now
    /// @param epochLength seconds
    /// @param minDuration_ shortest lock in seconds, > 0: no lock can be taken back within one block
    /// @param maxDuration_ longest lock in seconds
    /// @param maxPause longest pause in seconds
    constructor(
        address manager,
        address token_,
        uint64 epochGenesis,
        uint32 epochLength,
        uint32 minDuration_,
        uint32 maxDuration_,
        uint32 maxPause
    )
        ERC721("Groundwork locked position", "LOCK")
        EIP712("Groundwork locked position", "1")
        Guarded(manager, maxPause)
        Epochs(epochGenesis, epochLength)
    {
        if (minDuration_ == 0 || minDuration_ > maxDuration_)
            revert VoteEscrowBadDuration(minDuration_, 1, maxDuration_);
        token = IERC20(token_);
        minDuration = minDuration_;
        maxDuration = maxDuration_;
    }

    // ------------------------------------------------------------------------------------------------- external

    /// @inheritdoc IVoteEscrow
    function lock(uint128 amount, uint32 duration) external whenOpen nonReentrant returns (uint256 lockId) {
        if (duration < minDuration || duration > maxDuration) {
            revert VoteEscrowBadDuration(duration, minDuration, maxDuration);
        }
        // Below `amount`, as duration ≤ maxDuration.
        uint128 power = uint128((uint256(amount) * duration) / maxDuration);
        if (power == 0) revert VoteEscrowNoPower();

        lockId = ++lockCount;
        _locks[lockId] = Lock({amount: amount, power: power, duration: duration, coolDownEnd: 0});
        totalLocked += amount;
        _mint(msg.sender, lockId);

        emit Locked(lockId, msg.sender, amount, duration, power);

        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IVoteEscrow
    function startCoolDown(uint256 lockId) external {
        Lock storage position = _lockOfCaller(lockId);
        if (position.coolDownEnd != 0) revert VoteEscrowCoolingDown(lockId, position.coolDownEnd);

        uint128 power = position.power;
        _clearWeights(lockId, power);
        uint64 coolDownEnd = uint64(block.timestamp) + position.duration;
        (position.power, position.coolDownEnd) = (0, coolDownEnd);
        _units[msg.sender] -= power;
        _transferVotingUnits(msg.sender, address(0), power);

        emit CoolDownStarted(lockId, msg.sender, coolDownEnd);
    }

    /// @inheritdoc IVoteEscrow
    function withdraw(uint256 lockId) external nonReentrant {
        Lock memory position = _lockOfCaller(lockId);
        if (position.coolDownEnd == 0 || block.timestamp < position.coolDownEnd)
            revert VoteEscrowStillLocked(lockId, position.coolDownEnd);

        _burn(lockId);
        delete _locks[lockId];
        totalLocked -= position.amount;

        emit LockWithdrawn(lockId, msg.sender, position.amount);

        token.safeTransfer(msg.sender, position.amount);
    }

    /// @inheritdoc IVoteEscrow
    function setWeights(uint256 lockId, uint16[] calldata subNetworks, uint16[] calldata bps) external {
        Lock storage position = _lockOfCaller(lockId);
        if (position.coolDownEnd != 0) revert VoteEscrowCoolingDown(lockId, position.coolDownEnd);

        uint256 packed = _packWeights(subNetworks, bps);
        uint128 power = position.power;
        _applyWeights(_weights[lockId], power, false);
        _applyWeights(packed, power, true);
        _weights[lockId] = packed;

        emit WeightsSet(lockId, subNetworks, bps, currentEpoch() + 1);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVoteEscrow
    function lockOf(uint256 lockId) external view returns (Lock memory) {
        return _locks[lockId];
    }

    /// @inheritdoc IVoteEscrow
    function subNetworkWeightAt(uint16 subNetwork, uint32 epoch) external view returns (uint256) {
        return _subNetworkWeights[subNetwork].upperLookupRecent(epoch);
    }

    /// @inheritdoc IVoteEscrow
    function totalPower() external view returns (uint256) {
        return _getTotalSupply();
    }

    /// @notice Σ of the powers of the positions of `account`, in wei, whoever it delegates to.
    function powerOf(address account) external view returns (uint256) {
        return _units[account];
    }

    /// @notice ERC-6372: time in seconds.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice ERC-6372.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    // ------------------------------------------------------------------------------------------------- internal

    /// @dev Every change of owner passes here: power goes with the position, its weights do not. An account without a
    /// delegate becomes its own, so that no power lies idle in the quorum.
    function _update(address to, uint256 lockId, address auth) internal override returns (address from) {
        from = super._update(to, lockId, auth);
        if (from == to) return from;

        uint128 power = _locks[lockId].power;
        if (from != address(0)) {
            _clearWeights(lockId, power);
            _units[from] -= power;
        }
        if (to != address(0)) {
            if (delegates(to) == address(0)) _delegate(to, to);
            _units[to] += power;
        }
        _transferVotingUnits(from, to, power);
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return _units[account];
    }

    function _lockOfCaller(uint256 lockId) private view returns (Lock storage) {
        if (_ownerOf(lockId) != msg.sender) revert VoteEscrowNotOwner(lockId, msg.sender);
        return _locks[lockId];
    }

    function _clearWeights(uint256 lockId, uint128 power) private {
        uint256 packed = _weights[lockId];
        if (packed == 0) return;

        _applyWeights(packed, power, false);
        delete _weights[lockId];

        emit WeightsSet(lockId, new uint16[](0), new uint16[](0), currentEpoch() + 1);
    }

    /// @dev Adds or takes back what `packed` gives to each sub-network. A position's power is constant while it has
    /// weights, so what is taken back is to the wei what was added.
    function _applyWeights(uint256 packed, uint128 power, bool add) private {
        uint48 fromEpoch = uint48(currentEpoch()) + 1;
        for (; packed != 0; packed >>= 32) {
            Checkpoints.Trace208 storage trace = _subNetworkWeights[uint16(packed >> 16)];
            // At most power, 128 bits; their sum is below the token's supply.
            uint208 part = uint208((uint256(power) * uint16(packed)) / BPS);
            uint208 latest = trace.latest();
            trace.push(fromEpoch, add ? latest + part : latest - part);
        }
    }

    function _packWeights(uint16[] calldata subNetworks, uint16[] calldata bps) private pure returns (uint256 packed) {
        uint256 count = subNetworks.length;
        if (count != bps.length || count > MAX_WEIGHTS) revert VoteEscrowBadWeights();

        uint256 total;
        uint16 last;
        for (uint256 i; i < count; ++i) {
            if (subNetworks[i] <= last || bps[i] == 0) revert VoteEscrowBadWeights();
            last = subNetworks[i];
            total += bps[i];
            packed |= ((uint256(last) << 16) | bps[i]) << (32 * i);
        }
        if (total > BPS) revert VoteEscrowBadWeights();
    }
}
