// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IOperatorStaking} from "../../contracts/interfaces/IOperatorStaking.sol";
import {OperatorStaking} from "../../contracts/staking/OperatorStaking.sol";
import {Token__MockForDevices} from "../../contracts/test/DeviceMocks.sol";
import {Handler} from "./Handler.sol";

/// @dev Devices that exist and are active, and the bond of their one model.
contract World {
    uint32 public constant challengeEpochs = 4;
    mapping(uint256 deviceId => address) public ownerOf;
    uint104 public bond = 10e18;

    function setOwner(uint256 deviceId, address owner) external {
        ownerOf[deviceId] = owner;
    }

    function setBond(uint104 bond_) external {
        bond = bond_;
    }

    function attachmentTerms(uint24) external view returns (uint104, uint16) {
        return (bond, 1);
    }

    function isActiveAt(uint64, uint32) external pure returns (bool) {
        return true;
    }

    function modelOfDevice(uint64) external pure returns (uint24) {
        return 1;
    }

    function getApproved(uint256) external pure returns (address) {
        return address(0);
    }

    function isApprovedForAll(address, address) external pure returns (bool) {
        return false;
    }
}

/// @dev Three operators, three delegators, four devices, the slasher and governance. Keeps its own books of every wei and
/// of every bond.
contract StakingHandler is Handler {
    uint32 public constant LENGTH = 1 days;
    uint64 public constant OPERATORS = 3;
    uint256 public constant PEOPLE = 3;
    uint64 internal constant DEVICES = 4;
    uint16 internal constant SUB_NETWORKS = 2;
    uint256 internal constant MIN_WEIGHT = 1 << 60;
    uint256 internal constant VIRTUAL_SHARES = 1000;

    bytes32 public constant PRICE = "price";
    bytes32 public constant SLASHABLE = "slashable";

    /// @dev Bucket of a tranche before an action.
    struct Price {
        uint24 generation;
        uint256 assets;
        uint256 shares;
    }

    struct Backing {
        uint64 operatorId;
        uint256 bond;
    }

    OperatorStaking public immutable staking;
    Token__MockForDevices public immutable token;
    World public immutable world;

    // Ghosts
    uint256 public deposited;
    uint256 public paid;
    uint256 public slashed;
    uint256 public distributed;
    uint256 public donated;
    uint256 public carry; // most that the last distribution could not divide
    mapping(uint64 operatorId => uint256) public attachedBonds;
    mapping(uint64 deviceId => mapping(uint16 sub => Backing)) internal _backings;
    uint256[] internal _requests;
    uint256 internal _faults;

    /// @dev Only a slash may lower the price of a share.
    modifier watched() {
        Price[] memory before = _prices();
        _;
        Price[] memory now_ = _prices();
        for (uint256 i = 0; i < before.length; ++i) {
            if (now_[i].generation != before[i].generation) {
                _hold(PRICE, false, "a bucket was retired without a slash");
                continue;
            }
            uint256 high = (now_[i].assets + 1) * (before[i].shares + VIRTUAL_SHARES);
            uint256 low = (before[i].assets + 1) * (now_[i].shares + VIRTUAL_SHARES);
            _hold(PRICE, high >= low, "the price of a share fell without a slash");
        }
    }

    constructor() {
        AccessManager manager = new AccessManager(address(this));
        token = new Token__MockForDevices();
        world = new World();
        staking = new OperatorStaking(
            address(manager),
            address(token),
            address(world),
            address(world),
            uint64(block.timestamp),
            LENGTH,
            3,
            3,
            9 days
        );
        staking.setSlasher(address(this));
        for (uint64 op = 1; op <= OPERATORS; ++op) {
            vm.prank(controllerOf(op));
            staking.createOperator();
            for (uint256 i = 0; i < PEOPLE; ++i) {
                vm.prank(controllerOf(op));
                staking.acceptOwner(op, personOf(i), true);
            }
        }
        for (uint64 d = 1; d <= DEVICES; ++d) world.setOwner(d, personOf(d % PEOPLE));
    }

    // Actions

    function stake(uint64 op, uint256 amount) external watched {
        _stake(_operator(op), bound(amount, 1, 1e24));
    }

    function delegate(uint256 who, uint64 op, uint256 amount) external watched {
        _delegate(personOf(who), _operator(op), bound(amount, staking.terms().minDelegation, 1e24));
    }

    /// @dev What is slashable after a request is what was slashable before.
    function requestUnbond(uint64 op, uint256 amount, bool tooMuch) external watched {
        op = _operator(op);
        uint256 active = _activeAssets(op, true);
        IOperatorStaking.Operator memory o = staking.operatorOf(op);
        uint256 most = o.stake > uint256(o.required) + 2 ? o.stake - o.required - 2 : 0;
        if (most > active) most = active;
        if (tooMuch || most == 0) {
            amount = bound(amount, 1, 1e24) + most + 1e6;
            bytes4 error =
                amount > active
                    ? IOperatorStaking.StakingExceeds.selector
                    : IOperatorStaking.OperatorUnderBonded.selector;
            bytes memory data = abi.encodeCall(staking.requestUnbond, (op, amount));
            _refused(controllerOf(op), address(staking), data, error, "an operator left its devices");
            return;
        }
        uint256 slashable = staking.slashableOf(op);
        vm.prank(controllerOf(op));
        _requests.push(staking.requestUnbond(op, bound(amount, 1, most)));
        _hold(SLASHABLE, staking.slashableOf(op) == slashable, "a request changed what is slashable");
        o = staking.operatorOf(op);
        _check(o.stake >= o.required, "a request left the operator under-bonded");
        useful++;
    }

    function undelegate(uint256 who, uint64 op, uint256 shares, bool tooMuch) external watched {
        op = _operator(op);
        address person = personOf(who);
        uint24 generation = staking.trancheOf(op, false).generation;
        uint256 held = staking.delegationOf(op, generation, person).shares;
        if (tooMuch) {
            bytes memory data = abi.encodeCall(staking.undelegate, (op, uint128(held + 1)));
            _refused(person, address(staking), data, IOperatorStaking.StakingExceeds.selector, "more than held");
            return;
        }
        if (held == 0) held = _delegate(person, op, bound(shares, staking.terms().minDelegation, 1e24));
        uint256 slashable = staking.slashableOf(op);
        vm.prank(person);
        _requests.push(staking.undelegate(op, uint128(bound(shares, 1, held))));
        _hold(SLASHABLE, staking.slashableOf(op) == slashable, "a request changed what is slashable");
        useful++;
    }

    function cancelUnbond(uint256 i, bool asStranger) external watched {
        if (_requests.length == 0) return _distribute(i);
        i = i % _requests.length;
        IOperatorStaking.Unbonding memory u = staking.unbondingOf(_requests[i]);
        bytes memory data = abi.encodeCall(staking.cancelUnbond, (_requests[i]));
        bytes4 error =
            staking.trancheOf(u.operatorId, u.own).generation == u.generation
                ? bytes4(0)
                : IOperatorStaking.BucketGeneration.selector;
        if (asStranger) error = IOperatorStaking.UnbondingNotOwner.selector;
        uint256 slashable = staking.slashableOf(u.operatorId);
        (bool done, ) = _expect(asStranger ? address(this) : u.owner, address(staking), data, error, "cancel");
        _hold(SLASHABLE, staking.slashableOf(u.operatorId) == slashable, "a cancel changed what is slashable");
        if (!done) return;
        _forget(i);
        useful++;
    }

    function release(uint256 i, bool wait) external watched {
        if (_requests.length == 0) return _distribute(i);
        i = i % _requests.length;
        uint256 due = staking.unbondingOf(_requests[i]).releaseAt;
        if (wait && block.timestamp < due) vm.warp(due);
        if (block.timestamp < due) {
            bytes4 error = IOperatorStaking.UnbondingNotReleased.selector;
            bytes memory data = abi.encodeCall(staking.release, (_requests[i]));
            _refused(address(this), address(staking), data, error, "released before its time");
        } else {
            _release(i);
        }
    }

    function leaveRetired(uint64 op, bool own, uint256 who, uint24 generation) external watched {
        op = _operator(op);
        address account = own ? controllerOf(op) : personOf(who);
        uint24 current = staking.trancheOf(op, own).generation;
        bytes memory data = abi.encodeCall(staking.leaveRetired, (op, own, current));
        _refused(account, address(staking), data, IOperatorStaking.BucketGeneration.selector, "a bucket in use");
        if (current != 0) _leaveRetired(op, own, account, generation % current);
    }

    function claim(uint64 op, uint256 who, bool controller) external watched {
        op = _operator(op);
        _claim(op, controller ? controllerOf(op) : personOf(who));
    }

    function distribute(uint256 amount) external watched {
        _distribute(amount);
    }

    function refreshWeight(uint64 op) external watched {
        staking.refreshWeight(_operator(op));
        useful++;
    }

    /// @dev Own tranche first; a fault once; bounty and burn add up to what was taken.
    function slash(uint64 op, uint256 amount, bool all) external {
        op = _operator(op);
        uint256 slashable = staking.slashableOf(op);
        uint256 own = staking.trancheOf(op, true).assets;
        uint256 supply = token.totalSupply();
        uint256 before = token.balanceOf(address(0xB0));
        amount = all ? slashable : bound(amount, 1, slashable + 1e18);
        bytes32 fault = bytes32(++_faults);
        uint256 taken = staking.slash(op, amount, fault, address(0xB0));
        uint256 bounty = token.balanceOf(address(0xB0)) - before;
        _check(taken <= amount && taken <= slashable, "more was slashed than there was");
        _check(bounty == (taken * staking.terms().bountyBps) / 10_000, "bounty");
        _check(supply - token.totalSupply() == taken - bounty, "the rest is burned");
        if (own != 0 && taken < own) {
            _check(staking.slashableOf(op) + taken <= slashable, "slashed and still slashable");
        }
        slashed += taken;
        useful++;
        bytes memory data = abi.encodeCall(staking.slash, (op, amount, fault, address(0)));
        bytes4 twice = IOperatorStaking.FaultAlreadySlashed.selector;
        if (taken != 0) _refused(address(this), address(staking), data, twice, "a fault was slashed twice");
        bytes4 stranger = IOperatorStaking.StakingNotSlasher.selector;
        _refused(controllerOf(op), address(staking), data, stranger, "a stranger slashed");
    }

    function attach(uint64 device, uint16 sub, uint64 op) external watched {
        (device, sub, op) = (_device(device), _sub(sub), _operator(op));
        bytes memory data = abi.encodeCall(staking.attachDevice, (device, sub, op));
        IOperatorStaking.Operator memory o = staking.operatorOf(op);
        uint256 bond = world.bond();
        (bool done, bytes memory answer) = _try(world.ownerOf(device), address(staking), data);
        bool covered = o.stake >= o.required + bond;
        bool taken = _backings[device][sub].operatorId != 0;
        if (done) {
            _check(covered && !taken, "attached without a bond, or twice");
            _backings[device][sub] = Backing(op, bond);
            attachedBonds[op] += bond;
            useful++;
        } else if (taken) {
            _check(bytes4(answer) == IOperatorStaking.AttachmentExists.selector, "attach");
        } else if (bytes4(answer) != IOperatorStaking.AttachmentRecentlyEnded.selector) {
            _check(!covered && bytes4(answer) == IOperatorStaking.OperatorUnderBonded.selector, "attach");
        }
    }

    function detach(uint64 device, uint16 sub, bool byController) external watched {
        (device, sub) = (_device(device), _sub(sub));
        uint64 op = _backings[device][sub].operatorId;
        if (op != 0) return _detach(device, sub, byController ? controllerOf(op) : world.ownerOf(device));
        bytes memory data = abi.encodeCall(staking.detachDevice, (device, sub));
        bytes4 error = IOperatorStaking.AttachmentUnknown.selector;
        _refused(world.ownerOf(device), address(staking), data, error, "detached what is not attached");
    }

    function setCommission(uint64 op, uint256 bps) external watched {
        op = _operator(op);
        uint256 most = staking.earningOf(op).commissionBps + 500;
        vm.prank(controllerOf(op));
        staking.setCommission(op, uint16(bound(bps, 0, most > 10_000 ? 10_000 : most)));
        useful++;
    }

    function setTerms(uint256 cap, uint256 bounty, uint256 multiple, uint96 bond) external watched {
        staking.setTerms(
            IOperatorStaking.Terms(
                uint16(bound(cap, 5_000, 10_000)),
                uint16(bound(bounty, 0, 1_000)),
                uint16(bound(multiple, 1, 100)),
                1e18
            )
        );
        world.setBond(uint104(bound(bond, 0, 1e22)));
        useful++;
    }

    function warp(uint256 by) external watched {
        vm.warp(block.timestamp + bound(by, 1, 2 * LENGTH));
        useful++;
    }

    // Drain

    /// @dev Everybody leaves: devices first, then who backs them, then what was retired and what was earned.
    function drain() external {
        for (uint64 d = 1; d <= DEVICES; ++d) {
            for (uint16 sub = 1; sub <= SUB_NETWORKS; ++sub) {
                if (_backings[d][sub].operatorId != 0) _detach(d, sub, world.ownerOf(d));
            }
        }
        for (uint64 op = 1; op <= OPERATORS; ++op) {
            uint256 own = _activeAssets(op, true);
            if (own != 0) {
                vm.prank(controllerOf(op));
                _requests.push(staking.requestUnbond(op, own));
            }
            for (uint256 i = 0; i < PEOPLE; ++i) {
                uint24 generation = staking.trancheOf(op, false).generation;
                uint128 held = staking.delegationOf(op, generation, personOf(i)).shares;
                if (held != 0) {
                    vm.prank(personOf(i));
                    _requests.push(staking.undelegate(op, held));
                }
                for (uint24 g = 0; g < generation; ++g) _leaveRetired(op, false, personOf(i), g);
                _claim(op, personOf(i));
            }
            uint24 generations = staking.trancheOf(op, true).generation;
            for (uint24 g = 0; g < generations; ++g) _leaveRetired(op, true, controllerOf(op), g);
            _claim(op, controllerOf(op));
        }
        vm.warp(block.timestamp + uint256(staking.unbondingEpochs()) * LENGTH);
        while (_requests.length > 0) _release(_requests.length - 1);
    }

    // Views

    function controllerOf(uint64 op) public pure returns (address) {
        return address(uint160(0xc000 + op));
    }

    function personOf(uint256 who) public pure returns (address) {
        return address(uint160(0xd000 + (who % PEOPLE)));
    }

    /// @notice Shares that the live requests name.
    function requestedShares(uint64 op, bool own, uint24 generation) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _requests.length; ++i) {
            IOperatorStaking.Unbonding memory u = staking.unbondingOf(_requests[i]);
            if (u.operatorId == op && u.own == own && u.generation == generation) sum += u.shares;
        }
    }

    // Internal

    function _stake(uint64 op, uint256 amount) internal {
        address controller = controllerOf(op);
        _fill(controller, amount);
        vm.prank(controller);
        staking.stake(op, amount);
        deposited += amount;
        useful++;
    }

    function _delegate(address person, uint64 op, uint256 amount) internal returns (uint256 shares) {
        _fill(person, amount);
        vm.prank(person);
        shares = staking.delegate(op, amount, 1);
        deposited += amount;
        useful++;
    }

    function _fill(address who, uint256 amount) internal {
        token.mint(who, amount);
        vm.prank(who);
        token.approve(address(staking), amount);
    }

    function _distribute(uint256 amount) internal {
        amount = bound(amount, 1, 1e24);
        token.mint(address(staking), amount);
        donated += amount;
        bytes4 error = staking.totalWeight() < MIN_WEIGHT ? IOperatorStaking.StakingNoWeight.selector : bytes4(0);
        bytes memory data = abi.encodeCall(staking.distribute, ());
        (bool done, bytes memory answer) = _expect(address(this), address(staking), data, error, "distribute");
        if (!done) return;
        _check(abi.decode(answer, (uint256)) == donated - distributed, "not all that arrived was distributed");
        distributed = donated;
        carry = (staking.totalWeight() >> 56) + 1;
        useful++;
    }

    function _release(uint256 i) internal {
        address owner = staking.unbondingOf(_requests[i]).owner;
        uint256 before = token.balanceOf(owner);
        staking.release(_requests[i]);
        paid += token.balanceOf(owner) - before;
        _forget(i);
        useful++;
    }

    function _leaveRetired(uint64 op, bool own, address account, uint24 generation) internal {
        bytes memory data = abi.encodeCall(staking.leaveRetired, (op, own, generation));
        (bool done, bytes memory answer) = _try(account, address(staking), data);
        if (!done) return _check(bytes4(answer) == IOperatorStaking.StakingZeroAmount.selector, "leaveRetired");
        paid += abi.decode(answer, (uint256));
        useful++;
    }

    function _claim(uint64 op, address account) internal {
        bytes memory data = abi.encodeCall(staking.claim, (op, account));
        (bool done, bytes memory answer) = _try(address(this), address(staking), data);
        if (!done) return _check(bytes4(answer) == IOperatorStaking.StakingZeroAmount.selector, "claim");
        paid += abi.decode(answer, (uint256));
        useful++;
    }

    function _detach(uint64 device, uint16 sub, address caller) internal {
        Backing memory b = _backings[device][sub];
        vm.prank(caller);
        staking.detachDevice(device, sub);
        attachedBonds[b.operatorId] -= b.bond;
        delete _backings[device][sub];
        useful++;
    }

    function _forget(uint256 i) internal {
        _requests[i] = _requests[_requests.length - 1];
        _requests.pop();
    }

    function _prices() internal view returns (Price[] memory prices) {
        prices = new Price[](2 * OPERATORS);
        for (uint64 i = 0; i < 2 * OPERATORS; ++i) {
            IOperatorStaking.Tranche memory t = staking.trancheOf(i / 2 + 1, i % 2 == 0);
            prices[i] = Price(t.generation, t.assets, uint256(t.activeShares) + t.unbondingShares);
        }
    }

    function _activeAssets(uint64 op, bool own) internal view returns (uint256) {
        IOperatorStaking.Tranche memory t = staking.trancheOf(op, own);
        uint256 shares = uint256(t.activeShares) + t.unbondingShares;
        return (uint256(t.activeShares) * (uint256(t.assets) + 1)) / (shares + VIRTUAL_SHARES);
    }

    function _operator(uint64 op) internal pure returns (uint64) {
        return (op % OPERATORS) + 1;
    }

    function _device(uint64 device) internal pure returns (uint64) {
        return (device % DEVICES) + 1;
    }

    function _sub(uint16 sub) internal pure returns (uint16) {
        return (sub % SUB_NETWORKS) + 1;
    }
}
