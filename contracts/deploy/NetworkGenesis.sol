// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title When the network begins
/// @notice The first contract of a deployment. Every contract with epochs is given the second that stands here, so that
/// a deployment that takes long, or was interrupted, still has one clock. Epoch 0 also covers the time before it.
contract NetworkGenesis {
    /// @notice Start of epoch 0, in seconds.
    uint64 public immutable epochGenesis;

    /// @param at start of epoch 0 in seconds; 0 = `delay` seconds from now
    /// @param delay seconds from now, to deploy in
    constructor(uint64 at, uint32 delay) {
        epochGenesis = at == 0 ? uint64(block.timestamp) + delay : at;
    }
}
