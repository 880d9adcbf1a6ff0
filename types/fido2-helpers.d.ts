declare module "fido2-helpers" {
  interface Attested {
    response: { attestationObject: ArrayBuffer; clientDataJSON: ArrayBuffer };
  }
  interface Asserted {
    response: { authenticatorData: ArrayBuffer; clientDataJSON: ArrayBuffer; signature: ArrayBuffer };
  }
  /** Recorded from real authenticators. */
  export const lib: {
    makeCredentialAttestationNoneResponse: Attested;
    makeCredentialAttestationU2fResponse: Attested;
    makeCredentialAttestationHypersecuU2fResponse: Attested;
    makeCredentialAttestationPackedResponse: Attested;
    makeCredentialAttestationTpmResponse: Attested;
    makeCredentialAttestationSafetyNetResponse: Attested;
    assertionResponse: Asserted;
    assertionResponseWindowsHello: Asserted;
    /** PEM. */
    assnPublicKey: string;
    assnPublicKeyWindowsHello: string;
  };
}
