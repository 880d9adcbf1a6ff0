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

    /// @dev id(208) | deadline(32) << 208 | attempt(14) << 240 | status(2) << 254, read and written as one word: the
    /// compiler would touch a struct's slot once a field.
    type Record is uint256;

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
    /// @dev id(208) | epoch(32) << 208 | attempt(16) << 240.
    mapping(uint16 subNetwork => uint256) private _heads;
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
        if (resettlePeriod_ < 2 * uint256(maxWindow_) + maxPause_) {
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
        Settlement memory s = _decode(report);
        _checkReporter(s.subNetwork, metadata);
        if (s.schema != SCHEMA || s.chainId != block.chainid || s.receiver != address(this)) {
            revert SettlementWrongDomain(s.schema, s.chainId, s.receiver);
        }
        if (block.timestamp > s.validUntil) revert SettlementExpired(s.validUntil, block.timestamp);
        if (s.term != s.epoch / termLength) revert SettlementWrongTerm(s.term, s.epoch / termLength);

        uint64 endsAt = _epochEnd(s.epoch);
        if (block.timestamp < endsAt) revert SettlementEpochNotEnded(s.epoch, endsAt);
        (uint208 headId, uint32 headEpoch, uint16 attempt) = _headOf(s.subNetwork);
        if (s.epoch <= headEpoch) revert SettlementEpochNotAfterHead(s.epoch, headEpoch);
        uint256 deadline = block.timestamp + window;
        if (deadline > endsAt + resettlePeriod) revert SettlementTooLate(s.epoch, endsAt + resettlePeriod);
        if (s.attempt != attempt) revert SettlementWrongAttempt(s.attempt, attempt);
        if (s.parent != headId) revert SettlementWrongParent(s.parent, headId);

        uint208 id = _idOf(s);
        uint32 deadline32 = deadline.toUint32();
        _records[s.subNetwork][s.epoch] = _record(id, deadline32, attempt, SettlementStatus.Pending);
        _heads[s.subNetwork] = _head(id, s.epoch, attempt);

        _emitReported(s, id, deadline32);
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc ISettlementOracle
    function finalise(Settlement calldata s, uint32 parentEpoch) external {
        (Record r, uint208 id) = _pending(s);
        (, uint32 deadline, uint16 attempt, ) = _fieldsOf(r);
        if (block.timestamp < deadline) revert SettlementWindowOpen(deadline);
        if (!_isFinalParent(s.subNetwork, s.parent, parentEpoch)) {
            revert SettlementParentNotFinal(s.subNetwork, parentEpoch);
        }
        address distributor = _distributor.at(s.term);
        if (distributor == address(0)) revert SettlementNoDistributor(s.term);

        _records[s.subNetwork][s.epoch] = _record(id, deadline, attempt, SettlementStatus.Final);
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
        (uint208 id, uint32 epoch, uint16 attempt) = _headOf(subNetwork);
        return Head(id, epoch, attempt);
    }

    /// @inheritdoc ISettlementOracle
    function settlementOf(
        uint16 subNetwork,
        uint32 epoch
    ) public view returns (uint208 id, uint32 deadline, SettlementStatus status) {
        Record r = _records[subNetwork][epoch];
        status = _statusOf(subNetwork, epoch, r);
        if (status != SettlementStatus.None) (id, deadline, , ) = _fieldsOf(r);
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
        (Record r, uint208 id) = _pending(s);
        // A record of the chain has its parent in the chain: only the parent's epoch has to be found.
        (uint208 parentId, , , ) = _fieldsOf(_records[s.subNetwork][parentEpoch]);
        if (parentId != s.parent || (parentId == 0) != (parentEpoch == 0)) {
            revert SettlementWrongParent(s.parent, parentId);
        }
        (, , attempt) = _headOf(s.subNetwork);
        attempt += 1;
        if (attempt > MAX_ATTEMPT) revert SettlementTooManyAttempts(s.subNetwork);
        (, deadline, , ) = _fieldsOf(r);

        _records[s.subNetwork][s.epoch] = Record.wrap(0);
        _cuts[s.subNetwork].push(s.epoch);
        _heads[s.subNetwork] = _head(s.parent, parentEpoch, attempt);

        emit SettlementCancelled(s.subNetwork, s.epoch, id, msg.sender, attempt);
    }

    /// @dev Record and id of `s`, which must be pending and part of the chain.
    function _pending(Settlement calldata s) private view returns (Record r, uint208 id) {
        r = _records[s.subNetwork][s.epoch];
        if (_statusOf(s.subNetwork, s.epoch, r) != SettlementStatus.Pending) {
            revert SettlementNotPending(s.subNetwork, s.epoch);
        }
        (uint208 stored, , , ) = _fieldsOf(r);
        id = _idOf(s);
        if (id != stored) revert SettlementWrongPayload(id, stored);
    }

    /// @dev The first settlement of a sub-network has parent 0 of epoch 0: nothing is ever stored for epoch 0, as the head
    /// starts there.
    function _isFinalParent(uint16 subNetwork, uint208 parent, uint32 parentEpoch) private view returns (bool) {
        if (parentEpoch == 0) return parent == 0;
        (uint208 id, , , SettlementStatus status) = _fieldsOf(_records[subNetwork][parentEpoch]);
        return id == parent && status == SettlementStatus.Final;
    }

    /// @dev The loop runs over the cancels since the report (guardian and timelock only); a final record cannot be cut off.
    function _statusOf(uint16 subNetwork, uint32 epoch, Record r) private view returns (SettlementStatus status) {
        uint16 attempt;
        (, , attempt, status) = _fieldsOf(r);
        if (status != SettlementStatus.Pending) return status;

        uint32[] storage cuts = _cuts[subNetwork];
        uint256 count = cuts.length;
        for (uint256 i = attempt; i < count; ++i) {
            if (cuts[i] <= epoch) return SettlementStatus.None;
        }
    }

    /// @dev abi.decode(report, (Settlement)), but in one copy and only at its exact length. `high` gathers the bits above
    /// each field's type; every word of a settlement that passes is as abi.encode writes it.
    function _decode(bytes calldata report) private pure returns (Settlement memory s) {
        uint256 high;
        assembly ("memory-safe") {
            calldatacopy(s, report.offset, 384)
            high := or(shr(16, mload(s)), shr(64, mload(add(s, 32)))) // schema, chainId
            high := or(high, shr(160, mload(add(s, 64)))) // receiver
            high := or(high, or(shr(16, mload(add(s, 96))), shr(32, mload(add(s, 128))))) // subNetwork, term
            high := or(high, or(shr(32, mload(add(s, 160))), shr(16, mload(add(s, 192))))) // epoch, attempt
            high := or(high, or(shr(208, mload(add(s, 224))), shr(64, mload(add(s, 256))))) // parent, validUntil
        }
        if (report.length != 384 || high != 0) revert SettlementMalformed(report.length);
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

    /// @dev emit SettlementReported(s.subNetwork, s.epoch, id, s, deadline), with one copy of the 12 words.
    function _emitReported(Settlement memory s, uint208 id, uint32 deadline) private {
        bytes32 topic = SettlementReported.selector;
        (uint256 subNetwork, uint256 epoch) = (s.subNetwork, s.epoch);
        assembly ("memory-safe") {
            let data := mload(0x40)
            mcopy(data, s, 384)
            mstore(add(data, 384), deadline)
            log4(data, 416, topic, subNetwork, epoch, id)
        }
    }

    function _record(
        uint208 id,
        uint32 deadline,
        uint16 attempt,
        SettlementStatus status
    ) private pure returns (Record) {
        return Record.wrap(id | (uint256(deadline) << 208) | (uint256(attempt) << 240) | (uint256(status) << 254));
    }

    function _fieldsOf(
        Record r
    ) private pure returns (uint208 id, uint32 deadline, uint16 attempt, SettlementStatus status) {
        uint256 word = Record.unwrap(r);
        return (uint208(word), uint32(word >> 208), uint16(word >> 240) & MAX_ATTEMPT, SettlementStatus(word >> 254));
    }

    function _head(uint208 id, uint32 epoch, uint16 attempt) private pure returns (uint256) {
        return id | (uint256(epoch) << 208) | (uint256(attempt) << 240);
    }

    function _headOf(uint16 subNetwork) private view returns (uint208 id, uint32 epoch, uint16 attempt) {
        uint256 word = _heads[subNetwork];
        return (uint208(word), uint32(word >> 208), uint16(word >> 240));
    }

    function _setWindow(uint32 seconds_, uint32 min, uint32 max) private {
        if (seconds_ < min || seconds_ > max) revert SettlementBadParameter("window", seconds_);
        window = seconds_;

        emit WindowSet(seconds_);
    }
}
