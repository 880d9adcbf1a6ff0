// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The only admin: OpenZeppelin's timelock with a delay that cannot be voted away
/// @notice Holds every power of the network: the AccessManager's admin, the treasury's tokens, the forwarder (where it
/// is ours). Proposers are the governor and, until it ends, the bootstrap council. Anyone executes what is due
/// (EXECUTOR_ROLE is open): a due operation waits for no particular account. Only the governor cancels.
contract NetworkTimelock is TimelockController {
    uint256 private constant DEVELOPMENT_CHAIN = 31337;

    /// @notice Least delay there can ever be, in seconds: two days, one second on a development chain.
    uint256 public immutable minDelayFloor;

    /// @notice The delay is below the floor.
    error TimelockDelayBelowFloor(uint256 delay, uint256 minimum);

    /// @param minDelay seconds between scheduling and execution
    /// @param proposers accounts that may schedule and cancel
    /// @param executors accounts that may execute; zero = anyone
    /// @param admin who sets up the roles and then renounces; zero = nobody
    constructor(
        uint256 minDelay,
        address[] memory proposers,
        address[] memory executors,
        address admin
    ) TimelockController(minDelay, proposers, executors, admin) {
        minDelayFloor = block.chainid == DEVELOPMENT_CHAIN ? 1 : 2 days;
        if (minDelay < minDelayFloor) revert TimelockDelayBelowFloor(minDelay, minDelayFloor);
    }

    /// @notice Changes the delay of later operations, never below the floor. Only the timelock itself.
    function updateDelay(uint256 newDelay) public override {
        super.updateDelay(newDelay);
        if (newDelay < minDelayFloor) revert TimelockDelayBelowFloor(newDelay, minDelayFloor);
    }
}
