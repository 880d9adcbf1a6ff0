// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title A schedule of emission: a pure function of the epoch's number
interface IEmissionCurve {
    /// @notice Wei emitted in `epoch`. Costs constant gas, whatever the number.
    function emission(uint32 epoch) external view returns (uint256);
}

/// @title Epochs, sub-networks and their budgets
/// @notice closeEpoch() closes the oldest ended epoch e: B = curve(e) is split over the buckets devices, stakers,
/// treasury and the devices' part over the sub-networks, by cumulative sums: part i of B = ⌊B·C(i+1)/T⌋ − ⌊B·C(i)/T⌋
/// with C the prefix sums of the shares and T their total, so parts add up to exactly B. Every input is keyed by epoch:
/// closing late gives bit for bit what closing on time gives. Tokens are minted when a settlement is final (devices) or
/// on collection (stakers, treasury), never at closing. What no settlement claims returns to the reserve, unminted.
/// Shares are epoch parameters: a new value counts from the next epoch and cannot be set while an ended epoch is open.
/// Invariant: Σ minted ≤ Σ curve(closed epochs).
/// A budget must fit the rate limiter, or it could never be minted: B = min(curve(e), rate capacity). A curve that does not
/// answer within 100,000 gas emits nothing in that epoch instead of holding up all later ones; curves must be pure.
/// Epoch 0 of a deployment has no weights yet: its devices' part goes to the reserve.
interface IEmissionController {
    /// @notice How an epoch's budget is split, in bps, Σ = 10000.
    struct Buckets {
        uint16 devicesBps;
        uint16 stakersBps;
        uint16 treasuryBps;
    }

    /// @notice A sub-network.
    struct SubNetwork {
        uint16 category;
        uint16 uptimeTargetBps;
        string name;
    }

    event SubNetworkAdded(uint16 indexed subNetwork, uint16 indexed category, uint16 uptimeTargetBps, string name);
    event BucketsScheduled(uint16 devicesBps, uint16 stakersBps, uint16 treasuryBps, uint32 fromEpoch);
    event WeightsScheduled(uint16[] weights, uint32 fromEpoch);
    event CurveScheduled(address indexed curve, uint32 fromEpoch);
    event EpochClosed(
        uint32 indexed epoch,
        uint256 budget,
        uint256[] subNetworkBudgets,
        uint256 stakers,
        uint256 treasury
    );
    event BudgetFunded(uint16 indexed subNetwork, uint32 indexed epoch, address indexed to, uint256 amount);
    event BudgetReclaimed(uint16 indexed subNetwork, uint32 indexed epoch, uint256 amount);
    event TreasuryCollected(address indexed to, uint256 amount);
    event StakersCollected(address indexed to, uint256 amount);
    event ReceiverSet(bytes32 indexed bucket, address indexed receiver);
    event DistributorSet(address indexed distributor);
    event SettlementScheduled(address indexed settlement, uint32 fromEpoch);

    error EmissionEpochNotEnded(uint32 epoch, uint64 endsAt);
    error EmissionEpochDue(uint32 epoch);
    error EmissionEpochNotClosed(uint32 epoch);
    error EmissionBadShares(uint256 total);
    error EmissionSubNetworkUnknown(uint16 subNetwork);
    error EmissionTooManySubNetworks();
    error EmissionNotDistributor(address caller);
    error EmissionBudgetTaken(uint16 subNetwork, uint32 epoch);
    error EmissionStillSettleable(uint16 subNetwork, uint32 epoch);
    error EmissionRateExceeded(uint256 wanted, uint256 available);
    error EmissionNothingToCollect();
    error EmissionNoReceiver(bytes32 bucket);
    error EmissionBadParameter(bytes32 name, uint256 value);

    /// @notice Closes the oldest open epoch, which must have ended. Anyone.
    function closeEpoch() external returns (uint32 epoch);

    /// @notice closeEpoch() `n` times. Anyone; the caller bounds the work.
    function closeEpochs(uint32 n) external;

    /// @notice Mints the budget of (subNetwork, epoch) to the caller, once. Only the RewardDistributor.
    function fund(uint16 subNetwork, uint32 epoch) external returns (uint256 amount);

    /// @notice Returns the budget of (subNetwork, epoch) to the reserve, once, when a final settlement found no points
    /// (called by the RewardDistributor) or when nothing can settle it any more (anyone).
    function reclaim(uint16 subNetwork, uint32 epoch) external;

    /// @notice Mints what the treasury bucket has collected, as far as the buckets' rate limiter allows now, to the treasury.
    /// Anyone.
    function collectTreasury() external returns (uint256 amount);

    /// @notice Mints what the stakers' bucket has collected, as far as the buckets' limiter allows now, to its receiver.
    /// Anyone.
    function collectStakers() external returns (uint256 amount);

    /// @notice Oldest epoch that is not closed.
    function nextEpochToClose() external view returns (uint32);

    /// @notice Budget of (subNetwork, epoch) as closed; 0 when the epoch is not closed or the sub-network came later.
    function budgetOf(uint16 subNetwork, uint32 epoch) external view returns (uint256);

    /// @notice Whether the budget was funded or reclaimed.
    function isTaken(uint16 subNetwork, uint32 epoch) external view returns (bool);

    /// @notice Shares in force in `epoch` (past epochs: as of now only current and next are kept; see events).
    function bucketsNow() external view returns (Buckets memory);

    /// @notice Shares that count from the next epoch on.
    function bucketsNext() external view returns (Buckets memory);

    /// @notice Weights of the sub-networks in force now, by id − 1.
    function weightsNow() external view returns (uint16[] memory);

    /// @notice Weights that count from the next epoch on, by id − 1.
    function weightsNext() external view returns (uint16[] memory);

    /// @notice Number of sub-networks; ids run from 1.
    function subNetworkCount() external view returns (uint16);

    /// @notice Record of a sub-network.
    function subNetworkOf(uint16 subNetwork) external view returns (SubNetwork memory);

    /// @notice Wei that budgets returned; not minted.
    function reserve() external view returns (uint256);

    /// @notice Σ curve over closed epochs, in wei.
    function totalScheduled() external view returns (uint256);

    /// @notice Σ minted by this contract, in wei.
    function totalMinted() external view returns (uint256);

    /// @notice Wei that wait for collectTreasury() and collectStakers().
    function collectable() external view returns (uint256 treasury, uint256 stakers);

    /// @notice Wei that settlements may mint now. The limiter holds at most its capacity and refills linearly; the buckets
    /// have another one of the same size, so that collecting never holds up a settlement.
    function rateAvailable() external view returns (uint256);

    /// @notice The curve in force now.
    function curveNow() external view returns (address);

    /// @notice The distributor that funds settlements; zero until it is set.
    function distributor() external view returns (address);

    /// @notice The settlement oracle asked by `reclaim` now; zero until it is set.
    function settlementNow() external view returns (address);

    /// @notice Who receives the bucket "stakers" or "treasury" (bytes32 strings); zero until it is set.
    function receiverOf(bytes32 bucket) external view returns (address);

    /// @notice Adds a sub-network with weight 0 (≤ 16). Restricted: timelock.
    function addSubNetwork(
        uint16 category,
        uint16 uptimeTargetBps,
        string calldata name
    ) external returns (uint16 subNetwork);

    /// @notice Schedules the bucket split; a share for stakers or treasury needs a receiver. Restricted: timelock.
    function setBuckets(Buckets calldata buckets) external;

    /// @notice Schedules the weights of all sub-networks (bps, Σ = 10000, one each). Restricted: timelock.
    function setWeights(uint16[] calldata weights) external;

    /// @notice Schedules another curve. Restricted: timelock.
    function setCurve(address curve) external;

    /// @notice Sets who receives a bucket ("stakers" or "treasury"), what it has collected included; not zero while the
    /// bucket has a share. Restricted: timelock.
    function setReceiver(bytes32 bucket, address receiver) external;

    /// @notice Sets the distributor that funds settlements. Restricted: timelock.
    function setDistributor(address distributor) external;

    /// @notice Sets the settlement oracle asked by `reclaim` (the first one at once, later ones from the next epoch).
    /// Restricted: timelock.
    function setSettlement(address settlement) external;
}
