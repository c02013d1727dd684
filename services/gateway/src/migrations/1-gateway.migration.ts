import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Gateway1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table passwords (user_id uuid primary key, hash text not null)');
    await runner.query('create table api_keys (digest text primary key, id uuid not null, roles text[] not null)');
    await runner.query('create table connection_secrets (id uuid primary key, sealed bytea not null)');
    await runner.query(`
      create table deliveries (
        seq bigint generated always as identity primary key,
        id uuid not null unique,
        connection_id uuid not null,
        delivery_id text not null,
        sealed bytea not null,
        status text not null default 'received' check (status in ('received', 'applied', 'failed')),
        reason text,
        attempts int not null default 0,
        received_at timestamptz not null,
        settled_at timestamptz,
        next_attempt_at timestamptz not null default now(),
        unique (connection_id, delivery_id)
      )`);
    await runner.query(`create index deliveries_pending on deliveries (seq) where status = 'received'`);
    await runner.query('create index deliveries_of on deliveries (connection_id, status, seq desc)');
  }
  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['deliveries', 'connection_secrets', 'api_keys', 'passwords'])
      await runner.query(`drop table ${table}`);
  }
}
