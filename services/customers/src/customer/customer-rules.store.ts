import { Injectable } from '@nestjs/common';
import { Commands, gathered } from '@throughline/event-sourcing';
import { lifecycle, lifecycleId } from '../care/lifecycle.ts';
import { fieldSet, fieldSetId } from '../field/field-set.ts';
import { ruleSet, ruleSetId } from '../rules/rule-set.ts';
import { builtInRules, type CustomerRules } from './customer-rules.ts';

/** Rules, and the version of them that the envelope is stamped with. */
export type StampedRules = { rules: CustomerRules; rulesVersion?: string };

const keptMilliseconds = 1_000;

/** What customers are decided by, straight from the streams that configure it: always current. */
@Injectable()
export class CurrentRules {
  readonly #asked = gathered((keys: readonly 'rules'[]) => this.#read(keys));

  #kept: { until: number; rules: Promise<StampedRules> } | undefined;

  constructor(private readonly commands: Commands) {}

  /** As they were a second ago at most: for sources, who come one after the other and are never refused. */
  recent(): Promise<StampedRules> {
    if (!this.#kept || performance.now() >= this.#kept.until) {
      const rules = this.read();
      this.#kept = { until: performance.now() + keptMilliseconds, rules };
      rules.catch(() => (this.#kept = undefined));
    }
    return this.#kept.rules;
  }

  async read(): Promise<StampedRules> {
    return (await this.#asked(['rules'])).get('rules') ?? { rules: builtInRules };
  }

  async #read(keys: readonly 'rules'[]): Promise<ReadonlyMap<'rules', StampedRules>> {
    const [fields, stages, values] = await Promise.all([
      this.commands.load(fieldSet, fieldSetId('customer')),
      this.commands.load(lifecycle, lifecycleId),
      this.commands.load(ruleSet, ruleSetId('customer')),
    ]);
    const versions = Object.entries({ fields: fields.version, lifecycle: stages.version, rules: values.version });
    const set = versions.filter(([, version]) => version > 0).map(([name, version]) => `${name}@${version}`);
    const stamped = {
      rules: { ...builtInRules, fieldSet: fields.state, lifecycle: stages.state, ruleSet: values.state },
      ...(set.length > 0 && { rulesVersion: set.join(' ') }),
    };
    return new Map(keys.map((key) => [key, stamped]));
  }
}
