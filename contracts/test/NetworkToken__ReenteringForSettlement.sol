// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {NetworkToken__MockForSettlement} from "./EmissionController__MockForSettlement.sol";

/// @title A token that calls another contract back on every transfer that is not a mint
contract NetworkToken__ReenteringForSettlement is NetworkToken__MockForSettlement {
    address private _target;
    bytes private _data;

    function callBack(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && _target != address(0)) Address.functionCall(_target, _data);
    }
}
