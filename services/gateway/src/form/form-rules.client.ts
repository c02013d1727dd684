import { Injectable } from '@nestjs/common';
import type { CustomerFields, ServiceName } from '@throughline/contracts';
import { errorForLog, type FieldError } from '@throughline/event-sourcing';
import { Log, Tokens } from '@throughline/service';
import { Passes } from '../routing/passes.edge.ts';

const answerMilliseconds = 2_000;
const asker = { id: 'gateway', type: 'system', roles: [] } as const;

/** What the rules for customers and the definitions of their custom fields, which only customers knows, have against what a form brings. */
@Injectable()
export class FormRules {
  readonly #passes: Passes;
  #baseUrl: (service: ServiceName) => string = () => '';

  constructor(
    tokens: Tokens,
    private readonly log: Log,
  ) {
    this.#passes = new Passes(tokens);
  }

  /** Where services answer is known when the gateway starts. */
  reach(baseUrl: (service: ServiceName) => string): void {
    this.#baseUrl = baseUrl;
  }

  /** By the fields of the customer. Nothing where nobody answers in time: what a visitor sends is not lost for that. */
  async against(fields: CustomerFields, traceparent = ''): Promise<readonly FieldError[]> {
    try {
      const answer = await fetch(`${this.#baseUrl('customers')}/internal/customers/broken-rules`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await this.#passes.for(asker)}`,
          'content-type': 'application/json',
          traceparent,
        },
        body: JSON.stringify({ fields }),
        signal: AbortSignal.timeout(answerMilliseconds),
      });
      if (!answer.ok) throw new Error(`customers answered ${answer.status}`);
      return ((await answer.json()) as { errors: readonly FieldError[] }).errors;
    } catch (error) {
      this.log.warn('a form goes without the rules', errorForLog(error));
      return [];
    }
  }
}
