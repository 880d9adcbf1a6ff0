// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {DeviceHolds} from "../../contracts/devices/DeviceHolds.sol";
import {DeviceRegistry} from "../../contracts/devices/DeviceRegistry.sol";
import {IDeviceDenial} from "../../contracts/interfaces/IDeviceDenial.sol";
import {IDeviceLife, KeyChange} from "../../contracts/interfaces/IDeviceLife.sol";
import {DeviceKey, DeviceSignature, IDeviceRegistry, Onboarding} from "../../contracts/interfaces/IDeviceRegistry.sol";
import {Token__MockForDevices} from "../../contracts/test/DeviceMocks.sol";
import {Boxes} from "./Boxes.sol";
import {Handler} from "./Handler.sol";

/// @dev Boxes with real keys, four people, the maker and the disputes kernel. Writes down, when an epoch begins, what the
/// registry says of it, and what the books say; later it must still say so.
contract DevicesHandler is Handler {
    uint32 public constant LENGTH = 1 days;
    uint32 public constant CHALLENGE = 4;
    uint256 internal constant MAKER_KEY = 0xA11CE;
    uint256 internal constant PERSON_KEYS = 0xD000;
    uint256 internal constant PEOPLE = 4;
    uint256 internal constant MAX_DEVICES = 6;

    bytes32 public constant KEYS = "keys";
    bytes32 public constant HISTORY = "history";

    /// @dev The books of one device.
    struct Book {
        uint64 id;
        address owner;
        uint32 fromEpoch;
        uint32 retiredFrom;
        uint64 caseId; // live one
        uint32 deniedFrom;
        uint32 deniedUntil;
        uint256 liveKey; // private key
    }

    DeviceRegistry public immutable registry;
    DeviceHolds public immutable holds;
    Boxes public immutable boxes;
    Token__MockForDevices public immutable token;

    Book[] internal _books;
    uint256[] public keys; // every private key that ever was a device's
    mapping(bytes32 keyHash => uint64) public boundTo;
    mapping(uint64 deviceId => mapping(uint32 epoch => address)) internal _payeeOf;
    mapping(uint64 deviceId => mapping(uint32 epoch => bool)) internal _wasActive;
    uint64 internal _cases;
    uint256 internal _keySeed;
    // Rewards
    uint256 public earned;
    uint256 public burned;
    uint64[2][] internal _held; // (device, case) of every case

    constructor() {
        AccessManager manager = new AccessManager(address(this));
        token = new Token__MockForDevices();
        boxes = new Boxes(vm.addr(MAKER_KEY));
        registry = new DeviceRegistry(
            address(manager),
            address(boxes),
            address(token),
            uint64(block.timestamp),
            LENGTH,
            CHALLENGE,
            9 days,
            "D",
            "D"
        );
        holds = new DeviceHolds(address(registry));
        registry.setHolds(address(holds));
        registry.setDisputes(address(this));
        registry.setTerms(2, 3, 0);
    }

    // Actions

    function onboard(uint256 who) external {
        if (_books.length == MAX_DEVICES) return _warp(LENGTH);
        uint256 key = _newKey();
        uint64 id = uint64(_books.length + 1);
        boxes.make(_hash(key), id);
        registry.onboard(_onboarding(key, id, personOf(who)));
        _bind(key, id);
        Book storage b = _books.push();
        (b.id, b.owner, b.fromEpoch, b.liveKey) = (id, personOf(who), _next(), key);
        useful++;
    }

    /// @dev A key that was ever used, of a box that the maker even made twice.
    function onboardAgain(uint256 which, uint256 who) external {
        if (keys.length == 0) return _warp(LENGTH);
        uint256 key = keys[which % keys.length];
        uint64 id = uint64(MAX_DEVICES + 1 + (who % 100));
        boxes.make(_hash(key), id);
        Onboarding memory o = _onboarding(key, id, personOf(who));
        (bool done, bytes memory answer) = _try(address(this), address(registry), abi.encodeCall(registry.onboard, o));
        _hold(KEYS, !done, "a used key was onboarded again");
        if (!done) _check(bytes4(answer) == IDeviceRegistry.DeviceKeyUsed.selector, "onboardAgain");
    }

    function transfer(uint256 which, uint256 to) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        address buyer = personOf(to);
        bytes memory data = abi.encodeCall(registry.transferFrom, (b.owner, buyer, b.id));
        if (_change(b, data)) b.owner = buyer;
    }

    function setPayee(uint256 which, uint256 payee) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        address to = payee % 3 == 0 ? address(0) : address(uint160(0xe000 + (payee % PEOPLE)));
        _change(b, abi.encodeCall(registry.setPayee, (b.id, to)));
    }

    /// @dev With the maker, or with a box of the maker (RMA): to a new key, or to one that was used before.
    function changeKey(uint256 which, uint256 used, bool again, bool box) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        uint256 key = again ? keys[used % keys.length] : _newKey();
        if (box) boxes.make(_hash(key), uint64(MAX_DEVICES + 200 + keys.length));
        KeyChange memory c = _keyChange(b, key, box ? 2 : 1);
        bytes memory data =
            box
                ? abi.encodeCall(registry.replace, (c, 0, 0, 0, new bytes32[](0)))
                : abi.encodeCall(registry.rotate, (c, _consent(b, c)));
        (bool done, bytes memory answer) = _try(b.owner, address(registry), data);
        _hold(KEYS, done == (!again && b.retiredFrom == 0), "a key changed that may not, or not one that may");
        if (!done) {
            bool retired = bytes4(answer) == IDeviceRegistry.DeviceAlreadyRetired.selector;
            return _check(retired || bytes4(answer) == IDeviceRegistry.DeviceKeyUsed.selector, "changeKey");
        }
        _bind(key, b.id);
        b.liveKey = key;
        useful++;
    }

    /// @dev Two steps: the owner's offer by signature, the buyer's acceptance with the box.
    function accept(uint256 which, uint256 to) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        address buyer = personOf(to);
        uint64 deadline = uint64(block.timestamp);
        bytes32 typeHash = keccak256("Offer(uint64 deviceId,address to,uint64 version,uint64 deadline)");
        bytes32 offer = keccak256(abi.encode(typeHash, b.id, buyer, registry.versionOf(b.id), deadline));
        DeviceSignature memory signature = _sign(b.liveKey, _lifeDigest(3, b.id, buyer, deadline));
        bytes memory data = abi.encodeCall(
            registry.accept,
            (b.id, deadline, _signTyped(_keyOf(b.owner), offer), _key(b.liveKey), signature)
        );
        if (_changeBy(buyer, b, data)) b.owner = buyer;
    }

    function requestRecovery(uint256 which, uint256 to) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        (, uint32 readyFrom) = registry.requestOf(b.id, IDeviceLife.Purpose.Recover);
        uint64 deadline = uint64(block.timestamp + 1 days);
        bytes32 digest = _lifeDigest(4, b.id, personOf(to), deadline);
        bytes memory data = abi.encodeCall(
            registry.requestRecovery,
            (b.id, personOf(to), deadline, _key(b.liveKey), _sign(b.liveKey, digest))
        );
        bytes4 error =
            b.caseId != 0
                ? IDeviceDenial.DeviceInDispute.selector
                : readyFrom != 0
                    ? IDeviceLife.DeviceRequestPending.selector
                    : bytes4(0);
        (bool done, ) = _expect(address(this), address(registry), data, error, "requestRecovery");
        if (done) useful++;
    }

    function completeRecovery(uint256 which) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        (bytes32 what, uint32 readyFrom) = registry.requestOf(b.id, IDeviceLife.Purpose.Recover);
        bytes memory data = abi.encodeCall(registry.completeRecovery, (b.id));
        if (readyFrom == 0) {
            bytes4 none = IDeviceLife.DeviceRequestUnknown.selector;
            _refused(address(this), address(registry), data, none, "recovered without a request");
        } else if (registry.currentEpoch() < readyFrom) {
            bytes4 early = IDeviceLife.DeviceRequestNotReady.selector;
            _refused(address(this), address(registry), data, early, "recovered before its time");
        } else if (_changeBy(address(this), b, data)) {
            b.owner = address(uint160(uint256(what)));
        }
    }

    /// @dev The owner may always object, whatever else is the matter.
    function veto(uint256 which) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        vm.prank(b.owner);
        registry.veto(b.id);
        (, uint32 readyFrom) = registry.requestOf(b.id, IDeviceLife.Purpose.Recover);
        _check(readyFrom == 0, "a vetoed recovery waits");
        useful++;
    }

    function retire(uint256 which, bool really) external {
        if (_books.length == 0 || !really) return _warp(LENGTH);
        Book storage b = _book(which);
        bytes memory data = abi.encodeCall(registry.retire, (b.id));
        bytes4 error = b.retiredFrom == 0 ? bytes4(0) : IDeviceRegistry.DeviceAlreadyRetired.selector;
        (bool done, ) = _expect(b.owner, address(registry), data, error, "retire");
        if (!done) return;
        b.retiredFrom = _next();
        useful++;
    }

    function openCase(uint256 which) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        uint32 epoch = registry.currentEpoch();
        bytes memory data = abi.encodeCall(registry.onDisputeOpened, (_cases + 1, b.id, epoch));
        bool may = b.caseId == 0 && b.retiredFrom == 0 && _isActive(b, epoch) && !_isDenied(b, epoch + 1);
        (bool done, ) = _try(address(this), address(registry), data);
        _check(done == may, done ? "a case was opened that may not be" : "a case was not opened");
        if (!done) return;
        b.caseId = ++_cases;
        _held.push([b.id, b.caseId]);
        useful++;
    }

    function closeCase(uint256 which, bool upheld) external {
        if (_books.length == 0) return _warp(LENGTH);
        Book storage b = _book(which);
        bytes memory data = abi.encodeCall(registry.onDisputeClosed, (b.caseId, b.id, upheld));
        bytes4 error = b.caseId == 0 ? IDeviceDenial.DeviceCaseUnknown.selector : bytes4(0);
        (bool done, ) = _expect(address(this), address(registry), data, error, "closeCase");
        if (done) _closed(b, upheld);
    }

    function settleHold(uint256 which) external {
        if (_held.length == 0) return _warp(LENGTH);
        _settleHold(which % _held.length);
    }

    function warp(uint256 by) external {
        _warp(bound(by, 1, 2 * LENGTH));
    }

    // Drain

    /// @dev Cases end, holds are paid out, and every owner objects, names itself and retires.
    function drain() external {
        for (uint256 i = 0; i < _books.length; ++i) {
            Book storage b = _books[i];
            vm.prank(b.owner);
            registry.veto(b.id);
            if (b.retiredFrom == 0) {
                vm.prank(b.owner);
                registry.retire(b.id);
                b.retiredFrom = _next();
            }
            if (b.caseId == 0) continue;
            registry.onDisputeClosed(b.caseId, b.id, i % 2 == 0);
            _closed(b, i % 2 == 0);
        }
        _warp(LENGTH);
        for (uint256 i = 0; i < _held.length; ++i) _settleHold(i);
    }

    // Views

    function count() external view returns (uint256) {
        return _books.length;
    }

    function keyCount() external view returns (uint256) {
        return keys.length;
    }

    function bookOf(uint256 i) external view returns (Book memory) {
        return _books[i];
    }

    function keyHashAt(uint256 i) external returns (bytes32) {
        return _hash(keys[i]);
    }

    /// @notice Wei that wait in hold accounts.
    function heldBalance() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _held.length; ++i) {
            sum += token.balanceOf(holds.accountOf(_held[i][0], _held[i][1]));
        }
    }

    /// @notice Wei that people and payees have.
    function paidOut() external view returns (uint256 sum) {
        for (uint256 i = 0; i < PEOPLE; ++i) {
            sum += token.balanceOf(personOf(i)) + token.balanceOf(address(uint160(0xe000 + i)));
        }
    }

    /// @notice Whether what the registry says of `epoch` now is what was written down when it began; empty if so.
    function compare(uint256 i, uint32 epoch) external view returns (string memory) {
        uint64 id = _books[i].id;
        if (registry.isActiveAt(id, epoch) != _wasActive[id][epoch]) return "active";
        if (epoch < _books[i].fromEpoch) return "";
        return registry.payeeAt(id, epoch) == _payeeOf[id][epoch] ? "" : "payee";
    }

    function personOf(uint256 who) public pure returns (address) {
        return vm.addr(PERSON_KEYS + (who % PEOPLE));
    }

    // Internal

    /// @dev Time goes on epoch by epoch; what begins is written down, and each active device earns.
    function _warp(uint256 by) internal {
        uint256 end = block.timestamp + by;
        while (registry.currentEpoch() < (end - registry.epochGenesis()) / LENGTH) {
            uint32 epoch = _next();
            vm.warp(registry.epochGenesis() + uint256(epoch) * LENGTH);
            for (uint256 i = 0; i < _books.length; ++i) _begin(_books[i], epoch);
        }
        vm.warp(end);
        useful++;
    }

    function _begin(Book storage b, uint32 epoch) internal {
        bool active = registry.isActiveAt(b.id, epoch);
        _hold(HISTORY, active == _isActive(b, epoch), "active without a reason, or not with one");
        address payee = registry.payeeAt(b.id, epoch);
        _hold(HISTORY, _isHold(payee) == (b.caseId != 0), "only a disputed device's payee is a hold account");
        (_wasActive[b.id][epoch], _payeeOf[b.id][epoch]) = (active, payee);
        if (!active) return;
        token.mint(payee, 1e18 + epoch);
        earned += 1e18 + epoch;
    }

    /// @dev A change of owner or payee by the owner: at most one in a challenge window, none in a dispute.
    function _change(Book storage b, bytes memory data) internal returns (bool) {
        return _changeBy(b.owner, b, data);
    }

    function _changeBy(address caller, Book storage b, bytes memory data) internal returns (bool done) {
        bytes memory answer;
        (done, answer) = _try(caller, address(registry), data);
        if (b.caseId != 0) {
            _check(!done && bytes4(answer) == IDeviceDenial.DeviceInDispute.selector, "changed in a dispute");
        } else if (!done) {
            _check(bytes4(answer) == IDeviceRegistry.DevicePayeeRecentlyChanged.selector, "change");
        }
        if (done) useful++;
    }

    function _closed(Book storage b, bool upheld) internal {
        b.caseId = 0;
        if (upheld) (b.deniedFrom, b.deniedUntil) = (_next(), _next() + 3);
        useful++;
    }

    function _settleHold(uint256 i) internal {
        (uint64 id, uint64 caseId) = (_held[i][0], _held[i][1]);
        (IDeviceDenial.CaseStatus status, address to) = registry.caseOutcome(id, caseId);
        uint256 waiting = token.balanceOf(holds.accountOf(id, caseId));
        uint256 before = token.balanceOf(to);
        uint256 supply = token.totalSupply();
        bytes memory data = abi.encodeCall(holds.settle, (id, caseId, address(token)));
        (bool done, ) = _try(address(this), address(holds), data);
        _check(done == (status != IDeviceDenial.CaseStatus.Open), "settled before the outcome, or not after it");
        if (!done) return;
        bool upheld = status == IDeviceDenial.CaseStatus.Upheld;
        _check(token.balanceOf(to) - before == (upheld ? 0 : waiting), "the beneficiary is paid");
        _check(supply - token.totalSupply() == (upheld ? waiting : 0), "what an upheld case held is burned");
        if (upheld) burned += waiting;
        useful++;
    }

    function _isHold(address payee) internal view returns (bool) {
        for (uint256 i = 0; i < _held.length; ++i) {
            if (payee == holds.accountOf(_held[i][0], _held[i][1])) return true;
        }
        return false;
    }

    function _isActive(Book storage b, uint32 epoch) internal view returns (bool) {
        return epoch >= b.fromEpoch && (b.retiredFrom == 0 || epoch < b.retiredFrom) && !_isDenied(b, epoch);
    }

    function _isDenied(Book storage b, uint32 epoch) internal view returns (bool) {
        return epoch >= b.deniedFrom && epoch < b.deniedUntil;
    }

    function _book(uint256 which) internal view returns (Book storage) {
        return _books[which % _books.length];
    }

    function _next() internal view returns (uint32) {
        return registry.currentEpoch() + 1;
    }

    function _newKey() internal returns (uint256) {
        return uint256(keccak256(abi.encode(++_keySeed))) >> 8;
    }

    function _bind(uint256 key, uint64 id) internal {
        bytes32 keyHash = _hash(key);
        _hold(KEYS, boundTo[keyHash] == 0, "a key was bound twice");
        boundTo[keyHash] = id;
        keys.push(key);
    }

    function _key(uint256 key) internal returns (DeviceKey memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return DeviceKey(1, bytes32(x), bytes32(y));
    }

    function _hash(uint256 key) internal returns (bytes32) {
        DeviceKey memory k = _key(key);
        return keccak256(abi.encodePacked(k.keyType, k.x, k.y));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (DeviceSignature memory) {
        (bytes32 r, bytes32 s) = vm.signP256(key, digest);
        uint256 n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
        return DeviceSignature(r, uint256(s) > n / 2 ? bytes32(n - uint256(s)) : s);
    }

    function _onboarding(uint256 key, uint64 id, address owner) internal returns (Onboarding memory o) {
        (o.owner, o.nonce, o.deadline, o.key) = (owner, id, uint64(block.timestamp), _key(key));
        o.signature = _sign(key, registry.onboardingDigest(owner, 0, 0, id, o.deadline));
    }

    function _keyChange(Book storage b, uint256 key, uint8 purpose) internal returns (KeyChange memory c) {
        (c.deviceId, c.oldKeyHash, c.deadline, c.key) = (b.id, _hash(b.liveKey), uint64(block.timestamp), _key(key));
        c.signature = _sign(key, _lifeDigest(purpose, b.id, b.owner, c.deadline));
    }

    function _consent(Book storage b, KeyChange memory c) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256(
            "KeyChange(uint64 deviceId,bytes32 oldKeyHash,bytes32 newKeyHash,address owner,uint64 deadline)"
        );
        bytes32 keyHash = keccak256(abi.encodePacked(c.key.keyType, c.key.x, c.key.y));
        return _signTyped(MAKER_KEY, keccak256(abi.encode(typeHash, b.id, c.oldKeyHash, keyHash, b.owner, c.deadline)));
    }

    function _signTyped(uint256 key, bytes32 structHash) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        (bytes32 name, bytes32 version) = (keccak256("Groundwork devices"), keccak256("1"));
        bytes32 domain = keccak256(abi.encode(typeHash, name, version, block.chainid, address(registry)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function _keyOf(address person) internal pure returns (uint256 key) {
        key = PERSON_KEYS;
        while (vm.addr(key) != person) ++key;
    }

    function _lifeDigest(uint8 purpose, uint64 id, address account, uint64 deadline) internal view returns (bytes32) {
        return
            sha256(
                abi.encodePacked(
                    hex"47574c3101",
                    uint64(block.chainid),
                    address(registry),
                    purpose,
                    id,
                    account,
                    registry.versionOf(id),
                    deadline
                )
            );
    }
}
