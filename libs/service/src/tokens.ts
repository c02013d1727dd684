import type { KeyObject } from 'node:crypto';
import { signingKeys, type Secrets } from '@throughline/event-sourcing';
import { CompactSign, SignJWT, calculateJwkThumbprint, exportJWK, jwtVerify, type JWK } from 'jose';

/** Who a token speaks for. */
export type Identity = { id: string; type: 'user' | 'api-key' | 'system'; roles: readonly string[] };
/** `public`: handed to people and their browsers. `internal`: what the gateway hands on to the services. */
export type Audience = 'public' | 'internal';

const issuer = 'throughline';
const mostKnown = 10_000;

/** Issues and checks short EdDSA tokens. The key pair derives from the master key, so every service can check alone. */
export class Tokens {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  /** Tokens that proved good, until they end: to check a signature costs more than most queries. */
  readonly #known = new Map<string, { identity: Identity; audience: Audience; until: number }>();

  constructor(secrets: Secrets) {
    ({ privateKey: this.#private, publicKey: this.#public } = signingKeys(secrets, 'tokens'));
  }

  async issue(identity: Identity, audience: Audience, seconds: number): Promise<{ token: string; expiresAt: string }> {
    const expires = Math.floor(Date.now() / 1000) + seconds;
    const token = await new SignJWT({ typ: identity.type, roles: identity.roles })
      .setProtectedHeader({ alg: 'EdDSA', kid: await this.#keyId() })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(identity.id)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(this.#private);
    return { token, expiresAt: new Date(expires * 1000).toISOString() };
  }

  /** Undefined where the token is not ours, not for this audience, or no longer valid. */
  async check(token: string, audience: Audience): Promise<Identity | undefined> {
    const known = this.#known.get(token);
    if (known && known.until > Date.now()) return known.audience === audience ? known.identity : undefined;
    try {
      const { payload } = await jwtVerify(token, this.#public, {
        issuer,
        audience,
        algorithms: ['EdDSA'],
        clockTolerance: 5,
      });
      const { sub, typ, roles, exp } = payload as { sub: string; typ: Identity['type']; roles: string[]; exp: number };
      const identity = { id: sub, type: typ, roles };
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(token, { identity, audience, until: exp * 1_000 });
      return identity;
    } catch {
      return undefined;
    }
  }

  /** A document that anybody can check with the public key: a JWS in compact form (RFC 7515). */
  async sign(document: object): Promise<string> {
    return new CompactSign(Buffer.from(JSON.stringify(document)))
      .setProtectedHeader({ alg: 'EdDSA', kid: await this.#keyId() })
      .sign(this.#private);
  }

  /** The public key as a JWK set. */
  async jwks(): Promise<{ keys: JWK[] }> {
    return { keys: [{ ...(await exportJWK(this.#public)), alg: 'EdDSA', use: 'sig', kid: await this.#keyId() }] };
  }

  async #keyId(): Promise<string> {
    return calculateJwkThumbprint(await exportJWK(this.#public));
  }
}
