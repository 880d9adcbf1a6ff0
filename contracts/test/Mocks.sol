// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

// Import only: Chainlink's mocks of a price feed and of the VRF coordinator, for tests and development chains.
import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";
import {VRFCoordinatorV2_5Mock} from "@chainlink/contracts/src/v0.8/vrf/mocks/VRFCoordinatorV2_5Mock.sol";
