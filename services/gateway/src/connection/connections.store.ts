import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Commands, open, seal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { SapConnection } from '../connectors/sap-read-back.client.ts';
import type { Auth, Credentials } from '../connectors/signatures.ts';
import { connection, type Connection } from './connection.ts';

/** What a connection and its source share. */
export type Secrets = Credentials & { readBack?: SapConnection };
export type KnownConnection = Connection & { id: string; secrets: Secrets };

const cacheMilliseconds = 5_000;

/** Connections with their secrets, which lie encrypted in a table of their own. */
@Injectable()
export class Connections {
  readonly #cache = new Map<string, { known: KnownConnection | undefined; until: number }>();

  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
  ) {}

  /** Undefined where there is none, or it is archived. Remembered for five seconds. */
  async find(id: string): Promise<KnownConnection | undefined> {
    const cached = this.#cache.get(id);
    if (cached && cached.until > Date.now()) return cached.known;
    const { state, version } = await this.commands.load(connection, id);
    const known =
      version > 0 && state.status === 'active' ? { ...state, id, secrets: await this.secretsOf(id) } : undefined;
    if (this.#cache.size > 10_000) this.#cache.clear();
    // What does not exist may be made the next moment.
    if (known) this.#cache.set(id, { known, until: Date.now() + cacheMilliseconds });
    return known;
  }

  async secretsOf(id: string): Promise<Secrets> {
    const { rows } = await this.kernel.pool.query<{ sealed: Buffer }>(
      'select sealed from connection_secrets where id = $1',
      [id],
    );
    return rows[0] ? (JSON.parse(open(this.#key(), rows[0].sealed, id).toString()) as Secrets) : {};
  }

  /** Keeps what is not given anew. */
  async keep(id: string, secrets: Secrets): Promise<void> {
    const all = { ...(await this.secretsOf(id)), ...secrets };
    await this.kernel.pool.query(
      'insert into connection_secrets (id, sealed) values ($1, $2) on conflict (id) do update set sealed = excluded.sealed',
      [id, seal(this.#key(), JSON.stringify(all), id)],
    );
    this.#cache.delete(id);
  }

  forget(id: string): void {
    this.#cache.delete(id);
  }

  #key(): KeyObject {
    return this.kernel.secrets.key('connection-secrets');
  }
}

export const authOf = (auth: { type: 'basic' | 'bearer'; user?: string; password?: string; token?: string }): Auth =>
  auth.type === 'bearer'
    ? { bearer: auth.token ?? '' }
    : { basic: { user: auth.user ?? '', password: auth.password ?? '' } };
