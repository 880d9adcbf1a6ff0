import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { cellToChildren, cellToLatLng, getRes0Cells, latLngToCell } from "h3-js";
import { ethers } from "hardhat";
import { batchTree, devicesFixture, makeDevice, nextEpoch, signOnboarding, SUB } from "../../helpers/devices";

/** Zürich, resolution 7. */
const CELL = BigInt(`0x${latLngToCell(47.37, 8.54, 7)}`);

interface Trait {
  trait_type: string;
  value: string | number;
  display_type?: string;
}

interface Metadata {
  name: string;
  description: string;
  attributes: Trait[];
  image: string;
}

function payload(uri: string, type: string): string {
  const prefix = `data:${type};base64,`;
  expect(uri.startsWith(prefix)).to.be.true;
  return Buffer.from(uri.slice(prefix.length), "base64").toString("utf8");
}

function parsed(uri: string): Metadata & { traits: Record<string, string | number> } {
  const json = JSON.parse(payload(uri, "application/json")) as Metadata;
  return { ...json, traits: Object.fromEntries(json.attributes.map((a) => [a.trait_type, a.value])) };
}

/** Elements of an XML text in order of their end; throws where it is not well-formed. */
function elements(xml: string): string[] {
  const open: string[] = [];
  const closed: string[] = [];
  const token = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  for (let at = 0; at < xml.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(xml);
    if (match === null) throw new Error(`no XML at ${at}: ${xml.slice(at, at + 40)}`);
    const [, end, name, attributes, alone, text] = match;
    for (const part of [attributes, text]) {
      if (/&(?!(amp|lt|gt|quot|#39);)/.test(part ?? "")) throw new Error(`a bare & at ${at}`);
      // eslint-disable-next-line no-control-regex
      if (/[\x00-\x1f\x7f\ufffe\uffff\ufffd]/.test(part ?? "")) throw new Error(`a character that is none at ${at}`);
    }
    if (name === undefined) continue;
    if (end === "/") {
      if (open.pop() !== name) throw new Error(`</${name}> at ${at} closes nothing`);
      closed.push(name);
    } else if (alone === "/") closed.push(name);
    else open.push(name);
  }
  if (open.length > 0) throw new Error(`${open.join(", ")} not closed`);
  return closed;
}

describe("DeviceMetadata", () => {
  const SAID = {
    epoch: 412,
    fromEpoch: 100,
    retiredFrom: 0,
    cell: CELL,
    caseId: 0,
    denied: false,
    cap: 750_000n,
    whole: 1_000_000n,
    category: 1,
    subNetworks: [1, 4],
    name: "Groundwork devices",
    model: "Gateway One",
  };

  async function mockFixture() {
    const registry = await ethers.deployContract("DeviceRegistry__MockForMetadata");
    const metadata = await ethers.deployContract("DeviceMetadata", [registry]);
    const harness = await ethers.deployContract("Metadata__Harness");
    await registry.say(SAID);
    return { registry, metadata, harness };
  }

  describe("constructor", () => {
    it("reverts for a zero registry", async () => {
      const { metadata } = await loadFixture(mockFixture);
      await expect(ethers.deployContract("DeviceMetadata", [ethers.ZeroAddress])).to.be.revertedWithCustomError(
        metadata,
        "DeviceMetadataZeroAddress",
      );
    });
  });

  describe("tokenURI", () => {
    it("reverts for an unknown device", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      for (const view of [metadata.tokenURI(0), metadata.svgOf(0)]) {
        await expect(view)
          .to.be.revertedWithCustomError(await ethers.getContractAt("DeviceRegistry", registry), "DeviceUnknown")
          .withArgs(0);
      }
    });

    it("says model, maker, category, status, age, cap, region and backing", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      const m = parsed(await metadata.tokenURI(42));
      expect(m.name).to.equal("Gateway One #42");
      expect(m.description).to.contain("A device of Groundwork devices, active.");
      expect(m.traits).to.deep.equal({
        Model: "Gateway One",
        Status: "active",
        Maker: await registry.getAddress(),
        Category: 1,
        "Age in epochs": 312,
        "First epoch": 100,
        "Points cap": 750_000,
        Region: "near 48° N, 6° E",
        "H3 cell": CELL.toString(16),
        "Sub-networks": "1, 4",
        Operators: "7, 7",
      });
      expect(payload(m.image, "image/svg+xml")).to.equal(await metadata.svgOf(42));
    });

    it("says nothing of a place, a backing or an end that there is not; large caps are text", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      await registry.say({ ...SAID, cell: 0, subNetworks: [], cap: 2n ** 96n - 1n, retiredFrom: 500 });
      const { traits } = parsed(await metadata.tokenURI(42));
      expect(traits).to.not.have.any.keys("Region", "H3 cell", "Sub-networks", "Operators");
      expect(traits["Points cap"]).to.equal(String(2n ** 96n - 1n));
      expect([traits.Status, traits["Retired from epoch"]]).to.deep.equal(["active", 500]);
    });

    it("tells waiting, active, disputed, denied and retired, in the order of what counts most", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      const cases: [object, string, number][] = [
        [{ epoch: 99 }, "waiting", 0],
        [{ epoch: 100 }, "active", 0],
        [{ caseId: 3 }, "disputed", 312],
        [{ caseId: 3, denied: true }, "denied", 312],
        [{ caseId: 3, denied: true, retiredFrom: 412 }, "retired", 312],
      ];
      for (const [change, status, age] of cases) {
        await registry.say({ ...SAID, ...change });
        const { traits, description } = parsed(await metadata.tokenURI(1));
        expect([traits.Status, traits["Age in epochs"]]).to.deep.equal([status, age]);
        expect(description).to.contain(`, ${status}.`);
        expect(await metadata.svgOf(1)).to.contain(`>${status}</text>`);
      }
    });
  });

  describe("svgOf", () => {
    it("is well-formed, under 12 kB, and has a dot where the device is", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      const svg = await metadata.svgOf(42);
      expect(elements(svg).at(-1)).to.equal("svg");
      expect(svg.length).to.be.below(12_000);
      expect(svg).to.contain("near 48° N, 6° E").and.contain(">312 epochs<").and.contain(">750,000<");
      await registry.say({ ...SAID, cell: 0 });
      expect(await metadata.svgOf(42))
        .to.contain("no location")
        .and.not.contain("near");
    });

    it("groups the digits of the cap, and writes what is too long in powers of ten", async () => {
      const { registry, metadata } = await loadFixture(mockFixture);
      const caps: [bigint, string][] = [
        [0n, "0"],
        [999n, "999"],
        [1_000n, "1,000"],
        [1_000_001n, "1,000,001"],
        [10_020_030n, "10,020,030"],
        [999_999_999_999n, "999,999,999,999"],
        [10n ** 12n, "1.00·10^12"],
        [2n ** 96n - 1n, "7.92·10^28"],
      ];
      for (const [cap, text] of caps) {
        await registry.say({ ...SAID, cap, whole: cap });
        expect(await metadata.svgOf(1)).to.contain(`>${text}</text>`);
      }
    });

    it("of two devices differ in the emblem; of one is the same again", async () => {
      const { metadata } = await loadFixture(mockFixture);
      const emblem = async (id: number) => (await metadata.svgOf(id)).match(/<use[^>]+>/g)!.join("");
      expect(await emblem(1)).to.equal(await emblem(1));
      expect(await emblem(1)).to.not.equal(await emblem(2));
      expect((await metadata.svgOf(1)).match(/<use/g)!.length).to.equal(19);
    });
  });

  describe("names that would break out", () => {
    const NAMES: [string, string][] = [
      ["a quote and a brace", `"}],"image":"x`],
      ["a script", `</text><script>alert(1)</script>`],
      ["an attribute", `' onload='x`],
      ["an entity", `&lt;&#0;&amp &`],
      ["backslashes", `\\",\\u0000\\`],
      ["other writing", "Antenne Zürich 天線 🛰"],
    ];
    for (const [what, name] of NAMES) {
      it(`stay text: ${what}`, async () => {
        const { registry, metadata } = await loadFixture(mockFixture);
        await registry.say({ ...SAID, model: name, name: `${name}!` });
        const m = parsed(await metadata.tokenURI(5));
        expect(m.name).to.equal(`${name} #5`);
        expect(m.traits.Model).to.equal(name);
        expect(m.attributes.length).to.equal(11);
        expect(m.description).to.contain(`A device of ${name}!, active.`);
        const kinds = elements(payload(m.image, "image/svg+xml"));
        expect(kinds).to.not.include("script");
        expect(kinds.length).to.equal(elements(await metadata.svgOf(6)).length);
      });
    }

    it("lose what is no character: controls, broken UTF-8, marks of direction", async () => {
      const { harness } = await loadFixture(mockFixture);
      // The ABI decoder of ethers refuses broken UTF-8, so bytes go in and come out by hand.
      const fragment = harness.interface.getFunction("clean");
      const coder = ethers.AbiCoder.defaultAbiCoder();
      const clean = async (hex: string): Promise<string> => {
        const data = ethers.concat([fragment.selector, coder.encode(["bytes"], [`0x${hex}`])]);
        const answer = await ethers.provider.call({ to: harness, data });
        return Buffer.from((coder.decode(["bytes"], answer)[0] as string).slice(2), "hex").toString("utf8");
      };
      const cases: [string, string][] = [
        ["00090a0d1f7f41", "??????A"],
        ["c3a4e282acf09f9880", "ä€😀"],
        ["80bf41", "??A"],
        ["c1bf", "??"],
        ["c280", "??"],
        ["c2a0", "\u00a0"],
        ["e0809f", "???"],
        ["eda080", "???"],
        ["ed9fbf", "\ud7ff"],
        ["efbfbe", "???"],
        ["efbfbd", "\ufffd"],
        ["f08080af", "????"],
        ["f4908080", "????"],
        ["f48fbfbd", "\u{10fffd}"],
        ["f5808080", "????"],
        ["e282", "??"],
        ["f09f98", "???"],
        ["c3", "?"],
        ["e280ae41e28066", "???A??f"],
        ["e281a6e281aa", "???\u206a"],
      ];
      for (const [input, output] of cases) expect(await clean(input), input).to.equal(output);
    });

    it("of a certified model stay text through the registries", async () => {
      const { makers, registry, maker, alice } = await loadFixture(devicesFixture);
      const name = `"}]}</text><svg onload="x">\\`;
      await makers.certifyModel(maker.address, 1, 1, 1, 0, name);
      const device = makeDevice();
      await makers.connect(maker).postBatch(2, batchTree([device]).root, 1, ethers.ZeroHash);
      const terms = { registry, owner: alice.address, batchId: 1, index: 0, proof: [] };
      await registry.connect(alice).onboard(await signOnboarding(device, terms));
      const metadata = await ethers.deployContract("DeviceMetadata", [registry]);
      const m = parsed(await metadata.tokenURI(1));
      expect([m.name, m.traits.Model]).to.deep.equal([`${name} #1`, name]);
      expect(elements(payload(m.image, "image/svg+xml")).filter((e) => e === "svg").length).to.equal(1);
    });
  });

  describe("with the real contracts", () => {
    it("reads a device from onboarding to retirement", async () => {
      const { makers, registry, maker, alice, onboardFor } = await loadFixture(devicesFixture);
      const metadata = await ethers.deployContract("DeviceMetadata", [registry]);
      await makers.setModelAgeing(1, { fullUntilAge: 0, floorAge: 2, floorBps: 0 });
      const id = await onboardFor(alice, makeDevice(), { operatorId: 1n });
      const waiting = parsed(await metadata.tokenURI(id));
      expect(waiting.name).to.equal(`Gateway One #${id}`);
      expect(waiting.traits).to.include({
        Status: "waiting",
        Maker: maker.address,
        "Sub-networks": String(SUB),
        Operators: "1",
        "Points cap": 1_000_000,
      });
      expect(waiting.traits).to.not.have.any.keys("Region");
      await nextEpoch(registry, 2);
      expect(parsed(await metadata.tokenURI(id)).traits).to.include({
        Status: "active",
        "Age in epochs": 1,
        "Points cap": 500_000,
      });
      await registry.connect(alice).retire(id);
      await nextEpoch(registry);
      expect(parsed(await metadata.tokenURI(id)).traits.Status).to.equal("retired");
      await expect(metadata.tokenURI(99)).to.be.revertedWithCustomError(registry, "DeviceUnknown").withArgs(99);
    });
  });

  describe("regions", () => {
    it("of all 842 cells of resolution 1, and of cells below, are those of H3 to a degree of latitude, two of longitude", async () => {
      const { harness } = await loadFixture(mockFixture);
      let checked = 0;
      for (const [i, top] of getRes0Cells().entries()) {
        const children = cellToChildren(top, 1);
        checked += children.length;
        for (const cell of i % 8 === 0 ? children : children.slice(0, 1)) {
          const [latitude, longitude] = cellToLatLng(cell);
          const [lat, lon] = await harness.centreOf(BigInt(`0x${cell}`));
          expect(Number(lat)).to.equal(Math.round(latitude));
          expect(Math.abs(Number(lon) - longitude)).to.be.at.most(1);
        }
      }
      expect(checked).to.equal(842);
      const fine = BigInt(`0x${latLngToCell(-33.87, 151.21, 7)}`);
      const [lat, lon] = await harness.centreOf(fine);
      expect([lat < 0n, lat > -40n, lon > 145n, lon < 158n]).to.deep.equal([true, true, true, true]);
    });

    it("of a resolution 0 cell are its own centre's; of what is no cell, nowhere", async () => {
      const { harness } = await loadFixture(mockFixture);
      const [top] = getRes0Cells();
      const [latitude] = cellToLatLng(top!);
      expect((await harness.centreOf(BigInt(`0x${top}`)))[0]).to.equal(Math.round(latitude));
      expect(await harness.centreOf(2n ** 64n - 1n)).to.deep.equal([0n, 0n]);
    });
  });
});
