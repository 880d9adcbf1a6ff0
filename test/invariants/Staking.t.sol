// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOperatorStaking} from "../../contracts/interfaces/IOperatorStaking.sol";
import {OperatorStaking} from "../../contracts/staking/OperatorStaking.sol";
import {Token__MockForDevices} from "../../contracts/test/DeviceMocks.sol";
import {Campaign, Handler} from "./Handler.sol";
import {StakingHandler} from "./StakingHandler.sol";

/// @dev Adds who comes late, in one piece or in two.
contract StakingNewcomers is StakingHandler {
    /// @notice What one fleet earns in one distribution under one operator, or split over two.
    function earnAsFleet(uint256 seed, bool split) external returns (uint256 earned) {
        world.setBond(10e18);
        uint256 devices = 2 + (seed % 6);
        uint256 amount = bound(uint256(keccak256(abi.encode(seed))), devices * 10e18, 1e22);
        uint256 part = split ? 1 + ((seed >> 8) % (devices - 1)) : devices;
        uint256 rest = amount - devices * 10e18;
        uint256 partRest = split ? (rest * ((seed >> 16) % 101)) / 100 : rest;
        uint64 first = _newOperator(address(0xE1), part * 10e18 + partRest, 100, part);
        uint64 second;
        if (split) {
            uint256 left = amount - part * 10e18 - partRest;
            second = _newOperator(address(0xE2), left, 100 + part, devices - part);
        }
        vm.warp(block.timestamp + LENGTH);
        staking.refreshWeight(first);
        if (split) staking.refreshWeight(second);
        _distribute(1e24);
        earned = staking.claim(first, address(0xE1));
        if (split) earned += staking.claim(second, address(0xE2));
    }

    /// @notice What one wallet gets out that delegates, earns and leaves, or two wallets with a part each.
    function earnAsDelegator(uint256 seed, bool split) external returns (uint256 got) {
        uint64 op = _operator(uint64(seed));
        uint256 amount = bound(uint256(keccak256(abi.encode(seed))), 2e18, 1e22);
        uint256 part = split ? bound(seed, 1e18, amount - 1e18) : amount;
        _delegate(address(0xF1), op, part);
        if (split) _delegate(address(0xF2), op, amount - part);
        vm.warp(block.timestamp + LENGTH);
        staking.refreshWeight(op);
        _distribute(1e24);
        got = _leave(address(0xF1), op);
        if (split) got += _leave(address(0xF2), op);
    }

    function _newOperator(address controller, uint256 amount, uint256 from, uint256 count) private returns (uint64 op) {
        _fill(controller, amount);
        vm.startPrank(controller);
        op = staking.createOperator();
        staking.stake(op, amount);
        for (uint256 i = from; i < from + count; ++i) {
            world.setOwner(i, controller);
            staking.attachDevice(uint64(i), 1, op);
        }
        vm.stopPrank();
    }

    function _leave(address wallet, uint64 op) private returns (uint256) {
        _claim(op, wallet);
        uint24 generation = staking.trancheOf(op, false).generation;
        uint128 shares = staking.delegationOf(op, generation, wallet).shares;
        vm.prank(wallet);
        uint256 id = staking.undelegate(op, shares);
        vm.warp(block.timestamp + uint256(staking.unbondingEpochs()) * LENGTH);
        staking.release(id);
        return token.balanceOf(wallet);
    }
}

/// @notice Promises 4, 5 and 12 of stake, and what a delegator and a slasher rely on.
contract StakingInvariants is Campaign {
    StakingNewcomers internal handler;
    OperatorStaking internal staking;
    Token__MockForDevices internal token;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new StakingNewcomers();
        staking = handler.staking();
        token = handler.token();
        bytes4[] memory selectors = new bytes4[](16);
        selectors[0] = StakingHandler.stake.selector;
        selectors[1] = StakingHandler.delegate.selector;
        selectors[2] = StakingHandler.requestUnbond.selector;
        selectors[3] = StakingHandler.undelegate.selector;
        selectors[4] = StakingHandler.cancelUnbond.selector;
        selectors[5] = StakingHandler.release.selector;
        selectors[6] = StakingHandler.leaveRetired.selector;
        selectors[7] = StakingHandler.claim.selector;
        selectors[8] = StakingHandler.distribute.selector;
        selectors[9] = StakingHandler.refreshWeight.selector;
        selectors[10] = StakingHandler.slash.selector;
        selectors[11] = StakingHandler.attach.selector;
        selectors[12] = StakingHandler.detach.selector;
        selectors[13] = StakingHandler.setCommission.selector;
        selectors[14] = StakingHandler.setTerms.selector;
        selectors[15] = StakingHandler.warp.selector;
        _target(handler, selectors);
    }

    /// @dev Σ stake + unbonding + slashed (+ paid) = deposits + rewards, to the wei.
    function invariant_promise4_conservation() public view {
        uint256 staked = staking.totalStaked();
        uint256 rewards = staking.totalRewards();
        assertEq(
            staked + rewards + handler.slashed() + handler.paid(),
            handler.deposited() + handler.distributed(),
            "a wei is lost, or doubled"
        );
        uint256 waiting = handler.donated() - handler.distributed();
        assertEq(token.balanceOf(address(staking)), staked + rewards + waiting, "balance");
    }

    /// @dev The total is the buckets', and their shares are somebody's.
    function invariant_promise4_shares() public view {
        uint256 assets = 0;
        for (uint64 op = 1; op <= handler.OPERATORS(); ++op) {
            assets += _assetsOf(op, true) + _assetsOf(op, false);
        }
        assertEq(assets, staking.totalStaked(), "total");
    }

    function invariant_slashable() public view {
        assertEq(handler.brokenOf(handler.SLASHABLE()), "");
    }

    function invariant_sharePrice() public view {
        assertEq(handler.brokenOf(handler.PRICE()), "");
    }

    function invariant_requiredIsAttached() public view {
        for (uint64 op = 1; op <= handler.OPERATORS(); ++op) {
            assertEq(staking.operatorOf(op).required, handler.attachedBonds(op), "required");
        }
    }

    function invariant_refusals() public view {
        assertEq(handler.broken(), "");
    }

    /// @dev Promise 5: whatever happened, everybody leaves with what is theirs; some wei of rounding stay.
    /// forge-config: default.invariant.check_interval = 8
    /// forge-config: deep.invariant.check_interval = 16
    function invariant_promise5_drain() public {
        handler.drain();
        uint256 buckets = 0;
        for (uint64 op = 1; op <= handler.OPERATORS(); ++op) {
            buckets += uint256(staking.trancheOf(op, true).generation) + staking.trancheOf(op, false).generation + 2;
            assertEq(staking.operatorOf(op).required, 0, "a bond that nothing needs");
        }
        assertLe(staking.totalStaked(), 2 * buckets, "stake that nobody can take");
        assertLe(staking.totalRewards(), 10 * handler.useful() + handler.carry(), "rewards that nobody can take");
        invariant_promise4_conservation();
        invariant_refusals();
    }

    /// @dev Promise 12: one fleet or wallet earns what its parts earn, but for some wei of rounding and for what a
    /// distribution could not divide and leaves to the next.
    /// forge-config: default.invariant.check_interval = 16
    /// forge-config: deep.invariant.check_interval = 32
    function invariant_promise12_split() public {
        uint256 seed = uint256(keccak256(abi.encode(block.timestamp, handler.useful())));
        uint256 begin = vm.snapshotState();
        uint256 whole = handler.earnAsFleet(seed, false);
        whole += handler.carry() + 2;
        vm.revertToState(begin);
        assertLe(handler.earnAsFleet(seed, true), whole, "a fleet gains by splitting");
        vm.revertToState(begin);
        whole = handler.earnAsDelegator(seed, false);
        whole += handler.carry() + 2;
        vm.revertToState(begin);
        assertLe(handler.earnAsDelegator(seed, true), whole, "a wallet gains by splitting");
    }

    function _assetsOf(uint64 op, bool own) private view returns (uint256 assets) {
        uint24 last = staking.trancheOf(op, own).generation;
        for (uint24 g = 0; g <= last; ++g) {
            IOperatorStaking.Tranche memory t = staking.trancheAt(op, own, g);
            assets += t.assets;
            assertEq(t.unbondingShares, handler.requestedShares(op, own, g), "unbonding shares");
            if (own) continue;
            uint256 active = 0;
            for (uint256 i = 0; i < handler.PEOPLE(); ++i) {
                active += staking.delegationOf(op, g, handler.personOf(i)).shares;
            }
            assertEq(t.activeShares, active, "active shares");
        }
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
