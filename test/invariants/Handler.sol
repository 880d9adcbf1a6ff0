// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

/// @dev What every handler of a campaign has. An action either does what it is for, or sees the contract refuse with the
/// one error that is due; it does not revert, for what an action that reverts has found is forgotten.
abstract contract Handler is Test {
    /// @notice Actions that did what they are for.
    uint256 public useful;
    /// @notice The first thing that should not have happened; empty while there is none.
    string public broken;
    /// @notice The same by the invariant that watches it.
    mapping(bytes32 invariant => string) public brokenOf;

    function _check(bool good, string memory what) internal {
        if (!good && bytes(broken).length == 0) broken = what;
    }

    function _hold(bytes32 invariant, bool good, string memory what) internal {
        if (!good && bytes(brokenOf[invariant]).length == 0) brokenOf[invariant] = what;
    }

    /// @dev `caller` calls; the answer is not judged.
    function _try(address caller, address target, bytes memory data) internal returns (bool done, bytes memory answer) {
        vm.prank(caller);
        (done, answer) = target.call(data);
    }

    /// @dev `caller` calls and must be refused with `error`.
    function _refused(address caller, address target, bytes memory data, bytes4 error, string memory what) internal {
        (bool done, bytes memory answer) = _try(caller, target, data);
        _check(!done && bytes4(answer) == error, what);
    }

    /// @dev `caller` calls: must be refused with `error`, or, where that is zero, must be let through.
    function _expect(
        address caller,
        address target,
        bytes memory data,
        bytes4 error,
        string memory what
    ) internal returns (bool done, bytes memory answer) {
        (done, answer) = _try(caller, target, data);
        _check(done ? error == 0 : bytes4(answer) == error, what);
    }
}

/// @dev What every campaign has. forge forgets what an invariant changes, so a drain may be tried in every state.
abstract contract Campaign is Test {
    function _target(Handler handler, bytes4[] memory selectors) internal {
        targetSelector(FuzzSelector(address(handler), selectors));
        targetContract(address(handler));
    }

    function _handler() internal view virtual returns (Handler);

    function afterInvariant() public view {
        assertGt(_handler().useful(), 0, "the campaign did nothing");
    }
}
