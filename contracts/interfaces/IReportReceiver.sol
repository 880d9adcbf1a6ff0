// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Who may report: a forwarder that checks signatures, and the workflow whose reports are meant.
/// @param forwarder the KeystoneForwarder (ours, or Chainlink's)
/// @param workflowOwner bytes 87..107 of the raw report
/// @param workflowName bytes 77..87 of the raw report (first 10 hex characters of sha256(name), as ASCII)
struct ReportIdentity {
    address forwarder;
    address workflowOwner;
    bytes10 workflowName;
}

/// @title A receiver of committee reports
/// @notice The forwarder's signatures cover neither chain nor receiver: every payload must. The identity is an epoch
/// parameter: a new one counts from the next epoch (the first one at once).
interface IReportReceiver {
    /// @notice From `fromEpoch` on only this identity may report on `channel` (a sub-network, or 0 for a price).
    event ReporterScheduled(
        uint16 indexed channel,
        address indexed forwarder,
        address workflowOwner,
        bytes10 workflowName,
        uint32 fromEpoch
    );

    /// @notice The caller, workflow owner or workflow name is not the one that may report on this channel.
    error ReporterUnknown(uint16 channel, address forwarder, address workflowOwner, bytes10 workflowName);
    /// @notice The metadata are shorter than the 62 bytes needed.
    error ReportMetadataTooShort(uint256 length);
    /// @notice The forwarder is zero.
    error ReporterZeroForwarder();

    /// @notice Hash of the identity in force: keccak256(abi.encode(forwarder, workflowOwner, workflowName)) cut to 216
    /// bits.
    function reporterOf(uint16 channel) external view returns (uint216 identityHash);

    /// @notice Schedules who may report on `channel`. Restricted: timelock.
    function setReporter(uint16 channel, ReportIdentity calldata identity) external;
}
