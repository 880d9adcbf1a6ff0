// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable const-name-snakecase

import {IReceiver} from "@chainlink/contracts/src/v0.8/keystone/interfaces/IReceiver.sol";
import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Epochs} from "../access/Epochs.sol";
import {ReportReceiver} from "../access/ReportReceiver.sol";
import {INetworkPriceFeed, PriceReport} from "../interfaces/INetworkPriceFeed.sol";

/// @title The token's price as the committee saw it
contract NetworkPriceFeed is INetworkPriceFeed, AggregatorV3Interface, ReportReceiver {
    using SafeCast for uint256;

    struct Round {
        uint64 answer;
        uint64 observedAt; // 0 = no such round
    }

    // Constants

    /// @inheritdoc AggregatorV3Interface
    uint8 public constant decimals = 8;
    /// @inheritdoc AggregatorV3Interface
    uint256 public constant version = 1;

    uint16 private constant CHANNEL = 0;
    uint16 private constant SCHEMA = 1;
    uint256 private constant BPS = 10_000;

    // Storage. Parameters and last round share one slot: latestRoundData reads it and nothing else.

    /// @inheritdoc INetworkPriceFeed
    uint32 public lastRound;
    uint64 private _lastAnswer;
    uint64 private _lastObservedAt;
    /// @inheritdoc INetworkPriceFeed
    uint16 public maxStepBps;
    /// @inheritdoc INetworkPriceFeed
    uint8 public minObservations;

    mapping(uint32 round => Round) private _rounds;
    /// @inheritdoc AggregatorV3Interface
    string public description;

    /// @param manager the AccessManager
    /// @param genesis start of epoch 0
    /// @param length of an epoch
    /// @param maxStepBps_ step cap
    /// @param minObservations_ 2f+1
    /// @param description_ e.g. "GWK / USD"
    constructor(
        address manager,
        uint64 genesis,
        uint32 length,
        uint16 maxStepBps_,
        uint8 minObservations_,
        string memory description_
    ) AccessManaged(manager) Epochs(genesis, length) {
        _setMaxStepBps(maxStepBps_);
        _setMinObservations(minObservations_);
        description = description_;
    }

    // The reporter's forwarder

    /// @inheritdoc IReceiver
    function onReport(bytes calldata metadata, bytes calldata report) external {
        _checkReporter(CHANNEL, metadata);
        PriceReport memory r = abi.decode(report, (PriceReport));
        if (r.schema != SCHEMA || r.chainId != block.chainid || r.receiver != address(this)) {
            revert PriceFeedWrongDomain(r.schema, r.chainId, r.receiver);
        }
        if (r.round <= lastRound || r.observedAt <= _lastObservedAt) {
            revert PriceFeedStale(r.round, lastRound, r.observedAt);
        }
        if (r.observedAt > block.timestamp || r.validUntil < block.timestamp) {
            revert PriceFeedBadTime(r.observedAt, r.validUntil, block.timestamp);
        }
        uint64 median = _median(r.observations);
        uint64 answer = lastRound == 0 ? median : _capped(median, _lastAnswer);

        (lastRound, _lastAnswer, _lastObservedAt) = (r.round, answer, r.observedAt);
        _rounds[r.round] = Round(answer, r.observedAt);

        emit PriceUpdated(r.round, answer, median, r.observedAt, r.observations.length);
    }

    // Governance

    /// @inheritdoc INetworkPriceFeed
    function setMaxStepBps(uint16 bps) external restricted {
        _setMaxStepBps(bps);
    }

    /// @inheritdoc INetworkPriceFeed
    function setMinObservations(uint8 count) external restricted {
        _setMinObservations(count);
    }

    // Views

    /// @inheritdoc AggregatorV3Interface
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        uint32 round = lastRound;
        if (round == 0) revert PriceFeedNoData(0);
        return (round, int256(uint256(_lastAnswer)), _lastObservedAt, _lastObservedAt, round);
    }

    /// @inheritdoc AggregatorV3Interface
    function getRoundData(
        uint80 roundId_
    )
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round memory r = roundId_ > type(uint32).max ? Round(0, 0) : _rounds[uint32(roundId_)];
        if (r.observedAt == 0) revert PriceFeedNoData(roundId_);
        return (roundId_, int256(uint256(r.answer)), r.observedAt, r.observedAt, roundId_);
    }

    // Internal

    function _setMaxStepBps(uint16 bps) private {
        if (bps == 0 || bps > BPS) revert PriceFeedBadParameter("maxStepBps", bps);
        maxStepBps = bps;

        emit ParametersSet(bps, minObservations);
    }

    function _setMinObservations(uint8 count) private {
        if (count == 0) revert PriceFeedBadParameter("minObservations", count);
        minObservations = count;

        emit ParametersSet(maxStepBps, count);
    }

    /// @dev The lower one of two. As many observations as the committee signs for: no upper bound is needed.
    function _median(uint64[] memory observations) private view returns (uint64) {
        uint256 count = observations.length;
        if (count < minObservations) revert PriceFeedBadObservations(count, minObservations);
        uint64 last = 1; // so zero is refused as not rising
        for (uint256 i = 0; i < count; ++i) {
            if (observations[i] < last) revert PriceFeedBadObservations(count, minObservations);
            last = observations[i];
        }
        return observations[(count - 1) / 2];
    }

    /// @dev `median`, at most one step from `last`. A step is rounded up, so that no price is too small to move; it is at
    /// most `last`, so nothing runs below zero, and the median is positive, so the answer is.
    function _capped(uint64 median, uint64 last) private view returns (uint64) {
        uint256 step = Math.ceilDiv(uint256(last) * maxStepBps, BPS);
        if (median > last + step) return (last + step).toUint64();
        return median < last - step ? (last - step).toUint64() : median;
    }
}
