// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

/// @title What a distributor is told, as an event
contract RewardDistributor__MockForSettlement {
    event Settled(uint16 subNetwork, uint32 term, uint32 epoch, bytes32 payoutsRoot, bool hasPoints);

    function settle(uint16 subNetwork, uint32 term, uint32 epoch, bytes32 payoutsRoot, bool hasPoints) external {
        emit Settled(subNetwork, term, epoch, payoutsRoot, hasPoints);
    }
}
