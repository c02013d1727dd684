import { Body, Controller, Get, HttpCode, Post, Query, UseInterceptors } from '@nestjs/common';
import { customers } from '../search/customers.index.ts';
import { deals } from '../search/deals.index.ts';
import { interactions } from '../search/interactions.index.ts';
import { orders } from '../search/orders.index.ts';
import { ListQueryBody, ListQueryDto, SearchQueryDto } from './lists.dto.ts';
import { Lists } from './lists.reader.ts';
import { SeesOwnWrites } from './own-writes.interceptor.ts';

@Controller()
@UseInterceptors(SeesOwnWrites)
export class ListsController {
  constructor(private readonly lists: Lists) {}

  @Get('customers')
  customers(@Query() query: ListQueryDto) {
    return this.lists.list(customers, query);
  }

  @Post('customers/query')
  @HttpCode(200)
  queryCustomers(@Body() query: ListQueryBody) {
    return this.lists.list(customers, query);
  }

  @Get('orders')
  orders(@Query() query: ListQueryDto) {
    return this.lists.list(orders, query);
  }

  @Post('orders/query')
  @HttpCode(200)
  queryOrders(@Body() query: ListQueryBody) {
    return this.lists.list(orders, query);
  }

  @Get('deals')
  deals(@Query() query: ListQueryDto) {
    return this.lists.list(deals, query);
  }

  @Post('deals/query')
  @HttpCode(200)
  queryDeals(@Body() query: ListQueryBody) {
    return this.lists.list(deals, query);
  }

  @Get('interactions')
  interactions(@Query() query: ListQueryDto) {
    return this.lists.list(interactions, query);
  }

  @Post('interactions/query')
  @HttpCode(200)
  queryInteractions(@Body() query: ListQueryBody) {
    return this.lists.list(interactions, query);
  }

  @Get('search')
  search(@Query() query: SearchQueryDto) {
    return this.lists.search(query);
  }
}
