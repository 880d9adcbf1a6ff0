// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IPayeeSplitter} from "../interfaces/IPayeeSplitter.sol";

/// @title One payee that is several
/// @dev A clone: its list is in its code, so nobody can change it.
contract PayeeSplitter is IPayeeSplitter, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;

    /// @inheritdoc IPayeeSplitter
    mapping(address token => uint256) public totalReleased;
    /// @inheritdoc IPayeeSplitter
    mapping(address token => mapping(uint256 index => uint256)) public released;

    // --- Anyone ---

    /// @inheritdoc IPayeeSplitter
    function release(address token) external nonReentrant returns (uint256 amount) {
        Part[] memory list = parts();
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 due = _due(token, i, list[i].bps);
            if (due == 0) continue;

            (released[token][i], totalReleased[token]) = (released[token][i] + due, totalReleased[token] + due);
            if (IERC20(token).trySafeTransfer(list[i].payee, due)) {
                amount += due;
                emit Released(token, list[i].payee, due);
            } else {
                (released[token][i], totalReleased[token]) = (released[token][i] - due, totalReleased[token] - due);
                emit ReleaseFailed(token, list[i].payee, due);
            }
        }
    }

    /// @inheritdoc IPayeeSplitter
    function releaseTo(address token, uint256 index) external nonReentrant returns (uint256 amount) {
        Part[] memory list = parts();
        if (index >= list.length) revert SplitterUnknownPart(index);
        amount = _due(token, index, list[index].bps);
        if (amount == 0) revert SplitterNothingDue(token, index);

        released[token][index] += amount;
        totalReleased[token] += amount;

        emit Released(token, list[index].payee, amount);
        IERC20(token).safeTransfer(list[index].payee, amount);
    }

    // --- Views ---

    /// @inheritdoc IPayeeSplitter
    function parts() public view returns (Part[] memory) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (Part[]));
    }

    /// @inheritdoc IPayeeSplitter
    function dueOf(address token, uint256 index) external view returns (uint256) {
        Part[] memory list = parts();
        return index < list.length ? _due(token, index, list[index].bps) : 0;
    }

    /// @dev ⌊B·bps/10000⌋ of all that ever arrived, less what was released.
    function _due(address token, uint256 index, uint256 bps) private view returns (uint256) {
        uint256 arrived = IERC20(token).balanceOf(address(this)) + totalReleased[token];
        // A sum that rises cannot make this fall; a token that shrinks balances makes it wait.
        uint256 entitled = (arrived * bps) / BPS;
        uint256 had = released[token][index];
        return entitled > had ? entitled - had : 0;
    }
}
