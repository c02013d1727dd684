import { Controller, Get, Param, Query } from '@nestjs/common';
import { Answers, IdPipe, ShapeError } from '@throughline/service';
import { fieldsOf, type CustomerFields } from '@throughline/contracts';
import { goldenOfGroup, type Group } from '../customer/customer-group.ts';
import { parentOf } from '../customer/customer-links.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { CustomerLinks } from './customer-links.view.ts';
import { Hierarchy, LinksQuery, PeopleAt } from './links.dto.ts';

const mostItems = 100;

@Controller('customers/:id')
export class LinksController {
  constructor(
    private readonly customers: GoldenCustomers,
    private readonly links: CustomerLinks,
  ) {}

  /** Who works for this company. */
  @Get('people')
  @Answers(PeopleAt)
  async people(@Param('id', IdPipe) id: string, @Query() query: LinksQuery) {
    const company = await this.customers.group(id);
    const { found, nextCursor } = await this.#naming('employerId', company, query);
    return { items: found.map(personOf), nextCursor };
  }

  /** What this company belongs to, and which companies belong to it. */
  @Get('hierarchy')
  @Answers(Hierarchy)
  async hierarchy(@Param('id', IdPipe) id: string, @Query() query: LinksQuery) {
    const company = await this.customers.group(id);
    const parentId = parentOf(company);
    const { above } = parentId === undefined ? { above: [] } : await this.customers.above(parentId);
    const { found, nextCursor } = await this.#naming('parentId', company, query);
    const parents = above.filter(([top]) => top.id !== company[0].id);
    return { parents: parents.map(relativeOf), children: found.map(relativeOf), nextCursor };
  }

  async #naming(field: 'employerId' | 'parentId', company: Group, { cursor = nobody, limit = '50' }: LinksQuery) {
    const most = Number(limit);
    if (most < 1 || most > mostItems) throw new ShapeError([{ path: 'limit', code: 'out-of-range' }]);
    const ids = company.map((part) => part.id);
    const named = await this.links.naming(field, ids, cursor, most + 1);
    const groups = await Promise.all(named.slice(0, most).map((one) => this.customers.group(one)));
    // What one of several records says need not be what counts.
    const found = groups.filter((group) => ids.includes(detailsOf(group)[field] ?? ''));
    return { found, nextCursor: named.length > most ? (named[most - 1] as string) : null };
  }
}

const nobody = '00000000-0000-0000-0000-000000000000';

const detailsOf = (group: Group): CustomerFields => fieldsOf(goldenOfGroup(group));

function relativeOf(group: Group) {
  const [{ id, state }] = group;
  const { name } = detailsOf(group);
  return { id, number: state.number, ...(name && { name }), archived: state.status === 'archived' };
}

function personOf(group: Group) {
  const { title, department, standing, emails, phones } = detailsOf(group);
  return {
    ...relativeOf(group),
    ...(title && { title }),
    ...(department && { department }),
    ...(standing && { standing }),
    ...(emails && { emails: emails.map(({ value }) => value) }),
    ...(phones && { phones: phones.map(({ value, e164 }) => e164 ?? value) }),
  };
}
