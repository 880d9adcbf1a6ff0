// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Roles of the AccessManager
/// @notice Role 0 (the manager's admin) is held by the timelock alone: every `restricted` function that no other role is
/// named for belongs to it. Which function belongs to which role is one committed file, deploy/roles.json.
library Roles {
    /// @notice May pause entry points, suspend makers and cancel a pending settlement. Moves no money.
    uint64 internal constant GUARDIAN = 1;
}
