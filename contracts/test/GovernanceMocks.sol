// SPDX-License-Identifier: MIT
// solhint-disable contract-name-capwords
pragma solidity 0.8.30;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IVoteEscrow} from "../interfaces/IVoteEscrow.sol";

interface IBorrower {
    function onLoan(uint256 amount) external;
}

/// @notice A token that anyone can mint, and borrow without a fee within one call.
contract LoanToken__MockForVotes is ERC20("Loan token", "LOAN") {
    error LoanNotReturned(uint256 balance, uint256 owed);

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function loan(uint256 amount) external {
        _mint(msg.sender, amount);
        IBorrower(msg.sender).onLoan(amount);
        uint256 balance = balanceOf(msg.sender);
        if (balance < amount) revert LoanNotReturned(balance, amount);
        _burn(msg.sender, amount);
    }
}

/// @notice Borrows, locks, votes, and tries to have the tokens back within one transaction.
contract FlashVoter__MockForGovernor is IBorrower {
    LoanToken__MockForVotes private immutable _token;
    IVoteEscrow private immutable _escrow;
    IGovernor private immutable _governor;
    uint32 private immutable _duration;
    uint256 private _proposalId;

    uint256 public lockId;

    constructor(LoanToken__MockForVotes token, IVoteEscrow escrow, IGovernor governor, uint32 duration) {
        (_token, _escrow, _governor, _duration) = (token, escrow, governor, duration);
    }

    /// @notice The whole of it; `proposalId` 0 = do not vote.
    function attack(uint256 amount, uint256 proposalId) external {
        _proposalId = proposalId;
        _token.loan(amount);
    }

    /// @notice Locks own tokens and starts the cool-down at once, in one transaction.
    function lockAndCoolDown(uint256 amount) external {
        _lock(amount);
        _escrow.startCoolDown(lockId);
    }

    /// @notice Locks own tokens and proposes in one transaction.
    function lockAndPropose(
        uint256 amount,
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads
    ) external returns (uint256) {
        _lock(amount);
        return _governor.propose(targets, values, payloads, "flash");
    }

    function castVote(uint256 proposalId) external {
        _governor.castVote(proposalId, 1);
    }

    function onLoan(uint256 amount) external {
        _lock(amount);
        if (_proposalId != 0) _governor.castVote(_proposalId, 1);
        _escrow.startCoolDown(lockId);
        _escrow.withdraw(lockId);
    }

    function _lock(uint256 amount) private {
        _token.approve(address(_escrow), amount);
        lockId = _escrow.lock(uint128(amount), _duration);
    }
}

/// @notice A thing to vote about.
contract Target__MockForGovernance {
    uint256 public value;
    address public setBy;

    event ValueSet(uint256 value, address by);

    function setValue(uint256 newValue) external payable {
        (value, setBy) = (newValue, msg.sender);
        emit ValueSet(newValue, msg.sender);
    }
}
