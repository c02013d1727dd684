/** What a writer is told by whoever starts it. */
export type WriterSettings = {
  seed: string;
  writer: number;
  /** How many events it should get acknowledged. */
  events: number;
  /** When it ends although it has not; milliseconds since 1970. */
  until: number;
  journalFile: string;
};

export const writerEnvironment = ({ seed, writer, events, until, journalFile }: WriterSettings) => ({
  CHAOS_SEED: seed,
  CHAOS_WRITER: String(writer),
  CHAOS_EVENTS: String(events),
  CHAOS_UNTIL: String(until),
  CHAOS_JOURNAL: journalFile,
});

/** @throws Error where `writerEnvironment` was not given */
export function writerFromEnvironment(environment: NodeJS.ProcessEnv = process.env): WriterSettings {
  const given = (name: string): string => {
    const value = environment[name];
    if (value === undefined) throw new Error(`${name} is missing: writers are started by the chaos run`);
    return value;
  };
  return {
    seed: given('CHAOS_SEED'),
    writer: Number(given('CHAOS_WRITER')),
    events: Number(given('CHAOS_EVENTS')),
    until: Number(given('CHAOS_UNTIL')),
    journalFile: given('CHAOS_JOURNAL'),
  };
}
