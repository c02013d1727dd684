import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Bytes of files in encrypted chunks; what rows are known by; the rows that could not be taken. */
export class Imports1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import_files (
        id uuid primary key,
        created_at timestamptz not null default now(),
        sample bytea
      );
      create table import_chunks (
        file_id uuid not null references import_files on delete cascade,
        number integer not null,
        sealed bytea not null,
        primary key (file_id, number)
      );
      alter table import_chunks alter column sealed set storage external;
      create table import_keys (
        job_id uuid not null,
        key bytea not null,
        line bigint not null,
        primary key (job_id, key)
      );
      create table import_errors (
        job_id uuid not null,
        line bigint not null,
        sealed bytea not null,
        created_at timestamptz not null default now(),
        primary key (job_id, line)
      );`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'drop table import_errors; drop table import_keys; drop table import_chunks; drop table import_files',
    );
  }
}
