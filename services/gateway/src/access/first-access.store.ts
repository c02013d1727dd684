import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Commands, Refusal, derivedId, runInContext, systemContext } from '@throughline/event-sourcing';
import { ServiceConfig } from '@throughline/service';
import { apiKey } from './api-key.ts';
import { Credentials } from './credentials.store.ts';
import { user } from './user.ts';

/** What the first start tells the operator, once. */
export type FirstAccess = { email: string; password: string } | undefined;

/** Makes the first administrator and the preset API key, so that somebody can sign in. */
@Injectable()
export class FirstAccessStore {
  constructor(
    private readonly commands: Commands,
    private readonly credentials: Credentials,
    private readonly config: ServiceConfig,
  ) {}

  /** @returns the generated password where one had to be made */
  async ensure(): Promise<FirstAccess> {
    return runInContext(systemContext('start'), async () => {
      await this.#presetKey();
      return this.#presetAdministrator();
    });
  }

  async #presetKey(): Promise<void> {
    const { adminApiKey } = this.config;
    if (!adminApiKey) return;
    const id = derivedId('api-key', 'preset');
    const { state } = await this.commands.load(apiKey, id);
    if (state.status === 'none') {
      await once(this.commands.execute(apiKey, id, { type: 'IssueApiKey', name: 'preset', roles: ['administrator'] }));
    }
    // Another preset key takes the place of the one before; one that was revoked stays so.
    if (state.status === 'revoked') return;
    await this.credentials.removeApiKey(id);
    await this.credentials.addApiKey(id, adminApiKey, ['administrator']);
  }

  async #presetAdministrator(): Promise<FirstAccess> {
    const { adminEmail = 'admin@localhost', adminPassword } = this.config;
    const id = derivedId('user', 'first-administrator');
    if (!(await this.commands.exists(user.category, id))) {
      const password = adminPassword ?? randomBytes(12).toString('base64url');
      // The password first: a start that is killed in between makes both again.
      await this.credentials.setPassword(id, password);
      const add = {
        type: 'AddUser' as const,
        email: adminEmail,
        name: 'Administrator',
        roles: ['administrator' as const],
      };
      await once(this.commands.execute(user, id, add));
      return adminPassword ? undefined : { email: adminEmail, password };
    }
    if (adminPassword) await this.credentials.setPassword(id, adminPassword);
    return undefined;
  }
}

/** Several processes may start at once: whoever comes second finds it done. */
async function once(command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!(error instanceof Refusal && error.kind === 'conflict')) throw error;
  }
}
