// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The price at which tokens are turned into credits
/// @notice Reads one or two AggregatorV3 sources and, until an end date, a timelocked bootstrap price. Every price is
/// USD per whole token with 8 decimals (`E8`). A price is used only if it is positive, not from the future, not older
/// than its source allows, inside the absolute band, and, with two healthy sources, if they agree within
/// `maxDeviationBps`. Credits are minted at the lower of spot and time-weighted average. Trouble stops minting and
/// nothing else. Sources are trusted to be feeds, not to be right or alive.
interface IPriceGuard {
    /// @notice `Ok`: every configured source is healthy. `Degraded`: one of two is not, the other one is used.
    /// `Halted`: no usable price.
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

    /// @notice Replaces the sources. Restricted: timelock.
    function setSources(Source calldata primary, Source calldata secondary) external;

    /// @notice Replaces band and deviation. Restricted: timelock.
    function setBounds(Bounds calldata bounds) external;

    /// @notice Sets the bootstrap price. `until` ≤ the immutable end date. Restricted: timelock.
    function setBootstrapPrice(uint64 priceE8, uint64 until) external;
}
