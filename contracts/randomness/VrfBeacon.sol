// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IVRFCoordinatorV2Plus} from "@chainlink/contracts/src/v0.8/vrf/dev/interfaces/IVRFCoordinatorV2Plus.sol";
import {IVRFMigratableConsumerV2Plus} from "@chainlink/contracts/src/v0.8/vrf/dev/interfaces/IVRFMigratableConsumerV2Plus.sol";
import {VRFV2PlusClient} from "@chainlink/contracts/src/v0.8/vrf/dev/libraries/VRFV2PlusClient.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";
import {IVrfBeacon, VrfTerms} from "../interfaces/IVrfBeacon.sol";
import {RandomBeacon} from "./RandomBeacon.sol";

/// @title Seeds from Chainlink VRF v2.5
contract VrfBeacon is IVrfBeacon, IVRFMigratableConsumerV2Plus, RandomBeacon, AccessManaged {
    uint32 private constant MIN_CALLBACK_GAS = 50_000;
    uint32 private constant MAX_CALLBACK_GAS = 2_500_000;
    uint16 private constant MAX_CONFIRMATIONS = 200;

    /// @inheritdoc IVrfBeacon
    address public coordinator;
    VrfTerms private _terms;
    /// @inheritdoc IVrfBeacon
    mapping(uint256 requestId => uint64) public periodOfRequest;

    constructor(
        address manager,
        address coordinator_,
        VrfTerms memory terms_,
        uint64 genesis,
        uint32 length,
        uint32 retryAfter_
    ) RandomBeacon(genesis, length, retryAfter_) AccessManaged(manager) {
        _setCoordinator(coordinator_);
        _setTerms(terms_);
    }

    // ------------------------------------------------------------------------------------------------- coordinator

    /// @notice Takes Chainlink's answer. Only the coordinator, which has checked the proof.
    function rawFulfillRandomWords(uint256 requestId, uint256[] calldata randomWords) external {
        if (msg.sender != coordinator) revert VrfNotCoordinator(msg.sender, coordinator);
        uint64 period = periodOfRequest[requestId];
        if (period == 0) revert VrfUnknownRequest(requestId);
        _take(period - 1, requestId, randomWords[0]);
    }

    /// @inheritdoc IVRFMigratableConsumerV2Plus
    /// @dev The coordinator when it migrates the subscription, or the timelock (restricted).
    function setCoordinator(address coordinator_) external {
        if (msg.sender != coordinator) _checkCanCall(msg.sender, msg.data);
        _setCoordinator(coordinator_);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc IVrfBeacon
    function setTerms(VrfTerms calldata terms_) external restricted {
        _setTerms(terms_);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVrfBeacon
    function terms() external view returns (VrfTerms memory) {
        return _terms;
    }

    /// @inheritdoc IRandomBeacon
    function maxValue() public pure override(RandomBeacon, IRandomBeacon) returns (uint256) {
        return type(uint256).max;
    }

    // --------------------------------------------------------------------------------------------------- internals

    function _request(uint64 period) internal override returns (uint256 requestId) {
        VrfTerms memory t = _terms;
        requestId = IVRFCoordinatorV2Plus(coordinator).requestRandomWords(
            VRFV2PlusClient.RandomWordsRequest({
                keyHash: t.keyHash,
                subId: t.subscriptionId,
                requestConfirmations: t.confirmations,
                callbackGasLimit: t.callbackGasLimit,
                numWords: 1,
                extraArgs: VRFV2PlusClient._argsToBytes(VRFV2PlusClient.ExtraArgsV1({nativePayment: t.nativePayment}))
            })
        );
        periodOfRequest[requestId] = period + 1;

        emit SeedRequested(period, requestId, msg.sender);
    }

    function _setTerms(VrfTerms memory t) private {
        if (t.callbackGasLimit < MIN_CALLBACK_GAS || t.callbackGasLimit > MAX_CALLBACK_GAS) {
            revert RandomBadParameter("callbackGasLimit", t.callbackGasLimit);
        }
        if (t.confirmations == 0 || t.confirmations > MAX_CONFIRMATIONS) {
            revert RandomBadParameter("confirmations", t.confirmations);
        }
        _terms = t;

        emit TermsSet(t);
    }

    function _setCoordinator(address coordinator_) private {
        if (coordinator_ == address(0)) revert RandomBadParameter("coordinator", 0);
        coordinator = coordinator_;

        emit CoordinatorSet(coordinator_);
    }
}
