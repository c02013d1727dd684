// Bells that ring at some instant: what the tests of the timers schedule, and a process that rings them.
import type { AnyEvent } from '@throughline/contracts';
import { runInContext, systemContext } from '@throughline/event-sourcing';
import { Kernel } from '../src/kernel.ts';
import { Log } from '../src/log.ts';
import { Timers, type TimerHandler } from '../src/timers.ts';
import type { ServiceConfig } from '../src/config.ts';

/** Rings whenever it is told to: that it rings once is up to the ids of its commands. */
const bell = {
  category: 'customer',
  initial: 0,
  decide: (): AnyEvent[] => [{ type: 'CustomerArchived' }],
  evolve: (rung: number) => rung + 1,
};

/** A process's share of the timers on a database. */
export async function openBells(config: ServiceConfig) {
  const log = new Log('customers', 'error');
  const kernel = await Kernel.open({ name: 'customers' }, config, log);
  const timers = await Timers.open(kernel.pool, ['bell'], log, true);
  const ring = async (key: string) => void (await kernel.commands.execute(bell, key, { type: 'Ring' }));
  return {
    kernel,
    timers,
    ring,
    run: (due: TimerHandler['due'], signal: AbortSignal) => timers.run(new Map([['bell', { due }]]), signal),
    /** How often each bell rang. */
    rung: (key: string) =>
      runInContext(systemContext('test'), async () => (await kernel.commands.load(bell, key)).version),
    close: async () => {
      await timers.close();
      await kernel.close();
    },
  };
}
