// What a suite gets for `@jest/globals`, or without importing them: those of the suite under way.
export let afterAll, afterEach, beforeAll, beforeEach, describe, expect, it;
export const jest = {
  /** For each test of this suite, in ms. */
  setTimeout(ms) {
    globalThis[Symbol.for('TEST_TIMEOUT_SYMBOL')] = ms;
  },
};

export function setGlobals(globals) {
  ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } = globals);
  Object.assign(globalThis, globals);
}
