import type { Identity, Tokens } from '@throughline/service';

const tokenSeconds = 60;
const reuseMilliseconds = 30_000;

/** Short internal tokens, one an identity, used again for half of their life. */
export class Passes {
  readonly #passes = new Map<string, { token: Promise<string>; until: number }>();

  constructor(private readonly tokens: Tokens) {}

  for(identity: Identity): Promise<string> {
    const key = `${identity.type} ${identity.id} ${identity.roles.join()}`;
    const known = this.#passes.get(key);
    if (known && known.until > Date.now()) return known.token;
    if (this.#passes.size > 10_000) this.#passes.clear();
    const token = this.tokens.issue(identity, 'internal', tokenSeconds).then((issued) => issued.token);
    this.#passes.set(key, { token, until: Date.now() + reuseMilliseconds });
    return token;
  }
}
