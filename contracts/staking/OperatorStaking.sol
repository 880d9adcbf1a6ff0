// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {INetworkToken} from "../interfaces/INetworkToken.sol";
import {StakeBuckets} from "../libraries/StakeBuckets.sol";
import {DeviceBonds} from "./DeviceBonds.sol";
import {StakeLedger} from "./StakeLedger.sol";
import {StakeState} from "./StakeState.sol";

/// @title Operators and what they have to lose
/// @dev Devices are in DeviceBonds, the algebra is in StakeLedger (a linked library); here are the doors, and every transfer of a token.
contract OperatorStaking is DeviceBonds, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using StakeBuckets for StakeBuckets.Bucket;
    using StakeLedger for StakeState.State;
    using StakeState for StakeState.State;

    // --- Constants and immutables ---

    uint256 private constant MAX_UNBONDING_TIME = 365 days;

    /// @inheritdoc IOperatorStaking
    address public immutable token;
    /// @inheritdoc IOperatorStaking
    uint32 public immutable minUnbondingEpochs;

    // --- Storage ---

    /// @inheritdoc IOperatorStaking
    address public slasher;
    /// @inheritdoc IOperatorStaking
    uint32 public unbondingEpochs;
    /// @inheritdoc IOperatorStaking
    address public emissions;

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
    ) Guarded(manager, maxPause_) Epochs(genesis, length) DeviceBonds(devices_, makers_) {
        if (token_ == address(0)) revert StakingBadParameter("token", 0);
        if (minUnbondingEpochs_ == 0) revert StakingBadParameter("minUnbondingEpochs", 0);
        token = token_;
        minUnbondingEpochs = minUnbondingEpochs_;
        _setUnbondingEpochs(unbondingEpochs_, minUnbondingEpochs_);
        _state.setTerms(_clock(), Terms(5_000, 500, 3, 1e18));
    }

    // --- Controller ---

    /// @inheritdoc IOperatorStaking
    function stake(uint64 operatorId, uint256 amount) external whenOpen nonReentrant {
        StakeState.Record memory operator = _state.recordOfController(operatorId);
        if (amount == 0) revert StakingZeroAmount();
        StakeState.Clock memory clock = _clock();
        if (!_state.isSettled(clock.epoch, operatorId)) _state.settle(clock, operatorId);

        (, uint256 staked, uint32 fromEpoch) = _state.deposit(clock, operatorId, operator, true, amount);

        emit Staked(operatorId, amount, staked, fromEpoch);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IOperatorStaking
    function requestUnbond(uint64 operatorId, uint256 amount) external returns (uint256) {
        return _state.requestUnbond(_clock(), operatorId, amount, _releaseAt());
    }

    /// @inheritdoc IOperatorStaking
    function setCommission(uint64 operatorId, uint16 commissionBps) external {
        _state.setCommission(_clock(), operatorId, commissionBps);
    }

    // --- Delegator ---

    /// @inheritdoc IOperatorStaking
    function delegate(
        uint64 operatorId,
        uint256 amount,
        uint256 minSharesOut
    ) external whenOpen nonReentrant returns (uint256 shares) {
        shares = _state.delegate(_clock(), operatorId, amount, minSharesOut);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IOperatorStaking
    function undelegate(uint64 operatorId, uint128 shares) external returns (uint256) {
        return _state.undelegate(_clock(), operatorId, shares, _releaseAt());
    }

    /// @inheritdoc IOperatorStaking
    function cancelUnbond(uint256 unbondingId) external {
        _state.cancelUnbond(_clock(), unbondingId);
    }

    /// @inheritdoc IOperatorStaking
    function leaveRetired(
        uint64 operatorId,
        bool own,
        uint24 generation
    ) external nonReentrant returns (uint256 amount) {
        amount = _state.leaveRetired(operatorId, own, generation);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    // --- Anyone ---

    /// @inheritdoc IOperatorStaking
    function release(uint256 unbondingId) external nonReentrant {
        Unbonding memory u = _state.unbondingOf(unbondingId);
        if (block.timestamp < u.releaseAt) revert UnbondingNotReleased(unbondingId, u.releaseAt);

        // What is active rises by the rounding, a wei at most: the record may stay behind.
        delete _state.unbondings[unbondingId];
        uint96 amount = _state.buckets[u.operatorId][u.own][u.generation].release(u.shares);
        _state.totals.assets -= amount;

        emit UnbondingReleased(unbondingId, u.operatorId, u.owner, amount);
        IERC20(token).safeTransfer(u.owner, amount);
    }

    /// @inheritdoc IOperatorStaking
    function claim(uint64 operatorId, address account) external nonReentrant returns (uint256 amount) {
        amount = _state.claim(_clock(), operatorId, account);
        IERC20(token).safeTransfer(account, amount);
    }

    /// @inheritdoc IOperatorStaking
    function distribute() external nonReentrant returns (uint256) {
        // Nothing to collect, or not now: what has arrived is distributed all the same.
        if (emissions != address(0)) {
            try IEmissionController(emissions).collectStakers() returns (uint256) {} catch {}
        }
        return _state.distribute(IERC20(token).balanceOf(address(this)));
    }

    /// @inheritdoc IOperatorStaking
    function refreshWeight(uint64 operatorId) external {
        _state.refreshWeight(_clock(), operatorId);
    }

    // --- Slasher ---

    /// @inheritdoc IOperatorStaking
    function slash(
        uint64 operatorId,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external nonReentrant returns (uint256 slashed) {
        if (msg.sender != slasher) revert StakingNotSlasher(msg.sender);

        uint256 bounty;
        (slashed, bounty) = _state.slash(_clock(), operatorId, amount, faultKey, bountyTo);

        if (bounty != 0) IERC20(token).safeTransfer(bountyTo, bounty);
        if (slashed != 0) INetworkToken(token).burn(slashed - bounty);
    }

    // --- Governance ---

    /// @inheritdoc IOperatorStaking
    function setUnbondingEpochs(uint32 epochs) external restricted {
        _setUnbondingEpochs(epochs, minUnbondingEpochs);
    }

    /// @inheritdoc IOperatorStaking
    function setTerms(Terms calldata terms_) external restricted {
        _state.setTerms(_clock(), terms_);
    }

    /// @inheritdoc IOperatorStaking
    function setSlasher(address slasher_) external restricted {
        if (slasher_ == address(0)) revert StakingBadParameter("slasher", 0);

        slasher = slasher_;

        emit SlasherSet(slasher_);
    }

    /// @inheritdoc IOperatorStaking
    function setEmissions(address emissions_) external restricted {
        if (emissions_ == address(0)) revert StakingBadParameter("emissions", 0);

        emissions = emissions_;

        emit EmissionsSet(emissions_);
    }

    // --- Views ---

    /// @inheritdoc IOperatorStaking
    function trancheOf(uint64 operatorId, bool own) external view returns (Tranche memory) {
        return trancheAt(operatorId, own, StakeState.generationOf(_state.recordOf(operatorId), own));
    }

    /// @inheritdoc IOperatorStaking
    function trancheAt(uint64 operatorId, bool own, uint24 generation) public view returns (Tranche memory) {
        StakeBuckets.Bucket storage bucket = _state.buckets[operatorId][own][generation];
        return Tranche(bucket.assets, bucket.activeShares, bucket.unbondingShares, generation);
    }

    /// @inheritdoc IOperatorStaking
    function delegationOf(
        uint64 operatorId,
        uint24 generation,
        address account
    ) external view returns (Delegation memory) {
        StakeState.Position storage position = _state.positions[operatorId][generation][account];
        return Delegation(position.shares, position.earned);
    }

    /// @inheritdoc IOperatorStaking
    function earningOf(uint64 operatorId) external view returns (Earning memory) {
        return _state.earnings[operatorId];
    }

    /// @inheritdoc IOperatorStaking
    function slashableOf(uint64 operatorId) external view returns (uint256) {
        return _state.slashableOf(operatorId, _state.recordOf(operatorId));
    }

    /// @inheritdoc IOperatorStaking
    function isSlashed(bytes32 faultKey) external view returns (bool) {
        return _state.isSlashed[faultKey];
    }

    /// @inheritdoc IOperatorStaking
    function unbondingOf(uint256 unbondingId) external view returns (Unbonding memory) {
        return _state.unbondings[unbondingId];
    }

    /// @inheritdoc IOperatorStaking
    function totalWeight() external view returns (uint256) {
        return _state.pool.weight;
    }

    /// @inheritdoc IOperatorStaking
    function totalStaked() external view returns (uint256) {
        return _state.totals.assets;
    }

    /// @inheritdoc IOperatorStaking
    function totalRewards() external view returns (uint256) {
        return _state.totals.rewards;
    }

    /// @inheritdoc IOperatorStaking
    function terms() external view returns (Terms memory) {
        StakeState.StoredTerms memory t = _state.terms;
        return Terms(t.slashCapBps, t.bountyBps, _state.multipleAt(currentEpoch()), t.minDelegation);
    }

    // --- Internal ---

    function _unburden(uint64 operatorId, uint256 bond) internal override {
        _state.unburden(_clock(), operatorId, bond);
    }

    /// @dev The pause of `stake` is in a slot that `stake` reads anyway.
    function _pauseOf(bytes4 entry) internal view override returns (uint48) {
        return entry == this.stake.selector ? _state.pool.stakePausedUntil : super._pauseOf(entry);
    }

    /// @dev See `_pauseOf`.
    function _setPause(bytes4 entry, uint48 until) internal override {
        if (entry == this.stake.selector) _state.pool.stakePausedUntil = until;
        else super._setPause(entry, until);
    }

    function _setUnbondingEpochs(uint32 epochs, uint32 minimum) private {
        if (epochs < minimum || uint256(epochs) * epochLength > MAX_UNBONDING_TIME) {
            revert StakingBadParameter("unbondingEpochs", epochs);
        }

        unbondingEpochs = epochs;

        emit UnbondingEpochsSet(epochs);
    }

    function _releaseAt() private view returns (uint40) {
        return uint40(block.timestamp + uint256(unbondingEpochs) * epochLength);
    }
}
