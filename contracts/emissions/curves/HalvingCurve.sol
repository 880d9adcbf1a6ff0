// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEmissionCurve} from "../../interfaces/IEmissionController.sol";
import {Halving} from "./Halving.sol";

/// @title A curve that halves
contract HalvingCurve is IEmissionCurve {
    /// @notice A constructor argument was zero.
    error HalvingCurveZeroArgument();

    /// @notice Wei emitted in each epoch before the first halving.
    uint256 public immutable initialPerEpoch;
    /// @notice Epochs between two halvings.
    uint32 public immutable epochsPerHalving;

    /// @param initialPerEpoch_ wei an epoch
    /// @param epochsPerHalving_ epochs
    constructor(uint256 initialPerEpoch_, uint32 epochsPerHalving_) {
        if (initialPerEpoch_ == 0 || epochsPerHalving_ == 0) revert HalvingCurveZeroArgument();
        initialPerEpoch = initialPerEpoch_;
        epochsPerHalving = epochsPerHalving_;
    }

    /// @inheritdoc IEmissionCurve
    function emission(uint32 epoch) external view returns (uint256) {
        return Halving.emission(initialPerEpoch, epochsPerHalving, epoch);
    }
}
