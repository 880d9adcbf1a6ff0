// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title One seed a period
/// @notice Period p covers the seconds [genesis + p·length, genesis + (p+1)·length). A period's seed can be asked for only
/// while it runs, and counts only if it comes while it runs: what must not be known before p (who is challenged, what is
/// drawn) is fixed when p begins, and when p is over its seed is final, be it none. A period without a seed is neither a
/// fault nor paid. Consumers derive what they need: H(seed, …).
/// Bias. Nobody can choose among seeds: the first that comes counts, and another request is possible only when nothing has
/// come for `retryAfter` seconds, at most `MAX_REQUESTS` a period. Whoever asks does not know what will come. Only who
/// makes the randomness could look first: he can let a seed fail to come, which costs him the period or shows him at most
/// one more draw a request; three draws are the most, and no draw is ever replaced.
interface IRandomBeacon {
    event SeedRequested(uint64 indexed period, uint256 indexed requestId, address indexed by);
    event SeedSet(uint64 indexed period, uint256 indexed requestId, bytes32 seed);
    /// @notice What came was too late, or second, and counts for nothing.
    event SeedIgnored(uint64 indexed period, uint256 indexed requestId);

    error RandomPeriodNotRunning(uint64 period, uint64 current);
    error RandomSeedKnown(uint64 period);
    error RandomRequestPending(uint64 period, uint64 retryAt);
    error RandomTooManyRequests(uint64 period);
    error RandomNoSeed(uint64 period);
    /// @notice More hangs on the seed than this source of randomness is good for.
    error RandomValueTooHigh(uint256 value, uint256 maxValue);
    error RandomBadParameter(bytes32 name, uint256 value);

    /// @notice Asks for the seed of the running period. Anyone.
    function request(uint64 period) external returns (uint256 requestId);

    /// @notice Seed of a period; zero if there is none (for a period that is over: there will be none).
    function seedOf(uint64 period) external view returns (bytes32);

    /// @notice The same for who pays or fines by it: reverts without a seed, and if `value` (wei that hang on it) is more
    /// than `maxValue`.
    function seedFor(uint64 period, uint256 value) external view returns (bytes32);

    /// @notice The running period.
    function currentPeriod() external view returns (uint64);

    /// @notice Start of period 0 in seconds.
    function periodGenesis() external view returns (uint64);

    /// @notice Length of a period in seconds.
    function periodLength() external view returns (uint32);

    /// @notice Most that may hang on one seed, in wei.
    function maxValue() external view returns (uint256);
}
