import { setTimeout as sleep } from 'node:timers/promises';
import { Body, Controller, Get, Put } from '@nestjs/common';
import type { RecordedOf, RuleSetEvent } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { Answers, Jobs } from '@throughline/service';
import { fieldSet, fieldSetId } from '../field/field-set.ts';
import { ruleSet, ruleSetId, uniqueSince } from './rule-set.ts';
import { RuleSet, RuleSetDto } from './rules.dto.ts';
import { verificationId, verifying } from './verify-customers.job.ts';

const object = 'customer';
/** So long a definition is answered late at most, and is asked in between. */
const [patience, pause] = [2_000, 50];

/** What the values of customers have to be like, whoever enters them. */
@Controller('rules/customers')
@Answers(RuleSet)
export class RulesController {
  constructor(
    private readonly commands: Commands,
    private readonly jobs: Jobs,
  ) {}

  @Get()
  async read() {
    const { state, events } = await this.commands.load(ruleSet, ruleSetId(object));
    return { ...state, pending: await this.#pending(events as readonly RecordedOf<RuleSetEvent>[]) };
  }

  /** All of them, in place of those before. A `unique` one holds at once where the values of now are soon gone over. */
  @Put()
  async define(@Body() { rules }: RuleSetDto) {
    const { state: fields } = await this.commands.load(fieldSet, fieldSetId(object));
    const command = { type: 'DefineRuleSet', object, rules } as const;
    await this.commands.execute(ruleSet, ruleSetId(object), command, { rules: fields });
    for (const until = performance.now() + patience; ; await sleep(pause)) {
      const answer = await this.read();
      if (answer.pending.length === 0 || performance.now() > until) return answer;
    }
  }

  /** The `unique` rules for whose values no verification has gone over all customers yet. */
  async #pending(definitions: readonly RecordedOf<RuleSetEvent>[]): Promise<string[]> {
    const last = await this.jobs.newest(verifying, ['done']);
    const isDone = async ({ id, recordedAt }: RecordedOf<RuleSetEvent>) =>
      (last && last.createdAt > recordedAt) || (await this.jobs.find(verificationId(id)))?.state === 'done';
    const rules = uniqueSince(definitions);
    const areDone = await Promise.all(rules.map(({ since }) => isDone(since)));
    return rules.flatMap(({ rule }, index) => (areDone[index] ? [] : [rule.id]));
  }
}
