import type { MigrationInterface, QueryRunner } from 'typeorm';

export class BulkChange1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table selections (
        id uuid primary key,
        made_of bytea not null,
        stored_at timestamptz not null default now()
      );
      create table selected_records (
        selection uuid not null references selections on delete cascade,
        place integer not null,
        record_id uuid not null,
        primary key (selection, place)
      );
      create table batch_failures (
        batch uuid not null,
        place integer not null,
        record_id uuid not null,
        code text not null,
        errors jsonb not null,
        primary key (batch, place)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table batch_failures; drop table selected_records; drop table selections');
  }
}
