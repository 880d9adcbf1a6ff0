// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice One measurement that a device signed. `kind` is the sub-network it is meant for, `time` seconds, positions
/// 10⁻⁷ degrees, `meter` the running total of units.
struct DeviceMessage {
    uint64 chainId;
    address registry;
    uint64 deviceId;
    uint16 kind;
    uint32 epoch;
    uint64 counter;
    uint64 time;
    int32 latE7;
    int32 lonE7;
    uint64 meter;
    bytes32 payloadHash;
}

/// @title The device message, byte for byte
/// @notice 111 bytes, big endian (docs/accounting.md §3): "GWM1" ‖ schema(1)=1 ‖ chainId(8) ‖ registry(20) ‖ deviceId(8) ‖
/// kind(2) ‖ epoch(4) ‖ counter(8) ‖ time(8) ‖ latE7(4) ‖ lonE7(4) ‖ meter(8) ‖ payloadHash(32). Every one of the 111
/// bytes is checked or is part of a field: two messages with the same fields are the same bytes.
library DeviceMessages {
    /// @notice The message has another length, tag or schema.
    error DeviceMessageMalformed(uint256 length, bytes5 head);

    /// @notice Length of a message.
    uint256 internal constant SIZE = 111;
    /// @dev "GWM1" ‖ 1.
    bytes5 private constant HEAD = 0x47574d3101;

    /// @notice Fields of a message. Reverts unless it has the length, the tag and the schema.
    function parse(bytes calldata message) internal pure returns (DeviceMessage memory m) {
        if (message.length != SIZE || bytes5(message[:5]) != HEAD) {
            revert DeviceMessageMalformed(message.length, message.length < 5 ? bytes5(0) : bytes5(message[:5]));
        }
        m.chainId = uint64(bytes8(message[5:13]));
        m.registry = address(bytes20(message[13:33]));
        m.deviceId = uint64(bytes8(message[33:41]));
        m.kind = uint16(bytes2(message[41:43]));
        m.epoch = uint32(bytes4(message[43:47]));
        m.counter = uint64(bytes8(message[47:55]));
        m.time = uint64(bytes8(message[55:63]));
        m.latE7 = int32(uint32(bytes4(message[63:67])));
        m.lonE7 = int32(uint32(bytes4(message[67:71])));
        m.meter = uint64(bytes8(message[71:79]));
        m.payloadHash = bytes32(message[79:111]);
    }

    /// @notice Bytes of a message.
    function encode(DeviceMessage memory m) internal pure returns (bytes memory) {
        return
            bytes.concat(
                abi.encodePacked(HEAD, m.chainId, m.registry, m.deviceId, m.kind, m.epoch),
                abi.encodePacked(m.counter, m.time, m.latE7, m.lonE7, m.meter, m.payloadHash)
            );
    }

    /// @notice sha256: what the device signs, and the name of the proof.
    function digest(bytes calldata message) internal pure returns (bytes32) {
        return sha256(message);
    }
}
