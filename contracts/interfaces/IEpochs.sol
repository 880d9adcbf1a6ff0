// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The network's tick
/// @notice Epoch `e` covers the seconds [genesis + e × length, genesis + (e + 1) × length). Epoch 0 also covers all
/// time before genesis. Genesis and length are immutable and equal in every contract of one deployment (the
/// deployment check compares them). Time is seconds since 1970 or epochs, never blocks.
interface IEpochs {
    /// @notice An epoch length of zero was given.
    error EpochsZeroLength();

    /// @notice Start of epoch 0, in seconds.
    function epochGenesis() external view returns (uint64);

    /// @notice Length of every epoch, in seconds.
    function epochLength() external view returns (uint32);

    /// @notice The epoch that contains the current block; 0 before genesis.
    function currentEpoch() external view returns (uint32);
}
