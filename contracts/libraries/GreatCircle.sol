// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A lower bound of the distance between two places, in integers
/// @notice Never above the true distance along the WGS 84 ellipsoid, at or above 439 m below sea level (the shore of the
/// Dead Sea lies at −438 m). Why, step by step (docs/accounting.md, "Disputes and slashes"):
/// - the ellipsoid's ds² = M²dφ² + N²cos²φ dλ² with M, N ≥ 6,335,439 m, so a sphere of 6,335,000 m over the same
///   latitudes and longitudes is shorter everywhere;
/// - hav = sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2) has no negative term and cos φ = sin(90° − |φ|), so a lower bound of the
///   sine gives one of hav;
/// - sin x ≥ x − x³/3! + x⁵/5! − x⁷/7! + x⁹/9! − x¹¹/11! on [0, π/2] (alternating, falling terms, cut after a negative
///   one), and the sine rises there, so x may be rounded down;
/// - arcsin y = y + y³/6 + 3y⁵/40 + 15y⁷/336 + … has positive terms only: cut anywhere it is a lower bound.
/// Every added term is rounded down, every subtracted one up. Within 0.6 % of the distance on the mean sphere up to
/// 7,000 km, within 16 % at the antipodes.
library GreatCircle {
    /// @notice A latitude beyond ±90° or a longitude beyond ±180°.
    error GreatCircleBadPosition(int32 latE7, int32 lonE7);

    /// @notice Radius of the sphere in metres.
    uint256 internal constant RADIUS = 6_335_000;

    uint256 private constant ONE = 1e18;
    /// @dev ⌊π · 10¹⁸⌋: below π, and only ever a factor of angles that are to be rounded down.
    uint256 private constant PI = 3_141592653589793238;
    uint256 private constant QUARTER = 900_000_000; // 90° in 10⁻⁷ degrees
    uint256 private constant HALF = 1_800_000_000;

    // Fixed point: each division rounds down what is added, or up what is subtracted, before the next factor.
    // slither-disable-start divide-before-multiply

    /// @notice Metres between two positions in 10⁻⁷ degrees, or fewer. Over the antimeridian the short way; at a pole the
    /// longitude says nothing.
    function lowerBound(int32 latE7a, int32 lonE7a, int32 latE7b, int32 lonE7b) internal pure returns (uint256 metres) {
        _check(latE7a, lonE7a);
        _check(latE7b, lonE7b);
        uint256 dLat = _distance(latE7a, latE7b);
        uint256 dLon = _distance(lonE7a, lonE7b);
        if (dLon > HALF) dLon = 2 * HALF - dLon;

        uint256 sinLat = _sinHalf(dLat);
        uint256 sinLon = _sinHalf(dLon);
        // cos φ = sin(90° − |φ|) = sin of half of twice that.
        uint256 cosA = _sinHalf(2 * (QUARTER - _distance(latE7a, 0)));
        uint256 cosB = _sinHalf(2 * (QUARTER - _distance(latE7b, 0)));
        // Below 2 · 10³⁶, as each factor is at most 10¹⁸.
        uint256 hav = sinLat * sinLat + (((cosA * cosB) / ONE) * ((sinLon * sinLon) / ONE));
        uint256 y = Math.min(Math.sqrt(hav), ONE);

        return (2 * RADIUS * _asin(y)) / ONE;
    }

    /// @dev Lower bound of sin(angle ÷ 2) · 10¹⁸ for 0 ≤ angle ≤ 180° in 10⁻⁷ degrees.
    function _sinHalf(uint256 angleE7) private pure returns (uint256) {
        uint256 x = (angleE7 * PI) / (2 * HALF);
        uint256 square = (x * x) / ONE;
        uint256 squareUp = square + 1;
        // Terms to add (down) and to subtract (up), each from the one before of its own kind.
        uint256 plus5 = (((x * square) / ONE) * square) / ONE / 120;
        uint256 plus9 = (((plus5 * square) / ONE) * square) / ONE / 3_024;
        uint256 minus3 = (x * squareUp) / (6 * ONE) + 1;
        uint256 minus7 = (((minus3 * squareUp) / ONE + 1) * squareUp) / (840 * ONE) + 1;
        uint256 minus11 = (((minus7 * squareUp) / ONE + 1) * squareUp) / (7_920 * ONE) + 1;
        uint256 plus = x + plus5 + plus9;
        uint256 minus = minus3 + minus7 + minus11;
        return plus > minus ? plus - minus : 0;
    }

    /// @dev Lower bound of arcsin(y) · 10¹⁸ for 0 ≤ y ≤ 10¹⁸.
    function _asin(uint256 y) private pure returns (uint256) {
        uint256 square = (y * y) / ONE;
        uint256 y3 = (y * square) / ONE;
        uint256 y5 = (y3 * square) / ONE;
        uint256 y7 = (y5 * square) / ONE;
        uint256 y9 = (y7 * square) / ONE;
        uint256 y11 = (y9 * square) / ONE;
        return y + y3 / 6 + (3 * y5) / 40 + (15 * y7) / 336 + (105 * y9) / 3_456 + (945 * y11) / 42_240;
    }

    // slither-disable-end divide-before-multiply

    function _distance(int32 a, int32 b) private pure returns (uint256) {
        // Two numbers of 32 bits: the difference fits 33.
        int256 d = int256(a) - int256(b);
        return uint256(d < 0 ? -d : d);
    }

    function _check(int32 latE7, int32 lonE7) private pure {
        if (_distance(latE7, 0) > QUARTER || _distance(lonE7, 0) > HALF) revert GreatCircleBadPosition(latE7, lonE7);
    }
}
