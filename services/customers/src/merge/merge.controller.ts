import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { conflict, idOfNew, invalid } from '@throughline/event-sourcing';
import { Answers, IdPipe } from '@throughline/service';
import { groupOfEvents, type Group } from '../customer/customer-group.ts';
import { Customer } from '../customer/customer.dto.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { changesOf, previewUnmerge, provenanceOf, valuesBefore, valuesThen, wordsBefore } from './merge-preview.ts';
import { Merges } from './merges.store.ts';
import { inEvents } from '../customer/field-names.ts';
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
  constructor(
    private readonly customers: GoldenCustomers,
    private readonly merges: Merges,
  ) {}

  @Post('merge')
  @HttpCode(200)
  @Answers(Customer)
  merge(@Param('id', IdPipe) id: string, @Body() body: MergeDto) {
    const { absorb, fields, reason } = body;
    const command = { type: 'MergeCustomers', ...body };
    return this.merges.merge([id, ...absorb], { mergeId: idOfNew('merge'), fields, reason }, command);
  }

  /** What a merge would make of each field, and why. */
  @Post('merge/preview')
  @HttpCode(200)
  @Answers(MergePreview)
  previewMerge(@Param('id', IdPipe) id: string, @Body() { absorb, fields }: MergeDto) {
    return this.merges.preview([id, ...absorb], { mergeId: idOfNew('merge'), fields });
  }

  @Post('unmerge')
  @HttpCode(200)
  @Answers(Customer)
  unmerge(@Param('id', IdPipe) id: string, @Body() body: UnmergeDto) {
    const mergeId = idOfNew('merge');
    const { record: recordId, move = [] } = body;
    const command = { type: 'UnmergeCustomer', mergeId, recordId, move: move.map(inEvents) } as const;
    return this.merges.unmerge(id, command, { type: 'UnmergeCustomer', ...body }, { target: id });
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
    const [group] = await this.customers.tagged([await this.customers.group(id)]);
    return provenanceOf(group as Group);
  }

  /** Gives fields the values back that they had before their last change, or at a moment. */
  @Post('revert')
  @HttpCode(200)
  @Answers(Customer)
  async revert(@Param('id', IdPipe) id: string, @Body() body: RevertDto) {
    const fields = body.fields?.map(inEvents);
    const group = await this.customers.group(id);
    const then = body.to === undefined ? undefined : groupThen(group, body.to);
    const values = then ? valuesThen(group, then, fields) : valuesBefore(group, fields ?? []);
    const words = then ? then[0].record.words : wordsBefore(group, fields ?? []);
    return this.customers.execute(id, { type: 'ChangeCustomer', changes: changesOf(values), words }, { revert: body });
  }

  /** What it would change. */
  @Get('revert')
  @Answers(RevertPreview)
  async previewRevert(@Param('id', IdPipe) id: string, @Query() { to }: RevertQuery) {
    const group = await this.customers.group(id);
    const [now, then] = await this.customers.tagged([group, groupThen(group, to)]);
    return { fields: valuesThen(now as Group, then as Group) };
  }
}

/** @throws Refusal `invalid-revert` where the customer did not exist then */
function groupThen(group: Group, to: string): Group {
  const at = new Date(to).toISOString();
  const then = groupOfEvents(group, ({ effectiveAt }) => effectiveAt <= at);
  if (!then) throw invalid('invalid-revert', [{ path: 'to', code: 'before-start' }]);
  return then;
}
