import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { Answers, WaitsFor } from '@throughline/service';
import { customers } from '../search/customers.index.ts';
import { deals } from '../search/deals.index.ts';
import { interactions } from '../search/interactions.index.ts';
import { orders } from '../search/orders.index.ts';
import { searchFence } from '../search/search.indexer.ts';
import {
  CustomerList,
  DealList,
  InteractionList,
  ListQueryBody,
  ListQueryDto,
  OrderList,
  SearchQueryDto,
  SearchResult,
} from './lists.dto.ts';
import { Lists } from './lists.reader.ts';

@Controller()
@WaitsFor(searchFence)
export class ListsController {
  constructor(private readonly lists: Lists) {}

  @Get('customers')
  @Answers(CustomerList)
  customers(@Query() query: ListQueryDto) {
    return this.lists.list(customers, query);
  }

  @Post('customers/query')
  @Answers(CustomerList)
  @HttpCode(200)
  queryCustomers(@Body() query: ListQueryBody) {
    return this.lists.list(customers, query);
  }

  @Get('orders')
  @Answers(OrderList)
  orders(@Query() query: ListQueryDto) {
    return this.lists.list(orders, query);
  }

  @Post('orders/query')
  @Answers(OrderList)
  @HttpCode(200)
  queryOrders(@Body() query: ListQueryBody) {
    return this.lists.list(orders, query);
  }

  @Get('deals')
  @Answers(DealList)
  deals(@Query() query: ListQueryDto) {
    return this.lists.list(deals, query);
  }

  @Post('deals/query')
  @Answers(DealList)
  @HttpCode(200)
  queryDeals(@Body() query: ListQueryBody) {
    return this.lists.list(deals, query);
  }

  @Get('interactions')
  @Answers(InteractionList)
  interactions(@Query() query: ListQueryDto) {
    return this.lists.list(interactions, query);
  }

  @Post('interactions/query')
  @Answers(InteractionList)
  @HttpCode(200)
  queryInteractions(@Body() query: ListQueryBody) {
    return this.lists.list(interactions, query);
  }

  @Get('search')
  @Answers(SearchResult)
  search(@Query() query: SearchQueryDto) {
    return this.lists.search(query);
  }
}
