// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {VRFCoordinatorV2_5Mock} from "@chainlink/contracts/src/v0.8/vrf/mocks/VRFCoordinatorV2_5Mock.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {BlockhashBeacon} from "../randomness/BlockhashBeacon.sol";
import {IDisputable} from "../interfaces/IDisputable.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {DeviceMessage, DeviceMessages} from "../libraries/DeviceMessages.sol";
import {GreatCircle} from "../libraries/GreatCircle.sol";

/// @notice A token that anyone can mint and holders can burn.
contract Token__MockForDisputes is ERC20("Token", "TKN"), ERC20Burnable {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice A target that does as it is told.
contract Disputable__Mock is IDisputable {
    enum Mood {
        Fine,
        Reverts,
        BurnsGas,
        ReturnsALot,
        Reenters
    }

    address public accused;
    Mood public mood;
    uint64 public lastCase;
    uint256 public lastSubject;
    uint32 public lastEpoch;
    bool public lastUpheld;
    uint256 public closes;

    error NotNow();

    function set(address accused_, Mood mood_) external {
        (accused, mood) = (accused_, mood_);
    }

    function onDisputeOpened(uint64 caseId, uint256 subject, uint32 epoch) external returns (address) {
        if (mood == Mood.Reverts) revert NotNow();
        if (mood == Mood.Reenters) IDisputes(msg.sender).withdraw(address(this));
        (lastCase, lastSubject, lastEpoch) = (caseId, subject, epoch);
        return accused;
    }

    function onDisputeClosed(uint64 caseId, uint256 subject, bool upheld) external {
        if (mood == Mood.Reverts) revert NotNow();
        if (mood == Mood.Reenters) IDisputes(msg.sender).withdraw(accused);
        if (mood == Mood.BurnsGas) {
            while (true) lastSubject = gasleft();
        }
        if (mood == Mood.ReturnsALot) {
            assembly {
                revert(0, 200000)
            }
        }
        (lastCase, lastSubject, lastUpheld) = (caseId, subject, upheld);
        closes++;
    }
}

/// @notice The side of OperatorStaking that a slasher sees: slash by the rules of the ledger, without a pool.
contract OperatorStaking__MockForSlasher {
    uint256 public constant BOUNTY_BPS = 1_000;

    Token__MockForDisputes public immutable token;
    address public immutable devices;
    uint32 public immutable minUnbondingEpochs;
    mapping(uint64 operatorId => address) private _controllers;
    mapping(uint64 operatorId => uint256) public slashableOf;
    mapping(bytes32 faultKey => bool) public isFaultSlashed;
    mapping(bytes32 place => IOperatorStaking.Attachment) private _attachments;

    error FaultAlreadySlashed(bytes32 faultKey);

    constructor(Token__MockForDisputes token_, address devices_, uint32 minUnbondingEpochs_) {
        (token, devices, minUnbondingEpochs) = (token_, devices_, minUnbondingEpochs_);
    }

    function setOperator(uint64 operatorId, address controller, uint256 stake) external {
        _controllers[operatorId] = controller;
        token.mint(address(this), stake);
        slashableOf[operatorId] += stake;
    }

    function setAttachment(uint64 deviceId, uint16 subNetwork, uint64 operatorId, uint32 from, uint104 bond) external {
        _attachments[keccak256(abi.encode(deviceId, subNetwork))] = IOperatorStaking.Attachment(
            operatorId,
            from,
            type(uint32).max,
            bond
        );
    }

    function slash(
        uint64 operatorId,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external returns (uint256 slashed) {
        if (isFaultSlashed[faultKey]) revert FaultAlreadySlashed(faultKey);
        isFaultSlashed[faultKey] = true;
        uint256 slashable = slashableOf[operatorId];
        slashed = amount < slashable ? amount : slashable;
        slashableOf[operatorId] = slashable - slashed;
        uint256 bounty = (slashed * BOUNTY_BPS) / 10_000;
        token.transfer(bountyTo, bounty);
        token.burn(slashed - bounty);
    }

    function operatorOf(uint64 operatorId) external view returns (IOperatorStaking.Operator memory) {
        return IOperatorStaking.Operator(_controllers[operatorId], uint104(slashableOf[operatorId]), 0);
    }

    function attachmentAt(
        uint64 deviceId,
        uint16 subNetwork,
        uint32 epoch
    ) external view returns (IOperatorStaking.Attachment memory a) {
        IOperatorStaking.Attachment memory b = _attachments[keccak256(abi.encode(deviceId, subNetwork))];
        if (b.fromEpoch <= epoch) a = b;
    }
}

/// @notice Libraries from outside.
contract DeviceMessages__Harness {
    function parse(bytes calldata message) external pure returns (DeviceMessage memory) {
        return DeviceMessages.parse(message);
    }

    function encode(DeviceMessage calldata m) external pure returns (bytes memory) {
        return DeviceMessages.encode(m);
    }

    function digest(bytes calldata message) external pure returns (bytes32) {
        return DeviceMessages.digest(message);
    }

    function distance(int32 latA, int32 lonA, int32 latB, int32 lonB) external pure returns (uint256) {
        return GreatCircle.lowerBound(latA, lonA, latB, lonB);
    }
}

/// @notice The check of the chain, for any chain.
contract BlockhashBeacon__Harness is BlockhashBeacon(0, 1, 0) {
    function checkChain(uint256 chainId) external pure {
        _checkChain(chainId);
    }
}
