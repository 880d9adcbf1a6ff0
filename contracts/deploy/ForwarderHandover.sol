// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoneForwarder} from "@chainlink/contracts/src/v0.8/keystone/KeystoneForwarder.sol";

/// @title Owner of the forwarder while the timelock's delay runs
/// @notice The forwarder changes owners in two steps, and its owner can forge reports. Were the deployer to offer it to the
/// timelock directly, it would stay the owner until the timelock accepts, days later. This contract takes it in between
/// and can do one thing with it: offer it to the timelock, which is what it does at once.
contract ForwarderHandover {
    /// @notice The forwarder that is handed over.
    KeystoneForwarder public immutable forwarder;

    /// @notice Who gets it.
    address public immutable timelock;

    /// @param forwarder_ KeystoneForwarder
    /// @param timelock_ NetworkTimelock
    constructor(KeystoneForwarder forwarder_, address timelock_) {
        (forwarder, timelock) = (forwarder_, timelock_);
    }

    /// @notice Accepts the forwarder and offers it to the timelock. Anyone, once the forwarder was offered to this contract.
    function pass() external {
        forwarder.acceptOwnership();
        forwarder.transferOwnership(timelock);
    }
}
