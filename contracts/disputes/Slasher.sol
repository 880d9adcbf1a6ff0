// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Epochs} from "../access/Epochs.sol";
import {ICommitteeRegistry} from "../interfaces/ICommitteeRegistry.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IDisputable} from "../interfaces/IDisputable.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {Fault, IEvidence, Liable} from "../interfaces/IEvidence.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {ISlasher} from "../interfaces/ISlasher.sol";
import {ScheduledAddress} from "../libraries/ScheduledAddress.sol";

/// @title Slashes: proven on-chain, or decided by a dispute
/// @dev Holds no money. The ledgers keep the fault keys too: a second slasher could not slash a fault again.
contract Slasher is ISlasher, AccessManaged, Epochs, ReentrancyGuardTransient {
    using ScheduledAddress for ScheduledAddress.Pointer;

    // -------------------------------------------------------------------------------------------------- immutables

    /// @inheritdoc ISlasher
    address public immutable staking;
    /// @inheritdoc ISlasher
    address public immutable committee;
    /// @inheritdoc ISlasher
    uint32 public immutable maxDeviceAge;
    /// @inheritdoc ISlasher
    uint32 public immutable maxMemberAge;

    // ----------------------------------------------------------------------------------------------------- storage

    /// @inheritdoc ISlasher
    address public disputes;
    /// @inheritdoc ISlasher
    uint256 public claimCount;
    /// @inheritdoc ISlasher
    mapping(uint64 deviceId => mapping(uint16 subNetwork => mapping(uint64 operatorId => uint32))) public settledUntil;
    mapping(uint16 kind => ScheduledAddress.Pointer) private _evidence;
    mapping(uint256 claimId => Claim) private _claims;

    // ------------------------------------------------------------------------------------------------- constructor

    /// @param manager AccessManager
    /// @param staking_ OperatorStaking
    /// @param committee_ CommitteeRegistry
    /// @param genesis start of epoch 0
    /// @param length of an epoch in seconds
    /// @param maxDeviceAge_ epochs; the attachment must be readable and the stake not yet released for so long
    /// @param maxMemberAge_ epochs; a member that left must not have its bond back for so long
    constructor(
        address manager,
        address staking_,
        address committee_,
        uint64 genesis,
        uint32 length,
        uint32 maxDeviceAge_,
        uint32 maxMemberAge_
    ) AccessManaged(manager) Epochs(genesis, length) {
        uint256 readable = IDeviceRegistry(IOperatorStaking(staking_).devices()).challengeEpochs();
        uint256 unbonding = IOperatorStaking(staking_).minUnbondingEpochs();
        if (maxDeviceAge_ > readable || uint256(maxDeviceAge_) + 1 > unbonding) {
            revert SlasherBadParameter("maxDeviceAge", maxDeviceAge_);
        }
        if ((uint256(maxMemberAge_) + 1) * length > ICommitteeRegistry(committee_).bondDelay()) {
            revert SlasherBadParameter("maxMemberAge", maxMemberAge_);
        }
        staking = staking_;
        committee = committee_;
        maxDeviceAge = maxDeviceAge_;
        maxMemberAge = maxMemberAge_;
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc ISlasher
    function submit(
        uint16 kind,
        bytes calldata evidence,
        address bountyTo
    ) external nonReentrant returns (uint256 slashed) {
        address verifier = evidenceOf(kind);
        if (verifier == address(0)) revert SlasherEvidenceUnknown(kind);
        Fault memory f = IEvidence(verifier).verify(evidence);
        _checkAge(f.epoch, f.earliest, f.liable == Liable.Device ? maxDeviceAge : maxMemberAge);

        bytes32 key;
        if (f.liable == Liable.Device) {
            key = deviceFaultKey(f.deviceId, f.subNetwork, f.epoch);
            (uint64 operatorId, uint104 bond) = _attachment(f.deviceId, f.subNetwork, f.epoch);
            _checkNotSettled(f.deviceId, f.subNetwork, operatorId, f.earliest);
            slashed = _slashDevice(key, operatorId, bond, f.deviceId, f.subNetwork, f.epoch, bountyTo);
        } else {
            key = memberFaultKey(f.member, f.subNetwork, f.epoch, f.attempt);
            slashed = _slashMember(key, f, bountyTo);
        }
        // Nothing taken is nothing done: the fault can be slashed when there is something again.
        if (slashed == 0) revert SlasherNothingToSlash(key);

        emit EvidenceAccepted(kind, key, f.faultHash, bountyTo);
    }

    /// @inheritdoc ISlasher
    function propose(
        uint64 operatorId,
        uint64 deviceId,
        uint16 subNetwork,
        uint32 epoch
    ) external returns (uint256 claimId) {
        _checkAge(epoch, epoch, maxDeviceAge);
        (uint64 backedBy, uint104 bond) = _attachment(deviceId, subNetwork, epoch);
        if (backedBy != operatorId) revert SlasherNothingAttached(deviceId, subNetwork, epoch);

        claimId = ++claimCount;
        Claim storage c = _claims[claimId];
        (c.operatorId, c.deviceId, c.subNetwork, c.epoch, c.bond) = (operatorId, deviceId, subNetwork, epoch, bond);

        emit ClaimProposed(claimId, deviceId, operatorId, subNetwork, epoch, bond);
    }

    // ---------------------------------------------------------------------------------------------------- disputes

    /// @inheritdoc IDisputable
    /// @dev Only the kernel in force. The accused is the controller of the operator, who has the stake to lose.
    function onDisputeOpened(uint64 caseId, uint256 subject, uint32 epoch) external returns (address accused) {
        if (msg.sender != disputes) revert SlasherNotDisputes(msg.sender);
        Claim storage c = _claim(subject);
        if (c.caseId != 0) revert SlasherClaimSpent(subject, c.caseId);
        if (c.epoch != epoch) revert SlasherWrongEpoch(epoch, c.epoch);
        _checkNotSettled(c.deviceId, c.subNetwork, c.operatorId, c.epoch);

        (c.kernel, c.caseId) = (msg.sender, caseId);

        return IOperatorStaking(staking).operatorOf(c.operatorId).controller;
    }

    /// @inheritdoc IDisputable
    /// @dev Only the kernel that opened the case, whatever the pointer says now. The bounty is the accuser's.
    function onDisputeClosed(uint64 caseId, uint256 subject, bool upheld) external nonReentrant {
        Claim storage c = _claim(subject);
        if (msg.sender != c.kernel || caseId != c.caseId) revert SlasherNotDisputes(msg.sender);
        if (c.decided) revert SlasherClaimSpent(subject, caseId);
        c.decided = true;

        uint256 slashed;
        if (upheld && c.epoch > settledUntil[c.deviceId][c.subNetwork][c.operatorId]) {
            bytes32 key = deviceFaultKey(c.deviceId, c.subNetwork, c.epoch);
            address accuser = IDisputes(msg.sender).caseOf(caseId).accuser;
            slashed = _slashDevice(key, c.operatorId, c.bond, c.deviceId, c.subNetwork, c.epoch, accuser);
        }

        emit ClaimDecided(subject, caseId, upheld, slashed);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc ISlasher
    function setEvidence(uint16 kind, address evidence) external restricted {
        if (kind == 0) revert SlasherBadParameter("kind", kind);
        if (evidence.code.length == 0) revert SlasherBadParameter("evidence", uint160(evidence));
        uint32 fromEpoch = _evidence[kind].schedule(evidence, currentEpoch());

        emit EvidenceSet(kind, evidence, fromEpoch);
    }

    /// @inheritdoc ISlasher
    function endEvidence(uint16 kind) external restricted {
        if (_evidence[kind].current == address(0)) revert SlasherEvidenceUnknown(kind);
        delete _evidence[kind];

        emit EvidenceEnded(kind);
    }

    /// @inheritdoc ISlasher
    function setDisputes(address disputes_) external restricted {
        disputes = disputes_;

        emit DisputesSet(disputes_);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISlasher
    function evidenceOf(uint16 kind) public view returns (address) {
        return _evidence[kind].at(currentEpoch());
    }

    /// @inheritdoc ISlasher
    function claimOf(uint256 claimId) external view returns (Claim memory) {
        return _claim(claimId);
    }

    /// @inheritdoc ISlasher
    function deviceFaultKey(uint64 deviceId, uint16 subNetwork, uint32 epoch) public pure returns (bytes32) {
        return keccak256(abi.encode("device", deviceId, subNetwork, epoch));
    }

    /// @inheritdoc ISlasher
    function memberFaultKey(
        address member,
        uint16 subNetwork,
        uint32 epoch,
        uint16 attempt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode("member", member, subNetwork, epoch, attempt));
    }

    // --------------------------------------------------------------------------------------------------- internals

    function _slashDevice(
        bytes32 key,
        uint64 operatorId,
        uint104 bond,
        uint64 deviceId,
        uint16 subNetwork,
        uint32 epoch,
        address bountyTo
    ) private returns (uint256 slashed) {
        slashed = IOperatorStaking(staking).slash(operatorId, bond, key, bountyTo);
        // After the call, under the guard: what took nothing settles nothing.
        if (slashed != 0) settledUntil[deviceId][subNetwork][operatorId] = currentEpoch();
        emit DeviceSlashed(key, deviceId, operatorId, subNetwork, epoch, slashed);
    }

    function _slashMember(bytes32 key, Fault memory f, address bountyTo) private returns (uint256 slashed) {
        uint256 bond = ICommitteeRegistry(committee).bondOf(f.member);
        slashed = ICommitteeRegistry(committee).slash(f.member, bond, key, bountyTo);
        emit MemberSlashed(key, f.member, f.subNetwork, f.epoch, f.attempt, slashed);
    }

    function _attachment(
        uint64 deviceId,
        uint16 subNetwork,
        uint32 epoch
    ) private view returns (uint64 operatorId, uint104 bond) {
        IOperatorStaking.Attachment memory a = IOperatorStaking(staking).attachmentAt(deviceId, subNetwork, epoch);
        (operatorId, bond) = (a.operatorId, a.bond);
        if (operatorId == 0) revert SlasherNothingAttached(deviceId, subNetwork, epoch);
    }

    function _claim(uint256 claimId) private view returns (Claim storage c) {
        c = _claims[claimId];
        if (c.operatorId == 0) revert SlasherClaimUnknown(claimId);
    }

    /// @dev Zero = never slashed: the first attachments count from epoch 1.
    function _checkNotSettled(uint64 deviceId, uint16 subNetwork, uint64 operatorId, uint32 earliest) private view {
        uint32 until = settledUntil[deviceId][subNetwork][operatorId];
        if (until != 0 && earliest <= until) revert SlasherFaultSettled(deviceId, earliest, until);
    }

    /// @dev `earliest` ≤ `epoch`, as IEvidence promises.
    function _checkAge(uint32 epoch, uint32 earliest, uint32 maxAge) private view {
        uint32 current = currentEpoch();
        if (epoch > current) revert SlasherEpochNotBegun(epoch, current);
        if (earliest > epoch) revert SlasherEpochNotBegun(earliest, epoch);
        if (current - earliest > maxAge) revert SlasherEvidenceTooOld(earliest, current - maxAge);
    }
}
