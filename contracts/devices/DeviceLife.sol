// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {IDeviceDenial} from "../interfaces/IDeviceDenial.sol";
import {IDeviceHolds} from "../interfaces/IDeviceHolds.sol";
import {IDeviceLife, KeyChange} from "../interfaces/IDeviceLife.sol";
import {DeviceKey, DeviceSignature, IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IMakerRegistry} from "../interfaces/IMakerRegistry.sol";
import {DeviceKeys} from "./DeviceKeys.sol";

/// @title The rare half of DeviceRegistry: keys, hand-over, recovery, denial
/// @notice Linked to DeviceRegistry and run on its storage, for what an onboarding and a plain transfer never need. It
/// authorises by signatures; that the caller is the owner, where it must be, the registry has checked.
library DeviceLife {
    using Checkpoints for Checkpoints.Trace208;

    // --- Types ---

    /// @dev Something that waits. Void unless `version` is the device's.
    struct Request {
        bytes32 what;
        uint64 version;
        uint32 readyFrom;
    }

    /// @dev `beneficiary` and `kernel` as of the opening, so that neither a sale nor a new pointer changes a case.
    struct Case {
        address beneficiary;
        uint32 denialEpochs;
        IDeviceDenial.CaseStatus status;
        address kernel;
    }

    struct Location {
        uint64 h3Cell;
        uint32 count;
        uint32 fromEpoch;
    }

    struct State {
        /// untilEpoch(32) | fromEpoch(32) | deviceId(64): the device of which the key is or was the live one, in force for
        /// fromEpoch ≤ e < untilEpoch. By hand, so that one write needs no read. Never cleared.
        mapping(bytes32 keyHash => uint256) keys;
        /// flags(8) | transfers(24) | knownFrom(32) | sinceEpoch(32) | previous(160), by hand because every transfer
        /// rewrites it: `previous` was paid for knownFrom ≤ e < sinceEpoch; sinceEpoch = 0 until a change has a past.
        mapping(uint256 deviceId => uint256) payees;
        mapping(uint64 deviceId => uint32) revisions;
        mapping(uint64 deviceId => mapping(IDeviceLife.Purpose => Request)) requests;
        /// caseId(64) | denied(1) | untilEpoch(32) by the epoch from which it counts; zero: nothing against the device.
        mapping(uint64 deviceId => Checkpoints.Trace208) cases;
        mapping(uint64 deviceId => mapping(uint64 caseId => Case)) outcomes;
        mapping(uint64 deviceId => Location) locations;
        address disputes;
        uint32 denialEpochs;
        uint32 delayEpochs;
        address holds;
        address metadata;
        uint32 locationFee;
    }

    /// @dev What the registry knows of the device, and the epoch from which a change counts.
    struct Device {
        uint64 id;
        address owner;
        uint24 modelId;
        uint32 fromEpoch;
        address makers;
    }

    // --- Constants ---

    /// @notice Flag beside the payee: the owner named one.
    uint256 internal constant HAS_CUSTOM = 1 << 248;
    /// @notice Flag beside the payee: a case about the device is live.
    uint256 internal constant IN_DISPUTE = 1 << 249;
    /// @notice A key or a state without an end.
    uint32 internal constant OPEN_END = type(uint32).max;

    uint208 private constant DENIED = 1 << 32;
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant KEY_CHANGE_TYPEHASH = keccak256(
        "KeyChange(uint64 deviceId,bytes32 oldKeyHash,bytes32 newKeyHash,address owner,uint64 deadline)"
    );
    bytes32 private constant OFFER_TYPEHASH = keccak256(
        "Offer(uint64 deviceId,address to,uint64 version,uint64 deadline)"
    );

    // --- Keys ---

    /// @notice DeviceKeys.checkSignature: the whole of it, with the Solidity fallback and the reasons, kept out of the
    /// registry's code.
    function checkSignature(DeviceKey calldata key, bytes32 digest, DeviceSignature calldata signature) external view {
        DeviceKeys.checkSignature(key, digest, signature);
    }

    /// @notice See IDeviceLife.rotate.
    function rotate(State storage s, Device calldata d, KeyChange calldata c, bytes calldata makerSignature) external {
        bytes32 keyHash = _checkNewKey(s, d, c, IDeviceLife.Purpose.Rotate);
        (address maker, IMakerRegistry.MakerStatus status) = _makerOf(d);
        if (status != IMakerRegistry.MakerStatus.Licensed) revert IDeviceLife.DeviceMakerNotLicensed(maker);
        bytes32 change = keccak256(abi.encode(KEY_CHANGE_TYPEHASH, d.id, c.oldKeyHash, keyHash, d.owner, c.deadline));
        _checkConsent(maker, change, makerSignature);

        _changeKey(s, d.id, c.oldKeyHash, keyHash, d.fromEpoch);
    }

    /// @notice See IDeviceLife.requestRotation.
    function requestRotation(State storage s, Device calldata d, KeyChange calldata c) external {
        bytes32 keyHash = _checkNewKey(s, d, c, IDeviceLife.Purpose.Rotate);
        _checkLive(s, c.oldKeyHash, d.id);
        _checkMakerGone(d);

        uint32 readyFrom = _ask(s, d, IDeviceLife.Purpose.Rotate, keyHash);

        emit IDeviceLife.RotationRequested(d.id, keyHash, readyFrom);
    }

    /// @notice See IDeviceLife.completeRotation.
    function completeRotation(State storage s, Device calldata d, bytes32 oldKeyHash) external {
        bytes32 keyHash = _due(s, d, IDeviceLife.Purpose.Rotate);
        _checkMakerGone(d);
        // Another device may have taken the key while this one waited.
        _checkUnused(s, keyHash);

        _changeKey(s, d.id, oldKeyHash, keyHash, d.fromEpoch);
    }

    /// @notice See IDeviceLife.replace.
    function replace(
        State storage s,
        Device calldata d,
        KeyChange calldata c,
        uint32 batchId,
        uint32 index,
        bytes32 serialHash,
        bytes32[] calldata proof
    ) external {
        // A key that no device ever had is the key of a box that was never onboarded; from now on it never can be.
        bytes32 keyHash = _checkNewKey(s, d, c, IDeviceLife.Purpose.Replace);
        (uint24 modelId, uint64 boxId) = IMakerRegistry(d.makers).checkInclusion(
            batchId,
            index,
            serialHash,
            keyHash,
            proof
        );
        if (modelId != d.modelId) revert IDeviceLife.DeviceModelWrong(d.modelId, modelId);

        _changeKey(s, d.id, c.oldKeyHash, keyHash, d.fromEpoch);

        emit IDeviceLife.DeviceReplaced(d.id, boxId);
    }

    // --- Hand-over and recovery: the registry moves the device afterwards ---

    /// @notice See IDeviceLife.accept; the caller is the buyer.
    function checkAcceptance(
        State storage s,
        Device calldata d,
        uint64 deadline,
        bytes calldata ownerSignature,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external {
        _checkLiveSignature(s, d.id, IDeviceLife.Purpose.Accept, msg.sender, deadline, key, signature);
        bytes32 offer = keccak256(abi.encode(OFFER_TYPEHASH, d.id, msg.sender, versionOf(s, d.id), deadline));
        _checkConsent(d.owner, offer, ownerSignature);

        emit IDeviceLife.DeviceAccepted(d.id, d.owner, msg.sender);
    }

    /// @notice See IDeviceLife.requestRecovery.
    function requestRecovery(
        State storage s,
        Device calldata d,
        address to,
        uint64 deadline,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) external {
        IDeviceLife.Purpose purpose = IDeviceLife.Purpose.Recover;
        if (to == address(0)) revert IDeviceRegistry.DeviceZeroAddress();
        checkUndisputed(s, d.id);
        (, uint32 readyFrom) = requestOf(s, d.id, purpose);
        // Whoever replays a request must not begin its delay again.
        if (readyFrom != 0) revert IDeviceLife.DeviceRequestPending(d.id, purpose, readyFrom);
        _checkLiveSignature(s, d.id, purpose, to, deadline, key, signature);

        readyFrom = _ask(s, d, purpose, bytes32(uint256(uint160(to))));

        emit IDeviceLife.RecoveryRequested(d.id, to, readyFrom);
    }

    /// @notice See IDeviceLife.completeRecovery; `to` is the new owner.
    function checkRecovery(State storage s, Device calldata d) external returns (address to) {
        to = address(uint160(uint256(_due(s, d, IDeviceLife.Purpose.Recover))));

        emit IDeviceLife.DeviceRecovered(d.id, d.owner, to);
    }

    /// @notice See IDeviceLife.veto.
    function veto(State storage s, uint64 deviceId) external {
        ++s.revisions[deviceId];

        emit IDeviceLife.DeviceVetoed(deviceId, msg.sender, versionOf(s, deviceId));
    }

    // --- Location ---

    /// @notice See IDeviceLife.assertLocation.
    function assertLocation(State storage s, uint64 deviceId, uint64 h3Cell, uint32 fromEpoch) external {
        if (!isCoarseCell(h3Cell)) revert IDeviceLife.DeviceCellInvalid(h3Cell);

        Location storage last = s.locations[deviceId];
        uint32 count = last.count + 1;
        (last.h3Cell, last.count, last.fromEpoch) = (h3Cell, count, fromEpoch);

        emit IDeviceLife.LocationAsserted(deviceId, h3Cell, count, fromEpoch);
        emit IDeviceLife.MetadataUpdate(deviceId);
    }

    /// @notice Whether the bits are those of an H3 cell of resolution ≤ 7: mode 1, reserved bits clear, one of 122 base
    /// cells, digits 0 … 6 down to the resolution and 7 below, and in one of the twelve pentagons no first digit 1.
    function isCoarseCell(uint64 h3Cell) public pure returns (bool) {
        // reserved(1) ‖ mode(4) ‖ reserved(3)
        if (h3Cell >> 56 != 0x08) return false;
        uint256 resolution = (h3Cell >> 52) & 0xf;
        uint256 baseCell = (h3Cell >> 45) & 0x7f;
        if (resolution > 7 || baseCell > 121) return false;
        uint256 unused = (1 << (3 * (15 - resolution))) - 1;
        if (h3Cell & unused != unused) return false;

        // Pentagons: 4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117.
        bool first = (0x200802000801008402004001004010 >> baseCell) & 1 == 1;
        for (uint256 i = 0; i < resolution; i++) {
            uint256 digit = (h3Cell >> (42 - 3 * i)) & 7;
            if (digit == 7) return false;
            if (first && digit == 1) return false;
            if (digit != 0) first = false;
        }
        return true;
    }

    // --- Denial ---

    /// @notice Reverts while a case about the device is live.
    function checkUndisputed(State storage s, uint64 deviceId) public view {
        if (s.payees[deviceId] & IN_DISPUTE != 0) {
            revert IDeviceDenial.DeviceInDispute(deviceId, uint64(s.cases[deviceId].latest() >> 33));
        }
    }

    /// @notice See IDisputable.onDisputeOpened; `payee` is who is paid from `d.fromEpoch` on.
    function openCase(State storage s, Device calldata d, uint64 caseId, address payee, uint32 claimedEpoch) external {
        checkUndisputed(s, d.id);
        (, uint208 now_) = _stateAt(s, d.id, d.fromEpoch);
        if (now_ != 0) revert IDeviceDenial.DeviceStillDenied(d.id, uint32(now_));
        Case storage c = s.outcomes[d.id][caseId];
        if (caseId == 0 || c.status != IDeviceDenial.CaseStatus.None) {
            revert IDeviceDenial.DeviceCaseUnknown(d.id, caseId);
        }
        if (s.holds == address(0)) revert IDeviceRegistry.DeviceZeroAddress();

        (c.beneficiary, c.denialEpochs, c.status, c.kernel) = (
            payee,
            s.denialEpochs,
            IDeviceDenial.CaseStatus.Open,
            msg.sender
        );
        s.cases[d.id].push(d.fromEpoch, (uint208(caseId) << 33) | OPEN_END);
        s.payees[d.id] |= IN_DISPUTE;

        emit IDeviceDenial.DeviceDisputed(d.id, caseId, payee, claimedEpoch, d.fromEpoch);
        emit IDeviceLife.MetadataUpdate(d.id);
    }

    /// @notice See IDisputable.onDisputeClosed.
    function closeCase(State storage s, uint64 deviceId, uint64 caseId, bool upheld, uint32 fromEpoch) external {
        Case storage c = s.outcomes[deviceId][caseId];
        if (c.status != IDeviceDenial.CaseStatus.Open) revert IDeviceDenial.DeviceCaseUnknown(deviceId, caseId);
        if (c.kernel != msg.sender) revert IDeviceDenial.DeviceNotDisputes(msg.sender);

        s.payees[deviceId] &= ~IN_DISPUTE;
        if (upheld) {
            uint32 untilEpoch = fromEpoch + c.denialEpochs;
            c.status = IDeviceDenial.CaseStatus.Upheld;
            s.cases[deviceId].push(fromEpoch, (uint208(caseId) << 33) | DENIED | untilEpoch);
            emit IDeviceDenial.DeviceDenied(deviceId, caseId, fromEpoch, untilEpoch);
        } else {
            c.status = IDeviceDenial.CaseStatus.Rejected;
            s.cases[deviceId].push(fromEpoch, 0);
            emit IDeviceDenial.DeviceReleased(deviceId, caseId, fromEpoch);
        }
        emit IDeviceLife.MetadataUpdate(deviceId);
    }

    // --- Governance ---

    /// @notice See IDeviceLife.setTerms.
    function setTerms(State storage s, uint32 delayEpochs, uint32 denialEpochs, uint32 locationFee) external {
        _checkBounds("delayEpochs", delayEpochs, 2, 365);
        _checkBounds("denialEpochs", denialEpochs, 1, 10_000);
        _checkBounds("locationFee", locationFee, 0, 100_000_000);

        (s.delayEpochs, s.denialEpochs, s.locationFee) = (delayEpochs, denialEpochs, locationFee);

        emit IDeviceLife.TermsSet(delayEpochs, denialEpochs, locationFee);
    }

    // --- Views ---

    /// @notice The hold account that is the payee in `epoch`; zero if no case is live then.
    function holdAt(State storage s, uint64 deviceId, uint32 epoch) external view returns (address) {
        uint64 caseId = caseAt(s, deviceId, epoch);
        return caseId == 0 ? address(0) : IDeviceHolds(s.holds).accountOf(deviceId, caseId);
    }

    /// @notice See IDeviceDenial.caseAt.
    function caseAt(State storage s, uint64 deviceId, uint32 epoch) public view returns (uint64) {
        (bool denied, uint208 state) = _stateAt(s, deviceId, epoch);
        return denied ? 0 : uint64(state >> 33);
    }

    /// @notice See IDeviceDenial.isDeniedAt.
    function isDeniedAt(State storage s, uint64 deviceId, uint32 epoch) external view returns (bool denied) {
        (denied, ) = _stateAt(s, deviceId, epoch);
    }

    /// @notice See IDeviceLife.versionOf.
    function versionOf(State storage s, uint64 deviceId) public view returns (uint64) {
        return (uint64(uint24(s.payees[deviceId] >> 224)) << 32) | s.revisions[deviceId];
    }

    /// @notice See IDeviceLife.requestOf.
    function requestOf(
        State storage s,
        uint64 deviceId,
        IDeviceLife.Purpose purpose
    ) public view returns (bytes32 what, uint32 readyFrom) {
        Request storage r = s.requests[deviceId][purpose];
        if (r.version == versionOf(s, deviceId)) (what, readyFrom) = (r.what, r.readyFrom);
    }

    /// @notice The little that the registry knows of a device: name, model, status.
    function tokenURI(Device calldata d, string calldata name, bool retired) external view returns (string memory) {
        /* solhint-disable quotes */
        string memory json = string.concat(
            '{"name":"',
            LibString.escapeJSON(name),
            " #",
            LibString.toString(d.id),
            '","attributes":[{"trait_type":"model","value":"',
            LibString.escapeJSON(IMakerRegistry(d.makers).modelOf(d.modelId).name),
            '"},{"trait_type":"status","value":"',
            retired ? "retired" : "active",
            '"}]}'
        );
        /* solhint-enable quotes */
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    // --- Internal ---

    function _changeKey(State storage s, uint64 deviceId, bytes32 oldHash, bytes32 newHash, uint32 fromEpoch) private {
        uint256 old = _checkLive(s, oldHash, deviceId);

        s.keys[oldHash] = (uint256(fromEpoch) << 96) | uint96(old);
        s.keys[newHash] = (uint256(OPEN_END) << 96) | (uint256(fromEpoch) << 64) | deviceId;
        // What the old key signed dies with it.
        ++s.revisions[deviceId];

        emit IDeviceLife.DeviceKeyChanged(deviceId, oldHash, newHash, fromEpoch);
        emit IDeviceLife.MetadataUpdate(deviceId);
    }

    function _ask(
        State storage s,
        Device calldata d,
        IDeviceLife.Purpose purpose,
        bytes32 what
    ) private returns (uint32 readyFrom) {
        readyFrom = d.fromEpoch + s.delayEpochs;
        s.requests[d.id][purpose] = Request(what, versionOf(s, d.id), readyFrom);
    }

    function _due(State storage s, Device calldata d, IDeviceLife.Purpose purpose) private view returns (bytes32 what) {
        uint32 readyFrom;
        (what, readyFrom) = requestOf(s, d.id, purpose);
        if (readyFrom == 0) revert IDeviceLife.DeviceRequestUnknown(d.id, purpose);
        // d.fromEpoch is the epoch after this one.
        if (d.fromEpoch <= readyFrom) revert IDeviceLife.DeviceRequestNotReady(d.id, purpose, readyFrom);
    }

    function _checkNewKey(
        State storage s,
        Device calldata d,
        KeyChange calldata c,
        IDeviceLife.Purpose purpose
    ) private view returns (bytes32 keyHash) {
        _checkDeadline(c.deadline);
        keyHash = DeviceKeys.hash(c.key);
        _checkUnused(s, keyHash);
        DeviceKeys.checkSignature(c.key, _lifeDigest(s, purpose, d.id, d.owner, c.deadline), c.signature);
    }

    function _checkLiveSignature(
        State storage s,
        uint64 deviceId,
        IDeviceLife.Purpose purpose,
        address account,
        uint64 deadline,
        DeviceKey calldata key,
        DeviceSignature calldata signature
    ) private view {
        _checkDeadline(deadline);
        _checkLive(s, DeviceKeys.hash(key), deviceId);
        DeviceKeys.checkSignature(key, _lifeDigest(s, purpose, deviceId, account, deadline), signature);
    }

    function _lifeDigest(
        State storage s,
        IDeviceLife.Purpose purpose,
        uint64 deviceId,
        address account,
        uint64 deadline
    ) private view returns (bytes32) {
        // Ids of chains in use fit 64 bits.
        bytes memory head = abi.encodePacked(hex"47574c3101", uint64(block.chainid), address(this)); // "GWL1", 1
        uint128 terms = (uint128(versionOf(s, deviceId)) << 64) | deadline;
        return sha256(abi.encodePacked(head, uint8(purpose), deviceId, account, terms));
    }

    function _checkBounds(bytes32 name, uint32 value, uint32 min, uint32 max) private pure {
        if (value < min || value > max) revert IDeviceRegistry.DeviceRegistryBadParameter(name, value);
    }

    function _checkDeadline(uint64 deadline) private view {
        if (block.timestamp > deadline) revert IDeviceRegistry.DeviceSignatureExpired(deadline);
    }

    function _checkUnused(State storage s, bytes32 keyHash) private view {
        uint64 user = uint64(s.keys[keyHash]);
        if (user != 0) revert IDeviceRegistry.DeviceKeyUsed(keyHash, user);
    }

    function _checkLive(State storage s, bytes32 keyHash, uint64 deviceId) private view returns (uint256 use) {
        use = s.keys[keyHash];
        if (uint64(use) != deviceId || uint32(use >> 96) != OPEN_END) {
            revert IDeviceLife.DeviceKeyNotLive(keyHash, deviceId);
        }
    }

    function _checkMakerGone(Device calldata d) private view {
        (address maker, IMakerRegistry.MakerStatus status) = _makerOf(d);
        if (status == IMakerRegistry.MakerStatus.Licensed || status == IMakerRegistry.MakerStatus.Suspended) {
            revert IDeviceLife.DeviceMakerNotGone(maker);
        }
    }

    function _makerOf(Device calldata d) private view returns (address maker, IMakerRegistry.MakerStatus status) {
        maker = IMakerRegistry(d.makers).modelOf(d.modelId).maker;
        status = IMakerRegistry(d.makers).makerOf(maker).status;
    }

    function _checkConsent(address signer, bytes32 structHash, bytes calldata signature) private view {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Groundwork devices"), keccak256("1"), block.chainid, address(this))
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert IDeviceLife.DeviceConsentWrong(signer, digest);
        }
    }

    /// @dev Zero where nothing is against the device in `epoch`, an expired denial included.
    function _stateAt(State storage s, uint64 deviceId, uint32 epoch) private view returns (bool, uint208 state) {
        state = s.cases[deviceId].upperLookupRecent(epoch);
        if (epoch >= uint32(state) && uint32(state) != OPEN_END) return (false, 0);
        return (state & DENIED != 0, state);
    }
}
