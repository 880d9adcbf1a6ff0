// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What the reporter claims that one sub-network earned in one epoch: the report's payload, ABI-encoded, 12
/// words.
/// @param schema 1
/// @param chainId this chain
/// @param receiver the SettlementOracle
/// @param subNetwork id, from 1
/// @param term epoch ÷ termLength: payouts accumulate within a term
/// @param epoch an ended epoch after the head's
/// @param attempt number of voids of this sub-network so far
/// @param parent id of the sub-network's head, 0 for the first
/// @param validUntil last second of delivery; not part of the id: a re-signed retry is the same settlement
/// @param entriesRoot keccak256(0x41 ‖ top ‖ totalPoints(16) ‖ leafCount(4)) of the entries tree
/// @param payoutsRoot top of the payouts tree, cumulative within the term
/// @param dataHash keccak256(abi.encode(uint8(1), blockHash, blockNumber, proofSetHash)): binds the finalised block
/// whose state was used, and the set of proofs
struct Settlement {
    uint16 schema;
    uint64 chainId;
    address receiver;
    uint16 subNetwork;
    uint32 term;
    uint32 epoch;
    uint16 attempt;
    uint208 parent;
    uint64 validUntil;
    bytes32 entriesRoot;
    bytes32 payoutsRoot;
    bytes32 dataHash;
}

/// @title Settlements: one slot each, no money
/// @notice The forwarder delivers; the contract checks identity, chain, receiver, validity, epoch, attempt and that the
/// parent is the sub-network's head, stores one slot and emits the payload. Later calls pass the payload back.
/// id = low 208 bits of keccak256(abi.encode(settlement with validUntil = 0)).
/// A settlement can be made final by anyone once its window is over, in the order of its chain. Inside the window the
/// guardian (once in a row per sub-network) may cancel it; afterwards the guardian cannot, so that what payees may
/// already finalise is not stopped at the last moment. The timelock may cancel whatever is not final: its delay is the
/// notice, and a settlement that could never be finalised must not block its chain. Cancelling moves the head back to
/// the parent, which orphans the descendants, and raises the attempt; the epoch may be settled again until
/// `resettleBy`. Then its budget returns to the reserve.
/// Epoch 0 is never settled: what is done in it counts from epoch 1, so nothing earns in it.
/// Warning: a false root that nobody cancels can misassign one sub-network's unclaimed balance of one term: never
/// another's, never stake, never new mint (RewardDistributor).
interface ISettlementOracle {
    /// @notice `None`: nothing, cancelled or orphaned.
    enum SettlementStatus {
        None,
        Pending,
        Final
    }

    /// @notice The last settlement of a sub-network's chain. `attempt` = voids so far.
    struct Head {
        uint208 id;
        uint32 epoch;
        uint16 attempt;
    }

    event SettlementReported(
        uint16 indexed subNetwork,
        uint32 indexed epoch,
        uint208 indexed id,
        Settlement settlement,
        uint32 deadline
    );
    event SettlementFinalised(uint16 indexed subNetwork, uint32 indexed epoch, uint208 indexed id);
    /// @notice `attempt` is the one that the next report must name.
    event SettlementCancelled(
        uint16 indexed subNetwork,
        uint32 indexed epoch,
        uint208 indexed id,
        address by,
        uint16 attempt
    );
    event WindowSet(uint32 seconds_);
    /// @notice Settlements of `fromTerm` and later terms are paid through `distributor`.
    event DistributorSet(address indexed distributor, uint32 fromTerm);

    /// @notice The payload is not one Settlement of 384 bytes, or has bits above a field's type.
    error SettlementMalformed(uint256 length);
    error SettlementWrongDomain(uint16 schema, uint64 chainId, address receiver);
    error SettlementExpired(uint64 validUntil, uint256 nowSeconds);
    error SettlementWrongTerm(uint32 term, uint32 expected);
    error SettlementEpochNotEnded(uint32 epoch, uint64 endsAt);
    error SettlementEpochNotAfterHead(uint32 epoch, uint32 headEpoch);
    error SettlementTooLate(uint32 epoch, uint256 resettleBy);
    error SettlementWrongAttempt(uint16 attempt, uint16 expected);
    error SettlementWrongParent(uint208 parent, uint208 head);
    error SettlementNotPending(uint16 subNetwork, uint32 epoch);
    error SettlementWindowOpen(uint32 deadline);
    error SettlementWindowClosed(uint32 deadline);
    error SettlementParentNotFinal(uint16 subNetwork, uint32 parentEpoch);
    error SettlementWrongPayload(uint208 id, uint208 stored);
    error SettlementGuardianSpent(uint16 subNetwork);
    error SettlementNoDistributor(uint32 term);
    error SettlementTooManyAttempts(uint16 subNetwork);
    error SettlementBadParameter(bytes32 name, uint256 value);

    /// @notice Makes a pending settlement final after its window and funds its pot. Anyone.
    /// @param s the settlement as reported (validUntil is ignored)
    /// @param parentEpoch epoch of its parent, 0 if the parent is 0
    function finalise(Settlement calldata s, uint32 parentEpoch) external;

    /// @notice Cancels a pending settlement of the chain inside its window and so orphans its descendants. Restricted:
    /// guardian, once in a row per sub-network: again only after a settlement that was reported since is final, or
    /// after a vote has cancelled.
    /// @param s the settlement as reported (validUntil is ignored)
    /// @param parentEpoch epoch of its parent, 0 if the parent is 0
    function cancel(Settlement calldata s, uint32 parentEpoch) external;

    /// @notice The same by vote, as often as needed and until the settlement is final; gives the guardian its one cancel
    /// back. Restricted: timelock.
    function cancelByVote(Settlement calldata s, uint32 parentEpoch) external;

    /// @notice Head of the sub-network's chain.
    function headOf(uint16 subNetwork) external view returns (Head memory);

    /// @notice Id, second at which the window ends, and status; all zero for what is None.
    function settlementOf(
        uint16 subNetwork,
        uint32 epoch
    ) external view returns (uint208 id, uint32 deadline, SettlementStatus status);

    /// @notice Whether (subNetwork, epoch) is pending, or may still be reported, now or after a cancel that moves the head
    /// back or a shorter window: once false, no settlement of it can become final. So a budget that was reclaimed can
    /// never be missed by a settlement.
    function isSettleable(uint16 subNetwork, uint32 epoch) external view returns (bool);

    /// @notice Id of a settlement.
    function idOf(Settlement calldata s) external pure returns (uint208);

    /// @notice Second by which the window of the last report of `epoch` must end: end of the epoch + `resettlePeriod`.
    function resettleBy(uint32 epoch) external view returns (uint256);

    /// @notice Last epoch of the sub-network whose settlement is final; 0 if none.
    function finalEpochOf(uint16 subNetwork) external view returns (uint32);

    /// @notice Whether the guardian's one cancel in a row is used up in this sub-network.
    function isGuardianSpent(uint16 subNetwork) external view returns (bool);

    /// @notice Distributor that is told of final settlements of `term` (the current or a coming one); 0 if none.
    function distributorOf(uint32 term) external view returns (address);

    /// @notice Seconds after its end in which an epoch may be settled. At least two of the longest windows and the longest
    /// pause together, so that the guardian, with a pause and a cancel after it, never costs a budget.
    function resettlePeriod() external view returns (uint32);

    /// @notice Shortest window that can be set, in seconds.
    function minWindow() external view returns (uint32);

    /// @notice Longest window that can be set, in seconds.
    function maxWindow() external view returns (uint32);

    /// @notice Length of a term, in epochs.
    function termLength() external view returns (uint32);

    /// @notice Window of later reports, in seconds.
    function window() external view returns (uint32);

    /// @notice Sets the window of later reports, within the bounds of the deployment. Restricted: timelock.
    function setWindow(uint32 seconds_) external;

    /// @notice Sets the distributor that is told of final settlements: the first one at once, a later one from the next
    /// term, since a pot lives in one distributor. Restricted: timelock.
    /// Warning: at most one change a `resettlePeriod`; the last two distributors are kept, not the ones before.
    function setDistributor(address distributor) external;
}
