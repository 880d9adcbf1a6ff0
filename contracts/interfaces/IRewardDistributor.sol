// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IEmissionController} from "./IEmissionController.sol";

/// @notice One (sub-network, term): subNetwork << 32 | term.
type PotId is uint48;

/// @notice One claim.
/// @param pot (sub-network, term)
/// @param index position of the leaf in the payouts tree
/// @param payee who is paid
/// @param cumulative all that the payee earned in this term so far, in wei
/// @param proof positional path from leaf to root
struct Claim {
    PotId pot;
    uint32 index;
    address payee;
    uint128 cumulative;
    bytes32[] proof;
}

/// @title Rewards
/// @notice A pot holds what was funded for one sub-network and term and the root of its payouts tree, whose leaf is
/// keccak256(0x10 ‖ pot(6) ‖ payee(20) ‖ cumulative(16)). A claim pays cumulative − claimed. claimed ≤ funded per pot,
/// always: a false root can misassign one pot and nothing else. Anyone may claim for a payee; the money goes to the
/// payee. The last root of a term stays claimable for ever. Claims are exits: never paused.
/// Invariants: token balance ≥ Σ (funded − claimed); Σ funded = minted for settlements.
interface IRewardDistributor {
    /// @notice A pot. Amounts in wei.
    struct Pot {
        uint128 funded;
        uint128 claimed;
        bytes32 root;
    }

    event PotFunded(PotId indexed pot, uint32 indexed epoch, uint256 amount, bytes32 root);
    event Claimed(PotId indexed pot, address indexed payee, uint256 amount, uint256 cumulative);
    event OracleSet(address indexed oracle);

    error DistributorNotOracle(address caller);
    error ClaimProofWrong(PotId pot, uint32 index, address payee);
    error ClaimNothingDue(PotId pot, address payee, uint256 claimed);
    error ClaimExceedsFunded(PotId pot, uint256 wanted, uint256 left);
    error DistributorZeroAddress();

    /// @notice Pays one claim. Anyone.
    function claim(
        PotId pot,
        uint32 index,
        address payee,
        uint128 cumulative,
        bytes32[] calldata proof
    ) external returns (uint256 amount);

    /// @notice Pays many claims; one that is wrong or has nothing due reverts all. Anyone.
    function claimMany(Claim[] calldata claims) external returns (uint256 amount);

    /// @notice Takes a final settlement: new root, and its budget (none when there were no points). Only the oracle.
    function settle(uint16 subNetwork, uint32 term, uint32 epoch, bytes32 payoutsRoot, bool hasPoints) external;

    /// @notice Record of a pot.
    function potOf(PotId pot) external view returns (Pot memory);

    /// @notice What `payee` has claimed from `pot`, in wei.
    function claimedOf(PotId pot, address payee) external view returns (uint256);

    /// @notice Σ funded − claimed over all pots: what the contract owes. For reading from outside: it walks over every
    /// pot, as a running total would cost each claim a storage write.
    function totalOwed() external view returns (uint256);

    /// @notice Number of pots that were ever funded.
    function potCount() external view returns (uint256);

    /// @notice The `index`-th of them, oldest first.
    function potAt(uint256 index) external view returns (PotId);

    /// @notice The token that is paid. Immutable.
    function token() external view returns (IERC20);

    /// @notice The controller that funds pots. Immutable.
    function emissions() external view returns (IEmissionController);

    /// @notice The only account that may settle; zero until the deployment sets it.
    function oracle() external view returns (address);

    /// @notice Sets the settlement oracle. Restricted: timelock.
    function setOracle(address oracle) external;
}
