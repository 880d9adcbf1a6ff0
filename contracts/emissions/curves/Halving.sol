// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Halving
/// @notice A fixed amount an epoch that halves after every `epochsPerHalving` epochs, rounded down to the wei; Bitcoin's
/// rule, and Helium's of HIP-20 (5,000,000 a month, halved every two years). Σ over all epochs < 2 × initial × period.
library Halving {
    /// @notice Wei emitted in `epoch`: initial ÷ 2^⌊epoch ÷ period⌋; 0 after 256 halvings at the latest.
    /// `epochsPerHalving` is not zero.
    function emission(uint256 initialPerEpoch, uint32 epochsPerHalving, uint32 epoch) internal pure returns (uint256) {
        // A shift by 256 or more gives 0.
        return initialPerEpoch >> (epoch / epochsPerHalving);
    }
}
