// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Epochs} from "../access/Epochs.sol";
import {IEmissionController, IEmissionCurve} from "../interfaces/IEmissionController.sol";
import {INetworkToken} from "../interfaces/INetworkToken.sol";
import {ISettlementOracle} from "../interfaces/ISettlementOracle.sol";
import {ScheduledAddress} from "../libraries/ScheduledAddress.sol";

/// @title Epochs, sub-networks and their budgets
/// @dev Why late closing is closing on time. An epoch parameter is (current, next, fromEpoch). A setter runs in epoch c
/// only while every epoch before c is closed (`_settledEpoch`), keeps in `current` what is in force in c and writes
/// `next` for c + 1. So the open epochs are always ≥ c for the last c in which a setter ran: c resolves to `current`,
/// all later ones to `next`, whenever they are closed, and at most one value is pending. The curve is pure, the rate
/// capacity immutable, nothing else enters a budget.
contract EmissionController is IEmissionController, AccessManaged, Epochs, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;
    using ScheduledAddress for ScheduledAddress.Pointer;

    /// @dev One slot. Buckets are packed: devices ‖ stakers ‖ treasury, 16 bits each.
    struct Head {
        uint32 nextToClose;
        uint16 subNetworks;
        uint48 buckets;
        uint48 bucketsNext;
        uint32 bucketsFromEpoch; // 0 = nothing scheduled
        uint32 weightsFromEpoch; // 0 = nothing scheduled
    }

    /// @dev Two slots, all in wei. No sum overflows: 2^32 epochs of less than 2^96 wei each.
    struct Totals {
        uint128 scheduled;
        uint128 reserve;
        uint128 treasury; // collected, not minted
        uint128 stakers; // collected, not minted
    }

    // Constants

    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_SUB_NETWORKS = 16;
    /// @dev A curve that starves at this leaves 1/63 of it: too little to write an epoch, so nobody can close an epoch
    /// with nothing by sending less gas.
    uint256 private constant CURVE_GAS = 100_000;
    bytes32 private constant STAKERS = "stakers";
    bytes32 private constant TREASURY = "treasury";
    /// @dev Settlements and buckets have a limiter each: a settlement needs its budget at once, a bucket is collected in
    /// parts, by anyone, and would hold up settlements for as long as it has something to collect.
    bytes32 private constant SETTLEMENTS_RATE = "settlements";
    bytes32 private constant BUCKETS_RATE = "buckets";

    // Immutables

    /// @notice The token that is minted.
    INetworkToken public immutable token;
    /// @dev Most that one epoch may emit: the rate limiter's capacity, below 2^96.
    uint256 private immutable _maxBudget;

    // Storage

    Head private _head;
    Totals private _totals;
    /// @inheritdoc IEmissionController
    uint256 public totalMinted;

    /// @dev 16 weights of 16 bits, the first in the lowest bits.
    uint256 private _weights;
    uint256 private _weightsNext;
    ScheduledAddress.Pointer private _curve;

    /// @dev Two budgets of 128 bits a slot, the first in the lower half.
    mapping(uint32 epoch => uint256[MAX_SUB_NETWORKS / 2]) private _budgets;
    mapping(uint32 epoch => uint256 bitmap) private _taken;
    RateLimiter.RefillingBucket private _rate;

    /// @inheritdoc IEmissionController
    address public distributor;
    ScheduledAddress.Pointer private _settlement;
    /// @inheritdoc IEmissionController
    mapping(bytes32 bucket => address) public receiverOf;
    mapping(uint16 subNetwork => SubNetwork) private _subNetworks;

    /// @notice The first epoch that can be closed is the one of the deployment.
    /// @param manager the AccessManager
    /// @param token_ the NetworkToken that names this contract its minter
    /// @param genesis start of epoch 0
    /// @param length of an epoch
    /// @param curve_ emission by epoch
    /// @param buckets split of the first epochs; stakers' and treasury's parts wait until they have receivers
    /// @param rateCapacity most that settlements, and as much again that buckets, can mint at once, and most that an epoch
    /// emits, in wei, below 2^96
    /// @param rateRefillPerSecond wei, of each of the two; must refill what the curve emits. Kept as capacity ÷ ⌈capacity ÷ refill⌉
    constructor(
        address manager,
        address token_,
        uint64 genesis,
        uint32 length,
        address curve_,
        Buckets memory buckets,
        uint256 rateCapacity,
        uint256 rateRefillPerSecond
    ) AccessManaged(manager) Epochs(genesis, length) {
        if (token_ == address(0)) revert EmissionBadParameter("token", 0);
        token = INetworkToken(token_);
        _maxBudget = rateCapacity;

        uint32 epoch = currentEpoch();
        uint256 first = _checkCurve(curve_, epoch);
        if (rateCapacity < first || rateCapacity == 0 || rateCapacity > type(uint96).max) {
            revert EmissionBadParameter("rateCapacity", rateCapacity);
        }
        uint256 window = rateRefillPerSecond == 0 ? 0 : Math.ceilDiv(rateCapacity, rateRefillPerSecond);
        if (window == 0 || window > type(uint32).max || Math.mulDiv(rateCapacity, length, window) < first) {
            revert EmissionBadParameter("rateRefillPerSecond", rateRefillPerSecond);
        }

        _rate.updateSettings(uint48(window), uint208(rateCapacity));
        _curve.schedule(curve_, epoch);
        _head.nextToClose = epoch;
        _head.buckets = _pack(buckets);

        emit CurveScheduled(curve_, epoch);
        emit BucketsScheduled(buckets.devicesBps, buckets.stakersBps, buckets.treasuryBps, epoch);
    }

    // Anyone

    /// @inheritdoc IEmissionController
    function closeEpoch() external returns (uint32 epoch) {
        return _close();
    }

    /// @inheritdoc IEmissionController
    function closeEpochs(uint32 n) external {
        for (uint32 i = 0; i < n; ++i) _close();
    }

    /// @inheritdoc IEmissionController
    function collectTreasury() external nonReentrant returns (uint256 amount) {
        address to = receiverOf[TREASURY];
        amount = _collectable(TREASURY, to, _totals.treasury);
        // At most what was collected.
        _totals.treasury -= uint128(amount);

        emit TreasuryCollected(to, amount);

        _mint(BUCKETS_RATE, to, amount);
    }

    /// @inheritdoc IEmissionController
    function collectStakers() external nonReentrant returns (uint256 amount) {
        address to = receiverOf[STAKERS];
        amount = _collectable(STAKERS, to, _totals.stakers);
        // At most what was collected.
        _totals.stakers -= uint128(amount);

        emit StakersCollected(to, amount);

        _mint(BUCKETS_RATE, to, amount);
    }

    // The distributor; reclaim also anyone

    /// @inheritdoc IEmissionController
    function fund(uint16 subNetwork, uint32 epoch) external nonReentrant returns (uint256 amount) {
        if (msg.sender != distributor) revert EmissionNotDistributor(msg.sender);
        amount = _take(subNetwork, epoch);

        emit BudgetFunded(subNetwork, epoch, msg.sender, amount);

        _mint(SETTLEMENTS_RATE, msg.sender, amount);
    }

    /// @inheritdoc IEmissionController
    function reclaim(uint16 subNetwork, uint32 epoch) external nonReentrant {
        if (msg.sender != distributor) {
            address settlement = settlementNow();
            // Without an oracle nobody can know.
            if (settlement == address(0) || ISettlementOracle(settlement).isSettleable(subNetwork, epoch)) {
                revert EmissionStillSettleable(subNetwork, epoch);
            }
        }
        uint256 amount = _take(subNetwork, epoch);
        // Below 2^128: a part of what was scheduled.
        _totals.reserve += uint128(amount);

        emit BudgetReclaimed(subNetwork, epoch, amount);
    }

    // Governance

    /// @inheritdoc IEmissionController
    function addSubNetwork(
        uint16 category,
        uint16 uptimeTargetBps,
        string calldata name
    ) external restricted returns (uint16 subNetwork) {
        _settledEpoch();
        if (_head.subNetworks == MAX_SUB_NETWORKS) revert EmissionTooManySubNetworks();
        if (uptimeTargetBps > BPS) revert EmissionBadParameter("uptimeTargetBps", uptimeTargetBps);

        // Its weight, now and next, is zero until setWeights: the running epoch stays what it was.
        subNetwork = ++_head.subNetworks;
        _subNetworks[subNetwork] = SubNetwork(category, uptimeTargetBps, name);

        emit SubNetworkAdded(subNetwork, category, uptimeTargetBps, name);
    }

    /// @inheritdoc IEmissionController
    function setBuckets(Buckets calldata buckets) external restricted {
        uint32 epoch = _settledEpoch();
        uint48 packed = _pack(buckets);
        if (buckets.stakersBps != 0 && receiverOf[STAKERS] == address(0)) revert EmissionNoReceiver(STAKERS);
        if (buckets.treasuryBps != 0 && receiverOf[TREASURY] == address(0)) revert EmissionNoReceiver(TREASURY);

        Head storage h = _head;
        (h.buckets, h.bucketsNext, h.bucketsFromEpoch) = (_bucketsAt(h, epoch), packed, epoch + 1);

        emit BucketsScheduled(buckets.devicesBps, buckets.stakersBps, buckets.treasuryBps, epoch + 1);
    }

    /// @inheritdoc IEmissionController
    function setWeights(uint16[] calldata weights) external restricted {
        uint32 epoch = _settledEpoch();
        if (weights.length != _head.subNetworks) revert EmissionBadParameter("weights", weights.length);
        uint256 total = 0;
        uint256 packed = 0;
        for (uint256 i = 0; i < weights.length; ++i) {
            total += weights[i];
            packed |= uint256(weights[i]) << (16 * i);
        }
        if (total != BPS) revert EmissionBadShares(total);

        _weights = _weightsAt(_head.weightsFromEpoch, epoch);
        _weightsNext = packed;
        _head.weightsFromEpoch = epoch + 1;

        emit WeightsScheduled(weights, epoch + 1);
    }

    /// @inheritdoc IEmissionController
    function setCurve(address curve) external restricted {
        uint32 epoch = _settledEpoch();
        _checkCurve(curve, epoch + 1);

        uint32 fromEpoch = _curve.schedule(curve, epoch);

        emit CurveScheduled(curve, fromEpoch);
    }

    /// @inheritdoc IEmissionController
    function setReceiver(bytes32 bucket, address receiver) external restricted {
        if (bucket != STAKERS && bucket != TREASURY) revert EmissionBadParameter("bucket", uint256(bucket));
        if (receiver == address(0)) revert EmissionNoReceiver(bucket);

        receiverOf[bucket] = receiver;

        emit ReceiverSet(bucket, receiver);
    }

    /// @inheritdoc IEmissionController
    function setDistributor(address newDistributor) external restricted {
        if (newDistributor == address(0)) revert EmissionBadParameter("distributor", 0);

        distributor = newDistributor;

        emit DistributorSet(newDistributor);
    }

    /// @inheritdoc IEmissionController
    function setSettlement(address settlement) external restricted {
        if (settlement == address(0)) revert EmissionBadParameter("settlement", 0);

        uint32 fromEpoch = _settlement.schedule(settlement, currentEpoch());

        emit SettlementScheduled(settlement, fromEpoch);
    }

    // Views

    /// @inheritdoc IEmissionController
    function nextEpochToClose() external view returns (uint32) {
        return _head.nextToClose;
    }

    /// @inheritdoc IEmissionController
    function budgetOf(uint16 subNetwork, uint32 epoch) public view returns (uint256) {
        if (subNetwork == 0 || subNetwork > MAX_SUB_NETWORKS) return 0;
        uint256 i = subNetwork - 1;
        return uint128(_budgets[epoch][i / 2] >> (128 * (i % 2)));
    }

    /// @inheritdoc IEmissionController
    function isTaken(uint16 subNetwork, uint32 epoch) public view returns (bool) {
        return (_taken[epoch] >> subNetwork) & 1 == 1;
    }

    /// @inheritdoc IEmissionController
    function bucketsNow() external view returns (Buckets memory) {
        return _unpack(_bucketsAt(_head, currentEpoch()));
    }

    /// @inheritdoc IEmissionController
    function bucketsNext() external view returns (Buckets memory) {
        return _unpack(_bucketsAt(_head, currentEpoch() + 1));
    }

    /// @inheritdoc IEmissionController
    function weightsNow() external view returns (uint16[] memory) {
        return _unpackWeights(_weightsAt(_head.weightsFromEpoch, currentEpoch()));
    }

    /// @inheritdoc IEmissionController
    function weightsNext() external view returns (uint16[] memory) {
        return _unpackWeights(_weightsAt(_head.weightsFromEpoch, currentEpoch() + 1));
    }

    /// @inheritdoc IEmissionController
    function subNetworkCount() external view returns (uint16) {
        return _head.subNetworks;
    }

    /// @inheritdoc IEmissionController
    function subNetworkOf(uint16 subNetwork) external view returns (SubNetwork memory) {
        return _subNetworks[subNetwork];
    }

    /// @inheritdoc IEmissionController
    function reserve() external view returns (uint256) {
        return _totals.reserve;
    }

    /// @inheritdoc IEmissionController
    function totalScheduled() external view returns (uint256) {
        return _totals.scheduled;
    }

    /// @inheritdoc IEmissionController
    function collectable() external view returns (uint256 treasury, uint256 stakers) {
        return (_totals.treasury, _totals.stakers);
    }

    /// @inheritdoc IEmissionController
    function rateAvailable() external view returns (uint256) {
        return _rate.available(SETTLEMENTS_RATE);
    }

    /// @inheritdoc IEmissionController
    function curveNow() external view returns (address) {
        return _curve.at(currentEpoch());
    }

    /// @inheritdoc IEmissionController
    function settlementNow() public view returns (address) {
        return _settlement.at(currentEpoch());
    }

    // Internal: closing

    function _close() private returns (uint32 epoch) {
        Head memory h = _head;
        epoch = h.nextToClose;
        if (block.timestamp < _epochEnd(epoch)) revert EmissionEpochNotEnded(epoch, _epochEnd(epoch));

        (, uint256 budget) = _tryEmission(_curve.at(epoch), epoch);
        budget = Math.min(budget, _maxBudget);
        Buckets memory b = _unpack(_bucketsAt(h, epoch));
        uint256 devices = (budget * b.devicesBps) / BPS;
        uint256 stakers = (budget * (uint256(b.devicesBps) + b.stakersBps)) / BPS - devices;
        uint256 treasury = budget - devices - stakers;

        _head.nextToClose = epoch + 1;
        (uint256[] memory parts, uint256 given) = _allot(epoch, devices, h);
        Totals memory t = _totals;
        // All below 2^128, see Totals.
        t.scheduled += uint128(budget);
        t.reserve += uint128(devices - given);
        t.treasury += uint128(treasury);
        t.stakers += uint128(stakers);
        _totals = t;

        emit EpochClosed(epoch, budget, parts, stakers, treasury);
    }

    /// @dev Splits `devices` by weight and stores the parts. `given` is all of it, or nothing while there are no weights.
    function _allot(
        uint32 epoch,
        uint256 devices,
        Head memory h
    ) private returns (uint256[] memory parts, uint256 given) {
        parts = new uint256[](h.subNetworks);
        uint256 weights = _weightsAt(h.weightsFromEpoch, epoch);
        // Weights are unset, or their sum is BPS.
        if (weights == 0 || devices == 0) return (parts, 0);

        uint256[MAX_SUB_NETWORKS / 2] storage budgets = _budgets[epoch];
        uint256 sum = 0;
        uint256 pair = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            sum += uint16(weights >> (16 * i));
            uint256 upTo = (devices * sum) / BPS;
            uint256 part = upTo - given;
            (parts[i], given) = (part, upTo);

            pair |= part << (128 * (i % 2));
            if (i % 2 == 1 || i + 1 == parts.length) {
                if (pair != 0) budgets[i / 2] = pair;
                pair = 0;
            }
        }
    }

    /// @dev Emission of a curve that is not trusted to answer. Never reverts; 0 if it fails.
    function _tryEmission(address curve, uint32 epoch) private view returns (bool ok, uint256 amount) {
        bytes memory data = abi.encodeCall(IEmissionCurve.emission, (epoch));
        uint256 gasLimit = CURVE_GAS;
        assembly ("memory-safe") {
            ok := staticcall(gasLimit, curve, add(data, 32), mload(data), 0, 32)
            ok := and(ok, gt(returndatasize(), 31))
            amount := mul(ok, mload(0))
        }
    }

    function _checkCurve(address curve, uint32 epoch) private view returns (uint256 amount) {
        bool ok;
        (ok, amount) = _tryEmission(curve, epoch);
        if (!ok) revert EmissionBadParameter("curve", uint160(curve));
    }

    // Internal: minting

    /// @dev Marks the budget of (subNetwork, epoch) as used and returns it.
    function _take(uint16 subNetwork, uint32 epoch) private returns (uint256 amount) {
        Head storage h = _head;
        if (subNetwork == 0 || subNetwork > h.subNetworks) revert EmissionSubNetworkUnknown(subNetwork);
        if (epoch >= h.nextToClose) revert EmissionEpochNotClosed(epoch);
        if (isTaken(subNetwork, epoch)) revert EmissionBudgetTaken(subNetwork, epoch);

        _taken[epoch] |= 1 << subNetwork;
        return budgetOf(subNetwork, epoch);
    }

    /// @dev What of `collected` may be minted now: a bucket larger than the limiter's capacity is collected in parts.
    function _collectable(bytes32 bucket, address to, uint256 collected) private view returns (uint256 amount) {
        if (to == address(0)) revert EmissionNoReceiver(bucket);
        if (collected == 0) revert EmissionNothingToCollect();
        amount = Math.min(collected, _rate.available(BUCKETS_RATE));
        if (amount == 0) revert EmissionRateExceeded(collected, 0);
    }

    function _mint(bytes32 rate, address to, uint256 amount) private {
        if (amount == 0) return;
        if (!_rate.tryConsume(rate, amount)) revert EmissionRateExceeded(amount, _rate.available(rate));
        totalMinted += amount;
        token.mint(to, amount);
    }

    // Internal: parameters

    /// @dev The running epoch, with all before it closed: a change made now cannot reach back.
    function _settledEpoch() private view returns (uint32 epoch) {
        epoch = currentEpoch();
        if (_head.nextToClose < epoch) revert EmissionEpochDue(_head.nextToClose);
    }

    function _bucketsAt(Head memory h, uint32 epoch) private pure returns (uint48) {
        return h.bucketsFromEpoch != 0 && epoch >= h.bucketsFromEpoch ? h.bucketsNext : h.buckets;
    }

    function _weightsAt(uint32 fromEpoch, uint32 epoch) private view returns (uint256) {
        return fromEpoch != 0 && epoch >= fromEpoch ? _weightsNext : _weights;
    }

    function _pack(Buckets memory b) private pure returns (uint48) {
        uint256 total = uint256(b.devicesBps) + b.stakersBps + b.treasuryBps;
        if (total != BPS) revert EmissionBadShares(total);
        return (uint48(b.devicesBps) << 32) | (uint48(b.stakersBps) << 16) | b.treasuryBps;
    }

    function _unpack(uint48 packed) private pure returns (Buckets memory) {
        return Buckets(uint16(packed >> 32), uint16(packed >> 16), uint16(packed));
    }

    function _unpackWeights(uint256 packed) private view returns (uint16[] memory weights) {
        weights = new uint16[](_head.subNetworks);
        for (uint256 i = 0; i < weights.length; ++i) weights[i] = uint16(packed >> (16 * i));
    }
}
