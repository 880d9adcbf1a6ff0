// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Data credits by burn-and-mint
/// @notice One credit is worth 0.00001 USD of service, is made by burning the network token, cannot be transferred or
/// turned back, and is burned by use. Credits are integers (0 decimals). Rounding is against the minter:
/// credits = ⌊tokens × priceE8 ÷ 10^21⌋, tokens = ⌈credits × 10^21 ÷ priceE8⌉ (10^18 wei × 10^8 ÷ 10^5 credits).
/// supply = minted − spent, always. There is no transfer and no approval, and so no event of ERC-20: what CreditsMinted
/// and CreditsSpent say is all that ever happens to credits.
interface IDataCredits {
    /// @notice `payer` burned `tokens` wei at `priceE8` and `recipient` got `credits`.
    event CreditsMinted(
        address indexed payer,
        address indexed recipient,
        uint256 tokens,
        uint256 credits,
        uint256 priceE8
    );
    /// @notice `credits` of `payer` were burned for `subNetwork` in `epoch` by `spender` (itself or a contract).
    event CreditsSpent(
        address indexed payer,
        uint16 indexed subNetwork,
        uint32 indexed epoch,
        uint256 credits,
        address spender
    );
    /// @notice A contract was allowed, or is no longer allowed, to spend credits of the payer who calls it.
    event SpenderSet(address indexed spender, bool allowed);
    /// @notice From `fromEpoch` on credits are priced by `guard`.
    event PriceGuardScheduled(address indexed guard, uint32 fromEpoch);

    /// @notice The deadline (seconds) has passed.
    error DataCreditsExpired(uint256 deadline);
    /// @notice Fewer credits than the caller demanded.
    error DataCreditsTooFewOut(uint256 credits, uint256 minCreditsOut);
    /// @notice More tokens than the caller offered.
    error DataCreditsTooManyIn(uint256 tokens, uint256 maxTokenIn);
    /// @notice Nothing would be minted or spent.
    error DataCreditsZeroAmount();
    /// @notice The payer holds too few credits.
    error DataCreditsInsufficient(address payer, uint256 balance, uint256 needed);
    /// @notice Ids of sub-networks are 0 (the network itself) to 16.
    error DataCreditsSubNetworkUnknown(uint16 subNetwork);
    /// @notice The caller is not an allowed spender.
    error DataCreditsNotSpender(address caller);
    /// @notice The zero address cannot hold credits or price them.
    error DataCreditsZeroAddress();

    /// @notice Burns exactly `tokenIn` wei of the caller (allowance needed), mints at least `minCreditsOut` to
    /// `recipient` until `deadline`. Returns the credits minted, rounded down. May be paused.
    function mintExactIn(
        uint256 tokenIn,
        uint256 minCreditsOut,
        address recipient,
        uint256 deadline
    ) external returns (uint256 credits);

    /// @notice Mints exactly `creditsOut` to `recipient` for at most `maxTokenIn` wei of the caller until `deadline`.
    /// Returns the wei burned, rounded up. May be paused.
    function mintExactOut(
        uint256 creditsOut,
        uint256 maxTokenIn,
        address recipient,
        uint256 deadline
    ) external returns (uint256 tokenIn);

    /// @notice Uses an ERC-2612 permit of the caller for this contract; one that fails, because
    /// somebody has already used it, is no error while the allowance is at least `value`. Meant to be batched with a mint through `multicall`.
    function selfPermit(uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Burns `credits` of the caller for the use of `subNetwork` (0 to 16). Works in every price state.
    function spend(uint16 subNetwork, uint256 credits) external;

    /// @notice Burns `credits` of `payer` for `subNetwork`. Only an allowed spender contract, which must pass its own
    /// caller as payer.
    function spendFrom(address payer, uint16 subNetwork, uint256 credits) external;

    /// @notice "Data Credits".
    function name() external view returns (string memory);

    /// @notice "DC".
    function symbol() external view returns (string memory);

    /// @notice 0: credits are integers.
    function decimals() external view returns (uint8);

    /// @notice Credits held by `account`.
    function balanceOf(address account) external view returns (uint256);

    /// @notice All credits in being: minted − spent.
    function totalSupply() external view returns (uint256);

    /// @notice All credits ever minted.
    function totalMinted() external view returns (uint256);

    /// @notice All credits ever spent, summed over the 17 ids of sub-networks.
    function totalSpent() external view returns (uint256);

    /// @notice Credits spent on `subNetwork` in `epoch`.
    function spentIn(uint16 subNetwork, uint32 epoch) external view returns (uint256);

    /// @notice Wei of the token burned for credits in `epoch`.
    function tokensBurnedIn(uint32 epoch) external view returns (uint256);

    /// @notice Credits that `tokenIn` wei buy now, rounded down.
    function quoteExactIn(uint256 tokenIn) external view returns (uint256 credits);

    /// @notice Wei that `creditsOut` cost now, rounded up.
    function quoteExactOut(uint256 creditsOut) external view returns (uint256 tokenIn);

    /// @notice Whether `spender` may spend credits of those who call it.
    function isSpender(address spender) external view returns (bool);

    /// @notice The guard in force now.
    function priceGuard() external view returns (address);

    /// @notice Schedules another guard from the next epoch (at once when none is set). Restricted: timelock.
    function setPriceGuard(address guard) external;

    /// @notice Allows or forbids a spender contract. Restricted: timelock.
    function setSpender(address spender, bool allowed) external;
}
