// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IGuarded} from "../interfaces/IGuarded.sol";

/// @title A pause that ends by itself and never blocks an exit
/// @dev Pauses are kept by selector: `whenOpen` on a function makes it an entry point that can be paused.
abstract contract Guarded is IGuarded, AccessManaged {
    /// @inheritdoc IGuarded
    uint32 public immutable maxPause;

    mapping(bytes4 entry => uint48 until) private _pausedUntil;

    modifier whenOpen() {
        _checkOpen(_pauseOf(msg.sig));
        _;
    }

    constructor(address manager, uint32 maxPause_) AccessManaged(manager) {
        maxPause = maxPause_;
    }

    /// @inheritdoc IGuarded
    function pause(bytes4 entry) external restricted {
        uint48 last = _pauseOf(entry);
        if (last != 0 && block.timestamp < uint256(last) + maxPause) revert GuardedCoolingDown(entry, last + maxPause);

        uint48 until = uint48(block.timestamp) + maxPause;
        _setPause(entry, until);

        emit EntryPaused(entry, until);
    }

    /// @inheritdoc IGuarded
    function unpause(bytes4 entry) external restricted {
        if (block.timestamp >= _pauseOf(entry)) revert GuardedNotPaused(entry);

        _setPause(entry, uint48(block.timestamp));

        emit EntryReopened(entry);
    }

    /// @inheritdoc IGuarded
    function pausedUntil(bytes4 entry) external view returns (uint48) {
        return _pauseOf(entry);
    }

    function _checkOpen(uint48 until) internal view {
        if (block.timestamp < until) revert GuardedPaused(msg.sig, until);
    }

    /// @dev A contract may keep the pause of one hot entry point in a slot that this entry point reads anyway.
    function _pauseOf(bytes4 entry) internal view virtual returns (uint48) {
        return _pausedUntil[entry];
    }

    /// @dev Overridden with `_pauseOf`.
    function _setPause(bytes4 entry, uint48 until) internal virtual {
        _pausedUntil[entry] = until;
    }
}
