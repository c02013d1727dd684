import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { Answers, IdPipe, languageOf } from '@throughline/service';
import { writeCsv } from '@throughline/tables';
import type { FastifyReply } from 'fastify';
import { ImpactReader } from './impact.reader.ts';
import { personalDataRows } from './personal-data-rows.ts';
import { PersonalDataReader } from './personal-data.reader.ts';
import { Impact, PersonalData, PersonalDataQuery } from './privacy.dto.ts';

@Controller('customers/:id')
export class PrivacyController {
  constructor(
    private readonly personalData: PersonalDataReader,
    private readonly impacts: ImpactReader,
  ) {}

  /** All that is known about a person, for them to read. That it was asked for is recorded. */
  @Get('personal-data')
  @Answers(PersonalData)
  async export(
    @Param('id', IdPipe) id: string,
    @Query() { format = 'json', language }: PersonalDataQuery,
    @Headers('accept-language') languages: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const data = await this.personalData.export(id, format, language ?? languageOf(languages));
    void reply.header('content-language', data.language);
    if (format === 'json') return data;
    void reply.headers({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="personal-data-${id}.csv"`,
    });
    const [header = [], ...rows] = personalDataRows(data);
    const pieces: Uint8Array[] = [];
    for await (const piece of writeCsv(header, rows)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  @Get('impact')
  @Answers(Impact)
  impact(@Param('id', IdPipe) id: string) {
    return this.impacts.of(id);
  }
}
