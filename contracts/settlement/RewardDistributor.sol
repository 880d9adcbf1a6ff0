// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {Claim, IRewardDistributor, PotId} from "../interfaces/IRewardDistributor.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {SettlementTrees} from "./SettlementTrees.sol";

/// @title Rewards
/// @dev No balance is measured when a pot is funded: the token and the controller are those of the deployment, `fund`
/// mints exactly what it returns and the token takes no fee.
contract RewardDistributor is IRewardDistributor, AccessManaged, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    // ------------------------------------------------------------------------------------------------------- types

    /// @dev `ledger` = funded(128) | claimed(128) << 128, read and written as one word.
    struct PotStorage {
        uint256 ledger;
        bytes32 root;
    }

    // -------------------------------------------------------------------------------------------------- immutables

    /// @inheritdoc IRewardDistributor
    IERC20 public immutable token;
    /// @inheritdoc IRewardDistributor
    IEmissionController public immutable emissions;

    // ----------------------------------------------------------------------------------------------------- storage

    /// @inheritdoc IRewardDistributor
    address public oracle;
    PotId[] private _potIds;
    mapping(PotId pot => PotStorage) private _pots;
    mapping(uint256 potAndPayee => uint256) private _claimed; // key = pot(48) << 160 | payee(160): one hash

    // ------------------------------------------------------------------------------------------------- constructor

    constructor(address manager, address token_, address emissions_) AccessManaged(manager) {
        if (token_ == address(0) || emissions_ == address(0)) revert DistributorZeroAddress();
        token = IERC20(token_);
        emissions = IEmissionController(emissions_);
    }

    // ------------------------------------------------------------------------------------------------------ anyone

    /// @inheritdoc IRewardDistributor
    function claim(
        PotId pot,
        uint32 index,
        address payee,
        uint128 cumulative,
        bytes32[] calldata proof
    ) external nonReentrant returns (uint256 amount) {
        amount = _take(pot, index, payee, cumulative, proof);

        token.safeTransfer(payee, amount);
    }

    /// @inheritdoc IRewardDistributor
    function claimMany(Claim[] calldata claims) external nonReentrant returns (uint256 amount) {
        uint256 count = claims.length;
        address payee;
        uint256 paid; // neighbours with the same payee share one transfer
        for (uint256 i = 0; i < count; ++i) {
            Claim calldata c = claims[i];
            address next = c.payee;
            if (next != payee) {
                if (amount != paid) token.safeTransfer(payee, amount - paid);
                (payee, paid) = (next, amount);
            }
            unchecked {
                amount += _take(c.pot, c.index, next, c.cumulative, c.proof); // at most the token's supply
            }
        }
        if (amount != paid) token.safeTransfer(payee, amount - paid);
    }

    // ---------------------------------------------------------------------------------------------------- reporter

    /// @inheritdoc IRewardDistributor
    function settle(
        uint16 subNetwork,
        uint32 term,
        uint32 epoch,
        bytes32 payoutsRoot,
        bool hasPoints
    ) external nonReentrant {
        if (msg.sender != oracle) revert DistributorNotOracle(msg.sender);
        if (!hasPoints) {
            emissions.reclaim(subNetwork, epoch);
            return;
        }

        uint256 amount = emissions.fund(subNetwork, epoch);
        PotId id = SettlementTrees.potOf(subNetwork, term);
        PotStorage storage pot = _pots[id];
        uint256 ledger = pot.ledger;
        uint128 funded = uint128(ledger);
        if (funded == 0 && amount != 0) _potIds.push(id);
        pot.ledger = ((ledger >> 128) << 128) | (funded + amount.toUint128());
        pot.root = payoutsRoot;

        emit PotFunded(id, epoch, amount, payoutsRoot);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc IRewardDistributor
    function setOracle(address oracle_) external restricted {
        if (oracle_ == address(0)) revert DistributorZeroAddress();
        oracle = oracle_;

        emit OracleSet(oracle_);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRewardDistributor
    function potOf(PotId pot) external view returns (Pot memory) {
        uint256 ledger = _pots[pot].ledger;
        return Pot(uint128(ledger), uint128(ledger >> 128), _pots[pot].root);
    }

    /// @inheritdoc IRewardDistributor
    function claimedOf(PotId pot, address payee) external view returns (uint256) {
        return _claimed[(uint256(PotId.unwrap(pot)) << 160) | uint160(payee)];
    }

    /// @inheritdoc IRewardDistributor
    function totalOwed() external view returns (uint256 owed) {
        uint256 count = _potIds.length;
        for (uint256 i = 0; i < count; ++i) {
            uint256 ledger = _pots[_potIds[i]].ledger;
            owed += uint128(ledger) - (ledger >> 128);
        }
    }

    /// @inheritdoc IRewardDistributor
    function potCount() external view returns (uint256) {
        return _potIds.length;
    }

    /// @inheritdoc IRewardDistributor
    function potAt(uint256 index) external view returns (PotId) {
        return _potIds[index];
    }

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev Books a claim and returns what the caller must now pay to `payee`; never 0.
    function _take(
        PotId id,
        uint32 index,
        address payee,
        uint128 cumulative,
        bytes32[] calldata proof
    ) private returns (uint256 amount) {
        PotStorage storage pot = _pots[id];
        if (!MerkleTree.verify(pot.root, SettlementTrees.payoutLeaf(id, payee, cumulative), index, proof)) {
            revert ClaimProofWrong(id, index, payee);
        }
        uint256 key = (uint256(PotId.unwrap(id)) << 160) | uint160(payee);
        uint256 before = _claimed[key];
        if (cumulative <= before) revert ClaimNothingDue(id, payee, before);
        uint256 ledger = pot.ledger;
        unchecked {
            amount = cumulative - before; // cumulative > before
            uint256 left = uint128(ledger) - (ledger >> 128); // claimed ≤ funded, by the next line
            if (amount > left) revert ClaimExceedsFunded(id, amount, left);
            pot.ledger = ledger + (amount << 128); // claimed + amount ≤ funded < 2^128
        }
        _claimed[key] = cumulative;

        emit Claimed(id, payee, amount, cumulative);
    }
}
