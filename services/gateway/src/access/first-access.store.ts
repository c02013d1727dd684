import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Commands, derivedId, runInContext, systemContext } from '@throughline/event-sourcing';
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
    if (!(await this.commands.exists(apiKey.category, id))) {
      await this.commands.execute(apiKey, id, { type: 'IssueApiKey', name: 'preset', roles: ['administrator'] });
    }
    await this.credentials.addApiKey(id, adminApiKey, ['administrator']);
  }

  async #presetAdministrator(): Promise<FirstAccess> {
    const { adminEmail = 'admin@localhost', adminPassword } = this.config;
    const id = derivedId('user', 'first-administrator');
    if (!(await this.commands.exists(user.category, id))) {
      const password = adminPassword ?? randomBytes(12).toString('base64url');
      // The password first: a start that is killed in between makes both again.
      await this.credentials.setPassword(id, password);
      await this.commands.execute(user, id, {
        type: 'AddUser',
        email: adminEmail,
        name: 'Administrator',
        roles: ['administrator'],
      });
      return adminPassword ? undefined : { email: adminEmail, password };
    }
    if (adminPassword) await this.credentials.setPassword(id, adminPassword);
    return undefined;
  }
}
