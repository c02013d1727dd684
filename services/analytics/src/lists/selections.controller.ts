import { Readable } from 'node:stream';
import { Body, Controller, HttpCode, Post, StreamableFile } from '@nestjs/common';
import { WaitsFor, idLines, linesType } from '@throughline/service';
import { customers } from '../search/customers.index.ts';
import { searchFence } from '../search/search.indexer.ts';
import { SelectionBody } from './lists.dto.ts';
import { Lists } from './lists.reader.ts';

/** What a filter selects, for those who carry out something on all of it. */
@Controller('internal/customers/ids')
@WaitsFor(searchFence)
export class SelectionsController {
  constructor(private readonly lists: Lists) {}

  @Post('query')
  @HttpCode(200)
  async customers(@Body() body: SelectionBody) {
    const pages = await this.lists.ids(customers, body);
    return new StreamableFile(Readable.from(idLines(pages)), { type: linesType });
  }
}
