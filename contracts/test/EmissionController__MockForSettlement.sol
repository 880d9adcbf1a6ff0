// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {ISettlementOracle} from "../interfaces/ISettlementOracle.sol";

/// @title A token that anyone may mint
contract NetworkToken__MockForSettlement is ERC20Burnable {
    constructor() ERC20("Token", "TKN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @title Budgets that anyone may set; fund and reclaim as EmissionController has them
contract EmissionController__MockForSettlement {
    NetworkToken__MockForSettlement public immutable token;
    ISettlementOracle public settlement;
    address public distributor;
    uint256 public reserve;
    uint256 public totalMinted;
    mapping(uint16 subNetwork => mapping(uint32 epoch => uint256)) public budgetOf;
    mapping(uint16 subNetwork => mapping(uint32 epoch => bool)) public isTaken;

    constructor(NetworkToken__MockForSettlement token_) {
        token = token_;
    }

    function wire(ISettlementOracle settlement_, address distributor_) external {
        (settlement, distributor) = (settlement_, distributor_);
    }

    function setBudget(uint16 subNetwork, uint32 epoch, uint256 amount) external {
        budgetOf[subNetwork][epoch] = amount;
    }

    function fund(uint16 subNetwork, uint32 epoch) external returns (uint256 amount) {
        if (msg.sender != distributor) revert IEmissionController.EmissionNotDistributor(msg.sender);
        amount = _take(subNetwork, epoch);
        totalMinted += amount;
        token.mint(msg.sender, amount);
    }

    function reclaim(uint16 subNetwork, uint32 epoch) external {
        if (msg.sender != distributor && settlement.isSettleable(subNetwork, epoch)) {
            revert IEmissionController.EmissionStillSettleable(subNetwork, epoch);
        }
        reserve += _take(subNetwork, epoch);
    }

    function _take(uint16 subNetwork, uint32 epoch) private returns (uint256) {
        if (isTaken[subNetwork][epoch]) revert IEmissionController.EmissionBudgetTaken(subNetwork, epoch);
        isTaken[subNetwork][epoch] = true;
        return budgetOf[subNetwork][epoch];
    }
}
