// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {ReportReceiver} from "../access/ReportReceiver.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {ScheduledAddress} from "../libraries/ScheduledAddress.sol";

/// @title Epochs, a pause and an exit, with nothing around them
contract GuardedHarness is Guarded {
    uint256 public entered;
    uint256 public left;

    constructor(address manager, uint32 maxPause_) Guarded(manager, maxPause_) {}

    function enter() external whenOpen {
        ++entered;
    }

    function leave() external {
        ++left;
    }
}

/// @title A receiver that counts what its reporter sends
contract ReportReceiverHarness is ReportReceiver {
    using ScheduledAddress for ScheduledAddress.Pointer;

    uint256 public received;
    ScheduledAddress.Pointer private _pointer;

    constructor(address manager, uint64 genesis, uint32 length) AccessManaged(manager) Epochs(genesis, length) {}

    function onReport(bytes calldata metadata, bytes calldata report) external {
        _checkReporter(uint16(bytes2(report[0:2])), metadata);
        ++received;
    }

    function schedule(address value) external returns (uint32) {
        return _pointer.schedule(value, currentEpoch());
    }

    function pointer() external view returns (address) {
        return _pointer.at(currentEpoch());
    }
}

/// @title The positional tree, seen from outside
contract MerkleTreeHarness {
    function verify(bytes32 root, bytes32 leaf, uint256 index, bytes32[] calldata proof) external pure returns (bool) {
        return MerkleTree.verify(root, leaf, index, proof);
    }
}
