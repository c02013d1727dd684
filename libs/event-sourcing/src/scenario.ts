import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, Entry, Instant } from '@throughline/contracts';
import { replay, type Decider } from './decider.ts';
import { Refusal } from './refusal.ts';

/** Given / when / then over a decider, without anything around it. */
export function scenario<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
  decider: Decider<S, C, E, R>,
  defaults: { rules?: R; now?: Instant; entry?: Entry } = {},
) {
  return (...past: readonly E[]) => ({
    when(command: C, overrides: { rules?: R; now?: Instant; entry?: Entry } = {}) {
      const { rules, now = '2026-01-15T08:00:00.000Z', entry = 'person' } = { ...defaults, ...overrides };
      const state = replay(decider, past);
      let events: readonly E[] = [];
      let thrown: unknown;
      try {
        events = decider.decide(state, command, { now, entry, rules: rules as R });
      } catch (error) {
        thrown = error;
      }
      const happened = () => {
        if (thrown) throw thrown;
        return events;
      };
      return {
        then: (...expected: readonly E[]) => same(happened(), expected),
        thenNothing: () => same(happened(), []),
        thenRefused(code: string) {
          if (!(thrown instanceof Refusal))
            throw thrown ?? new Error(`expected the refusal ${code}, got ${show(events)}`);
          same(thrown.code, code);
        },
        /** The claims that the stream holds afterwards. */
        thenClaims: (...expected: readonly string[]) =>
          same([...(decider.claims?.(replay(decider, [...past, ...happened()])) ?? [])].sort(), [...expected].sort()),
      };
    },
  });
}

const show = (value: unknown) => JSON.stringify(value, null, 2);

function same(actual: unknown, expected: unknown): void {
  const clean = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  if (!isDeepStrictEqual(clean(actual), clean(expected))) {
    throw new Error(`expected ${show(expected)}\ngot ${show(actual)}`);
  }
}
