// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceGuard} from "../interfaces/IPriceGuard.sol";

/// @title The price at which tokens are turned into credits
contract PriceGuard is IPriceGuard, AccessManaged {
    /// @dev One slot. `boundE8` is the band's lower end in the primary's slot, its upper end in the secondary's, so that a
    /// mint reads three slots in all.
    struct Feed {
        address feed;
        uint32 maxAge;
        uint8 decimals;
        uint56 boundE8;
    }

    /// @dev One slot. The average is kept with 24 more binary digits: with a window of at most 2^24 seconds even one
    /// second of a difference of one E8 moves it, so that frequent pokes cannot hold it still.
    struct Average {
        uint56 spotE8;
        uint80 averageX24;
        uint40 pokedAt; // 0 = never
        uint16 maxDeviationBps;
    }

    struct Bootstrap {
        uint64 priceE8;
        uint64 until;
    }

    // Constants

    /// @dev A feed that starves at this leaves 1/63 of it to the caller: too little to finish a mint, so nobody can make a
    /// healthy feed look dead by sending less gas.
    uint256 private constant FEED_GAS = 100_000;
    uint256 private constant MAX_DECIMALS = 36;
    uint32 private constant MAX_AGE = 7 days;
    uint32 private constant MAX_WINDOW = 30 days;
    uint256 private constant BPS = 10_000;
    /// @dev A fresh answer outside the band.
    uint256 private constant OUT_OF_BAND = type(uint256).max;

    // Immutables

    /// @inheritdoc IPriceGuard
    uint32 public immutable averageWindow;
    /// @inheritdoc IPriceGuard
    uint64 public immutable bootstrapEnd;

    // Storage

    Feed private _primary;
    Feed private _secondary;
    Average private _average;
    Bootstrap private _bootstrap;

    /// @param manager the AccessManager
    /// @param averageWindow_ of the average, 1 second to 30 days
    /// @param bootstrapEnd_ last end of a bootstrap price; 0 = never one
    /// @param bounds_ band and deviation
    constructor(
        address manager,
        uint32 averageWindow_,
        uint64 bootstrapEnd_,
        Bounds memory bounds_
    ) AccessManaged(manager) {
        if (averageWindow_ == 0 || averageWindow_ > MAX_WINDOW) {
            revert PriceGuardBadParameter("averageWindow", averageWindow_);
        }
        averageWindow = averageWindow_;
        bootstrapEnd = bootstrapEnd_;
        _setBounds(bounds_);
    }

    // Anyone

    /// @inheritdoc IPriceGuard
    function poke() external returns (uint256 priceE8) {
        Average memory a = _average;
        (PriceState state, uint256 spotE8) = _spot(a.maxDeviationBps);
        if (state == PriceState.Halted) revert PriceGuardHalted();

        // Where average, last spot and spot are one, no time that passes moves anything: nothing to write.
        if (a.spotE8 == spotE8 && a.averageX24 == spotE8 << 24) return spotE8;

        uint256 averageX24 = _averageNow(a, spotE8);
        if (block.timestamp != a.pokedAt) {
            // A spot is inside the band, below 2^56; an average lies between spots.
            a.spotE8 = uint56(spotE8);
            a.averageX24 = uint80(averageX24);
            a.pokedAt = uint40(block.timestamp);
            _average = a;

            emit AveragePoked(spotE8, averageX24 >> 24);
        }

        return Math.min(spotE8, averageX24 >> 24);
    }

    // Governance

    /// @inheritdoc IPriceGuard
    function setSources(Source calldata primary, Source calldata secondary) external restricted {
        if (secondary.feed != address(0) && (primary.feed == address(0) || primary.feed == secondary.feed)) {
            revert PriceGuardBadParameter("secondary", uint160(secondary.feed));
        }

        (uint56 minE8, uint56 maxE8) = (_primary.boundE8, _secondary.boundE8);
        _primary = _toFeed(primary, minE8);
        _secondary = _toFeed(secondary, maxE8);

        emit SourcesSet(primary.feed, primary.maxAge, secondary.feed, secondary.maxAge);
    }

    /// @inheritdoc IPriceGuard
    function setBounds(Bounds calldata bounds_) external restricted {
        _setBounds(bounds_);
    }

    /// @inheritdoc IPriceGuard
    function setBootstrapPrice(uint64 priceE8, uint64 until_) external restricted {
        if (until_ > bootstrapEnd) revert PriceGuardBadParameter("until", until_);
        if (!_inBand(priceE8)) revert PriceGuardBadParameter("priceE8", priceE8);

        _bootstrap = Bootstrap(priceE8, until_);

        emit BootstrapPriceSet(priceE8, until_);
    }

    // Views

    /// @inheritdoc IPriceGuard
    function read() public view returns (PriceState state, uint256 spotE8, uint256 averageE8) {
        Average memory a = _average;
        (state, spotE8) = _spot(a.maxDeviationBps);
        averageE8 = (state == PriceState.Halted ? a.averageX24 : _averageNow(a, spotE8)) >> 24;
    }

    /// @inheritdoc IPriceGuard
    function mintPriceE8() external view returns (uint256 priceE8) {
        (PriceState state, uint256 spotE8, uint256 averageE8) = read();
        if (state == PriceState.Halted) revert PriceGuardHalted();
        return Math.min(spotE8, averageE8);
    }

    /// @inheritdoc IPriceGuard
    function sources() external view returns (Source memory primary, Source memory secondary) {
        primary = Source(_primary.feed, _primary.maxAge);
        secondary = Source(_secondary.feed, _secondary.maxAge);
    }

    /// @inheritdoc IPriceGuard
    function bounds() external view returns (Bounds memory) {
        return Bounds(_primary.boundE8, _secondary.boundE8, _average.maxDeviationBps);
    }

    /// @inheritdoc IPriceGuard
    function bootstrapPrice() external view returns (uint64 priceE8, uint64 until) {
        return (_bootstrap.priceE8, _bootstrap.until);
    }

    // Internal

    function _setBounds(Bounds memory b) private {
        if (b.minE8 == 0) revert PriceGuardBadParameter("minE8", b.minE8);
        if (b.maxE8 < b.minE8 || b.maxE8 > type(uint56).max) revert PriceGuardBadParameter("maxE8", b.maxE8);
        if (b.maxDeviationBps == 0 || b.maxDeviationBps > BPS) {
            revert PriceGuardBadParameter("maxDeviationBps", b.maxDeviationBps);
        }

        // Both fit: minE8 ≤ maxE8 < 2^56.
        _primary.boundE8 = uint56(b.minE8);
        _secondary.boundE8 = uint56(b.maxE8);
        _average.maxDeviationBps = b.maxDeviationBps;

        emit BoundsSet(b.minE8, b.maxE8, b.maxDeviationBps);
    }

    function _toFeed(Source calldata source, uint56 boundE8) private view returns (Feed memory) {
        if (source.feed == address(0)) return Feed(address(0), 0, 0, boundE8);
        if (source.maxAge == 0 || source.maxAge > MAX_AGE) revert PriceGuardBadParameter("maxAge", source.maxAge);
        if (source.feed.code.length == 0) revert PriceGuardBadParameter("feed", uint160(source.feed));
        uint8 decimals = AggregatorV3Interface(source.feed).decimals();
        if (decimals > MAX_DECIMALS) revert PriceGuardBadParameter("decimals", decimals);
        return Feed(source.feed, source.maxAge, decimals, boundE8);
    }

    /// @dev The average after a poke now: the time since the last poke belongs to the spot that was seen then.
    function _averageNow(Average memory a, uint256 spotE8) private view returns (uint256 averageX24) {
        if (a.pokedAt == 0) return spotE8 << 24;
        uint256 window = averageWindow;
        // Time does not run back; 80 bits × 22 bits do not overflow. Rounded down: against the minter.
        unchecked {
            uint256 elapsed = Math.min(block.timestamp - a.pokedAt, window);
            return (a.averageX24 * (window - elapsed) + (uint256(a.spotE8) << 24) * elapsed) / window;
        }
    }

    function _spot(uint256 maxDeviationBps) private view returns (PriceState, uint256 spotE8) {
        Feed memory primary = _primary;
        Feed memory secondary = _secondary;
        (uint256 minE8, uint256 maxE8) = (primary.boundE8, secondary.boundE8);
        if (primary.feed == address(0)) return _bootstrapSpot();

        uint256 a = _answerE8(primary, minE8, maxE8);
        if (a == OUT_OF_BAND) return (PriceState.Halted, 0);
        if (secondary.feed == address(0)) return (a == 0 ? PriceState.Halted : PriceState.Ok, a);

        uint256 b = _answerE8(secondary, minE8, maxE8);
        if (b == OUT_OF_BAND) return (PriceState.Halted, 0);
        if (a == 0 || b == 0) return (a == b ? PriceState.Halted : PriceState.Degraded, a + b);

        (uint256 low, uint256 high) = a < b ? (a, b) : (b, a);
        // Both are below 2^56.
        unchecked {
            if ((high - low) * BPS > low * maxDeviationBps) return (PriceState.Halted, 0);
        }
        return (PriceState.Ok, low);
    }

    function _bootstrapSpot() private view returns (PriceState, uint256) {
        Bootstrap memory b = _bootstrap;
        if (block.timestamp >= b.until || !_inBand(b.priceE8)) return (PriceState.Halted, 0);
        return (PriceState.Ok, b.priceE8);
    }

    function _inBand(uint256 priceE8) private view returns (bool) {
        return priceE8 >= _primary.boundE8 && priceE8 <= _secondary.boundE8;
    }

    /// @dev The price of a healthy feed, OUT_OF_BAND if it answers a price outside, else 0. Never reverts: the call has bounded gas, and five words of what it returns
    /// are looked at, whatever it returns.
    function _answerE8(Feed memory source, uint256 minE8, uint256 maxE8) private view returns (uint256 priceE8) {
        address feed = source.feed;
        uint256 gasLimit = FEED_GAS;
        bytes4 selector = AggregatorV3Interface.latestRoundData.selector;
        bool ok;
        int256 answer;
        uint256 updatedAt;
        assembly ("memory-safe") {
            let out := mload(0x40) // scratch beyond the free pointer, not kept
            mstore(out, selector)
            ok := staticcall(gasLimit, feed, out, 4, out, 160)
            ok := and(ok, gt(returndatasize(), 159))
            answer := mload(add(out, 32))
            updatedAt := mload(add(out, 96))
        }
        if (!ok || answer <= 0 || updatedAt == 0 || updatedAt > block.timestamp) return 0;

        priceE8 = uint256(answer);
        uint256 decimals = source.decimals;
        // Not the future, checked; decimals ≤ 36; what is multiplied by at most 10^8 is below 2^56.
        unchecked {
            if (block.timestamp - updatedAt > source.maxAge) return 0;
            if (decimals > 8) priceE8 /= 10 ** (decimals - 8);
            else if (decimals < 8 && priceE8 <= maxE8) priceE8 *= 10 ** (8 - decimals);
        }
        if (priceE8 < minE8 || priceE8 > maxE8) return OUT_OF_BAND;
    }
}
