// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Text that may stand in JSON and in XML
library CleanText {
    /// @notice `text` with a question mark for every byte that is no part of well-formed UTF-8, and for every control
    /// character and every character that XML does not know. Quotes, brackets and the like are for the format to escape.
    function clean(string memory text) internal pure returns (string memory) {
        bytes memory b = bytes(text);
        for (uint256 i = 0; i < b.length;) {
            uint256 size = _sizeAt(b, i);
            if (size == 0) {
                b[i] = "?";
                size = 1;
            }
            i += size;
        }
        return text;
    }

    /// @dev Bytes of the character at `i`; 0 if none is there (RFC 3629, table 3-7 of the Unicode standard).
    function _sizeAt(bytes memory b, uint256 i) private pure returns (uint256) {
        uint256 first = uint8(b[i]);
        if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
        uint256 second = _byteAt(b, i + 1);
        if (first >= 0xc2 && first <= 0xdf) {
            // U+0080 to U+009F are controls.
            return _isTail(second) && (first != 0xc2 || second >= 0xa0) ? 2 : 0;
        }
        uint256 third = _byteAt(b, i + 2);
        if (first >= 0xe0 && first <= 0xef) {
            if (!_isTail(second) || !_isTail(third)) return 0;
            if (first == 0xe0 && second < 0xa0) return 0; // overlong
            if (first == 0xed && second > 0x9f) return 0; // surrogates
            if (first == 0xef && second == 0xbf && third > 0xbd) return 0; // U+FFFE and U+FFFF
            // Marks that turn the direction of what follows: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
            if (first == 0xe2 && second == 0x80 && (third == 0x8e || third == 0x8f)) return 0;
            if (first == 0xe2 && second == 0x80 && third >= 0xaa && third <= 0xae) return 0;
            if (first == 0xe2 && second == 0x81 && third >= 0xa6 && third <= 0xa9) return 0;
            return 3;
        }
        if (first < 0xf0 || first > 0xf4 || !_isTail(second) || !_isTail(third)) return 0;
        if (!_isTail(_byteAt(b, i + 3))) return 0;
        if (first == 0xf0 && second < 0x90) return 0; // overlong
        if (first == 0xf4 && second > 0x8f) return 0; // above U+10FFFF
        return 4;
    }

    function _byteAt(bytes memory b, uint256 i) private pure returns (uint256) {
        return i < b.length ? uint8(b[i]) : 0;
    }

    function _isTail(uint256 value) private pure returns (bool) {
        return value >= 0x80 && value <= 0xbf;
    }
}
