// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEpochs} from "../interfaces/IEpochs.sol";

/// @title Epochs from immutables: no clock contract to call
abstract contract Epochs is IEpochs {
    /// @inheritdoc IEpochs
    uint64 public immutable epochGenesis;
    /// @inheritdoc IEpochs
    uint32 public immutable epochLength;

    /// @param genesis start of epoch 0 in seconds; 0 = now
    /// @param length of an epoch in seconds
    constructor(uint64 genesis, uint32 length) {
        if (length == 0) revert EpochsZeroLength();
        epochGenesis = genesis == 0 ? uint64(block.timestamp) : genesis;
        epochLength = length;
    }

    /// @inheritdoc IEpochs
    function currentEpoch() public view returns (uint32) {
        return _epochAt(block.timestamp);
    }

    function _epochAt(uint256 time) internal view returns (uint32) {
        if (time < epochGenesis) return 0;
        unchecked {
            // Not before genesis, no epoch of length 0, and a uint32 of epochs is 136 years even at one second each.
            return uint32((time - epochGenesis) / epochLength);
        }
    }

    /// @dev First second after `epoch`.
    function _epochEnd(uint32 epoch) internal view returns (uint64) {
        return epochGenesis + (uint64(epoch) + 1) * epochLength;
    }
}
