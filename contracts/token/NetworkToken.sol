// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {VestingWallet} from "@openzeppelin/contracts/finance/VestingWallet.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {GenesisAllocation, INetworkToken} from "../interfaces/INetworkToken.sol";

/// @title The network's ERC-20
contract NetworkToken is INetworkToken, ERC20, ERC20Permit, AccessManaged {
    // Immutables

    /// @inheritdoc INetworkToken
    uint256 public immutable cap;
    /// @inheritdoc INetworkToken
    uint256 public immutable genesisSupply;

    // Storage

    /// @inheritdoc INetworkToken
    address public minter;

    /// @param manager the AccessManager whose admin sets the minter
    /// @param name_ of the token, at most 31 bytes
    /// @param symbol_ of the token
    /// @param cap_ hard cap in wei
    /// @param genesis who holds what at the start; may be empty
    constructor(
        address manager,
        string memory name_,
        string memory symbol_,
        uint256 cap_,
        GenesisAllocation[] memory genesis
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(manager) {
        if (manager == address(0) || cap_ == 0) revert NetworkTokenZeroArgument();
        cap = cap_;

        for (uint256 i = 0; i < genesis.length; ++i) {
            GenesisAllocation memory line = genesis[i];
            if (line.beneficiary == address(0) || line.amount == 0) revert NetworkTokenZeroArgument();

            address holder = line.beneficiary;
            if (line.vestingDuration != 0) {
                uint64 start = line.vestingStart == 0 ? uint64(block.timestamp) : line.vestingStart;
                holder = address(new VestingWallet(line.beneficiary, start, line.vestingDuration));
            }
            _mintCapped(holder, line.amount, cap_);

            emit GenesisAllocated(line.beneficiary, holder, line.amount);
        }
        genesisSupply = totalSupply();
    }

    // Holders

    /// @inheritdoc INetworkToken
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// @inheritdoc INetworkToken
    function burnFrom(address account, uint256 amount) external {
        _spendAllowance(account, msg.sender, amount);
        _burn(account, amount);
    }

    // The minter

    /// @inheritdoc INetworkToken
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NetworkTokenNotMinter(msg.sender);

        _mintCapped(to, amount, cap);
    }

    // Governance

    /// @inheritdoc INetworkToken
    function setMinter(address newMinter) external restricted {
        if (newMinter == address(0)) revert NetworkTokenZeroArgument();

        minter = newMinter;

        emit MinterSet(newMinter);
    }

    // Internal

    function _mintCapped(address to, uint256 amount, uint256 cap_) private {
        _mint(to, amount);
        if (totalSupply() > cap_) revert NetworkTokenCapExceeded(totalSupply(), cap_);
    }
}
