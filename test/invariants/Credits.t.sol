// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IDataCredits} from "../../contracts/interfaces/IDataCredits.sol";
import {GenesisAllocation} from "../../contracts/interfaces/INetworkToken.sol";
import {IPriceGuard} from "../../contracts/interfaces/IPriceGuard.sol";
import {Feed__MockForPriceGuard} from "../../contracts/test/MoneyMocks.sol";
import {DataCredits} from "../../contracts/token/DataCredits.sol";
import {NetworkToken} from "../../contracts/token/NetworkToken.sol";
import {PriceGuard} from "../../contracts/token/PriceGuard.sol";
import {Campaign, Handler} from "./Handler.sol";

/// @dev Three customers, two feeds that move and break, and the manager's admin.
contract CreditsHandler is Handler {
    uint32 internal constant LENGTH = 1 days;
    uint256 internal constant HOLDING = 1e27;
    uint64 internal constant MIN_E8 = 1e4;
    uint64 internal constant MAX_E8 = 1e12;

    NetworkToken public token;
    DataCredits public credits;
    PriceGuard public guard;
    Feed__MockForPriceGuard[2] public feeds;
    address[3] public actors = [address(0xA11CE), address(0xB0B), address(0xCA401)];
    int256 internal level = 1e8;

    // Ghosts
    uint256 public minted;
    uint256 public spent;
    uint256 public burned;
    uint32 public lastEpoch;

    constructor() {
        AccessManager manager = new AccessManager(address(this));
        GenesisAllocation[] memory genesis = new GenesisAllocation[](3);
        for (uint256 i = 0; i < 3; ++i) genesis[i] = GenesisAllocation(actors[i], HOLDING, 0, 0);
        token = new NetworkToken(address(manager), "T", "T", 1e30, genesis);
        guard = new PriceGuard(address(manager), 6 hours, 0, IPriceGuard.Bounds(MIN_E8, MAX_E8, 500));
        feeds[0] = new Feed__MockForPriceGuard(8, 1e8);
        feeds[1] = new Feed__MockForPriceGuard(18, 1e18);
        guard.setSources(IPriceGuard.Source(address(feeds[0]), 7 days), IPriceGuard.Source(address(feeds[1]), 7 days));
        credits = new DataCredits(address(manager), address(token), 0, LENGTH, 9 days);
        credits.setPriceGuard(address(guard));
        credits.setSpender(address(this), true);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(actors[i]);
            token.approve(address(credits), type(uint256).max);
        }
    }

    // Actions

    function mintExactIn(uint256 who, uint256 to, uint256 tokens) external {
        address payer = actors[who % 3];
        tokens = bound(tokens, 1, token.balanceOf(payer) / 4);
        bytes memory data = abi.encodeCall(credits.mintExactIn, (tokens, 0, actors[to % 3], block.timestamp));
        uint256 priceE8 = _priceFor(payer, data);
        bytes4 error = tokens * priceE8 < 1e21 ? IDataCredits.DataCreditsZeroAmount.selector : bytes4(0);
        (bool done, bytes memory answer) = _expect(payer, address(credits), data, error, "mintExactIn");
        if (!done) return;
        uint256 out = abi.decode(answer, (uint256));
        _paid(tokens, out, priceE8);
        // Not one credit less than is due.
        _check((out + 1) * 1e21 > tokens * priceE8, "too few credits");
    }

    function mintExactOut(uint256 who, uint256 to, uint256 out) external {
        _mintExactOut(actors[who % 3], actors[to % 3], out);
    }

    function spend(uint256 who, uint16 sub, uint256 amount) external {
        address payer = _holder(who);
        amount = bound(amount, 1, credits.balanceOf(payer));
        vm.prank(payer);
        credits.spend(sub % 17, amount);
        spent += amount;
        useful++;
    }

    function spendFrom(uint256 who, uint16 sub, uint256 amount) external {
        address payer = _holder(who);
        amount = bound(amount, 1, credits.balanceOf(payer));
        credits.spendFrom(payer, sub % 17, amount);
        spent += amount;
        useful++;
    }

    function spendMore(uint256 who, uint256 amount, bool byOne) external {
        address payer = actors[who % 3];
        uint256 least = credits.balanceOf(payer) + 1;
        amount = byOne ? least : bound(amount, least, type(uint256).max);
        bytes memory data = abi.encodeCall(credits.spend, (0, amount));
        bytes4 error = IDataCredits.DataCreditsInsufficient.selector;
        _refused(payer, address(credits), data, error, "more was spent than was held");
    }

    function spendFromAsStranger(address stranger, uint256 who, uint256 amount) external {
        if (stranger == address(this)) stranger = address(credits);
        address payer = _holder(who);
        amount = bound(amount, 1, credits.balanceOf(payer));
        bytes memory data = abi.encodeCall(credits.spendFrom, (payer, 0, amount));
        _refused(stranger, address(credits), data, IDataCredits.DataCreditsNotSpender.selector, "a stranger spent");
    }

    function movePrice(uint256 to, uint256 gapBps) external {
        level = int256(bound(to, MIN_E8 / 2, MAX_E8 * 2));
        // Mostly within the deviation of 500 bps, sometimes not.
        int256 other = level + (level * int256(bound(gapBps, 0, 600))) / 10_000;
        feeds[0].set(Feed__MockForPriceGuard.Mode.Answer, level, block.timestamp);
        feeds[1].set(Feed__MockForPriceGuard.Mode.Answer, other * 1e10, block.timestamp);
        useful++;
    }

    function drift(uint256 bps) external {
        level = (level * int256(bound(bps, 9_500, 10_600))) / 10_000;
        feeds[0].set(Feed__MockForPriceGuard.Mode.Answer, level, block.timestamp);
        feeds[1].set(Feed__MockForPriceGuard.Mode.Answer, level * 1e10, block.timestamp);
        useful++;
    }

    function breakFeed(uint256 which, uint8 mode) external {
        feeds[which % 2].set(Feed__MockForPriceGuard.Mode(mode % 5), level, block.timestamp);
        useful++;
    }

    function poke() external {
        uint256 priceE8 = _priceFor(address(this), "");
        _check(guard.poke() == priceE8, "the view and the poke disagree");
        useful++;
    }

    function warp(uint256 by) external {
        vm.warp(block.timestamp + bound(by, 1, 12 hours));
        lastEpoch = credits.currentEpoch();
        useful++;
    }

    /// @dev Everybody uses what he holds; no price is needed for it.
    function drain() external {
        for (uint256 i = 0; i < 2; ++i) feeds[i].set(Feed__MockForPriceGuard.Mode.Revert, 0, 0);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 held = credits.balanceOf(actors[i]);
            if (held == 0) continue;
            vm.prank(actors[i]);
            credits.spend(1, held);
            spent += held;
        }
    }

    function genesis() external pure returns (uint256) {
        return 3 * HOLDING;
    }

    /// @dev What a mint must be priced at: never above any healthy feed, never outside the band.
    function _priceNow() private returns (uint256 priceE8) {
        priceE8 = guard.mintPriceE8();
        (, uint256 spotE8, uint256 averageE8) = guard.read();
        _check(priceE8 == (spotE8 < averageE8 ? spotE8 : averageE8), "not the lower of spot and average");
        _check(priceE8 <= uint256(level) + (uint256(level) * 600) / 10_000, "above every feed");
        _check(priceE8 >= MIN_E8 && priceE8 <= MAX_E8, "outside the band");
    }

    /// @dev The price of a mint by `data`. While the guard has none, the mint and a poke are refused; then both feeds
    /// answer again.
    function _priceFor(address payer, bytes memory data) private returns (uint256) {
        (IPriceGuard.PriceState state, , ) = guard.read();
        if (state == IPriceGuard.PriceState.Halted) {
            bytes4 halted = IPriceGuard.PriceGuardHalted.selector;
            _refused(address(this), address(guard), abi.encodeCall(guard.poke, ()), halted, "a poke without a price");
            if (data.length > 0) _refused(payer, address(credits), data, halted, "minted without a price");
            level = int256(bound(uint256(level), MIN_E8, MAX_E8));
            feeds[0].set(Feed__MockForPriceGuard.Mode.Answer, level, block.timestamp);
            feeds[1].set(Feed__MockForPriceGuard.Mode.Answer, level * 1e10, block.timestamp);
        }
        return _priceNow();
    }

    function _mintExactOut(address payer, address to, uint256 out) private {
        uint256 most = token.balanceOf(payer) / 4;
        uint256 priceE8 = _priceFor(
            payer,
            abi.encodeCall(credits.mintExactOut, (1, type(uint256).max, to, block.timestamp))
        );
        out = bound(out, 1, (most * priceE8) / 1e21);
        vm.prank(payer);
        uint256 tokens = credits.mintExactOut(out, type(uint256).max, to, block.timestamp);
        _paid(tokens, out, priceE8);
        // Not one wei more than is due.
        _check((tokens - 1) * priceE8 < out * 1e21, "too many tokens");
    }

    /// @dev Somebody who holds credits; who is asked for gets some if nobody does.
    function _holder(uint256 who) private returns (address holder) {
        for (uint256 i = 0; i < 3; ++i) {
            holder = actors[((who % 3) + i) % 3];
            if (credits.balanceOf(holder) > 0) return holder;
        }
        _mintExactOut(holder, holder, who);
    }

    function _paid(uint256 tokens, uint256 out, uint256 priceE8) private {
        _check(tokens * priceE8 >= out * 1e21, "credits that nobody paid for");
        minted += out;
        burned += tokens;
        useful++;
    }
}

/// @notice Promise 3: credits = minted − spent, each paid for.
contract CreditsInvariants is Campaign {
    CreditsHandler internal handler;
    DataCredits internal credits;
    NetworkToken internal token;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new CreditsHandler();
        credits = handler.credits();
        token = handler.token();
        bytes4[] memory selectors = new bytes4[](11);
        selectors[0] = CreditsHandler.mintExactIn.selector;
        selectors[1] = CreditsHandler.mintExactOut.selector;
        selectors[2] = CreditsHandler.spend.selector;
        selectors[3] = CreditsHandler.spendFrom.selector;
        selectors[4] = CreditsHandler.spendMore.selector;
        selectors[5] = CreditsHandler.spendFromAsStranger.selector;
        selectors[6] = CreditsHandler.movePrice.selector;
        selectors[7] = CreditsHandler.drift.selector;
        selectors[8] = CreditsHandler.breakFeed.selector;
        selectors[9] = CreditsHandler.poke.selector;
        selectors[10] = CreditsHandler.warp.selector;
        _target(handler, selectors);
    }

    function invariant_promise3_supply() public view {
        assertEq(handler.broken(), "");
        assertEq(credits.totalMinted(), handler.minted(), "minted");
        assertEq(credits.totalSpent(), handler.spent(), "spent");
        assertEq(credits.totalSupply(), handler.minted() - handler.spent(), "supply");
        uint256 held = 0;
        for (uint256 i = 0; i < 3; ++i) held += credits.balanceOf(handler.actors(i));
        assertEq(held, credits.totalSupply(), "balances");
    }

    function invariant_promise3_paidByBurning() public view {
        assertEq(token.totalSupply(), handler.genesis() - handler.burned(), "burned");
        assertEq(token.balanceOf(address(credits)), 0, "the contract keeps no token");
        uint256 byEpoch = 0;
        uint256 spentByEpoch = 0;
        for (uint32 e = 0; e <= handler.lastEpoch(); ++e) {
            byEpoch += credits.tokensBurnedIn(e);
            for (uint16 s = 0; s < 17; ++s) spentByEpoch += credits.spentIn(s, e);
        }
        assertEq(byEpoch, handler.burned(), "burned by epoch");
        assertEq(spentByEpoch, handler.spent(), "spent by epoch and sub-network");
    }

    /// @dev Promise 5: whatever the feeds do, everybody can use what he holds.
    function invariant_promise5_drain() public {
        handler.drain();
        assertEq(credits.totalSupply(), 0, "credits that cannot be used");
        invariant_promise3_supply();
        invariant_promise3_paidByBurning();
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
