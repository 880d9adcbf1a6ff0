// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReceiver} from "@chainlink/contracts/src/v0.8/keystone/interfaces/IReceiver.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Epochs} from "./Epochs.sol";
import {IReportReceiver, ReportIdentity} from "../interfaces/IReportReceiver.sol";

/// @title Who may report
/// @dev Keeps 216 bits of the identity's hash and the epoch from which the next one counts: one slot to read.
abstract contract ReportReceiver is IReportReceiver, IReceiver, AccessManaged, Epochs {
    /// @dev `now_`: current(216) | nextFromEpoch(32) << 216 (0 = nothing scheduled), in one word and so read once.
    struct Reporter {
        uint256 now_;
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
            r.now_ = hash;
        } else {
            fromEpoch += 1;
            (r.now_, r.next) = (inForce | (uint256(fromEpoch) << 216), hash);
        }

        emit ReporterScheduled(channel, identity.forwarder, identity.workflowOwner, identity.workflowName, fromEpoch);
    }

    /// @inheritdoc IReportReceiver
    function reporterOf(uint16 channel) public view returns (uint216) {
        Reporter storage r = _reporters[channel];
        uint256 word = r.now_;
        uint256 from = word >> 216;
        return from != 0 && currentEpoch() >= from ? r.next : uint216(word);
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
        bytes32 word; // name(10) ‖ owner(20) ‖ two bytes more
        assembly {
            word := calldataload(add(metadata.offset, 32))
        }
        bytes10 name = bytes10(word);
        address owner = address(uint160(uint256(word) >> 16));
        if (_identityHash(msg.sender, owner, name) != reporterOf(channel)) {
            revert ReporterUnknown(channel, msg.sender, owner, name);
        }
    }

    /// @dev keccak256(abi.encode(forwarder, owner, name)), cut. The shifts clear what a conversion may leave beside a value.
    function _identityHash(address forwarder, address owner, bytes10 name) private pure returns (uint216 hash) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, shr(96, shl(96, forwarder)))
            mstore(add(data, 32), shr(96, shl(96, owner)))
            mstore(add(data, 64), shl(176, shr(176, name)))
            hash := and(keccak256(data, 96), sub(shl(216, 1), 1))
        }
    }
}
