// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PotId} from "../interfaces/IRewardDistributor.sol";
import {SettlementTrees} from "../settlement/SettlementTrees.sol";

/// @title SettlementTrees from outside
contract SettlementTreesHarness {
    function emptyEntriesRoot() external pure returns (bytes32) {
        return SettlementTrees.EMPTY_ENTRIES_ROOT;
    }

    function potOf(uint16 subNetwork, uint32 term) external pure returns (PotId) {
        return SettlementTrees.potOf(subNetwork, term);
    }

    function payoutLeaf(PotId pot, address payee, uint128 cumulative) external pure returns (bytes32) {
        return SettlementTrees.payoutLeaf(pot, payee, cumulative);
    }

    function entryLeaf(
        address payee,
        uint64 deviceId,
        uint128 points,
        bytes32 proofsRoot
    ) external pure returns (bytes32) {
        return SettlementTrees.entryLeaf(payee, deviceId, points, proofsRoot);
    }

    function entriesNode(
        bytes32 left,
        uint128 leftSum,
        bytes32 right,
        uint128 rightSum
    ) external pure returns (bytes32 node, uint128 sum) {
        return SettlementTrees.entriesNode(left, leftSum, right, rightSum);
    }

    function entriesRoot(bytes32 top, uint128 totalPoints, uint32 leafCount) external pure returns (bytes32) {
        return SettlementTrees.entriesRoot(top, totalPoints, leafCount);
    }

    function proofLeaf(bytes32 messageHash) external pure returns (bytes32) {
        return SettlementTrees.proofLeaf(messageHash);
    }

    function payoutOf(uint256 budget, uint128 from, uint128 to, uint128 total) external pure returns (uint256) {
        return SettlementTrees.payoutOf(budget, from, to, total);
    }
}
