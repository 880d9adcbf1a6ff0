// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {BondHistory} from "../libraries/BondHistory.sol";
import {StakeBuckets} from "../libraries/StakeBuckets.sol";
import {StakeState} from "./StakeState.sol";

// The running epoch is passed on within the library, so it is best in memory.
// solhint-disable gas-calldata-parameters

/// @title The algebra of OperatorStaking over its storage
/// @dev A linked library, because one contract cannot hold it all; no token moves here. Every change of a bucket is one
/// verse: settle what was earned, change, record (stake, required), weigh. Algebra: docs/accounting.md, "Stake".
library StakeLedger {
    using BondHistory for BondHistory.History;
    using SafeCast for uint256;
    using StakeBuckets for StakeBuckets.Bucket;
    using StakeState for StakeState.State;

    // --- Constants ---

    uint256 private constant BPS = 10_000;
    uint256 private constant ACCUMULATOR_BITS = 56;
    uint256 private constant SHARE_UNIT = 1 << 128;
    /// @dev With less weight than this (about one token) nothing is distributed: the accumulator grows by at most
    /// reward ÷ 16, and so lasts for 2^100 wei of rewards.
    uint256 private constant MIN_TOTAL_WEIGHT = 1 << 60;
    uint256 private constant MAX_COMMISSION_STEP = 500;

    // --- Controller ---

    function requestUnbond(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint256 amount,
        uint40 releaseAt
    ) external returns (uint256) {
        StakeState.Record memory operator = self.recordOfController(operatorId);
        if (amount == 0) revert IOperatorStaking.StakingZeroAmount();
        _settle(self, clock, operatorId, operator);
        StakeBuckets.Bucket storage bucket = self.bucketOf(operatorId, operator, true);
        uint256 active = bucket.activeAssets();
        if (amount > active) revert IOperatorStaking.StakingExceeds(amount, active);

        // All of it takes every share; less, at most as many: `amount` is below what they are worth, rounded down.
        uint128 shares = amount == active ? bucket.activeShares : uint128(bucket.toSharesUp(amount));
        bucket.request(shares);
        (uint256 staked, uint256 required, uint32 fromEpoch) = _record(self, clock, operatorId, operator, 0);
        if (staked < required) revert IOperatorStaking.OperatorUnderBonded(operatorId, staked, required);
        return _open(self, operatorId, operator, shares, true, releaseAt, fromEpoch);
    }

    function setCommission(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint16 commissionBps
    ) external {
        _settle(self, clock, operatorId, self.recordOfController(operatorId));
        IOperatorStaking.Earning storage e = self.earnings[operatorId];
        uint256 most = Math.min(BPS, e.commissionBps + MAX_COMMISSION_STEP);
        if (commissionBps > most) revert IOperatorStaking.CommissionStep(commissionBps, most);

        uint32 fromEpoch = clock.epoch + 2;
        (e.nextCommissionBps, e.commissionFromEpoch) = (commissionBps, fromEpoch);

        emit IOperatorStaking.CommissionAnnounced(operatorId, commissionBps, fromEpoch);
    }

    // --- Delegator ---

    function delegate(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint256 amount,
        uint256 minSharesOut
    ) external returns (uint256 shares) {
        StakeState.Record memory operator = self.recordOf(operatorId);
        uint256 minimum = self.terms.minDelegation;
        if (amount < minimum) revert IOperatorStaking.StakingBelowMinimum(amount, minimum);
        _settle(self, clock, operatorId, operator);
        StakeState.Position storage position = _settlePosition(
            self,
            operatorId,
            operator.delegatedGeneration,
            msg.sender
        );

        uint32 fromEpoch;
        (shares, , fromEpoch) = self.deposit(clock, operatorId, operator, false, amount);
        if (shares < minSharesOut) revert IOperatorStaking.StakingTooFewShares(shares, minSharesOut);
        position.shares += uint128(shares);
        _weigh(self, clock, operatorId);

        uint24 generation = operator.delegatedGeneration;
        emit IOperatorStaking.Delegated(operatorId, msg.sender, generation, amount, shares, fromEpoch);
    }

    function undelegate(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint128 shares,
        uint40 releaseAt
    ) external returns (uint256) {
        StakeState.Record memory operator = self.recordOf(operatorId);
        if (shares == 0) revert IOperatorStaking.StakingZeroAmount();
        _settle(self, clock, operatorId, operator);
        StakeState.Position storage position = _settlePosition(
            self,
            operatorId,
            operator.delegatedGeneration,
            msg.sender
        );
        if (shares > position.shares) revert IOperatorStaking.StakingExceeds(shares, position.shares);

        position.shares -= shares;
        self.bucketOf(operatorId, operator, false).request(shares);
        (, , uint32 fromEpoch) = _record(self, clock, operatorId, operator, 0);
        return _open(self, operatorId, operator, shares, false, releaseAt, fromEpoch);
    }

    function cancelUnbond(StakeState.State storage self, StakeState.Clock memory clock, uint256 unbondingId) external {
        IOperatorStaking.Unbonding memory u = self.unbondingOf(unbondingId);
        if (u.owner != msg.sender) revert IOperatorStaking.UnbondingNotOwner(unbondingId, msg.sender);
        StakeState.Record memory operator = self.operators[u.operatorId];
        uint24 current = StakeState.generationOf(operator, u.own);
        if (u.generation != current) revert IOperatorStaking.BucketGeneration(u.generation, current);
        _settle(self, clock, u.operatorId, operator);

        delete self.unbondings[unbondingId];
        if (!u.own) _settlePosition(self, u.operatorId, current, msg.sender).shares += u.shares;
        self.buckets[u.operatorId][u.own][current].cancel(u.shares);
        (, , uint32 fromEpoch) = _record(self, clock, u.operatorId, operator, 0);

        emit IOperatorStaking.UnbondingCanceled(unbondingId, u.operatorId, u.shares, fromEpoch);
    }

    function leaveRetired(
        StakeState.State storage self,
        uint64 operatorId,
        bool own,
        uint24 generation
    ) external returns (uint256 amount) {
        StakeState.Record memory operator = own ? self.recordOfController(operatorId) : self.recordOf(operatorId);
        uint24 current = StakeState.generationOf(operator, own);
        if (generation >= current) revert IOperatorStaking.BucketGeneration(generation, current);
        StakeBuckets.Bucket storage bucket = self.buckets[operatorId][own][generation];

        uint128 shares = bucket.activeShares;
        uint128 earned;
        if (!own) {
            StakeState.Position storage position = _settlePosition(self, operatorId, generation, msg.sender);
            (shares, earned) = (position.shares, position.earned);
            (position.shares, position.earned) = (0, 0);
        }
        if (shares == 0 && earned == 0) revert IOperatorStaking.StakingZeroAmount();
        uint96 assets = bucket.redeem(shares);
        self.totals.assets -= assets;
        self.totals.rewards -= earned;
        amount = uint256(assets) + earned;

        emit IOperatorStaking.RetiredLeft(operatorId, msg.sender, own, generation, assets, earned);
    }

    // --- Anyone ---

    function claim(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        address account
    ) external returns (uint256 amount) {
        StakeState.Record memory operator = self.recordOf(operatorId);
        _settle(self, clock, operatorId, operator);
        StakeState.Position storage position = _settlePosition(self, operatorId, operator.delegatedGeneration, account);

        amount = position.earned;
        position.earned = 0;
        if (account == operator.controller) {
            amount += self.controllersEarned[operatorId];
            self.controllersEarned[operatorId] = 0;
        }
        if (amount == 0) revert IOperatorStaking.StakingZeroAmount();
        self.totals.rewards -= amount.toUint128();

        emit IOperatorStaking.RewardsClaimed(operatorId, account, amount);
    }

    /// @dev `balance` is the contract's. Anybody may collect into it, so what counts is what has arrived; no price
    /// depends on it.
    function distribute(StakeState.State storage self, uint256 balance) external returns (uint256 amount) {
        StakeState.Pool memory pool = self.pool;
        if (pool.weight < MIN_TOTAL_WEIGHT) revert IOperatorStaking.StakingNoWeight(pool.weight);
        amount = balance - self.totals.assets - self.totals.rewards;
        if (amount == 0) revert IOperatorStaking.StakingZeroAmount();

        uint256 pot = amount + self.carry;
        uint256 step = (pot << ACCUMULATOR_BITS) / pool.weight;
        self.pool.accumulator = (pool.accumulator + step).toUint96();
        self.carry = pot - Math.ceilDiv(step * pool.weight, 1 << ACCUMULATOR_BITS);
        self.totals.rewards += amount.toUint128();

        emit IOperatorStaking.RewardsDistributed(amount, pool.weight);
    }

    function refreshWeight(StakeState.State storage self, StakeState.Clock memory clock, uint64 operatorId) external {
        _settle(self, clock, operatorId, self.recordOf(operatorId));
        _weigh(self, clock, operatorId);
    }

    /// @dev What `stake` needs, seldom.
    function settle(StakeState.State storage self, StakeState.Clock memory clock, uint64 operatorId) external {
        _settle(self, clock, operatorId, self.operators[operatorId]);
    }

    // --- Registry ---

    /// @dev Takes `bond` off what an operator needs.
    function unburden(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint256 bond
    ) external {
        StakeState.Record memory operator = self.operators[operatorId];
        _settle(self, clock, operatorId, operator);
        _record(self, clock, operatorId, operator, bond);
    }

    // --- Slasher ---

    function slash(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external returns (uint256 slashed, uint256 bounty) {
        if (self.isSlashed[faultKey]) revert IOperatorStaking.FaultAlreadySlashed(faultKey);
        StakeState.Record memory operator = self.recordOf(operatorId);
        slashed = _takeFromCap(self, clock.epoch, operatorId, operator, amount);
        if (slashed == 0) return (0, 0);

        self.isSlashed[faultKey] = true;
        _settle(self, clock, operatorId, operator);
        uint256 own = Math.min(slashed, self.bucketOf(operatorId, operator, true).assets);
        _slashBucket(self, operatorId, operator, true, own);
        _slashBucket(self, operatorId, operator, false, slashed - own);
        self.operators[operatorId] = operator;
        _record(self, clock, operatorId, operator, 0);
        self.totals.assets -= uint128(slashed);
        bounty = bountyTo == address(0) ? 0 : (slashed * self.terms.bountyBps) / BPS;

        emit IOperatorStaking.Slashed(operatorId, faultKey, own, slashed - own, bounty, bountyTo);
    }

    // --- Governance ---

    function setTerms(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        IOperatorStaking.Terms memory t
    ) external {
        if (t.slashCapBps < 1_000 || t.slashCapBps > BPS) _refuse("slashCapBps", t.slashCapBps);
        if (t.bountyBps > 1_000) _refuse("bountyBps", t.bountyBps);
        if (t.weightMultiple == 0 || t.weightMultiple > 100) _refuse("weightMultiple", t.weightMultiple);
        if (t.minDelegation == 0 || t.minDelegation > 1e24) _refuse("minDelegation", t.minDelegation);

        uint16 multiple = self.multipleAt(clock.epoch);
        if (multiple == 0) multiple = t.weightMultiple; // of the deployment
        uint32 fromEpoch = clock.epoch + 1;
        self.terms = StakeState.StoredTerms(
            t.slashCapBps,
            t.bountyBps,
            multiple,
            t.weightMultiple,
            fromEpoch,
            t.minDelegation
        );

        emit IOperatorStaking.TermsSet(t.slashCapBps, t.bountyBps, t.weightMultiple, t.minDelegation, fromEpoch);
    }

    // --- Internal ---

    /// @dev Gives the operator what its weight earned since it was settled last, at the commission in force until now.
    function _settle(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        StakeState.Record memory operator
    ) private {
        if (self.isSettled(clock.epoch, operatorId)) return;
        IOperatorStaking.Earning memory e = self.earnings[operatorId];
        uint96 accumulator = self.pool.accumulator;

        uint256 earned = (uint256(e.weight) * (accumulator - e.accumulated)) >> ACCUMULATOR_BITS;
        if (earned != 0) _credit(self, operatorId, operator, earned, e.commissionBps);
        e.accumulated = accumulator;
        if (e.commissionFromEpoch != 0 && clock.epoch >= e.commissionFromEpoch) {
            (e.commissionBps, e.commissionFromEpoch) = (e.nextCommissionBps, 0);
        }
        self.earnings[operatorId] = e;
    }

    /// @dev Splits what an operator earned between its delegators and its controller.
    function _credit(
        StakeState.State storage self,
        uint64 operatorId,
        StakeState.Record memory operator,
        uint256 earned,
        uint256 commissionBps
    ) private {
        StakeBuckets.Bucket storage bucket = self.bucketOf(operatorId, operator, false);
        uint256 delegated = bucket.activeAssets();
        uint256 net = 0;
        if (delegated != 0) {
            uint256 own = self.bucketOf(operatorId, operator, true).activeAssets();
            // The delegators' part is rounded down, and so is the commission on it.
            // slither-disable-next-line divide-before-multiply
            net = (earned * delegated) / (own + delegated);
            net -= (net * commissionBps) / BPS;
            bucket.rewardPerShare += Math.mulDiv(net, SHARE_UNIT, bucket.activeShares);
        }
        self.controllersEarned[operatorId] += earned - net;
    }

    function _settlePosition(
        StakeState.State storage self,
        uint64 operatorId,
        uint24 generation,
        address account
    ) private returns (StakeState.Position storage position) {
        position = self.positions[operatorId][generation][account];
        // slither-disable-next-line boolean-cst
        uint256 rewardPerShare = self.buckets[operatorId][false][generation].rewardPerShare;
        uint256 since = rewardPerShare - position.rewardPerShare;
        if (since == 0) return position;

        position.earned += Math.mulDiv(position.shares, since, SHARE_UNIT).toUint128();
        position.rewardPerShare = rewardPerShare;
    }

    /// @dev Records the stake of both buckets as it counts from the next epoch, and `bond` less required; then weighs.
    function _record(
        StakeState.State storage self,
        StakeState.Clock memory clock,
        uint64 operatorId,
        StakeState.Record memory operator,
        uint256 bond
    ) private returns (uint256 staked, uint256 required, uint32 fromEpoch) {
        BondHistory.Bond memory latest = self.bonds[operatorId].latest;
        staked =
            self.bucketOf(operatorId, operator, true).activeAssets() +
            self.bucketOf(operatorId, operator, false).activeAssets();
        required = latest.required - bond;
        fromEpoch = self.push(clock, operatorId, staked, required);
        _weigh(self, clock, operatorId);

        if (staked < required && latest.stake >= latest.required) {
            emit IOperatorStaking.UnderBonded(operatorId, staked, required, fromEpoch);
        }
    }

    /// @dev The lesser of what counts in this epoch and what counts from the next: a rise waits.
    function _weigh(StakeState.State storage self, StakeState.Clock memory clock, uint64 operatorId) private {
        uint256 multiple = self.multipleAt(clock.epoch);
        BondHistory.History storage bonds = self.bonds[operatorId];
        BondHistory.Bond memory next = bonds.latest;
        BondHistory.Bond memory current = bonds.at(clock.epoch, clock.historySize);
        uint256 weight = Math.min(
            Math.min(next.stake, next.required * multiple),
            Math.min(current.stake, current.required * multiple)
        );
        IOperatorStaking.Earning storage e = self.earnings[operatorId];
        uint256 before = e.weight;
        if (weight == before) return;

        // At most the stake: both casts are safe.
        e.weight = uint96(weight);
        uint256 total = uint256(self.pool.weight) + weight - before;
        self.pool.weight = uint112(total);

        emit IOperatorStaking.WeightChanged(operatorId, weight, total);
    }

    function _open(
        StakeState.State storage self,
        uint64 operatorId,
        StakeState.Record memory operator,
        uint128 shares,
        bool own,
        uint40 releaseAt,
        uint32 fromEpoch
    ) private returns (uint256 unbondingId) {
        unbondingId = ++self.unbondingCount;
        self.unbondings[unbondingId] = IOperatorStaking.Unbonding(
            operatorId,
            StakeState.generationOf(operator, own),
            releaseAt,
            shares,
            msg.sender,
            own
        );

        emit IOperatorStaking.UnbondingRequested(
            unbondingId,
            operatorId,
            msg.sender,
            own,
            shares,
            releaseAt,
            fromEpoch
        );
    }

    /// @dev min(amount, slashable, room of the epoch), which is written down as taken.
    function _takeFromCap(
        StakeState.State storage self,
        uint32 epoch,
        uint64 operatorId,
        StakeState.Record memory operator,
        uint256 amount
    ) private returns (uint256 taken) {
        uint256 available = self.slashableOf(operatorId, operator);
        StakeState.EpochSlash memory s = self.slashes[operatorId];
        if (s.epochPlusOne != epoch + 1) {
            s = StakeState.EpochSlash(epoch + 1, 0, uint96((available * self.terms.slashCapBps) / BPS));
        }
        taken = Math.min(Math.min(amount, available), s.cap - s.taken);
        if (taken == 0) return 0;

        s.taken += uint96(taken);
        self.slashes[operatorId] = s;
    }

    function _slashBucket(
        StakeState.State storage self,
        uint64 operatorId,
        StakeState.Record memory operator,
        bool own,
        uint256 amount
    ) private {
        uint24 generation = StakeState.generationOf(operator, own);
        StakeBuckets.Bucket storage bucket = self.buckets[operatorId][own][generation];
        if (amount == 0 || !bucket.slash(amount)) return;

        if (own) ++operator.ownGeneration;
        else ++operator.delegatedGeneration;

        emit IOperatorStaking.BucketRetired(operatorId, own, generation, bucket.assets, bucket.totalShares());
    }

    function _refuse(bytes32 name, uint256 value) private pure {
        revert IOperatorStaking.StakingBadParameter(name, value);
    }
}
