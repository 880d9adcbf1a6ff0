// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Locked positions that vote
/// @notice A lock is an ERC-721. Its power = ⌊amount × duration ÷ maxDuration⌋, constant while locked and zero from the
/// start of its cool-down, which lasts as long as the lock's duration. Powers are OpenZeppelin Votes checkpoints on a
/// timestamp clock; the first lock of an account delegates to itself. A position may spread its power over at most 8
/// sub-networks; transfer and cool-down clear that. Tokens staked by operators do not vote: they can be slashed, and
/// a vote must not hang on them.
interface IVoteEscrow {
    /// @notice A position. `coolDownEnd` is 0 while locked.
    struct Lock {
        uint128 amount;
        uint128 power;
        uint32 duration;
        uint64 coolDownEnd;
    }

    event Locked(uint256 indexed lockId, address indexed owner, uint256 amount, uint32 duration, uint256 power);
    event CoolDownStarted(uint256 indexed lockId, address indexed owner, uint64 coolDownEnd);
    event LockWithdrawn(uint256 indexed lockId, address indexed owner, uint256 amount);
    event WeightsSet(uint256 indexed lockId, uint16[] subNetworks, uint16[] bps, uint32 fromEpoch);

    error VoteEscrowBadDuration(uint32 duration, uint32 minimum, uint32 maximum);
    error VoteEscrowNoPower();
    error VoteEscrowNotOwner(uint256 lockId, address caller);
    error VoteEscrowCoolingDown(uint256 lockId, uint64 coolDownEnd);
    error VoteEscrowStillLocked(uint256 lockId, uint64 coolDownEnd);
    error VoteEscrowBadWeights();

    /// @notice Locks `amount` wei for `duration` seconds (allowance needed).
    function lock(uint128 amount, uint32 duration) external returns (uint256 lockId);

    /// @notice Starts the cool-down: the power ends now. Only the owner. Exit: never paused.
    function startCoolDown(uint256 lockId) external;

    /// @notice Pays a cooled-down position to its owner and burns the NFT. Only the owner. Exit: never paused.
    function withdraw(uint256 lockId) external;

    /// @notice Spreads the position's power over ≤ 8 sub-networks (rising ids, Σ bps ≤ 10000), from the next epoch.
    /// An empty list clears it. Only the owner.
    function setWeights(uint256 lockId, uint16[] calldata subNetworks, uint16[] calldata bps) external;

    /// @notice Record of a position.
    function lockOf(uint256 lockId) external view returns (Lock memory);

    /// @notice Σ over positions of power × bps ÷ 10000 (each rounded down) given to `subNetwork` as of `epoch`.
    function subNetworkWeightAt(uint16 subNetwork, uint32 epoch) external view returns (uint256);

    /// @notice Σ of the amounts of all positions not yet withdrawn, in wei.
    function totalLocked() external view returns (uint256);

    /// @notice Σ of the powers of all locked positions, now.
    function totalPower() external view returns (uint256);
}
