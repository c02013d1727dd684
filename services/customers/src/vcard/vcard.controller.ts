import { Controller, Get, Headers, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { notFound } from '@throughline/event-sourcing';
import { Answers, IdPipe, Log, ShapeError, shapeCheck } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { BatchRequests, type Misshapen } from '../batch-request/batch-requests.store.ts';
import { problemItem } from '../batch-request/batch-request.controller.ts';
import { BatchRequestOutcome, mostOperations } from '../batch-request/batch-request.dto.ts';
import type { Operation } from '../batch-request/batch-request.ts';
import { operationOf } from '../batch-request/operation.shape.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { isSkipped, skipHeader } from '../duplicates/duplicate.dto.ts';
import { fieldsOf } from './card-fields.ts';
import { VcardDto } from './vcard.dto.ts';
import { parseVcards } from './vcard.ts';
import { vcardOf } from './write-vcard.ts';

const shape = shapeCheck();

@Controller('customers')
export class VcardController {
  constructor(
    private readonly batch: BatchRequests,
    private readonly customers: GoldenCustomers,
    private readonly log: Log,
  ) {}

  /** A customer for each card of a file, which comes as it is (`text/vcard`) or within JSON. */
  @Post('vcard')
  @HttpCode(200)
  @ApiConsumes('application/json', 'text/vcard')
  @ApiBody({ type: VcardDto })
  @Answers(BatchRequestOutcome)
  async take(@Req() request: FastifyRequest, @Headers(skipHeader) skip?: string) {
    const { bytes, fields } = await readCards(request.body);
    const cards = parseVcards(bytes);
    if (cards.length === 0) throw unreadable();
    if (cards.length > mostOperations) throw new ShapeError([{ path: 'vcard', code: 'too-many' }]);
    const operations = await Promise.all(
      cards.map(async (card, index): Promise<Operation | Misshapen> => {
        try {
          if (card === 'unreadable') throw unreadable();
          return await operationOf({ op: 'create', data: { ...fieldsOf(card), ...fields } }, index);
        } catch (error) {
          return { error };
        }
      }),
    );
    const body = { vcard: Buffer.from(bytes).toString('latin1'), ...fields };
    const outcomes = await this.batch.each(operations, body, isSkipped(skip));
    return {
      items: outcomes.map((outcome) =>
        'error' in outcome ? problemItem(outcome.error, request, this.log) : { status: 201, ...outcome.done },
      ),
    };
  }

  /** vCard 4.0. */
  @Get(':id/vcard')
  @Answers(Type.String({ description: 'A vCard, as `text/vcard`.' }))
  async show(@Param('id', IdPipe) named: string, @Res() reply: FastifyReply) {
    const { id, fields, version, versions = [version] } = await this.customers.read(named);
    if (fields['erased']) throw notFound('customer-not-found');
    const file = `${encodeURIComponent(String(fields['number']))}.vcf`;
    return reply
      .headers({
        'content-type': 'text/vcard; charset=utf-8',
        'content-disposition': `attachment; filename*=UTF-8''${file}`,
        etag: `"${versions.join('-')}"`,
      })
      .send(vcardOf(id, fields as Parameters<typeof vcardOf>[1]));
  }
}

const unreadable = () => new ShapeError([{ path: 'vcard', code: 'unreadable-vcard' }]);

async function readCards(body: unknown): Promise<{ bytes: Uint8Array; fields: Record<string, unknown> }> {
  if (Buffer.isBuffer(body)) return { bytes: body, fields: {} };
  const dto = (await shape.transform(body, { type: 'body', metatype: VcardDto })) as VcardDto;
  const { vcard, ...fields } = dto;
  return { bytes: Buffer.from(vcard), fields };
}
