import type { Commands } from '@throughline/event-sourcing';

/** Hands out human-readable numbers, each once, and passes over those that callers chose themselves. */
export class Numbers {
  constructor(
    private readonly commands: Commands,
    /** `claim` guards the number: `<claim>:<number>` in `category`. */
    private readonly of: { sequence: string; prefix: string; category: string; claim: string },
  ) {}

  async next(): Promise<string> {
    const { sequence, prefix, category, claim } = this.of;
    for (;;) {
      const { rows } = await this.commands.store.pool.query<{ next: string }>('select nextval($1) as next', [sequence]);
      const number = `${prefix}-${String(rows[0]?.next).padStart(6, '0')}`;
      if (!(await this.commands.holderOf(category, `${claim}:${number}`))) return number;
    }
  }
}
