// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice One line of the genesis list.
/// @param beneficiary who gets the tokens, at once or as they vest
/// @param amount in wei of the token
/// @param vestingStart second at which linear vesting starts, 0 = deployment; ignored when `vestingDuration` is 0
/// @param vestingDuration seconds; 0 = liquid at genesis, otherwise a VestingWallet of the beneficiary holds the tokens
struct GenesisAllocation {
    address beneficiary;
    uint256 amount;
    uint64 vestingStart;
    uint64 vestingDuration;
}

/// @title The network's ERC-20
/// @notice Permit, burn, hard cap. supply = genesis + minted − burned ≤ cap, always. Only the minter (the
/// EmissionController, set by the timelock) mints. No votes on the transfer path: locked positions vote (VoteEscrow).
interface INetworkToken is IERC20 {
    /// @notice A genesis allocation was minted to `holder` (the beneficiary, or its VestingWallet).
    event GenesisAllocated(address indexed beneficiary, address indexed holder, uint256 amount);
    /// @notice The account that may mint was set.
    event MinterSet(address indexed minter);

    /// @notice The caller is not the minter.
    error NetworkTokenNotMinter(address caller);
    /// @notice Minting would push the supply over the hard cap.
    error NetworkTokenCapExceeded(uint256 supply, uint256 cap);
    /// @notice A constructor or setter argument was zero.
    error NetworkTokenZeroArgument();

    /// @notice Hard cap of the supply, in wei.
    function cap() external view returns (uint256);

    /// @notice Supply minted by the genesis list, in wei.
    function genesisSupply() external view returns (uint256);

    /// @notice The only account that may mint; zero until the deployment sets it.
    function minter() external view returns (address);

    /// @notice Mints `amount` wei to `to`. Only the minter.
    function mint(address to, uint256 amount) external;

    /// @notice Burns `amount` wei of the caller.
    function burn(uint256 amount) external;

    /// @notice Burns `amount` wei of `account` within the caller's allowance.
    function burnFrom(address account, uint256 amount) external;

    /// @notice Sets the minter. Restricted: timelock, whose delay is the notice.
    function setMinter(address newMinter) external;
}
