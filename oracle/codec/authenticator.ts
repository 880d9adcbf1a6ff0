// FIDO2 / WebAuthn authenticators: what they sign, and whether it is what was asked. An authenticator never signs a message
// as it is: its digest is sha256(authenticatorData ‖ sha256(clientDataJSON)), and the message is the challenge in there.
import { createHash, X509Certificate } from "node:crypto";
import { CodecError, type Hex, hex, join, readUint } from "./bytes";
import { type CborMap, readCborMap } from "./cbor";
import { type DeviceKey, type DeviceSignature } from "./key";
import { keyFromCose, keyFromSpki, signatureFrom } from "./key-forms";

const FLAG = { present: 0x01, verified: 0x04, backupEligible: 0x08, backedUp: 0x10, attested: 0x40 } as const;
const HEAD = 37; // rpIdHash(32) ‖ flags(1) ‖ signCount(4)
const ALG_ES256 = -7n;

export interface AuthenticatorData {
  readonly rpIdHash: Hex;
  readonly flags: number;
  readonly signCount: number;
  /** In an attestation only. */
  readonly credential?: { readonly id: Uint8Array; readonly key: CborMap };
}

/** What the chain checks: a key, a digest, a signature with low s. */
export interface SignedDigest {
  readonly key: DeviceKey;
  readonly digest: Hex;
  readonly signature: DeviceSignature;
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  return parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
}

/** sha256(authenticatorData ‖ sha256(clientDataJSON)). */
export function assertionDigest(authenticatorData: Uint8Array, clientDataJSON: Uint8Array): Hex {
  return hex(sha256(authenticatorData, sha256(clientDataJSON)));
}

export function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  if (bytes.length < HEAD)
    throw new CodecError("authenticatorData", `has ${bytes.length} bytes, needs ${HEAD} at least`);
  const [flags = 0] = bytes.subarray(32);
  const head = { rpIdHash: hex(bytes.subarray(0, 32)), flags, signCount: Number(readUint(bytes, 33, 4)) };
  if ((flags & FLAG.backupEligible) === 0 && (flags & FLAG.backedUp) !== 0)
    throw new CodecError("authenticatorData", "is backed up but may not be");
  if ((flags & FLAG.attested) === 0) return head;
  // aaguid(16) ‖ length(2) ‖ id ‖ key
  const size = Number(readUint(bytes, HEAD + 16, 2));
  const id = bytes.subarray(HEAD + 18, HEAD + 18 + size);
  if (id.length !== size) throw new CodecError("authenticatorData", "ends within the credential's id");
  const key = readCborMap("authenticatorData", bytes.subarray(HEAD + 18 + size)).value;
  return { ...head, credential: { id, key } };
}

interface ClientData {
  readonly type?: unknown;
  readonly challenge?: unknown;
  readonly origin?: unknown;
}

function readClientData(bytes: Uint8Array, type: string, challenge: Uint8Array): void {
  let data: ClientData;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as ClientData;
  } catch {
    throw new CodecError("clientDataJSON", "is no JSON");
  }
  if (data.type !== type) throw new CodecError("clientDataJSON.type", `${String(data.type)} is not ${type}`);
  // As text: the last character of base64url has spare bits, so several texts decode to the same bytes.
  if (data.challenge !== Buffer.from(challenge).toString("base64url"))
    throw new CodecError("clientDataJSON.challenge", "is not the one that was asked");
}

export interface Assertion {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  readonly signature: Uint8Array;
}

/** What was asked of the authenticator. */
export interface Asked {
  readonly key: DeviceKey;
  readonly challenge: Uint8Array;
  /** sha256 of the relying party's id. */
  readonly rpIdHash?: Hex;
  /** Whether a person had to be recognised, not only present. */
  readonly verified?: boolean;
}

/** An assertion that answers what was asked, as key, digest and signature; whether it verifies is for DeviceKeys to say. */
export function readAssertion(a: Assertion, asked: Asked): SignedDigest & { signCount: number } {
  const { flags, rpIdHash, signCount } = readAuthenticatorData(a.authenticatorData);
  if ((flags & FLAG.present) === 0) throw new CodecError("authenticatorData", "nobody was present");
  if (asked.verified === true && (flags & FLAG.verified) === 0)
    throw new CodecError("authenticatorData", "nobody was verified");
  if (asked.rpIdHash !== undefined && asked.rpIdHash !== rpIdHash)
    throw new CodecError("authenticatorData", "is for another relying party");
  readClientData(a.clientDataJSON, "webauthn.get", asked.challenge);
  return {
    key: asked.key,
    digest: assertionDigest(a.authenticatorData, a.clientDataJSON),
    signature: signatureFrom(asked.key.keyType, a.signature),
    signCount,
  };
}

export interface Attestation {
  readonly attestationObject: Uint8Array;
  readonly clientDataJSON: Uint8Array;
}

export interface AttestedKey {
  /** The new credential's key. */
  readonly key: DeviceKey;
  readonly format: string;
  /** The statement, signed with the authenticator's own certificate (or with the new key); absent for format "none". */
  readonly statement?: SignedDigest;
  /** Subject of that certificate. */
  readonly subject?: string;
}

/** Formats whose statement is a P-256 signature over bytes we can rebuild. Others throw: their keys are not P-256. */
export function readAttestation(a: Attestation, challenge: Uint8Array): AttestedKey {
  const object = readCborMap("attestationObject", a.attestationObject).value;
  const [format, data, statement] = [object.get("fmt"), object.get("authData"), object.get("attStmt")];
  if (typeof format !== "string" || !(data instanceof Uint8Array) || !(statement instanceof Map))
    throw new CodecError("attestationObject", "lacks fmt, authData or attStmt");
  if (format !== "none" && format !== "packed" && format !== "fido-u2f")
    throw new CodecError("attestationObject.fmt", `${format} is not none, packed or fido-u2f`);
  readClientData(a.clientDataJSON, "webauthn.create", challenge);
  const { credential, rpIdHash } = readAuthenticatorData(data);
  if (credential === undefined) throw new CodecError("authenticatorData", "holds no credential");
  const key = keyFromCose(credential.key);
  if (format === "none") return { key, format };

  const sig = statement.get("sig");
  if (!(sig instanceof Uint8Array)) throw new CodecError("attStmt.sig", "is missing");
  const alg = statement.get("alg");
  if (format === "packed" && alg !== ALG_ES256) throw new CodecError("attStmt.alg", `${String(alg)} is not −7 (ES256)`);
  const chain = statement.get("x5c");
  const first = Array.isArray(chain) ? chain[0] : undefined;
  const certificate = first instanceof Uint8Array ? new X509Certificate(first) : undefined;
  if (format === "fido-u2f" && certificate === undefined) throw new CodecError("attStmt.x5c", "is missing");
  const signer = certificate ? keyFromSpki(certificate.publicKey.export({ format: "der", type: "spki" })) : key;
  const client = sha256(a.clientDataJSON);
  const bytes =
    format === "packed"
      ? join(data, client)
      : join(
          Uint8Array.of(0),
          Buffer.from(rpIdHash.slice(2), "hex"),
          client,
          credential.id,
          Uint8Array.of(4),
          Buffer.from(key.x.slice(2) + key.y.slice(2), "hex"),
        );
  return {
    key,
    format,
    statement: { key: signer, digest: hex(sha256(bytes)), signature: signatureFrom(signer.keyType, sig) },
    ...(certificate && { subject: certificate.subject.replace(/\n/g, ", ") }),
  };
}
