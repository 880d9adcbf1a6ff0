// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title A pause that ends by itself and never blocks an exit
/// @notice The guardian may pause one entry point (a function that carries the `whenOpen` modifier) for at most
/// `maxPause` seconds; after the end of a pause the same entry point cannot be paused again for as long. Exits (claim,
/// release, withdraw, detach, retire) never carry the modifier.
interface IGuarded {
    /// @notice An entry point was paused until `until` (seconds).
    event EntryPaused(bytes4 indexed entry, uint48 until);
    /// @notice A pause was ended early.
    event EntryReopened(bytes4 indexed entry);

    /// @notice The entry point is paused until `until`.
    error GuardedPaused(bytes4 entry, uint48 until);
    /// @notice The entry point was paused recently and cannot be paused before `notBefore`.
    error GuardedCoolingDown(bytes4 entry, uint48 notBefore);
    /// @notice The entry point is not paused.
    error GuardedNotPaused(bytes4 entry);

    /// @notice Longest pause, and length of the cool-down after it, in seconds.
    function maxPause() external view returns (uint32);

    /// @notice Second at which the last pause of `entry` ends or ended; 0 if never paused.
    function pausedUntil(bytes4 entry) external view returns (uint48);

    /// @notice Pauses `entry` for `maxPause` seconds. Restricted: guardian and timelock.
    function pause(bytes4 entry) external;

    /// @notice Ends a pause early; the cool-down counts from now. Restricted: guardian and timelock.
    function unpause(bytes4 entry) external;
}
