// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ReportIdentity} from "../../contracts/interfaces/IReportReceiver.sol";
import {IRewardDistributor, PotId} from "../../contracts/interfaces/IRewardDistributor.sol";
import {ISettlementOracle, Settlement} from "../../contracts/interfaces/ISettlementOracle.sol";
import {RewardDistributor} from "../../contracts/settlement/RewardDistributor.sol";
import {SettlementOracle} from "../../contracts/settlement/SettlementOracle.sol";
import {SettlementTrees} from "../../contracts/settlement/SettlementTrees.sol";
import {
    EmissionController__MockForSettlement,
    NetworkToken__MockForSettlement
} from "../../contracts/test/EmissionController__MockForSettlement.sol";
import {Campaign, Handler} from "./Handler.sol";

/// @dev The reporter's forwarder, guardian and timelock in one, and everybody else. Reports honest and false roots,
/// cancels, finalises, claims with true and false leaves, reclaims, warps. Keeps its own books beside the contracts'.
contract SettlementHandler is Handler {
    uint16 public constant SUB_NETWORKS = 2;
    uint256 public constant PAYEES = 4;
    uint32 public constant TERM = 3;

    SettlementOracle public immutable oracle;
    RewardDistributor public immutable distributor;
    EmissionController__MockForSettlement public immutable emissions;

    /// @dev A settlement that was reported, its parent's epoch, and the cumulative amounts its root stands for.
    struct Reported {
        Settlement s;
        uint32 parentEpoch;
        bool honest;
        uint128[PAYEES] cumulative;
    }

    Reported[] internal _reported;
    mapping(uint16 sub => uint256[]) internal _chain; // indices of the chain's settlements, final ones first
    mapping(uint16 sub => uint256) internal _finals; // how many of them are final
    mapping(PotId pot => uint256) public sumOfBudgets; // of every epoch that was given one
    mapping(PotId pot => uint256) public fundedByBooks;
    mapping(PotId pot => uint256) public claimedByBooks;
    mapping(PotId pot => bool) public isFalse; // some final root of it was not honest
    mapping(PotId pot => uint256) public lastFinal; // index + 1 of the settlement whose root the pot has
    mapping(address payee => uint256) public paidByBooks;
    mapping(uint16 sub => mapping(uint32 epoch => bool)) public reclaimed;
    uint256 public mintedByBooks;

    constructor(
        SettlementOracle oracle_,
        RewardDistributor distributor_,
        EmissionController__MockForSettlement emissions_
    ) {
        (oracle, distributor, emissions) = (oracle_, distributor_, emissions_);
    }

    // -------------------------------------------------------------------------------------------------- actions

    function report(uint16 sub, uint32 skip, uint8 kind, uint256 seed) external {
        sub = _sub(sub);
        ISettlementOracle.Head memory head = oracle.headOf(sub);
        uint32 epoch = head.epoch + 1 + (skip % 8 == 0 ? 1 : 0);
        if (block.timestamp + oracle.window() > oracle.resettleBy(epoch)) epoch = oracle.currentEpoch() - 1;
        if (epoch <= head.epoch) return;
        uint256 end = oracle.epochGenesis() + (uint256(epoch) + 1) * oracle.epochLength();
        if (block.timestamp < end) vm.warp(end);

        PotId pot = SettlementTrees.potOf(sub, epoch / TERM);
        if (emissions.budgetOf(sub, epoch) == 0) {
            uint256 given = bound(seed, 1, 1e24);
            emissions.setBudget(sub, epoch, given);
            sumOfBudgets[pot] += given;
        }
        Reported storage r = _reported.push();
        r.parentEpoch = head.epoch;
        _fillPayouts(r, sub, epoch, kind, seed);
        r.s.schema = 1;
        r.s.chainId = uint64(block.chainid);
        r.s.receiver = address(oracle);
        r.s.subNetwork = sub;
        r.s.term = epoch / TERM;
        r.s.epoch = epoch;
        r.s.attempt = head.attempt;
        r.s.parent = head.id;
        r.s.validUntil = type(uint64).max;
        r.s.dataHash = bytes32(seed);
        oracle.onReport(new bytes(64), abi.encode(r.s));
        _chain[sub].push(_reported.length - 1);
        useful++;
    }

    /// @dev The next of the chain: must succeed after its window.
    function finaliseNext(uint16 sub) external {
        sub = _sub(sub);
        if (_finals[sub] == _chain[sub].length) return;
        Reported storage r = _reported[_chain[sub][_finals[sub]]];
        (, uint32 deadline, ) = oracle.settlementOf(sub, r.s.epoch);
        if (block.timestamp < deadline) vm.warp(deadline);
        _finalised(_chain[sub][_finals[sub]]);
        useful++;
    }

    /// @dev Any settlement ever reported: only the next of its chain, after its window, may pass.
    function finaliseAny(uint256 i) external {
        if (_reported.length == 0) return;
        i = i % _reported.length;
        Reported storage r = _reported[i];
        uint16 sub = r.s.subNetwork;
        bool isNext = _finals[sub] < _chain[sub].length && _chain[sub][_finals[sub]] == i;
        (, uint32 deadline, ) = oracle.settlementOf(sub, r.s.epoch);
        if (isNext && block.timestamp >= deadline) return _finalised(i);
        (bool done, ) = _try(address(this), address(oracle), abi.encodeCall(oracle.finalise, (r.s, r.parentEpoch)));
        _check(!done, "a settlement was final out of turn");
    }

    /// @dev Any settlement ever reported, by the guardian or by vote: only a pending one of the chain may go.
    function cancel(uint256 i, bool byVote) external {
        if (_reported.length == 0) return;
        i = i % _reported.length;
        Reported storage r = _reported[i];
        uint16 sub = r.s.subNetwork;
        uint256[] storage chain = _chain[sub];
        uint256 place = _finals[sub];
        while (place < chain.length && chain[place] != i) place++;
        bool pending = place < chain.length;
        bool may = byVote || !oracle.isGuardianSpent(sub);
        (, uint32 deadline, ) = oracle.settlementOf(sub, r.s.epoch);
        if (!byVote && block.timestamp >= deadline) may = false;
        bytes memory data =
            byVote
                ? abi.encodeCall(oracle.cancelByVote, (r.s, r.parentEpoch))
                : abi.encodeCall(oracle.cancel, (r.s, r.parentEpoch));
        (bool done, ) = _try(address(this), address(oracle), data);
        _check(done == (pending && may), "cancel did not do what it should");
        if (done) while (chain.length > place) chain.pop();
        useful++;
    }

    /// @dev A true leaf of the pot's root; with `wrong`, one of seven things about it is false.
    function claim(uint256 which, uint256 who, uint8 wrong) external {
        uint256 count = distributor.potCount();
        if (count == 0) return;
        PotId pot = distributor.potAt(which % count);
        Reported storage r = _reported[lastFinal[pot] - 1];
        who = who % PAYEES;
        (address payee, uint128 cumulative, uint32 index) = (payeeOf(who), r.cumulative[who], uint32(who));
        bytes32[] memory proof = proofOf(r, who);
        PotId named = pot;
        wrong = wrong % 16;
        if (wrong == 1) cumulative += 1;
        if (wrong == 2) payee = address(this);
        if (wrong == 3) index += 4;
        if (wrong == 4) named = PotId.wrap(PotId.unwrap(pot) ^ 1);
        if (wrong == 5) named = PotId.wrap(PotId.unwrap(pot) ^ (3 << 32));
        if (wrong == 6) (proof[0], proof[1]) = (proof[1], proof[0]);
        if (wrong == 7)
            assembly {
                mstore(proof, 1)
            }
        uint256 due = _due(pot, payee, cumulative);
        IRewardDistributor.Pot memory p = distributor.potOf(pot);
        bool may = (wrong == 0 || wrong > 7) && due != 0 && due <= p.funded - p.claimed;
        bytes memory data = abi.encodeCall(distributor.claim, (named, index, payee, cumulative, proof));
        _claimed(pot, payee, data, due, may);
    }

    function reclaim(uint16 sub, uint32 epoch) external {
        sub = _sub(sub);
        epoch = epoch % (oracle.currentEpoch() + 1);
        bytes memory data = abi.encodeCall(emissions.reclaim, (sub, epoch));
        (bool done, ) = _try(address(this), address(emissions), data);
        if (done) reclaimed[sub][epoch] = true;
    }

    function setWindow(uint32 seconds_) external {
        oracle.setWindow(uint32(bound(seconds_, oracle.minWindow(), oracle.maxWindow())));
    }

    function warp(uint32 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 6 hours));
    }

    // ---------------------------------------------------------------------------------------------------- views

    function payeeOf(uint256 who) public pure returns (address) {
        return address(uint160(0xa000 + who));
    }

    /// @notice Settlements of `sub` that are not final.
    function waiting(uint16 sub) external view returns (uint256) {
        return _chain[sub].length - _finals[sub];
    }

    function leavesOf(
        PotId pot,
        uint128[PAYEES] memory cumulative
    ) public pure returns (bytes32[PAYEES] memory leaves) {
        for (uint256 i = 0; i < PAYEES; i++) leaves[i] = SettlementTrees.payoutLeaf(pot, payeeOf(i), cumulative[i]);
    }

    function rootOf(PotId pot, uint128[PAYEES] memory cumulative) public pure returns (bytes32) {
        bytes32[PAYEES] memory leaves = leavesOf(pot, cumulative);
        return _node(_node(leaves[0], leaves[1]), _node(leaves[2], leaves[3]));
    }

    function proofOf(Reported memory r, uint256 who) public pure returns (bytes32[] memory proof) {
        bytes32[PAYEES] memory leaves = leavesOf(SettlementTrees.potOf(r.s.subNetwork, r.s.term), r.cumulative);
        proof = new bytes32[](2);
        proof[0] = leaves[who ^ 1];
        proof[1] = who < 2 ? _node(leaves[2], leaves[3]) : _node(leaves[0], leaves[1]);
    }

    function cumulativeOf(PotId pot, uint256 who) external view returns (uint128) {
        return lastFinal[pot] == 0 ? 0 : _reported[lastFinal[pot] - 1].cumulative[who];
    }

    function proofIn(PotId pot, uint256 who) external view returns (bytes32[] memory) {
        return proofOf(_reported[lastFinal[pot] - 1], who);
    }

    // ------------------------------------------------------------------------------------------------ internals

    function _finalised(uint256 i) private {
        Reported storage r = _reported[i];
        uint16 sub = r.s.subNetwork;
        oracle.finalise(r.s, r.parentEpoch);
        _check(!reclaimed[sub][r.s.epoch], "a reclaimed epoch became final");
        _finals[sub]++;
        if (r.s.entriesRoot == SettlementTrees.EMPTY_ENTRIES_ROOT) return;
        PotId pot = SettlementTrees.potOf(sub, r.s.term);
        uint256 budget = emissions.budgetOf(sub, r.s.epoch);
        fundedByBooks[pot] += budget;
        mintedByBooks += budget;
        lastFinal[pot] = i + 1;
        if (!r.honest) isFalse[pot] = true;
    }

    function _claimed(PotId pot, address payee, bytes memory data, uint256 due, bool may) private {
        (bool done, bytes memory answer) = _try(address(this), address(distributor), data);
        _check(done == may, done ? "a claim paid what it should not" : "a true claim was refused");
        if (!done) return;
        uint256 amount = abi.decode(answer, (uint256));
        _check(amount == due, "a claim paid another amount");
        claimedByBooks[pot] += amount;
        paidByBooks[payee] += amount;
        useful++;
    }

    /// @dev Kinds: 0 no points, 1 random amounts, 2 all to one, else honest: parent's amounts + each one's part.
    function _fillPayouts(Reported storage r, uint16 sub, uint32 epoch, uint8 kind, uint256 seed) private {
        kind = kind % 8;
        uint256 budget = emissions.budgetOf(sub, epoch);
        uint128[PAYEES] memory cumulative;
        r.honest = kind == 0 || kind > 2;
        uint256 length = _chain[sub].length;
        if (length != 0) {
            Reported storage parent = _reported[_chain[sub][length - 1]];
            if (parent.s.term == epoch / TERM) {
                cumulative = parent.cumulative;
                r.honest = r.honest && parent.honest;
            }
        }
        uint128[PAYEES + 1] memory prefix;
        for (uint256 i = 0; i < PAYEES; i++) {
            prefix[i + 1] = prefix[i] + uint128((uint256(keccak256(abi.encode(seed, i))) % 1000) + (i == 0 ? 1 : 0));
        }
        for (uint256 i = 0; i < PAYEES; i++) {
            if (kind == 1)
                cumulative[i] = uint128(uint256(keccak256(abi.encode(seed, i, "random"))) % (2 * budget + 1));
            if (kind == 2) cumulative[i] = i == seed % PAYEES ? type(uint128).max / 2 : 0;
            if (kind > 2) {
                cumulative[i] += uint128(SettlementTrees.payoutOf(budget, prefix[i], prefix[i + 1], prefix[PAYEES]));
            }
        }
        r.cumulative = cumulative;
        r.s.payoutsRoot = rootOf(SettlementTrees.potOf(sub, epoch / TERM), cumulative);
        r.s.entriesRoot = kind == 0 ? SettlementTrees.EMPTY_ENTRIES_ROOT : keccak256(abi.encode(seed));
    }

    function _due(PotId pot, address payee, uint128 cumulative) private view returns (uint256) {
        uint256 claimed = distributor.claimedOf(pot, payee);
        return cumulative > claimed ? cumulative - claimed : 0;
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(left, right));
    }

    function _sub(uint16 sub) private pure returns (uint16) {
        return (sub % SUB_NETWORKS) + 1;
    }
}

/// @notice Promise 2: per (sub-network, term) claimed ≤ funded ≤ Σ budgets; and what hangs on it.
contract SettlementInvariants is Campaign {
    NetworkToken__MockForSettlement internal token;
    EmissionController__MockForSettlement internal emissions;
    SettlementOracle internal oracle;
    RewardDistributor internal distributor;
    SettlementHandler internal handler;

    function setUp() external {
        vm.warp(1_790_000_000);
        AccessManager manager = new AccessManager(address(this));
        token = new NetworkToken__MockForSettlement();
        emissions = new EmissionController__MockForSettlement(token);
        oracle = new SettlementOracle(address(manager), 0, 1 hours, 3, 30 minutes, 10 minutes, 2 hours, 2 days, 1 days);
        distributor = new RewardDistributor(address(manager), address(token), address(emissions));
        handler = new SettlementHandler(oracle, distributor, emissions);

        emissions.wire(oracle, address(distributor));
        distributor.setOracle(address(oracle));
        oracle.setDistributor(address(distributor));
        for (uint16 sub = 1; sub <= handler.SUB_NETWORKS(); sub++) {
            oracle.setReporter(sub, ReportIdentity(address(handler), address(0), bytes10(0)));
        }
        manager.grantRole(0, address(handler), 0);

        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = SettlementHandler.report.selector;
        selectors[1] = SettlementHandler.report.selector;
        selectors[2] = SettlementHandler.finaliseNext.selector;
        selectors[3] = SettlementHandler.finaliseAny.selector;
        selectors[4] = SettlementHandler.cancel.selector;
        selectors[5] = SettlementHandler.claim.selector;
        selectors[6] = SettlementHandler.reclaim.selector;
        selectors[7] = SettlementHandler.setWindow.selector;
        selectors[8] = SettlementHandler.warp.selector;
        _target(handler, selectors);
    }

    function invariant_promise2_claimedFundedBudgets() external view {
        uint256 count = distributor.potCount();
        for (uint256 i = 0; i < count; i++) {
            PotId id = distributor.potAt(i);
            IRewardDistributor.Pot memory pot = distributor.potOf(id);
            assertLe(pot.claimed, pot.funded, "claimed <= funded");
            assertLe(pot.funded, handler.sumOfBudgets(id), "funded <= budgets");
            assertEq(pot.funded, handler.fundedByBooks(id), "funded");
            assertEq(pot.claimed, handler.claimedByBooks(id), "claimed");
        }
    }

    function invariant_promise2_balance() external view {
        assertEq(token.balanceOf(address(distributor)), distributor.totalOwed(), "balance = owed");
        assertEq(token.totalSupply(), handler.mintedByBooks(), "minted = funded");
        uint256 paid;
        for (uint256 i = 0; i < handler.PAYEES(); i++) {
            address payee = handler.payeeOf(i);
            assertEq(token.balanceOf(payee), handler.paidByBooks(payee), "paid");
            paid += token.balanceOf(payee);
        }
        assertEq(paid + distributor.totalOwed(), token.totalSupply(), "conservation");
    }

    function invariant_promise2_refusals() external view {
        assertEq(handler.broken(), "");
    }

    /// @dev Promise 5: everybody claims. A pot whose roots were all honest ends empty, to the wei.
    /// forge-config: default.invariant.check_interval = 8
    /// forge-config: deep.invariant.check_interval = 16
    function invariant_promise5_drain() external {
        for (uint16 sub = 1; sub <= handler.SUB_NETWORKS(); sub++) {
            for (uint256 n = handler.waiting(sub); n > 0; n--) handler.finaliseNext(sub - 1);
        }
        uint256 count = distributor.potCount();
        for (uint256 i = 0; i < count; i++) _drain(distributor.potAt(i));
        assertEq(token.balanceOf(address(distributor)), distributor.totalOwed(), "balance = owed");
        assertEq(handler.broken(), "");
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }

    function _drain(PotId id) private {
        for (uint256 who = 0; who < handler.PAYEES(); who++) {
            IRewardDistributor.Pot memory pot = distributor.potOf(id);
            (address payee, uint128 cumulative) = (handler.payeeOf(who), handler.cumulativeOf(id, who));
            uint256 before = distributor.claimedOf(id, payee);
            uint256 balance = token.balanceOf(payee);
            bool fits = cumulative > before && cumulative - before <= pot.funded - pot.claimed;
            if (!fits && !handler.isFalse(id)) assertEq(cumulative, before, "an honest claim must fit");
            if (!fits) continue;
            distributor.claim(id, uint32(who), payee, cumulative, handler.proofIn(id, who));
            assertEq(token.balanceOf(payee) - balance, cumulative - before, "the payee is paid");
        }
        IRewardDistributor.Pot memory end = distributor.potOf(id);
        if (!handler.isFalse(id)) assertEq(end.claimed, end.funded, "an honest pot ends empty");
    }
}
