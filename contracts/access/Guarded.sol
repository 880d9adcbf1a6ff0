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
        uint48 until = _pausedUntil[msg.sig];
        if (block.timestamp < until) revert GuardedPaused(msg.sig, until);
        _;
    }

    constructor(address manager, uint32 maxPause_) AccessManaged(manager) {
        maxPause = maxPause_;
    }

    /// @inheritdoc IGuarded
    function pause(bytes4 entry) external restricted {
        uint48 last = _pausedUntil[entry];
        if (last != 0 && block.timestamp < uint256(last) + maxPause) revert GuardedCoolingDown(entry, last + maxPause);

        uint48 until = uint48(block.timestamp) + maxPause;
        _pausedUntil[entry] = until;

        emit EntryPaused(entry, until);
    }

    /// @inheritdoc IGuarded
    function unpause(bytes4 entry) external restricted {
        if (block.timestamp >= _pausedUntil[entry]) revert GuardedNotPaused(entry);

        _pausedUntil[entry] = uint48(block.timestamp);

        emit EntryReopened(entry);
    }

    /// @inheritdoc IGuarded
    function pausedUntil(bytes4 entry) external view returns (uint48) {
        return _pausedUntil[entry];
    }
}
