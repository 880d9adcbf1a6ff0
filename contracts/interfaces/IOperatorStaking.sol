// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Operators and what they have to lose
/// @notice An operator is a staking pool that backs devices. It has two tranches, its own (the controller's) and the
/// delegated one, each one bucket of assets held by shares; what is unbonding keeps its shares in the bucket and is slashed
/// with the rest until it is released. A slash takes the own tranche first. Algebra: docs/accounting.md, "Stake".
/// A device is attached per sub-network (at most 4), each attachment with the bond its model asked at that time. A device
/// has 4 places; one is free again at once if its attachment never came into force, else `challengeEpochs` after its end,
/// so that `attachmentAt` can be read for every challengeable epoch. (stake, required = Σ bonds) is kept by epoch; what
/// happens in epoch e counts from e + 1. Amounts in wei of the token, which must be a plain ERC-20 with `burn` and
/// 18 decimals: no hooks, no fee on transfer.
/// Conservation: token balance = totalStaked + totalRewards + what waits for `distribute`.
/// Warnings: a device earns nothing while stake < required, but for one epoch of grace. Delegated stake is lost with the
/// operator's faults once its own is gone. A weight rises only when somebody calls for it in a later epoch
/// (`refreshWeight`). A distribution pays at once whoever has weight then: let somebody distribute every epoch.
interface IOperatorStaking {
    /// @notice An operator. `controller` runs it and gets what its own tranche releases and earns.
    struct Operator {
        address controller;
        uint96 stake;
        uint96 required;
    }

    /// @notice One backing of a device in a sub-network, in force for fromEpoch ≤ e < untilEpoch (2^32 − 1 = open end).
    struct Attachment {
        uint64 operatorId;
        uint32 fromEpoch;
        uint32 untilEpoch;
        uint104 bond;
    }

    /// @notice A bucket: `generation` counts those of the tranche that were retired before it.
    struct Tranche {
        uint96 assets;
        uint128 activeShares;
        uint128 unbondingShares;
        uint24 generation;
    }

    /// @notice One request to leave, of `shares` of the operator's own tranche or of the delegated one.
    struct Unbonding {
        uint64 operatorId;
        uint24 generation;
        uint40 releaseAt;
        uint128 shares;
        address owner;
        bool own;
    }

    /// @notice What an account delegates to an operator's bucket of one generation. `earned` is without what is not settled.
    struct Delegation {
        uint128 shares;
        uint128 earned;
    }

    /// @notice An operator's part in the stakers' bucket, and what it keeps of its delegators' part.
    struct Earning {
        uint96 weight;
        uint96 accumulated; // the accumulator when this was settled
        uint16 commissionBps;
        uint16 nextCommissionBps;
        uint32 commissionFromEpoch; // 0 = no change is announced
    }

    /// @notice Parameters of the network.
    /// @param slashCapBps most of an operator's slashable stake that one epoch's slashes take, 1000 to 10000
    /// @param bountyBps of what is slashed, to who proved the fault, at most 1000
    /// @param weightMultiple k in weight = min(stake, k × required), 1 to 100; counts from the next epoch
    /// @param minDelegation least that is delegated at once, in wei, 1 to 10^24
    struct Terms {
        uint16 slashCapBps;
        uint16 bountyBps;
        uint16 weightMultiple;
        uint96 minDelegation;
    }

    event OperatorCreated(uint64 indexed operatorId, address indexed controller);
    event OwnerAccepted(uint64 indexed operatorId, address indexed owner, bool accepted);
    event Staked(uint64 indexed operatorId, uint256 amount, uint256 stake, uint32 fromEpoch);
    event Delegated(
        uint64 indexed operatorId,
        address indexed account,
        uint24 generation,
        uint256 amount,
        uint256 shares,
        uint32 fromEpoch
    );
    event UnbondingRequested(
        uint256 indexed unbondingId,
        uint64 indexed operatorId,
        address indexed owner,
        bool own,
        uint256 shares,
        uint40 releaseAt,
        uint32 fromEpoch
    );
    event UnbondingCanceled(uint256 indexed unbondingId, uint64 indexed operatorId, uint256 shares, uint32 fromEpoch);
    event UnbondingReleased(uint256 indexed unbondingId, uint64 indexed operatorId, address to, uint256 amount);
    event RetiredLeft(
        uint64 indexed operatorId,
        address indexed account,
        bool own,
        uint24 generation,
        uint256 assets,
        uint256 rewards
    );
    event DeviceAttached(
        uint64 indexed deviceId,
        uint16 indexed subNetwork,
        uint64 indexed operatorId,
        uint256 bond,
        uint32 fromEpoch
    );
    event DeviceDetached(
        uint64 indexed deviceId,
        uint16 indexed subNetwork,
        uint64 indexed operatorId,
        uint256 bond,
        uint32 untilEpoch
    );
    /// @notice The stake no longer covers what is required from `graceEpoch`, in which devices still count; from the epoch
    /// after it they do not.
    event UnderBonded(uint64 indexed operatorId, uint256 stake, uint256 required, uint32 graceEpoch);
    event Slashed(
        uint64 indexed operatorId,
        bytes32 indexed faultKey,
        uint256 own,
        uint256 delegated,
        uint256 bounty,
        address bountyTo
    );
    event BucketRetired(uint64 indexed operatorId, bool own, uint24 generation, uint256 assets, uint256 shares);
    event CommissionAnnounced(uint64 indexed operatorId, uint16 commissionBps, uint32 fromEpoch);
    event WeightChanged(uint64 indexed operatorId, uint256 weight, uint256 totalWeight);
    event RewardsDistributed(uint256 amount, uint256 totalWeight);
    event RewardsClaimed(uint64 indexed operatorId, address indexed account, uint256 amount);
    event UnbondingEpochsSet(uint32 epochs);
    event TermsSet(uint16 slashCapBps, uint16 bountyBps, uint16 weightMultiple, uint96 minDelegation, uint32 fromEpoch);
    event SlasherSet(address slasher);
    event EmissionsSet(address emissions);

    error OperatorUnknown(uint64 operatorId);
    error OperatorNotController(uint64 operatorId, address caller);
    error OperatorDoesNotAccept(uint64 operatorId, address owner);
    /// @notice The stake does not cover what is (or would be) required.
    error OperatorUnderBonded(uint64 operatorId, uint256 stake, uint256 required);
    error StakingZeroAmount();
    /// @notice More was asked for than there is, in wei or in shares.
    error StakingExceeds(uint256 wanted, uint256 available);
    error StakingBelowMinimum(uint256 amount, uint256 minimum);
    error StakingTooFewShares(uint256 shares, uint256 minimum);
    error StakingNotRegistry(address caller);
    error StakingNotSlasher(address caller);
    error StakingNotAllowed(uint64 deviceId, address caller);
    error StakingBadParameter(bytes32 name, uint256 value);
    /// @notice Together the operators have too little weight to distribute: what there is waits.
    error StakingNoWeight(uint256 totalWeight);
    error FaultAlreadySlashed(bytes32 faultKey);
    error AttachmentExists(uint64 deviceId, uint16 subNetwork);
    error AttachmentUnknown(uint64 deviceId, uint16 subNetwork);
    /// @notice All 4 places are taken, one of them only for challenges of the past: it is free from `nextEpoch`.
    error AttachmentRecentlyEnded(uint64 deviceId, uint16 subNetwork, uint32 nextEpoch);
    /// @notice The device is attached in 4 sub-networks.
    error AttachmentsFull(uint64 deviceId);
    error UnbondingUnknown(uint256 unbondingId);
    error UnbondingNotOwner(uint256 unbondingId, address caller);
    error UnbondingNotReleased(uint256 unbondingId, uint64 releaseAt);
    /// @notice The bucket is (or is not) one of an earlier generation.
    error BucketGeneration(uint24 generation, uint24 current);
    /// @notice The commission may rise by so much at once.
    error CommissionStep(uint256 commissionBps, uint256 most);

    /// @notice Creates an operator run by the caller, with a commission of 0.
    function createOperator() external returns (uint64 operatorId);

    /// @notice Lets devices of `owner` be attached to the caller's operator, or no longer. The controller's own devices
    /// need no consent.
    function acceptOwner(uint64 operatorId, address owner, bool accepted) external;

    /// @notice Adds to the own tranche; counts from the next epoch. Only the controller (allowance needed).
    function stake(uint64 operatorId, uint256 amount) external;

    /// @notice Starts unbonding `amount` of the own tranche; what is left must cover what is required. Shares are rounded
    /// up. Only the controller. Exit: never paused.
    function requestUnbond(uint64 operatorId, uint256 amount) external returns (uint256 unbondingId);

    /// @notice Announces the commission on what delegators earn. It counts after a whole epoch of notice, from the first
    /// settlement then; what was earned before is settled at the old one. It rises by at most 500 bps at once; a new
    /// announcement takes the place of one that does not count yet. Only the controller.
    function setCommission(uint64 operatorId, uint16 commissionBps) external;

    /// @notice Delegates the caller's tokens (allowance needed) for at least `minSharesOut` shares, rounded down; at least
    /// `minDelegation`. Counts from the next epoch. Anyone, for itself only.
    function delegate(uint64 operatorId, uint256 amount, uint256 minSharesOut) external returns (uint256 shares);

    /// @notice Starts unbonding `shares` of the caller's delegation. Nothing holds a delegator back: the operator may become
    /// under-bonded by it. Exit: never paused.
    function undelegate(uint64 operatorId, uint128 shares) external returns (uint256 unbondingId);

    /// @notice Takes a request of the caller back; its shares count again from the next epoch. Not from a retired bucket.
    function cancelUnbond(uint256 unbondingId) external;

    /// @notice Pays a due unbonding to its owner, rounded down. Anyone. Exit: never paused.
    function release(uint256 unbondingId) external;

    /// @notice Pays at once what the caller's active shares of a retired bucket are worth, and what they had earned. Nothing
    /// slashes a retired bucket, so nothing has to be waited for. The own tranche's: only the controller. Exit: never
    /// paused.
    function leaveRetired(uint64 operatorId, bool own, uint24 generation) external returns (uint256 amount);

    /// @notice Pays what `account` earned as a delegator of the operator and, if it is the controller, as that. Anyone; funds
    /// go to `account`. Exit: never paused.
    function claim(uint64 operatorId, address account) external returns (uint256 amount);

    /// @notice Collects the stakers' bucket as far as it can be collected now and distributes all that arrived over the
    /// operators' weights. Anyone.
    function distribute() external returns (uint256 amount);

    /// @notice Settles an operator and brings its weight up to date: min over this epoch and the next of
    /// min(stake, k × required). Anyone.
    function refreshWeight(uint64 operatorId) external;

    /// @notice Takes min(`amount`, what is slashable, what the epoch's cap leaves) from the own tranche, then from the
    /// delegated one; bountyBps of it go to `bountyTo` (none if zero), the rest is burned. A fault once; one that took
    /// nothing may come again. Only the slasher. Never reverts for a balance, is never paused.
    function slash(
        uint64 operatorId,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external returns (uint256 slashed);

    /// @notice Backs a device in `subNetwork` from the next epoch. Only the device's owner (or its ERC-721 approved);
    /// the operator must accept the owner and have stake for the bond of the device's model.
    function attachDevice(uint64 deviceId, uint16 subNetwork, uint64 operatorId) external;

    /// @notice The same, called by DeviceRegistry while onboarding a device of `owner`.
    function attachAtOnboarding(
        uint64 deviceId,
        uint24 modelId,
        address owner,
        uint16 subNetwork,
        uint64 operatorId
    ) external;

    /// @notice Ends a backing with the current epoch. The device's owner or the operator's controller. Exit: never
    /// paused.
    function detachDevice(uint64 deviceId, uint16 subNetwork) external;

    /// @notice Operator as it counts from the next epoch.
    function operatorOf(uint64 operatorId) external view returns (Operator memory);

    /// @notice Bucket of the operator's own or delegated tranche.
    function trancheOf(uint64 operatorId, bool own) external view returns (Tranche memory);

    /// @notice A bucket of an earlier generation, or the present one.
    function trancheAt(uint64 operatorId, bool own, uint24 generation) external view returns (Tranche memory);

    /// @notice What `account` delegates to the bucket of `generation`.
    function delegationOf(
        uint64 operatorId,
        uint24 generation,
        address account
    ) external view returns (Delegation memory);

    /// @notice Weight and commission of an operator, as settled last.
    function earningOf(uint64 operatorId) external view returns (Earning memory);

    /// @notice Σ weight of all operators.
    function totalWeight() external view returns (uint256);

    /// @notice Whether devices of `owner` may be attached to the operator.
    function accepts(uint64 operatorId, address owner) external view returns (bool);

    /// @notice Stake and required bond that counted in `epoch`, for every challengeable epoch and the one before it; zeros
    /// when that is forgotten.
    function bondAt(uint64 operatorId, uint32 epoch) external view returns (uint256 stake, uint256 required);

    /// @notice The attachment in force in `epoch`, or zeros. Complete for every challengeable epoch; an attachment that
    /// ended earlier may be forgotten.
    function attachmentAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) external view returns (Attachment memory);

    /// @notice Whether the device was backed in `subNetwork` in `epoch` by an operator whose stake covered its required
    /// bond in that epoch, or in the one before it (the epoch of grace). For every challengeable epoch.
    function isBackedAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) external view returns (bool);

    /// @notice What a slash could take now if there were no cap: active and unbonding assets of both tranches.
    function slashableOf(uint64 operatorId) external view returns (uint256);

    /// @notice Whether a slash for this fault took something.
    function isSlashed(bytes32 faultKey) external view returns (bool);

    /// @notice Record of an unbonding.
    function unbondingOf(uint256 unbondingId) external view returns (Unbonding memory);

    /// @notice Σ assets of all buckets, active, unbonding and retired.
    function totalStaked() external view returns (uint256);

    /// @notice Distributed and not claimed, with what rounding keeps back.
    function totalRewards() external view returns (uint256);

    /// @notice Parameters; `weightMultiple` is the one that counts now.
    function terms() external view returns (Terms memory);

    /// @notice Epochs between a request and its release.
    function unbondingEpochs() external view returns (uint32);

    /// @notice Least `unbondingEpochs`.
    function minUnbondingEpochs() external view returns (uint32);

    /// @notice Token of the bonds.
    function token() external view returns (address);

    /// @notice Device registry, the only caller of `attachAtOnboarding`.
    function devices() external view returns (address);

    /// @notice Registry that knows the bond of a model.
    function makers() external view returns (address);

    /// @notice The only caller of `slash`; zero until it is set.
    function slasher() external view returns (address);

    /// @notice Whose stakers' bucket is collected; zero until it is set.
    function emissions() external view returns (address);

    /// @notice Sets `unbondingEpochs` of later requests, never below the minimum of the deployment (1 epoch + settlement
    /// delay + window + answer period + appeal), nor above a year. Restricted: timelock.
    function setUnbondingEpochs(uint32 epochs) external;

    /// @notice Sets the network's parameters. Restricted: timelock.
    function setTerms(Terms calldata terms_) external;

    /// @notice Sets the slasher, a policy: the one before slashes no more. Restricted: timelock.
    function setSlasher(address slasher_) external;

    /// @notice Sets the emission controller whose stakers' bucket is collected. Restricted: timelock.
    function setEmissions(address emissions_) external;
}
