// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IBootstrapCouncil} from "../interfaces/IBootstrapCouncil.sol";
import {IGuarded} from "../interfaces/IGuarded.sol";
import {IVoteEscrow} from "../interfaces/IVoteEscrow.sol";

/// @title A council that ends by itself
/// @notice What it can do: while it lasts it is as mighty as the DAO (it could even give itself a role for later); what
/// bounds it is the timelock's delay, in which everybody sees the operation, may lock, and so end it. What it
/// can do just before its end: nothing that lasts. Each of its batches begins with a call to `requireActive`, which the
/// timelock makes when the batch is executed: once the power has passed the floor, whatever the council still has
/// pending fails for ever. What was executed before stands. Nor does it act while the guardian keeps `lock` paused, nor
/// until the delay has run once more since: a brake that the guardian could take away would bind neither of them. It cannot cancel anybody's operation, nor take the id of
/// a proposal of the DAO, because its batches begin with that call.
/// @dev Holds PROPOSER_ROLE and no other role of the timelock.
contract BootstrapCouncil is IBootstrapCouncil {
    // ----------------------------------------------------------------------------------------------- immutables

    /// @notice The timelock through which it acts.
    TimelockController public immutable timelock;

    /// @notice Whose total power is measured (VoteEscrow, on seconds).
    IVotes public immutable votes;

    /// @inheritdoc IBootstrapCouncil
    address public immutable council;

    /// @inheritdoc IBootstrapCouncil
    uint256 public immutable floor;

    // -------------------------------------------------------------------------------------------------- storage

    /// @notice Whether it has ended, for ever.
    bool public ended;

    // ---------------------------------------------------------------------------------------------- constructor

    /// @param timelock_ NetworkTimelock
    /// @param votes_ VoteEscrow
    /// @param council_ the council's account
    /// @param floor_ power at which it ends, in wei
    constructor(address timelock_, address votes_, address council_, uint256 floor_) {
        timelock = TimelockController(payable(timelock_));
        votes = IVotes(votes_);
        council = council_;
        floor = floor_;
    }

    // ------------------------------------------------------------------------------------------------- external

    /// @inheritdoc IBootstrapCouncil
    /// @dev Where the power already stands at the floor it ends itself, schedules nothing and returns 0: a revert would
    /// undo the end. The operation executed later is the batch returned by `guardedBatch`.
    function schedule(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) external returns (bytes32 operationId) {
        if (msg.sender != council) revert CouncilNotMember(msg.sender);
        if (ended) revert CouncilHasEnded();

        uint256 power = _powerJustNow();
        if (power >= floor) {
            _end(block.timestamp - 1, power);
            return 0;
        }

        (address[] memory t, uint256[] memory v, bytes[] memory p) = guardedBatch(targets, values, payloads);
        operationId = timelock.hashOperationBatch(t, v, p, predecessor, salt);
        timelock.scheduleBatch(t, v, p, predecessor, salt, timelock.getMinDelay());
    }

    /// @inheritdoc IBootstrapCouncil
    function end(uint256 timepoint) external {
        if (ended) revert CouncilHasEnded();
        uint256 power = votes.getPastTotalSupply(timepoint);
        if (power < floor) revert CouncilPowerBelowFloor(power, floor);

        _end(timepoint, power);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @notice Reverts unless the council may act: the first call of every batch of its own.
    function requireActive() external view {
        if (!isActive()) revert CouncilHasEnded();
        uint256 from = IGuarded(address(votes)).pausedUntil(IVoteEscrow.lock.selector) + timelock.getMinDelay();
        if (block.timestamp < from) revert CouncilLockNotOpen(from);
    }

    /// @notice The batch that `schedule` puts into the timelock: `requireActive`, then what was asked for. Whoever
    /// executes it passes this one.
    function guardedBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads
    ) public view returns (address[] memory t, uint256[] memory v, bytes[] memory p) {
        uint256 count = targets.length;
        if (values.length != count || payloads.length != count) {
            revert TimelockController.TimelockInvalidOperationLength(count, payloads.length, values.length);
        }
        (t, v, p) = (new address[](count + 1), new uint256[](count + 1), new bytes[](count + 1));
        (t[0], p[0]) = (address(this), abi.encodeCall(this.requireActive, ()));
        for (uint256 i; i < count; ++i) {
            (t[i + 1], v[i + 1], p[i + 1]) = (targets[i], values[i], payloads[i]);
        }
    }

    /// @inheritdoc IBootstrapCouncil
    function isActive() public view returns (bool) {
        return !ended && _powerJustNow() < floor;
    }

    // ------------------------------------------------------------------------------------------------- internal

    function _end(uint256 timepoint, uint256 power) private {
        ended = true;

        emit CouncilEnded(timepoint, power);
    }

    /// @dev One second ago: the checkpoints of this second can still change.
    function _powerJustNow() private view returns (uint256) {
        return votes.getPastTotalSupply(block.timestamp - 1);
    }
}
