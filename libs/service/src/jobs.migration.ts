import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table of `Jobs`: among the migrations of every service that has jobs, and in what its backups keep. */
export class Jobs1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table jobs (
        id uuid primary key,
        kind text not null,
        state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'stopped')),
        entry text not null,
        source text not null,
        requested_by jsonb not null,
        params bytea,
        place bytea,
        done bigint not null default 0,
        total bigint,
        counts jsonb not null default '{}',
        error text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    await runner.query(`create index jobs_open on jobs (created_at) where state in ('waiting', 'running')`);
    await runner.query('create index jobs_of on jobs (kind, created_at desc, id)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table jobs');
  }
}
