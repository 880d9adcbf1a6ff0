// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {IEmissionController, IEmissionCurve} from "../interfaces/IEmissionController.sol";

/// @title A feed that misbehaves in every way a feed can
contract Feed__MockForPriceGuard {
    enum Mode {
        Answer,
        Revert,
        BurnGas,
        ShortAnswer,
        LongAnswer
    }

    error FeedBroken();

    uint8 public decimals;
    Mode public mode;
    int256 public answer;
    uint256 public updatedAt;

    constructor(uint8 decimals_, int256 answer_) {
        (decimals, answer, updatedAt) = (decimals_, answer_, block.timestamp);
    }

    function set(Mode mode_, int256 answer_, uint256 updatedAt_) external {
        (mode, answer, updatedAt) = (mode_, answer_, updatedAt_);
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Mode m = mode;
        if (m == Mode.Revert) revert FeedBroken();
        if (m == Mode.BurnGas) {
            for (uint256 i = 0; ; ++i) {}
        }
        if (m == Mode.ShortAnswer || m == Mode.LongAnswer) {
            (int256 a, uint256 t) = (answer, updatedAt);
            // 128 bytes are one word short; 8 kB are the first five words and a lot more.
            uint256 size = m == Mode.ShortAnswer ? 128 : 8192;
            assembly ("memory-safe") {
                let out := mload(0x40)
                mstore(out, 1)
                mstore(add(out, 32), a)
                mstore(add(out, 64), t)
                mstore(add(out, 96), t)
                mstore(add(out, 128), 1)
                return(out, size)
            }
        }
        return (1, answer, updatedAt, updatedAt, 1);
    }
}

/// @title A curve that can be broken
contract Curve__MockForEmission is IEmissionCurve {
    enum Mode {
        Answer,
        Revert,
        BurnGas,
        ShortAnswer
    }

    error CurveBroken();

    Mode public mode;
    uint256 public amount;

    constructor(uint256 amount_) {
        amount = amount_;
    }

    function set(Mode mode_, uint256 amount_) external {
        (mode, amount) = (mode_, amount_);
    }

    function emission(uint32) external view returns (uint256) {
        if (mode == Mode.Revert) revert CurveBroken();
        if (mode == Mode.BurnGas) {
            for (uint256 i = 0; ; ++i) {}
        }
        if (mode == Mode.ShortAnswer) {
            assembly ("memory-safe") {
                return(0, 31)
            }
        }
        return amount;
    }
}

/// @title An oracle that says what it was told
contract Settlement__MockForEmission {
    mapping(uint16 subNetwork => mapping(uint32 epoch => bool)) public isSettleable;

    function setSettleable(uint16 subNetwork, uint32 epoch, bool value) external {
        isSettleable[subNetwork][epoch] = value;
    }
}

/// @title Collects both buckets in one transaction
contract Collector__MockForEmission {
    IEmissionController public immutable emissions;

    constructor(IEmissionController emissions_) {
        emissions = emissions_;
    }

    function collectBoth() external {
        emissions.collectTreasury();
        emissions.collectStakers();
    }
}
