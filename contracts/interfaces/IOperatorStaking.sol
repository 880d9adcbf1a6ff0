// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Operators and what they have to lose
/// @notice An operator is a staking pool that backs devices. A device is attached per sub-network (at most 4), each
/// attachment with the bond its model asked at that time. A device has 4 places; one is free again at once if its
/// attachment never came into force, else `challengeEpochs` after its end, so that `attachmentAt` can be read for every
/// challengeable epoch. stake ≥ required = Σ bonds of attachments, or the operator's
/// devices earn nothing. (stake, required) is one trace keyed by epoch; what happens in epoch e counts from e + 1.
/// Unbonding is by id, released after `unbondingEpochs`. Amounts in wei of the token.
/// Algebra: Σ stake + Σ unbonding = deposits − released, the contract's token balance is at least that.
interface IOperatorStaking {
    /// @notice An operator. `controller` runs it and gets what is released.
    struct Operator {
        address controller;
        uint104 stake;
        uint104 required;
    }

    /// @notice One backing of a device in a sub-network, in force for fromEpoch ≤ e < untilEpoch (2^32 − 1 = open end).
    struct Attachment {
        uint64 operatorId;
        uint32 fromEpoch;
        uint32 untilEpoch;
        uint104 bond;
    }

    /// @notice One request to leave.
    struct Unbonding {
        uint64 operatorId;
        uint104 amount;
        uint64 releaseAt;
    }

    event OperatorCreated(uint64 indexed operatorId, address indexed controller);
    event OwnerAccepted(uint64 indexed operatorId, address indexed owner, bool accepted);
    event Staked(uint64 indexed operatorId, uint256 amount, uint256 stake, uint32 fromEpoch);
    event UnbondingRequested(
        uint256 indexed unbondingId,
        uint64 indexed operatorId,
        uint256 amount,
        uint64 releaseAt,
        uint32 fromEpoch
    );
    event UnbondingReleased(uint256 indexed unbondingId, uint64 indexed operatorId, address to, uint256 amount);
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
    event UnbondingEpochsSet(uint32 epochs);

    error OperatorUnknown(uint64 operatorId);
    error OperatorNotController(uint64 operatorId, address caller);
    error OperatorDoesNotAccept(uint64 operatorId, address owner);
    /// @notice The stake does not cover what is (or would be) required, or more than the stake was asked back.
    error OperatorUnderBonded(uint64 operatorId, uint256 stake, uint256 required);
    error StakingZeroAmount();
    error StakingNotRegistry(address caller);
    error StakingNotAllowed(uint64 deviceId, address caller);
    error AttachmentExists(uint64 deviceId, uint16 subNetwork);
    error AttachmentUnknown(uint64 deviceId, uint16 subNetwork);
    /// @notice All 4 places are taken, one of them only for challenges of the past: it is free from `nextEpoch`.
    error AttachmentRecentlyEnded(uint64 deviceId, uint16 subNetwork, uint32 nextEpoch);
    /// @notice The device is attached in 4 sub-networks.
    error AttachmentsFull(uint64 deviceId);
    error UnbondingUnknown(uint256 unbondingId);
    error UnbondingNotReleased(uint256 unbondingId, uint64 releaseAt);
    error StakingBadParameter(bytes32 name, uint256 value);

    /// @notice Creates an operator run by the caller.
    function createOperator() external returns (uint64 operatorId);

    /// @notice Lets devices of `owner` be attached to the caller's operator, or no longer. The controller's own devices
    /// need no consent.
    function acceptOwner(uint64 operatorId, address owner, bool accepted) external;

    /// @notice Adds own bond; counts from the next epoch. Only the controller (allowance needed).
    function stake(uint64 operatorId, uint256 amount) external;

    /// @notice Starts unbonding `amount`; the rest must cover what is required. Only the controller. Exit: never paused.
    function requestUnbond(uint64 operatorId, uint256 amount) external returns (uint256 unbondingId);

    /// @notice Pays a due unbonding to the controller. Anyone. Exit: never paused.
    function release(uint256 unbondingId) external;

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

    /// @notice Whether devices of `owner` may be attached to the operator.
    function accepts(uint64 operatorId, address owner) external view returns (bool);

    /// @notice Stake and required bond that counted in `epoch`.
    function bondAt(uint64 operatorId, uint32 epoch) external view returns (uint256 stake, uint256 required);

    /// @notice The attachment in force in `epoch`, or zeros. Complete for every challengeable epoch; an attachment that
    /// ended earlier may be forgotten.
    function attachmentAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) external view returns (Attachment memory);

    /// @notice Whether the device was backed in `subNetwork` in `epoch` by an operator whose stake covered its required
    /// bond.
    function isBackedAt(uint64 deviceId, uint16 subNetwork, uint32 epoch) external view returns (bool);

    /// @notice Record of an unbonding.
    function unbondingOf(uint256 unbondingId) external view returns (Unbonding memory);

    /// @notice Σ stake of all operators, without what is unbonding.
    function totalStaked() external view returns (uint256);

    /// @notice Σ amounts that are unbonding.
    function totalUnbonding() external view returns (uint256);

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

    /// @notice Sets `unbondingEpochs` of later requests, never below the minimum of the deployment (1 epoch + settlement
    /// delay + window + answer period + appeal), nor above a year. Restricted: timelock.
    function setUnbondingEpochs(uint32 epochs) external;
}
