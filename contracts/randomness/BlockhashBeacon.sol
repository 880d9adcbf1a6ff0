// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";
import {RandomBeacon} from "./RandomBeacon.sol";

/// @title Seeds from block hashes, for development chains only
/// @notice Who makes blocks, or sees the last one, chooses the seed. So it cannot be deployed on a chain that is not a
/// development chain, and refuses to decide about more than a small value.
contract BlockhashBeacon is RandomBeacon {
    /// @notice This is not a development chain (1337, 31337).
    error BlockhashBeaconPublicChain(uint256 chainId);

    uint256 private immutable _maxValue;

    constructor(uint64 genesis, uint32 length, uint256 maxValue_) RandomBeacon(genesis, length, 1) {
        _checkChain(block.chainid);
        _maxValue = maxValue_;
    }

    /// @inheritdoc IRandomBeacon
    function maxValue() public view override returns (uint256) {
        return _maxValue;
    }

    function _request(uint64 period) internal override returns (uint256 requestId) {
        requestId = period;
        emit SeedRequested(period, requestId, msg.sender);
        _take(period, requestId, uint256(blockhash(block.number - 1)));
    }

    function _checkChain(uint256 chainId) internal pure {
        if (chainId != 1337 && chainId != 31337) revert BlockhashBeaconPublicChain(chainId);
    }
}
