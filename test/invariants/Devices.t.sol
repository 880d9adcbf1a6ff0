// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DeviceRegistry} from "../../contracts/devices/DeviceRegistry.sol";
import {Token__MockForDevices} from "../../contracts/test/DeviceMocks.sol";
import {DevicesHandler} from "./DevicesHandler.sol";
import {Campaign, Handler} from "./Handler.sol";

/// @notice Promises 5 and 6 of devices, and what a fraud proof relies on: the past does not change.
contract DevicesInvariants is Campaign {
    DevicesHandler internal handler;
    DeviceRegistry internal registry;
    Token__MockForDevices internal token;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new DevicesHandler();
        registry = handler.registry();
        token = handler.token();
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = DevicesHandler.onboard.selector;
        selectors[1] = DevicesHandler.onboardAgain.selector;
        selectors[2] = DevicesHandler.transfer.selector;
        selectors[3] = DevicesHandler.setPayee.selector;
        selectors[4] = DevicesHandler.changeKey.selector;
        selectors[5] = DevicesHandler.requestRecovery.selector;
        selectors[6] = DevicesHandler.completeRecovery.selector;
        selectors[7] = DevicesHandler.veto.selector;
        selectors[8] = DevicesHandler.retire.selector;
        selectors[9] = DevicesHandler.openCase.selector;
        selectors[10] = DevicesHandler.closeCase.selector;
        selectors[11] = DevicesHandler.settleHold.selector;
        selectors[12] = DevicesHandler.warp.selector;
        selectors[13] = DevicesHandler.accept.selector;
        _target(handler, selectors);
    }

    /// @dev Promise 6: a device that can earn has one live key, and was neither retired nor denied.
    function invariant_promise6_oneLiveKey() public {
        uint256 count = handler.count();
        uint32[2] memory epochs = [registry.currentEpoch(), registry.currentEpoch() + 1];
        for (uint256 i = 0; i < count; ++i) {
            DevicesHandler.Book memory b = handler.bookOf(i);
            assertEq(registry.ownerOf(b.id), b.owner, "owner");
            for (uint256 j = 0; j < 2; ++j) {
                if (epochs[j] < b.fromEpoch) continue;
                uint256 live = 0;
                for (uint256 k = 0; k < handler.keyCount(); ++k) {
                    if (registry.deviceOfKeyAt(handler.keyHashAt(k), epochs[j]) == b.id) ++live;
                }
                assertEq(live, 1, "live keys");
            }
        }
    }

    /// @dev A key is bound to one device for ever.
    function invariant_keyNeverReturns() public {
        assertEq(handler.brokenOf(handler.KEYS()), "");
        for (uint256 k = 0; k < handler.keyCount(); ++k) {
            bytes32 keyHash = handler.keyHashAt(k);
            assertEq(registry.deviceOfKey(keyHash), handler.boundTo(keyHash), "device of a key");
        }
    }

    /// @dev What counted in a challengeable epoch counts in it for ever.
    function invariant_promise6_past() public view {
        assertEq(handler.brokenOf(handler.HISTORY()), "");
        uint32 now_ = registry.currentEpoch();
        for (uint256 i = 0; i < handler.count(); ++i) {
            for (uint32 e = now_ > handler.CHALLENGE() ? now_ - handler.CHALLENGE() : 0; e <= now_; ++e) {
                assertEq(handler.compare(i, e), "", "an epoch that has begun changed");
            }
        }
    }

    /// @dev What devices earned is with somebody, held, or burned by a case that was upheld.
    function invariant_promise4_holds() public view {
        assertEq(handler.paidOut() + handler.heldBalance() + handler.burned(), handler.earned(), "earned");
        assertEq(token.totalSupply(), handler.earned() - handler.burned(), "supply");
    }

    function invariant_refusals() public view {
        assertEq(handler.broken(), "");
    }

    /// @dev Promise 5: every owner can object and retire, every case ends, and no hold keeps anything.
    function invariant_promise5_drain() public {
        handler.drain();
        assertEq(handler.heldBalance(), 0, "a hold that nobody can settle");
        for (uint256 i = 0; i < handler.count(); ++i) {
            assertFalse(registry.isActiveAt(handler.bookOf(i).id, registry.currentEpoch()), "earns for ever");
        }
        invariant_promise4_holds();
        invariant_refusals();
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
