// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IPayeeSplitter, IPayeeSplitterFactory} from "../interfaces/IPayeeSplitter.sol";
import {PayeeSplitter} from "./PayeeSplitter.sol";

/// @title Makes splitters
/// @dev The list is the salt and the code: an address says who is paid, before and after it exists.
contract PayeeSplitterFactory is IPayeeSplitterFactory {
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_PARTS = 8;

    /// @inheritdoc IPayeeSplitterFactory
    address public immutable implementation = address(new PayeeSplitter());

    /// @inheritdoc IPayeeSplitterFactory
    function create(IPayeeSplitter.Part[] calldata parts) external returns (address splitter) {
        bytes memory args = _check(parts);
        splitter = Clones.predictDeterministicAddressWithImmutableArgs(implementation, args, 0);
        if (splitter.code.length != 0) return splitter;

        emit SplitterCreated(splitter, parts);
        Clones.cloneDeterministicWithImmutableArgs(implementation, args, 0);
    }

    /// @inheritdoc IPayeeSplitterFactory
    function addressOf(IPayeeSplitter.Part[] calldata parts) external view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, _check(parts), 0);
    }

    function _check(IPayeeSplitter.Part[] calldata parts) private pure returns (bytes memory) {
        if (parts.length == 0 || parts.length > MAX_PARTS) revert SplitterBadParts(parts.length);
        uint256 total = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            if (parts[i].payee == address(0) || parts[i].bps == 0) revert SplitterBadPart(i);
            total += parts[i].bps;
        }
        if (total != BPS) revert SplitterBadSum(total);
        return abi.encode(parts);
    }
}
