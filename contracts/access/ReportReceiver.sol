// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReceiver} from "@chainlink/contracts/src/v0.8/keystone/interfaces/IReceiver.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Epochs} from "./Epochs.sol";
import {IReportReceiver, ReportIdentity} from "../interfaces/IReportReceiver.sol";

/// @title Who may report
/// @dev Keeps 216 bits of the identity's hash and the epoch from which the next one counts: one slot to read.
abstract contract ReportReceiver is IReportReceiver, IReceiver, AccessManaged, Epochs {
    struct Reporter {
        uint216 current;
        uint32 nextFromEpoch; // 0 = nothing scheduled
        uint216 next;
    }

    mapping(uint16 channel => Reporter) private _reporters;

    /// @inheritdoc IReportReceiver
    function setReporter(uint16 channel, ReportIdentity calldata identity) external restricted {
        if (identity.forwarder == address(0)) revert ReporterZeroForwarder();

        uint216 hash = _identityHash(identity.forwarder, identity.workflowOwner, identity.workflowName);
        uint216 inForce = reporterOf(channel);
        uint32 fromEpoch = currentEpoch();
        Reporter storage r = _reporters[channel];
        if (inForce == 0) {
            r.current = hash;
        } else {
            fromEpoch += 1;
            (r.current, r.nextFromEpoch, r.next) = (inForce, fromEpoch, hash);
        }

        emit ReporterScheduled(channel, identity.forwarder, identity.workflowOwner, identity.workflowName, fromEpoch);
    }

    /// @inheritdoc IReportReceiver
    function reporterOf(uint16 channel) public view returns (uint216) {
        Reporter storage r = _reporters[channel];
        uint32 from = r.nextFromEpoch;
        return from != 0 && currentEpoch() >= from ? r.next : r.current;
    }

    /// @dev IReceiver and IERC165, as KeystoneForwarder asks before it routes.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IReceiver).interfaceId || interfaceId == 0x01ffc9a7;
    }

    /// @dev Reverts unless the caller is the forwarder, and the workflow the one, of the channel's reporter. Metadata are
    /// workflowId(32) ‖ workflowName(10) ‖ workflowOwner(20) ‖ reportId(2); the id changes with every build and is not
    /// checked.
    function _checkReporter(uint16 channel, bytes calldata metadata) internal view {
        if (metadata.length < 62) revert ReportMetadataTooShort(metadata.length);
        bytes10 name = bytes10(metadata[32:42]);
        address owner = address(bytes20(metadata[42:62]));
        if (_identityHash(msg.sender, owner, name) != reporterOf(channel)) {
            revert ReporterUnknown(channel, msg.sender, owner, name);
        }
    }

    function _identityHash(address forwarder, address owner, bytes10 name) private pure returns (uint216) {
        return uint216(uint256(keccak256(abi.encode(forwarder, owner, name))));
    }
}
