// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
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

/// @notice One of many delegators: delegates twice what it then asks back.
contract Crowd__Delegator {
    function run(IOperatorStaking staking, IERC20 token, uint64 operatorId) external {
        token.approve(address(staking), type(uint256).max);
        uint256 shares = staking.delegate(operatorId, 2, 0);
        staking.undelegate(operatorId, uint128(shares / 2));
    }
}

/// @notice Many delegators with a request each.
contract Crowd__ForStaking {
    IOperatorStaking private immutable _staking;
    IERC20 private immutable _token;
    address private immutable _delegator = address(new Crowd__Delegator());
    uint256 private _count;

    constructor(IOperatorStaking staking, IERC20 token) {
        (_staking, _token) = (staking, token);
    }

    function join(uint64 operatorId, uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            address delegator = Clones.cloneDeterministic(_delegator, bytes32(_count++));
            _token.transfer(delegator, 2);
            Crowd__Delegator(delegator).run(_staking, _token, operatorId);
        }
    }
}
