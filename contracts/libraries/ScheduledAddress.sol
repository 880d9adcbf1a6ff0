// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A pointer to a policy that changes from a coming epoch
/// @dev One slot to read while no change is scheduled or in force, two otherwise.
library ScheduledAddress {
    struct Pointer {
        address current;
        uint32 nextFromEpoch; // 0 = nothing scheduled
        address next;
    }

    /// @notice The pointer in force in `epoch`, which must not be before the last `schedule`.
    function at(Pointer storage self, uint32 epoch) internal view returns (address) {
        uint32 from = self.nextFromEpoch;
        return from != 0 && epoch >= from ? self.next : self.current;
    }

    /// @notice Sets `value` from the epoch after `epoch`; at once if nothing was ever set. Returns the epoch from which it
    /// counts.
    function schedule(Pointer storage self, address value, uint32 epoch) internal returns (uint32 fromEpoch) {
        address inForce = at(self, epoch);
        if (inForce == address(0)) {
            self.current = value;
            return epoch;
        }
        fromEpoch = epoch + 1;
        self.current = inForce;
        self.nextFromEpoch = fromEpoch;
        self.next = value;
    }
}
