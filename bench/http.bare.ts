// One Nest route on Fastify that inserts one row: no token, no check of the body, no events.
import 'reflect-metadata';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { newId } from '@throughline/event-sourcing';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['BENCH_DATABASE_URL'], max: 16 });
await pool.query('create table if not exists bare_customers (id uuid primary key, body json not null)');

@Controller('api/customers')
class BareController {
  @Post()
  async create(@Body() body: object) {
    const id = newId();
    const text = 'insert into bare_customers (id, body) values ($1, $2)';
    await pool.query({ name: 'bare-insert', text, values: [id, JSON.stringify(body)] });
    return { id, ...body };
  }
}

@Module({ controllers: [BareController] })
class BareModule {}

const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
process.stdout.write(`listening at ${await app.getUrl()}\n`);
