import { gathered, type Commands } from '@throughline/event-sourcing';

/** One caller's wish, told from the others by what it is. */
type Asked = object;

/** Hands out human-readable numbers, each once, and passes over those that callers chose themselves. */
export class Numbers {
  readonly #next = gathered((asked: readonly Asked[]) => this.#numbersFor(asked));

  constructor(
    private readonly commands: Commands,
    /** `claim` guards the number: `<claim>:<number>` in `category`. */
    private readonly of: { sequence: string; prefix: string; category: string; claim: string },
  ) {}

  async next(): Promise<string> {
    const asked = {};
    return (await this.#next([asked])).get(asked) as string;
  }

  async #numbersFor(asked: readonly Asked[]): Promise<ReadonlyMap<Asked, string>> {
    const { sequence, prefix, category, claim } = this.of;
    const free: string[] = [];
    while (free.length < asked.length) {
      const { rows } = await this.commands.store.pool.query<{ next: string }>(
        'select nextval($1) as next from generate_series(1, $2)',
        [sequence, asked.length - free.length],
      );
      const numbers = rows.map(({ next }) => `${prefix}-${next.padStart(6, '0')}`);
      const taken = await this.commands.holdersOf(
        category,
        numbers.map((number) => `${claim}:${number}`),
      );
      free.push(...numbers.filter((number) => !taken.has(`${claim}:${number}`)));
    }
    return new Map(asked.map((one, index) => [one, free[index] as string]));
  }
}
