// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title One payee that is several: owner, host and operator of a device
/// @notice Name its address as a device's payee; whatever ERC-20 arrives is shared by fixed parts, for ever: no owner, no
/// change, no call that can be stopped. Of a total B that ever arrived a part of `bps` is due ⌊B·bps/10000⌋ less what it got;
/// at most (parts − 1) wei wait for the next arrival. Tokens that shrink balances make parts wait; a token with transfer
/// hooks should be released part by part.
interface IPayeeSplitter {
    /// @notice A payee and its part in bps.
    struct Part {
        address payee;
        uint16 bps;
    }

    event Released(address indexed token, address indexed payee, uint256 amount);
    /// @notice A token refused to pay this payee; its part stays due.
    event ReleaseFailed(address indexed token, address indexed payee, uint256 amount);

    error SplitterUnknownPart(uint256 index);
    error SplitterNothingDue(address token, uint256 index);

    /// @notice Pays every part what it is due in `token`; one that cannot be paid holds up no other. Anyone.
    function release(address token) external returns (uint256 amount);

    /// @notice Pays one part what it is due in `token`. Anyone.
    function releaseTo(address token, uint256 index) external returns (uint256 amount);

    /// @notice The parts, Σ bps = 10000.
    function parts() external view returns (Part[] memory);

    /// @notice What a part is due in `token` now.
    function dueOf(address token, uint256 index) external view returns (uint256);

    /// @notice What was released in `token`.
    function totalReleased(address token) external view returns (uint256);

    /// @notice What was released in `token` to a part.
    function released(address token, uint256 index) external view returns (uint256);
}

/// @title Makes splitters
interface IPayeeSplitterFactory {
    event SplitterCreated(address indexed splitter, IPayeeSplitter.Part[] parts);

    /// @notice 1 to 8 parts are allowed.
    error SplitterBadParts(uint256 count);
    /// @notice A payee is zero, or its part is.
    error SplitterBadPart(uint256 index);
    error SplitterBadSum(uint256 totalBps);

    /// @notice The splitter of this list, made if there is none yet. Anyone.
    function create(IPayeeSplitter.Part[] calldata parts) external returns (address splitter);

    /// @notice Where the splitter of this list is, or will be.
    function addressOf(IPayeeSplitter.Part[] calldata parts) external view returns (address);

    /// @notice Code of every splitter.
    function implementation() external view returns (address);
}
