import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { AbiCoder, type BaseContract, Contract, dataSlice, type FunctionFragment, type ParamType } from "ethers";
import { ethers } from "hardhat";
import { type Access, ROLES, selectorsOf } from "../../deploy/access";
import { CONTRACTS, type ContractName } from "../../scripts/lib/deployment";
import { deployedFixture, redeployCheck } from "../helpers/deployed";
import { asAccount, FLOOR, governanceFixture, MIN_DURATION, THRESHOLD, tick } from "../helpers/governance";

describe("attacks: governance", () => {
  /** The deployed network, with lock 1 and operator 1 of `owner`. */
  async function withPositions() {
    const network = await deployedFixture();
    const { token, escrow, staking, others } = network;
    const owner = others[0]!; // has tokens from the genesis list
    await token.connect(owner).approve(escrow, 10n ** 18n);
    await escrow.connect(owner).lock(10n ** 18n, await escrow.maxDuration()); // lock 1
    await staking.connect(owner).createOperator(); // operator 1
    return { ...network, owner, stranger: others[18]! };
  }

  describe("votes", () => {
    async function withAttacker() {
      const f = await governanceFixture();
      const attacker = await ethers.deployContract("FlashVoter__MockForGovernor", [
        f.token,
        f.escrow,
        f.governor,
        MIN_DURATION,
      ]);
      await f.lockFor(f.alice, FLOOR);
      await tick();
      return { ...f, attacker };
    }
    const HUGE = 10n ** 30n;

    it("[A-G1] a loan that is locked cannot be given back in its transaction", async () => {
      const { attacker, escrow, token, governor, alice, proposeValue } = await loadFixture(withAttacker);
      const { id } = await proposeValue(alice, 66n);
      const supply = await token.totalSupply();
      const end = (await time.latest()) + 1;
      await time.setNextBlockTimestamp(end);
      await expect(attacker.attack(HUGE, id))
        .to.be.revertedWithCustomError(escrow, "VoteEscrowStillLocked")
        .withArgs(2, end + MIN_DURATION);
      expect(await governor.proposalVotes(id)).to.deep.equal([0n, 0n, 0n]);
      expect(await token.totalSupply()).to.equal(supply);
    });

    it("[A-G1] tokens locked for the second of the snapshot alone count nothing", async () => {
      const { attacker, token, governor, alice, target } = await loadFixture(withAttacker);
      const action: [string[], bigint[], string[]] = [
        [await target.getAddress()],
        [0n],
        [target.interface.encodeFunctionData("setValue", [66])],
      ];
      await governor.connect(alice).propose(...action, "flash");
      const id = await governor.hashProposal(...action, ethers.id("flash"));
      await token.mint(attacker, HUGE);
      await time.setNextBlockTimestamp(await governor.proposalSnapshot(id));
      await attacker.lockAndCoolDown(HUGE);
      await tick();
      await attacker.castVote(id);
      expect(await governor.proposalVotes(id)).to.deep.equal([0n, 0n, 0n]);
      expect(await governor.hasVoted(id, attacker)).to.equal(true);
    });

    it("[A-G1] what was locked in this transaction neither proposes nor votes", async () => {
      const { attacker, token, governor, alice, target, proposeValue } = await loadFixture(withAttacker);
      await token.mint(attacker, HUGE);
      await expect(attacker.lockAndPropose(HUGE / 2n, [target], [0], ["0x"]))
        .to.be.revertedWithCustomError(governor, "GovernorInsufficientProposerVotes")
        .withArgs(attacker, 0, THRESHOLD);
      const { id } = await proposeValue(alice, 66n);
      await attacker.lockAndCoolDown(HUGE / 2n);
      await attacker.castVote(id);
      expect(await governor.proposalVotes(id)).to.deep.equal([0n, 0n, 0n]);
    });
  });

  describe("timelock", () => {
    it("[A-G4] a vote cannot shorten the delay below its floor", async () => {
      const { timelock } = await loadFixture(withPositions);
      const floor = await timelock.minDelayFloor();
      const itself = await asAccount(await timelock.getAddress());
      await expect(timelock.connect(itself).updateDelay(floor - 1n))
        .to.be.revertedWithCustomError(timelock, "TimelockDelayBelowFloor")
        .withArgs(floor - 1n, floor);
    });

    it("[A-G4] a deployment whose deployer keeps a role does not pass its check", async () => {
      const network = await loadFixture(withPositions);
      const { manager, timelock, check, deployer } = network;
      await redeployCheck(network); // passes as it stands
      const admin = await asAccount(await timelock.getAddress());
      await manager.connect(admin).grantRole(0, deployer, 0);
      await expect(redeployCheck(network))
        .to.be.revertedWithCustomError(check, "DeploymentStrayRole")
        .withArgs(manager, ethers.ZeroHash, deployer.address);
    });

    type Deployed = Awaited<ReturnType<typeof withPositions>>;
    type Admin = Awaited<ReturnType<typeof asAccount>>;
    const ROLE = 7n;
    const STRAY: [string, string, (n: Deployed, admin: Admin) => Promise<unknown>][] = [
      [
        "a function of the timelock's to another role",
        "DeploymentWrongValue",
        ({ manager, token }, admin) =>
          manager
            .connect(admin)
            .setTargetFunctionRole(token, [token.interface.getFunction("setMinter").selector], ROLE),
      ],
      [
        "the guardian's role to another admin",
        "DeploymentWrongValue",
        ({ manager }, admin) => manager.connect(admin).setRoleAdmin(1, ROLE),
      ],
      [
        "an authority of a target that nobody can change at once",
        "DeploymentWrongValue",
        async ({ manager, token }, admin) => {
          await manager.connect(admin).setTargetAdminDelay(token, 86_400);
          await time.increase(6 * 86_400);
        },
      ],
      [
        "a closed target",
        "DeploymentWrongValue",
        ({ manager, token }, admin) => manager.connect(admin).setTargetClosed(token, true),
      ],
      [
        "the guardian's role to the council's account",
        "DeploymentStrayRole",
        ({ manager, parameters }, admin) => manager.connect(admin).grantRole(1, parameters.council, 0),
      ],
      [
        "the timelock to the council's account without its council",
        "DeploymentStrayRole",
        async ({ timelock, parameters }, admin) =>
          timelock.connect(admin).grantRole(await timelock.PROPOSER_ROLE(), parameters.council),
      ],
      [
        "everybody's credits to the deployer",
        "DeploymentWrongValue",
        ({ credits, deployer }, admin) => credits.connect(admin).setSpender(deployer, true),
      ],
      [
        "the stakers' bucket to the deployer",
        "DeploymentWrongPointer",
        ({ emissions, deployer }, admin) =>
          emissions.connect(admin).setReceiver(ethers.encodeBytes32String("stakers"), deployer),
      ],
      [
        "the settlements of the next term to another distributor",
        "DeploymentWrongPointer",
        ({ settlement, deployer }, admin) => settlement.connect(admin).setDistributor(deployer),
      ],
      [
        "unsigned reports to the deployer",
        "DeploymentWrongValue",
        async ({ forwarder, handover, deployer }) =>
          forwarder.connect(await asAccount(await handover.getAddress())).addForwarder(deployer),
      ],
    ];
    for (const [what, error, give] of STRAY) {
      it(`[A-G4] a deployment that leaves ${what} does not pass its check`, async () => {
        const network = await loadFixture(withPositions);
        await give(network, await asAccount(await network.timelock.getAddress()));
        await expect(redeployCheck(network)).to.be.revertedWithCustomError(network.check, error);
      });
    }

    it("[A-G4] deployer and guardian can schedule, cancel and grant nothing, and hurry nothing", async () => {
      const { manager, timelock, emissions, token, deployer, parameters } = await loadFixture(withPositions);
      const guardian = await asAccount(parameters.guardian);
      const data = token.interface.encodeFunctionData("setMinter", [guardian.address]);
      const call = [await token.getAddress(), 0, data, ethers.ZeroHash, ethers.ZeroHash] as const;
      const delay = await timelock.getMinDelay();
      for (const account of [deployer, guardian]) {
        const t = timelock.connect(account);
        const id = await timelock.hashOperation(...call);
        const proposer = await timelock.PROPOSER_ROLE();
        for (const [attempt, role] of [
          [() => t.schedule(...call, delay), proposer],
          [() => t.cancel(id), await timelock.CANCELLER_ROLE()],
          [() => t.grantRole(proposer, account), ethers.ZeroHash],
        ] as const) {
          await expect(attempt())
            .to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount")
            .withArgs(account.address, role);
        }
        await expect(t.execute(...call)).to.be.revertedWithCustomError(timelock, "TimelockUnexpectedOperationState");
        await expect(manager.connect(account).grantRole(0, account, 0))
          .to.be.revertedWithCustomError(manager, "AccessManagerUnauthorizedAccount")
          .withArgs(account.address, 0);
        await expect(emissions.connect(account).setBuckets({ devicesBps: 0, stakersBps: 0, treasuryBps: 10_000 }))
          .to.be.revertedWithCustomError(emissions, "AccessManagedUnauthorized")
          .withArgs(account.address);
      }
      const [timelockIsAdmin] = await manager.hasRole(0, timelock);
      const [deployerIsAdmin] = await manager.hasRole(0, deployer);
      const [guardianIsAdmin] = await manager.hasRole(0, guardian);
      expect([timelockIsAdmin, deployerIsAdmin, guardianIsAdmin]).to.deep.equal([true, false, false]);
    });

    it("[A-G4] what the council left in the timelock dies with it", async () => {
      const { bootstrap, timelock, council, alice, lockFor } = await loadFixture(governanceFixture);
      const role = await timelock.PROPOSER_ROLE();
      const batch: [string[], bigint[], string[]] = [
        [await timelock.getAddress()],
        [0n],
        [timelock.interface.encodeFunctionData("grantRole", [role, council.address])],
      ];
      await bootstrap.connect(council).schedule(...batch, ethers.ZeroHash, ethers.ZeroHash);
      const { t, v, p } = await bootstrap.guardedBatch(...batch);
      await lockFor(alice, FLOOR);
      await time.increase(await timelock.getMinDelay());
      await expect(
        timelock.connect(council).executeBatch([...t], [...v], [...p], ethers.ZeroHash, ethers.ZeroHash),
      ).to.be.revertedWithCustomError(bootstrap, "CouncilHasEnded");
      expect(await timelock.hasRole(role, council)).to.equal(false);
    });
  });

  describe("access", () => {
    type Network = Awaited<ReturnType<typeof withPositions>>;

    const mutators = (contract: BaseContract): FunctionFragment[] =>
      contract.interface.fragments.filter(
        (f): f is FunctionFragment =>
          f.type === "function" && !["view", "pure"].includes((f as FunctionFragment).stateMutability),
      );

    it("[A-G7] every external mutator of every deployed contract has a row, and no row is left over", async () => {
      const network = await loadFixture(withPositions);
      for (const [name, handle] of Object.entries(CONTRACTS)) {
        const found = mutators(network[handle]).map((f) => f.format("sighash"));
        expect(Object.keys(ROLES[name] ?? {}), name).to.have.members(found);
      }
      expect(Object.keys(CONTRACTS)).to.include.members(Object.keys(ROLES));
    });

    it("[A-G7] the manager gives each function to the role of its row, to no other", async () => {
      const network = await loadFixture(withPositions);
      for (const [name, rows] of Object.entries(ROLES)) {
        const contract = network[CONTRACTS[name as ContractName]];
        for (const signature of Object.keys(rows)) {
          const { selector } = contract.getFunction(signature).fragment;
          const expected = selectorsOf(name, "GUARDIAN").includes(selector) ? 1n : 0n;
          expect(await network.manager.getTargetFunctionRole(contract, selector), `${name}.${signature}`).to.equal(
            expected,
          );
        }
      }
    });

    for (const [name, rows] of Object.entries(ROLES)) {
      it(`[A-G7] ${name} refuses a stranger wherever its rows say so`, async () => {
        const network = await loadFixture(withPositions);
        for (const [signature, access] of Object.entries(rows)) {
          const error = await errorOf(network, name as ContractName, signature);
          if (access === "ANYONE") expect(ACCESS_ERRORS, `${name}.${signature}`).not.to.include(error);
          else expect(error, `${name}.${signature}`).to.equal(errorFor(access));
        }
      });
    }

    const ACCESS_ERRORS = [
      "AccessManagedUnauthorized",
      "AccessManagerUnauthorizedAccount",
      "AccessControlUnauthorizedAccount",
      "TimelockUnauthorizedCaller",
      "GovernorOnlyExecutor",
    ];

    const errorFor = (access: Access): string =>
      typeof access === "object" ? access.error : "AccessManagedUnauthorized";

    /** A value of the type: 1 for integers, so that ids name the positions of `withPositions`. */
    function valueOf(type: ParamType, address: string): unknown {
      if (type.baseType === "array") return [];
      if (type.baseType === "tuple") return (type.components ?? []).map((c) => valueOf(c, address));
      if (type.type === "address") return address;
      if (type.type === "bool") return false;
      if (type.type === "string") return "";
      if (type.type === "bytes") return "0x00000000";
      if (type.type.startsWith("bytes")) return `0x${"00".repeat(Number(type.type.slice(5)))}`;
      return 1;
    }

    /** Name of the error that the stranger gets, "no data", or undefined if the call goes through. */
    async function errorOf(network: Network, name: ContractName, signature: string): Promise<string | undefined> {
      const { stranger, owner } = network;
      const contract = network[CONTRACTS[name]] as unknown as Contract;
      const fragment = contract.getFunction(signature).fragment;
      const args = fragment.inputs.map((input) => valueOf(input, owner.address));
      if (fragment.name === "onReport") args.splice(0, 2, `0x${"00".repeat(62)}`, report(name));
      const data = contract.interface.encodeFunctionData(fragment, args);
      try {
        await ethers.provider.call({ from: stranger.address, to: await contract.getAddress(), data });
        return undefined;
      } catch (error) {
        const raw = (error as { data?: string }).data ?? "0x";
        if (raw === "0x") return "no data";
        const known = [contract, network.devices as unknown as Contract].map((c) => c.interface.parseError(raw)?.name);
        return known.find((n) => n !== undefined) ?? dataSlice(raw, 0, 4);
      }
    }

    /** A report that decodes. */
    function report(name: ContractName): string {
      const settlement = `(uint16,uint64,address,uint16,uint32,uint32,uint16,uint208,uint64,bytes32,bytes32,bytes32)`;
      const price = `(uint16,uint64,address,uint32,uint64,uint64,uint64[])`;
      const type = ParamTypeOf(name === "SettlementOracle" ? settlement : price);
      return AbiCoder.defaultAbiCoder().encode([type], [valueOf(type, ethers.ZeroAddress)]);
    }
    const ParamTypeOf = (type: string): ParamType => ethers.ParamType.from(`tuple${type}`);
  });
});
