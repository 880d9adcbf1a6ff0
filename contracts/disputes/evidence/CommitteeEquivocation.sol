// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICommitteeEquivocation, SignedReport} from "../../interfaces/ICommitteeEvidence.sol";
import {ICommitteeRegistry} from "../../interfaces/ICommitteeRegistry.sol";
import {Fault, IEvidence, Liable} from "../../interfaces/IEvidence.sol";
import {Settlement} from "../../interfaces/ISettlementOracle.sol";

/// @title Two settlements signed by one member for one slot
contract CommitteeEquivocation is ICommitteeEquivocation {
    uint256 private constant HEADER = 109;
    uint256 private constant PAYLOAD = 384;
    uint16 private constant SCHEMA = 1;

    /// @inheritdoc ICommitteeEquivocation
    address public immutable committee;
    /// @inheritdoc ICommitteeEquivocation
    address public immutable settlement;

    constructor(address committee_, address settlement_) {
        committee = committee_;
        settlement = settlement_;
    }

    /// @inheritdoc IEvidence
    function verify(bytes calldata evidence) external view returns (Fault memory f) {
        (SignedReport memory a, SignedReport memory b) = abi.decode(evidence, (SignedReport, SignedReport));
        (address memberA, uint256 slotA, uint208 idA) = _read(a);
        (address memberB, uint256 slotB, uint208 idB) = _read(b);
        if (memberA != memberB) revert EquivocationMembersDiffer(memberA, memberB);
        if (slotA != slotB) revert EquivocationSlotsDiffer(slotA, slotB);
        if (idA == idB) revert EquivocationSameContent(idA);

        f.liable = Liable.Member;
        f.member = memberA;
        (f.subNetwork, f.epoch, f.attempt) = (uint16(slotA >> 48), uint32(slotA >> 16), uint16(slotA));
        f.earliest = f.epoch;
        // The same for either order.
        f.faultHash = idA < idB ? keccak256(abi.encode(idA, idB)) : keccak256(abi.encode(idB, idA));
    }

    /// @dev Member, subNetwork(16) ‖ epoch(32) ‖ attempt(16), and id of the settlement.
    function _read(SignedReport memory r) private view returns (address member, uint256 slot, uint208 id) {
        bytes memory raw = r.rawReport;
        if (raw.length != HEADER + PAYLOAD) revert EquivocationMalformed(raw.length);
        bytes memory payload = new bytes(PAYLOAD);
        assembly ("memory-safe") {
            mcopy(add(payload, 32), add(raw, add(32, HEADER)), PAYLOAD)
        }
        // Strict: a field with bits above its type reverts.
        Settlement memory s = abi.decode(payload, (Settlement));
        if (s.schema != SCHEMA || s.chainId != block.chainid || s.receiver != settlement) {
            revert EquivocationWrongDomain(s.schema, s.chainId, s.receiver);
        }
        address signer = _signerOf(keccak256(bytes.concat(keccak256(raw), r.reportContext)), r.signature);
        member = ICommitteeRegistry(committee).accountOfSigner(signer);
        if (member == address(0)) revert EquivocationUnknownSigner(signer);
        slot = (uint256(s.subNetwork) << 48) | (uint256(s.epoch) << 16) | s.attempt;
        s.validUntil = 0;
        id = uint208(uint256(keccak256(abi.encode(s))));
    }

    /// @dev As KeystoneForwarder recovers: any s is good, as the content counts and not the signature; zero is nobody.
    function _signerOf(bytes32 digest, bytes memory signature) private pure returns (address signer) {
        if (signature.length != 65) revert EquivocationBadSignature(signature.length);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        if (v < 2) signer = ecrecover(digest, v + 27, r, s);
        if (signer == address(0)) revert EquivocationBadSignature(signature.length);
    }
}
