import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Kernel, type Identity } from '@throughline/service';
import { hash, verify } from '@node-rs/argon2';

/** OWASP's first recommendation for argon2id (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane. */
const argon2id = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const cacheMilliseconds = 10_000;

/** Password hashes and API keys: secrets, so they are rows here and never events. */
@Injectable()
export class Credentials {
  readonly #keys = new Map<string, { identity: Identity | undefined; until: number }>();
  #decoy: Promise<string> | undefined;

  constructor(private readonly kernel: Kernel) {}

  async setPassword(userId: string, password: string): Promise<void> {
    await this.kernel.pool.query(
      `insert into passwords (user_id, hash) values ($1, $2) on conflict (user_id) do update set hash = excluded.hash`,
      [userId, await hash(password, argon2id)],
    );
  }

  /** Takes as long for an unknown user as for a wrong password. */
  async checkPassword(userId: string | undefined, password: string): Promise<boolean> {
    const { rows } = await this.kernel.pool.query<{ hash: string }>('select hash from passwords where user_id = $1', [
      userId ?? '00000000-0000-0000-0000-000000000000',
    ]);
    this.#decoy ??= hash(randomBytes(16).toString('hex'), argon2id);
    const matches = await verify(rows[0]?.hash ?? (await this.#decoy), password);
    return matches && rows.length === 1;
  }

  async addApiKey(id: string, key: string, roles: readonly string[]): Promise<void> {
    await this.kernel.pool.query(
      `insert into api_keys (digest, id, roles) values ($1, $2, $3) on conflict (digest) do nothing`,
      [this.#digest(key), id, roles],
    );
  }

  async removeApiKey(id: string): Promise<void> {
    await this.kernel.pool.query('delete from api_keys where id = $1', [id]);
    this.#keys.clear();
  }

  /** Who an API key speaks for; undefined where it is unknown or revoked. Remembered for ten seconds. */
  async identityOf(key: string): Promise<Identity | undefined> {
    const digest = this.#digest(key);
    const cached = this.#keys.get(digest);
    if (cached && cached.until > Date.now()) return cached.identity;
    const { rows } = await this.kernel.pool.query<{ id: string; roles: string[] }>(
      'select id, roles from api_keys where digest = $1',
      [digest],
    );
    const identity: Identity | undefined = rows[0] && { id: rows[0].id, type: 'api-key', roles: rows[0].roles };
    if (this.#keys.size > 10_000) this.#keys.clear();
    this.#keys.set(digest, { identity, until: Date.now() + cacheMilliseconds });
    return identity;
  }

  /** API keys are random and long, so a keyed hash suffices. */
  #digest(key: string): string {
    return createHmac('sha256', this.kernel.secrets.key('api-keys')).update(key).digest('hex');
  }
}

export const newApiKey = (): string => `tl_${randomBytes(24).toString('base64url')}`;
