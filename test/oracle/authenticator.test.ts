// Real authenticators (fido2-helpers), browser passkeys (webauthn-p256): from what they send to what DeviceKeys says on-chain.
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { lib as recorded } from "fido2-helpers";
import { ethers } from "hardhat";
import {
  assertionDigest,
  CodecError,
  type DeviceKey,
  type DeviceSignature,
  hex,
  isOnCurve,
  KEY_P256,
  KEY_SECP256K1,
  keyFromCose,
  keyFromJwk,
  keyFromPem,
  keyFromPoint,
  keyFromSpki,
  normaliseSignature,
  ORDER,
  rawFromDer,
  readAssertion,
  readAttestation,
  readAuthenticatorData,
  type SignedDigest,
  signatureFrom,
} from "../../oracle/codec";
import { twin } from "../helpers/devices";

const bytes = (b: ArrayBuffer): Uint8Array => new Uint8Array(b);
const challengeIn = (clientDataJSON: ArrayBuffer): Uint8Array =>
  Buffer.from((JSON.parse(Buffer.from(clientDataJSON).toString()) as { challenge: string }).challenge, "base64url");
const word = (v: bigint): `0x${string}` => ethers.toBeHex(v, 32) as `0x${string}`;

/** Runs and returns the field that the codec complains of. */
function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError) return `${error.field}: ${error.problem}`;
    throw error;
  }
  return "nothing";
}

/** The signature as the authenticator sent it: s not brought to the lower half. */
function asSent(der: Uint8Array): DeviceSignature {
  const raw = rawFromDer(der);
  return { r: ethers.dataSlice(raw, 0, 32) as `0x${string}`, s: ethers.dataSlice(raw, 32) as `0x${string}` };
}

/** The passkey assertions in the tests that webauthn-p256 ships: what is signed, by whom, and whether it is good. */
interface Passkey {
  name: string;
  key: DeviceKey;
  r: bigint;
  s: bigint;
  authenticatorData: string;
  clientDataJSON: string;
  hash: string;
  good: boolean;
}

function passkeys(): Passkey[] {
  const source = readFileSync(join(__dirname, "../../node_modules/webauthn-p256/verify.test.ts"), "utf8");
  return source
    .split("test('")
    .slice(1)
    .map((text) => {
      const found = (pattern: RegExp): string => {
        const value = pattern.exec(text)?.[1];
        if (value === undefined) throw new Error(`webauthn-p256 has no ${pattern} in "${text.slice(0, 40)}"`);
        return value;
      };
      const number = (name: string): bigint => BigInt(found(new RegExp(`\\b${name}: (\\d+)n`)));
      return {
        name: found(/^([^']+)'/),
        key: { keyType: KEY_P256, x: word(number("x")), y: word(number("y")) },
        r: number("r"),
        s: number("s"),
        authenticatorData: found(/authenticatorData:\s*'(0x[0-9a-f]+)'/),
        clientDataJSON: found(/clientDataJSON:\s*'([^']+)'/),
        hash: found(/hash: '(0x[0-9a-f]+)'/),
        good: /toBeTruthy/.test(text),
      };
    });
}

describe("forms of keys", () => {
  for (const [name, keyType, curve] of [
    ["P-256", KEY_P256, "P-256"],
    ["secp256k1", KEY_SECP256K1, "secp256k1"],
  ] as const) {
    it(`SPKI, PEM, JWK, COSE, and points long and short are one key: ${name}`, () => {
      for (let i = 0; i < 8; i++) {
        const { publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
        const key = keyFromJwk(publicKey.export({ format: "jwk" }));
        const [x, y] = [ethers.getBytes(key.x), ethers.getBytes(key.y)];
        const cose = Buffer.concat([
          Buffer.from("a5010203", "hex"),
          Buffer.from(keyType === KEY_P256 ? "26" : "382e", "hex"),
          Buffer.from(keyType === KEY_P256 ? "2001" : "2008", "hex"),
          Buffer.from("215820", "hex"),
          x,
          Buffer.from("225820", "hex"),
          y,
        ]);
        expect(key.keyType).to.equal(keyType);
        expect(isOnCurve(key)).to.be.true;
        for (const other of [
          keyFromSpki(publicKey.export({ format: "der", type: "spki" })),
          keyFromPem(publicKey.export({ format: "pem", type: "spki" }).toString()),
          keyFromCose(cose),
          keyFromPoint(keyType, Buffer.concat([Uint8Array.of(4), x, y])),
          keyFromPoint(keyType, Buffer.concat([Uint8Array.of(2 + (y[31]! & 1)), x])),
        ]) {
          expect(other).to.deep.equal(key);
        }
      }
    });
  }

  it("refuses points off the curve, of another field, RSA keys and half keys", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = keyFromJwk(publicKey.export({ format: "jwk" }));
    const x = ethers.getBytes(key.x);
    const off = ethers.getBytes(word(BigInt(key.y) ^ 1n));
    const { crv, ...halfJwk } = publicKey.export({ format: "jwk" });
    expect([
      complaint(() => keyFromPoint(KEY_P256, Buffer.concat([Uint8Array.of(4), x, off]))),
      complaint(() => keyFromPoint(KEY_P256, Buffer.concat([Uint8Array.of(5), x, off]))),
      complaint(() => keyFromPoint(KEY_P256, Buffer.concat([Uint8Array.of(2), new Uint8Array(32).fill(255)]))),
      complaint(() => keyFromPem(recorded.assnPublicKeyWindowsHello)),
      complaint(() => keyFromPem("-----BEGIN CERTIFICATE-----")),
      complaint(() => keyFromJwk({ kty: "RSA" })),
      complaint(() => keyFromJwk(halfJwk)),
      complaint(() => keyFromJwk({ ...halfJwk, crv, y: "AA" })),
      complaint(() => keyFromCose(Buffer.from("a10103", "hex"))),
      complaint(() => keyFromCose(Buffer.from("a2010221", "hex"))),
      complaint(() => keyFromCose(Buffer.from("a301022001", "hex"))),
      complaint(() => keyFromCose(Buffer.from("a3010203382e2001", "hex"))),
      complaint(() => keyFromCose(Buffer.from("a201022001", "hex"))),
    ]).to.deep.equal([
      "point: is no point of P-256",
      "point: is neither 04 ‖ x ‖ y nor 02/03 ‖ x",
      "point: is no point of P-256",
      "spki: is no uncompressed key of P-256 or secp256k1",
      "pem: has no PUBLIC KEY",
      "jwk.kty: RSA is not EC",
      "jwk.crv: nothing is not P-256 or secp256k1",
      "jwk.y: has 1 bytes, needs 32",
      "cose.kty: 3 is not 2 (EC2)",
      "cose: CBOR, byte 4: ends too early",
      "cose: CBOR, byte 5: ends too early",
      "cose.alg: -47 is not -7",
      "cose.x: is not 32 bytes",
    ]);
  });
});

describe("forms of signatures", () => {
  it("DER and raw are one signature, low s, whatever the key's luck", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let i = 0; i < 200; i++) {
      const message = Buffer.from(`message ${i}`);
      const der = sign("sha256", message, privateKey);
      const low = signatureFrom(KEY_P256, der);
      expect(signatureFrom(KEY_P256, ethers.getBytes(rawFromDer(der)))).to.deep.equal(low);
      expect(BigInt(low.s) <= ORDER[KEY_P256]! / 2n).to.be.true;
      const raw = Buffer.from((low.r + low.s.slice(2)).slice(2), "hex");
      expect(verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw)).to.be.true;
    }
  });

  it("both halves of s normalise to the lower", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, ORDER[KEY_P256]! - 1n), fc.bigInt(1n, ORDER[KEY_P256]! - 1n), (r, s) => {
        const one = { r: word(r), s: word(s) };
        const other = twin(KEY_P256, one);
        const [a, b] = [one, other].map((v) => normaliseSignature(KEY_P256, ethers.concat([v.r, v.s])));
        expect(a).to.deep.equal(b);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("refuses every DER but the one: lengths, signs, zeros, tails", () => {
    const bad: [string, string][] = [
      ["", "DER, byte 0: tag 48 expected"],
      ["3006020101020101ff", "DER, byte 2: the sequence is not the whole"],
      ["308106020101020101", "DER, byte 0: a length below 128 expected"],
      ["3006030101020101", "DER, byte 2: tag 2 expected"],
      ["3006020181020101", "DER, byte 4: a negative or empty number"],
      ["30050200020101", "DER, byte 4: a negative or empty number"],
      ["300702020001020101", "DER, byte 4: a needless zero"],
      ["3006020101020201", "DER, byte 7: ends too early"],
      ["3009020101020101020101", "DER, byte 8: something follows"],
      [`30270222${"01".repeat(34)}020101`, "DER, byte 38: a number above 32 bytes"],
      [`30260221${"01".repeat(33)}020101`, "DER, byte 37: a number above 32 bytes"],
    ];
    for (const [der, problem] of bad) {
      expect(
        complaint(() => rawFromDer(Buffer.from(der, "hex"))),
        der,
      ).to.equal(`signature: ${problem}`);
    }
    expect(complaint(() => signatureFrom(KEY_P256, Buffer.from("3006020100020101", "hex")))).to.equal(
      "signature: r or s is outside 1 … order − 1",
    );
  });

  it("never throws anything but a CodecError, whatever the bytes", () => {
    const asked = { key: keyFromPem(recorded.assnPublicKey), challenge: new Uint8Array(32) };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        complaint(() => signatureFrom(KEY_P256, junk));
        complaint(() => keyFromCose(junk));
        complaint(() => keyFromSpki(junk));
        complaint(() => readAuthenticatorData(junk));
        complaint(() => readAttestation({ attestationObject: junk, clientDataJSON: junk }, junk));
        complaint(() => readAssertion({ authenticatorData: junk, clientDataJSON: junk, signature: junk }, asked));
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

// Also run without the P-256 precompile: npm run test:no-precompile
describe("authenticators through DeviceKeys @p256", () => {
  const deploy = () => ethers.deployContract("DeviceKeys__Harness");
  type Harness = Awaited<ReturnType<typeof deploy>>;

  const check = (keys: Harness, s: SignedDigest, signature = s.signature) => keys.verify(s.key, s.digest, signature);

  const attestations = [
    ["Yubico U2F", recorded.makeCredentialAttestationU2fResponse, "fido-u2f", "CN=Yubico U2F EE Serial 1432534688"],
    ["Hypersecu U2F", recorded.makeCredentialAttestationHypersecuU2fResponse, "fido-u2f", "PilotGnubby"],
    ["Feitian BioPass", recorded.makeCredentialAttestationPackedResponse, "packed", "FT BioPass FIDO2 USB"],
  ] as const;

  for (const [name, { response }, format, subject] of attestations) {
    const attestation = {
      attestationObject: bytes(response.attestationObject),
      clientDataJSON: bytes(response.clientDataJSON),
    };
    const challenge = challengeIn(response.clientDataJSON);

    it(`the attestation of ${name} verifies, by its certificate's key, with the low s only`, async () => {
      const keys = await deploy();
      const read = readAttestation(attestation, challenge);
      expect(read.format).to.equal(format);
      expect(read.subject).to.contain(subject);
      expect(await keys.isOnCurve(read.key)).to.be.true;
      const statement = read.statement!;
      expect(await check(keys, statement)).to.be.true;
      expect(await check(keys, statement, twin(KEY_P256, statement.signature))).to.be.false;
      expect(await check(keys, { ...statement, key: keyFromPem(recorded.assnPublicKey) })).to.be.false;
    });

    it(`the attestation of ${name} fails for another challenge and with a byte changed`, async () => {
      const keys = await deploy();
      expect(complaint(() => readAttestation(attestation, challenge.slice(1)))).to.equal(
        "clientDataJSON.challenge: is not the one that was asked",
      );
      const text = Buffer.from(attestation.clientDataJSON).toString().replace("https", "htt_s");
      const changed = readAttestation({ ...attestation, clientDataJSON: Buffer.from(text) }, challenge);
      expect(await check(keys, changed.statement!)).to.be.false;
    });
  }

  it("the recorded P-256 assertion verifies; its authenticator sent the high s", async () => {
    const keys = await deploy();
    const { authenticatorData, clientDataJSON, signature } = recorded.assertionResponse.response;
    const assertion = {
      authenticatorData: bytes(authenticatorData),
      clientDataJSON: bytes(clientDataJSON),
      signature: bytes(signature),
    };
    const asked = { key: keyFromPem(recorded.assnPublicKey), challenge: challengeIn(clientDataJSON) };
    const read = readAssertion(assertion, {
      ...asked,
      rpIdHash: ethers.sha256(ethers.toUtf8Bytes("localhost")) as never,
    });
    expect(read.signCount).to.equal(363);
    expect(await check(keys, read)).to.be.true;
    const sent = asSent(assertion.signature);
    expect(BigInt(sent.s) > ORDER[KEY_P256]! / 2n).to.be.true;
    expect(await check(keys, read, sent)).to.be.false;
    expect(complaint(() => readAssertion(assertion, { ...asked, verified: true }))).to.equal(
      "authenticatorData: nobody was verified",
    );
    expect(complaint(() => readAssertion(assertion, { ...asked, rpIdHash: word(1n) }))).to.equal(
      "authenticatorData: is for another relying party",
    );
  });

  it("all four recorded signatures have the high s", () => {
    const sent = [
      bytes(recorded.assertionResponse.response.signature),
      ...attestations.map(([, { response }]) => {
        const text = Buffer.from(response.attestationObject);
        const at = text.indexOf(Buffer.from("63736967", "hex")) + 6; // "sig", then 58 and its length
        return text.subarray(at, at + text[at - 1]!);
      }),
    ];
    for (const der of sent) expect(BigInt(asSent(der).s) > ORDER[KEY_P256]! / 2n).to.be.true;
  });

  it("what is not P-256 is refused with its reason: TPM, SafetyNet, Windows Hello; none has no statement", async () => {
    const read = (r: { response: { attestationObject: ArrayBuffer; clientDataJSON: ArrayBuffer } }) =>
      readAttestation(
        { attestationObject: bytes(r.response.attestationObject), clientDataJSON: bytes(r.response.clientDataJSON) },
        challengeIn(r.response.clientDataJSON),
      );
    expect(complaint(() => read(recorded.makeCredentialAttestationTpmResponse))).to.equal(
      "attestationObject.fmt: tpm is not none, packed or fido-u2f",
    );
    expect(complaint(() => read(recorded.makeCredentialAttestationSafetyNetResponse))).to.contain(
      "android-safetynet is not none, packed or fido-u2f",
    );
    const hello = recorded.assertionResponseWindowsHello.response;
    const asked = { key: keyFromPem(recorded.assnPublicKey), challenge: challengeIn(hello.clientDataJSON) };
    const assertion = {
      authenticatorData: bytes(hello.authenticatorData),
      clientDataJSON: bytes(hello.clientDataJSON),
      signature: bytes(hello.signature),
    };
    expect(complaint(() => readAssertion(assertion, asked))).to.equal("signature: DER, byte 0: tag 48 expected");
    const none = read(recorded.makeCredentialAttestationNoneResponse);
    expect(none.statement).to.equal(undefined);
    expect(await (await deploy()).isOnCurve(none.key)).to.be.true;
  });

  it("the passkey assertions verify where they are good, and nowhere else", async () => {
    const keys = await deploy();
    const verdicts: [string, string][] = [];
    for (const p of passkeys()) {
      const assertion = {
        authenticatorData: ethers.getBytes(p.authenticatorData),
        clientDataJSON: ethers.toUtf8Bytes(p.clientDataJSON),
        signature: ethers.getBytes(ethers.concat([word(p.r), word(p.s)])),
      };
      const asked = { key: p.key, challenge: ethers.getBytes(p.hash), verified: true };
      let signed: SignedDigest | undefined;
      const problem = complaint(() => (signed = readAssertion(assertion, asked)));
      const accepted = signed !== undefined && (await check(keys, signed));
      if (p.name === "behavior: invalid type index") {
        // The library is told where to look and looks there; this codec parses, so the wrong place is nothing to be wrong.
        expect(accepted).to.be.true;
        continue;
      }
      expect(accepted, p.name).to.equal(p.good);
      verdicts.push([p.name, accepted ? "verifies" : problem]);
    }
    expect(verdicts).to.deep.equal([
      ["default", "verifies"],
      ["default", "verifies"],
      ["behavior: invalid hash", "clientDataJSON.challenge: is not the one that was asked"],
      ["behavior: invalid signature", "clientDataJSON.challenge: is not the one that was asked"],
      ["behavior: authenticator data too short", "authenticatorData: has 36 bytes, needs 37 at least"],
      ["behavior: invalid flag", "authenticatorData: nobody was present"],
      ["behavior: invalid flag", "authenticatorData: nobody was verified"],
      ["behavior: invalid flag", "authenticatorData: is backed up but may not be"],
      ["behavior: invalid challenge", "clientDataJSON.challenge: is not the one that was asked"],
      ["behavior: invalid challenge match", "clientDataJSON.challenge: is not the one that was asked"],
    ]);
  });

  it("a passkey's signature with r changed by one, or the other s, fails on-chain", async () => {
    const keys = await deploy();
    const [p] = passkeys();
    const digest = assertionDigest(ethers.getBytes(p!.authenticatorData), ethers.toUtf8Bytes(p!.clientDataJSON));
    const good = { r: word(p!.r), s: word(p!.s) };
    expect(await keys.verify(p!.key, digest, good)).to.be.true;
    expect(await keys.verify(p!.key, digest, { ...good, r: word(p!.r + 1n) })).to.be.false;
    expect(await keys.verify(p!.key, digest, twin(KEY_P256, good))).to.be.false;
  });

  it("an authenticator's key cannot sign a device's message: its digest is never sha256 of one", async () => {
    const keys = await deploy();
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = keyFromJwk(publicKey.export({ format: "jwk" }));
    const message = Buffer.from("a device's message");
    const challenge = ethers.getBytes(ethers.sha256(message));
    const authenticatorData = Buffer.concat([Buffer.alloc(32), Uint8Array.of(5, 0, 0, 0, 1)]);
    const clientDataJSON = Buffer.from(
      JSON.stringify({ type: "webauthn.get", challenge: Buffer.from(challenge).toString("base64url") }),
    );
    const signed = Buffer.concat([authenticatorData, Buffer.from(ethers.sha256(clientDataJSON).slice(2), "hex")]);
    const read = readAssertion(
      { authenticatorData, clientDataJSON, signature: sign("sha256", signed, privateKey) },
      { key, challenge, verified: true },
    );
    expect(await check(keys, read)).to.be.true;
    expect(await keys.verify(key, hex(challenge), read.signature)).to.be.false;
  });
});
