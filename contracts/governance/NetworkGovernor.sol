// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Settings of the governor.
/// @param votingDelay seconds between a proposal and its snapshot, ≥ 1
/// @param votingPeriod seconds of voting
/// @param proposalThreshold power needed to propose, in wei
/// @param quorumPercent percent of the power at the snapshot, for and abstain together
/// @param quorumFloor power that is needed whatever the percentage says, in wei; for ever
/// @param lateQuorumExtension seconds of voting that stay after the quorum is reached
/// @param tokenCap hard cap of the token, in wei: the floor must be at least 1 % of it
struct GovernorParameters {
    uint48 votingDelay;
    uint32 votingPeriod;
    uint256 proposalThreshold;
    uint256 quorumPercent;
    uint256 quorumFloor;
    uint48 lateQuorumExtension;
    uint256 tokenCap;
}

/// @title The network's parliament
/// @notice OpenZeppelin's Governor over locked power (VoteEscrow), on seconds, acting through the NetworkTimelock. Votes
/// count as of a past second, so nothing borrowed within a transaction votes. The quorum is the larger of a percentage
/// of that second's total power and an absolute floor that no vote can lower: on the first day, when little is locked,
/// nobody owns the network for the price of one token.
contract NetworkGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl,
    GovernorPreventLateQuorum
{
    /// @notice Least quorum there can ever be, in wei of power.
    uint256 public immutable quorumFloor;

    /// @notice The floor is below 1 % of the token's hard cap.
    error GovernorQuorumFloorTooLow(uint256 floor, uint256 minimum);

    /// @notice Without a delay, power locked in the second of the proposal would vote.
    error GovernorVotingDelayZero();

    /// @param name name in the EIP-712 domain
    /// @param votes VoteEscrow
    /// @param timelock NetworkTimelock
    /// @param p settings
    constructor(
        string memory name,
        IVotes votes,
        TimelockController timelock,
        GovernorParameters memory p
    )
        Governor(name)
        GovernorSettings(p.votingDelay, p.votingPeriod, p.proposalThreshold)
        GovernorVotes(votes)
        GovernorVotesQuorumFraction(p.quorumPercent)
        GovernorTimelockControl(timelock)
        GovernorPreventLateQuorum(p.lateQuorumExtension)
    {
        uint256 minimum = Math.ceilDiv(p.tokenCap, 100);
        if (p.quorumFloor < minimum || p.quorumFloor == 0) revert GovernorQuorumFloorTooLow(p.quorumFloor, minimum);
        quorumFloor = p.quorumFloor;
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @notice Power (for + abstain) that a proposal with this snapshot needs, in wei.
    function quorum(uint256 timepoint) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        return Math.max(super.quorum(timepoint), quorumFloor);
    }

    /// @inheritdoc GovernorTimelockControl
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @inheritdoc GovernorPreventLateQuorum
    function proposalDeadline(
        uint256 proposalId
    ) public view override(Governor, GovernorPreventLateQuorum) returns (uint256) {
        return super.proposalDeadline(proposalId);
    }

    /// @inheritdoc GovernorTimelockControl
    function proposalNeedsQueuing(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @inheritdoc GovernorSettings
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    // ------------------------------------------------------------------------------------------------- internal

    function _setVotingDelay(uint48 newVotingDelay) internal override {
        if (newVotingDelay == 0) revert GovernorVotingDelayZero();
        super._setVotingDelay(newVotingDelay);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }
}
