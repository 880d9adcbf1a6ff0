import { assert } from "chai";

import { type Decoder, type Reading, ReadingRejected, type ReasonCode } from "../../../oracle/scoring";

export function expectRejected(run: () => unknown, code: ReasonCode): ReadingRejected {
  try {
    run();
  } catch (error) {
    assert.instanceOf(error, ReadingRejected);
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail(`expected ${code}, but the reading was accepted`);
}

/** The reading, or undefined if it was refused; any other error fails the test. */
export function readingOrRefusal(decode: Decoder, payload: Uint8Array): Reading | undefined {
  try {
    return decode(payload);
  } catch (error) {
    assert.instanceOf(error, ReadingRejected);
    return undefined;
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
