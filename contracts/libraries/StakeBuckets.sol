// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title One tranche of a stake, held by shares
/// @dev The algebra is in docs/accounting.md, "Stake". What is unbonding keeps its shares here until it is released, so a
/// slash is one subtraction. Assets are below 2^96 and shares below 2^123, so no product overflows.
library StakeBuckets {
    using SafeCast for uint256;

    /// @dev Two slots and the delegators' accumulator.
    struct Bucket {
        uint96 assets; // wei
        uint128 activeShares;
        uint128 unbondingShares;
        uint256 rewardPerShare; // × 2^128
    }

    /// @dev A deposit into an empty bucket gets so many shares a wei.
    uint256 private constant VIRTUAL_SHARES = 1000;
    /// @dev A bucket whose shares are worth less than 1/65536 of that price is retired.
    uint256 private constant WORN = VIRTUAL_SHARES << 16;

    /// @notice Adds `amount` wei; returns the shares for it, rounded down.
    function deposit(Bucket storage self, uint256 amount) internal returns (uint256 shares) {
        uint256 assets = self.assets;
        uint96 grown = (assets + amount).toUint96();
        shares = (amount * (totalShares(self) + VIRTUAL_SHARES)) / (assets + 1);
        self.assets = grown;
        self.activeShares = (self.activeShares + shares).toUint128();
    }

    /// @notice Moves shares from active to unbonding.
    function request(Bucket storage self, uint128 shares) internal {
        self.activeShares -= shares;
        self.unbondingShares += shares;
    }

    /// @notice Moves shares back from unbonding to active.
    function cancel(Bucket storage self, uint128 shares) internal {
        self.unbondingShares -= shares;
        self.activeShares += shares;
    }

    /// @notice Burns unbonding shares; returns what they were worth, rounded down.
    function release(Bucket storage self, uint128 shares) internal returns (uint96 amount) {
        amount = uint96(toAssets(self, shares));
        self.assets -= amount;
        self.unbondingShares -= shares;
    }

    /// @notice Burns active shares; returns what they were worth, rounded down.
    function redeem(Bucket storage self, uint128 shares) internal returns (uint96 amount) {
        amount = uint96(toAssets(self, shares));
        self.assets -= amount;
        self.activeShares -= shares;
    }

    /// @notice Takes `amount`, at most the assets; tells whether the bucket has had its day.
    function slash(Bucket storage self, uint256 amount) internal returns (bool worn) {
        // At most the assets: the cast is safe.
        uint256 assets = self.assets - uint96(amount);
        self.assets = uint96(assets);
        uint256 shares = totalShares(self);
        return shares != 0 && (assets == 0 || shares + VIRTUAL_SHARES > (assets + 1) * WORN);
    }

    /// @notice Wei that `shares` of the bucket's shares are worth, rounded down; never more than its assets.
    function toAssets(Bucket storage self, uint256 shares) internal view returns (uint256) {
        return (shares * (uint256(self.assets) + 1)) / (totalShares(self) + VIRTUAL_SHARES);
    }

    /// @notice Shares that are worth `amount`, rounded up.
    function toSharesUp(Bucket storage self, uint256 amount) internal view returns (uint256) {
        return Math.ceilDiv(amount * (totalShares(self) + VIRTUAL_SHARES), uint256(self.assets) + 1);
    }

    /// @notice Wei of the active shares, rounded down.
    function activeAssets(Bucket storage self) internal view returns (uint256) {
        return toAssets(self, self.activeShares);
    }

    /// @notice Active and unbonding shares.
    function totalShares(Bucket storage self) internal view returns (uint256) {
        return uint256(self.activeShares) + self.unbondingShares;
    }
}
