import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import { Commands, idOfNew, invalid, notFound } from '@throughline/event-sourcing';
import { Answers, IdPipe, ShapeError, readIds } from '@throughline/service';
import { MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { contradictionsOf, type BulkChange } from '../customer/customer-bulk.ts';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { Tags } from '../tag/tags.view.ts';
import { Batch } from './batch.dto.ts';
import { batch } from './batch.ts';
import { BulkChangeDto, BulkPreview } from './bulk-change.dto.ts';
import { BulkPreviews } from './bulk-change.preview.ts';
import { Selections } from './selections.store.ts';

class MadeOfQuery {
  @MaxLength(100) of!: string;
}

/**
 * One change for many customers. A filter is analytics' affair: the gateway brings what it selects here, and starts the
 * batch once all of it is there.
 */
@Controller()
@Answers(Batch)
export class BulkChangeController {
  constructor(
    private readonly commands: Commands,
    private readonly selections: Selections,
    private readonly previews: BulkPreviews,
    private readonly tags: Tags,
  ) {}

  /** Begins in the background; `GET /api/batches/:id` says how far it is. */
  @Post('customers/bulk')
  @HttpCode(202)
  async change(@Body() body: BulkChangeDto) {
    const ids = idsOf(body);
    const change = await this.#changeOf(body);
    const id = idOfNew(batch.category);
    await this.selections.store(id, JSON.stringify(ids), [ids]);
    return this.#start(id, body, change);
  }

  /** What it would do. */
  @Post('customers/bulk/preview')
  @HttpCode(200)
  @Answers(BulkPreview)
  async preview(@Body() body: BulkChangeDto) {
    return this.previews.preview(idsOf(body), await this.#changeOf(body));
  }

  @Get('internal/selections/:id')
  async selection(@Param('id', IdPipe) id: string, @Query() { of }: MadeOfQuery) {
    if (!(await this.selections.has(id, of))) throw notFound('not-found');
    return { id };
  }

  @Put('internal/selections/:id')
  async select(@Param('id', IdPipe) id: string, @Query() { of }: MadeOfQuery, @Req() request: FastifyRequest) {
    await this.selections.store(id, of, readIds(request.body as AsyncIterable<Uint8Array>));
    return { id };
  }

  /** Of a selection that is there already. */
  @Post('internal/customers/bulk/:id')
  @HttpCode(202)
  async changeSelection(@Param('id', IdPipe) id: string, @Body() body: BulkChangeDto) {
    return this.#start(id, body, await this.#changeOf(body));
  }

  /** Records hold the names that tags had when they were given: a tag is there, and is removed, by any of them. */
  async #changeOf(body: BulkChangeDto): Promise<BulkChange> {
    const { add, remove, ...change } = changeOf(body);
    const added = (add?.tags ?? []).map(async (tag) => [tag, await this.tags.namesMeaning([tag])] as const);
    const tags = remove?.tags && (await this.tags.namesMeaning(remove.tags));
    return {
      ...change,
      add,
      remove: tags ? { ...remove, tags } : remove,
      ...(added.length > 0 && { tagNames: Object.fromEntries(await Promise.all(added)) }),
    };
  }

  async #start(id: string, body: BulkChangeDto, change: BulkChange) {
    const { filter, q, title } = body;
    const params = { change, filter, q };
    const command = { type: 'StartBatch', kind: 'bulk-change', title, params } as const;
    const { fields, ...executed } = await this.commands.execute(batch, id, command, { body });
    return { ...executed, fields: { ...fields, progress: null } };
  }
}

function idsOf({ ids, filter, q }: BulkChangeDto): string[] {
  if (!ids) throw new ShapeError([{ path: 'ids', code: 'required' }]);
  const beside = Object.entries({ filter, q }).filter(([, value]) => value !== undefined);
  if (beside.length > 0) throw new ShapeError(beside.map(([path]) => ({ path, code: 'not-allowed' })));
  return [...new Set(ids)];
}

/** @throws Refusal `invalid-bulk-change` */
function changeOf({ set, add, remove, clear, archive, restore }: BulkChangeDto): BulkChange {
  const change: BulkChange = { set: set as CustomerInput | undefined, add, remove, clear, archive, restore };
  const errors = contradictionsOf(change);
  if (errors.length > 0) throw invalid('invalid-bulk-change', errors);
  return change;
}
