// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

// Import only: builds Chainlink's KeystoneForwarder, unmodified, so that a network without a DON deploys its own.
import {KeystoneForwarder} from "@chainlink/contracts/src/v0.8/keystone/KeystoneForwarder.sol";
