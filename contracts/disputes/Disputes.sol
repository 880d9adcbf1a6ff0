// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDisputable} from "../interfaces/IDisputable.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";

/// @title Disputes: bond → answer → vote → automatic outcome
contract Disputes is IDisputes, Guarded, Epochs, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    // --------------------------------------------------------------------------------------------------- constants

    /// @notice Gas of the target's close call.
    uint256 public constant CLOSE_GAS = 1_000_000;

    uint256 private constant BPS = 10_000;
    /// @dev What `resolve` still does after the close call, and the cost of making it.
    uint256 private constant CLOSE_RESERVE = 50_000;

    // -------------------------------------------------------------------------------------------------- immutables

    /// @inheritdoc IDisputes
    IERC20 public immutable token;
    /// @inheritdoc IDisputes
    address public immutable votes;
    /// @inheritdoc IDisputes
    uint64 public immutable accountableTime;

    // ----------------------------------------------------------------------------------------------------- storage

    uint128 private _totalBonded;
    uint128 private _totalCredited;
    /// @inheritdoc IDisputes
    uint64 public caseCount;
    mapping(uint16 kind => Kind) private _kinds;
    mapping(uint64 caseId => Case) private _cases;
    /// @inheritdoc IDisputes
    mapping(uint64 caseId => mapping(address account => bool)) public hasVoted;
    /// @inheritdoc IDisputes
    mapping(address account => uint256) public creditOf;

    // ------------------------------------------------------------------------------------------------- constructor

    /// @param manager AccessManager
    /// @param token_ token of the bonds
    /// @param votes_ IVotes with a timestamp clock (VoteEscrow)
    /// @param genesis start of epoch 0
    /// @param length of an epoch in seconds
    /// @param accountableTime_ seconds, see IDisputes
    /// @param maxPause_ longest pause in seconds
    /// @param casesBefore ids of cases go on after it: those of the kernels before this one, 0 for the first
    constructor(
        address manager,
        address token_,
        address votes_,
        uint64 genesis,
        uint32 length,
        uint64 accountableTime_,
        uint32 maxPause_,
        uint64 casesBefore
    ) Guarded(manager, maxPause_) Epochs(genesis, length) {
        if (token_ == address(0)) revert DisputesBadParameter("token", 0);
        if (keccak256(bytes(IERC6372(votes_).CLOCK_MODE())) != keccak256("mode=timestamp")) {
            revert DisputesBadParameter("votes", uint160(votes_));
        }
        token = IERC20(token_);
        votes = votes_;
        accountableTime = accountableTime_;
        caseCount = casesBefore;
    }

    // ----------------------------------------------------------------------------------------------------- accuser

    /// @inheritdoc IDisputes
    function open(
        uint16 kind,
        uint256 subject,
        uint32 epoch,
        bytes32 evidenceHash,
        uint16 reasonCode
    ) external whenOpen nonReentrant returns (uint64 caseId) {
        Kind memory k = _kinds[kind];
        if (k.target == address(0)) revert DisputesKindUnknown(kind);
        if (evidenceHash == 0) revert DisputesNoEvidence();
        if (reasonCode == 0) revert DisputesNoReason();
        _checkEpoch(epoch, k.maxAge);

        caseId = ++caseCount;
        Case storage c = _cases[caseId];
        (c.accuser, c.bond, c.target) = (msg.sender, k.bond, k.target);
        (c.kind, c.reasonCode, c.epoch, c.status) = (kind, reasonCode, epoch, CaseStatus.Open);
        (c.subject, c.evidenceHash) = (subject, evidenceHash);
        c.openedAt = uint48(block.timestamp);
        c.answerUntil = uint48(block.timestamp + k.answerPeriod);
        c.voteUntil = uint48(block.timestamp + k.answerPeriod + k.votePeriod);
        c.quorum = _quorum(k);
        _totalBonded += k.bond;

        // The target belongs to governance and the guard is on. What has no guard needs the accused, whom the case does not
        // have yet: it cannot be answered, and so not voted on, from within this call.
        // slither-disable-next-line reentrancy-no-eth
        address accused = IDisputable(k.target).onDisputeOpened(caseId, subject, epoch);
        if (accused == address(0) || accused == msg.sender) revert DisputesBadAccused(accused);
        c.accused = accused;

        _emitOpened(caseId, c);
        token.safeTransferFrom(msg.sender, address(this), k.bond);
    }

    // ----------------------------------------------------------------------------------------------------- accused

    /// @inheritdoc IDisputes
    function answer(uint64 caseId, bytes32 answerHash) external {
        Case storage c = _cases[caseId];
        _checkStatus(caseId, c, CaseStatus.Open);
        if (msg.sender != c.accused) revert DisputesNotAccused(caseId, msg.sender);
        if (block.timestamp >= c.answerUntil) revert DisputesTooLate(caseId, c.answerUntil);
        if (answerHash == 0) revert DisputesNoEvidence();

        (c.status, c.answerHash) = (CaseStatus.Answered, answerHash);

        emit CaseAnswered(caseId, msg.sender, answerHash);
    }

    // ------------------------------------------------------------------------------------------------------ voters

    /// @inheritdoc IDisputes
    function vote(uint64 caseId, bool uphold) external {
        Case storage c = _cases[caseId];
        _checkStatus(caseId, c, CaseStatus.Answered);
        if (block.timestamp >= c.voteUntil) revert DisputesTooLate(caseId, c.voteUntil);
        if (hasVoted[caseId][msg.sender]) revert DisputesAlreadyVoted(caseId, msg.sender);
        uint256 snapshot = c.openedAt - 1;
        uint256 power = IVotes(votes).getPastVotes(msg.sender, snapshot);
        if (power == 0) revert DisputesNoPower(msg.sender, snapshot);

        hasVoted[caseId][msg.sender] = true;
        if (uphold) c.forPower += power.toUint128();
        else c.againstPower += power.toUint128();

        emit CaseVoted(caseId, msg.sender, uphold, power);
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc IDisputes
    function resolve(uint64 caseId) external nonReentrant {
        Case storage c = _cases[caseId];
        CaseStatus status = c.status;
        if (status == CaseStatus.None) revert DisputesCaseUnknown(caseId);
        if (status > CaseStatus.Answered) revert DisputesWrongStatus(caseId, status);
        uint48 from = status == CaseStatus.Open ? c.answerUntil : c.voteUntil;
        if (block.timestamp < from) revert DisputesTooEarly(caseId, from);

        bool upheld = status == CaseStatus.Open || _isUpheld(c);
        address winner = upheld ? c.accuser : c.accused;
        uint96 bond = c.bond;
        c.status = upheld ? CaseStatus.Upheld : CaseStatus.Rejected;
        _totalBonded -= bond;
        _totalCredited += bond;
        creditOf[winner] += bond;

        emit CaseResolved(caseId, upheld, winner, bond);
        _tellTarget(caseId, c, upheld);
    }

    /// @inheritdoc IDisputes
    function retryClose(uint64 caseId) external nonReentrant {
        Case storage c = _cases[caseId];
        CaseStatus status = c.status;
        if (status == CaseStatus.None) revert DisputesCaseUnknown(caseId);
        if (status < CaseStatus.Upheld) revert DisputesWrongStatus(caseId, status);
        if (c.closed) revert DisputesAlreadyClosed(caseId);

        c.closed = true;

        emit CaseClosed(caseId, c.target);
        IDisputable(c.target).onDisputeClosed(caseId, c.subject, status == CaseStatus.Upheld);
    }

    /// @inheritdoc IDisputes
    function withdraw(address account) external nonReentrant returns (uint256 amount) {
        amount = creditOf[account];
        if (amount == 0) revert DisputesNothingCredited(account);

        creditOf[account] = 0;
        // The sum is at least its part.
        _totalCredited -= uint128(amount);

        emit CreditWithdrawn(account, amount);
        token.safeTransfer(account, amount);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc IDisputes
    function setKind(uint16 kind, Kind calldata terms) external restricted {
        if (kind == 0) revert DisputesBadParameter("kind", kind);
        if (terms.target != address(0) && terms.target.code.length == 0) {
            revert DisputesBadParameter("target", uint160(terms.target));
        }
        if (terms.bond == 0) revert DisputesBadParameter("bond", 0);
        if (terms.answerPeriod == 0) revert DisputesBadParameter("answerPeriod", 0);
        if (terms.votePeriod == 0) revert DisputesBadParameter("votePeriod", 0);
        if (terms.quorumBps > BPS) revert DisputesBadParameter("quorumBps", terms.quorumBps);
        if (terms.quorumFloor == 0) revert DisputesBadParameter("quorumFloor", 0);
        uint256 longest = (uint256(terms.maxAge) + 1) * epochLength + terms.answerPeriod + terms.votePeriod;
        if (longest > accountableTime) revert DisputesBadParameter("maxAge", terms.maxAge);

        _kinds[kind] = terms;

        emit KindSet(kind, terms);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IDisputes
    function kindOf(uint16 kind) external view returns (Kind memory) {
        return _kinds[kind];
    }

    /// @inheritdoc IDisputes
    function caseOf(uint64 caseId) external view returns (Case memory c) {
        c = _cases[caseId];
        if (c.status == CaseStatus.None) revert DisputesCaseUnknown(caseId);
    }

    /// @inheritdoc IDisputes
    function totalBonded() external view returns (uint256) {
        return _totalBonded;
    }

    /// @inheritdoc IDisputes
    function totalCredited() external view returns (uint256) {
        return _totalCredited;
    }

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev The close call: a fixed amount of gas whatever the caller sends, and no returned bytes are copied, so that a
    /// target can neither stop an outcome nor make it dear, and a caller cannot starve the target.
    function _tellTarget(uint64 caseId, Case storage c, bool upheld) private {
        address target = c.target;
        bytes memory data = abi.encodeCall(IDisputable.onDisputeClosed, (caseId, c.subject, upheld));
        // EIP-150 gives a call at most 63/64 of what is left.
        uint256 needed = (CLOSE_GAS * 64) / 63 + CLOSE_RESERVE;
        if (gasleft() < needed) revert DisputesGasTooLow(gasleft(), needed);
        bool told;
        assembly ("memory-safe") {
            told := call(CLOSE_GAS, target, 0, add(data, 32), mload(data), 0, 0)
        }
        if (told) {
            c.closed = true;
            emit CaseClosed(caseId, target);
        } else {
            emit CaseCloseFailed(caseId, target);
        }
    }

    function _isUpheld(Case storage c) private view returns (bool) {
        (uint256 forPower, uint256 againstPower) = (c.forPower, c.againstPower);
        return forPower + againstPower >= c.quorum && forPower > againstPower;
    }

    function _quorum(Kind memory k) private view returns (uint128) {
        uint256 total = IVotes(votes).getPastTotalSupply(block.timestamp - 1);
        return Math.max(k.quorumFloor, Math.mulDiv(total, k.quorumBps, BPS, Math.Rounding.Ceil)).toUint128();
    }

    function _checkEpoch(uint32 epoch, uint32 maxAge) private view {
        uint32 current = currentEpoch();
        if (epoch > current) revert DisputesEpochNotBegun(epoch, current);
        if (current - epoch > maxAge) revert DisputesEpochTooOld(epoch, current - maxAge);
    }

    function _checkStatus(uint64 caseId, Case storage c, CaseStatus wanted) private view {
        CaseStatus status = c.status;
        if (status == CaseStatus.None) revert DisputesCaseUnknown(caseId);
        if (status != wanted) revert DisputesWrongStatus(caseId, status);
    }

    function _emitOpened(uint64 caseId, Case storage stored) private {
        Case memory c = stored;
        emit CaseOpened(
            caseId,
            c.kind,
            c.subject,
            c.epoch,
            c.accuser,
            c.accused,
            c.bond,
            c.reasonCode,
            c.evidenceHash,
            c.answerUntil,
            c.voteUntil,
            c.quorum
        );
    }
}
