import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { builtInSurvivorship, type CustomerField } from '@throughline/contracts';
import { conflict, idOfNew, invalid } from '@throughline/event-sourcing';
import { Answers, IdPipe } from '@throughline/service';
import { groupOfEvents, mergeGroups, unmergeRecord, type Group } from '../customer/customer-group.ts';
import { Customer } from '../customer/customer.dto.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { changesOf, previewMerge, previewUnmerge, provenanceOf, valuesBefore, valuesThen } from './merge-preview.ts';
import { inEvents, picksOf } from './picks.ts';
import {
  MergeDto,
  MergePreview,
  Provenance,
  RevertDto,
  RevertPreview,
  RevertQuery,
  UnmergeDto,
  UnmergePreview,
  UnmergePreviewDto,
} from './merge.dto.ts';

@Controller('customers/:id')
export class MergeController {
  constructor(private readonly customers: GoldenCustomers) {}

  @Post('merge')
  @HttpCode(200)
  @Answers(Customer)
  merge(@Param('id', IdPipe) id: string, @Body() body: MergeDto) {
    const mergeId = idOfNew('merge');
    return this.customers.decide([id, ...body.absorb], { type: 'MergeCustomers', ...body }, (groups) =>
      mergeGroups(groups, {
        type: 'MergeCustomers',
        mergeId,
        picks: picksOf(body.fields, groups),
        rules: builtInSurvivorship,
        reason: body.reason,
      }),
    );
  }

  /** What a merge would make of each field, and why. */
  @Post('merge/preview')
  @HttpCode(200)
  @Answers(MergePreview)
  async previewMerge(@Param('id', IdPipe) id: string, @Body() body: MergeDto) {
    const groups = await this.customers.groups([id, ...body.absorb]);
    const picks = picksOf(body.fields, groups);
    const command = { type: 'MergeCustomers', mergeId: idOfNew('merge'), picks, rules: builtInSurvivorship } as const;
    mergeGroups(groups, command);
    const records = groups.flat().map(({ id: recordId, state }) => ({
      id: recordId,
      number: state.number,
      into: state.into ?? null,
    }));
    return { fields: previewMerge(groups, picks, builtInSurvivorship), records };
  }

  @Post('unmerge')
  @HttpCode(200)
  @Answers(Customer)
  unmerge(@Param('id', IdPipe) id: string, @Body() body: UnmergeDto) {
    const mergeId = idOfNew('merge');
    const { record: recordId, move = [] } = body;
    const command = { type: 'UnmergeCustomer', mergeId, recordId, move: move.map(inEvents) } as const;
    return this.customers.decide(
      [id],
      { type: 'UnmergeCustomer', ...body },
      ([group]) => unmergeRecord(group, command),
      {
        target: id,
      },
    );
  }

  /** What was changed since the merge: named in `move`, it goes along with the record. */
  @Post('unmerge/preview')
  @HttpCode(200)
  @Answers(UnmergePreview)
  async previewUnmerge(@Param('id', IdPipe) id: string, @Body() { record }: UnmergePreviewDto) {
    const preview = previewUnmerge(await this.customers.group(id), record);
    if (!preview) throw conflict('not-merged', { record });
    return preview;
  }

  /** Which record, event and source each value comes from. */
  @Get('provenance')
  @Answers(Provenance)
  async provenance(@Param('id', IdPipe) id: string) {
    return provenanceOf(await this.customers.group(id));
  }

  /** Gives fields the values back that they had before their last change, or at a moment. */
  @Post('revert')
  @HttpCode(200)
  @Answers(Customer)
  async revert(@Param('id', IdPipe) id: string, @Body() body: RevertDto) {
    const fields = body.fields?.map(inEvents);
    const group = await this.customers.group(id);
    const values = body.to === undefined ? valuesBefore(group, fields ?? []) : await this.#then(group, body.to, fields);
    return this.customers.execute(id, { type: 'ChangeCustomer', changes: changesOf(values) }, { revert: body });
  }

  /** What it would change. */
  @Get('revert')
  @Answers(RevertPreview)
  async previewRevert(@Param('id', IdPipe) id: string, @Query() { to }: RevertQuery) {
    return { fields: await this.#then(await this.customers.group(id), to) };
  }

  /** @throws Refusal `invalid-revert` where the customer did not exist then */
  async #then(group: Group, to: string, fields?: readonly CustomerField[]) {
    const at = new Date(to).toISOString();
    const then = groupOfEvents(group, ({ effectiveAt }) => effectiveAt <= at);
    if (!then) throw invalid('invalid-revert', [{ path: 'to', code: 'before-start' }]);
    return valuesThen(group, then, fields);
  }
}
