// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {BlockhashBeacon} from "../randomness/BlockhashBeacon.sol";
import {IDisputable} from "../interfaces/IDisputable.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
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
