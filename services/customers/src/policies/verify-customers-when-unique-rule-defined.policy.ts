import { isDeepStrictEqual } from 'node:util';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { noRules, type RecordedOf, type RuleSet, type RuleSetEvent } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { Jobs, type PolicyPattern } from '@throughline/service';
import { ruleSet } from '../rules/rule-set.ts';
import { verificationId, verifying } from '../rules/verify-customers.job.ts';

type RuleSetDefined = RecordedOf<RuleSetEvent>;

/** The job by which old values become their customers' own; none where no rule that only one may have a value is new. */
export function react({ id, data }: Pick<RuleSetDefined, 'id' | 'data'>, before: RuleSet): { id: string }[] {
  const isNew = data.rules.some(
    (rule) => rule.kind === 'unique' && !before.rules.some((other) => isDeepStrictEqual(other, rule)),
  );
  return isNew ? [{ id: verificationId(id) }] : [];
}

const on: PolicyPattern = { policy: 'verify-customers-when-unique-rule-defined', event: 'RuleSetDefined' };

@Controller()
export class VerifyCustomersWhenUniqueRuleDefined {
  constructor(
    private readonly commands: Commands,
    private readonly jobs: Jobs,
  ) {}

  @EventPattern(on)
  async defined(@Payload() event: RuleSetDefined) {
    const { id, version } = event.stream;
    const { state } =
      version > 1 ? await this.commands.load(ruleSet, id, { version: version - 1 }) : { state: noRules };
    for (const job of react(event, state)) await this.jobs.start(verifying, job.id, null);
  }
}
