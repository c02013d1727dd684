import { bearerOf, type Authenticate, type Tokens } from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import type { Credentials } from './credentials.store.ts';

/**
 * The public door takes session tokens and API keys; its history port, as everywhere, the services' own tokens.
 *
 * @param failed counts a token or key that nobody has, and throws where its address sent too many: who is known is never
 *   kept waiting for what others send from the same address
 */
export const byTokenOrKey =
  (tokens: Tokens, credentials: () => Credentials, failed: (request: FastifyRequest) => Promise<void>): Authenticate =>
  async (request) => {
    const bearer = bearerOf(request);
    if (bearer === undefined) return undefined;
    const identity = request.url.startsWith('/internal/')
      ? await tokens.check(bearer, 'internal')
      : ((await tokens.check(bearer, 'public')) ?? (await credentials().identityOf(bearer)));
    if (!identity) await failed(request);
    return identity;
  };
