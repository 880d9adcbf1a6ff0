// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Positional Merkle trees
/// @notice One tree for batches, payouts and proofs: leaves at fixed positions, padded with zero to a power of two, node =
/// keccak256(left ‖ right). No leaf encoding is 64 bytes long, so no node can pass for a leaf.
library MerkleTree {
    /// @notice Root of the path from `leaf` at `index` through `proof` (leaf to root). The caller bounds
    /// `index < 2^proof.length`, or a set high bit would be ignored: use `verify`.
    function rootOf(bytes32 leaf, uint256 index, bytes32[] calldata proof) internal pure returns (bytes32 node) {
        node = leaf;
        assembly ("memory-safe") {
            let at := proof.offset
            let end := add(at, shl(5, proof.length))
            // Bit 5 of `path` is the index's lowest bit: where the node stands, 0 = left of its sibling, 32 = right.
            let path := shl(5, index)
            // One level a turn until a multiple of four is left, then four a turn.
            for {
                let head := add(at, and(sub(end, at), 96))
            } lt(at, head) {
                at := add(at, 32)
            } {
                let side := and(path, 32)
                mstore(side, node)
                mstore(xor(side, 32), calldataload(at))
                node := keccak256(0, 64)
                path := shr(1, path)
            }
            for {} lt(at, end) {
                at := add(at, 128)
            } {
                let side := and(path, 32)
                mstore(side, node)
                mstore(xor(side, 32), calldataload(at))
                side := and(shr(1, path), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(at, 32)))
                side := and(shr(2, path), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(at, 64)))
                side := and(shr(3, path), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(at, 96)))
                node := keccak256(0, 64)
                path := shr(4, path)
            }
        }
    }

    /// @notice Whether `leaf` stands at `index` of the tree with this `root`.
    function verify(bytes32 root, bytes32 leaf, uint256 index, bytes32[] calldata proof) internal pure returns (bool) {
        return proof.length < 64 && index >> proof.length == 0 && rootOf(leaf, index, proof) == root;
    }
}
