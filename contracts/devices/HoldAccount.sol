// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IDeviceHolds} from "../interfaces/IDeviceHolds.sol";

/// @title What one disputed device earns in one case
/// @dev Cloned by DeviceHolds, the only one it obeys; a clone has the immutable of the original.
contract HoldAccount {
    using SafeERC20 for IERC20;

    address private immutable _keeper = msg.sender;

    /// @notice Pays the whole balance of `token` to `to`, or burns it if `to` is zero. Only DeviceHolds.
    function release(address token, address to) external returns (uint256 amount) {
        if (msg.sender != _keeper) revert IDeviceHolds.HoldNotKeeper(msg.sender);
        amount = IERC20(token).balanceOf(address(this));
        if (amount == 0) return 0;
        if (to == address(0)) ERC20Burnable(token).burn(amount);
        else IERC20(token).safeTransfer(to, amount);
    }
}
