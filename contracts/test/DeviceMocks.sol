// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable contract-name-capwords

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IDataCredits} from "../interfaces/IDataCredits.sol";
import {DeviceKey, DeviceSignature} from "../interfaces/IDeviceRegistry.sol";
import {DeviceKeys} from "../devices/DeviceKeys.sol";

/// @notice A token that anyone can mint.
contract Token__MockForDevices is ERC20("Token", "TKN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice The same, and holders can burn it.
contract BurnableToken__MockForDevices is ERC20Burnable, Token__MockForDevices {}

/// @notice The spending half of data credits.
contract DataCredits__MockForDevices {
    mapping(address account => uint256) public balanceOf;
    mapping(uint16 subNetwork => mapping(uint32 epoch => uint256)) public spentIn;
    mapping(address spender => bool) public isSpender;
    uint256 public totalSpent;

    uint64 private immutable _genesis;
    uint32 private immutable _length;

    constructor(uint64 genesis, uint32 length) {
        (_genesis, _length) = (genesis, length);
    }

    function mint(address to, uint256 credits) external {
        balanceOf[to] += credits;
    }

    function setSpender(address spender, bool allowed) external {
        isSpender[spender] = allowed;
    }

    function spendFrom(address payer, uint16 subNetwork, uint256 credits) external {
        if (!isSpender[msg.sender]) revert IDataCredits.DataCreditsNotSpender(msg.sender);
        uint256 balance = balanceOf[payer];
        if (balance < credits) revert IDataCredits.DataCreditsInsufficient(payer, balance, credits);
        uint32 epoch = uint32((block.timestamp - _genesis) / _length);
        balanceOf[payer] = balance - credits;
        totalSpent += credits;
        spentIn[subNetwork][epoch] += credits;
        emit IDataCredits.CreditsSpent(payer, subNetwork, epoch, credits, msg.sender);
    }
}

/// @notice DeviceKeys from outside.
contract DeviceKeys__Harness {
    function hash(DeviceKey calldata key) external pure returns (bytes32) {
        return DeviceKeys.hash(key);
    }

    function verify(DeviceKey calldata key, bytes32 digest, DeviceSignature calldata s) external view returns (bool) {
        return DeviceKeys.verify(key, digest, s);
    }

    function checkSignature(DeviceKey calldata key, bytes32 digest, DeviceSignature calldata s) external view {
        DeviceKeys.checkSignature(key, digest, s);
    }

    function isOnCurve(DeviceKey calldata key) external pure returns (bool) {
        return DeviceKeys.isOnCurve(key);
    }
}

/// @notice A receiver that, while it is given a device, hands it back and plays a call (an acceptance) once more.
contract DeviceReceiver__Reentering {
    bytes private _replay;
    bool public replayed;

    function prepare(bytes calldata replay_) external {
        _replay = replay_;
    }

    function onERC721Received(address, address from, uint256 id, bytes calldata) external returns (bytes4) {
        IERC721(msg.sender).transferFrom(address(this), from, id);
        // solhint-disable-next-line avoid-low-level-calls
        (replayed, ) = msg.sender.call(_replay);
        return this.onERC721Received.selector;
    }
}
