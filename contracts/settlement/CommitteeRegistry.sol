// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ICommitteeRegistry} from "../interfaces/ICommitteeRegistry.sol";

/// @title The committee: members, signers, bonds
/// @dev An account is a member iff its seat carries the version in force.
contract CommitteeRegistry is ICommitteeRegistry, AccessManaged, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    // ------------------------------------------------------------------------------------------------------- types

    /// @dev One slot. `leftAt`: second at which the account's last committee was replaced.
    struct Seat {
        uint128 bond;
        uint32 version;
        uint64 leftAt;
    }

    // --------------------------------------------------------------------------------------------------- constants

    /// @dev KeystoneForwarder's MAX_ORACLES.
    uint256 private constant MAX_MEMBERS = 31;
    uint256 private constant BOUNTY_BPS = 1_000;
    uint256 private constant BPS = 10_000;

    // -------------------------------------------------------------------------------------------------- immutables

    /// @inheritdoc ICommitteeRegistry
    IERC20 public immutable token;
    /// @inheritdoc ICommitteeRegistry
    uint128 public immutable minBond;
    /// @inheritdoc ICommitteeRegistry
    uint32 public immutable bondDelay;

    // ----------------------------------------------------------------------------------------------------- storage

    /// @inheritdoc ICommitteeRegistry
    mapping(address signer => address account) public accountOfSigner;
    /// @inheritdoc ICommitteeRegistry
    address public slasher;
    /// @inheritdoc ICommitteeRegistry
    mapping(bytes32 faultKey => bool) public isFaultSlashed;
    Config private _config;
    Member[] private _members;
    mapping(address account => Seat) private _seats;

    // ------------------------------------------------------------------------------------------------- constructor

    constructor(
        address manager,
        address token_,
        uint32 donId,
        uint128 minBond_,
        uint32 bondDelay_
    ) AccessManaged(manager) {
        if (token_ == address(0)) revert CommitteeBadAccount(token_);
        token = IERC20(token_);
        minBond = minBond_;
        bondDelay = bondDelay_;
        _config.donId = donId;
    }

    // ----------------------------------------------------------------------------------------------------- members

    /// @inheritdoc ICommitteeRegistry
    function postBond(uint256 amount) external nonReentrant {
        if (amount == 0) revert CommitteeZeroAmount();
        Seat storage seat = _seats[msg.sender];
        uint128 bond = seat.bond + amount.toUint128();
        seat.bond = bond;

        emit BondPosted(msg.sender, amount, bond);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc ICommitteeRegistry
    function withdrawBond() external nonReentrant {
        Seat storage seat = _seats[msg.sender];
        if (isMember(msg.sender)) revert CommitteeBondLocked(msg.sender, type(uint64).max);
        if (seat.version != 0 && block.timestamp < seat.leftAt + bondDelay) {
            revert CommitteeBondLocked(msg.sender, seat.leftAt + bondDelay);
        }
        uint256 amount = seat.bond;
        if (amount == 0) revert CommitteeZeroAmount();
        seat.bond = 0;

        emit BondWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    // ----------------------------------------------------------------------------------------------------- slasher

    /// @inheritdoc ICommitteeRegistry
    function slash(
        address account,
        uint256 amount,
        bytes32 faultKey,
        address bountyTo
    ) external nonReentrant returns (uint256 slashed) {
        if (msg.sender != slasher) revert CommitteeNotSlasher(msg.sender);
        if (isFaultSlashed[faultKey]) revert CommitteeFaultAlreadySlashed(faultKey);
        Seat storage seat = _seats[account];
        uint256 bond = seat.bond;
        slashed = Math.min(amount, bond);
        uint256 bounty = bountyTo == address(0) ? 0 : (slashed * BOUNTY_BPS) / BPS;

        isFaultSlashed[faultKey] = true;
        // At most the bond.
        seat.bond = uint128(bond - slashed);

        emit BondSlashed(account, faultKey, slashed, bountyTo, bounty);
        if (bounty != 0) token.safeTransfer(bountyTo, bounty);
        if (slashed != bounty) ERC20Burnable(address(token)).burn(slashed - bounty);
    }

    // -------------------------------------------------------------------------------------------------- governance

    /// @inheritdoc ICommitteeRegistry
    function setSlasher(address slasher_) external restricted {
        slasher = slasher_;

        emit SlasherSet(slasher_);
    }

    /// @inheritdoc ICommitteeRegistry
    function setCommittee(uint8 f, Member[] calldata members_) external restricted returns (uint32 version) {
        uint256 count = members_.length;
        if (f == 0 || count > MAX_MEMBERS || count <= 3 * uint256(f)) revert CommitteeBadSize(count, f);
        version = _config.version + 1;

        uint256 old = _members.length;
        for (uint256 i = 0; i < old; ++i) {
            _seats[_members[i].account].leftAt = uint64(block.timestamp);
        }
        delete _members;

        address[] memory signers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            signers[i] = members_[i].signer;
            _seat(members_[i], version);
        }
        bytes32 hash = keccak256(abi.encode(_config.donId, version, f, signers));
        (_config.version, _config.f, _config.since, _config.hash) = (version, f, uint64(block.timestamp), hash);

        emit CommitteeSet(_config.donId, version, f, signers, hash);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICommitteeRegistry
    function config() external view returns (Config memory) {
        return _config;
    }

    /// @inheritdoc ICommitteeRegistry
    function members() external view returns (Member[] memory) {
        return _members;
    }

    /// @inheritdoc ICommitteeRegistry
    function isMember(address account) public view returns (bool) {
        uint32 version = _seats[account].version;
        return version != 0 && version == _config.version;
    }

    /// @inheritdoc ICommitteeRegistry
    function bondOf(address account) external view returns (uint256) {
        return _seats[account].bond;
    }

    // --------------------------------------------------------------------------------------------------- internals

    /// @dev Lists one member. A second seat of an account, and a signer of another account (be it one of this list), are
    /// refused.
    function _seat(Member calldata m, uint32 version) private {
        Seat storage seat = _seats[m.account];
        if (m.account == address(0) || seat.version == version) revert CommitteeBadAccount(m.account);
        if (seat.bond < minBond) revert CommitteeBondTooSmall(m.account, seat.bond, minBond);
        address owner = accountOfSigner[m.signer];
        if (m.signer == address(0) || (owner != address(0) && owner != m.account)) revert CommitteeBadSigner(m.signer);

        seat.version = version;
        accountOfSigner[m.signer] = m.account;
        _members.push(m);

        emit MemberListed(m.account, m.signer, m.endpoint, version);
    }
}
