import { bearerOf, type Authenticate, type Tokens } from '@throughline/service';
import type { Credentials } from './credentials.store.ts';

/** The public door takes session tokens and API keys. */
export const byTokenOrKey =
  (tokens: Tokens, credentials: () => Credentials): Authenticate =>
  async (request) => {
    const bearer = bearerOf(request);
    if (bearer === undefined) return undefined;
    return (await tokens.check(bearer, 'public')) ?? credentials().identityOf(bearer);
  };
