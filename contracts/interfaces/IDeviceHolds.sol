// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Hold accounts of disputed devices
/// @notice The payee of a device while case `caseId` about it lives is an address of its own, which exists before there
/// is code at it: anyone may claim for it. After the outcome anyone may settle it, as often as more arrives: everything
/// goes to the beneficiary, or is burned if the claim was upheld.
/// Warning: a token without `burn(uint256)` stays in the account of an upheld case.
interface IDeviceHolds {
    /// @notice `amount` wei of `token` were released to `beneficiary`, or burned (`beneficiary` zero).
    event HoldSettled(
        uint64 indexed deviceId,
        uint64 indexed caseId,
        address indexed beneficiary,
        address token,
        uint256 amount
    );

    /// @notice The case is not decided, or there is none.
    error HoldNotDecided(uint64 deviceId, uint64 caseId);
    error HoldNotKeeper(address caller);
    error HoldZeroAddress();

    /// @notice Pays out or burns all of `token` that the account has. Anyone. Exit: never paused.
    function settle(uint64 deviceId, uint64 caseId, address token) external returns (uint256 amount);

    /// @notice Address of the hold account, whether or not it was deployed.
    function accountOf(uint64 deviceId, uint64 caseId) external view returns (address);

    /// @notice Registry that knows the outcomes.
    function devices() external view returns (address);
}
