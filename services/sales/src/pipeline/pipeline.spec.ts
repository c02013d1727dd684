import { describe, expect, it } from '@jest/globals';
import type { PipelineEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { recorded, rowsOf } from '../../test/folding.ts';
import { columnsOf } from './board.ts';
import { pipeline, standardPipeline, type PipelineCommand } from './pipeline.ts';
import { pipelines } from './pipelines.view.ts';

const stages = [
  { id: 'first', name: '初步接触', probability: 20 },
  { id: 'second', name: '报价', probability: 33 },
];
const define: PipelineCommand = { type: 'DefinePipeline', name: '大客户', stages };
const defined: PipelineEvent = { type: 'PipelineDefined', name: '大客户', stages };
const given = scenario(pipeline);

describe('a pipeline', () => {
  it('is defined once', () => {
    given().when(define).then(defined);
    given(defined).when(define).thenRefused('pipeline-exists');
  });

  it('needs stages that can be told apart, with chances from 0 to 100', () => {
    given()
      .when({ ...define, stages: [] })
      .thenRefused('invalid-pipeline');
    given()
      .when({ ...define, stages: [...stages, ...stages] })
      .thenRefused('invalid-pipeline');
    given()
      .when({ ...define, stages: [{ id: 'x', name: 'x', probability: 101 }] })
      .thenRefused('invalid-pipeline');
  });

  it('is listed', () => {
    expect(rowsOf(pipelines, [recorded(defined, 'a')])).toEqual([{ id: 'a', name: '大客户', stages }]);
  });
});

describe('the columns of a board', () => {
  it('follow the stages, with exact sums a currency', () => {
    const totals = [
      { stage: 'second', currency: 'EUR', count: 1, amount: '0.10' },
      { stage: 'second', currency: 'CNY', count: 3, amount: '900000000000000.01' },
    ];
    const cards = [{ stage: 'second', id: 'a' }];
    expect(columnsOf({ stages }, totals, cards)).toEqual([
      { stage: 'first', name: '初步接触', probability: 20, count: 0, sum: [], weightedSum: [], cards: [] },
      {
        stage: 'second',
        name: '报价',
        probability: 33,
        count: 4,
        sum: [
          { amount: '900000000000000.01', currency: 'CNY' },
          { amount: '0.10', currency: 'EUR' },
        ],
        weightedSum: [
          { amount: '297000000000000.0033', currency: 'CNY' },
          { amount: '0.033', currency: 'EUR' },
        ],
        cards,
      },
    ]);
  });

  it('keep in sight the deals of a stage that is gone', () => {
    const totals = [{ stage: 'gone', currency: 'CNY', count: 1, amount: '5' }];
    const columns = columnsOf(standardPipeline, totals, [{ stage: 'gone' }]);
    expect(columns.map(({ stage, count }) => `${stage} ${count}`)).toEqual([
      'lead 0',
      'qualified 0',
      'proposal 0',
      'negotiation 0',
      'gone 1',
    ]);
  });
});
