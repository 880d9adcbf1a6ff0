// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title A council that ends by itself
/// @notice Until locked voting power has once reached the floor (the governor's absolute quorum), the council may
/// schedule calls through the same timelock, with the same delay, as the DAO. Anyone can end it by naming a past second
/// at which the power stood at the floor; it also ends itself when it tries to act at such a time. Ended is for ever.
/// What it scheduled is executed only once locking has been open for the timelock's delay.
interface IBootstrapCouncil {
    event CouncilEnded(uint256 timepoint, uint256 power);

    error CouncilNotMember(address caller);
    error CouncilHasEnded();
    error CouncilPowerBelowFloor(uint256 power, uint256 floor);
    /// @notice Locking is paused, or was less than the timelock's delay ago: who would end the council could not.
    error CouncilLockNotOpen(uint256 notBefore);

    /// @notice Schedules a batch in the timelock. Only the council's account, only while it lasts.
    function schedule(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) external returns (bytes32 operationId);

    /// @notice Ends the council if the locked power at the past second `timepoint` was at least the floor. Anyone.
    function end(uint256 timepoint) external;

    /// @notice Whether the council may act.
    function isActive() external view returns (bool);

    /// @notice Power at which it ends, in wei of voting power.
    function floor() external view returns (uint256);

    /// @notice The council's account (a multisig on public chains).
    function council() external view returns (address);
}
