import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Commands, conflict, idOfNew } from '@throughline/event-sourcing';
import { Answers, HistoryQuery, IdPipe, Records } from '@throughline/service';
import { ChangeTagDto, CreateTagDto, MergeTagsDto, Tag, TagPage, TagsQuery } from './tag.dto.ts';
import { mergeTags, tag } from './tag.ts';
import { Tags, mostTags } from './tags.view.ts';

@Controller('tags')
@Answers(Tag)
export class TagController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly tags: Tags,
  ) {}

  @Post()
  async create(@Body() body: CreateTagDto) {
    const { id = idOfNew(tag.category), ...fields } = body;
    await this.#checkFree(id, fields.name);
    return this.commands.execute(tag, id, { type: 'CreateTag', ...fields }, { body });
  }

  @Get()
  @Answers(TagPage)
  list(@Query() { archived, limit, cursor }: TagsQuery) {
    return this.tags.list(archived === 'true', limit === undefined ? mostTags : Number(limit), cursor);
  }

  @Get(':id')
  read(@Param('id', IdPipe) id: string) {
    return this.records.read(tag, id);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Query() query: HistoryQuery) {
    return this.records.history(tag, id, query);
  }

  /** A new name shows at once on every customer that has the tag; the former one goes on meaning it. */
  @Patch(':id')
  async change(@Param('id', IdPipe) id: string, @Body() changes: ChangeTagDto) {
    if (changes.name !== undefined) await this.#checkFree(id, changes.name);
    return this.commands.execute(tag, id, { type: 'ChangeTag', changes });
  }

  @Post(':id/merge')
  @HttpCode(200)
  async merge(@Param('id', IdPipe) id: string, @Body() { absorb }: MergeTagsDto) {
    const ids = [id, ...new Set(absorb.filter((other) => other !== id))] as [string, ...string[]];
    await this.commands.executeAcross(tag, ids, { type: 'MergeTags' }, (states) => mergeTags(ids, states));
    return this.records.read(tag, id);
  }

  @Post(':id/archive')
  @HttpCode(200)
  archive(@Param('id', IdPipe) id: string) {
    return this.commands.execute(tag, id, { type: 'ArchiveTag' });
  }

  @Delete(':id')
  remove(@Param('id', IdPipe) id: string) {
    return this.commands.execute(tag, id, { type: 'ArchiveTag' });
  }

  @Post(':id/restore')
  @HttpCode(200)
  restore(@Param('id', IdPipe) id: string) {
    return this.commands.execute(tag, id, { type: 'RestoreTag' });
  }

  /** Names that were recorded before names were cleaned are claimed as they came: the view knows them by their clean form. */
  async #checkFree(id: string, name: string): Promise<void> {
    const holder = await this.tags.holderOf(name);
    if (holder !== undefined && holder !== id) throw conflict('tag-name-taken', { holder });
  }
}
