// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {BondHistory} from "../libraries/BondHistory.sol";
import {StakeBuckets} from "../libraries/StakeBuckets.sol";

/// @title What OperatorStaking keeps, and what its contract and its ledger both do with it
library StakeState {
    using BondHistory for BondHistory.History;
    using SafeCast for uint256;
    using StakeBuckets for StakeBuckets.Bucket;

    // --- Types ---

    /// @dev One slot. The pause of `stake` is here because `stake` reads this slot anyway.
    struct Pool {
        uint96 accumulator; // wei per weight × 2^56
        uint112 weight;
        uint48 stakePausedUntil;
    }

    /// @dev One slot, in wei.
    struct Totals {
        uint128 assets;
        uint128 rewards;
    }

    /// @dev One slot.
    struct Record {
        address controller;
        uint24 ownGeneration;
        uint24 delegatedGeneration;
    }

    /// @dev A delegation and the bucket's accumulator when it was settled.
    struct Position {
        uint128 shares;
        uint128 earned;
        uint256 rewardPerShare;
    }

    /// @dev One slot: what slashes took of an operator in an epoch, and may take.
    struct EpochSlash {
        uint32 epochPlusOne;
        uint96 taken;
        uint96 cap;
    }

    /// @dev One slot. The multiple is an epoch parameter: `weightMultiple` counts before `nextFromEpoch`, then the next one.
    struct StoredTerms {
        uint16 slashCapBps;
        uint16 bountyBps;
        uint16 weightMultiple;
        uint16 nextMultiple;
        uint32 nextFromEpoch;
        uint96 minDelegation;
    }

    struct State {
        Pool pool;
        Totals totals;
        StoredTerms terms;
        uint256 carry; // what the last distribution could not divide
        uint256 unbondingCount;
        mapping(uint64 operatorId => Record) operators;
        mapping(uint64 operatorId => BondHistory.History) bonds;
        mapping(uint64 operatorId => mapping(bool own => mapping(uint24 generation => StakeBuckets.Bucket))) buckets;
        mapping(uint64 operatorId => mapping(uint24 generation => mapping(address account => Position))) positions;
        mapping(uint64 operatorId => IOperatorStaking.Earning) earnings;
        mapping(uint64 operatorId => uint256) controllersEarned;
        mapping(uint64 operatorId => EpochSlash) slashes;
        mapping(bytes32 faultKey => bool) isSlashed;
        mapping(uint256 unbondingId => IOperatorStaking.Unbonding) unbondings;
    }

    /// @dev The running epoch, and the size of every BondHistory.
    struct Clock {
        uint32 epoch;
        uint32 historySize;
    }

    // --- Changes ---

    /// @dev Either tranche: shares for `amount`, and the record of a stake that grew by what the bucket's active part did.
    function deposit(
        State storage self,
        Clock memory clock,
        uint64 operatorId,
        Record memory operator,
        bool own,
        uint256 amount
    ) internal returns (uint256 shares, uint256 staked, uint32 fromEpoch) {
        StakeBuckets.Bucket storage bucket = bucketOf(self, operatorId, operator, own);
        uint256 before = bucket.activeAssets();
        shares = bucket.deposit(amount);
        BondHistory.Bond memory latest = self.bonds[operatorId].latest;
        staked = latest.stake + bucket.activeAssets() - before;
        fromEpoch = push(self, clock, operatorId, staked, latest.required);
        self.totals.assets += uint128(amount); // a bucket took it, so it is below 2^96
    }

    /// @dev Records what counts from the next epoch.
    function push(
        State storage self,
        Clock memory clock,
        uint64 operatorId,
        uint256 staked,
        uint256 required
    ) internal returns (uint32 fromEpoch) {
        fromEpoch = clock.epoch + 1;
        self.bonds[operatorId].push(staked.toUint96(), required.toUint96(), fromEpoch, clock.historySize);
    }

    function isSettled(State storage self, uint32 epoch, uint64 operatorId) internal view returns (bool) {
        IOperatorStaking.Earning memory e = self.earnings[operatorId];
        return self.pool.accumulator == e.accumulated && (e.commissionFromEpoch == 0 || epoch < e.commissionFromEpoch);
    }

    function recordOf(State storage self, uint64 operatorId) internal view returns (Record memory operator) {
        operator = self.operators[operatorId];
        if (operator.controller == address(0)) revert IOperatorStaking.OperatorUnknown(operatorId);
    }

    function recordOfController(State storage self, uint64 operatorId) internal view returns (Record memory operator) {
        operator = recordOf(self, operatorId);
        if (operator.controller != msg.sender) revert IOperatorStaking.OperatorNotController(operatorId, msg.sender);
    }

    function unbondingOf(
        State storage self,
        uint256 unbondingId
    ) internal view returns (IOperatorStaking.Unbonding memory u) {
        u = self.unbondings[unbondingId];
        if (u.operatorId == 0) revert IOperatorStaking.UnbondingUnknown(unbondingId);
    }

    function bucketOf(
        State storage self,
        uint64 operatorId,
        Record memory operator,
        bool own
    ) internal view returns (StakeBuckets.Bucket storage) {
        return self.buckets[operatorId][own][generationOf(operator, own)];
    }

    function slashableOf(
        State storage self,
        uint64 operatorId,
        Record memory operator
    ) internal view returns (uint256) {
        return
            uint256(bucketOf(self, operatorId, operator, true).assets) +
            bucketOf(self, operatorId, operator, false).assets;
    }

    function multipleAt(State storage self, uint32 epoch) internal view returns (uint16) {
        StoredTerms memory t = self.terms;
        return epoch < t.nextFromEpoch ? t.weightMultiple : t.nextMultiple;
    }

    function generationOf(Record memory operator, bool own) internal pure returns (uint24) {
        return own ? operator.ownGeneration : operator.delegatedGeneration;
    }
}
