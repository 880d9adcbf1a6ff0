// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What a dispute can be about
/// @notice A contract that keeps subjects (devices, operators, jobs …) which the disputes kernel opens and closes cases
/// about. Only the kernel that the contract knows may call; everybody else is refused. A case is opened once and closed
/// once, and the close is never refused for what happened to the subject in between: a case always ends.
interface IDisputable {
    /// @notice A case about `subject` was opened.
    /// @param caseId id of the case, unique within the kernel
    /// @param subject id of what is disputed
    /// @param epoch epoch that the claim is about
    /// @return accused account that may answer, and that is paid the bond if the claim is rejected
    function onDisputeOpened(uint64 caseId, uint256 subject, uint32 epoch) external returns (address accused);

    /// @notice The case is decided.
    /// @param caseId id of the case
    /// @param subject id of what was disputed
    /// @param upheld whether the claim was upheld
    function onDisputeClosed(uint64 caseId, uint256 subject, bool upheld) external;
}
