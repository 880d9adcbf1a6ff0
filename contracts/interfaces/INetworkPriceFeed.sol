// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What the committee signs about the price.
/// @param schema 1
/// @param chainId this chain
/// @param receiver this feed
/// @param round strictly rising
/// @param observedAt second of the observation
/// @param validUntil last second at which the report may be delivered
/// @param observations USD per token, E8, rising; one a member; at least 2f+1
struct PriceReport {
    uint16 schema;
    uint64 chainId;
    address receiver;
    uint32 round;
    uint64 observedAt;
    uint64 validUntil;
    uint64[] observations;
}

/// @title The token's price as the committee saw it
/// @notice A Chainlink AggregatorV3 source written through the forwarder: the median (lower one of two) of at least
/// 2f+1 observations that f+1 members signed. A step is capped: a larger move takes several rounds. 8 decimals.
/// f+1 faulty members can move it by one step a round: PriceGuard's band, deviation and average bound the harm.
/// `updatedAt` and `startedAt` of a round are the second of the observation, not of the delivery: an old observation
/// delivered late is old.
interface INetworkPriceFeed {
    /// @notice A round was accepted. `median` is what was observed, `answer` what the step cap let through.
    event PriceUpdated(uint32 indexed round, uint64 answer, uint64 median, uint64 observedAt, uint256 observers);

    /// @notice The parameters as they are from the next round on.
    event ParametersSet(uint16 maxStepBps, uint8 minObservations);

    /// @notice The report is for another schema, chain or receiver.
    error PriceFeedWrongDomain(uint16 schema, uint64 chainId, address receiver);
    /// @notice The round or its time does not follow the last one.
    error PriceFeedStale(uint32 round, uint32 lastRound, uint64 observedAt);
    /// @notice The report came too late, or is from the future.
    error PriceFeedBadTime(uint64 observedAt, uint64 validUntil, uint256 nowSeconds);
    /// @notice Too few observations, or not rising, or zero.
    error PriceFeedBadObservations(uint256 count, uint256 needed);
    /// @notice There is no such round.
    error PriceFeedNoData(uint80 round);
    /// @notice A parameter is out of its bounds.
    error PriceFeedBadParameter(bytes32 name, uint256 value);

    /// @notice Largest move of one round, in bps of the last answer.
    function maxStepBps() external view returns (uint16);

    /// @notice Least number of observations.
    function minObservations() external view returns (uint8);

    /// @notice Last accepted round; 0 before the first.
    function lastRound() external view returns (uint32);

    /// @notice Sets the step cap (1 to 10000 bps), for the next round at once. Restricted: timelock.
    function setMaxStepBps(uint16 bps) external;

    /// @notice Sets the least number of observations (2f+1, at least 1). Restricted: timelock.
    function setMinObservations(uint8 count) external;
}
