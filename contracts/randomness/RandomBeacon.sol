// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";

/// @title One seed a period, whatever the source
abstract contract RandomBeacon is IRandomBeacon {
    /// @dev One slot. What a period has been asked for.
    struct Asked {
        uint64 at;
        uint8 times;
    }

    /// @notice Most requests a period.
    uint8 public constant MAX_REQUESTS = 3;

    /// @inheritdoc IRandomBeacon
    uint64 public immutable periodGenesis;
    /// @inheritdoc IRandomBeacon
    uint32 public immutable periodLength;
    /// @notice Seconds without a seed after which it may be asked for again.
    uint32 public immutable retryAfter;

    /// @inheritdoc IRandomBeacon
    mapping(uint64 period => bytes32) public seedOf;
    mapping(uint64 period => Asked) private _asked;

    constructor(uint64 genesis, uint32 length, uint32 retryAfter_) {
        if (length == 0) revert RandomBadParameter("length", 0);
        if (retryAfter_ == 0) revert RandomBadParameter("retryAfter", 0);
        periodGenesis = genesis;
        periodLength = length;
        retryAfter = retryAfter_;
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc IRandomBeacon
    function request(uint64 period) external returns (uint256 requestId) {
        uint64 current = currentPeriod();
        if (period != current || block.timestamp < periodGenesis) revert RandomPeriodNotRunning(period, current);
        if (seedOf[period] != 0) revert RandomSeedKnown(period);
        Asked storage asked = _asked[period];
        uint64 retryAt = asked.at + retryAfter;
        if (asked.times != 0 && block.timestamp < retryAt) revert RandomRequestPending(period, retryAt);
        if (asked.times == MAX_REQUESTS) revert RandomTooManyRequests(period);

        (asked.at, asked.times) = (uint64(block.timestamp), asked.times + 1);

        requestId = _request(period);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRandomBeacon
    function seedFor(uint64 period, uint256 value) external view returns (bytes32 seed) {
        if (value > maxValue()) revert RandomValueTooHigh(value, maxValue());
        seed = seedOf[period];
        if (seed == 0) revert RandomNoSeed(period);
    }

    /// @inheritdoc IRandomBeacon
    function currentPeriod() public view returns (uint64) {
        if (block.timestamp < periodGenesis) return 0;
        return uint64((block.timestamp - periodGenesis) / periodLength);
    }

    /// @inheritdoc IRandomBeacon
    function maxValue() public view virtual returns (uint256);

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev Asks the source. Emits SeedRequested.
    function _request(uint64 period) internal virtual returns (uint256 requestId);

    /// @dev Takes what came. Never reverts: a source must not hang on us.
    function _take(uint64 period, uint256 requestId, uint256 word) internal {
        if (period != currentPeriod() || seedOf[period] != 0) {
            emit SeedIgnored(period, requestId);
            return;
        }
        bytes32 seed = keccak256(abi.encode(address(this), period, word));
        seedOf[period] = seed;

        emit SeedSet(period, requestId, seed);
    }
}
