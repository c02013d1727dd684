import { databaseUrl } from '@throughline/service';
import { dropDatabases, testConfig } from '@throughline/service/testing';
import pg from 'pg';
import { PostgresEngine } from '../src/search/postgres.engine.ts';
import { searchContract } from './search-contract.ts';

/** @param manyPages from which size on tables are read in parts */
const onPostgres = (manyPages?: number) => async () => {
  const config = testConfig();
  const server = new pg.Client({ connectionString: config.databaseUrl });
  await server.connect();
  await server.query(`create database "${config.databasePrefix}search"`);
  await server.end();
  const pool = new pg.Pool({ connectionString: databaseUrl(config.databaseUrl, `${config.databasePrefix}search`) });
  return {
    engine: new PostgresEngine(pool, manyPages),
    end: async () => {
      await pool.end();
      await dropDatabases(config);
    },
  };
};

searchContract('Postgres', onPostgres());
searchContract('Postgres, in parts', onPostgres(1));
