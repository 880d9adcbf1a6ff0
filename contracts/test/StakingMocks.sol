// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {Token__MockForDevices} from "./DeviceMocks.sol";

/// @notice The stakers' bucket of an emission controller.
contract Emissions__MockForStaking {
    Token__MockForDevices private immutable _token;
    address private immutable _receiver;
    uint256 public bucket;

    constructor(Token__MockForDevices token, address receiver) {
        (_token, _receiver) = (token, receiver);
    }

    function fill(uint256 amount) external {
        bucket += amount;
    }

    function collectStakers() external returns (uint256 amount) {
        amount = bucket;
        if (amount == 0) revert IEmissionController.EmissionNothingToCollect();
        bucket = 0;
        _token.mint(_receiver, amount);
    }
}

/// @notice A token that refuses one receiver.
contract Token__RefusingForStaking is ERC20("Refusing", "REF") {
    address public refused;

    error Refused(address account);

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function refuse(address account) external {
        refused = account;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (to == refused && to != address(0)) revert Refused(to);
        super._update(from, to, amount);
    }
}
