// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

// Import only: Chainlink's price feed mock, for tests and development chains.
import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";
