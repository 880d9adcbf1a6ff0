/**
 * Recorded LoRaWAN frames from the tests of lora-packet 0.7.14 (MIT, © 2016 Anthony Kirby). Session keys:
 * PUBLISHED in oracle/scoring/lorawan-keys.ts.
 */
export const RECORDED_UPLINKS = [
  "40f17dbe4900020001954378762b11ff0d", // counter 2, "test"
  "40f17dbe49000300012a3518af", // counter 3, no application payload
  "40f17dbe490004000155332de41a11adc072553544429ce7787707d1c316e027e7e5e334263376affb8aa17ad30075293f28dea8a20af3c5e7", // counter 4, "The quick brown fox …"
] as const;

/** Counter 3 with its MIC bodged, as in the same tests. */
export const BODGED_MIC = "40f17dbe49000300012a3518aa";
/** An acknowledgement from network to device. */
export const DOWNLINK = "60f17dbe4920020001f9d65d27";
/** A join request: no session yet, so no key could check it. */
export const JOIN_REQUEST = "0039363463336913aa05693574323831338ef1c1d5ec6c";
