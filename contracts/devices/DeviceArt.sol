// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {Geography} from "./Geography.sol";

/// @title The picture of a device
/// @notice Pure: numbers and texts in, SVG out. Texts must be escaped for XML already.
library DeviceArt {
    using LibString for int256;
    using LibString for string;
    using LibString for uint256;

    /// @notice What the card shows.
    /// @param collection name of the collection
    /// @param model name of the model
    /// @param maker its maker, as text
    /// @param status one of waiting, active, disputed, denied, retired
    /// @param service what backs it, as text
    /// @param seed decides the emblem
    /// @param capBps what age leaves of the points cap
    struct Card {
        uint64 deviceId;
        uint16 category;
        uint32 age;
        uint64 cell;
        uint128 cap;
        uint256 capBps;
        bytes32 seed;
        string collection;
        string model;
        string maker;
        string status;
        string statusColour;
        string service;
    }

    /* solhint-disable quotes */

    /// @notice The card, 600 by 600.
    function svg(Card memory c) internal pure returns (string memory) {
        string memory hue = ((210 + uint256(c.category) * 47) % 360).toString();
        return string.concat(_head(hue), _title(c), _emblem(c.seed), _map(c.cell), _figures(c), "</g></svg>");
    }

    function _head(string memory hue) private pure returns (string memory) {
        string memory light = string.concat("hsl(", hue, ",85%,68%)");
        return
            string.concat(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 600" width="600" height="600"><defs>',
                '<radialGradient id="b" cx=".85" cy="0" r="1.25"><stop offset="0" stop-color="hsl(',
                hue,
                ',62%,27%)"/><stop offset=".55" stop-color="hsl(',
                hue,
                ',48%,12%)"/><stop offset="1" stop-color="#06080f"/></radialGradient>',
                '<radialGradient id="s"><stop offset="0" stop-color="',
                light,
                '" stop-opacity=".9"/><stop offset="1" stop-color="',
                light,
                '" stop-opacity="0"/></radialGradient><path id="h" d="M15 0 7.5 13H-7.5L-15 0-7.5-13H7.5z" fill="',
                light,
                '"/></defs><rect width="600" height="600" rx="36" fill="url(#b)"/><rect x="1" y="1" width="598" ',
                'height="598" rx="35" fill="none" stroke="#fff" stroke-opacity=".12" stroke-width="2"/>',
                '<g font-family="Inter,Segoe UI,Helvetica,Arial,sans-serif" fill="#fff">'
            );
    }

    function _title(Card memory c) private pure returns (string memory) {
        return
            string.concat(
                '<text x="40" y="62" font-size="15" letter-spacing="2.5" fill-opacity=".55">',
                c.collection,
                '</text><rect x="40" y="86" width="132" height="32" rx="16" fill="',
                c.statusColour,
                '" fill-opacity=".16"/><circle cx="59" cy="102" r="5" fill="',
                c.statusColour,
                '"/><text x="74" y="107" font-size="15" font-weight="600" fill="',
                c.statusColour,
                '">',
                c.status,
                '</text><text x="39" y="168" font-weight="700" font-size="',
                _fit(c.model, 40, 640),
                '">',
                c.model,
                string.concat(
                    '</text><text x="40" y="200" font-size="17" fill-opacity=".7">#',
                    uint256(c.deviceId).toString(),
                    '</text><text x="40" y="226" font-size="14" fill-opacity=".5">by ',
                    c.maker,
                    "</text>"
                )
            );
    }

    /// @dev 19 cells of a honeycomb, alike left and right; no two devices have the same by more than chance.
    function _emblem(bytes32 seed) private pure returns (string memory out) {
        out = '<g transform="translate(498 138)">';
        for (int256 q = -2; q <= 2; q++) {
            int256 from = q < 0 ? -2 - q : int256(-2);
            int256 to = q < 0 ? int256(2) : 2 - q;
            for (int256 r = from; r <= to; r++) {
                int256 height = 2 * r + q;
                uint256 place = uint256(q < 0 ? -q : q) * 9 + uint256(height + 4);
                out = string.concat(
                    out,
                    '<use href="#h" x="',
                    (q * 25).toString(),
                    '" y="',
                    ((height * 29) / 2).toString(),
                    '" opacity=".',
                    // 08, 32, 56, 80
                    uint8(seed[place]) & 3 == 0 ? "08" : (8 + 24 * uint256(uint8(seed[place]) & 3)).toString(),
                    '"/>'
                );
            }
        }
        out = string.concat(out, "</g>");
    }

    /// @dev Fields of 4° are 5.8 wide: 90 by 33 of them.
    function _map(uint64 cell) private pure returns (string memory) {
        string memory land = string.concat(
            '<g transform="translate(42 262) scale(5.8)"><path d="',
            Geography.LAND,
            '" fill="none" stroke="#fff" stroke-opacity="',
            cell == 0 ? ".16" : ".26",
            '" stroke-width=".52" stroke-linecap="round" stroke-dasharray="0 1"/></g>'
        );
        if (cell == 0) {
            return string.concat(land, '<text x="40" y="478" font-size="14" fill-opacity=".4">no location</text>');
        }
        (int256 latitude, int256 longitude) = Geography.centreOf(cell);
        string memory x = _tenths(420 + ((longitude + 180) * 58) / 4 - 29);
        string memory y = _tenths(2620 + ((76 - latitude) * 58) / 4 - 29);
        return
            string.concat(
                land,
                _dot(x, y, '" r="34" fill="url(#s)"/>'),
                _dot(x, y, '" r="13" fill="none" stroke="#fff" stroke-opacity=".75" stroke-width="1.5"/>'),
                _dot(x, y, '" r="4.5" fill="#fff"/>'),
                '<text x="40" y="478" font-size="14" fill-opacity=".6">',
                region(cell),
                "</text>"
            );
    }

    function _dot(string memory x, string memory y, string memory rest) private pure returns (string memory) {
        return string.concat('<circle cx="', x, '" cy="', y, rest);
    }

    function _figures(Card memory c) private pure returns (string memory) {
        return
            string.concat(
                '<path d="M40 496H560" stroke="#fff" stroke-opacity=".12"/>',
                _figure("40", "AGE", string.concat(uint256(c.age).toString(), c.age == 1 ? " epoch" : " epochs")),
                _figure("190", "POINTS CAP", _grouped(c.cap)),
                _figure("372", "BACKED", c.service),
                '<rect x="190" y="568" width="140" height="4" rx="2" fill="#fff" fill-opacity=".12"/>',
                '<rect x="190" y="568" width="',
                ((c.capBps * 140) / 10_000).toString(),
                '" height="4" rx="2" fill="',
                c.statusColour,
                '"/>'
            );
    }

    function _figure(string memory x, string memory label, string memory value) private pure returns (string memory) {
        return
            string.concat(
                '<text x="',
                x,
                '" y="525" font-size="12" letter-spacing="1.6" fill-opacity=".45">',
                label,
                '</text><text x="',
                x,
                '" y="553" font-weight="600" font-size="',
                _fit(value, 20, 300),
                '">',
                value,
                "</text>"
            );
    }

    /* solhint-enable quotes */

    /// @notice The cell's surroundings in words: degrees to the nearest one or two.
    function region(uint64 cell) internal pure returns (string memory) {
        (int256 latitude, int256 longitude) = Geography.centreOf(cell);
        return string.concat("near ", _degrees(latitude, "N", "S"), ", ", _degrees(longitude, "E", "W"));
    }

    function _degrees(int256 value, string memory above, string memory below) private pure returns (string memory) {
        return string.concat((value < 0 ? -value : value).toString(), unicode"° ", value < 0 ? below : above);
    }

    function _tenths(int256 value) private pure returns (string memory) {
        return string.concat((value / 10).toString(), ".", (value % 10).toString());
    }

    /// @dev Font size at which the text is as wide as its place, about: not every reader of SVG squeezes text.
    function _fit(string memory text, uint256 largest, uint256 room) private pure returns (string memory) {
        return FixedPointMathLib.min(largest, room / (bytes(text).length + 1)).toString();
    }

    /// @dev 1,234,567; from 10^12 on 1.23·10^12, rounded down.
    function _grouped(uint256 value) private pure returns (string memory out) {
        if (value >= 1e12) {
            uint256 power = 3;
            for (; value >= 10_000; value /= 10) power++;
            string memory hundredths = (((value / 10) % 100) + 100).toString();
            return string.concat((value / 1_000).toString(), ".", hundredths.slice(1), unicode"·10^", power.toString());
        }
        out = (value % 1_000).toString();
        for (value /= 1_000; value != 0; value /= 1_000) {
            uint256 length = bytes(out).length;
            // The last group is as long as it is written; fill it to three.
            for (uint256 n = length % 4; n < 3; n++) out = string.concat("0", out);
            out = string.concat((value % 1_000).toString(), ",", out);
        }
    }
}
