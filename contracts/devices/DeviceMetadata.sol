// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {IDeviceMetadata} from "../interfaces/IDeviceMetadata.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEpochs} from "../interfaces/IEpochs.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {IOperatorStaking} from "../interfaces/IOperatorStaking.sol";
import {CleanText} from "./CleanText.sol";
import {DeviceArt} from "./DeviceArt.sol";

/// @title Metadata of devices: JSON and a picture, made from the chain alone
/// @dev Only views. What the registry cannot tell (`locationOf`, `isDeniedAt`, `caseAt`) is left out.
contract DeviceMetadata is IDeviceMetadata {
    using CleanText for string;
    using LibString for address;
    using LibString for string;
    using LibString for uint256;

    /// @dev Promise 8: there are at most so many sub-networks.
    uint16 private constant SUB_NETWORKS = 16;
    uint256 private constant WHOLE = 10_000;

    /// @dev What is known of a device now.
    struct Facts {
        uint32 epoch;
        uint32 fromEpoch;
        uint32 retiredFrom;
        uint24 modelId;
        uint64 cell;
        string status;
        string subNetworks;
        string operators;
    }

    /// @inheritdoc IDeviceMetadata
    address public immutable devices;

    constructor(address devices_) {
        if (devices_ == address(0)) revert DeviceMetadataZeroAddress();
        devices = devices_;
    }

    // --- Views ---

    /// @inheritdoc IDeviceMetadata
    function tokenURI(uint64 deviceId) external view returns (string memory) {
        (DeviceArt.Card memory card, Facts memory facts) = _read(deviceId);
        string memory json = string.concat(
            _names(card, facts),
            _attributes(card, facts),
            // solhint-disable-next-line quotes
            '],"image":"',
            _image(card),
            // solhint-disable-next-line quotes
            '"}'
        );
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// @inheritdoc IDeviceMetadata
    function svgOf(uint64 deviceId) external view returns (string memory) {
        (DeviceArt.Card memory card, ) = _read(deviceId);
        return _svg(card);
    }

    // --- Internal ---

    function _read(uint64 deviceId) private view returns (DeviceArt.Card memory card, Facts memory f) {
        IDeviceRegistry registry = IDeviceRegistry(devices);
        f.epoch = IEpochs(devices).currentEpoch();
        f.modelId = registry.modelOfDevice(deviceId);
        (f.fromEpoch, f.retiredFrom) = registry.lifetimeOf(deviceId);
        f.cell = uint64(_word(abi.encodeWithSignature("locationOf(uint64)", deviceId)));
        f.status = _statusOf(deviceId, f);
        _readBacking(deviceId, f);

        IMakerRegistry makers = IMakerRegistry(registry.makers());
        IMakerRegistry.Model memory model = makers.modelOf(f.modelId);
        uint256 whole = makers.pointsCapAt(f.modelId, f.epoch);
        card.deviceId = deviceId;
        card.category = model.category;
        card.cell = f.cell;
        card.age = f.epoch > f.fromEpoch ? f.epoch - f.fromEpoch : 0;
        card.cap = registry.pointsCapAt(deviceId, f.epoch);
        card.capBps = whole == 0 ? 0 : (card.cap * WHOLE) / whole;
        card.seed = keccak256(abi.encodePacked(devices, deviceId));
        card.collection = IERC721Metadata(devices).name().clean();
        card.model = model.name.clean();
        card.maker = model.maker.toHexStringChecksummed();
        card.status = f.status;
        card.statusColour = _colourOf(f.status);
        card.service = bytes(f.subNetworks).length == 0 ? "by nobody" : string.concat("in ", f.subNetworks);
    }

    function _statusOf(uint64 deviceId, Facts memory f) private view returns (string memory) {
        if (f.retiredFrom != 0 && f.epoch >= f.retiredFrom) return "retired";
        if (_word(abi.encodeWithSignature("isDeniedAt(uint64,uint32)", deviceId, f.epoch)) != 0) return "denied";
        if (_word(abi.encodeWithSignature("caseAt(uint64,uint32)", deviceId, f.epoch)) != 0) return "disputed";
        return f.epoch < f.fromEpoch ? "waiting" : "active";
    }

    /// @dev Sub-networks in which an operator stands for the device from the next epoch on.
    function _readBacking(uint64 deviceId, Facts memory f) private view {
        address staking = IDeviceRegistry(devices).staking();
        if (staking == address(0)) return;
        for (uint16 sub = 1; sub <= SUB_NETWORKS; sub++) {
            uint64 operator = IOperatorStaking(staking).attachmentAt(deviceId, sub, f.epoch + 1).operatorId;
            if (operator == 0) continue;
            string memory comma = bytes(f.subNetworks).length == 0 ? "" : ", ";
            f.subNetworks = string.concat(f.subNetworks, comma, uint256(sub).toString());
            f.operators = string.concat(f.operators, comma, uint256(operator).toString());
        }
    }

    /// @dev First word of what the registry answers; 0 where it does not know the question.
    function _word(bytes memory question) private view returns (uint256 word) {
        (bool known, bytes memory answer) = devices.staticcall(question);
        if (known && answer.length >= 32) word = abi.decode(answer, (uint256));
    }

    function _colourOf(string memory status) private pure returns (string memory) {
        bytes32 s = keccak256(bytes(status));
        if (s == keccak256("active")) return "#3ddc84";
        if (s == keccak256("waiting")) return "#ffc857";
        if (s == keccak256("disputed")) return "#ff9248";
        if (s == keccak256("denied")) return "#ff5468";
        return "#9aa5b8";
    }

    /* solhint-disable quotes */

    function _names(DeviceArt.Card memory c, Facts memory f) private pure returns (string memory) {
        return
            string.concat(
                '{"name":"',
                c.model.escapeJSON(),
                " #",
                uint256(c.deviceId).toString(),
                '","description":"A device of ',
                c.collection.escapeJSON(),
                ", ",
                f.status,
                ". Its key signs what it measures; what it earns is claimed by its payee",
                '.","attributes":[',
                _trait("Model", c.model.escapeJSON()),
                ",",
                _trait("Status", f.status)
            );
    }

    function _attributes(DeviceArt.Card memory c, Facts memory f) private pure returns (string memory out) {
        out = string.concat(
            ",",
            _trait("Maker", c.maker),
            ",",
            _number("Category", c.category),
            ",",
            _number("Age in epochs", c.age),
            ",",
            _number("First epoch", f.fromEpoch),
            ",",
            _number("Points cap", c.cap)
        );
        if (f.retiredFrom != 0) out = string.concat(out, ",", _number("Retired from epoch", f.retiredFrom));
        if (f.cell != 0) {
            out = string.concat(
                out,
                ",",
                _trait("Region", DeviceArt.region(f.cell)),
                ",",
                _trait("H3 cell", uint256(f.cell).toMinimalHexStringNoPrefix())
            );
        }
        if (bytes(f.subNetworks).length != 0) {
            out = string.concat(out, ",", _trait("Sub-networks", f.subNetworks), ",", _trait("Operators", f.operators));
        }
    }

    function _trait(string memory name, string memory value) private pure returns (string memory) {
        return string.concat('{"trait_type":"', name, '","value":"', value, '"}');
    }

    /// @dev As text above 2^53, which readers of JSON round.
    function _number(string memory name, uint256 value) private pure returns (string memory) {
        if (value >= 1 << 53) return _trait(name, value.toString());
        return string.concat('{"trait_type":"', name, '","display_type":"number","value":', value.toString(), "}");
    }

    /* solhint-enable quotes */

    function _image(DeviceArt.Card memory card) private pure returns (string memory) {
        return string.concat("data:image/svg+xml;base64,", Base64.encode(bytes(_svg(card))));
    }

    function _svg(DeviceArt.Card memory card) private pure returns (string memory) {
        (string memory collection, string memory model) = (card.collection, card.model);
        card.collection = collection.escapeHTML();
        card.model = model.escapeHTML();
        string memory svg = DeviceArt.svg(card);
        (card.collection, card.model) = (collection, model);
        return svg;
    }
}
