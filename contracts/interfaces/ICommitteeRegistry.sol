// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The committee: members, signers, bonds
/// @notice The forwarder's configuration is derived from this registry (`configOf`) and the deployment and `status`
/// check that the forwarder's ConfigSet event equals it: KeystoneForwarder has no getter for its signers. n ≥ 3f + 1,
/// n ≤ 31, f ≥ 1. A signer key belongs to one member for ever, so that evidence names who signed. Bonds in wei of the
/// token; a member's bond leaves only after the member has left and the delay is over. Until then it can be slashed, also
/// a former member's: 10 % of what is slashed is bounty (rounded down), the rest is burned (the token is ERC20Burnable).
/// A slash does not end a membership: the timelock replaces the committee.
interface ICommitteeRegistry {
    /// @notice A member. `signer` signs reports; `endpoint` is where other nodes find it.
    struct Member {
        address account;
        address signer;
        string endpoint;
    }

    /// @notice One configuration. `hash` = keccak256(abi.encode(donId, version, f, signers)).
    struct Config {
        uint32 donId;
        uint32 version;
        uint8 f;
        uint64 since;
        bytes32 hash;
    }

    event CommitteeSet(uint32 indexed donId, uint32 indexed version, uint8 f, address[] signers, bytes32 hash);
    event MemberListed(address indexed account, address indexed signer, string endpoint, uint32 version);
    event BondPosted(address indexed account, uint256 amount, uint256 bond);
    event BondWithdrawn(address indexed account, uint256 amount);
    /// @notice `slashed` wei left the bond: `bounty` to `bountyTo`, the rest burned.
    event BondSlashed(
        address indexed account,
        bytes32 indexed faultKey,
        uint256 slashed,
        address bountyTo,
        uint256 bounty
    );
    event SlasherSet(address indexed slasher);

    error CommitteeBadSize(uint256 members, uint256 f);
    error CommitteeBadSigner(address signer);
    error CommitteeBadAccount(address account);
    error CommitteeBondTooSmall(address account, uint256 bond, uint256 minimum);
    error CommitteeBondLocked(address account, uint64 freeAt);
    error CommitteeZeroAmount();
    error CommitteeNotSlasher(address caller);
    error CommitteeFaultAlreadySlashed(bytes32 faultKey);

    /// @notice Adds `amount` wei to the bond of the caller (allowance needed).
    function postBond(uint256 amount) external;

    /// @notice Pays the bond of an account that is not a member, `bondDelay` seconds after it last was one. Exit.
    function withdrawBond() external;

    /// @notice Takes min(amount, bond) from the bond of `account`, member or not, once a fault key. Never reverts for
    /// balance. Only the slasher. `bountyTo` zero = everything is burned.
    function slash(
        address account,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external returns (uint256 slashed);

    /// @notice Sets who may slash; zero = nobody. Restricted: timelock.
    function setSlasher(address slasher) external;

    /// @notice Who may slash.
    function slasher() external view returns (address);

    /// @notice Whether a fault key is used up.
    function isFaultSlashed(bytes32 faultKey) external view returns (bool);

    /// @notice Replaces the committee; every member's bond must cover the minimum. Restricted: timelock, in one batch
    /// with the forwarder's setConfig (and clearConfig of the old version).
    function setCommittee(uint8 f, Member[] calldata members) external returns (uint32 version);

    /// @notice Configuration in force.
    function config() external view returns (Config memory);

    /// @notice Members in force, in the order of the forwarder's configuration.
    function members() external view returns (Member[] memory);

    /// @notice Account that ever used this signer key; 0 if none.
    function accountOfSigner(address signer) external view returns (address);

    /// @notice Whether `account` is a member now.
    function isMember(address account) external view returns (bool);

    /// @notice The token of the bonds. Immutable.
    function token() external view returns (IERC20);

    /// @notice Bond that a member must have when the committee is set, in wei.
    function minBond() external view returns (uint128);

    /// @notice Seconds for which a bond stays after its account was last a member.
    function bondDelay() external view returns (uint32);

    /// @notice Bond of an account, in wei.
    function bondOf(address account) external view returns (uint256);
}
