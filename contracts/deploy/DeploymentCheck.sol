// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoneForwarder} from "@chainlink/contracts/src/v0.8/keystone/KeystoneForwarder.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Epochs} from "../access/Epochs.sol";
import {IGuarded} from "../interfaces/IGuarded.sol";
import {Roles} from "../access/Roles.sol";
import {Disputes} from "../disputes/Disputes.sol";
import {Slasher} from "../disputes/Slasher.sol";
import {DeviceRegistry} from "../devices/DeviceRegistry.sol";
import {EmissionController} from "../emissions/EmissionController.sol";
import {BootstrapCouncil} from "../governance/BootstrapCouncil.sol";
import {NetworkGovernor} from "../governance/NetworkGovernor.sol";
import {NetworkTimelock} from "../governance/NetworkTimelock.sol";
import {ICommitteeRegistry} from "../interfaces/ICommitteeRegistry.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IPriceGuard} from "../interfaces/IPriceGuard.sol";
import {CommitteeRegistry} from "../settlement/CommitteeRegistry.sol";
import {RewardDistributor} from "../settlement/RewardDistributor.sol";
import {SettlementOracle} from "../settlement/SettlementOracle.sol";
import {OperatorStaking} from "../staking/OperatorStaking.sol";
import {VoteEscrow} from "../staking/VoteEscrow.sol";
import {DataCredits} from "../token/DataCredits.sol";
import {NetworkPriceFeed} from "../token/NetworkPriceFeed.sol";
import {NetworkToken} from "../token/NetworkToken.sol";
import {PriceGuard} from "../token/PriceGuard.sol";
import {ForwarderHandover} from "./ForwarderHandover.sol";

/// @notice Everything that was deployed.
struct DeployedContracts {
    AccessManager manager;
    NetworkTimelock timelock;
    NetworkGovernor governor;
    BootstrapCouncil council;
    NetworkToken token;
    VoteEscrow escrow;
    DataCredits credits;
    PriceGuard priceGuard;
    NetworkPriceFeed priceFeed;
    address makers;
    DeviceRegistry devices;
    OperatorStaking staking;
    address holds;
    address metadata;
    address splitters;
    address curve;
    EmissionController emissions;
    SettlementOracle settlement;
    RewardDistributor distributor;
    CommitteeRegistry committee;
    KeystoneForwarder forwarder;
    ForwarderHandover handover;
    Disputes disputes;
    Slasher slasher;
    address doubleSignedCounter;
    address counterRunBack;
    address meterRunBack;
    address equivocation;
    address impossibleTravel;
}

/// @notice Functions of a contract that a role may call.
struct RoleRow {
    address target;
    uint64 role;
    bytes4[] selectors;
}

/// @notice What must be true of it.
/// @param deployer must hold nothing
/// @param guardian account of the guardian
/// @param council account of the bootstrap council
/// @param forwarderIsOurs whether the forwarder must belong to the timelock, now or by a scheduled operation
/// @param acceptOwnershipId that operation
/// @param setCommitteeId operation that lists the first committee, 0 = it is listed now
/// @param timelockDelay seconds
/// @param epochGenesis seconds
/// @param epochLength seconds
/// @param maxPause seconds
/// @param minUnbondingEpochs 1 epoch + settlement delay + window + answer period + appeal
/// @param disputeAge epochs for which a fault can be accused
/// @param committeeHash keccak256(abi.encode(donId, 1, f, signers))
/// @param workflowOwner in the metadata of reports of the price and of every sub-network
/// @param workflowName in the same
/// @param weights of the sub-networks, in bps
/// @param rows functions of the guardian and of the manager's admin
struct Expectations {
    address deployer;
    address guardian;
    address council;
    bool forwarderIsOurs;
    bytes32 acceptOwnershipId;
    bytes32 setCommitteeId;
    uint256 timelockDelay;
    uint64 epochGenesis;
    uint32 epochLength;
    uint32 maxPause;
    uint32 minUnbondingEpochs;
    uint32 disputeAge;
    bytes32 committeeHash;
    address workflowOwner;
    bytes10 workflowName;
    uint16[] weights;
    RoleRow[] rows;
}

/// @title The last step of a deployment: reads everything back, or reverts
/// @notice Its constructor is the check; the contract holds nothing and does nothing. What a contract cannot see (whether
/// some other account was ever given a role, what is scheduled in the timelock or from a coming epoch, and whom the forwarder names as its next owner) is recomputed from events
/// by `npx hardhat authority`.
contract DeploymentCheck {
    /// @notice An account holds a role that it must not have.
    error DeploymentStrayRole(address target, bytes32 role, address account);
    /// @notice An account lacks a role that it must have.
    error DeploymentMissingRole(address target, bytes32 role, address account);
    /// @notice A pointer does not point where it must.
    error DeploymentWrongPointer(bytes32 name, address target, address found, address expected);
    /// @notice A value is not what it must be.
    error DeploymentWrongValue(bytes32 name, address target, uint256 found, uint256 expected);

    /// @notice Second of the check.
    uint256 public immutable checkedAt = block.timestamp;

    constructor(DeployedContracts memory d, Expectations memory e) {
        _checkManager(d, e);
        _checkTimelock(d, e);
        _checkGovernance(d, e);
        _checkPointers(d, e);
        _checkDisputes(d, e);
        _checkForwarder(d, e);
        _checkClocks(d, e);
        _checkSettings(d, e);
    }

    // ------------------------------------------------------------------------------------------------ authority

    function _checkManager(DeployedContracts memory d, Expectations memory e) private view {
        _managerRole(d.manager, 0, address(d.timelock), true);
        _managerRole(d.manager, 0, e.deployer, false);
        _managerRole(d.manager, 0, e.guardian, false);
        _managerRole(d.manager, 0, e.council, false);
        _managerRole(d.manager, 0, address(d.council), false);
        _managerRole(d.manager, Roles.GUARDIAN, e.guardian, true);
        _managerRole(d.manager, Roles.GUARDIAN, address(d.timelock), true);
        _managerRole(d.manager, Roles.GUARDIAN, address(d.council), false);
        if (e.deployer != e.guardian) _managerRole(d.manager, Roles.GUARDIAN, e.deployer, false);
        if (e.council != e.guardian) _managerRole(d.manager, Roles.GUARDIAN, e.council, false);
        for (uint64 role = 0; role <= Roles.GUARDIAN; ++role) {
            _value("roleAdmin", address(d.manager), d.manager.getRoleAdmin(role), 0);
            _value("roleGuardian", address(d.manager), d.manager.getRoleGuardian(role), 0);
            _value("grantDelay", address(d.manager), d.manager.getRoleGrantDelay(role), 0);
        }

        for (uint256 i; i < e.rows.length; ++i) {
            RoleRow memory row = e.rows[i];
            for (uint256 j; j < row.selectors.length; ++j) {
                uint64 role = d.manager.getTargetFunctionRole(row.target, row.selectors[j]);
                _value(bytes32(row.selectors[j]), row.target, role, row.role);
            }
        }

        address[14] memory managed = [
            address(d.token),
            address(d.escrow),
            address(d.credits),
            address(d.priceGuard),
            address(d.priceFeed),
            d.makers,
            address(d.devices),
            address(d.staking),
            address(d.emissions),
            address(d.settlement),
            address(d.distributor),
            address(d.committee),
            address(d.disputes),
            address(d.slasher)
        ];
        for (uint256 i; i < managed.length; ++i) {
            _pointer("authority", managed[i], IAccessManaged(managed[i]).authority(), address(d.manager));
            _value("targetClosed", managed[i], d.manager.isTargetClosed(managed[i]) ? 1 : 0, 0);
            _value("targetAdminDelay", managed[i], d.manager.getTargetAdminDelay(managed[i]), 0);
        }
    }

    function _managerRole(AccessManager manager, uint64 role, address account, bool expected) private view {
        (bool found, uint32 delay) = manager.hasRole(role, account);
        if (found && !expected) revert DeploymentStrayRole(address(manager), bytes32(uint256(role)), account);
        if (!found && expected) revert DeploymentMissingRole(address(manager), bytes32(uint256(role)), account);
        if (expected) _value("executionDelay", account, delay, 0);
    }

    function _checkTimelock(DeployedContracts memory d, Expectations memory e) private view {
        NetworkTimelock t = d.timelock;
        bytes32[4] memory roles = [bytes32(0), t.PROPOSER_ROLE(), t.EXECUTOR_ROLE(), t.CANCELLER_ROLE()];
        address[7] memory accounts = [
            address(t),
            address(d.governor),
            address(d.council),
            address(0),
            e.deployer,
            e.guardian,
            e.council
        ];
        // Bit r of accounts[i]: whether it holds roles[r].
        uint8[7] memory expected = [1, 2 + 8, 2, 4, 0, 0, 0];
        for (uint256 i; i < accounts.length; ++i) {
            for (uint256 r; r < roles.length; ++r) {
                bool found = t.hasRole(roles[r], accounts[i]);
                bool wanted = (expected[i] >> r) & 1 == 1;
                if (found && !wanted) revert DeploymentStrayRole(address(t), roles[r], accounts[i]);
                if (!found && wanted) revert DeploymentMissingRole(address(t), roles[r], accounts[i]);
            }
        }
        _value("timelockDelay", address(t), t.getMinDelay(), e.timelockDelay);
        if (e.timelockDelay < t.minDelayFloor()) {
            revert DeploymentWrongValue("minDelayFloor", address(t), t.minDelayFloor(), e.timelockDelay);
        }
    }

    function _checkGovernance(DeployedContracts memory d, Expectations memory e) private view {
        _pointer("token", address(d.governor), address(d.governor.token()), address(d.escrow));
        _pointer("timelock", address(d.governor), d.governor.timelock(), address(d.timelock));
        _pointer("timelock", address(d.council), address(d.council.timelock()), address(d.timelock));
        _pointer("votes", address(d.council), address(d.council.votes()), address(d.escrow));
        _pointer("council", address(d.council), d.council.council(), e.council);
        _value("floor", address(d.council), d.council.floor(), d.governor.quorumFloor());
        uint256 minimum = (d.token.cap() + 99) / 100;
        if (d.governor.quorumFloor() < minimum) {
            revert DeploymentWrongValue("quorumFloor", address(d.governor), d.governor.quorumFloor(), minimum);
        }
    }

    // ------------------------------------------------------------------------------------------------- pointers

    function _checkPointers(DeployedContracts memory d, Expectations memory e) private view {
        _pointer("minter", address(d.token), d.token.minter(), address(d.emissions));
        _pointer("token", address(d.escrow), address(d.escrow.token()), address(d.token));
        _pointer("token", address(d.credits), address(d.credits.token()), address(d.token));
        _pointer("priceGuard", address(d.credits), d.credits.priceGuard(), address(d.priceGuard));
        _value("isSpender", address(d.devices), d.credits.isSpender(address(d.devices)) ? 1 : 0, 1);
        address[3] memory people = [e.deployer, e.guardian, e.council];
        for (uint256 i; i < people.length; ++i) {
            _value("isSpender", people[i], d.credits.isSpender(people[i]) ? 1 : 0, 0);
            _value("isForwarder", people[i], d.forwarder.isForwarder(people[i]) ? 1 : 0, 0);
        }
        (IPriceGuard.Source memory primary, IPriceGuard.Source memory secondary) = d.priceGuard.sources();
        _pointer("primary", address(d.priceGuard), primary.feed, address(d.priceFeed));
        _pointer("secondary", address(d.priceGuard), secondary.feed, address(0));
        _pointer("makers", address(d.devices), d.devices.makers(), d.makers);
        _pointer("credits", address(d.devices), d.devices.credits(), address(d.credits));
        _pointer("staking", address(d.devices), d.devices.staking(), address(d.staking));
        _pointer("token", address(d.staking), d.staking.token(), address(d.token));
        _pointer("devices", address(d.staking), d.staking.devices(), address(d.devices));
        _pointer("makers", address(d.staking), d.staking.makers(), d.makers);
        _pointer("token", address(d.emissions), address(d.emissions.token()), address(d.token));
        _pointer("curve", address(d.emissions), d.emissions.curveNow(), d.curve);
        _pointer("distributor", address(d.emissions), d.emissions.distributor(), address(d.distributor));
        _pointer("settlement", address(d.emissions), d.emissions.settlementNow(), address(d.settlement));
        _pointer("treasury", address(d.emissions), d.emissions.receiverOf("treasury"), address(d.timelock));
        _pointer("stakers", address(d.emissions), d.emissions.receiverOf("stakers"), address(d.staking));
        _pointer("emissions", address(d.staking), d.staking.emissions(), address(d.emissions));
        _pointer("holds", address(d.devices), d.devices.holds(), d.holds);
        _pointer("metadata", address(d.devices), d.devices.metadata(), d.metadata);
        // In the first term and in the last: nothing is scheduled.
        _pointer("distributor", address(d.settlement), d.settlement.distributorOf(0), address(d.distributor));
        address last = d.settlement.distributorOf(type(uint32).max);
        _pointer("distributor", address(d.settlement), last, address(d.distributor));
        _pointer("oracle", address(d.distributor), d.distributor.oracle(), address(d.settlement));
        _pointer("emissions", address(d.distributor), address(d.distributor.emissions()), address(d.emissions));
        _pointer("token", address(d.distributor), address(d.distributor.token()), address(d.token));
        _pointer("token", address(d.committee), address(d.committee.token()), address(d.token));
    }

    function _checkDisputes(DeployedContracts memory d, Expectations memory e) private view {
        _pointer("disputes", address(d.devices), d.devices.disputes(), address(d.disputes));
        _pointer("slasher", address(d.staking), d.staking.slasher(), address(d.slasher));
        _pointer("slasher", address(d.committee), d.committee.slasher(), address(d.slasher));
        _pointer("disputes", address(d.slasher), d.slasher.disputes(), address(d.disputes));
        _pointer("staking", address(d.slasher), d.slasher.staking(), address(d.staking));
        _pointer("committee", address(d.slasher), d.slasher.committee(), address(d.committee));
        _pointer("token", address(d.disputes), address(d.disputes.token()), address(d.token));
        _pointer("votes", address(d.disputes), d.disputes.votes(), address(d.escrow));
        address[2] memory targets = [address(d.devices), address(d.slasher)];
        for (uint16 kind = 1; kind <= 2; ++kind) {
            IDisputes.Kind memory terms = d.disputes.kindOf(kind);
            _pointer("target", address(d.disputes), terms.target, targets[kind - 1]);
            _value("maxAge", address(d.disputes), terms.maxAge, e.disputeAge);
        }
        address[4] memory evidence = [d.doubleSignedCounter, d.counterRunBack, d.meterRunBack, d.equivocation];
        for (uint16 kind = 1; kind <= 4; ++kind) {
            _pointer("evidence", address(d.slasher), d.slasher.evidenceOf(kind), evidence[kind - 1]);
        }
    }

    function _checkForwarder(DeployedContracts memory d, Expectations memory e) private view {
        uint216 reporter = uint216(uint256(keccak256(abi.encode(d.forwarder, e.workflowOwner, e.workflowName))));
        _value("reporter", address(d.priceFeed), d.priceFeed.reporterOf(0), reporter);
        for (uint16 i = 1; i <= e.weights.length; ++i) {
            _value("reporter", address(d.settlement), d.settlement.reporterOf(i), reporter);
        }
        if (e.forwarderIsOurs && d.forwarder.owner() != address(d.timelock)) {
            // The forwarder does not tell whom it was offered to. Its owner of the moment can offer it to the timelock only.
            _pointer("owner", address(d.forwarder), d.forwarder.owner(), address(d.handover));
            _pointer("timelock", address(d.handover), d.handover.timelock(), address(d.timelock));
            _value("acceptOwnership", address(d.timelock), d.timelock.isOperation(e.acceptOwnershipId) ? 1 : 0, 1);
        }

        ICommitteeRegistry.Config memory config = d.committee.config();
        if (e.setCommitteeId == 0) {
            _value("committeeHash", address(d.committee), uint256(config.hash), uint256(e.committeeHash));
        } else {
            _value("setCommittee", address(d.timelock), d.timelock.isOperation(e.setCommitteeId) ? 1 : 0, 1);
        }
    }

    // --------------------------------------------------------------------------------------------------- values

    function _checkClocks(DeployedContracts memory d, Expectations memory e) private view {
        address[10] memory clocks = [
            address(d.escrow),
            address(d.credits),
            address(d.priceFeed),
            d.makers,
            address(d.devices),
            address(d.staking),
            address(d.emissions),
            address(d.settlement),
            address(d.disputes),
            address(d.slasher)
        ];
        for (uint256 i; i < clocks.length; ++i) {
            _value("epochGenesis", clocks[i], Epochs(clocks[i]).epochGenesis(), e.epochGenesis);
            _value("epochLength", clocks[i], Epochs(clocks[i]).epochLength(), e.epochLength);
        }
        address[7] memory guarded = [
            address(d.escrow),
            address(d.credits),
            d.makers,
            address(d.devices),
            address(d.staking),
            address(d.settlement),
            address(d.disputes)
        ];
        for (uint256 i; i < guarded.length; ++i) {
            _value("maxPause", guarded[i], IGuarded(guarded[i]).maxPause(), e.maxPause);
        }
    }

    function _checkSettings(DeployedContracts memory d, Expectations memory e) private view {
        _value("minUnbondingEpochs", address(d.staking), d.staking.minUnbondingEpochs(), e.minUnbondingEpochs);
        if (d.staking.unbondingEpochs() < e.minUnbondingEpochs) {
            revert DeploymentWrongValue(
                "unbondingEpochs",
                address(d.staking),
                d.staking.unbondingEpochs(),
                e.minUnbondingEpochs
            );
        }

        uint256 challengeable = uint256(d.settlement.resettlePeriod()) + d.settlement.maxWindow();
        if (uint256(d.devices.challengeEpochs()) * e.epochLength < challengeable) {
            revert DeploymentWrongValue(
                "challengeEpochs",
                address(d.devices),
                d.devices.challengeEpochs(),
                (challengeable + e.epochLength - 1) / e.epochLength
            );
        }

        uint16[] memory weights = d.emissions.weightsNext();
        _value("subNetworks", address(d.emissions), weights.length, e.weights.length);
        for (uint256 i; i < weights.length; ++i) {
            _value("weight", address(d.emissions), weights[i], e.weights[i]);
        }
    }

    function _pointer(bytes32 name, address target, address found, address expected) private pure {
        if (found != expected) revert DeploymentWrongPointer(name, target, found, expected);
    }

    function _value(bytes32 name, address target, uint256 found, uint256 expected) private pure {
        if (found != expected) revert DeploymentWrongValue(name, target, found, expected);
    }
}
