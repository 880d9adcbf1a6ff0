// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IRandomBeacon} from "./IRandomBeacon.sol";

/// @notice Terms of requests to Chainlink VRF v2.5.
/// @param keyHash gas lane
/// @param subscriptionId subscription that pays; this contract must be a consumer of it
/// @param callbackGasLimit gas of the answer, 50,000 to 2,500,000
/// @param confirmations blocks to wait, 1 to 200
/// @param nativePayment pay in the chain's coin, not in LINK
struct VrfTerms {
    bytes32 keyHash;
    uint256 subscriptionId;
    uint32 callbackGasLimit;
    uint16 confirmations;
    bool nativePayment;
}

/// @title Seeds from Chainlink VRF v2.5
/// @notice Speaks the protocol of VRFConsumerBaseV2Plus (rawFulfillRandomWords, setCoordinator) without inheriting it:
/// that contract makes its deployer an owner who can name another coordinator, and so every seed. Here only the
/// coordinator itself (its migration of subscriptions) and the timelock can.
/// Warning: whoever asks spends the subscription's money, at most MAX_REQUESTS times a period.
interface IVrfBeacon is IRandomBeacon {
    event TermsSet(VrfTerms terms);

    error VrfNotCoordinator(address caller, address coordinator);
    error VrfUnknownRequest(uint256 requestId);

    /// @notice Terms of later requests. Restricted: timelock.
    function setTerms(VrfTerms calldata terms) external;

    /// @notice Terms in force.
    function terms() external view returns (VrfTerms memory);

    /// @notice The coordinator: who may answer.
    function coordinator() external view returns (address);

    /// @notice Period of a request + 1; 0 = no request of ours.
    function periodOfRequest(uint256 requestId) external view returns (uint64);
}
