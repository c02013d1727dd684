import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cellEntries, customerCell } from '@throughline/contracts';

describe('a list in one cell', () => {
  it('is read as people write it', () => {
    expect(cellEntries(' VIP、老客户|"B2B"; ；5" pipe\n"half, of it')).toEqual([
      'VIP',
      '老客户',
      'B2B',
      '5" pipe',
      '"half',
      'of it',
    ]);
    expect(cellEntries('"华东,重点"; "say ""hi"";"')).toEqual(['华东,重点', 'say "hi";']);
    expect([cellEntries(''), cellEntries(' ; "" ')]).toEqual([[], []]);
  });

  it('is read back as it was written, whatever it holds', () => {
    const entry = fc.stringMatching(/^[a"; ,，、|\n华]{1,8}$/).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(fc.array(entry), (tags) => {
        expect(cellEntries(customerCell({ tags }, 'tags'))).toEqual(tags);
      }),
    );
  });
});
