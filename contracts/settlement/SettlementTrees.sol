// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PotId} from "../interfaces/IRewardDistributor.sol";

/// @title Leaves, nodes and amounts of a settlement
/// @notice The encodings of docs/accounting.md §3. No two have the same length (proof leaf 33 bytes, payout leaf 43,
/// entries root 53, node 64, batch leaf 65, entry leaf 77, entries node 96), so nothing of one kind can be shown as
/// another.
library SettlementTrees {
    /// @notice Entries root of an epoch without points: keccak256(0x41 ‖ 0(32) ‖ 0(16) ‖ 0(4)).
    bytes32 internal constant EMPTY_ENTRIES_ROOT = keccak256(
        abi.encodePacked(uint8(0x41), uint256(0), uint128(0), uint32(0))
    );

    /// @notice Pot of (subNetwork, term).
    function potOf(uint16 subNetwork, uint32 term) internal pure returns (PotId) {
        return PotId.wrap((uint48(subNetwork) << 32) | term);
    }

    /// @notice Leaf of the payouts tree: keccak256(0x10 ‖ pot(6) ‖ payee(20) ‖ cumulative(16)).
    function payoutLeaf(PotId pot, address payee, uint128 cumulative) internal pure returns (bytes32 leaf) {
        // keccak256(abi.encodePacked(uint8(0x10), pot, payee, cumulative)) in scratch space: 0x10 ‖ pot ‖ payee are the last
        // 27 bytes of the first word, the amount follows. The shifts clear what a conversion may leave above a value.
        assembly ("memory-safe") {
            mstore(0, or(or(shl(208, 0x10), shr(48, shl(208, pot))), shr(96, shl(96, payee))))
            mstore(32, shl(128, cumulative))
            leaf := keccak256(5, 43)
        }
    }

    /// @notice Leaf of the entries tree: keccak256(0x40 ‖ payee(20) ‖ deviceId(8) ‖ points(16) ‖ proofsRoot(32)). Its sum is
    /// `points`.
    function entryLeaf(
        address payee,
        uint64 deviceId,
        uint128 points,
        bytes32 proofsRoot
    ) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x40), payee, deviceId, points, proofsRoot));
    }

    /// @notice Node of the entries tree: keccak256(left(32) ‖ leftSum(16) ‖ right(32) ‖ rightSum(16)), and its sum. Reverts
    /// if the sum does not fit: such a tree has no root.
    function entriesNode(
        bytes32 left,
        uint128 leftSum,
        bytes32 right,
        uint128 rightSum
    ) internal pure returns (bytes32 node, uint128 sum) {
        return (keccak256(abi.encodePacked(left, leftSum, right, rightSum)), leftSum + rightSum);
    }

    /// @notice Entries root: keccak256(0x41 ‖ top(32) ‖ totalPoints(16) ‖ leafCount(4)).
    function entriesRoot(bytes32 top, uint128 totalPoints, uint32 leafCount) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x41), top, totalPoints, leafCount));
    }

    /// @notice Leaf of the tree under an entry's proofsRoot: keccak256(0x20 ‖ messageHash(32)).
    function proofLeaf(bytes32 messageHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x20), messageHash));
    }

    /// @notice What the points [from, to) of `total` earn of `budget`: ⌊budget · to ÷ total⌋ − ⌊budget · from ÷ total⌋. Ranges
    /// that cover [0, total) without a gap add up to exactly `budget`.
    /// @dev `from ≤ to ≤ total` and `total > 0`, or it reverts or overpays: the caller proves the range.
    function payoutOf(uint256 budget, uint128 from, uint128 to, uint128 total) internal pure returns (uint256) {
        return Math.mulDiv(budget, to, total) - Math.mulDiv(budget, from, total);
    }
}
