// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title (stake, required) of an operator by epoch, as far back as can be challenged
/// @dev The latest pair is one slot. When an epoch has passed, a change moves the old pair into a ring: in the long run no
/// slot is new, and there is no length beside it.
library BondHistory {
    /// @dev One slot.
    struct Bond {
        uint96 stake;
        uint96 required;
        uint32 fromEpoch; // 0 = none
        uint32 index; // of this pair, counted from 0
    }

    struct History {
        Bond latest;
        mapping(uint256 place => Bond) ring;
    }

    /// @notice Records a pair that counts from `fromEpoch`, never earlier than the last one.
    /// @param size of the ring, always the same: so many changes before the latest can be read
    function push(History storage self, uint96 stake, uint96 required, uint32 fromEpoch, uint256 size) internal {
        Bond memory last = self.latest;
        if (last.fromEpoch != fromEpoch && last.fromEpoch != 0) {
            self.ring[last.index % size] = last;
            ++last.index;
        }
        self.latest = Bond(stake, required, fromEpoch, last.index);
    }

    /// @notice The pair that counted in `epoch`; zeros where there was none or it is forgotten.
    function at(History storage self, uint32 epoch, uint256 size) internal view returns (Bond memory bond) {
        bond = self.latest;
        if (bond.fromEpoch <= epoch) return bond;

        uint256 high = bond.index;
        uint256 low = high > size ? high - size : 0;
        bond = Bond(0, 0, 0, 0);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            Bond memory probe = self.ring[middle % size];
            if (probe.fromEpoch <= epoch) (bond, low) = (probe, middle + 1);
            else high = middle;
        }
    }
}
