// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {EmissionController} from "../../contracts/emissions/EmissionController.sol";
import {HalvingCurve} from "../../contracts/emissions/curves/HalvingCurve.sol";
import {IEmissionController, IEmissionCurve} from "../../contracts/interfaces/IEmissionController.sol";
import {GenesisAllocation, INetworkToken} from "../../contracts/interfaces/INetworkToken.sol";
import {Curve__MockForEmission, Settlement__MockForEmission} from "../../contracts/test/MoneyMocks.sol";
import {NetworkToken} from "../../contracts/token/NetworkToken.sol";
import {Campaign, Handler} from "./Handler.sol";

/// @dev Distributor, manager's admin, holder of the genesis and everybody else in one.
contract EmissionHandler is Handler {
    uint32 internal constant LENGTH = 1 days;
    uint256 internal constant INITIAL = 1_000_003e18 + 7;
    uint256 internal constant CAPACITY = 3 * INITIAL;
    uint256 internal constant GENESIS = 1e24;

    address public constant TREASURY = address(0x7EA);
    address public constant STAKERS = address(0x57A);

    NetworkToken public token;
    EmissionController public emissions;
    Settlement__MockForEmission public settlement;
    IEmissionCurve[3] public curves;

    // Ghosts, kept without reading the controller
    uint256 public curveSum; // Σ min(curve(e), capacity) over closed epochs, by the curve in force in e
    uint256 public burned;
    uint256 public paid; // what this contract, treasury and stakers got
    uint32 public closed;
    uint32[] private _fromEpochs;
    uint8[] private _whichCurve;

    constructor(uint256 cap) {
        AccessManager manager = new AccessManager(address(this));
        GenesisAllocation[] memory genesis = new GenesisAllocation[](1);
        genesis[0] = GenesisAllocation(address(this), GENESIS, 0, 0);
        token = new NetworkToken(address(manager), "T", "T", cap, genesis);
        curves[0] = new HalvingCurve(INITIAL, 3);
        curves[1] = new HalvingCurve(INITIAL / 7, 50);
        curves[2] = new Curve__MockForEmission(10 * CAPACITY); // more than the limiter holds
        emissions = new EmissionController(
            address(manager),
            address(token),
            0,
            LENGTH,
            address(curves[0]),
            IEmissionController.Buckets(6000, 1500, 2500),
            CAPACITY,
            CAPACITY / LENGTH
        );
        settlement = new Settlement__MockForEmission();
        token.setMinter(address(emissions));
        emissions.setDistributor(address(this));
        emissions.setSettlement(address(settlement));
        emissions.setReceiver("treasury", TREASURY);
        emissions.setReceiver("stakers", STAKERS);
        for (uint256 i = 0; i < 3; ++i) emissions.addSubNetwork(uint16(i), 0, "");
        _fromEpochs.push(0);
        _whichCurve.push(0);
    }

    // Actions

    function warp(uint256 by) external {
        vm.warp(block.timestamp + bound(by, 1, 4 * LENGTH));
        useful++;
    }

    function close() external {
        if (closed == emissions.currentEpoch()) {
            _refused(
                address(this),
                address(emissions),
                abi.encodeCall(emissions.closeEpoch, ()),
                IEmissionController.EmissionEpochNotEnded.selector,
                "an epoch that runs was closed"
            );
            vm.warp(emissions.epochGenesis() + (uint256(closed) + 1) * LENGTH);
        }
        _expectClose(emissions.closeEpoch());
        useful++;
    }

    /// @dev Lets the running epoch end and closes up to `n` of what is due.
    function closeMany(uint256 n) external {
        vm.warp(emissions.epochGenesis() + (uint256(emissions.currentEpoch()) + 1) * LENGTH);
        n = bound(n, 1, emissions.currentEpoch() - closed);
        uint32 first = closed;
        emissions.closeEpochs(uint32(n));
        for (uint32 i = 0; i < n; ++i) _expectClose(first + i);
        useful++;
    }

    function fund(uint256 sub, uint256 epoch) external {
        (uint16 s, uint32 e) = _pick(sub, epoch);
        uint256 amount = emissions.budgetOf(s, e);
        bytes4 error = _takeError(s, e);
        if (error == 0 && amount > emissions.rateAvailable()) error = IEmissionController.EmissionRateExceeded.selector;
        if (error == 0 && token.totalSupply() + amount > token.cap()) {
            error = INetworkToken.NetworkTokenCapExceeded.selector;
        }
        bytes memory data = abi.encodeCall(emissions.fund, (s, e));
        (bool done, ) = _expect(address(this), address(emissions), data, error, "fund");
        if (!done) return;
        paid += amount;
        useful++;
    }

    function reclaim(uint256 sub, uint256 epoch, bool asStranger, bool settleable) external {
        (uint16 s, uint32 e) = _pick(sub, epoch);
        settlement.setSettleable(s, e, settleable);
        bytes4 error =
            asStranger && settleable ? IEmissionController.EmissionStillSettleable.selector : _takeError(s, e);
        address caller = asStranger ? address(0xBAD) : address(this);
        bytes memory data = abi.encodeCall(emissions.reclaim, (s, e));
        (bool done, ) = _expect(caller, address(emissions), data, error, "reclaim");
        if (done) useful++;
    }

    function collectTreasury() external {
        (uint256 treasury, ) = emissions.collectable();
        _collect(abi.encodeCall(emissions.collectTreasury, ()), treasury);
    }

    function collectStakers() external {
        (, uint256 stakers) = emissions.collectable();
        _collect(abi.encodeCall(emissions.collectStakers, ()), stakers);
    }

    function setBuckets(uint256 devices, uint256 stakers) external {
        devices = bound(devices, 0, 10_000);
        stakers = bound(stakers, 0, 10_000 - devices);
        uint256 treasury = 10_000 - devices - stakers;
        IEmissionController.Buckets memory buckets = IEmissionController.Buckets(
            uint16(devices),
            uint16(stakers),
            uint16(treasury)
        );
        _set(abi.encodeCall(emissions.setBuckets, (buckets)), 0);
    }

    function setWeights(uint256 seed) external {
        uint16[] memory weights = new uint16[](emissions.subNetworkCount());
        uint256 left = 10_000;
        for (uint256 i = 0; i + 1 < weights.length; ++i) {
            weights[i] = uint16(uint256(keccak256(abi.encode(seed, i))) % (left + 1));
            left -= weights[i];
        }
        weights[weights.length - 1] = uint16(left);
        _set(abi.encodeCall(emissions.setWeights, (weights)), 0);
    }

    function setCurve(uint256 which) external {
        which = bound(which, 0, 2);
        _set(abi.encodeCall(emissions.setCurve, (address(curves[which]))), 0);
        _fromEpochs.push(emissions.currentEpoch() + 1);
        _whichCurve.push(uint8(which));
    }

    function addSubNetwork() external {
        bytes4 full = IEmissionController.EmissionTooManySubNetworks.selector;
        _set(abi.encodeCall(emissions.addSubNetwork, (0, 0, "")), emissions.subNetworkCount() == 16 ? full : bytes4(0));
    }

    function burn(uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(address(this)));
        token.burn(amount);
        burned += amount;
        useful++;
    }

    function mintAsStranger(address who) external {
        if (who == address(emissions)) who = address(this);
        bytes4 error = INetworkToken.NetworkTokenNotMinter.selector;
        _refused(who, address(token), abi.encodeCall(token.mint, (who, 1)), error, "a stranger minted");
    }

    function fundAsStranger(uint256 sub, uint256 epoch, address who) external {
        if (who == address(this)) who = address(emissions);
        (uint16 s, uint32 e) = _pick(sub, epoch);
        bytes4 error = IEmissionController.EmissionNotDistributor.selector;
        _refused(who, address(emissions), abi.encodeCall(emissions.fund, (s, e)), error, "a stranger funded");
    }

    /// @dev Closes what is due, takes every budget, collects both buckets: everybody gets what is theirs.
    function drain() external {
        while (closed < emissions.currentEpoch()) _expectClose(emissions.closeEpoch());
        uint16 count = emissions.subNetworkCount();
        for (uint32 e = 0; e < closed; ++e) {
            for (uint16 s = 1; s <= count; ++s) {
                if (emissions.isTaken(s, e)) continue;
                if (uint256(keccak256(abi.encode(s, e))) % 2 == 0) {
                    emissions.reclaim(s, e);
                } else {
                    vm.warp(block.timestamp + LENGTH);
                    paid += emissions.fund(s, e);
                }
            }
        }
        (uint256 treasury, uint256 stakers) = emissions.collectable();
        while (treasury + stakers > 0) {
            vm.warp(block.timestamp + LENGTH);
            if (treasury > 0) paid += emissions.collectTreasury();
            else paid += emissions.collectStakers();
            (treasury, stakers) = emissions.collectable();
        }
    }

    /// @dev Closes what is due and takes every budget back: nothing is minted.
    function drainUnminted() external {
        while (closed < emissions.currentEpoch()) _expectClose(emissions.closeEpoch());
        uint16 count = emissions.subNetworkCount();
        for (uint32 e = 0; e < closed; ++e) {
            for (uint16 s = 1; s <= count; ++s) {
                if (!emissions.isTaken(s, e)) emissions.reclaim(s, e);
            }
        }
    }

    // Views

    /// @dev Σ budgets of closed epochs that nobody took.
    function open() external view returns (uint256 sum) {
        uint16 count = emissions.subNetworkCount();
        for (uint32 e = 0; e < closed; ++e) {
            for (uint16 s = 1; s <= count; ++s) {
                if (!emissions.isTaken(s, e)) sum += emissions.budgetOf(s, e);
            }
        }
    }

    function genesis() external pure returns (uint256) {
        return GENESIS;
    }

    function _expectClose(uint32 epoch) private {
        _check(epoch == closed, "not the oldest open epoch");
        _check(epoch < emissions.currentEpoch(), "an epoch that runs");
        uint256 i = _fromEpochs.length - 1;
        while (_fromEpochs[i] > epoch) --i;
        uint256 amount = curves[_whichCurve[i]].emission(epoch);
        curveSum += amount < CAPACITY ? amount : CAPACITY;
        closed = epoch + 1;
    }

    /// @dev Mostly a budget that waits, as near as can be to what the fuzzer asks for; sometimes an open epoch.
    function _pick(uint256 sub, uint256 epoch) private view returns (uint16 s, uint32 e) {
        uint16 count = emissions.subNetworkCount();
        s = uint16(bound(sub, 1, count));
        e = uint32(bound(epoch, 0, closed));
        for (uint256 i = 0; i < count && emissions.isTaken(s, e); ++i) s = (s % count) + 1;
    }

    /// @dev Why a budget can not be taken; zero if it can.
    function _takeError(uint16 s, uint32 e) private view returns (bytes4) {
        if (e >= closed) return IEmissionController.EmissionEpochNotClosed.selector;
        return emissions.isTaken(s, e) ? IEmissionController.EmissionBudgetTaken.selector : bytes4(0);
    }

    function _collect(bytes memory data, uint256 waiting) private {
        (bool done, bytes memory answer) = _try(address(this), address(emissions), data);
        if (done) {
            uint256 amount = abi.decode(answer, (uint256));
            _check(amount > 0 && amount <= waiting, "more was collected than waited");
            paid += amount;
            useful++;
        } else if (waiting == 0) {
            _check(bytes4(answer) == IEmissionController.EmissionNothingToCollect.selector, "refused without a reason");
        } else {
            bool full = bytes4(answer) == IEmissionController.EmissionRateExceeded.selector;
            bool capped = bytes4(answer) == INetworkToken.NetworkTokenCapExceeded.selector;
            _check(full || capped, "refused without a reason");
        }
    }

    /// @dev Governance sets an epoch parameter: refused while an epoch is due, then due epochs are closed.
    function _set(bytes memory data, bytes4 error) private {
        if (closed < emissions.currentEpoch()) {
            bytes4 due = IEmissionController.EmissionEpochDue.selector;
            _refused(address(this), address(emissions), data, due, "set while an epoch is due");
            while (closed < emissions.currentEpoch()) _expectClose(emissions.closeEpoch());
        }
        (bool done, ) = _expect(address(this), address(emissions), data, error, "set");
        if (done) useful++;
    }
}

/// @notice Promise 1: Σ minted ≤ Σ curve, supply ≤ hard cap; every wei of the curve is somewhere.
contract EmissionInvariants is Campaign {
    EmissionHandler internal handler;
    EmissionController internal emissions;
    NetworkToken internal token;

    function setUp() public virtual {
        _setUp(1e30);
    }

    function _setUp(uint256 cap) internal {
        vm.warp(1_800_000_000);
        handler = new EmissionHandler(cap);
        emissions = handler.emissions();
        token = handler.token();
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = EmissionHandler.warp.selector;
        selectors[1] = EmissionHandler.close.selector;
        selectors[2] = EmissionHandler.closeMany.selector;
        selectors[3] = EmissionHandler.fund.selector;
        selectors[4] = EmissionHandler.reclaim.selector;
        selectors[5] = EmissionHandler.collectTreasury.selector;
        selectors[6] = EmissionHandler.collectStakers.selector;
        selectors[7] = EmissionHandler.setBuckets.selector;
        selectors[8] = EmissionHandler.setWeights.selector;
        selectors[9] = EmissionHandler.setCurve.selector;
        selectors[10] = EmissionHandler.addSubNetwork.selector;
        selectors[11] = EmissionHandler.burn.selector;
        selectors[12] = EmissionHandler.mintAsStranger.selector;
        selectors[13] = EmissionHandler.fundAsStranger.selector;
        _target(handler, selectors);
    }

    function invariant_promise1_mintedWithinCurve() public view {
        assertEq(handler.broken(), "");
        assertEq(emissions.totalScheduled(), handler.curveSum(), "scheduled is not the curve's sum");
        assertLe(emissions.totalMinted(), handler.curveSum(), "minted more than the curve");
    }

    function invariant_promise1_supply() public view {
        assertEq(token.totalSupply(), handler.genesis() + emissions.totalMinted() - handler.burned(), "supply");
        assertLe(token.totalSupply(), token.cap(), "cap");
    }

    function invariant_promise1_everyWeiIsSomewhere() public view {
        (uint256 treasury, uint256 stakers) = emissions.collectable();
        assertEq(
            emissions.totalScheduled(),
            emissions.totalMinted() + emissions.reserve() + treasury + stakers + handler.open(),
            "a wei of the curve is lost, or doubled"
        );
        assertEq(handler.paid(), emissions.totalMinted(), "minted to somebody else");
        assertEq(
            token.balanceOf(address(handler)) +
                token.balanceOf(handler.TREASURY()) +
                token.balanceOf(handler.STAKERS()) +
                handler.burned(),
            handler.genesis() + handler.paid(),
            "balances"
        );
    }

    /// @dev Promise 5: whatever happened, everybody can get what is theirs.
    /// forge-config: default.invariant.check_interval = 8
    /// forge-config: deep.invariant.check_interval = 16
    function invariant_promise5_drain() public virtual {
        handler.drain();
        assertEq(handler.open(), 0, "a budget that nobody can take");
        assertEq(emissions.totalMinted() + emissions.reserve(), handler.curveSum(), "something could not be taken out");
        invariant_promise1_supply();
        invariant_promise1_everyWeiIsSomewhere();
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}

/// @notice The same under a cap that the curve runs into: what does not fit is not minted.
contract EmissionCapInvariants is EmissionInvariants {
    function setUp() public override {
        _setUp(1e24 + 2_000_000e18);
    }

    /// @dev What does not fit under the cap waits for a burn; everything else can be closed and reclaimed.
    /// forge-config: default.invariant.check_interval = 8
    /// forge-config: deep.invariant.check_interval = 16
    function invariant_promise5_drain() public override {
        handler.drainUnminted();
        assertEq(handler.open(), 0, "a budget that nobody can take");
        invariant_promise1_supply();
        invariant_promise1_everyWeiIsSomewhere();
    }
}
