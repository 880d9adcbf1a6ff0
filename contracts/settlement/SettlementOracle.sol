// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {ReportReceiver} from "../access/ReportReceiver.sol";
import {IRewardDistributor} from "../interfaces/IRewardDistributor.sol";
import {ISettlementOracle, Settlement} from "../interfaces/ISettlementOracle.sol";
import {ScheduledAddress} from "../libraries/ScheduledAddress.sol";
import {SettlementTrees} from "./SettlementTrees.sol";

/// @title Settlements: one slot each, no money
/// @dev A chain per sub-network: every record but the first names its parent, epochs rise along it, and only its head
/// can get a child. Voiding a record that is not final deletes it, moves the head to its parent and notes the epoch from
/// which the chain was cut. So a pending record is part of the chain iff no void since its report cut at or before its
/// epoch; what a cut left behind stays in storage until it is overwritten, and counts as nothing.
contract SettlementOracle is ISettlementOracle, Guarded, ReportReceiver {
    using SafeCast for uint256;
    using ScheduledAddress for ScheduledAddress.Pointer;

    // ------------------------------------------------------------------------------------------------------- types

    /// @dev One slot. `tag` = attempt << 2 | status.
    struct Record {
        uint208 id;
        uint32 deadline;
        uint16 tag;
    }

    /// @dev One slot. `guardianAttempt`: attempt since the guardian's cancel, 0 = the guardian may cancel.
    struct Tail {
        uint32 finalEpoch;
        uint16 guardianAttempt;
    }

    // --------------------------------------------------------------------------------------------------- constants

    uint16 private constant SCHEMA = 1;
    /// @dev 14 bits of a record's tag.
    uint16 private constant MAX_ATTEMPT = (1 << 14) - 1;

    // -------------------------------------------------------------------------------------------------- immutables

    /// @inheritdoc ISettlementOracle
    uint32 public immutable termLength;
    /// @inheritdoc ISettlementOracle
    uint32 public immutable minWindow;
    /// @inheritdoc ISettlementOracle
    uint32 public immutable maxWindow;
    /// @inheritdoc ISettlementOracle
    uint32 public immutable resettlePeriod;

    // ----------------------------------------------------------------------------------------------------- storage

    /// @inheritdoc ISettlementOracle
    uint32 public window;
    ScheduledAddress.Pointer private _distributor; // keyed by term
    mapping(uint16 subNetwork => Head) private _heads;
    mapping(uint16 subNetwork => Tail) private _tails;
    mapping(uint16 subNetwork => mapping(uint32 epoch => Record)) private _records;
    /// @dev Epoch at which the void of attempt i cut the chain; length = the head's attempt.
    mapping(uint16 subNetwork => uint32[]) private _cuts;

    // ------------------------------------------------------------------------------------------------- constructor

    constructor(
        address manager,
        uint64 epochGenesis_,
        uint32 epochLength_,
        uint32 termLength_,
        uint32 window_,
        uint32 minWindow_,
        uint32 maxWindow_,
        uint32 resettlePeriod_,
        uint32 maxPause_
    ) Guarded(manager, maxPause_) Epochs(epochGenesis_, epochLength_) {
        if (termLength_ == 0) revert SettlementBadParameter("termLength", 0);
        if (minWindow_ == 0 || minWindow_ > maxWindow_) revert SettlementBadParameter("minWindow", minWindow_);
        if (resettlePeriod_ < uint256(maxWindow_) + maxPause_) {
            revert SettlementBadParameter("resettlePeriod", resettlePeriod_);
        }

        termLength = termLength_;
        minWindow = minWindow_;
        maxWindow = maxWindow_;
        resettlePeriod = resettlePeriod_;
        _setWindow(window_, minWindow_, maxWindow_);
    }

    // ---------------------------------------------------------------------------------------------------- reporter

    /// @notice Takes a settlement from the forwarder. Whatever is wrong reverts, with its own error; the forwarder records
    /// that as a failed delivery, which anyone may repeat.
    function onReport(bytes calldata metadata, bytes calldata report) external whenOpen {
        Settlement memory s = abi.decode(report, (Settlement));
        _checkReporter(s.subNetwork, metadata);
        if (s.schema != SCHEMA || s.chainId != block.chainid || s.receiver != address(this)) {
            revert SettlementWrongDomain(s.schema, s.chainId, s.receiver);
        }
        if (block.timestamp > s.validUntil) revert SettlementExpired(s.validUntil, block.timestamp);
        if (s.term != s.epoch / termLength) revert SettlementWrongTerm(s.term, s.epoch / termLength);

        uint64 endsAt = _epochEnd(s.epoch);
        if (block.timestamp < endsAt) revert SettlementEpochNotEnded(s.epoch, endsAt);
        Head memory head = _heads[s.subNetwork];
        if (s.epoch <= head.epoch) revert SettlementEpochNotAfterHead(s.epoch, head.epoch);
        uint256 deadline = block.timestamp + window;
        if (deadline > endsAt + resettlePeriod) revert SettlementTooLate(s.epoch, endsAt + resettlePeriod);
        if (s.attempt != head.attempt) revert SettlementWrongAttempt(s.attempt, head.attempt);
        if (s.parent != head.id) revert SettlementWrongParent(s.parent, head.id);

        uint208 id = _idOf(s);
        uint32 deadline32 = deadline.toUint32();
        _records[s.subNetwork][s.epoch] = Record(id, deadline32, _tag(s.attempt, SettlementStatus.Pending));
        _heads[s.subNetwork] = Head(id, s.epoch, s.attempt);

        emit SettlementReported(s.subNetwork, s.epoch, id, s, deadline32);
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc ISettlementOracle
    function finalise(Settlement calldata s, uint32 parentEpoch) external {
        (Record memory r, uint208 id) = _pending(s);
        if (block.timestamp < r.deadline) revert SettlementWindowOpen(r.deadline);
        if (!_isFinalParent(s.subNetwork, s.parent, parentEpoch)) {
            revert SettlementParentNotFinal(s.subNetwork, parentEpoch);
        }
        address distributor = _distributor.at(s.term);
        if (distributor == address(0)) revert SettlementNoDistributor(s.term);

        uint16 attempt = _attemptOf(r);
        _records[s.subNetwork][s.epoch].tag = _tag(attempt, SettlementStatus.Final);
        Tail storage tail = _tails[s.subNetwork];
        tail.finalEpoch = s.epoch;
        if (attempt >= tail.guardianAttempt) tail.guardianAttempt = 0;

        emit SettlementFinalised(s.subNetwork, s.epoch, id);

        bool hasPoints = s.entriesRoot != SettlementTrees.EMPTY_ENTRIES_ROOT;
        IRewardDistributor(distributor).settle(s.subNetwork, s.term, s.epoch, s.payoutsRoot, hasPoints);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc ISettlementOracle
    function cancel(Settlement calldata s, uint32 parentEpoch) external restricted {
        Tail storage tail = _tails[s.subNetwork];
        if (tail.guardianAttempt != 0) revert SettlementGuardianSpent(s.subNetwork);
        (uint32 deadline, uint16 attempt) = _void(s, parentEpoch);
        if (block.timestamp >= deadline) revert SettlementWindowClosed(deadline);

        tail.guardianAttempt = attempt;
    }

    /// @inheritdoc ISettlementOracle
    function cancelByVote(Settlement calldata s, uint32 parentEpoch) external restricted {
        _void(s, parentEpoch);

        _tails[s.subNetwork].guardianAttempt = 0;
    }

    /// @inheritdoc ISettlementOracle
    function setWindow(uint32 seconds_) external restricted {
        _setWindow(seconds_, minWindow, maxWindow);
    }

    /// @inheritdoc ISettlementOracle
    function setDistributor(address distributor) external restricted {
        if (distributor == address(0)) revert SettlementBadParameter("distributor", 0);
        uint32 fromTerm = _distributor.schedule(distributor, currentEpoch() / termLength);

        emit DistributorSet(distributor, fromTerm);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISettlementOracle
    function headOf(uint16 subNetwork) external view returns (Head memory) {
        return _heads[subNetwork];
    }

    /// @inheritdoc ISettlementOracle
    function settlementOf(
        uint16 subNetwork,
        uint32 epoch
    ) public view returns (uint208 id, uint32 deadline, SettlementStatus status) {
        Record memory r = _records[subNetwork][epoch];
        status = _statusOf(subNetwork, epoch, r);
        if (status != SettlementStatus.None) (id, deadline) = (r.id, r.deadline);
    }

    /// @inheritdoc ISettlementOracle
    function isSettleable(uint16 subNetwork, uint32 epoch) external view returns (bool) {
        (, , SettlementStatus status) = settlementOf(subNetwork, epoch);
        if (status != SettlementStatus.None) return status == SettlementStatus.Pending;
        // Not the head's epoch, since a void may move the head back to the last final one; not the window, since a
        // shorter one may be set.
        return epoch > _tails[subNetwork].finalEpoch && block.timestamp + minWindow <= resettleBy(epoch);
    }

    /// @inheritdoc ISettlementOracle
    function idOf(Settlement calldata s) external pure returns (uint208) {
        return _idOf(s);
    }

    /// @inheritdoc ISettlementOracle
    function resettleBy(uint32 epoch) public view returns (uint256) {
        return uint256(_epochEnd(epoch)) + resettlePeriod;
    }

    /// @inheritdoc ISettlementOracle
    function finalEpochOf(uint16 subNetwork) external view returns (uint32) {
        return _tails[subNetwork].finalEpoch;
    }

    /// @inheritdoc ISettlementOracle
    function isGuardianSpent(uint16 subNetwork) external view returns (bool) {
        return _tails[subNetwork].guardianAttempt != 0;
    }

    /// @inheritdoc ISettlementOracle
    function distributorOf(uint32 term) external view returns (address) {
        return _distributor.at(term);
    }

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev Takes a pending settlement off the chain. Returns the end of its window and the new attempt.
    function _void(Settlement calldata s, uint32 parentEpoch) private returns (uint32 deadline, uint16 attempt) {
        (Record memory r, uint208 id) = _pending(s);
        // A record of the chain has its parent in the chain: only the parent's epoch has to be found.
        uint208 parentId = parentEpoch == 0 ? 0 : _records[s.subNetwork][parentEpoch].id;
        if (parentId != s.parent) revert SettlementWrongParent(s.parent, parentId);
        attempt = _heads[s.subNetwork].attempt + 1;
        if (attempt > MAX_ATTEMPT) revert SettlementTooManyAttempts(s.subNetwork);
        deadline = r.deadline;

        delete _records[s.subNetwork][s.epoch];
        _cuts[s.subNetwork].push(s.epoch);
        _heads[s.subNetwork] = Head(s.parent, parentEpoch, attempt);

        emit SettlementCancelled(s.subNetwork, s.epoch, id, msg.sender, attempt);
    }

    /// @dev Record and id of `s`, which must be pending and part of the chain.
    function _pending(Settlement calldata s) private view returns (Record memory r, uint208 id) {
        r = _records[s.subNetwork][s.epoch];
        if (_statusOf(s.subNetwork, s.epoch, r) != SettlementStatus.Pending) {
            revert SettlementNotPending(s.subNetwork, s.epoch);
        }
        id = _idOf(s);
        if (id != r.id) revert SettlementWrongPayload(id, r.id);
    }

    /// @dev The first settlement of a sub-network has parent 0 of epoch 0: nothing is ever stored for epoch 0, as the head
    /// starts there.
    function _isFinalParent(uint16 subNetwork, uint208 parent, uint32 parentEpoch) private view returns (bool) {
        if (parentEpoch == 0) return parent == 0;
        Record memory r = _records[subNetwork][parentEpoch];
        return r.id == parent && r.tag & 3 == uint16(SettlementStatus.Final);
    }

    /// @dev The loop runs over the cancels since the report (guardian and timelock only); a final record cannot be cut off.
    function _statusOf(
        uint16 subNetwork,
        uint32 epoch,
        Record memory r
    ) private view returns (SettlementStatus status) {
        status = SettlementStatus(r.tag & 3);
        if (status != SettlementStatus.Pending) return status;

        uint32[] storage cuts = _cuts[subNetwork];
        uint256 count = cuts.length;
        for (uint256 i = _attemptOf(r); i < count; ++i) {
            if (cuts[i] <= epoch) return SettlementStatus.None;
        }
    }

    /// @dev A struct of value types lies in memory word for word as abi.encode writes it.
    function _idOf(Settlement memory s) private pure returns (uint208 id) {
        uint64 validUntil = s.validUntil;
        s.validUntil = 0;
        assembly ("memory-safe") {
            id := and(keccak256(s, 384), sub(shl(208, 1), 1))
        }
        s.validUntil = validUntil;
    }

    function _tag(uint16 attempt, SettlementStatus status) private pure returns (uint16) {
        return (attempt << 2) | uint16(status); // attempt ≤ MAX_ATTEMPT
    }

    function _attemptOf(Record memory r) private pure returns (uint16) {
        return r.tag >> 2;
    }

    function _setWindow(uint32 seconds_, uint32 min, uint32 max) private {
        if (seconds_ < min || seconds_ > max) revert SettlementBadParameter("window", seconds_);
        window = seconds_;

        emit WindowSet(seconds_);
    }
}
