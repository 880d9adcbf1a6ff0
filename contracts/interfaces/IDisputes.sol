// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Disputes: bond → answer → vote → automatic outcome
/// @notice One kernel for every accusation that a contract cannot prove. A kind names a target (IDisputable) and terms;
/// the terms of a case are copied into it when it opens, so no later change touches it.
/// Times of a case opened at t: the accused may answer before t + answerPeriod; an answered case can be voted on from its
/// answer until t + answerPeriod + votePeriod. Anyone resolves: an unanswered case when the time for the answer is over
/// (upheld), an answered one when the vote is over (upheld iff for + against ≥ quorum and for > against; a tie and a vote
/// without quorum are rejected). The bond is then credited, whole: to the accuser if upheld, else to the accused.
/// Power = IVotes.getPastVotes at t − 1: tokens that move after the accusation decide nothing.
/// Quorum = max(kind's floor, kind's share of the total power at t − 1), fixed when the case opens.
/// An outcome never waits for its target: its close call gets a bounded amount of gas, and if it fails the failure is
/// noted, the case is over, the money is credited, and anyone may repeat the call (`retryClose`).
/// Amounts in wei of the token. Algebra: Σ bonds of open cases + Σ credits = totalBonded + totalCredited ≤ balance.
/// Reason codes (what the accusation is, published in docs/accounting.md) are not interpreted here.
/// Warnings: parties to a case may vote with what power they have. Who accuses himself through a friend gains no
/// protection: the vote is about the subject, and anyone may bring the voters evidence.
interface IDisputes {
    /// @notice `Upheld` and `Rejected` are final.
    enum CaseStatus {
        None,
        Open,
        Answered,
        Upheld,
        Rejected
    }

    /// @notice Terms of later cases of a kind. `target` zero = no case can be opened.
    /// @param target contract that the case is about
    /// @param bond wei that the accuser posts
    /// @param answerPeriod seconds for the answer
    /// @param votePeriod seconds for the vote after the time for the answer
    /// @param maxAge epochs after which an epoch can no longer be accused
    /// @param quorumBps share of the total power that must have voted, of 10000
    /// @param quorumFloor least power that must have voted
    struct Kind {
        address target;
        uint96 bond;
        uint32 answerPeriod;
        uint32 votePeriod;
        uint32 maxAge;
        uint16 quorumBps;
        uint128 quorumFloor;
    }

    /// @notice A case. `closed`: its target knows the outcome.
    struct Case {
        address accuser;
        uint96 bond;
        address accused;
        uint16 kind;
        uint16 reasonCode;
        uint32 epoch;
        CaseStatus status;
        bool closed;
        address target;
        uint48 openedAt;
        uint48 answerUntil;
        uint48 voteUntil;
        uint128 quorum;
        uint128 forPower;
        uint128 againstPower;
        uint256 subject;
        bytes32 evidenceHash;
        bytes32 answerHash;
    }

    event KindSet(uint16 indexed kind, Kind terms);
    event CaseOpened(
        uint64 indexed caseId,
        uint16 indexed kind,
        uint256 indexed subject,
        uint32 epoch,
        address accuser,
        address accused,
        uint256 bond,
        uint16 reasonCode,
        bytes32 evidenceHash,
        uint48 answerUntil,
        uint48 voteUntil,
        uint256 quorum
    );
    event CaseAnswered(uint64 indexed caseId, address indexed accused, bytes32 answerHash);
    event CaseVoted(uint64 indexed caseId, address indexed voter, bool uphold, uint256 power);
    /// @notice The outcome, and who was credited with the bond.
    event CaseResolved(uint64 indexed caseId, bool upheld, address indexed credited, uint256 bond);
    /// @notice The target knows the outcome.
    event CaseClosed(uint64 indexed caseId, address indexed target);
    /// @notice The target's close call reverted or ran out of its gas; anyone may repeat it.
    event CaseCloseFailed(uint64 indexed caseId, address indexed target);
    event CreditWithdrawn(address indexed account, uint256 amount);

    error DisputesKindUnknown(uint16 kind);
    error DisputesNoReason();
    error DisputesNoEvidence();
    error DisputesEpochNotBegun(uint32 epoch, uint32 current);
    error DisputesEpochTooOld(uint32 epoch, uint32 oldest);
    /// @notice The target named nobody, or the accuser, as the accused.
    error DisputesBadAccused(address accused);
    error DisputesCaseUnknown(uint64 caseId);
    error DisputesNotAccused(uint64 caseId, address caller);
    /// @notice The case is not in a state for this.
    error DisputesWrongStatus(uint64 caseId, CaseStatus status);
    error DisputesTooLate(uint64 caseId, uint48 until);
    error DisputesTooEarly(uint64 caseId, uint48 from);
    error DisputesNoPower(address voter, uint256 timepoint);
    error DisputesAlreadyVoted(uint64 caseId, address voter);
    error DisputesAlreadyClosed(uint64 caseId);
    /// @notice The transaction has too little gas to give the target's call its share.
    error DisputesGasTooLow(uint256 available, uint256 needed);
    error DisputesNothingCredited(address account);
    error DisputesBadParameter(bytes32 name, uint256 value);

    /// @notice Accuses. Anyone; posts the bond of the kind (allowance needed). Entry point that the guardian may pause.
    /// @param kind what kind of accusation
    /// @param subject what is accused (see the kind's target)
    /// @param epoch of what epoch, at most `maxAge` before the current one
    /// @param evidenceHash hash of the published evidence, not zero
    /// @param reasonCode published code of the reason, not zero
    function open(
        uint16 kind,
        uint256 subject,
        uint32 epoch,
        bytes32 evidenceHash,
        uint16 reasonCode
    ) external returns (uint64 caseId);

    /// @notice Answers. Only the accused, once, in time; posts nothing.
    function answer(uint64 caseId, bytes32 answerHash) external;

    /// @notice Votes with the caller's power at the second before the case opened. Once an account.
    function vote(uint64 caseId, bool uphold) external;

    /// @notice Decides a case whose time is over, credits the bond and tells the target. Anyone.
    function resolve(uint64 caseId) external;

    /// @notice Tells the target of a decided case whose close call failed. Anyone; reverts as the target does.
    function retryClose(uint64 caseId) external;

    /// @notice Pays `account` all that it is credited with. Anyone. Exit: never paused.
    function withdraw(address account) external returns (uint256 amount);

    /// @notice Sets the terms of later cases of a kind (from 1). (maxAge + 1) epochs + answerPeriod + votePeriod ≤
    /// `accountableTime`. Restricted: timelock.
    function setKind(uint16 kind, Kind calldata terms) external;

    /// @notice Terms of later cases of a kind; zeros if never set.
    function kindOf(uint16 kind) external view returns (Kind memory);

    /// @notice Record of a case. Reverts for an unknown one.
    function caseOf(uint64 caseId) external view returns (Case memory);

    /// @notice Whether `account` has voted.
    function hasVoted(uint64 caseId, address account) external view returns (bool);

    /// @notice The highest id: cases ever opened, here and by the kernels before.
    function caseCount() external view returns (uint64);

    /// @notice What `account` can withdraw.
    function creditOf(address account) external view returns (uint256);

    /// @notice Σ bonds of cases that are not decided.
    function totalBonded() external view returns (uint256);

    /// @notice Σ credits.
    function totalCredited() external view returns (uint256);

    /// @notice Token of the bonds.
    function token() external view returns (IERC20);

    /// @notice Where power is read (IVotes, timestamp clock).
    function votes() external view returns (address);

    /// @notice Seconds after the begin of an epoch for which what is accused of it still has something to lose: the
    /// least unbonding time.
    function accountableTime() external view returns (uint64);
}
