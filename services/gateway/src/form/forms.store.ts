import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { form, type Form } from './form.ts';

export type KnownForm = Form & { id: string };

const cacheMilliseconds = 5_000;

/** Forms by their public keys. */
@Injectable()
export class Forms {
  readonly #cache = new Map<string, { known: KnownForm; until: number }>();

  constructor(private readonly commands: Commands) {}

  /** Undefined where there is none, or it takes nothing in now. Remembered for five seconds. */
  async find(key: string): Promise<KnownForm | undefined> {
    const cached = this.#cache.get(key);
    if (cached && cached.until > Date.now()) return cached.known;
    this.#cache.delete(key);
    const id = await this.commands.holderOf(form.category, `form-key:${key}`);
    if (id === undefined) return undefined;
    const { state } = await this.commands.load(form, id);
    if (state.status !== 'active' || !state.active) return undefined;
    const known = { ...state, id };
    if (this.#cache.size > 10_000) this.#cache.clear();
    this.#cache.set(key, { known, until: Date.now() + cacheMilliseconds });
    return known;
  }

  forget(): void {
    this.#cache.clear();
  }
}
