// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// Import only: builds the OpenZeppelin contracts that deploy/ uses as they are.
import {VestingWallet} from "@openzeppelin/contracts/finance/VestingWallet.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
