// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable const-name-snakecase

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Epochs} from "../access/Epochs.sol";
import {Guarded} from "../access/Guarded.sol";
import {IDataCredits} from "../interfaces/IDataCredits.sol";
import {INetworkToken} from "../interfaces/INetworkToken.sol";
import {IPriceGuard} from "../interfaces/IPriceGuard.sol";
import {ScheduledAddress} from "../libraries/ScheduledAddress.sol";

/// @title Data credits by burn-and-mint
contract DataCredits is IDataCredits, Guarded, Epochs, Multicall, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using ScheduledAddress for ScheduledAddress.Pointer;

    /// @dev One slot: what every mint writes. The burn of `burnEpoch` moves to `_burned` with the first mint after it.
    struct MintTotals {
        uint96 credits;
        uint32 burnEpoch;
        uint128 burned;
    }

    // Constants

    /// @inheritdoc IDataCredits
    string public constant name = "Data Credits";
    /// @inheritdoc IDataCredits
    string public constant symbol = "DC";
    /// @inheritdoc IDataCredits
    uint8 public constant decimals = 0;

    /// @dev 18 decimals of the token + 8 of the price − 5 of the credit.
    uint256 private constant UNIT = 1e21;
    uint16 private constant MAX_SUB_NETWORK = 16;

    // Immutables

    /// @notice The token that is burned for credits.
    INetworkToken public immutable token;

    // Storage

    /// @inheritdoc IDataCredits
    mapping(address account => uint256) public balanceOf;
    /// @inheritdoc IDataCredits
    mapping(address spender => bool) public isSpender;

    /// @dev inEpoch(128) | epoch(32) | total(96), by hand so that one write needs no read: what every spending writes.
    /// `inEpoch` moves to `_spentIn` with the first spending after `epoch`.
    uint256[MAX_SUB_NETWORK + 1] private _spent;
    mapping(uint16 subNetwork => mapping(uint32 epoch => uint256)) private _spentIn;
    MintTotals private _minted;
    mapping(uint32 epoch => uint256) private _burned;
    ScheduledAddress.Pointer private _guard;

    /// @param manager the AccessManager
    /// @param token_ the NetworkToken that is burned
    /// @param genesis start of epoch 0
    /// @param length of an epoch
    /// @param maxPause_ longest pause of minting
    constructor(
        address manager,
        address token_,
        uint64 genesis,
        uint32 length,
        uint32 maxPause_
    ) Guarded(manager, maxPause_) Epochs(genesis, length) {
        if (token_ == address(0)) revert DataCreditsZeroAddress();
        token = INetworkToken(token_);
    }

    // Customers

    /// @inheritdoc IDataCredits
    function mintExactIn(
        uint256 tokenIn,
        uint256 minCreditsOut,
        address recipient,
        uint256 deadline
    ) external whenOpen nonReentrant returns (uint256 credits) {
        uint32 epoch = _checkMint(recipient, deadline);
        uint256 priceE8 = _guardAt(epoch).poke();
        credits = _toCreditsDown(tokenIn, priceE8);
        if (credits < minCreditsOut) revert DataCreditsTooFewOut(credits, minCreditsOut);

        _mint(epoch, recipient, tokenIn, credits, priceE8);
    }

    /// @inheritdoc IDataCredits
    function mintExactOut(
        uint256 creditsOut,
        uint256 maxTokenIn,
        address recipient,
        uint256 deadline
    ) external whenOpen nonReentrant returns (uint256 tokenIn) {
        uint32 epoch = _checkMint(recipient, deadline);
        uint256 priceE8 = _guardAt(epoch).poke();
        tokenIn = _toTokensUp(creditsOut, priceE8);
        if (tokenIn > maxTokenIn) revert DataCreditsTooManyIn(tokenIn, maxTokenIn);

        _mint(epoch, recipient, tokenIn, creditsOut, priceE8);
    }

    /// @inheritdoc IDataCredits
    function selfPermit(uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), value, deadline, v, r, s) {} catch (
            bytes memory reason
        ) {
            // Whoever saw the permit in the mempool may have used it first: what counts is the allowance.
            if (token.allowance(msg.sender, address(this)) >= value) return;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    /// @inheritdoc IDataCredits
    function spend(uint16 subNetwork, uint256 credits) external {
        _spend(msg.sender, subNetwork, credits);
    }

    // Spender contracts

    /// @inheritdoc IDataCredits
    function spendFrom(address payer, uint16 subNetwork, uint256 credits) external {
        if (!isSpender[msg.sender]) revert DataCreditsNotSpender(msg.sender);

        _spend(payer, subNetwork, credits);
    }

    // Governance

    /// @inheritdoc IDataCredits
    function setPriceGuard(address guard) external restricted {
        if (guard == address(0)) revert DataCreditsZeroAddress();

        uint32 fromEpoch = _guard.schedule(guard, currentEpoch());

        emit PriceGuardScheduled(guard, fromEpoch);
    }

    /// @inheritdoc IDataCredits
    function setSpender(address spender, bool allowed) external restricted {
        if (spender == address(0)) revert DataCreditsZeroAddress();

        isSpender[spender] = allowed;

        emit SpenderSet(spender, allowed);
    }

    // Views

    /// @inheritdoc IDataCredits
    function totalSupply() external view returns (uint256) {
        return _minted.credits - totalSpent();
    }

    /// @inheritdoc IDataCredits
    function totalMinted() external view returns (uint256) {
        return _minted.credits;
    }

    /// @inheritdoc IDataCredits
    function spentIn(uint16 subNetwork, uint32 epoch) external view returns (uint256) {
        if (subNetwork > MAX_SUB_NETWORK) return 0;
        uint256 s = _spent[subNetwork];
        return epoch == uint32(s >> 96) ? s >> 128 : _spentIn[subNetwork][epoch];
    }

    /// @inheritdoc IDataCredits
    function tokensBurnedIn(uint32 epoch) external view returns (uint256) {
        MintTotals storage m = _minted;
        return epoch == m.burnEpoch ? m.burned : _burned[epoch];
    }

    /// @inheritdoc IDataCredits
    function quoteExactIn(uint256 tokenIn) external view returns (uint256 credits) {
        return _toCreditsDown(tokenIn, _guardAt(currentEpoch()).mintPriceE8());
    }

    /// @inheritdoc IDataCredits
    function quoteExactOut(uint256 creditsOut) external view returns (uint256 tokenIn) {
        return _toTokensUp(creditsOut, _guardAt(currentEpoch()).mintPriceE8());
    }

    /// @inheritdoc IDataCredits
    function totalSpent() public view returns (uint256 credits) {
        for (uint256 i = 0; i <= MAX_SUB_NETWORK; ++i) credits += uint96(_spent[i]);
    }

    /// @inheritdoc IDataCredits
    function priceGuard() public view returns (address) {
        return _guard.at(currentEpoch());
    }

    // Internal

    function _mint(uint32 epoch, address recipient, uint256 tokens, uint256 credits, uint256 priceE8) private {
        if (credits == 0) revert DataCreditsZeroAmount();

        MintTotals memory m = _minted;
        if (m.burnEpoch != epoch) {
            if (m.burned != 0) _burned[m.burnEpoch] = m.burned;
            (m.burnEpoch, m.burned) = (epoch, 0);
        }
        m.credits = (m.credits + credits).toUint96();
        m.burned = (m.burned + tokens).toUint128();
        _minted = m;
        // A balance is a part of all that was minted, below 2^96.
        unchecked {
            balanceOf[recipient] += credits;
        }

        emit CreditsMinted(msg.sender, recipient, tokens, credits, priceE8);

        token.burnFrom(msg.sender, tokens);
    }

    function _spend(address payer, uint16 subNetwork, uint256 credits) private {
        if (credits == 0) revert DataCreditsZeroAmount();
        if (subNetwork > MAX_SUB_NETWORK) revert DataCreditsSubNetworkUnknown(subNetwork);
        uint256 balance = balanceOf[payer];
        if (balance < credits) revert DataCreditsInsufficient(payer, balance, credits);
        uint32 epoch = currentEpoch();

        uint256 s = _spent[subNetwork];
        uint256 inEpoch = s >> 128;
        if (uint32(s >> 96) != epoch) {
            if (inEpoch != 0) _spentIn[subNetwork][uint32(s >> 96)] = inEpoch;
            inEpoch = 0;
        }
        // Checked above; what is spent is a part of what was minted, below 2^96.
        unchecked {
            balanceOf[payer] = balance - credits;
            _spent[subNetwork] = ((inEpoch + credits) << 128) | (uint256(epoch) << 96) | (uint96(s) + credits);
        }

        emit CreditsSpent(payer, subNetwork, epoch, credits, msg.sender);
    }

    function _checkMint(address recipient, uint256 deadline) private view returns (uint32 epoch) {
        if (block.timestamp > deadline) revert DataCreditsExpired(deadline);
        if (recipient == address(0)) revert DataCreditsZeroAddress();
        return currentEpoch();
    }

    function _guardAt(uint32 epoch) private view returns (IPriceGuard guard) {
        guard = IPriceGuard(_guard.at(epoch));
        if (address(guard) == address(0)) revert DataCreditsZeroAddress();
    }

    function _toCreditsDown(uint256 tokens, uint256 priceE8) private pure returns (uint256) {
        return Math.mulDiv(tokens, priceE8, UNIT);
    }

    function _toTokensUp(uint256 credits, uint256 priceE8) private pure returns (uint256) {
        return Math.mulDiv(credits, UNIT, priceE8, Math.Rounding.Ceil);
    }
}
