import { bearerOf, type Authenticate, type Tokens } from '@throughline/service';
import type { Credentials } from './credentials.store.ts';

/** The public door takes session tokens and API keys; its history port, as everywhere, the services' own tokens. */
export const byTokenOrKey =
  (tokens: Tokens, credentials: () => Credentials): Authenticate =>
  async (request) => {
    const bearer = bearerOf(request);
    if (bearer === undefined) return undefined;
    if (request.url.startsWith('/internal/')) return tokens.check(bearer, 'internal');
    return (await tokens.check(bearer, 'public')) ?? credentials().identityOf(bearer);
  };
