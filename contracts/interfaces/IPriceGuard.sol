// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The price at which tokens are turned into credits
/// @notice Reads one or two AggregatorV3 sources and, until an end date, a timelocked bootstrap price. Every price is
/// USD per whole token with 8 decimals (`E8`). A price is used only if it is positive, not from the future, not older
/// than its source allows, inside the absolute band, and, with two healthy sources, if they agree within
/// `maxDeviationBps` of the lower one, which is then the spot. Credits are minted at the lower of spot and time-weighted
/// average: the average gives the time since the last poke to the spot that was seen at that poke, so a price must have
/// lasted to count, and a short peak, up or down, moves nothing. Trouble stops minting and nothing else. Sources are
/// trusted to be feeds, not to be right or alive: a feed that reverts, answers too little or burns gas is unhealthy. The
/// decimals of a feed (0 to 36) are read once, when it is set.
/// Warning: a feed's honest level is not known here. A wrong level held for a whole window becomes the average, and so does
/// one that was poked at once and then by nobody for a window: somebody must poke. The very first poke has no average to
/// hold it. The band is the last bound.
interface IPriceGuard {
    /// @notice `Ok`: every configured source is healthy. `Degraded`: one of two gives no fresh price, the other one is used.
    /// `Halted`: no usable price, two that disagree, or one outside the band (the market may have left it, and the other
    /// source may only be slow to follow).
    enum PriceState {
        Ok,
        Degraded,
        Halted
    }

    /// @notice One feed. `maxAge` in seconds.
    struct Source {
        address feed;
        uint32 maxAge;
    }

    /// @notice Bounds of the guard: absolute band and the widest gap of two sources.
    struct Bounds {
        uint64 minE8;
        uint64 maxE8;
        uint16 maxDeviationBps;
    }

    /// @notice The average moved to `averageE8` at spot `spotE8`.
    event AveragePoked(uint256 spotE8, uint256 averageE8);
    /// @notice Sources were replaced (0 = none).
    event SourcesSet(address primary, uint32 primaryMaxAge, address secondary, uint32 secondaryMaxAge);
    /// @notice Bounds were replaced.
    event BoundsSet(uint64 minE8, uint64 maxE8, uint16 maxDeviationBps);
    /// @notice The bootstrap price was set; it counts only where no source is configured and until `until`.
    event BootstrapPriceSet(uint64 priceE8, uint64 until);

    /// @notice There is no usable price: minting must wait. Holders of credits are not affected.
    error PriceGuardHalted();
    /// @notice A parameter is out of its bounds.
    error PriceGuardBadParameter(bytes32 name, uint256 value);

    /// @notice State, spot and average as of now, without moving the average. `spotE8` is 0 when halted.
    function read() external view returns (PriceState state, uint256 spotE8, uint256 averageE8);

    /// @notice The price a mint would get now: min(spot, average after a poke). Reverts with PriceGuardHalted.
    function mintPriceE8() external view returns (uint256 priceE8);

    /// @notice Moves the time-weighted average (weight = min(1, elapsed ÷ window)) and returns min(spot, average).
    /// Anyone may call. Reverts with PriceGuardHalted.
    function poke() external returns (uint256 priceE8);

    /// @notice Length of the average in seconds: its weight of a price that lasted so long is 1.
    function averageWindow() external view returns (uint32);

    /// @notice Last second at which a bootstrap price may end.
    function bootstrapEnd() external view returns (uint64);

    /// @notice The sources in force; zero feeds where there are none.
    function sources() external view returns (Source memory primary, Source memory secondary);

    /// @notice The bounds in force.
    function bounds() external view returns (Bounds memory);

    /// @notice The bootstrap price and the second from which it counts no more.
    function bootstrapPrice() external view returns (uint64 priceE8, uint64 until);

    /// @notice Replaces the sources: two different ones, one (the primary), or none. Ages are 1 second to 7 days.
    /// Restricted: timelock.
    function setSources(Source calldata primary, Source calldata secondary) external;

    /// @notice Replaces band (0 < minE8 ≤ maxE8 < 2^56) and deviation (1 to 10000 bps). Restricted: timelock.
    function setBounds(Bounds calldata bounds) external;

    /// @notice Sets the bootstrap price, inside the band. `until_` ≤ the immutable end date. Restricted: timelock.
    function setBootstrapPrice(uint64 priceE8, uint64 until_) external;
}
